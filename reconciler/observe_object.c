/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes out of a Kubernetes object what is planned by. Tenants write most of
 * it: each value is only a text here, and nothing is believed yet.
 */
#include <config.h>

#include "reconciler/observe_object.h"

#include "lib/buffer.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "reconciler/desired.h"
#include "reconciler/desired_build.h"
#include "reconciler/rfc3339.h"

#include <string.h>

#define RUNNER_CONTAINER "ambient-code-runner"

/* A string member; NULL when there is none, or none of ours: with a NUL. */
static const char *
peek_text(struct json_object *object, const char *key)
{
	struct json_object *member = acp_json_peek(object, key);
	const char *text;

	if (!json_object_is_type(member, json_type_string))
		return NULL;
	text = json_object_get_string(member);
	return strlen(text) == (size_t)json_object_get_string_len(member)
		? text
		: NULL;
}

/* NULL also for a text that is longer than any that counts. */
static const char *
dup_text(const char *text, struct acp_arena *arena)
{
	return text && strlen(text) <= ACP_OBJECT_TEXT_MAX
		? acp_arena_dup(arena, text)
		: NULL;
}

static const char *
dup_member(struct json_object *object, const char *key, struct acp_arena *arena)
{
	return dup_text(peek_text(object, key), arena);
}

static int64_t
read_time_s(struct json_object *object, const char *key)
{
	const char *text = peek_text(object, key);
	int64_t time_us;

	if (!text || !acp_rfc3339_read(text, strlen(text), &time_us))
		return 0;
	return time_us / 1000000;
}

/* "Group/name" and so on of the only subject. */
static const char *
dup_subject(struct json_object *subjects, struct acp_arena *arena)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	struct json_object *subject;
	const char *kind, *name, *namespace;

	acp_buffer_init(&text, SIZE_MAX);
	if (!json_object_is_type(subjects, json_type_array) ||
		json_object_array_length(subjects) != 1)
		return NULL;
	subject = json_object_array_get_idx(subjects, 0);
	kind = peek_text(subject, "kind");
	name = peek_text(subject, "name");
	namespace = peek_text(subject, "namespace");
	if (!kind || !name)
		return NULL;
	if (namespace)
		acp_buffer_printf(&text, "%s/%s/%s", kind, namespace, name);
	else
		acp_buffer_printf(&text, "%s/%s", kind, name);
	return dup_text(acp_buffer_peek(&text), arena);
}

static const char *
dup_role(struct json_object *role, struct acp_arena *arena)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	const char *kind = peek_text(role, "kind");
	const char *name = peek_text(role, "name");

	acp_buffer_init(&text, SIZE_MAX);
	if (!kind || !name)
		return NULL;
	acp_buffer_printf(&text, "%s/%s", kind, name);
	return dup_text(acp_buffer_peek(&text), arena);
}

static const char *
dup_owner(struct json_object *owners, struct acp_arena *arena)
{
	if (!json_object_is_type(owners, json_type_array) ||
		json_object_array_length(owners) != 1)
		return NULL;
	return dup_member(json_object_array_get_idx(owners, 0), "uid", arena);
}

/* One that is too long is spoilt, not absent. */
static const char *
dup_mark(struct json_object *annotations, const char *name,
	struct acp_arena *arena)
{
	const char *text = dup_member(annotations, name, arena);

	return text || !peek_text(annotations, name) ? text : "";
}

