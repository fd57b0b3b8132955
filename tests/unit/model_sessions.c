/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions in the model: rows, what users and kubelets do, and what applying
 * makes of an order. Follows the servers as far as plans touch them.
 */
#include <config.h>

#include "lib/json.h"
#include "reconciler/desired_build.h"
#include "reconciler/desired_session.h"
#include "reconciler/rfc3339.h"
#include "tests/unit/model_world.h"
#include "tests/unit/json_peek.h"

#include <check.h>
#include <json-c/json_tokener.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { US = 1000000 };

static bool
is_same(const char *left, const char *right)
{
	return strcmp(left ? left : "", right ? right : "") == 0;
}

static void
set_time(struct json_object *object, const char *key, int64_t time_s)
{
	const time_t time = time_s;
	struct tm parts;
	char text[32];

	gmtime_r(&time, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	acp_desired_add_text(object, key, text);
}

static bool
is_of(const struct model_object *object, const char *id)
{
	struct json_object *labels =
		peek(peek(object->json, "metadata"), "labels");

	return is_same(
		json_object_get_string(peek(labels, ACP_LABEL_SESSION_ID)), id);
}

struct json_object *
model_find_of_session(
	const struct model *model, enum acp_kind kind, const char *id)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->objects[i].kind == kind &&
			is_of(&model->objects[i], id))
			return model->objects[i].json;
	return NULL;
}

/* Rows */

struct model_session *
model_add_session(struct model *model, const char *id, const char *project_id)
{
	struct model_session *session =
		&model->sessions[model->session_count++];

	ck_assert_uint_le(model->session_count, MODEL_ROWS);
	*session = (struct model_session){
		.row = {.id = id,
			.project_id = project_id,
			.created_us = model->now_s * US,
			.updated_us = model->now_s * US}};
	return session;
}

struct model_session *
model_find_session(struct model *model, const char *id)
{
	for (size_t i = 0; i < model->session_count; i++)
		if (strcmp(model->sessions[i].row.id, id) == 0)
			return &model->sessions[i];
	return NULL;
}

void
model_drop_session(struct model *model, const char *id)
{
	struct model_session *session = model_find_session(model, id);

	ck_assert_ptr_nonnull(session);
	*session = model->sessions[--model->session_count];
}

bool
model_start_session(struct model_session *session)
{
	enum acp_phase phase = session->row.phase;

	if (phase != ACP_PHASE_EMPTY && phase != ACP_PHASE_STOPPED &&
		phase != ACP_PHASE_FAILED && phase != ACP_PHASE_COMPLETED)
		return false;
	session->row.phase = ACP_PHASE_PENDING;
	session->pods = 0;
	return true;
}

bool
model_stop_session(struct model_session *session)
{
	enum acp_phase phase = session->row.phase;

	if (phase != ACP_PHASE_PENDING && phase != ACP_PHASE_CREATING &&
		phase != ACP_PHASE_RUNNING)
		return false;
	session->row.phase = ACP_PHASE_STOPPING;
	return true;
}

/* Kubelets */

static void
touch(struct model *model, struct json_object *json)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", ++model->serial);
	acp_desired_add_text(peek(json, "metadata"), "resourceVersion", text);
}

/* The state of the runner's container, made anew. */
static struct json_object *
renew_state(struct json_object *pod)
{
	struct json_object *status = acp_desired_add_object(pod, "status");
	struct json_object *container = acp_desired_push_object(
		acp_desired_add_array(status, "containerStatuses"));

	acp_desired_add_text(status, "phase", "Running");
	acp_desired_add_text(container, "name", ACP_RUNNER_CONTAINER);
	return acp_desired_add_object(container, "state");
}

void
model_run_pod(struct model *model, const char *id)
{
	struct json_object *pod =
		model_find_of_session(model, ACP_KIND_POD, id);

	if (!pod || peek(pod, "status"))
		return;
	acp_desired_add_object(renew_state(pod), "running");
	touch(model, pod);
}

void
model_end_pod(struct model *model, const char *id, int exit_code)
{
	struct json_object *pod =
		model_find_of_session(model, ACP_KIND_POD, id);
	struct json_object *ended;

	if (!pod)
		return;
	ended = acp_desired_add_object(renew_state(pod), "terminated");
	acp_desired_add_number(ended, "exitCode", exit_code);
	set_time(ended, "finishedAt", model->now_s);
	touch(model, pod);
}

