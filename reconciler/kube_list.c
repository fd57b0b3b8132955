/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of the Kubernetes API, page by page: the items of each are given to
 * the sink and freed before the next page is asked for.
 */
#include <config.h>

#include "reconciler/kube_request.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"

#include <string.h>

#define METADATA_LIST \
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

enum { CODE_NOT_FOUND = 404 };

/* A list under way. */
struct walk {
	const struct acp_kube_list *list;
	const struct acp_kube_sink *sink;
	size_t page; /* items a request */
	size_t pages;
	size_t starts;
	char *next; /* the continue token, NULL: from the start */
};

static void
write_path(const struct walk *walk, struct acp_buffer *path)
{
	const struct acp_kube_list *list = walk->list;
	struct acp_ref ref = {
		.kind = list->kind,
		.namespace = list->namespace,
	};

	acp_ref_write_path(&ref, path);
	acp_buffer_printf(path, "?limit=%zu", walk->page);
	if (list->selector) {
		acp_buffer_append(path, "&labelSelector=");
		acp_kube_query_write(list->selector, path);
	}
	if (walk->next) {
		acp_buffer_append(path, "&continue=");
		acp_kube_query_write(walk->next, path);
	}
}

static void
start_over(struct walk *walk)
{
	free(walk->next);
	walk->next = NULL;
	walk->starts++;
	walk->sink->begin(walk->sink->context);
}

/* "PodList"; also where the items are something else, as for metadata. */
static bool
is_list(const struct json_object *body)
{
	static const char ending[] = "List";
	size_t size;
	const char *kind = acp_json_peek_text(body, "kind", &size);
	const size_t end = sizeof(ending) - 1;

	return kind && size >= end && strcmp(kind + size - end, ending) == 0;
}

/* The token of the page behind this one, "" for none; NULL: not a list. */
static const char *
peek_next(const struct json_object *body)
{
	struct json_object *metadata = acp_json_peek_object(body, "metadata");
	const char *next;
	size_t size;

	if (!is_list(body) || !metadata)
		return NULL;
	if (!json_object_object_get_ex(metadata, "continue", NULL))
		return "";
	next = acp_json_peek_text(metadata, "continue", &size);
	return next;
}

/* Its items were given and cut out when they were an array. */
static bool
has_items(const struct json_object *body)
{
	struct json_object *items = NULL;

	if (!json_object_object_get_ex(body, "items", &items))
		return false;
	/* null is how an empty list may be written */
	return !items ||
		(json_object_is_type(items, json_type_array) &&
			!json_object_array_length(items));
}

/* False when the page cannot be part of a list that ends. */
static bool
has_taken_page(struct walk *walk, const struct json_object *body)
{
	const char *next = peek_next(body);

	if (!next || (walk->next && strcmp(next, walk->next) == 0))
		return false;
	if (++walk->pages > ACP_KUBE_LIST_PAGES_MAX)
		return false;
	if (!has_items(body))
		return false;
	free(walk->next);
	walk->next = *next ? acp_memory_dup_text(next) : NULL;
	return true;
}

/* True when the failure of a page is no failure of the list. */
static bool
may_go_on(struct walk *walk, const struct acp_kube_reply *reply,
	bool is_too_large)
{
	if (is_too_large && walk->page > 1) {
		walk->page /= 2;
		return true;
	}
	if (reply->reason == ACP_KUBE_EXPIRED && walk->next &&
		walk->starts < ACP_KUBE_LIST_STARTS_MAX) {
		start_over(walk);
		return true;
	}
	return false;
}

/*
 * A kind of which the server knows not even the group is answered without a
 * Status. The groups of Kubernetes itself are always there.
 */
static enum acp_error
judge_missing(const struct acp_kube_list *list, enum acp_error error,
	struct acp_kube_reply *reply)
{
	bool is_extension = list->kind == ACP_KIND_TENANT_NAMESPACE ||
		list->kind == ACP_KIND_PROJECT_SETTINGS;

	if (reply->code != CODE_NOT_FOUND || reply->reason != ACP_KUBE_OTHER ||
		!is_extension)
		return error;
	reply->reason = ACP_KUBE_NOT_FOUND;
	return ACP_GONE;
}

static enum acp_error
ask_page(struct acp_kube *kube, const struct walk *walk,
	struct acp_kube_reply *reply, bool *is_too_large)
{
	ACP_AUTO(buffer) struct acp_buffer path;
	struct acp_kube_request request = {
		.kind = walk->list->kind,
		.method = "GET",
		.sink = walk->sink,
		.accept = walk->list->is_metadata_only ? METADATA_LIST
						       : ACP_KUBE_JSON,
	};

	acp_buffer_init(&path, ACP_KUBE_URL_MAX);
	write_path(walk, &path);
	*is_too_large = false;
	acp_kube_reply_clear(reply);
	if (path.is_failed) {
		acp_kube_reply_refuse(reply, ACP_KUBE_BAD_ANSWER,
			"the selector or the continue token is too long");
		return ACP_RETRY_LATER;
	}
	request.path = acp_buffer_peek(&path);
	return acp_kube_request_send(kube, &request, reply, is_too_large);
}

static enum acp_error
walk_pages(
	struct acp_kube *kube, struct walk *walk, struct acp_kube_reply *reply)
{
	bool is_too_large;
	enum acp_error error;

	do {
		error = ask_page(kube, walk, reply, &is_too_large);
		if (error && may_go_on(walk, reply, is_too_large))
			continue;
		if (error)
			return judge_missing(walk->list, error, reply);
		if (!has_taken_page(walk, reply->body)) {
			acp_kube_reply_refuse(reply, ACP_KUBE_BAD_ANSWER,
				"the answer is not a page of a list");
			return ACP_RETRY_LATER;
		}
	} while (error || walk->next);
	return ACP_OK;
}

enum acp_error
acp_kube_list(struct acp_kube *kube, const struct acp_kube_list *list,
	const struct acp_kube_sink *sink, struct acp_kube_reply *reply)
{
	struct walk walk = {
		.list = list,
		.sink = sink,
		.page = list->page ? list->page : 1,
	};
	enum acp_error error;

	start_over(&walk);
	error = walk_pages(kube, &walk, reply);
	acp_json_free(&reply->body);
	free(walk.next);
	return error;
}
