/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phase table: from the phase of a row, and what is there of its pod, to
 * what is to be done. Acts on a missing pod only where it was proved missing,
 * and never starts what cannot work.
 */
#include <config.h>

#include "reconciler/conditions.h"
#include "reconciler/ownership.h"
#include "reconciler/plan_session.h"
#include "reconciler/rotation.h"

#include <string.h>

enum {
	EMPTY_GRACE_S = 10, /* the server's own start may be under way (H-20) */
	STOP_GRACE_S = 30, /* behind the time when a pod should be gone */
	TELL_AFTER_S = 60, /* a namespace may take that long */
	US_PER_S = 1000000
};

/* Where a session can never run */

static bool
is_project_gone(const struct acp_session_step *session)
{
	const struct acp_world *world = session->step.world;
	const char *id = session->row->project_id;

	return world->are_projects_known &&
		!acp_world_find_project(world, id) &&
		acp_world_find_answer(world->asked_projects,
			world->asked_project_count, id) == ACP_PRESENCE_GONE;
}

static void
fail(const struct acp_session_step *session, const char *reason,
	const char *message)
{
	acp_session_add_end(session, ACP_PHASE_FAILED, reason, message, false);
}

/* Ends what can never run; true when that was done. */
static bool
has_failed_for_ever(const struct acp_session_step *session)
{
	if (!session->has_names) {
		fail(session, "InvalidSession",
			"the id of a session must have 8 to 40 characters of "
			"A-Z a-z 0-9 and \"-\", with a letter or digit at both "
			"ends: create a session whose id is");
		return true;
	}
	if (!session->row->project_id) {
		fail(session, "InvalidSession",
			session->row->bad ? session->row->bad
					  : "the session has no project");
		return true;
	}
	if (is_project_gone(session)) {
		acp_session_add_end(session, ACP_PHASE_FAILED, "ProjectGone",
			"the project of the session is gone", true);
		return true;
	}
	return false;
}

/* Where it may run */

/* Why the project is refused; NULL: it is not. */
static const char *
find_refusal(const struct acp_session_step *session)
{
	const struct acp_plan *plan = session->step.plan;

	for (size_t i = 0; i < plan->refusal_count; i++)
		if (strcmp(plan->refusals[i].project,
			    session->row->project_id) == 0)
			return plan->refusals[i].reason;
	return NULL;
}

/* A namespace takes a moment: nobody is told before it takes long. */
static void
tell_of_namespace(const struct acp_session_step *session)
{
	const struct acp_world *world = session->step.world;
	const char *refusal = find_refusal(session);

	if (refusal)
		acp_session_tell(session, "ProjectRefused", refusal);
	else if (world->api_now_s &&
		world->api_now_s - session->row->updated_us / US_PER_S >=
			TELL_AFTER_S)
		acp_session_tell(session, "NamespaceNotReady",
			"the namespace of the project is not there yet");
}

static const char taken_service[] =
	"a Service of this session's name is there and is not this session's";

static bool
has_free_names(const struct acp_session_step *session)
{
	if (acp_session_is_service_anothers(session))
		fail(session, "NameTaken",
			"the name of the Service is taken by a session whose "
			"id differs only in upper and lower case: create "
			"another session");
	else if (acp_session_is_service_taken(session))
		acp_session_tell(session, "NameTaken", taken_service);
	else
		return !session->named_account ||
			!session->named_account->deleted_s;
	return false;
}

/* May it be provisioned now? If not, its row says why. */
static bool
may_be_provisioned(const struct acp_session_step *session)
{
	const struct acp_world *world = session->step.world;
	const struct acp_project_row *project =
		acp_world_find_project(world, session->row->project_id);

	if (!world->are_projects_known || !project)
		return false;
	if (project->bad || !acp_session_has_namespace(session)) {
		tell_of_namespace(session);
		return false;
	}
	if (!session->runner->token_url) {
		acp_session_tell(session, "NoTokenService",
			"the control plane has no token_url, so no runner "
			"could get a token: set it");
		return false;
	}
	return has_free_names(session);
}

/* Following the pod */

static bool
is_of_row(const struct acp_session_step *session)
{
	return session->row->start_us / US_PER_S == session->pod->created_s;
}

static bool
says_namespace(const struct acp_session_step *session)
{
	const char *text = session->row->kube_namespace;

	return text && strcmp(text, session->namespace) == 0;
}

