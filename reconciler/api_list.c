/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole lists of the API server. Goes from page to page by the last id of
 * each, in the order that the server's database has: which one that is, is
 * not for us to judge. A list that may lack a row is a failure, never a
 * result.
 */
#include <config.h>

#include "reconciler/api.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/utf8.h"
#include "reconciler/api_request.h"
#include "reconciler/arena.h"

#include <search.h>
#include <string.h>

enum { PAGE_SHRINK = 8 };

struct walk {
	struct acp_api *api;
	const char *collection;
	const char *search; /* the caller's, NULL: none */
	const struct acp_api_sink *sink;
	struct acp_api_reply *reply;
	struct acp_arena *arena; /* of the ids */
	void *ids; /* a tree (tsearch), for rows that come twice */
	size_t count; /* of different rows so far */
	size_t size; /* of a page, as we ask for it */
	size_t page; /* the next one, by numbers; 0: by keyset */
	size_t starts; /* how often it began because it had shrunk */
	int64_t least; /* total that the next page must have */
	const char *last; /* id, NULL before the first page */
};

/* What to do after a page. */
enum step {
	STEP_NEXT,
	STEP_END,
	STEP_AGAIN, /* it changed under our hands, or rows are missing */
	STEP_FAIL
};

/* One answer. */
struct page {
	struct json_object *items; /* borrowed of the reply */
	size_t count;
	int64_t total;
};

static int
compare_ids(const void *left, const void *right)
{
	return strcmp(left, right);
}

static void
keep_id(void *id)
{
	(void)id; /* it is the arena's */
}

static void
forget_ids(struct walk *walk)
{
	tdestroy(walk->ids, keep_id);
	walk->ids = NULL;
	acp_arena_free(&walk->arena);
}

static void
start_over(struct walk *walk)
{
	forget_ids(walk);
	walk->arena = acp_arena_new();
	walk->count = 0;
	walk->least = 0;
	walk->last = NULL;
	walk->page = walk->page ? 1 : 0;
	walk->sink->begin(walk->sink->context);
}

/* The request */

/* False when the last id cannot be part of a search. */
static bool
has_search(struct walk *walk, struct acp_buffer *search)
{
	if (walk->search)
		acp_buffer_printf(search,
			walk->last && !walk->page ? "(%s)" : "%s",
			walk->search);
	if (walk->page || !walk->last)
		return true;
	acp_buffer_append(search, walk->search ? " and id > " : "id > ");
	return acp_api_quote(search, walk->last);
}

static enum acp_error
ask_page(struct walk *walk, const char *search, bool *is_too_large)
{
	ACP_AUTO(buffer) struct acp_buffer path;
	struct acp_api_request request = {
		.method = "GET",
		/* a search that was good once is not at fault later */
		.has_search = *search && walk->count <= walk->size,
	};

	acp_buffer_init(&path, ACP_API_PATH_MAX);
	acp_buffer_printf(&path, "/%s?orderBy=id&size=%zu&page=%zu",
		walk->collection, walk->size, walk->page ? walk->page : 1);
	if (*search) {
		acp_buffer_append(&path, "&search=");
		acp_api_write_escaped(&path, search);
	}
	if (path.is_failed) {
		acp_api_reply_refuse(walk->reply, "the search is too long");
		return ACP_BAD_REQUEST;
	}
	request.path = acp_buffer_peek(&path);
	return acp_api_request_send(
		walk->api, &request, walk->reply, is_too_large);
}

static void
use_numbers(struct walk *walk)
{
	walk->page = 1;
	start_over(walk);
}

static enum acp_error
send_page(struct walk *walk, bool *is_too_large)
{
	ACP_AUTO(buffer) struct acp_buffer search;

	acp_buffer_init(&search, ACP_API_PATH_MAX);
	if (!has_search(walk, &search)) {
		use_numbers(walk);
		acp_buffer_clear(&search);
		acp_buffer_append(&search, walk->search ? walk->search : "");
	}
	return ask_page(walk, acp_buffer_peek(&search), is_too_large);
}

/* Only the first search of ours tells whether the server knows such. */
static bool
is_keyset_refused(const struct walk *walk)
{
	long code = walk->reply->code;

	return !walk->page && walk->last && walk->count <= walk->size &&
		(code == 400 || code == 500);
}

/* True when asking in another way may help. */
static bool
has_other_way(struct walk *walk, bool is_too_large)
{
	if (is_keyset_refused(walk)) {
		use_numbers(walk);
		return true;
	}
	if (!is_too_large || walk->size == 1)
		return false;
	/* fewer rows at a time, so that large ones fit */
	walk->size = walk->size > PAGE_SHRINK ? walk->size / PAGE_SHRINK : 1;
	if (walk->page)
		start_over(walk);
	return true;
}

/* The answer */

static enum step
fail(struct walk *walk, const char *message)
{
	acp_api_reply_refuse(walk->reply, message);
	return STEP_FAIL;
}

