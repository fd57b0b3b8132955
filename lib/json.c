/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads JSON for the parsers of tokens and of the identity provider's
 * replies, through json-c. Never logs: what it reads is foreign and may be
 * secret.
 */
#include <config.h>

#include "lib/json.h"

#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/secret.h"

#include <json-c/json_c_version.h>
#include <json-c/json_tokener.h>
#include <limits.h>
#include <math.h>
#include <string.h>

static void
free_tokener(struct json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

ACP_AUTO_DEFINE(tokener, struct json_tokener *, free_tokener)

/* White space of RFC 8259, which json-c takes in front but not behind. */
static size_t
cut_white_space(const char *text, size_t size)
{
	while (size && memchr(" \t\r\n", text[size - 1], 4))
		size--;
	return size;
}

/*
 * Strict where that works: when strict, json-c 0.18 takes every byte above
 * 0x7f for a control character and refuses it.
 */
static int
choose_flags(void)
{
	const int broken = 18, minor = json_c_version_num() >> 8;

	if (minor == broken)
		return JSON_TOKENER_VALIDATE_UTF8;
	return JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_STRICT;
}

static struct json_object *
parse(const char *text, size_t size, int depth, enum json_type type)
{
	ACP_AUTO(tokener)
	struct json_tokener *tokener = json_tokener_new_ex(depth);
	ACP_AUTO(json) struct json_object *object = NULL;
	struct json_object *result = NULL;

	if (!tokener)
		acp_memory_exhausted();
	size = cut_white_space(text, size);
	if (size > INT_MAX)
		return NULL;
	json_tokener_set_flags(tokener, choose_flags());
	object = json_tokener_parse_ex(tokener, text, (int)size);
	if (json_tokener_get_error(tokener) == json_tokener_success &&
		json_tokener_get_parse_end(tokener) == size &&
		json_object_is_type(object, type)) {
		result = object;
		object = NULL;
	}
	return result;
}

struct json_object *
acp_json_new(const char *text, size_t size)
{
	return parse(text, size, ACP_JSON_DEPTH_MAX, json_type_object);
}

struct json_object *
acp_json_new_deep(const char *text, size_t size, int depth)
{
	return parse(text, size, depth, json_type_object);
}

struct json_object *
acp_json_new_array(const char *text, size_t size)
{
	return parse(text, size, ACP_JSON_DEPTH_MAX, json_type_array);
}

void
acp_json_free(struct json_object **object)
{
	json_object_put(*object);
	*object = NULL;
}

struct json_object *
acp_json_peek(const struct json_object *object, const char *name)
{
	struct json_object *member = NULL;

	if (!json_object_object_get_ex(object, name, &member))
		return NULL;
	return member;
}

const char *
acp_json_peek_text(
	const struct json_object *object, const char *name, size_t *size)
{
	struct json_object *member = acp_json_peek(object, name);

	if (!json_object_is_type(member, json_type_string))
		return NULL;
	*size = (size_t)json_object_get_string_len(member);
	return json_object_get_string(member);
}

struct json_object *
acp_json_peek_object(const struct json_object *object, const char *name)
{
	struct json_object *member = acp_json_peek(object, name);

	return json_object_is_type(member, json_type_object) ? member : NULL;
}

void
acp_json_wipe_text(const struct json_object *object, const char *name)
{
	size_t size;
	const char *text = acp_json_peek_text(object, name, &size);

	/* json-c frees without wiping, and has no call that wipes */
	if (text)
		acp_secret_wipe((char *)text, size);
}

static int64_t
clamp_integer(int64_t number)
{
	if (number > ACP_JSON_NUMBER_MAX)
		return ACP_JSON_NUMBER_MAX;
	if (number < -ACP_JSON_NUMBER_MAX)
		return -ACP_JSON_NUMBER_MAX;
	return number;
}

/* A double beyond the range of an integer must not be converted to one. */
static int64_t
clamp_fraction(double number)
{
	if (number > (double)ACP_JSON_NUMBER_MAX)
		return ACP_JSON_NUMBER_MAX;
	if (number < -(double)ACP_JSON_NUMBER_MAX)
		return -ACP_JSON_NUMBER_MAX;
	return (int64_t)number;
}

static bool
is_integer_text(const char *text, size_t size)
{
	size_t sign = size > 0 && text[0] == '-';

	return size > sign && strlen(text) == size &&
		strspn(text + sign, "0123456789") == size - sign;
}

bool
acp_json_has_number(
	const struct json_object *object, const char *name, int64_t *number)
{
	struct json_object *member = acp_json_peek(object, name);
	const char *text;
	size_t size = 0;

	switch (json_object_get_type(member)) {
	case json_type_int:
		*number = clamp_integer(json_object_get_int64(member));
		return true;
	case json_type_double:
		if (isnan(json_object_get_double(member)))
			return false;
		*number = clamp_fraction(json_object_get_double(member));
		return true;
	case json_type_string:
		text = acp_json_peek_text(object, name, &size);
		if (!is_integer_text(text, size))
			return false;
		/* saturates, and is clamped then */
		*number = clamp_integer(strtoll(text, NULL, 10));
		return true;
	case json_type_null:
	case json_type_boolean:
	case json_type_object:
	case json_type_array:
		break;
	}
	return false;
}
