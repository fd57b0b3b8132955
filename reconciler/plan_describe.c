/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as people and programs read it: --dry-run and --json. Names and
 * sentences may hold what callers of the API wrote, so nothing that would
 * steer a terminal gets through.
 */
#include <config.h>

#include "reconciler/plan.h"

#include <string.h>

static void
append_printable(struct acp_buffer *text, const char *hostile)
{
	for (; *hostile; hostile++) {
		unsigned char byte = (unsigned char)*hostile;

		if (byte < ' ' || byte == 0x7f)
			acp_buffer_append(text, "?");
		else
			acp_buffer_append_bytes(text, hostile, 1);
	}
}

static void
describe_action(const struct acp_action *action, struct acp_buffer *text)
{
	if (action->is_held)
		acp_buffer_append(text, "held: ");
	acp_buffer_printf(text, "%s ", acp_verb_name(action->verb));
	acp_ref_describe(&action->ref, text);
	acp_buffer_append(text, " (");
	append_printable(text, action->reason);
	acp_buffer_append(text, ")\n");
}

static void
describe_refusal(const struct acp_refusal *refusal, struct acp_buffer *text)
{
	acp_buffer_append(text, "refused: project ");
	append_printable(text, refusal->project);
	acp_buffer_append(text, " (");
	append_printable(text, refusal->reason);
	acp_buffer_append(text, ")\n");
}

void
acp_plan_describe(const struct acp_plan *plan, struct acp_buffer *text)
{
	for (size_t i = 0; i < plan->count; i++)
		describe_action(&plan->actions[i], text);
	for (size_t i = 0; i < plan->refusal_count; i++)
		describe_refusal(&plan->refusals[i], text);
	if (plan->held)
		acp_buffer_printf(text,
			"held back: %zu deletions; "
			"--allow-mass-delete=%s lets them pass\n",
			plan->held, plan->held_digest);
}

static void
append_member(struct acp_buffer *text, const char *key, const char *value)
{
	acp_buffer_printf(text, "\"%s\":", key);
	if (value)
		acp_buffer_append_json(text, value, strlen(value));
	else
		acp_buffer_append(text, "null");
	acp_buffer_append(text, ",");
}

static void
describe_action_json(const struct acp_action *action, struct acp_buffer *text)
{
	acp_buffer_append(text, "{");
	append_member(text, "verb", acp_verb_name(action->verb));
	append_member(text, "kind", acp_kind_name(action->ref.kind));
	append_member(text, "namespace", action->ref.namespace);
	append_member(text, "name", action->ref.name);
	append_member(text, "unit", action->unit);
	append_member(text, "reason", action->reason);
	acp_buffer_printf(
		text, "\"held\":%s}", action->is_held ? "true" : "false");
}

static void
describe_refusal_json(
	const struct acp_refusal *refusal, struct acp_buffer *text)
{
	acp_buffer_append(text, "{\"project\":");
	acp_buffer_append_json(
		text, refusal->project, strlen(refusal->project));
	acp_buffer_append(text, ",\"reason\":");
	acp_buffer_append_json(text, refusal->reason, strlen(refusal->reason));
	acp_buffer_append(text, "}");
}

void
acp_plan_describe_json(const struct acp_plan *plan, struct acp_buffer *text)
{
	acp_buffer_append(text, "{\"actions\":[");
	for (size_t i = 0; i < plan->count; i++) {
		acp_buffer_append(text, i ? "," : "");
		describe_action_json(&plan->actions[i], text);
	}
	acp_buffer_append(text, "],\"refusals\":[");
	for (size_t i = 0; i < plan->refusal_count; i++) {
		acp_buffer_append(text, i ? "," : "");
		describe_refusal_json(&plan->refusals[i], text);
	}
	acp_buffer_printf(text,
		"],\"foreign_objects\":%zu,\"held\":%zu,"
		"\"held_digest\":\"%s\"}\n",
		plan->foreign_objects, plan->held, plan->held_digest);
}
