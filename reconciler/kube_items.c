/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where a page's items begin and end, by brackets and quotes alone.
 * Nothing is judged by that: every piece goes through the JSON parser, and
 * what was cut in the wrong place does not pass it. What alone does not go
 * through it is the list of managed fields, which nobody here reads.
 */
#include <config.h>

#include "reconciler/kube_items.h"

#include "lib/buffer.h"
#include "lib/json.h"
#include "lib/limits.h"

#include <string.h>

/* A member of an object, by its key with the quotes. */
struct member {
	const char *key;
	char bracket; /* with which its value begins */
};

static const struct member items_member = {"\"items\"", '['};
static const struct member metadata_member = {"\"metadata\"", '{'};
static const struct member fields_member = {"\"managedFields\"", '['};

static const char *
skip_space(const char *at, const char *end)
{
	while (at < end && memchr(" \t\r\n", *at, 4))
		at++;
	return at;
}

/* Behind the string that begins here, or the end. */
static const char *
skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : end;
}

/* Behind the object or array that begins here; NULL when it does not end. */
static const char *
skip_nested(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
		if (!depth)
			return at;
	}
	return NULL;
}

/*
 * What the member's value begins with, when this string is the key and its
 * value begins with that bracket.
 */
static const char *
find_value(const char *key, const char *behind, const char *end,
	const struct member *member)
{
	const size_t size = strlen(member->key);

	if ((size_t)(behind - key) != size ||
		memcmp(key, member->key, size) != 0)
		return NULL;
	behind = skip_space(behind, end);
	if (behind == end || *behind != ':')
		return NULL;
	behind = skip_space(behind + 1, end);
	return behind < end && *behind == member->bracket ? behind : NULL;
}

/*
 * The opening bracket of the object's own member, of the object that begins
 * at or behind white space; NULL when there is none.
 */
static const char *
find_member(const char *at, const char *end, const struct member *member)
{
	const char *behind, *value;

	at = skip_space(at, end);
	if (at == end || *at != '{')
		return NULL;
	for (at++; at && at < end && *at != '}';) {
		if (*at == '{' || *at == '[') {
			at = skip_nested(at, end);
		} else if (*at == '"') {
			behind = skip_string(at, end);
			value = find_value(at, behind, end, member);
			if (value)
				return value;
			at = behind;
		} else {
			at++;
		}
	}
	return NULL;
}

static struct json_object *
parse(const char *text, size_t size)
{
	return acp_json_new_deep(text, size, ACP_KUBE_JSON_DEPTH_MAX);
}

/* Parses with the array empty whose brackets are at open and before behind. */
static struct json_object *
parse_without(
	const char *text, size_t size, const char *open, const char *behind)
{
	ACP_AUTO(buffer) struct acp_buffer rest;

	acp_buffer_init(&rest, ACP_KUBE_REPLY_MAX);
	acp_buffer_append_bytes(&rest, text, (size_t)(open + 1 - text));
	acp_buffer_append_bytes(
		&rest, behind - 1, (size_t)(text + size - behind + 1));
	return parse(acp_buffer_peek(&rest), rest.size);
}

struct json_object *
acp_kube_items_cut(const char *text, size_t size, struct acp_kube_items *items)
{
	const char *end = text + size;
	const char *open = find_member(text, end, &items_member);
	const char *behind = open ? skip_nested(open, end) : NULL;

	*items = (struct acp_kube_items){0};
	if (!behind)
		return parse(text, size);
	items->text = open + 1;
	items->size = (size_t)(behind - 1 - items->text);
	return parse_without(text, size, open, behind);
}

/*
 * Half of an object's weight says which of its fields somebody manages, in
 * thousands of empty objects. Nobody here reads that.
 */
static struct json_object *
parse_item(const char *text, size_t size)
{
	const char *end = text + size;
	const char *metadata = find_member(text, end, &metadata_member);
	const char *open =
		metadata ? find_member(metadata, end, &fields_member) : NULL;
	const char *behind = open ? skip_nested(open, end) : NULL;

	return behind ? parse_without(text, size, open, behind)
		      : parse(text, size);
}

static bool
has_given(const char *text, size_t size, const struct acp_kube_sink *sink)
{
	ACP_AUTO(json) struct json_object *item = parse_item(text, size);

	if (!item)
		return false;
	sink->take(sink->context, item);
	return true;
}

bool
acp_kube_items_give(
	const struct acp_kube_items *items, const struct acp_kube_sink *sink)
{
	const char *end = items->text + items->size;
	const char *at = skip_space(items->text, end);
	const char *behind;

	if (at == end)
		return true;
	for (;;) {
		behind = at < end && *at == '{' ? skip_nested(at, end) : NULL;
		if (!behind || !has_given(at, (size_t)(behind - at), sink))
			return false;
		at = skip_space(behind, end);
		if (at == end)
			return true;
		if (*at != ',')
			return false;
		at = skip_space(at + 1, end);
	}
}
