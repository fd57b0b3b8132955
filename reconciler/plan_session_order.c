/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the actions of sessions. What is written to a row is written only
 * when it says something new: the API server saves whole rows, so an idle
 * write could undo what its user just did.
 */
#include <config.h>

#include "reconciler/anchor.h"
#include "reconciler/conditions.h"
#include "reconciler/ownership.h"
#include "reconciler/plan_session.h"

#include <string.h>

bool
acp_session_has_namespace(const struct acp_session_step *session)
{
	return *session->namespace && session->row->project_id &&
		acp_ownership_has_namespace(session->step.world,
			session->step.site, session->row->project_id,
			session->namespace);
}

/* What is known of namespace and account; nothing, unless they are ours. */
static void
add_place(
	const struct acp_session_step *session, struct acp_session_order *order)
{
	const struct acp_world *world = session->step.world;

	if (!session->has_names || !acp_session_has_namespace(session))
		return;
	order->namespace_uid =
		acp_anchor_find_namespace_uid(world, session->namespace);
	if (session->account) {
		order->account_uid = session->account->uid;
		order->account_created_s = session->account->created_s;
	}
	if (world->kube_now_s && world->api_now_s)
		order->kube_ahead_s = world->kube_now_s - world->api_now_s;
}

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
	add_place(session, order);
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

	struct acp_session_order *order =
		acp_session_add_phase(session, phase, reason, message);

	order->completion_s = session->step.world->kube_now_s;
	order->is_reported = phase == ACP_PHASE_FAILED;
	plan->actions[plan->count - 1].is_absence = is_absence;
}

struct acp_session_order *
acp_session_tell(const struct acp_session_step *session, const char *reason,
	const char *message)
{
	const struct acp_condition condition = {
		.reason = reason, .message = message};
	struct acp_session_order *order;

	if (acp_conditions_has(session->row->conditions, &condition))
		return NULL;
	order = acp_session_add_phase(
		session, ACP_PHASE_UNKNOWN, reason, message);
	order->is_reported = true;
	return order;
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

void
acp_session_delete_if(const struct acp_session_step *session,
	const struct acp_object *object, enum acp_recheck recheck,
	const char *reason)
{
	struct acp_action *action = acp_session_delete(session, object, reason);

	if (!action)
		return;
	action->subject = session->step.unit;
	action->recheck = recheck;
}
