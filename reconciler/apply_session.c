/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a session: account, Secret, Service, pod, then its phase. Each step
 * finds what an earlier attempt has made, so that it may be broken off
 * anywhere. An object of our name that is not ours is never touched.
 */
#include <config.h>

#include "reconciler/apply_session.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "reconciler/anchor.h"
#include "reconciler/conditions.h"
#include "reconciler/desired.h"
#include "reconciler/desired_build.h"
#include "reconciler/desired_session.h"
#include "reconciler/observe_object.h"
#include "reconciler/session_inputs.h"
#include "reconciler/session_name.h"
#include "reconciler/session_status.h"
#include "reconciler/vertex_copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char previous_pod[] = "PreviousPodTerminating";

/* A session that is being made. */
struct making {
	const struct acp_applier *applier;
	const struct acp_action *action;
	struct acp_kube *kube;
	struct acp_buffer *why;
	struct acp_session_inputs *inputs;
	struct acp_session_names names;
	struct acp_session_want want;
	const char *account_uid;
	int64_t pod_created_s;
	bool is_told; /* why it failed stands in the row */
};

static enum acp_result
fail(struct making *making, const struct acp_ref *ref,
	const struct acp_kube_reply *reply)
{
	acp_ref_describe(ref, making->why);
	acp_buffer_printf(making->why, ": %s%s%s",
		acp_kube_reason_name(reply->reason),
		*reply->message ? ": " : "", reply->message);
	return reply->reason == ACP_KUBE_CONFLICT ||
			strstr(reply->message, "being terminated")
		? ACP_RESULT_WAITING
		: ACP_RESULT_FAILED;
}

/* The row as it is now must still ask for what was planned. */
static enum acp_result
read_row(struct making *making)
{
	const struct acp_session_order *order = making->action->session;
	enum acp_error error = acp_session_inputs_read_row(making->inputs,
		making->applier->clients->api, order->session_id, making->why);

	if (error == ACP_GONE)
		return ACP_RESULT_WAITING;
	if (error)
		return ACP_RESULT_FAILED;
	if (making->inputs->detail.row.phase != order->expected) {
		acp_buffer_append(making->why, "its phase has changed");
		return ACP_RESULT_WAITING;
	}
	return ACP_RESULT_DONE;
}

static enum acp_result
write_status(struct making *making, const struct acp_session_status *status)
{
	return acp_session_status_write(making->applier->clients->api,
		       &making->inputs->detail.row, status,
		       making->inputs->now_s, making->why)
		? ACP_RESULT_FAILED
		: ACP_RESULT_DONE;
}

/* By an Event about the account; one of that name says it already. */
static void
report(const struct making *making, const struct acp_condition *condition)
{
	const struct acp_session_order *order = making->action->session;
	const struct acp_session_row *row = &making->inputs->detail.row;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_session_names names;
	const struct acp_object about = {.kind = ACP_KIND_SERVICE_ACCOUNT,
		.namespace = making->action->ref.namespace,
		.name = names.account,
		.uid = making->account_uid ? making->account_uid
					   : order->account_uid,
		.project_id = row->project_id};
	ACP_AUTO(json) struct json_object *event = NULL;
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;

	acp_kube_reply_init(&reply);
	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	/* without a namespace of ours there is no place for it */
	if (!order->namespace_uid ||
		acp_session_names_write(row->id, &names, &why))
		return;
	event = acp_desired_event(making->applier->site, &about,
		condition->reason, condition->message,
		making->inputs->now_s + order->kube_ahead_s);
	if (acp_kube_create(making->kube,
		    &(const struct acp_ref){
			    ACP_KIND_EVENT, about.namespace, NULL},
		    event, &reply) &&
		reply.reason != ACP_KUBE_ALREADY_EXISTS)
		acp_log_message(ACP_LOG_WARN, "event_failed", "%s%s%s",
			acp_kube_reason_name(reply.reason),
			*reply.message ? ": " : "", reply.message);
}

/* Once: when the row says it, it was reported before that was written. */
static void
report_once(const struct making *making, const struct acp_condition *condition)
{
	if (!acp_conditions_has(
		    making->inputs->detail.row.conditions, condition))
		report(making, condition);
}

/*
 * Tells the session's owner, in its row, why there is no pod; unless the row
 * asks for none any more: what came before has taken its time.
 */