static void
read_marks(struct json_object *annotations, struct acp_arena *arena,
	struct acp_object *object)
{
#define READ_MARK(symbol, name) \
	object->marks[ACP_MARK_##symbol] = dup_mark(annotations, (name), arena);
	ACP_MARKS(READ_MARK)
#undef READ_MARK
}

static void
read_labels(struct json_object *labels, struct acp_arena *arena,
	struct acp_object *object)
{
	object->managed = dup_member(labels, ACP_LABEL_MANAGED, arena);
	object->instance = dup_member(labels, ACP_LABEL_INSTANCE, arena);
	object->project_id = dup_member(labels, ACP_LABEL_PROJECT_ID, arena);
	object->session_id = dup_member(labels, ACP_LABEL_SESSION_ID, arena);
}

/* Pods */

static enum acp_pod_phase
read_pod_phase(struct json_object *status)
{
	static const char *const names[] = {
		[ACP_POD_PENDING] = "Pending",
		[ACP_POD_RUNNING] = "Running",
		[ACP_POD_SUCCEEDED] = "Succeeded",
		[ACP_POD_FAILED] = "Failed",
	};
	const char *text = peek_text(status, "phase");

	for (int i = 0; text && i < ACP_POD_UNKNOWN; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum acp_pod_phase)i;
	/* before anybody has looked at it there is none */
	return text && *text ? ACP_POD_UNKNOWN : ACP_POD_PENDING;
}

/* The entry of array whose member key is text; NULL: none. */
static struct json_object *
peek_entry(struct json_object *array, const char *key, const char *text)
{
	if (!json_object_is_type(array, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *entry = json_object_array_get_idx(array, i);
		const char *found = peek_text(entry, key);

		if (found && strcmp(found, text) == 0)
			return entry;
	}
	return NULL;
}

static int
read_exit_code(struct json_object *ended)
{
	struct json_object *code = acp_json_peek(ended, "exitCode");

	/* one that does not say that all went well did not go well */
	return json_object_is_type(code, json_type_int)
		? json_object_get_int(code)
		: -1;
}

/* What the runner's own container says; the others do not count (H-58). */
static void
read_container(struct json_object *state, struct acp_arena *arena,
	struct acp_pod_state *pod)
{
	struct json_object *ended = acp_json_peek(state, "terminated");
	struct json_object *waiting = acp_json_peek(state, "waiting");

	if (json_object_is_type(ended, json_type_object)) {
		pod->has_ended = true;
		pod->exit_code = read_exit_code(ended);
		pod->end_reason = dup_member(ended, "reason", arena);
		pod->end_s = read_time_s(ended, "finishedAt");
	} else if (json_object_is_type(waiting, json_type_object)) {
		pod->waiting = dup_member(waiting, "reason", arena);
		if (!pod->waiting)
			pod->waiting = "";
	}
}

static const struct acp_pod_state *
read_pod(struct json_object *status, struct acp_arena *arena)
{
	struct acp_pod_state *pod = acp_arena_alloc(arena, sizeof(*pod));
	struct json_object *scheduled = peek_entry(
		acp_json_peek(status, "conditions"), "type", "PodScheduled");
	struct json_object *container =
		peek_entry(acp_json_peek(status, "containerStatuses"), "name",
			RUNNER_CONTAINER);
	const char *is_scheduled = peek_text(scheduled, "status");

	*pod = (struct acp_pod_state){
		.phase = read_pod_phase(status),
		.reason = dup_member(status, "reason", arena),
		.start_s = read_time_s(status, "startTime"),
	};
	if (is_scheduled && strcmp(is_scheduled, "False") == 0)
		pod->unscheduled_s =
			read_time_s(scheduled, "lastTransitionTime");
	read_container(acp_json_peek(container, "state"), arena, pod);
	return pod;
}

static bool
has_identity(enum acp_kind kind, const struct acp_object *object)
{
	return object->name && object->uid && object->resource_version &&
		acp_kind_is_namespaced(kind) == (object->namespace != NULL);
}

bool
acp_observe_object(enum acp_kind kind, struct json_object *item,
	struct acp_arena *arena, struct acp_object *object)
{
	struct json_object *metadata = acp_json_peek(item, "metadata");
	const char *phase = peek_text(acp_json_peek(item, "status"), "phase");
	struct acp_object read = {
		.kind = kind,
		.namespace = dup_member(metadata, "namespace", arena),
		.name = dup_member(metadata, "name", arena),
		.uid = dup_member(metadata, "uid", arena),
		.resource_version =
			dup_member(metadata, "resourceVersion", arena),
		.created_s = read_time_s(metadata, "creationTimestamp"),
		.deleted_s = read_time_s(metadata, "deletionTimestamp"),
		.is_active = kind == ACP_KIND_NAMESPACE && phase &&
			strcmp(phase, "Active") == 0,
		.owner_uid = dup_owner(
			acp_json_peek(metadata, "ownerReferences"), arena),
	};

	if (!has_identity(kind, &read))
		return false;
	read_labels(acp_json_peek(metadata, "labels"), arena, &read);
	read_marks(acp_json_peek(metadata, "annotations"), arena, &read);
	if (kind == ACP_KIND_ROLE_BINDING) {
		read.role = dup_role(acp_json_peek(item, "roleRef"), arena);
		read.subject =
			dup_subject(acp_json_peek(item, "subjects"), arena);
	}
	if (kind == ACP_KIND_POD)
		read.pod = read_pod(acp_json_peek(item, "status"), arena);
	acp_desired_content(kind, item, read.content);
	*object = read;
	return true;
}
