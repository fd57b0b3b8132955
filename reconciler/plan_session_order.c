/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the actions of sessions. What is written to a row is written only
 * when it says something new: the API server saves whole rows, so an idle
 * write could undo what its user just did.
 */
#include <config.h>

#include "lib/limits.h"
#include "reconciler/conditions.h"
#include "reconciler/plan_session.h"

#include <string.h>

/* Orders are about the pod; of an id that makes no name, about its hash. */
static struct acp_action *
add_order(const struct acp_session_step *session, enum acp_verb verb,
	const char *reason)
{
	char name[ACP_NAME_SIZE];
	struct acp_ref ref = {ACP_KIND_POD,
		*session->namespace ? session->namespace : NULL,
		session->names.pod};
	struct acp_plan *plan = session->step.plan;
	struct acp_session_order *order =
		acp_arena_alloc(plan->arena, sizeof(*order));
	struct acp_action *action;

	if (!session->has_names) {
		acp_desired_binding_name("session", session->row->id, name);
		ref.name = name;
	}
	*order = (struct acp_session_order){.session_id = session->row->id,
		.expected = session->row->phase};
	action = acp_plan_add(plan, verb, &ref, session->step.unit, reason);
	action->session = order;
	action->subject = session->step.unit;
	return action;
}

/* The order of the action that was just added. */
static struct acp_session_order *
peek_order(const struct acp_action *action)
{
	return (struct acp_session_order *)action->session;
}

struct acp_session_order *
acp_session_add_phase(const struct acp_session_step *session,
	enum acp_phase phase, const char *reason, const char *message)
{
	struct acp_session_order *order = peek_order(add_order(
		session, ACP_VERB_PHASE, message ? message : "times differ"));

	order->phase = phase;
	order->reason = reason;
	order->message = message;
	order->is_true = phase == ACP_PHASE_RUNNING;
	return order;
}

void
acp_session_add_end(const struct acp_session_step *session,
	enum acp_phase phase, const char *reason, const char *message,
	bool is_absence)
{
	struct acp_plan *plan = session->step.plan;

	acp_session_add_phase(session, phase, reason, message)->completion_s =
		session->step.world->kube_now_s;
	plan->actions[plan->count - 1].is_absence = is_absence;
}

static bool
is_told(const struct acp_session_row *row, const char *reason,
	const char *message)
{
	const struct acp_condition condition = {
		.reason = reason, .message = message};
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, 2 * ACP_ROW_JSON_MAX);
	return !acp_conditions_set(row->conditions, &condition, 0, &text);
}

void
acp_session_tell(const struct acp_session_step *session, const char *reason,
	const char *message)
{
	if (!is_told(session->row, reason, message))
		acp_session_add_phase(
			session, ACP_PHASE_UNKNOWN, reason, message);
}

void
acp_session_add_provision(const struct acp_session_step *session,
	unsigned int reprovisions, const char *reason)
{
	struct acp_action *action =
		add_order(session, ACP_VERB_PROVISION, reason);
	struct acp_session_order *order = peek_order(action);

	order->reprovisions = reprovisions;
	/* written with the first pod, and never taken away again */
	order->is_resume = session->row->start_us != 0;
	action->is_absence = reprovisions != 0;
}

struct acp_action *
acp_session_delete(const struct acp_session_step *session,
	const struct acp_object *object, const char *reason)
{
	if (!object || object->deleted_s)
		return NULL;
	return acp_step_delete(&session->step, object, reason);
}