static enum acp_result
tell(struct making *making, enum acp_phase phase, const char *reason)
{
	ACP_AUTO(buffer) struct acp_buffer said;
	const struct acp_condition condition = {.reason = reason,
		.message = acp_arena_dup(
			making->inputs->arena, acp_buffer_peek(making->why))};
	const struct acp_session_status status = {.phase = phase,
		.condition = &condition,
		.completion_s =
			phase == ACP_PHASE_FAILED ? making->inputs->now_s : 0};

	making->is_told = true;
	acp_buffer_init(&said, making->why->limit);
	/* a pod that ends is no failure */
	if (strcmp(reason, previous_pod) != 0)
		report_once(making, &condition);
	if (read_row(making) != ACP_RESULT_DONE)
		return ACP_RESULT_WAITING;
	if (acp_session_status_write(making->applier->clients->api,
		    &making->inputs->detail.row, &status, making->inputs->now_s,
		    &said))
		acp_log_message(ACP_LOG_WARN, "status_failed", "%s",
			acp_buffer_peek(&said));
	return ACP_RESULT_FAILED;
}

static enum acp_result
read_inputs(struct making *making)
{
	switch (acp_session_inputs_read_rest(making->inputs,
		making->applier->clients->api,
		making->applier->credential_lists, making->why)) {
	case ACP_OK:
		return ACP_RESULT_DONE;
	case ACP_GONE:
		return ACP_RESULT_WAITING; /* its project has gone */
	case ACP_BAD_REQUEST:
		return tell(making, ACP_PHASE_FAILED, "InvalidSession");
	default:
		return tell(making, ACP_PHASE_UNKNOWN, "InputsNotRead");
	}
}

/* Puts together what is wanted, and judges it. */
static enum acp_result
prepare(struct making *making, struct acp_keyring *ring)
{
	const struct acp_session_inputs *inputs = making->inputs;
	const char *id = inputs->detail.row.id;

	if (acp_session_names_write(id, &making->names, making->why))
		return tell(making, ACP_PHASE_FAILED, "InvalidSession");
	if (!acp_key_sync_dup_ring(making->applier->keys, ring)) {
		acp_buffer_append(making->why, "there is no key yet");
		return ACP_RESULT_WAITING;
	}
	making->want = (struct acp_session_want){.site = making->applier->site,
		.runner = making->applier->runner,
		.key = ring->keys[0],
		.detail = &inputs->detail,
		.names = &making->names,
		.namespace = making->action->ref.namespace,
		.namespace_uid = making->action->session->namespace_uid,
		.project_prompt = inputs->project_prompt,
		.agent_prompt = inputs->agent_prompt,
		.messages = inputs->messages,
		.message_count = inputs->message_count,
		.credentials = inputs->credentials,
		.credential_count = inputs->credential_count,
		.is_resume = making->action->session->is_resume};
	if (acp_session_check(&making->want, making->why))
		return tell(making, ACP_PHASE_FAILED, "InvalidSession");
	return ACP_RESULT_DONE;
}

static struct acp_ref
make_ref(const struct making *making, enum acp_kind kind, const char *name)
{
	return (struct acp_ref){.kind = kind,
		.namespace = making->action->ref.namespace,
		.name = name};
}

/*
 * True for an object that an earlier attempt made for this session: of its
 * name, and owned by its account. Labels may have been taken off.
 */
static bool
is_own(const struct making *making, const struct acp_object *object)
{
	return object->owner_uid &&
		strcmp(object->owner_uid, making->account_uid) == 0;
}

/*
 * When the account was made; if it is not there yet, what the clock of
 * Kubernetes says now, as near as can be told.
 */
static int64_t
guess_created_s(const struct making *making)
{
	const struct acp_session_order *order = making->action->session;

	return order->account_created_s
		? order->account_created_s
		: making->inputs->now_s + order->kube_ahead_s;
}

static enum acp_result
try_account(struct making *making, struct acp_object *account)
{
	const struct acp_ref ref = make_ref(
		making, ACP_KIND_SERVICE_ACCOUNT, making->names.account);
	ACP_AUTO(json)
	struct json_object *body = acp_desired_session_account(&making->want);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;

	acp_kube_reply_init(&reply);
	if (acp_kube_apply(making->kube, &ref, body, &reply))
		return fail(making, &ref, &reply);
	if (!acp_observe_object(
		    ref.kind, reply.body, making->inputs->arena, account))
		return ACP_RESULT_FAILED;
	if (!account->deleted_s)
		return ACP_RESULT_DONE;
	acp_buffer_append(making->why, "the account is being deleted");
	return ACP_RESULT_WAITING;
}

/* Signed with a time that is too far from when it was made indeed? */
static bool
is_ill_signed(const struct making *making, const struct acp_object *account)
{
	return llabs(account->created_s - making->want.account_created_s) >
		ACP_ANCHOR_APART_S;
}

