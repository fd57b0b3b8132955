/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/api_list.c against a small server of lists: which rows arrive,
 * and that a list that may lack a row is never a result.
 */
#include <config.h>

#include "reconciler/api.h"

#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/fake_pool.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <strings.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { ROWS = 1203, MANY = 2000 };

/* What the server has, in its order, and what it does wrong. */
static struct {
	char ids[MANY][32];
	size_t count;
	int (*compare)(const char *left, const char *right);
	long keyset_status; /* 0: searches by id are understood */
	int failing_call; /* that is answered with failing_status */
	long failing_status;
	const char *odd_body; /* in its place */
	size_t hidden; /* rows left out in front of a later page … */
	int hides; /* so many times */
	bool is_growing; /* by a row each time, so that the sum is right */
	int drops; /* rows that vanish in front, after each page */
	size_t size_max; /* rows in an answer beyond which it is too large */
	bool has_double; /* the first row of a page is there twice */
	int pages; /* asked for by number beyond the first */
	int keysets;
	char search[512]; /* of the last call, decoded */
} server;

static struct acp_secret secret;
static struct acp_source_settings source;
static struct acp_api_settings settings;
static struct acp_api *api;
static struct acp_api_reply reply;

static struct {
	char ids[MANY][32];
	size_t count;
	int begins;
} taken;

static void
begin(void *context)
{
	ck_assert_ptr_eq(context, &taken);
	taken.count = 0;
	taken.begins++;
}

static void
take(void *context, struct json_object *row)
{
	ck_assert_ptr_eq(context, &taken);
	ck_assert_uint_lt(taken.count, MANY);
	snprintf(taken.ids[taken.count++], 32, "%s",
		json_object_get_string(json_object_object_get(row, "id")));
}

static const struct acp_api_sink sink = {begin, take, &taken};

/* The server */

static void
decode(const char *text, char *out, size_t room)
{
	size_t used = 0;

	for (; *text && *text != '&' && used + 1 < room; text++) {
		unsigned int byte = (unsigned char)*text;

		if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1)
			text += 2;
		out[used++] = (char)byte;
	}
	out[used] = '\0';
}

static size_t
read_size(const char *path, const char *name)
{
	const char *at = strstr(path, name);

	ck_assert_msg(at != NULL, "%s in %s", name, path);
	return (size_t)strtoul(at + strlen(name), NULL, 10);
}

/* The first row behind the id of the search. */
static size_t
find_first(void)
{
	char last[64] = "";
	const char *at = strstr(server.search, "id > '");
	size_t first = 0;

	if (!at)
		return 0;
	ck_assert_int_eq(sscanf(at, "id > '%63[^']'", last), 1);
	while (first < server.count &&
		server.compare(server.ids[first], last) <= 0)
		first++;
	return first;
}

static void
drop_rows(size_t count)
{
	server.count -= count;
	/* not memmove: memcheck may take it for memcpy, which may not overlap */
	for (size_t i = 0; i < server.count; i++)
		memcpy(server.ids[i], server.ids[i + count],
			sizeof(server.ids[i]));
}

static void
write_page(struct acp_http_answer *answer, size_t first, size_t end,
	size_t total, bool has_double)
{
	ACP_AUTO(buffer) struct acp_buffer body;

	acp_buffer_init(&body, 1000000);
	acp_buffer_printf(&body,
		"{\"kind\":\"SessionList\",\"page\":1,\"size\":%zu,"
		"\"total\":%zu,\"items\":[",
		end - first + has_double, total);
	if (has_double)
		acp_buffer_printf(&body, "{\"id\":\"%s\"},", server.ids[first]);
	for (size_t i = first; i < end; i++)
		acp_buffer_printf(&body, "%s{\"id\":\"%s\"}",
			i > first ? "," : "", server.ids[i]);
	acp_buffer_append(&body, "]}");
	fake_pool_fill(answer, 200, acp_buffer_peek(&body));
}