void
model_lose_pod(struct model *model, const char *id)
{
	struct json_object *pod =
		model_find_of_session(model, ACP_KIND_POD, id);

	struct model_session *session = model_find_session(model, id);

	if (!pod)
		return;
	model_remove(model, ACP_KIND_POD, peek_meta(pod, "namespace"),
		peek_meta(pod, "name"));
	/* one that the row has never heard of was as good as not made */
	if (session && session->pods &&
		(session->row.phase == ACP_PHASE_EMPTY ||
			session->row.phase == ACP_PHASE_PENDING))
		session->pods--;
}

/* What a kubelet has begun with goes gracefully: false if it has not. */
bool
model_delete_pod(struct model *model, struct json_object *pod)
{
	if (!peek(pod, "status"))
		return false;
	if (!peek_meta(pod, "deletionTimestamp"))
		set_time(peek(pod, "metadata"), "deletionTimestamp",
			model->now_s + 60);
	touch(model, pod);
	return true;
}

void
model_end_deletions(struct model *model)
{
	for (size_t i = model->count; i > 0; i--) {
		struct model_object *object = &model->objects[i - 1];

		if (object->kind == ACP_KIND_POD &&
			peek_meta(object->json, "deletionTimestamp"))
			model_remove(model, ACP_KIND_POD, object->namespace,
				object->name);
	}
}

void
model_collect_garbage(struct model *model, const char *uid)
{
	for (size_t i = model->count; i > 0; i--) {
		struct model_object *object = &model->objects[i - 1];
		struct json_object *owners =
			peek(peek(object->json, "metadata"), "ownerReferences");
		struct json_object *owner =
			owners ? json_object_array_get_idx(owners, 0) : NULL;

		if (!owner ||
			!is_same(json_object_get_string(peek(owner, "uid")),
				uid))
			continue;
		if (object->kind != ACP_KIND_POD ||
			!model_delete_pod(model, object->json))
			model_remove(model, object->kind, object->namespace,
				object->name);
	}
}

/* Orders */

static struct json_object *
put_once(struct model *model, enum acp_kind kind, struct json_object *body)
{
	ACP_AUTO(json) struct json_object *owned = body;
	struct json_object *present = model_find(model, kind,
		peek_meta(owned, "namespace"), peek_meta(owned, "name"));

	return present ? present
		       : model_put(model, kind, json_object_get(owned));
}

/* Like the Service in whose it is; its contents are not planned by. */
static struct json_object *
new_pod(struct model *model, const struct acp_session_want *want)
{
	struct json_object *service = acp_desired_session_service(want);
	struct json_object *metadata = peek(service, "metadata");

	json_object_object_del(service, "spec");
	acp_desired_add_text(metadata, "name", want->names->pod);
	set_time(metadata, "creationTimestamp", model->now_s);
	return service;
}

static int64_t
read_time_s(const char *text)
{
	int64_t time_us;

	ck_assert(acp_rfc3339_read(text, strlen(text), &time_us));
	return time_us / US;
}

/* Applied by one manager alone: its labels and annotations are replaced. */
static struct json_object *
apply_account(struct model *model, struct acp_session_want *want)
{
	struct json_object *account =
		model_find(model, ACP_KIND_SERVICE_ACCOUNT, want->namespace,
			want->names->account);
	struct json_object *body, *metadata;

	want->account_created_s = account
		? read_time_s(peek_meta(account, "creationTimestamp"))
		: model->now_s;
	body = acp_desired_session_account(want);
	metadata = peek(body, "metadata");
	if (account) {
		json_object_object_add(peek(account, "metadata"), "labels",
			json_object_get(peek(metadata, "labels")));
		json_object_object_add(peek(account, "metadata"), "annotations",
			json_object_get(peek(metadata, "annotations")));
		json_object_put(body);
	} else {
		set_time(metadata, "creationTimestamp", model->now_s);
		account = model_put(model, ACP_KIND_SERVICE_ACCOUNT, body);
	}
	touch(model, account);
	return account;
}

/* The pod's time of creation; 0: something else has its name. */
static int64_t
make_pod(struct model *model, struct model_session *session,
	const struct acp_session_want *want)
{
	struct json_object *pod = model_find(
		model, ACP_KIND_POD, want->namespace, want->names->pod);

	if (!pod) {
		pod = model_put(model, ACP_KIND_POD, new_pod(model, want));
		session->pods++;
		session->row.updated_us = model->now_s * US;
	}
	return peek_meta(pod, "deletionTimestamp")
		? 0
		: read_time_s(peek_meta(pod, "creationTimestamp"));
}

