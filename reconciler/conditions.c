/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes our condition into a list of them.
 */
#include <config.h>

#include "reconciler/conditions.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "reconciler/desired_build.h"

#include <json-c/json_object.h>
#include <string.h>

enum { MS_PER_S = 1000 };

static const char type[] = "Ready";

static const char *
peek_text(struct json_object *object, const char *name)
{
	size_t size;
	const char *text = json_object_is_type(object, json_type_object)
		? acp_json_peek_text(object, name, &size)
		: NULL;

	return text ? text : "";
}

/* The array in the text, or a new one; caller owns. */
static struct json_object *
read_present(const char *present)
{
	struct json_object *array =
		present ? acp_json_new_array(present, strlen(present)) : NULL;

	return array ? array : json_object_new_array();
}

/* Ours, or a new one at the end. */
static struct json_object *
find_own(struct json_object *array)
{
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);

		if (strcmp(peek_text(item, "type"), type) == 0)
			return item;
	}
	return acp_desired_push_object(array);
}

static bool
says(struct json_object *own, const struct acp_condition *condition,
	const char *status)
{
	return strcmp(peek_text(own, "status"), status) == 0 &&
		strcmp(peek_text(own, "reason"), condition->reason) == 0 &&
		strcmp(peek_text(own, "message"), condition->message) == 0;
}

static void
write_own(struct json_object *own, const struct acp_condition *condition,
	const char *status, int64_t now_s)
{
	char time[ACP_CLOCK_TEXT_SIZE];

	if (strcmp(peek_text(own, "status"), status) != 0) {
		acp_clock_format(now_s * MS_PER_S, 0, time);
		acp_desired_add_text(own, "lastTransitionTime", time);
	}
	acp_desired_add_text(own, "type", type);
	acp_desired_add_text(own, "status", status);
	acp_desired_add_text(own, "reason", condition->reason);
	acp_desired_add_text(own, "message", condition->message);
}

bool
acp_conditions_set(const char *present, const struct acp_condition *condition,
	int64_t now_s, struct acp_buffer *text)
{
	const char *status = condition->is_true ? "True" : "False";
	ACP_AUTO(json) struct json_object *array = read_present(present);
	struct json_object *own = find_own(array);

	if (says(own, condition, status))
		return false;
	write_own(own, condition, status, now_s);
	acp_buffer_append(text,
		json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN));
	return true;
}

bool
acp_conditions_has(const char *present, const struct acp_condition *condition)
{
	ACP_AUTO(json) struct json_object *array = read_present(present);

	return says(find_own(array), condition,
		condition->is_true ? "True" : "False");
}

bool
acp_conditions_has_trouble(const char *present)
{
	ACP_AUTO(json) struct json_object *array = NULL;

	if (!present)
		return false;
	array = read_present(present);
	return strcmp(peek_text(find_own(array), "status"), "False") == 0;
}
