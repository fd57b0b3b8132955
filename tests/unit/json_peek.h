/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of JSON objects, for the tests alone: NULL for whatever is not
 * there, so that a test may ask for any depth. All borrowed.
 */
#ifndef ACP_TESTS_UNIT_JSON_PEEK_H
#define ACP_TESTS_UNIT_JSON_PEEK_H

#include <json-c/json_object.h>

static inline struct json_object *
peek(struct json_object *object, const char *key)
{
	struct json_object *member = NULL;

	json_object_object_get_ex(object, key, &member);
	return member;
}

/* Of a Kubernetes object. */

static inline const char *
peek_meta(struct json_object *json, const char *key)
{
	return json_object_get_string(peek(peek(json, "metadata"), key));
}

static inline const char *
peek_label(struct json_object *json, const char *key)
{
	return json_object_get_string(
		peek(peek(peek(json, "metadata"), "labels"), key));
}

#endif
