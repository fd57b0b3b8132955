/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes out of a Kubernetes object what is planned by. Tenants write most of
 * it: each value is only a text here, and nothing is believed yet.
 */
#include <config.h>

#include "reconciler/observe_object.h"

#include "lib/buffer.h"
#include "lib/json.h"
#include "reconciler/desired.h"
#include "reconciler/desired_build.h"
#include "reconciler/rfc3339.h"

#include <string.h>

static struct json_object *
peek(struct json_object *object, const char *key)
{
	struct json_object *member = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &member);
	return member;
}

/* A string member; NULL when there is none, or none of ours: with a NUL. */
static const char *
peek_text(struct json_object *object, const char *key)
{
	struct json_object *member = peek(object, key);
	const char *text;

	if (!json_object_is_type(member, json_type_string))
		return NULL;
	text = json_object_get_string(member);
	return strlen(text) == (size_t)json_object_get_string_len(member)
		? text
		: NULL;
}

static const char *
dup_member(struct json_object *object, const char *key, struct acp_arena *arena)
{
	const char *text = peek_text(object, key);

	return text ? acp_arena_dup(arena, text) : NULL;
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
	return acp_arena_dup(arena, acp_buffer_peek(&text));
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
	return acp_arena_dup(arena, acp_buffer_peek(&text));
}

static const char *
dup_owner(struct json_object *owners, struct acp_arena *arena)
{
	if (!json_object_is_type(owners, json_type_array) ||
		json_object_array_length(owners) != 1)
		return NULL;
	return dup_member(json_object_array_get_idx(owners, 0), "uid", arena);
}

static void
read_marks(struct json_object *annotations, struct acp_arena *arena,
	struct acp_object *object)
{
#define READ_MARK(symbol, name) \
	object->marks[ACP_MARK_##symbol] = \
		dup_member(annotations, (name), arena);
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
	struct json_object *metadata = peek(item, "metadata");
	const char *phase = peek_text(peek(item, "status"), "phase");
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
		.owner_uid =
			dup_owner(peek(metadata, "ownerReferences"), arena),
	};

	if (!has_identity(kind, &read))
		return false;
	read_labels(peek(metadata, "labels"), arena, &read);
	read_marks(peek(metadata, "annotations"), arena, &read);
	if (kind == ACP_KIND_ROLE_BINDING) {
		read.role = dup_role(peek(item, "roleRef"), arena);
		read.subject = dup_subject(peek(item, "subjects"), arena);
	}
	acp_desired_content(kind, item, read.content);
	*object = read;
	return true;
}