/* False when the answer is no page, or is not all of one. */
static bool
has_page(struct walk *walk, struct page *page)
{
	struct json_object *body = walk->reply->body;
	int64_t size;

	page->items = NULL;
	json_object_object_get_ex(body, "items", &page->items);
	if (!json_object_is_type(page->items, json_type_array) ||
		!acp_json_has_number(body, "total", &page->total) ||
		page->total < 0)
		return false;
	page->count = json_object_array_length(page->items);
	/* of this page, not as we asked for it */
	return !acp_json_has_number(body, "size", &size) ||
		size == (int64_t)page->count;
}

/* An id that may be kept and shown; NULL when it is none. */
static const char *
peek_id(const struct json_object *row)
{
	size_t size = 0;
	const char *id = NULL;

	if (json_object_is_type(row, json_type_object))
		id = acp_json_peek_text(row, "id", &size);
	if (!id || size == 0 || size > ACP_ROW_ID_MAX ||
		!acp_utf8_is_printable(id, size))
		return NULL;
	return id;
}

/* False when it cannot be a row. */
static bool
take_row(struct walk *walk, struct json_object *row)
{
	const char *id = peek_id(row);
	const char *const *known;

	if (!id)
		return false;
	known = tfind(id, &walk->ids, compare_ids);
	if (known) {
		walk->last = *known;
		return true;
	}
	walk->last = acp_arena_dup(walk->arena, id);
	if (!tsearch(walk->last, &walk->ids, compare_ids))
		acp_memory_exhausted();
	walk->count++;
	walk->sink->take(walk->sink->context, row);
	return true;
}

static enum step
take_rows(struct walk *walk, const struct page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		struct json_object *row =
			json_object_array_get_idx(page->items, i);

		if (!take_row(walk, row))
			return fail(
				walk, "the list has a row without a usable id");
		if (walk->count > ACP_API_LIST_ROWS_MAX)
			return fail(walk, "the list is too long to be held");
	}
	return STEP_NEXT;
}

/* By keyset, total counts the rows behind the last id before this page. */
static enum step
judge_keyset(struct walk *walk, const struct page *page)
{
	walk->least = page->total - (int64_t)page->count;
	return walk->least <= 0 ? STEP_END : STEP_NEXT;
}

/* By numbers, it counts all; one row less moves others past our page. */
static enum step
judge_numbers(struct walk *walk, const struct page *page)
{
	bool is_last = (int64_t)(walk->page * walk->size) >= page->total;

	walk->least = page->total;
	walk->page++;
	if (!is_last)
		return STEP_NEXT;
	return (int64_t)walk->count >= page->total ? STEP_END : STEP_AGAIN;
}

static enum step
take_page(struct walk *walk)
{
	struct page page = {0};
	size_t count = walk->count;
	bool is_short;
	enum step step;

	if (!has_page(walk, &page))
		return fail(walk, "the answer is no list, or is cut");
	is_short = page.count < walk->size &&
		(int64_t)page.count < page.total &&
		(!walk->page ||
			(int64_t)(walk->page * walk->size) < page.total);
	if (is_short || page.total < walk->least)
		return STEP_AGAIN;
	step = take_rows(walk, &page);
	if (step != STEP_NEXT)
		return step;
	step = walk->page ? judge_numbers(walk, &page)
			  : judge_keyset(walk, &page);
	/* nothing but what we know: so it would go on for ever */
	if (step == STEP_NEXT && walk->count == count)
		return STEP_AGAIN;
	return step;
}

/* Whether it may begin once more. */
static bool
may_start_over(struct walk *walk)
{
	if (++walk->starts >= ACP_API_LIST_STARTS_MAX)
		return false;
	start_over(walk);
	return true;
}

static enum acp_error
walk_pages(struct walk *walk)
{
	enum step step = STEP_NEXT;
	bool is_too_large = false;
	enum acp_error error;

	while (step == STEP_NEXT) {
		error = send_page(walk, &is_too_large);
		if (error && has_other_way(walk, is_too_large))
			continue;
		if (error)
			return error;
		step = take_page(walk);
		if (step == STEP_AGAIN && may_start_over(walk))
			step = STEP_NEXT;
	}
	if (step == STEP_END)
		return ACP_OK;
	if (step == STEP_AGAIN)
		(void)fail(walk,
			"the list lacks rows, or changes while it is read");
	return ACP_RETRY_LATER;
}

enum acp_error
acp_api_list(struct acp_api *api, const char *collection, const char *search,
	const struct acp_api_sink *sink, struct acp_api_reply *reply)
{
	struct walk walk = {
		.api = api,
		.collection = collection,
		.search = search,
		.sink = sink,
		.reply = reply,
		.size = ACP_API_PAGE_SIZE,
	};
	enum acp_error error;

	start_over(&walk);
	error = walk_pages(&walk);
	acp_json_free(&reply->body);
	forget_ids(&walk);
	return error;
}