/* The count is kept on the account, which outlives its pods. */
static enum acp_result
apply_account(struct making *making)
{
	unsigned int reprovisions = making->action->session->reprovisions;
	struct acp_object account;
	enum acp_result result;
	char count[16];

	snprintf(count, sizeof(count), "%u", reprovisions);
	making->want.reprovisions = reprovisions ? count : NULL;
	making->want.account_created_s = guess_created_s(making);
	result = try_account(making, &account);
	if (result == ACP_RESULT_DONE && is_ill_signed(making, &account)) {
		making->want.account_created_s = account.created_s;
		result = try_account(making, &account);
	}
	making->want.reprovisions = NULL;
	if (result != ACP_RESULT_DONE)
		return result;
	making->account_uid = account.uid;
	making->want.account_uid = account.uid;
	return ACP_RESULT_DONE;
}

/*
 * Looks at an object that is there already; WAITING, with the reason, when it
 * is of an earlier run or somebody else's.
 */
static enum acp_result
look_at_present(struct making *making, const struct acp_ref *ref,
	struct acp_kube_reply *reply, struct acp_object *present)
{
	if (ref->kind == ACP_KIND_SECRET
			? acp_kube_get_metadata(making->kube, ref, reply)
			: acp_kube_get(making->kube, ref, reply))
		return fail(making, ref, reply);
	if (!acp_observe_object(
		    ref->kind, reply->body, making->inputs->arena, present))
		return ACP_RESULT_FAILED;
	if (is_own(making, present) && !present->deleted_s)
		return ACP_RESULT_DONE;
	acp_ref_describe(ref, making->why);
	acp_buffer_append(making->why,
		present->deleted_s ? " is being deleted"
				   : " is there, and is not this session's");
	return tell(making, ACP_PHASE_UNKNOWN,
		present->deleted_s ? previous_pod : "NameTaken");
}

/* POST; what is there already is looked at, *is_present says so. */
static enum acp_result
create(struct making *making, const struct acp_ref *ref,
	struct json_object *body, struct acp_object *object, bool *is_present)
{
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	ACP_AUTO(kube_reply) struct acp_kube_reply present;

	acp_kube_reply_init(&reply);
	acp_kube_reply_init(&present);
	*is_present = false;
	if (!acp_kube_create(making->kube, ref, body, &reply))
		return acp_observe_object(ref->kind, reply.body,
			       making->inputs->arena, object)
			? ACP_RESULT_DONE
			: ACP_RESULT_FAILED;
	if (reply.reason != ACP_KUBE_ALREADY_EXISTS)
		return fail(making, ref, &reply);
	*is_present = true;
	return look_at_present(making, ref, &present, object);
}

/* One that is there was made under another key perhaps: made anew. */
static enum acp_result
make_secret(struct making *making)
{
	const struct acp_ref ref =
		make_ref(making, ACP_KIND_SECRET, making->names.secret);
	ACP_AUTO(json)
	struct json_object *body = acp_desired_session_secret(&making->want);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	struct acp_object present;
	enum acp_result result;
	bool is_present;

	acp_kube_reply_init(&reply);
	result = create(making, &ref, body, &present, &is_present);
	if (result != ACP_RESULT_DONE || !is_present)
		return result;
	if (acp_kube_delete(making->kube, &ref, present.uid, NULL, &reply))
		return fail(making, &ref, &reply);
	return create(making, &ref, body, &present, &is_present);
}

static enum acp_result
copy_vertex_secret(struct making *making)
{
	const struct acp_applier *applier = making->applier;
	const struct acp_vertex_copy copy = {.clients = applier->clients,
		.site = applier->site,
		.runner = applier->runner,
		.namespace = making->action->ref.namespace,
		.project_id = making->inputs->detail.row.project_id};

	if (!acp_vertex_copy_is_wanted(applier->site, applier->runner) ||
		acp_vertex_copy_make(&copy, making->why) == ACP_OK)
		return ACP_RESULT_DONE;
	return tell(making, ACP_PHASE_UNKNOWN, "VertexSecretNotCopied");
}

static enum acp_result
make_pod(struct making *making)
{
	const struct acp_ref ref =
		make_ref(making, ACP_KIND_POD, making->names.pod);
	ACP_AUTO(json)
	struct json_object *body = acp_desired_session_pod(&making->want);
	struct acp_object pod;
	bool is_present;
	enum acp_result result = create(making, &ref, body, &pod, &is_present);

	if (result == ACP_RESULT_DONE)
		making->pod_created_s = pod.created_s;
	return result;
}

enum acp_error
acp_apply_service(struct acp_kube *kube, const struct acp_ref *ref,
	const struct acp_action *seen, struct json_object *body,
	struct acp_kube_reply *reply)
{
	struct json_object *metadata = NULL;
	enum acp_error error = acp_kube_get(kube, ref, reply);

