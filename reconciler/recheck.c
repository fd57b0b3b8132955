/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GET and one judgement an action: of the row that its subject names, or
 * of the object that it would write over. Called by apply. Must never take
 * silence for an answer.
 */
#include <config.h>

#include "reconciler/recheck.h"

#include "lib/json.h"
#include "reconciler/desired.h"
#include "reconciler/desired_build.h"

#include <string.h>

enum { PATH_TEXT_MAX = 1024 };

/* Rows */

/* A session that was started again in the meantime keeps what it has. */
static bool
has_ended(struct json_object *body, bool may_be_stopping)
{
	struct acp_arena *arena = acp_arena_new();
	struct acp_session_row row;
	bool is_read = acp_rows_read_session(body, arena, &row);

	acp_arena_free(&arena);
	return is_read &&
		(row.phase == ACP_PHASE_STOPPED ||
			row.phase == ACP_PHASE_COMPLETED ||
			row.phase == ACP_PHASE_FAILED ||
			(may_be_stopping && row.phase == ACP_PHASE_STOPPING));
}

static bool
may_still_be_done(enum acp_recheck recheck, struct json_object *body)
{
	return recheck != ACP_RECHECK_PROJECT_GONE &&
		has_ended(body, recheck == ACP_RECHECK_SESSION_STOPS);
}

/* "project/x" is the row x of projects, "session/x" of sessions. */
static void
write_row_path(const char *subject, struct acp_buffer *path)
{
	const char *slash = strchr(subject, '/');

	acp_api_write_path(path,
		strncmp(subject, "session/", 8) == 0 ? "sessions" : "projects",
		slash ? slash + 1 : subject);
}

static enum acp_result
check_row(const struct acp_applier *applier, const struct acp_action *action,
	struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer path;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	enum acp_error error;

	acp_buffer_init(&path, PATH_TEXT_MAX);
	acp_api_reply_init(&reply);
	write_row_path(action->subject, &path);
	error = acp_api_get(
		applier->clients->api, acp_buffer_peek(&path), &reply);
	if (error && error != ACP_GONE) {
		acp_buffer_append(why,
			"the API server does not say whether "
			"the row is still as it was");
		return ACP_RESULT_FAILED;
	}
	if (error == ACP_GONE || may_still_be_done(action->recheck, reply.body))
		return ACP_RESULT_DONE;
	acp_buffer_append(why, "the row says otherwise now");
	return ACP_RESULT_WAITING;
}

/* Names */

static struct json_object *
peek_labels(struct json_object *object)
{
	return acp_json_peek_object(
		acp_json_peek_object(object, "metadata"), "labels");
}

static bool
has_same_label(struct json_object *labels, struct json_object *wanted,
	const char *name)
{
	struct json_object *one = NULL, *other = NULL;

	json_object_object_get_ex(labels, name, &one);
	json_object_object_get_ex(wanted, name, &other);
	return json_object_equal(one, other);
}

/* Those that say whose it is, and what it belongs to. */
static bool
has_labels_of(struct json_object *labels, struct json_object *wanted)
{
	return has_same_label(labels, wanted, ACP_LABEL_MANAGED) &&
		has_same_label(labels, wanted, ACP_LABEL_INSTANCE) &&
		has_same_label(labels, wanted, ACP_LABEL_PROJECT_ID) &&
		has_same_label(labels, wanted, ACP_LABEL_SESSION_ID);
}

/* With body's labels, would it be what body is? Gives them to it. */
static bool
lacks_labels_only(
	enum acp_kind kind, struct json_object *found, struct json_object *body)
{
	uint8_t content[ACP_CONTENT_SIZE], wanted[ACP_CONTENT_SIZE];
	struct json_object *metadata = acp_json_peek_object(found, "metadata");

	if (!metadata)
		return false;
	json_object_object_add(
		metadata, "labels", json_object_get(peek_labels(body)));
	acp_desired_content(kind, found, content);
	acp_desired_content(kind, body, wanted);
	return memcmp(content, wanted, sizeof(content)) == 0;
}

/* A roleRef cannot be changed. Objects without one have the same. */
static bool
has_same_role(struct json_object *found, struct json_object *body)
{
	return json_object_equal(acp_json_peek_object(found, "roleRef"),
		acp_json_peek_object(body, "roleRef"));
}

static bool
may_be_had(const struct acp_site *site, enum acp_kind kind,
	struct json_object *found, struct json_object *body)
{
	struct json_object *labels = peek_labels(found);
	struct json_object *wanted = peek_labels(body);
	struct json_object *instance = NULL;

	if (has_labels_of(labels, wanted))
		return true;
	json_object_object_get_ex(labels, ACP_LABEL_INSTANCE, &instance);
	if (instance)
		return has_same_label(labels, wanted, ACP_LABEL_INSTANCE) &&
			lacks_labels_only(kind, found, body);
	return lacks_labels_only(kind, found, body) ||
		(site->adopts && has_same_role(found, body));
}

static enum acp_result
check_name(const struct acp_applier *applier, const struct acp_action *action,
	struct acp_buffer *why)
{
	struct acp_kube *kube = acp_clients_peek_kube(
		applier->clients, applier->site, action->ref.namespace);
	ACP_AUTO(json)
	struct json_object *body =
		acp_json_new(action->body, strlen(action->body));
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = acp_kube_get(kube, &action->ref, &reply);
	if (error == ACP_GONE)
		return ACP_RESULT_DONE;
	if (error) {
		acp_buffer_printf(why, "%s%s%s",
			acp_kube_reason_name(reply.reason),
			*reply.message ? ": " : "", reply.message);
		return ACP_RESULT_FAILED;
	}
	if (may_be_had(applier->site, action->ref.kind, reply.body, body))
		return ACP_RESULT_DONE;
	acp_buffer_append(why,
		"it has the name of an object of ours, but not our labels, "
		"and is left alone: delete it, and ours takes its place");
	return ACP_RESULT_FOREIGN;
}

enum acp_result
acp_recheck(const struct acp_applier *applier, const struct acp_action *action,
	struct acp_buffer *why)
{
	switch (action->recheck) {
	case ACP_RECHECK_PROJECT_GONE:
	case ACP_RECHECK_SESSION_ENDED:
	case ACP_RECHECK_SESSION_STOPS:
		return check_row(applier, action, why);
	case ACP_RECHECK_NAME:
		return check_name(applier, action, why);
	case ACP_RECHECK_NOTHING:
	case ACP_RECHECK__MAX:
		break;
	}
	return ACP_RESULT_DONE;
}