static enum acp_error
send_list(const char *path, struct acp_http_answer *answer)
{
	size_t size = read_size(path, "&size=");
	size_t page = read_size(path, "&page=");
	size_t first = find_first();
	size_t total = server.count - first;
	size_t end;

	first += (page - 1) * size;
	first = first < server.count ? first : server.count;
	end = first + size < server.count ? first + size : server.count;
	if (server.size_max && end - first > server.size_max) {
		answer->is_too_large = true;
		return ACP_RETRY_LATER;
	}
	if (server.hides > 0 && first > 0) {
		server.hides--;
		first += server.hidden;
		server.count += server.is_growing;
	}
	write_page(answer, first, end, total, server.has_double && first < end);
	if (server.drops > 0) {
		server.drops--;
		drop_rows(1);
	}
	return ACP_OK;
}

static enum acp_error
serve(const struct acp_http_call *call, int number,
	struct acp_http_answer *answer)
{
	const char *search = strstr(call->path, "&search=");
	bool has_keyset;

	ck_assert(strstr(call->path, "/sessions?orderBy=id&"));
	decode(search ? search + 8 : "", server.search, sizeof(server.search));
	has_keyset = strstr(server.search, "id > ") != NULL;
	server.keysets += has_keyset;
	server.pages += read_size(call->path, "&page=") > 1;
	if (has_keyset && server.keyset_status) {
		fake_pool_fill(answer, server.keyset_status, "{}");
		return ACP_OK;
	}
	if (number == server.failing_call) {
		if (!server.failing_status)
			return ACP_RETRY_LATER;
		fake_pool_fill(answer, server.failing_status,
			server.odd_body ? server.odd_body : "{}");
		return ACP_OK;
	}
	return send_list(call->path, answer);
}

/* The tests */

static void
add_rows(size_t count, const char *prefix)
{
	server.count = count;
	for (size_t i = 0; i < count; i++)
		snprintf(server.ids[i], sizeof(server.ids[i]), "%s%06d", prefix,
			(int)i);
}

static void
start(void)
{
	memset(&fake_pool, 0, sizeof(fake_pool));
	memset(&server, 0, sizeof(server));
	memset(&taken, 0, sizeof(taken));
	fake_pool.answer = serve;
	server.compare = strcmp;
	acp_secret_init(&secret);
	acp_secret_set(&secret, "hush", 4);
	source = (struct acp_source_settings){
		.kind = ACP_SOURCE_STATIC, .api_token = &secret};
	settings = (struct acp_api_settings){
		.base_url = "http://api.example:8000", .source = &source};
	acp_api_reply_init(&reply);
	api = acp_api_new(&settings, NULL);
	add_rows(ROWS, "2x");
}

static void
stop(void)
{
	acp_api_reply_clear(&reply);
	acp_api_free(&api);
	acp_secret_clear(&secret);
}

static enum acp_error
list(const char *search)
{
	return acp_api_list(api, "sessions", search, &sink, &reply);
}

/* All rows that the server has, each once. */
static void
expect_all(void)
{
	ck_assert_ptr_null(reply.body);
	ck_assert_uint_eq(taken.count, server.count);
	for (size_t i = 0; i < taken.count; i++)
		ck_assert_str_eq(taken.ids[i], server.ids[i]);
}

static const struct {
	size_t rows;
	int calls;
} sizes[] = {{0, 1}, {1, 1}, {ACP_API_PAGE_SIZE, 1}, {ACP_API_PAGE_SIZE + 1, 2},
	{2 * ACP_API_PAGE_SIZE, 2}, {ROWS, 3}};

START_TEST(all_rows_come_page_by_page)
{
	server.count = sizes[_i].rows;
	ck_assert_int_eq(list(NULL), ACP_OK);
	expect_all();
	ck_assert_int_eq(fake_pool.calls, sizes[_i].calls);
	ck_assert_int_eq(server.pages, 0);
	ck_assert_int_eq(taken.begins, 1);
}
END_TEST

