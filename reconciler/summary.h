/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a pass: counts by kind, verb and result, what was not known,
 * what was refused or held. Printed at its end, and the source of metrics.
 */
#ifndef ACP_RECONCILER_SUMMARY_H
#define ACP_RECONCILER_SUMMARY_H

#include "lib/buffer.h"
#include "reconciler/exit_code.h"
#include "reconciler/plan.h"

#include <stdbool.h>
#include <stdint.h>

enum acp_result {
	ACP_RESULT_DONE,
	ACP_RESULT_WAITING, /* something else must be there first */
	ACP_RESULT_FAILED,
	ACP_RESULT_HELD, /* by the mass-deletion gate */
	ACP_RESULT_FOREIGN, /* somebody else's has the name: left alone */
	ACP_RESULT__MAX
};

struct acp_summary {
	uint64_t actions[ACP_KIND__MAX][ACP_VERB__MAX][ACP_RESULT__MAX];
	size_t sessions[ACP_PHASE__MAX]; /* rows, by their phase */
	uint64_t provisions; /* sessions that were made … */
	int64_t provision_ms; /* … and the time they took, in sum */
	unsigned int unknown_lists;
	size_t stale_copies; /* of the Vertex secret, that were not renewed */
	size_t refused;
	size_t foreign_objects;
	char held_digest[17];
	bool is_nothing_known; /* neither server answered anything */
	bool is_key_failed; /* Secret and file are not in step */
	bool is_timed_out;
	int64_t duration_ms;
};

/* Sum over kinds and verbs. */
uint64_t acp_summary_count(
	const struct acp_summary *summary, enum acp_result result);

/* 0, 1 or 3, as in ambient-cp-reconciler(8). */
enum acp_exit_code acp_summary_exit_code(const struct acp_summary *summary);

/* "done 12, waiting 0, …" in a line; the same as members of a JSON object. */
void acp_summary_describe(
	const struct acp_summary *summary, struct acp_buffer *text);
void acp_summary_describe_json(
	const struct acp_summary *summary, struct acp_buffer *text);

/* "done", "waiting" …; static. */
const char *acp_result_name(enum acp_result result);

#endif