	if (error)
		return error;
	acp_desired_service_keep(body, reply->body);
	acp_kube_reply_clear(reply);
	json_object_object_get_ex(body, "metadata", &metadata);
	if (seen) {
		acp_desired_add_text(
			metadata, "resourceVersion", seen->resource_version);
		acp_desired_add_text(metadata, "uid", seen->uid);
	}
	return acp_kube_replace(kube, ref, body, reply);
}

static enum acp_result
make_service(struct making *making)
{
	const struct acp_ref ref =
		make_ref(making, ACP_KIND_SERVICE, making->names.service);
	ACP_AUTO(json)
	struct json_object *body = acp_desired_session_service(&making->want);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	uint8_t content[ACP_CONTENT_SIZE];
	struct acp_object present;
	bool is_present;
	enum acp_result result =
		create(making, &ref, body, &present, &is_present);

	acp_kube_reply_init(&reply);
	if (result != ACP_RESULT_DONE || !is_present)
		return result;
	acp_desired_content(ref.kind, body, content);
	if (memcmp(content, present.content, sizeof(content)) == 0)
		return ACP_RESULT_DONE;
	return acp_apply_service(making->kube, &ref, NULL, body, &reply)
		? fail(making, &ref, &reply)
		: ACP_RESULT_DONE;
}

/* The pod is made: the row says so, unless its owner has stopped it. */
static enum acp_result
finish(struct making *making)
{
	static const struct acp_condition ready = {.is_true = true,
		.reason = "PodCreated",
		.message = "the runner's pod was made"};
	const struct acp_session_status status = {.phase = ACP_PHASE_RUNNING,
		.kube_namespace = making->action->ref.namespace,
		.condition = &ready,
		.start_s = making->pod_created_s};
	enum acp_result result;

	/* what fails from here on is the telling itself */
	making->is_told = true;
	result = read_row(making);
	return result == ACP_RESULT_DONE ? write_status(making, &status)
					 : result;
}

static enum acp_result
make_objects(struct making *making)
{
	static enum acp_result (*const steps[])(struct making *) = {
		apply_account, make_secret, copy_vertex_secret, make_service,
		make_pod, finish};
	enum acp_result result = ACP_RESULT_DONE;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		result = steps[i](making);
		if (result != ACP_RESULT_DONE)
			return result;
	}
	return result;
}

enum acp_result
acp_apply_provision(const struct acp_applier *applier,
	const struct acp_action *action, struct acp_buffer *why)
{
	ACP_AUTO(session_inputs) struct acp_session_inputs inputs;
	ACP_AUTO(keyring) struct acp_keyring ring;
	struct making making = {.applier = applier,
		.action = action,
		.kube = acp_clients_peek_kube(
			applier->clients, applier->site, action->ref.namespace),
		.why = why,
		.inputs = &inputs};
	enum acp_result result;

	acp_session_inputs_init(&inputs);
	acp_keyring_init(&ring);
	result = read_row(&making);
	if (result == ACP_RESULT_DONE)
		result = read_inputs(&making);
	if (result == ACP_RESULT_DONE)
		result = prepare(&making, &ring);
	if (result == ACP_RESULT_DONE)
		result = make_objects(&making);
	/* a row that could not be read cannot be told */
	if (result == ACP_RESULT_FAILED && !making.is_told &&
		making.inputs->detail.row.id)
		tell(&making, ACP_PHASE_UNKNOWN, "ProvisioningFailed");
	return result;
}

enum acp_result
acp_apply_phase(const struct acp_applier *applier,
	const struct acp_action *action, struct acp_buffer *why)
{
	const struct acp_session_order *order = action->session;
	const struct acp_condition condition = {.is_true = order->is_true,
		.reason = order->reason,
		.message = order->message};
	const struct acp_session_status status = {.phase = order->phase,
		.kube_namespace = order->kube_namespace,
		.condition = order->reason ? &condition : NULL,
		.start_s = order->start_s,
		.completion_s = order->completion_s};
	ACP_AUTO(session_inputs) struct acp_session_inputs inputs;
	struct making making = {.applier = applier,
		.action = action,
		.kube = acp_clients_peek_kube(
			applier->clients, applier->site, action->ref.namespace),
		.why = why,
		.inputs = &inputs};
	enum acp_result result;

	acp_session_inputs_init(&inputs);
	result = read_row(&making);
	if (result != ACP_RESULT_DONE)
		return result;
	if (order->is_reported && order->reason)
		report_once(&making, &condition);
	/* which has taken its time */
	if (order->is_reported)
		result = read_row(&making);
	return result == ACP_RESULT_DONE ? write_status(&making, &status)
					 : result;
}
