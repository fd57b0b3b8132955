/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as a container: actions and refusals, and the texts that they
 * need. Filled by the planners; must never judge.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "lib/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
acp_plan_init(struct acp_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->arena = acp_arena_new();
}

void
acp_plan_clear(struct acp_plan *plan)
{
	free(plan->actions);
	free(plan->refusals);
	acp_arena_free(&plan->arena);
	memset(plan, 0, sizeof(*plan));
}

/* Makes room for one more of size bytes; the array may move. */
static void *
grow(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity ? 2 * *capacity : 16;
	return acp_memory_resize(items, *capacity, size);
}

static const char *
dup_or_null(struct acp_plan *plan, const char *text)
{
	return text ? acp_arena_dup(plan->arena, text) : NULL;
}

struct acp_action *
acp_plan_add(struct acp_plan *plan, enum acp_verb verb,
	const struct acp_ref *ref, const char *unit, const char *reason)
{
	struct acp_action *action;

	plan->actions = grow(plan->actions, plan->count, &plan->capacity,
		sizeof(*plan->actions));
	action = &plan->actions[plan->count++];
	*action = (struct acp_action){
		.verb = verb,
		.ref = {ref->kind, dup_or_null(plan, ref->namespace),
			dup_or_null(plan, ref->name)},
		.unit = unit,
		.reason = reason,
	};
	return action;
}

const char *
acp_plan_text(struct acp_plan *plan, const char *format, ...)
{
	va_list arguments, again;
	char *text;
	int size;

	va_start(arguments, format);
	va_copy(again, arguments);
	size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	text = acp_arena_alloc(plan->arena, size < 0 ? 1 : (size_t)size + 1);
	if (size > 0)
		vsnprintf(text, (size_t)size + 1, format, again);
	va_end(again);
	return text;
}

void
acp_plan_refuse(struct acp_plan *plan, const char *project, const char *reason)
{
	/* the refusals of one project are made one after the other */
	for (size_t i = plan->refusal_count; i > 0; i--) {
		const struct acp_refusal *last = &plan->refusals[i - 1];

		if (strcmp(last->project, project) != 0)
			break;
		if (strcmp(last->reason, reason) == 0)
			return;
	}
	plan->refusals = grow(plan->refusals, plan->refusal_count,
		&plan->refusal_capacity, sizeof(*plan->refusals));
	plan->refusals[plan->refusal_count++] =
		(struct acp_refusal){project, reason};
}

const char *
acp_verb_name(enum acp_verb verb)
{
	switch (verb) {
	case ACP_VERB_CREATE:
		return "create";
	case ACP_VERB_APPLY:
		return "apply";
	case ACP_VERB_MARK:
		return "mark";
	case ACP_VERB_DELETE:
		return "delete";
	case ACP_VERB_PROVISION:
		return "provision";
	case ACP_VERB_PHASE:
		return "phase";
	case ACP_VERB_REPORT:
		return "report";
	case ACP_VERB__MAX:
		break;
	}
	return "unknown";
}
