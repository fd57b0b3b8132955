/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the Kubernetes API as one request each. Builds paths, queries
 * and bodies; how a request is sent and repeated is in kube_request.c. Wipes
 * the texts of bodies, for some of them hold keys.
 */
#include <config.h>

#include "reconciler/kube.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/secret.h"
#include "reconciler/kube_request.h"

#include <string.h>

#define MANAGER "fieldManager=ambient-cp-reconciler"

/* Everything that differs between the verbs. */
struct verb {
	const char *method;
	const char *query; /* with "?", or "" */
	const char *content_type;
	const char *accept;
	bool is_write;
	bool has_name; /* in the path */
};

static const struct verb get_verb = {
	.method = "GET",
	.query = "",
	.accept = ACP_KUBE_JSON,
	.has_name = true,
};

/* no other form is offered: it would bring the contents along */
static const struct verb get_metadata_verb = {
	.method = "GET",
	.query = "",
	.accept = "application/json;as=PartialObjectMetadata;"
		  "g=meta.k8s.io;v=v1",
	.has_name = true,
};

static const struct verb create_verb = {
	.method = "POST",
	.query = "?" MANAGER,
	.content_type = ACP_KUBE_JSON,
	.accept = ACP_KUBE_JSON,
	.is_write = true,
};

/* JSON is YAML */
static const struct verb apply_verb = {
	.method = "PATCH",
	.query = "?" MANAGER "&force=true",
	.content_type = "application/apply-patch+yaml",
	.accept = ACP_KUBE_JSON,
	.is_write = true,
	.has_name = true,
};

static const struct verb replace_verb = {
	.method = "PUT",
	.query = "?" MANAGER,
	.content_type = ACP_KUBE_JSON,
	.accept = ACP_KUBE_JSON,
	.is_write = true,
	.has_name = true,
};

static const struct verb patch_verb = {
	.method = "PATCH",
	.query = "?" MANAGER,
	.content_type = "application/merge-patch+json",
	.accept = ACP_KUBE_JSON,
	.is_write = true,
	.has_name = true,
};

static const struct verb delete_verb = {
	.method = "DELETE",
	.query = "",
	.content_type = ACP_KUBE_JSON,
	.accept = ACP_KUBE_JSON,
	.is_write = true,
	.has_name = true,
};

static const struct verb review_verb = {
	.method = "POST",
	.query = "",
	.content_type = ACP_KUBE_JSON,
	.accept = ACP_KUBE_JSON,
};

void
acp_kube_reply_init(struct acp_kube_reply *reply)
{
	*reply = (struct acp_kube_reply){0};
}

void
acp_kube_reply_clear(struct acp_kube_reply *reply)
{
	acp_json_free(&reply->body);
	acp_kube_reply_init(reply);
}

/* A path without its last part would mean all of a kind. */
static bool
is_addressed(const struct acp_ref *ref, bool has_name)
{
	if (acp_kind_is_namespaced(ref->kind) &&
		(!ref->namespace || !*ref->namespace))
		return false;
	return !has_name || (ref->name && *ref->name);
}

static const char *
write_body(struct json_object *body, size_t *size)
{
	return json_object_to_json_string_length(body,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, size);
}

static enum acp_error
send_verb(struct acp_kube *kube, const struct verb *verb,
	const struct acp_ref *ref, struct json_object *body,
	struct acp_kube_reply *reply)
{
	ACP_AUTO(buffer) struct acp_buffer path;
	struct acp_ref place = *ref;
	struct acp_kube_request request = {
		.kind = ref->kind,
		.method = verb->method,
		.accept = verb->accept,
		.content_type = verb->content_type,
		.is_write = verb->is_write,
	};
	bool is_too_large;
	enum acp_error error;

	acp_buffer_init(&path, ACP_KUBE_URL_MAX);
	if (!verb->has_name)
		place.name = NULL;
	acp_ref_write_path(&place, &path);
	acp_buffer_append(&path, verb->query);
	if (path.is_failed || !is_addressed(&place, verb->has_name)) {
		acp_kube_reply_refuse(reply, ACP_KUBE_INVALID,
			"the object has no usable name or namespace");
		return ACP_BAD_REQUEST;
	}
	request.path = acp_buffer_peek(&path);
	if (body)
		request.body = write_body(body, &request.body_size);
	error = acp_kube_request_send(kube, &request, reply, &is_too_large);
	if (body)
		acp_secret_wipe((char *)request.body, request.body_size);
	return error;
}

