/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/kube_items.h: any bytes as a page of a list. What is taken apart
 * is what a parser of the whole page finds in it, but for managed fields, which
 * are left unparsed.
 */
#include <config.h>

#include "reconciler/kube_items.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static struct json_object *given;

static void
begin(void *context)
{
	(void)context;
}

static void
take(void *context, struct json_object *item)
{
	(void)context;
	json_object_array_add(given, json_object_get(item));
}

static bool
has_empty_items(struct json_object *object)
{
	struct json_object *items = NULL;

	return json_object_object_get_ex(object, "items", &items) &&
		json_object_is_type(items, json_type_array) &&
		!json_object_array_length(items);
}

/* By their text: a NaN, which json-c takes, is not equal to itself. */
static bool
is_same(struct json_object *left, struct json_object *right)
{
	return strcmp(json_object_to_json_string(left),
		       json_object_to_json_string(right)) == 0;
}

static bool
has_managed_fields(const char *text, size_t size)
{
	static const char key[] = "managedFields";

	return memmem(text, size, key, sizeof(key) - 1);
}

/* Without the managed fields of its items; items may be no array. */
static void
drop_managed_fields(struct json_object *items)
{
	size_t count = json_object_is_type(items, json_type_array)
		? json_object_array_length(items)
		: 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(items, i);
		struct json_object *metadata = NULL;

		if (json_object_is_type(item, json_type_object))
			json_object_object_get_ex(item, "metadata", &metadata);
		if (json_object_is_type(metadata, json_type_object))
			json_object_object_del(metadata, "managedFields");
	}
}

static void
expect_same(const char *text, size_t size)
{
	/* items alone are not as deep as within their page */
	ACP_AUTO(json)
	struct json_object *whole =
		acp_json_new_deep(text, size, ACP_KUBE_JSON_DEPTH_MAX + 2);
	struct json_object *items = NULL;

	if (!whole && has_managed_fields(text, size))
		return;
	if (!whole)
		abort();
	json_object_object_get_ex(whole, "items", &items);
	drop_managed_fields(items);
	drop_managed_fields(given);
	/* an empty one may stand behind ours: no server writes a key twice */
	if (!has_empty_items(whole) && !is_same(items, given))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct acp_kube_sink sink = {begin, take, NULL};
	const char *text = (const char *)data;
	ACP_AUTO(json) struct json_object *page = NULL;
	struct acp_kube_items items;

	page = acp_kube_items_cut(text, size, &items);
	if (!page || !items.text)
		return 0;
	given = json_object_new_array();
	/* one that has items left is refused */
	if (acp_kube_items_give(&items, &sink) && has_empty_items(page))
		expect_same(text, size);
	acp_json_free(&given);
	return 0;
}
