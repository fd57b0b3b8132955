/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is compared of an object, as one digest: the labels of ours and the
 * parts of its kind that are ours, in one canonical form whatever the order
 * of keys. What we could not repair by applying must stay out of it, else
 * each pass would apply again: labels and fields that others add.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "lib/json.h"
#include "lib/hash.h"
#include "lib/memory.h"
#include "reconciler/desired_build.h"

#include <json-c/linkhash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_value(struct acp_hash *hash, struct json_object *value);

/* The server leaves out members that say nothing. */
static bool
says_nothing(struct json_object *value)
{
	return !value ||
		(json_object_is_type(value, json_type_array) &&
			!json_object_array_length(value));
}

/* A tag and the size in front, so that no two values look the same. */
static void
add_tagged(struct acp_hash *hash, char tag, const char *text, size_t size)
{
	const uint64_t number = size;

	acp_hash_add(hash, &tag, 1);
	acp_hash_add(hash, &number, sizeof(number));
	acp_hash_add(hash, text, size);
}

static void
add_member(struct acp_hash *hash, const char *key, struct json_object *value)
{
	if (says_nothing(value))
		return;
	add_tagged(hash, 'k', key, strlen(key));
	add_value(hash, value);
}

static int
compare_keys(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void
add_object(struct acp_hash *hash, struct json_object *object)
{
	size_t size = (size_t)json_object_object_length(object), count = 0;
	ACP_AUTO(free)
	const char **keys = acp_memory_new(size + 1, sizeof(*keys));

	json_object_object_foreach(object, key, value)
	{
		(void)value;
		keys[count++] = key;
	}
	qsort(keys, count, sizeof(*keys), compare_keys);
	add_tagged(hash, '{', NULL, 0);
	for (size_t i = 0; i < count; i++)
		add_member(hash, keys[i], acp_json_peek(object, keys[i]));
	add_tagged(hash, '}', NULL, 0);
}

static void
add_array(struct acp_hash *hash, struct json_object *array)
{
	size_t count = json_object_array_length(array);

	add_tagged(hash, '[', NULL, 0);
	for (size_t i = 0; i < count; i++)
		add_value(hash, json_object_array_get_idx(array, i));
	add_tagged(hash, ']', NULL, 0);
}

static void
add_number(struct acp_hash *hash, struct json_object *value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.17g", json_object_get_double(value));
	add_tagged(hash, 'n', text, strlen(text));
}

static void
add_value(struct acp_hash *hash, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_object:
		add_object(hash, value);
		break;
	case json_type_array:
		add_array(hash, value);
		break;
	case json_type_string:
		add_tagged(hash, 's', json_object_get_string(value),
			(size_t)json_object_get_string_len(value));
		break;
	case json_type_int:
	case json_type_double:
		add_number(hash, value);
		break;
	case json_type_boolean:
		add_tagged(hash, json_object_get_boolean(value) ? 't' : 'f',
			NULL, 0);
		break;
	case json_type_null:
		add_tagged(hash, '0', NULL, 0);
		break;
	}
}

/* The named members of object, those that are there. */
static void
add_some(struct acp_hash *hash, struct json_object *object,
	const char *const *keys)
{
	for (; *keys; keys++)
		add_member(hash, *keys, acp_json_peek(object, *keys));
}

static bool
is_of_session(enum acp_kind kind)
{
	return kind == ACP_KIND_SERVICE_ACCOUNT || kind == ACP_KIND_SERVICE ||
		kind == ACP_KIND_POD;
}

static void
add_labels(
	struct acp_hash *hash, enum acp_kind kind, struct json_object *labels)
{
	static const char *const all[] = {ACP_LABEL_MANAGED, ACP_LABEL_INSTANCE,
		ACP_LABEL_PROJECT_ID, ACP_LABEL_MANAGED_BY, NULL};
	static const char *const of_session[] = {ACP_LABEL_SESSION_ID, NULL};
	static const char *const of_tenant[] = {
		ACP_LABEL_TENANT, ACP_LABEL_NAMESPACE_TYPE, NULL};

	add_some(hash, labels, all);
	if (is_of_session(kind))
		add_some(hash, labels, of_session);
	if (kind == ACP_KIND_TENANT_NAMESPACE)
		add_some(hash, labels, of_tenant);
}