START_TEST(the_callers_search_goes_with_every_page)
{
	ck_assert_int_eq(
		list("phase = 'Pending' or phase = 'Stopping'"), ACP_OK);
	expect_all();
	ck_assert_str_eq(server.search,
		"(phase = 'Pending' or phase = 'Stopping') and id > "
		"'2x000999'");
	ck_assert(!strchr(fake_pool.url, ' '));
	ck_assert(!strchr(fake_pool.url, '\''));
}
END_TEST

START_TEST(the_servers_order_is_not_judged)
{
	/* as a database of en_US has it: case counts last */
	server.compare = strcasecmp;
	for (size_t i = 0; i < ROWS; i += 2)
		server.ids[i][1] = 'X';
	ck_assert_int_eq(list(NULL), ACP_OK);
	expect_all();
}
END_TEST

START_TEST(a_refused_keyset_leads_to_numbers)
{
	server.keyset_status = _i ? 500 : 400;
	ck_assert_int_eq(list(_i ? "phase = 'Pending'" : NULL), ACP_OK);
	expect_all();
	ck_assert_int_eq(server.keysets, 1);
	ck_assert_int_eq(server.pages, 2);
	ck_assert_str_eq(server.search, _i ? "phase = 'Pending'" : "");
}
END_TEST

START_TEST(an_id_that_cannot_be_searched_leads_to_numbers)
{
	add_rows(ROWS, "it's ");
	ck_assert_int_eq(list(NULL), ACP_OK);
	expect_all();
	ck_assert_int_eq(server.keysets, 0);
	ck_assert_int_eq(server.pages, 2);
}
END_TEST

START_TEST(a_search_of_the_callers_that_is_refused_is_told)
{
	server.failing_call = 1;
	server.failing_status = _i ? 500 : 400;
	ck_assert_int_eq(list("updated_at > 'x'"),
		_i ? ACP_RETRY_LATER : ACP_BAD_REQUEST);
	ck_assert_int_eq(reply.code, server.failing_status);
	ck_assert_int_eq(fake_pool.calls, 1);
}
END_TEST

START_TEST(a_failure_on_the_way_is_repeated)
{
	static const long codes[] = {0, 500, 503, 429};

	server.failing_call = 3;
	server.failing_status = codes[_i];
	ck_assert_int_eq(list("phase = 'Pending'"), ACP_OK);
	expect_all();
	ck_assert_int_eq(taken.begins, 1);
}
END_TEST

START_TEST(a_page_that_is_refused_ends_the_list)
{
	server.failing_call = 2;
	server.failing_status = 403;
	ck_assert_int_eq(list(NULL), ACP_DENIED);
	ck_assert_int_eq(reply.code, 403);
}
END_TEST

static const struct {
	const char *body;
	const char *message;
} odd_bodies[] = {
	{"{}", "no list, or is cut"},
	{"{\"items\":[],\"total\":null}", "no list, or is cut"},
	{"{\"items\":[],\"total\":-1}", "no list, or is cut"},
	{"{\"items\":{},\"total\":0}", "no list, or is cut"},
	{"{\"total\":0}", "no list, or is cut"},
	{"{\"items\":[]}", "no list, or is cut"},
	{"{\"items\":[{\"id\":\"a\"}],\"total\":1,\"size\":2}",
		"no list, or is cut"},
	{"{\"items\":[{}],\"total\":1}", "a row without a usable id"},
	{"{\"items\":[null],\"total\":1}", "a row without a usable id"},
	{"{\"items\":[[]],\"total\":1}", "a row without a usable id"},
	{"{\"items\":[{\"id\":\"\"}],\"total\":1}",
		"a row without a usable id"},
	{"{\"items\":[{\"id\":7}],\"total\":1}", "a row without a usable id"},
	{"{\"items\":[{\"id\":\"a\\u0000\"}],\"total\":1}",
		"a row without a usable id"},
	{"{\"items\":[{\"id\":\"a\\nb\"}],\"total\":1}",
		"a row without a usable id"},
};

