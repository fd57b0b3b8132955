/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all desired objects have in common: their frame and their labels. Used
 * by the other desired_*.c files; must never depend on anything but the site.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "lib/memory.h"
#include "reconciler/desired_build.h"

static struct json_object *
demand(struct json_object *object)
{
	if (!object)
		acp_memory_exhausted();
	return object;
}

static struct json_object *
add(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, demand(value)) < 0)
		acp_memory_exhausted();
	return value;
}

static struct json_object *
push(struct json_object *array, struct json_object *value)
{
	if (json_object_array_add(array, demand(value)) < 0)
		acp_memory_exhausted();
	return value;
}

struct json_object *
acp_desired_add_object(struct json_object *object, const char *key)
{
	return add(object, key, json_object_new_object());
}

struct json_object *
acp_desired_add_array(struct json_object *object, const char *key)
{
	return add(object, key, json_object_new_array_ext(2));
}

void
acp_desired_add_text(
	struct json_object *object, const char *key, const char *text)
{
	add(object, key, json_object_new_string(text));
}

void
acp_desired_add_bool(struct json_object *object, const char *key, bool is_on)
{
	add(object, key, json_object_new_boolean(is_on));
}

void
acp_desired_add_number(struct json_object *object, const char *key, int number)
{
	add(object, key, json_object_new_int(number));
}

struct json_object *
acp_desired_push_object(struct json_object *array)
{
	return push(array, json_object_new_object());
}

void
acp_desired_push_texts(struct json_object *array, const char *const *texts)
{
	for (; *texts; texts++)
		push(array, json_object_new_string(*texts));
}

static struct json_object *
peek_or_add(struct json_object *object, const char *key)
{
	struct json_object *member = NULL;

	if (json_object_object_get_ex(object, key, &member))
		return member;
	return acp_desired_add_object(object, key);
}

struct json_object *
acp_desired_peek_labels(struct json_object *object)
{
	return peek_or_add(peek_or_add(object, "metadata"), "labels");
}

struct json_object *
acp_desired_peek_annotations(struct json_object *object)
{
	return peek_or_add(peek_or_add(object, "metadata"), "annotations");
}

static void
add_labels(const struct acp_site *site, struct json_object *labels,
	const char *project_id)
{
	acp_desired_add_text(labels, ACP_LABEL_MANAGED, "true");
	acp_desired_add_text(labels, ACP_LABEL_INSTANCE, site->instance);
	if (project_id)
		acp_desired_add_text(labels, ACP_LABEL_PROJECT_ID, project_id);
	acp_desired_add_text(labels, ACP_LABEL_MANAGED_BY, ACP_MANAGED_BY);
}

struct json_object *
acp_desired_new(const struct acp_site *site, const struct acp_ref *ref,
	const char *project_id)
{
	struct json_object *object = demand(json_object_new_object());
	struct json_object *metadata;

	acp_desired_add_text(
		object, "apiVersion", acp_kind_api_version(ref->kind));
	acp_desired_add_text(object, "kind", acp_kind_name(ref->kind));
	metadata = acp_desired_add_object(object, "metadata");
	acp_desired_add_text(metadata, "name", ref->name);
	if (ref->namespace)
		acp_desired_add_text(metadata, "namespace", ref->namespace);
	add_labels(site, acp_desired_peek_labels(object), project_id);
	return object;
}

void
acp_desired_selector(const struct acp_site *site, struct acp_buffer *text)
{
	acp_buffer_printf(text, "%s=true,%s=%s", ACP_LABEL_MANAGED,
		ACP_LABEL_INSTANCE, site->instance);
}
