/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of a page of a list, one after the other: parsed whole, a page
 * takes tens of its own size in memory. For kube*.c alone.
 */
#ifndef ACP_RECONCILER_KUBE_ITEMS_H
#define ACP_RECONCILER_KUBE_ITEMS_H

#include "lib/error.h"
#include "reconciler/kube.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>

/* What stands between the brackets of "items"; borrowed of the page. */
struct acp_kube_items {
	const char *text; /* NULL: the page has no such array */
	size_t size;
};

/*
 * Parses a page but for the contents of its "items", an array of which only
 * the empty one remains. A page without such an array is parsed whole. NULL:
 * not a JSON object. Caller frees by acp_json_free().
 */
struct json_object *acp_kube_items_cut(
	const char *text, size_t size, struct acp_kube_items *items);

/*
 * Gives each item to the sink, its metadata.managedFields emptied when they
 * are an array, and frees it. False, after some of them may have been given,
 * when one is no JSON object or they are no array.
 */
ACP_MUST_CHECK bool acp_kube_items_give(
	const struct acp_kube_items *items, const struct acp_kube_sink *sink);

#endif