/* Only bindings of people say their role in an annotation. */
static void
add_role_annotation(struct acp_hash *hash, struct json_object *object)
{
	static const char *const keys[] = {ACP_ANNOTATION_ROLE, NULL};
	const char *role = json_object_get_string(
		acp_json_peek(acp_json_peek(object, "roleRef"), "name"));

	if (role && strncmp(role, "ambient-project-", 16) == 0)
		add_some(hash,
			acp_json_peek(acp_json_peek(object, "metadata"),
				"annotations"),
			keys);
}

static void
add_binding(struct acp_hash *hash, struct json_object *object)
{
	static const char *const keys[] = {"roleRef", "subjects", NULL};

	add_some(hash, object, keys);
	add_role_annotation(hash, object);
}

/* A custom resource may have members of others beside ours. */
static void
add_tenant_spec(struct acp_hash *hash, struct json_object *spec)
{
	static const char *const keys[] = {"type", NULL};
	static const char *const network[] = {"security-zone", NULL};

	add_some(hash, spec, keys);
	add_some(hash, acp_json_peek(spec, "network"), network);
}

/* What the server chooses by itself, each version of it in its own way. */
static const char *const chosen_of_service[] = {"clusterIP", "clusterIPs",
	"internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy", NULL};

/*
 * All the rest of a Service: a selector, a port or an external address that
 * somebody else added would lead callers astray.
 */
static void
add_service_spec(struct acp_hash *hash, struct json_object *spec)
{
	struct json_object *copy = NULL;

	if (!json_object_is_type(spec, json_type_object))
		return;
	if (json_object_deep_copy(spec, &copy, NULL) < 0)
		acp_memory_exhausted();
	for (const char *const *key = chosen_of_service; *key; key++)
		json_object_object_del(copy, *key);
	add_object(hash, copy);
	json_object_put(copy);
}

static void
keep(struct json_object *object, struct json_object *seen, const char *key)
{
	struct json_object *value = acp_json_peek(seen, key);

	if (value &&
		json_object_object_add(object, key, json_object_get(value)) < 0)
		acp_memory_exhausted();
}

void
acp_desired_service_keep(struct json_object *service, struct json_object *seen)
{
	struct json_object *metadata = acp_json_peek(service, "metadata");
	struct json_object *spec = acp_json_peek(service, "spec");

	keep(metadata, acp_json_peek(seen, "metadata"), "uid");
	keep(metadata, acp_json_peek(seen, "metadata"), "resourceVersion");
	for (const char *const *key = chosen_of_service; *key; key++)
		keep(spec, acp_json_peek(seen, "spec"), *key);
}

static void
add_contents(
	struct acp_hash *hash, enum acp_kind kind, struct json_object *object)
{
	static const char *const rules[] = {"rules", NULL};
	static const char *const policy[] = {
		"podSelector", "policyTypes", "ingress", NULL};
	static const char *const settings[] = {"groupAccess", NULL};
	static const char *const account[] = {
		"automountServiceAccountToken", NULL};
	struct json_object *spec = acp_json_peek(object, "spec");

	if (kind == ACP_KIND_TENANT_NAMESPACE)
		add_tenant_spec(hash, spec);
	else if (kind == ACP_KIND_ROLE)
		add_some(hash, object, rules);
	else if (kind == ACP_KIND_ROLE_BINDING)
		add_binding(hash, object);
	else if (kind == ACP_KIND_NETWORK_POLICY)
		add_some(hash, spec, policy);
	else if (kind == ACP_KIND_PROJECT_SETTINGS)
		add_some(hash, spec, settings);
	else if (kind == ACP_KIND_SERVICE_ACCOUNT)
		add_some(hash, object, account);
	else if (kind == ACP_KIND_SERVICE)
		add_service_spec(hash, spec);
}

void
acp_desired_content(enum acp_kind kind, struct json_object *object,
	uint8_t content[static ACP_CONTENT_SIZE])
{
	uint8_t digest[ACP_HASH_SIZE];
	struct acp_hash hash;

	acp_hash_init(&hash);
	add_labels(&hash, kind,
		acp_json_peek(acp_json_peek(object, "metadata"), "labels"));
	acp_hash_add_text(&hash, "");
	add_contents(&hash, kind, object);
	acp_hash_finish(&hash, digest);
	memcpy(content, digest, ACP_CONTENT_SIZE);
}