static void
add_place(
	const struct acp_session_step *session, struct acp_session_order *order)
{
	if (!is_of_row(session))
		order->start_s = session->pod->created_s;
	if (!says_namespace(session))
		order->kube_namespace = session->namespace;
}

/* Does the row say all of it, and nothing that is over? */
static bool
is_row_right(const struct acp_session_step *session, bool is_taken)
{
	const struct acp_session_row *row = session->row;
	const struct acp_condition taken = {
		.reason = "NameTaken", .message = taken_service};

	return row->phase == ACP_PHASE_RUNNING && is_of_row(session) &&
		says_namespace(session) &&
		(is_taken ? acp_conditions_has(row->conditions, &taken)
			  : !acp_conditions_has_trouble(row->conditions));
}

/* Without its Service nobody reaches it: it runs, but is not ready. */
static void
follow_live_pod(const struct acp_session_step *session)
{
	bool is_taken = acp_session_is_service_taken(session);
	struct acp_session_order *order;

	acp_session_want_account(session, session->account);
	acp_session_want_service(session);
	if (is_row_right(session, is_taken))
		return;
	order = acp_session_add_phase(session, ACP_PHASE_RUNNING,
		is_taken ? "NameTaken" : "PodCreated",
		is_taken ? taken_service : "the runner's pod was made");
	order->is_true = !is_taken;
	order->is_reported = is_taken;
	add_place(session, order);
}

/* It can get no token any more, and never will. */
static bool
has_revoked_key(const struct acp_session_step *session)
{
	const struct acp_world *world = session->step.world;

	return world->keys && world->are_keys_current &&
		acp_rotation_is_revoked(world->keys,
			session->pod->marks[ACP_MARK_TOKEN_KEY_ID]);
}

/*
 * What is being deleted may have been stopped by that: only work that is done
 * counts.
 */
static void
follow_pod(const struct acp_session_step *session)
{
	int64_t now_s = session->step.world->kube_now_s;
	const struct acp_pod_verdict verdict =
		acp_session_judge_pod(session->step.plan, session->pod, now_s);
	struct acp_session_order *order;

	if (session->pod->deleted_s && verdict.phase != ACP_PHASE_COMPLETED)
		return;
	if (verdict.phase == ACP_PHASE_RUNNING && has_revoked_key(session)) {
		fail(session, "KeyRevoked",
			"the key of the runner's token was revoked: start the "
			"session again");
		return;
	}
	if (verdict.phase == ACP_PHASE_RUNNING) {
		follow_live_pod(session);
		return;
	}
	order = acp_session_add_phase(
		session, verdict.phase, verdict.reason, verdict.message);
	order->completion_s = verdict.end_s ? verdict.end_s : now_s;
	add_place(session, order);
}

/* Empty and Pending */

static bool
is_too_young(const struct acp_session_step *session)
{
	const struct acp_session_row *row = session->row;
	int64_t now_s = session->step.world->api_now_s;

	return row->phase == ACP_PHASE_EMPTY && row->created_us &&
		(!now_s || now_s - row->created_us / US_PER_S < EMPTY_GRACE_S);
}

static void
tell_of_previous_pod(const struct acp_session_step *session)
{
	struct acp_session_order *order =
		acp_session_tell(session, "PreviousPodTerminating",
			"the pod of the run before has to end first");

	/* that is how it goes */
	if (order)
		order->is_reported = false;
}

static void
plan_pending(const struct acp_session_step *session)
{
	const struct acp_object *pod = session->pod;

	if (!pod && is_too_young(session))
		return;
	if (has_failed_for_ever(session))
		return;
	if (session->old_pod ||
		(pod && (pod->deleted_s || is_of_row(session)))) {
		acp_session_delete(session, pod, "of an earlier run");
		tell_of_previous_pod(session);
	} else if (pod) {
		follow_pod(session);
	} else if (session->row->bad) {
		fail(session, "InvalidSession", session->row->bad);
	} else if (may_be_provisioned(session)) {
		acp_session_add_provision(session, 0, "the session is to run");
	}
}

/* Creating and Running */

/* A count that somebody has spoilt is used up. */
static bool
was_reprovisioned(const struct acp_session_step *session)
{
	const char *count = session->account
		? session->account->marks[ACP_MARK_REPROVISIONS]
		: NULL;

	return count && strcmp(count, "0") != 0;
}

