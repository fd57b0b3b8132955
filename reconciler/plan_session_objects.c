/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans the objects of a session that are there: the Service that is to be as
 * it should be, and what is to go. The account goes last, when no pod is
 * left: as long as there is one, it is by its account that it is known.
 */
#include <config.h>

#include "lib/json.h"
#include "reconciler/anchor.h"
#include "reconciler/desired_build.h"
#include "reconciler/desired_session.h"
#include "reconciler/plan_session.h"

#include <string.h>

enum { MS_PER_S = 1000, US_PER_S = 1000000 };

static const struct acp_object *
find_by_name(const struct acp_session_step *session, enum acp_kind kind,
	const char *name)
{
	const struct acp_ref ref = {kind, session->namespace, name};

	return acp_world_find_object(session->step.world, &ref);
}

static const struct acp_object *
find_service_by_name(const struct acp_session_step *session)
{
	return find_by_name(session, ACP_KIND_SERVICE, session->names.service);
}

static bool
is_owned_by(const struct acp_object *account, const struct acp_object *object)
{
	return account && object && object->owner_uid &&
		strcmp(object->owner_uid, account->uid) == 0;
}

void
acp_session_find_by_name(struct acp_session_step *session)
{
	const struct acp_object *account, *pod, *service;

	if (!session->has_names || !*session->namespace)
		return;
	account = find_by_name(
		session, ACP_KIND_SERVICE_ACCOUNT, session->names.account);
	pod = find_by_name(session, ACP_KIND_POD, session->names.pod);
	service = find_service_by_name(session);
	session->named_account = account;
	if (!session->account && account &&
		acp_anchor_find_account_key(session->step.world,
			session->step.site, account, session->row->id))
		session->account = account;
	if (!session->pod && is_owned_by(session->account, pod))
		session->pod = pod;
	if (!session->service && is_owned_by(session->account, service))
		session->service = service;
}

bool
acp_session_has_pod_of(const struct acp_session_step *session,
	const struct acp_object *account)
{
	return is_owned_by(account,
		find_by_name(session, ACP_KIND_POD, session->names.pod));
}

/* Is it signed by the current key? */
static bool
is_signed(const struct acp_session_step *session,
	const struct acp_object *account)
{
	const struct acp_key *current = session->step.world->keys->keys[0];

	if (account->anchor_key_id)
		return strcmp(account->anchor_key_id,
			       acp_key_peek_id(current)) == 0;
	return acp_anchor_find_account_key(session->step.world,
		       session->step.site, account,
		       session->row->id) == current;
}

static struct json_object *
new_account(const struct acp_session_step *session,
	const struct acp_object *account)
{
	const struct acp_world *world = session->step.world;
	const struct acp_session_detail detail = {.row = *session->row};
	const struct acp_session_want want = {.site = session->step.site,
		.runner = session->runner,
		.key = world->keys->keys[0],
		.detail = &detail,
		.names = &session->names,
		.namespace = session->namespace,
		.namespace_uid = acp_anchor_find_namespace_uid(
			world, session->namespace),
		.account_created_s = account->created_s,
		.reprovisions = account->marks[ACP_MARK_REPROVISIONS]};

	return acp_desired_session_account(&want);
}

static void
apply_account(const struct acp_session_step *session,
	const struct acp_object *account, struct json_object *body)
{
	const struct acp_ref ref = {
		account->kind, account->namespace, account->name};
	struct json_object *metadata = NULL;
	struct acp_action *action =
		acp_plan_add(session->step.plan, ACP_VERB_APPLY, &ref,
			session->step.unit, "labels, token or anchor differ");

	json_object_object_get_ex(body, "metadata", &metadata);
	/* so that one that was just deleted is not made anew */
	acp_desired_add_text(metadata, "uid", account->uid);
	action->uid = account->uid;
	action->resource_version = account->resource_version;
	action->body = acp_arena_dup(session->step.plan->arena,
		json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN));
}

void
acp_session_want_account(const struct acp_session_step *session,
	const struct acp_object *account)
{
	ACP_AUTO(json) struct json_object *body = NULL;
	uint8_t content[ACP_CONTENT_SIZE];

	/* without a key to sign with it would lose the anchor that it has */
	if (!session->step.world->keys || account->deleted_s ||
		!acp_session_has_namespace(session))
		return;
	body = new_account(session, account);
	acp_desired_content(ACP_KIND_SERVICE_ACCOUNT, body, content);
	if (memcmp(content, account->content, sizeof(content)) != 0 ||
		!is_signed(session, account))
		apply_account(session, account, body);
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

static void
clean_up_object(
	const struct acp_session_step *session, const struct acp_object *object)
{
	acp_session_delete_if(session, object, ACP_RECHECK_SESSION_ENDED,
		"the session has ended");
}

void
acp_session_clean_up(const struct acp_session_step *session)
{
	clean_up_object(session, session->service);
	if (!session->pod)
		clean_up_object(session, session->account);
	else if (!is_retained(session))
		clean_up_object(session, session->pod);
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