enum acp_error
acp_kube_get(struct acp_kube *kube, const struct acp_ref *ref,
	struct acp_kube_reply *reply)
{
	return send_verb(kube, &get_verb, ref, NULL, reply);
}

enum acp_error
acp_kube_get_metadata(struct acp_kube *kube, const struct acp_ref *ref,
	struct acp_kube_reply *reply)
{
	return send_verb(kube, &get_metadata_verb, ref, NULL, reply);
}

enum acp_error
acp_kube_create(struct acp_kube *kube, const struct acp_ref *ref,
	struct json_object *body, struct acp_kube_reply *reply)
{
	return send_verb(kube, &create_verb, ref, body, reply);
}

enum acp_error
acp_kube_apply(struct acp_kube *kube, const struct acp_ref *ref,
	struct json_object *body, struct acp_kube_reply *reply)
{
	return send_verb(kube, &apply_verb, ref, body, reply);
}

enum acp_error
acp_kube_replace(struct acp_kube *kube, const struct acp_ref *ref,
	struct json_object *body, struct acp_kube_reply *reply)
{
	return send_verb(kube, &replace_verb, ref, body, reply);
}

enum acp_error
acp_kube_patch(struct acp_kube *kube, const struct acp_ref *ref,
	struct json_object *body, struct acp_kube_reply *reply)
{
	return send_verb(kube, &patch_verb, ref, body, reply);
}

static void
add_text(struct json_object *object, const char *name, const char *text)
{
	if (text)
		json_object_object_add(
			object, name, json_object_new_string(text));
}

enum acp_error
acp_kube_delete(struct acp_kube *kube, const struct acp_ref *ref,
	const char *uid, const char *resource_version,
	struct acp_kube_reply *reply)
{
	ACP_AUTO(json) struct json_object *body = json_object_new_object();
	struct json_object *conditions = json_object_new_object();

	if (!uid || !*uid) {
		json_object_put(conditions);
		acp_kube_reply_refuse(reply, ACP_KUBE_INVALID,
			"nothing is deleted without its uid");
		return ACP_BAD_REQUEST;
	}
	add_text(body, "apiVersion", "v1");
	add_text(body, "kind", "DeleteOptions");
	add_text(body, "propagationPolicy", "Background");
	add_text(conditions, "uid", uid);
	add_text(conditions, "resourceVersion", resource_version);
	json_object_object_add(body, "preconditions", conditions);
	return send_verb(kube, &delete_verb, ref, body, reply);
}

/* A review says nothing that can be done: it has no name and is not kept. */
static struct json_object *
make_review(const struct acp_kube_right *right)
{
	struct json_object *body = json_object_new_object();
	struct json_object *spec = json_object_new_object();
	struct json_object *asked = json_object_new_object();

	add_text(asked, "verb", right->verb);
	add_text(asked, "group", right->group);
	add_text(asked, "resource", right->resource);
	add_text(asked, "subresource", right->subresource);
	add_text(asked, "namespace", right->namespace);
	add_text(asked, "name", right->name);
	json_object_object_add(spec, "resourceAttributes", asked);
	add_text(body, "apiVersion",
		acp_kind_api_version(ACP_KIND_ACCESS_REVIEW));
	add_text(body, "kind", acp_kind_name(ACP_KIND_ACCESS_REVIEW));
	json_object_object_add(body, "spec", spec);
	return body;
}

enum acp_error
acp_kube_may(struct acp_kube *kube, const struct acp_kube_right *right,
	bool *may, struct acp_kube_reply *reply)
{
	ACP_AUTO(json) struct json_object *body = make_review(right);
	struct acp_ref ref = {.kind = ACP_KIND_ACCESS_REVIEW};
	struct json_object *status = NULL;
	struct json_object *allowed = NULL;
	enum acp_error error = send_verb(kube, &review_verb, &ref, body, reply);

	if (error)
		return error;
	if (json_object_object_get_ex(reply->body, "status", &status))
		json_object_object_get_ex(status, "allowed", &allowed);
	if (!json_object_is_type(allowed, json_type_boolean)) {
		acp_kube_reply_refuse(reply, ACP_KUBE_BAD_ANSWER,
			"the answer does not say whether it is allowed");
		return ACP_RETRY_LATER;
	}
	*may = json_object_get_boolean(allowed);
	return ACP_OK;
}