static bool
provision(struct model *model, struct model_session *session,
	const struct acp_action *action)
{
	const struct acp_session_detail detail = {.row = session->row};
	struct acp_session_names names;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_session_want want = {.site = &model->site,
		.runner = &model->runner,
		.detail = &detail,
		.names = &names,
		.namespace = action->ref.namespace};
	const unsigned int reprovisions = action->session->reprovisions;
	struct json_object *account;
	int64_t created_s;
	char count[16];

	acp_buffer_init(&why, 1000);
	ck_assert_int_eq(
		acp_session_names_write(session->row.id, &names, &why), ACP_OK);
	snprintf(count, sizeof(count), "%u", reprovisions);
	want.reprovisions = reprovisions ? count : NULL;
	if (model->keys) {
		want.key = model->keys->keys[0];
		want.namespace_uid = action->session->namespace_uid;
		ck_assert_ptr_nonnull(want.namespace_uid);
	}
	account = apply_account(model, &want);
	want.account_uid = peek_meta(account, "uid");
	created_s = make_pod(model, session, &want);
	if (!created_s)
		return false;
	put_once(model, ACP_KIND_SERVICE, acp_desired_session_service(&want));
	/* broken off before the row says so */
	if (!model->actions_left)
		return false;
	session->row.phase = ACP_PHASE_RUNNING;
	session->row.kube_namespace = session->row.project_id;
	session->row.start_us = created_s * US;
	return true;
}

/* All of a world's namespaces are called as their projects. */
static void
write_phase(struct model *model, struct acp_session_row *row,
	const struct acp_session_order *order)
{
	if (order->phase != ACP_PHASE_UNKNOWN)
		row->phase = order->phase;
	if (order->start_s)
		row->start_us = order->start_s * US;
	if (order->completion_s)
		row->completion_us = order->completion_s * US;
	if (order->kube_namespace)
		row->kube_namespace = row->project_id;
	row->updated_us = model->now_s * US;
}

bool
model_do_order(struct model *model, const struct acp_action *action)
{
	const struct acp_session_order *order = action->session;
	struct model_session *session =
		model_find_session(model, order->session_id);

	if (!session || session->row.phase != order->expected)
		return false;
	if (action->verb == ACP_VERB_PROVISION)
		return provision(model, session, action);
	write_phase(model, &session->row, order);
	return true;
}

/* Observation */

static bool
may_have_objects(const struct acp_session_row *row)
{
	return row->start_us || row->phase == ACP_PHASE_CREATING ||
		row->phase == ACP_PHASE_RUNNING ||
		row->phase == ACP_PHASE_STOPPING;
}

static void
answer_for_row(const struct model *model, struct acp_world *world,
	const struct acp_session_row *row)
{
	struct acp_session_names names;
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, 1000);
	if (acp_session_names_write(row->id, &names, &why))
		return;
	acp_world_add_pod_answer(world, row->id,
		model->are_answers_unknown ? ACP_PRESENCE_UNKNOWN
			: model_find(model, ACP_KIND_POD, row->project_id,
				  names.pod)
			? ACP_PRESENCE_THERE
			: ACP_PRESENCE_GONE);
	if (model->are_answers_unknown || !may_have_objects(row))
		return;
	model_observe_unlisted(model, world,
		&(const struct acp_ref){
			ACP_KIND_POD, row->project_id, names.pod});
	model_observe_unlisted(model, world,
		&(const struct acp_ref){ACP_KIND_SERVICE_ACCOUNT,
			row->project_id, names.account});
	model_observe_unlisted(model, world,
		&(const struct acp_ref){
			ACP_KIND_SERVICE, row->project_id, names.service});
}

static bool
has_row(const struct model *model, const char *id)
{
	return model_find_session((struct model *)model, id) != NULL;
}

void
model_observe_sessions(const struct model *model, struct acp_world *world)
{
	const struct acp_objects *accounts =
		&world->objects[ACP_KIND_SERVICE_ACCOUNT];

	world->are_sessions_known = !model->are_sessions_unknown;
	if (model->are_sessions_unknown)
		return;
	for (size_t i = 0; i < model->session_count; i++) {
		*acp_world_add_session(world) = model->sessions[i].row;
		answer_for_row(model, world, &model->sessions[i].row);
	}
	for (size_t i = 0; i < accounts->count; i++) {
		const char *id = accounts->items[i].session_id;

		/* others are not asked for */
		if (id && accounts->items[i].anchor_key_id &&
			!has_row(model, id))
			acp_world_add_session_answer(world, id,
				model->are_answers_unknown
					? ACP_PRESENCE_UNKNOWN
					: ACP_PRESENCE_GONE);
	}
}