START_TEST(what_is_no_list_is_never_empty)
{
	server.failing_call = 1;
	server.failing_status = 200;
	server.odd_body = odd_bodies[_i].body;
	ck_assert_int_eq(list(NULL), ACP_RETRY_LATER);
	ck_assert_msg(strstr(reply.message, odd_bodies[_i].message) != NULL,
		"%s", reply.message);
	ck_assert_ptr_null(reply.body);
}
END_TEST

START_TEST(a_page_that_lacks_rows_makes_it_start_over)
{
	server.keyset_status = _i ? 400 : 0;
	server.hidden = 1;
	server.hides = 1;
	ck_assert_int_eq(list(NULL), ACP_OK);
	expect_all();
	ck_assert_int_eq(taken.begins, _i ? 3 : 2);
}
END_TEST

START_TEST(a_new_row_does_not_make_up_for_one_that_is_missing)
{
	server.hidden = 1;
	server.hides = 1;
	server.count--;
	server.is_growing = true;
	ck_assert_int_eq(list(NULL), ACP_OK);
	expect_all();
	ck_assert_int_eq(taken.begins, 2);
}
END_TEST

START_TEST(a_list_that_always_lacks_rows_is_a_failure)
{
	server.keyset_status = _i ? 400 : 0;
	server.hidden = 1;
	server.hides = 1000;
	ck_assert_int_eq(list(NULL), ACP_RETRY_LATER);
	ck_assert(strstr(reply.message, "lacks rows"));
	/* by numbers it has begun once more, when the keyset was refused */
	ck_assert_int_eq(taken.begins, ACP_API_LIST_STARTS_MAX + (_i ? 1 : 0));
}
END_TEST

START_TEST(rows_that_vanish_in_front_do_no_harm_by_keyset)
{
	server.drops = 2;
	ck_assert_int_eq(list(NULL), ACP_OK);
	ck_assert_int_eq(taken.begins, 1);
	/* those that have vanished were seen, and nobody else is missing */
	ck_assert_uint_eq(taken.count, ROWS);
}
END_TEST

START_TEST(rows_that_vanish_by_numbers_make_it_start_over)
{
	server.keyset_status = 400;
	server.drops = 2;
	ck_assert_int_eq(list(NULL), ACP_OK);
	expect_all();
	ck_assert_int_eq(taken.begins, 3);
}
END_TEST

START_TEST(a_list_that_goes_on_shrinking_is_a_failure)
{
	server.keyset_status = 400;
	server.drops = 1000;
	ck_assert_int_eq(list(NULL), ACP_RETRY_LATER);
	ck_assert(strstr(reply.message, "changes while it is read"));
}
END_TEST

START_TEST(a_row_that_comes_twice_is_taken_once)
{
	server.has_double = true;
	server.count = _i ? ROWS : 3;
	ck_assert_int_eq(list(NULL), ACP_OK);
	expect_all();
}
END_TEST

START_TEST(rows_that_are_too_large_come_in_smaller_pages)
{
	add_rows(40, "2x");
	server.size_max = (size_t)(_i % 2 ? 7 : 1);
	server.keyset_status = _i / 2 ? 400 : 0;
	ck_assert_int_eq(list(NULL), ACP_OK);
	expect_all();
}
END_TEST

/* A server that never ends: always the same page, of ever so many. */
static enum acp_error
repeat_page(const struct acp_http_call *call, int number,
	struct acp_http_answer *answer)
{
	(void)call;
	(void)number;
	write_page(answer, 0, ACP_API_PAGE_SIZE, MANY, false);
	return ACP_OK;
}

START_TEST(the_same_page_again_and_again_is_a_failure)
{
	fake_pool.answer = repeat_page;
	ck_assert_int_eq(list(NULL), ACP_RETRY_LATER);
	ck_assert_int_eq(fake_pool.calls, 2 * ACP_API_LIST_STARTS_MAX);
}
END_TEST

static void
skip_row(void *context, struct json_object *row)
{
	(void)row;
	++*(int *)context;
}

static void
skip_begin(void *context)
{
	*(int *)context = 0;
}

