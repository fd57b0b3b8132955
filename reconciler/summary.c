/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds up and prints what became of a pass. No I/O.
 */
#include <config.h>

#include "reconciler/summary.h"

#include <inttypes.h>

const char *
acp_result_name(enum acp_result result)
{
	switch (result) {
	case ACP_RESULT_DONE:
		return "done";
	case ACP_RESULT_WAITING:
		return "waiting";
	case ACP_RESULT_FAILED:
		return "failed";
	case ACP_RESULT_HELD:
		return "held";
	case ACP_RESULT_FOREIGN:
		return "foreign";
	case ACP_RESULT__MAX:
		break;
	}
	return "?";
}

uint64_t
acp_summary_count(const struct acp_summary *summary, enum acp_result result)
{
	uint64_t count = 0;

	for (int kind = 0; kind < ACP_KIND__MAX; kind++)
		for (int verb = 0; verb < ACP_VERB__MAX; verb++)
			count += summary->actions[kind][verb][result];
	return count;
}

enum acp_exit_code
acp_summary_exit_code(const struct acp_summary *summary)
{
	if (summary->is_nothing_known)
		return ACP_EXIT_NOTHING_DONE;
	if (acp_summary_count(summary, ACP_RESULT_FAILED) ||
		acp_summary_count(summary, ACP_RESULT_HELD) ||
		summary->unknown_lists || summary->stale_copies ||
		summary->is_key_failed || summary->is_timed_out)
		return ACP_EXIT_PARTIAL;
	return ACP_EXIT_CONVERGED;
}

void
acp_summary_describe(const struct acp_summary *summary, struct acp_buffer *text)
{
	for (int i = 0; i < ACP_RESULT__MAX; i++)
		acp_buffer_printf(text, "%s%s %" PRIu64, i ? ", " : "",
			acp_result_name((enum acp_result)i),
			acp_summary_count(summary, (enum acp_result)i));
	acp_buffer_printf(text,
		", unknown lists %u, refused projects %zu, foreign objects "
		"%zu%s%s%s\n",
		summary->unknown_lists, summary->refused,
		summary->foreign_objects,
		summary->is_key_failed ? ", key Secret and file not in step"
				       : "",
		summary->stale_copies ? ", Vertex secret not copied anew" : "",
		summary->is_timed_out ? ", ended by pass_timeout" : "");
	if (*summary->held_digest)
		acp_buffer_printf(text,
			"deletions are held; look at them, and if they are "
			"meant: --allow-mass-delete=%s\n",
			summary->held_digest);
}

void
acp_summary_describe_json(
	const struct acp_summary *summary, struct acp_buffer *text)
{
	for (int i = 0; i < ACP_RESULT__MAX; i++)
		acp_buffer_printf(text, "\"%s\":%" PRIu64 ",",
			acp_result_name((enum acp_result)i),
			acp_summary_count(summary, (enum acp_result)i));
	acp_buffer_printf(text,
		"\"unknown_lists\":%u,\"refused_projects\":%zu,"
		"\"foreign_objects\":%zu,\"stale_copies\":%zu,"
		"\"held_digest\":\"%s\","
		"\"key_in_step\":%s,\"timed_out\":%s,\"duration_ms\":%" PRId64,
		summary->unknown_lists, summary->refused,
		summary->foreign_objects, summary->stale_copies,
		summary->held_digest, summary->is_key_failed ? "false" : "true",
		summary->is_timed_out ? "true" : "false", summary->duration_ms);
}