/*
 * Something has the pod's name, and its owner is not the session's account.
 * An account that was stripped of all that shows whose it is gets that back,
 * and is looked at by the next pass; a pod that a missing account owns will be
 * collected. Anything else is somebody's, and is told.
 */
static void
plan_unknown_pod(const struct acp_session_step *session)
{
	const struct acp_ref ref = {
		ACP_KIND_POD, session->namespace, session->names.pod};
	const struct acp_object *pod =
		acp_world_find_object(session->step.world, &ref);
	const struct acp_object *account = session->named_account;

	if (account && account != session->account)
		acp_session_want_account(session, account);
	else if (pod && !pod->deleted_s && (account || !pod->owner_uid))
		acp_session_tell(session, "PodNotOurs",
			"a pod of this session's name is there and is not "
			"owned by this session's account: delete it");
}

static void
plan_missing_pod(const struct acp_session_step *session)
{
	const struct acp_world *world = session->step.world;
	enum acp_presence presence = acp_world_find_answer(
		world->asked_pods, world->asked_pod_count, session->row->id);

	if (session->old_pod || !acp_session_has_namespace(session))
		return;
	if (presence == ACP_PRESENCE_THERE)
		plan_unknown_pod(session);
	if (presence != ACP_PRESENCE_GONE)
		return;
	if (was_reprovisioned(session))
		acp_session_add_end(session, ACP_PHASE_FAILED, "PodMissing",
			"the runner's pod has vanished a second time", true);
	else if (may_be_provisioned(session))
		acp_session_add_provision(session, 1, "its pod has vanished");
}

static void
plan_running(const struct acp_session_step *session)
{
	if (has_failed_for_ever(session))
		return;
	if (session->pod)
		follow_pod(session);
	else
		plan_missing_pod(session);
}

/* Stopping */

static bool
is_overdue(const struct acp_session_step *session, const struct acp_object *pod)
{
	int64_t now_s = session->step.world->kube_now_s;

	return pod->deleted_s && now_s &&
		now_s - pod->deleted_s >= STOP_GRACE_S;
}

/* Nothing shows any more whose it is, but the pod is there and owned by it. */
static bool
has_stripped_account(const struct acp_session_step *session)
{
	return !session->account && session->named_account &&
		acp_session_has_pod_of(session, session->named_account);
}

/* A list without its pod is no proof that it has ended (H-25). */
static bool
may_have_pod(const struct acp_session_step *session)
{
	const struct acp_world *world = session->step.world;

	return session->has_names && acp_session_has_namespace(session) &&
		acp_world_find_answer(world->asked_pods, world->asked_pod_count,
			session->row->id) == ACP_PRESENCE_UNKNOWN;
}

static void
delete_stopping(
	const struct acp_session_step *session, const struct acp_object *object)
{
	acp_session_delete_if(session, object, ACP_RECHECK_SESSION_STOPS,
		"the session stops");
}

static void
plan_stopping(const struct acp_session_step *session)
{
	const struct acp_object *pod =
		session->pod ? session->pod : session->old_pod;

	delete_stopping(session, session->service);
	if (!pod && has_stripped_account(session))
		acp_session_want_account(session, session->named_account);
	else if (!pod && may_have_pod(session))
		return;
	else if (!pod || is_overdue(session, pod))
		acp_session_add_end(session, ACP_PHASE_STOPPED, "Stopped",
			"the session was stopped", false);
	else if (pod == session->pod)
		delete_stopping(session, pod);
}

void
acp_session_plan_phase(const struct acp_session_step *session)
{
	switch (session->row->phase) {
	case ACP_PHASE_EMPTY:
	case ACP_PHASE_PENDING:
		plan_pending(session);
		break;
	case ACP_PHASE_CREATING:
	case ACP_PHASE_RUNNING:
		plan_running(session);
		break;
	case ACP_PHASE_STOPPING:
		plan_stopping(session);
		break;
	case ACP_PHASE_STOPPED:
	case ACP_PHASE_COMPLETED:
	case ACP_PHASE_FAILED:
		acp_session_clean_up(session);
		break;
	case ACP_PHASE_UNKNOWN:
	case ACP_PHASE__MAX:
		break;
	}
}