/* One answer with as many rows as may be, or one more. */
static int most;

static enum acp_error
send_most(const struct acp_http_call *call, int number,
	struct acp_http_answer *answer)
{
	char row[32];

	(void)call;
	(void)number;
	fake_pool_fill(answer, 200, "{\"total\":0,\"items\":[");
	for (int i = 0; i < most; i++) {
		snprintf(row, sizeof(row), "{\"id\":\"%x\"},", (unsigned)i);
		acp_secret_append(&answer->body, row, strlen(row));
	}
	acp_secret_cut(&answer->body, answer->body.size - 1);
	acp_secret_append(&answer->body, "]}", 2);
	return ACP_OK;
}

START_TEST(a_list_has_a_longest_length)
{
	int count = 0;
	const struct acp_api_sink counter = {skip_begin, skip_row, &count};

	most = ACP_API_LIST_ROWS_MAX + _i;
	fake_pool.answer = send_most;
	ck_assert_int_eq(acp_api_list(api, "sessions", NULL, &counter, &reply),
		_i ? ACP_RETRY_LATER : ACP_OK);
	if (_i)
		ck_assert(strstr(reply.message, "too long to be held"));
	else
		ck_assert_int_eq(count, ACP_API_LIST_ROWS_MAX);
}
END_TEST

START_TEST(a_search_has_a_longest_length)
{
	char search[ACP_API_PATH_MAX + 1];

	memset(search, 'x', sizeof(search) - 1);
	search[sizeof(search) - 1] = '\0';
	ck_assert_int_eq(list(search), ACP_BAD_REQUEST);
	ck_assert_str_eq(reply.message, "the search is too long");
	ck_assert_int_eq(fake_pool.calls, 0);
}
END_TEST

static void
add_fault_tests(TCase *tcase)
{
	tcase_add_loop_test(
		tcase, what_is_no_list_is_never_empty, 0, COUNT(odd_bodies));
	tcase_add_loop_test(
		tcase, a_page_that_lacks_rows_makes_it_start_over, 0, 2);
	tcase_add_test(
		tcase, a_new_row_does_not_make_up_for_one_that_is_missing);
	tcase_add_loop_test(
		tcase, a_list_that_always_lacks_rows_is_a_failure, 0, 2);
	tcase_add_test(tcase, rows_that_vanish_in_front_do_no_harm_by_keyset);
	tcase_add_test(tcase, rows_that_vanish_by_numbers_make_it_start_over);
	tcase_add_test(tcase, a_list_that_goes_on_shrinking_is_a_failure);
	tcase_add_loop_test(tcase, a_row_that_comes_twice_is_taken_once, 0, 2);
	tcase_add_loop_test(
		tcase, rows_that_are_too_large_come_in_smaller_pages, 0, 4);
	tcase_add_test(tcase, the_same_page_again_and_again_is_a_failure);
	tcase_add_loop_test(tcase, a_list_has_a_longest_length, 0, 2);
	tcase_add_test(tcase, a_search_has_a_longest_length);
}

static Suite *
api_list_suite(void)
{
	Suite *suite = suite_create("api_list");
	TCase *tcase = tcase_create("api_list");

	tcase_set_timeout(tcase, 600);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, all_rows_come_page_by_page, 0, COUNT(sizes));
	tcase_add_test(tcase, the_callers_search_goes_with_every_page);
	tcase_add_test(tcase, the_servers_order_is_not_judged);
	tcase_add_loop_test(tcase, a_refused_keyset_leads_to_numbers, 0, 2);
	tcase_add_test(tcase, an_id_that_cannot_be_searched_leads_to_numbers);
	tcase_add_loop_test(
		tcase, a_search_of_the_callers_that_is_refused_is_told, 0, 2);
	tcase_add_loop_test(tcase, a_failure_on_the_way_is_repeated, 0, 4);
	tcase_add_test(tcase, a_page_that_is_refused_ends_the_list);
	add_fault_tests(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(api_list_suite)
