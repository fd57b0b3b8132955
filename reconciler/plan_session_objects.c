/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans the objects of a session that are there: the Service that is to be as
 * it should be, and what is to go. The account goes last, when no pod is
 * left: as long as there is one, it is by its account that it is known.
 */
#include <config.h>

#include "lib/json.h"
#include "reconciler/desired_session.h"
#include "reconciler/plan_session.h"

#include <string.h>

enum { MS_PER_S = 1000, US_PER_S = 1000000 };

static const struct acp_object *
find_service_by_name(const struct acp_session_step *session)
{
	const struct acp_ref ref = {
		ACP_KIND_SERVICE, session->namespace, session->names.service};

	return acp_world_find_object(session->step.world, &ref);
}

bool
acp_session_is_service_taken(const struct acp_session_step *session)
{
	const struct acp_object *service = find_service_by_name(session);

	return service && service != session->service && !service->deleted_s;
}

bool
acp_session_is_service_anothers(const struct acp_session_step *session)
{
	const struct acp_object *service = find_service_by_name(session);

	return acp_session_is_service_taken(session) && service->session_id &&
		strcmp(service->session_id, session->row->id) != 0;
}

static struct json_object *
new_service(const struct acp_session_step *session)
{
	const struct acp_session_detail detail = {.row = *session->row};
	const struct acp_session_want want = {.site = session->step.site,
		.runner = session->runner,
		.detail = &detail,
		.names = &session->names,
		.namespace = session->namespace,
		.account_uid = session->account->uid};

	return acp_desired_session_service(&want);
}

static void
repair_service(const struct acp_session_step *session, struct json_object *body)
{
	const struct acp_object *seen = session->service;
	const struct acp_ref ref = {
		ACP_KIND_SERVICE, seen->namespace, seen->name};
	uint8_t content[ACP_CONTENT_SIZE];
	struct acp_action *action;

	acp_desired_content(ACP_KIND_SERVICE, body, content);
	if (memcmp(content, seen->content, sizeof(content)) == 0)
		return;
	action = acp_plan_add(session->step.plan, ACP_VERB_APPLY, &ref,
		session->step.unit, "ports or selector differ");
	action->uid = seen->uid;
	action->resource_version = seen->resource_version;
	action->body = acp_arena_dup(session->step.plan->arena,
		json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN));
}

void
acp_session_want_service(const struct acp_session_step *session)
{
	/* the next pass looks again at one that is being deleted */
	if (session->account->deleted_s ||
		acp_session_is_service_taken(session))
		return;
	if (!session->service) {
		acp_step_create(&session->step, ACP_KIND_SERVICE,
			new_service(session), "missing")
			->must_be_new = true;
	} else if (!session->service->deleted_s) {
		ACP_AUTO(json)
		struct json_object *body = new_service(session);

		repair_service(session, body);
	}
}

/* When the runner ended, as well as can be told. */
static int64_t
get_end_s(const struct acp_session_step *session)
{
	const struct acp_pod_state *pod = session->pod->pod;

	if (pod->end_s)
		return pod->end_s;
	if (session->row->completion_us)
		return session->row->completion_us / US_PER_S;
	return session->pod->created_s;
}

/* A finished pod stays for a while, so that its log can be read. */
static bool
is_retained(const struct acp_session_step *session)
{
	int64_t now_s = session->step.world->kube_now_s;

	return acp_session_has_finished(session->pod) &&
		(!now_s ||
			now_s - get_end_s(session) <
				session->runner->retention_ms / MS_PER_S);
}

/*
 * Account and Service are used again when the session is started again, so
 * what was seen of the row has to hold still.
 */
static void
clean_up_object(
	const struct acp_session_step *session, const struct acp_object *object)
{
	struct acp_action *action =
		acp_session_delete(session, object, "the session has ended");

	if (!action)
		return;
	action->subject = session->step.unit;
	action->recheck = ACP_RECHECK_SESSION_ENDED;
}

void
acp_session_clean_up(const struct acp_session_step *session)
{
	clean_up_object(session, session->service);
	if (!session->pod)
		clean_up_object(session, session->account);
	else if (!is_retained(session))
		acp_session_delete(
			session, session->pod, "the session has ended");
}

static bool
has_pod_in(const struct acp_session_step *session, const char *namespace)
{
	for (size_t i = 0; i < session->object_count; i++) {
		const struct acp_object *object = session->objects[i].object;

		if (object->kind == ACP_KIND_POD &&
			strcmp(object->namespace, namespace) == 0)
			return true;
	}
	return false;
}

void
acp_session_clear_strays(const struct acp_session_step *session)
{
	for (size_t i = 0; i < session->object_count; i++) {
		const struct acp_object *object = session->objects[i].object;

		if (strcmp(object->namespace, session->namespace) == 0 ||
			(object->kind == ACP_KIND_SERVICE_ACCOUNT &&
				has_pod_in(session, object->namespace)))
			continue;
		acp_session_delete(session, object,
			"the session belongs to another project");
	}
}

static void
clear_gone_object(
	const struct acp_session_step *session, const struct acp_object *object)
{
	struct acp_action *action =
		acp_session_delete(session, object, "the session is gone");

	if (!action)
		return;
	action->subject = session->step.unit;
	action->is_absence = true;
	action->is_required = true;
}

/*
 * All of it in one go, so that the set which the gate judges does not change
 * from pass to pass; but the account, by which the rest is known, last.
 */
void
acp_session_clear_gone(const struct acp_session_step *session)
{
	const struct acp_session_object *objects = session->objects;

	for (size_t i = 0; i < session->object_count; i++)
		if (objects[i].object->kind != ACP_KIND_SERVICE_ACCOUNT)
			clear_gone_object(session, objects[i].object);
	for (size_t i = 0; i < session->object_count; i++)
		if (objects[i].object->kind == ACP_KIND_SERVICE_ACCOUNT)
			clear_gone_object(session, objects[i].object);
}
