/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/api.c and api_reply.c: what each answer means, what is sent
 * again and what never is. The pool is a stand-in.
 */
#include <config.h>

#include "reconciler/api.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/fake_pool.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <time.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct acp_secret secret;
static struct acp_source_settings source;
static struct acp_api_settings settings;
static struct acp_api *api;
static struct acp_api_reply reply;
/* Status 0: no answer comes. */
struct scripted {
	long status;
	const char *body; /* NULL: none */
	int64_t retry_after_ms;
};

static const struct scripted *script; /* the last of them for ever */
static int script_length;
static int writes_allowed; /* -1: all */
static int64_t now_ms;

int64_t __wrap_acp_clock_now_ms(void);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
	const struct timespec *time, struct timespec *left);

int64_t
__wrap_acp_clock_now_ms(void)
{
	return now_ms;
}

/* Time passes by sleeping alone. */
int
__wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
	struct timespec *left)
{
	(void)clock;
	(void)flags;
	(void)left;
	now_ms += time->tv_sec * 1000 + time->tv_nsec / 1000000;
	return 0;
}

static bool
may_write(void *context)
{
	ck_assert_ptr_eq(context, &settings);
	return writes_allowed < 0 || writes_allowed-- > 0;
}

static enum acp_error
play(const struct acp_http_call *call, int number,
	struct acp_http_answer *answer)
{
	int index = number < script_length ? number - 1 : script_length - 1;
	const struct scripted *from = &script[index];

	(void)call;
	fake_pool_fill(answer, from->status, from->body ? from->body : "");
	answer->date_s = 1795342830;
	answer->retry_after_ms = from->retry_after_ms;
	return from->status ? ACP_OK : ACP_RETRY_LATER;
}

static void
start(void)
{
	memset(&fake_pool, 0, sizeof(fake_pool));
	fake_pool.answer = play;
	acp_secret_init(&secret);
	acp_secret_set(&secret, "hush", 4);
	source = (struct acp_source_settings){.kind = ACP_SOURCE_STATIC,
		.api_token = &secret,
		.may_use_cluster_token = true};
	settings = (struct acp_api_settings){
		.base_url = "http://api.example:8000/",
		.source = &source,
		.may_write = may_write,
		.context = &settings};
	writes_allowed = -1;
	now_ms = 1000000;
	acp_api_reply_init(&reply);
	api = acp_api_new(&settings, NULL);
}

static void
stop(void)
{
	acp_api_reply_clear(&reply);
	acp_api_free(&api);
	acp_secret_clear(&secret);
}

#define ANSWER(number, text) \
	{ \
		.status = (number), .body = (text) \
	}

#define SCRIPT(...) \
	do { \
		static const struct scripted answers[] = {__VA_ARGS__}; \
		script = answers; \
		script_length = COUNT(answers); \
	} while (0)

static enum acp_error
patch(const char *body)
{
	ACP_AUTO(json)
	struct json_object *object = acp_json_new(body, strlen(body));

	return acp_api_patch(api, "/sessions/s1/status", object, &reply);
}

#define ERROR(number) \
	"{\"kind\":\"Error\",\"code\":\"" number "\",\"reason\":\"because\"}"

static const struct {
	long status;
	const char *body;
	enum acp_error error;
	int number;
	const char *message;
} meanings[] = {
	{200, "{\"id\":\"p1\"}", ACP_OK, 0, ""},
	{201, "{}", ACP_OK, 0, ""},
	{204, "", ACP_OK, 0, ""},
	{200, "", ACP_RETRY_LATER, 0, "not a JSON object"},
	{200, "[]", ACP_RETRY_LATER, 0, "not a JSON object"},
	{200, "{\"id\":\"p", ACP_RETRY_LATER, 0, "not a JSON object"},
	{200, "<html>", ACP_RETRY_LATER, 0, "not a JSON object"},
	{404, ERROR("ambient-api-server-7"), ACP_GONE, 7, "because"},
	{404, ERROR("ambient-api-server-404"), ACP_DENIED, 404, "because"},
	{404, ERROR("other-server-7"), ACP_DENIED, 0, "because"},
	{404, ERROR("ambient-api-server-7x"), ACP_DENIED, 0, "because"},
	{404, ERROR("ambient-api-server-"), ACP_DENIED, 0, "because"},
	{404, ERROR("ambient-api-server--7"), ACP_DENIED, 0, "because"},
	{404, ERROR("ambient-api-server-0000007"), ACP_DENIED, 0, "because"},
	{404, ERROR("7"), ACP_DENIED, 0, "because"},
	{404, "{\"kind\":\"Error\",\"reason\":\"Not Found\"}", ACP_DENIED, 0,
		"Not Found"},
	{404, "{\"code\":7}", ACP_DENIED, 0, "status 404"},
	{404, "404 page not found", ACP_DENIED, 0, "status 404"},
	{404, "", ACP_DENIED, 0, "status 404"},
	/* the number alone says nothing */
	{400, ERROR("ambient-api-server-7"), ACP_BAD_REQUEST, 7, "because"},
	{403, ERROR("ambient-api-server-7"), ACP_DENIED, 7, "because"},
	{500, ERROR("ambient-api-server-7"), ACP_RETRY_LATER, 7, "because"},
	{403, ERROR("ambient-api-server-4"), ACP_DENIED, 4, "because"},
	{403, "Forbidden", ACP_DENIED, 0, "status 403"},
	{401, "", ACP_DENIED, 0, "status 401"},
	{400, ERROR("ambient-api-server-23"), ACP_BAD_REQUEST, 23, "because"},
	{405, ERROR("ambient-api-server-10"), ACP_BAD_REQUEST, 10, "because"},
	{409, ERROR("ambient-api-server-6"), ACP_BAD_REQUEST, 6, "because"},
	{410, "", ACP_BAD_REQUEST, 0, "status 410"},
	{408, "", ACP_RETRY_LATER, 0, "status 408"},
	{429, "", ACP_RETRY_LATER, 0, "status 429"},
	{301, "", ACP_RETRY_LATER, 0, "status 301"},
	{500, ERROR("ambient-api-server-9"), ACP_RETRY_LATER, 9, "because"},
	{501, "{\"code\":\"NOT_IMPLEMENTED\"}", ACP_RETRY_LATER, 0,
		"status 501"},
	{503, "<html>", ACP_RETRY_LATER, 0, "status 503"},
};

START_TEST(an_answer_means_what_its_status_and_number_say)
{
	const struct scripted answer = {
		.status = meanings[_i].status, .body = meanings[_i].body};

	script = &answer;
	script_length = 1;
	ck_assert_int_eq(
		acp_api_get(api, "/projects/p1", &reply), meanings[_i].error);
	ck_assert_int_eq(reply.code, meanings[_i].status);
	ck_assert_int_eq(reply.number, meanings[_i].number);
	ck_assert_int_eq(reply.date_s, 1795342830);
	ck_assert_msg(strstr(reply.message, meanings[_i].message) != NULL, "%s",
		reply.message);
}
END_TEST

START_TEST(a_request_goes_where_it_should_with_the_token)
{
	SCRIPT(ANSWER(200, "{\"id\":\"p1\"}"));
	ck_assert_int_eq(acp_api_get(api, "/projects/p1", &reply), ACP_OK);
	ck_assert_str_eq(fake_pool.url,
		"http://api.example:8000/api/ambient/v1/projects/p1");
	ck_assert_str_eq(fake_pool.method, "GET");
	ck_assert_str_eq(fake_pool.bearer, "hush");
	ck_assert_str_eq(fake_pool.body, "");
	ck_assert_int_eq(fake_pool.time_ms, ACP_API_READ_MS);
	ck_assert_ptr_nonnull(reply.body);
}
END_TEST

START_TEST(a_patch_carries_its_body_and_has_less_time)
{
	SCRIPT(ANSWER(200, "{}"));
	ck_assert_int_eq(patch("{\"phase\":\"Failed\"}"), ACP_OK);
	ck_assert_str_eq(fake_pool.method, "PATCH");
	ck_assert_str_eq(fake_pool.body, "{\"phase\":\"Failed\"}");
	ck_assert_int_eq(fake_pool.time_ms, ACP_API_WRITE_MS);
}
END_TEST

START_TEST(reads_are_repeated_within_their_time)
{
	int64_t begun_ms = now_ms;

	SCRIPT(ANSWER(0, ""), ANSWER(503, ""), ANSWER(429, ""),
		ANSWER(200, "{}"));
	ck_assert_int_eq(acp_api_get(api, "/projects/p1", &reply), ACP_OK);
	ck_assert_int_eq(fake_pool.calls, 4);
	fake_pool.calls = 0;
	SCRIPT(ANSWER(0, ""));
	ck_assert_int_eq(
		acp_api_get(api, "/projects/p1", &reply), ACP_RETRY_LATER);
	ck_assert_int_eq(reply.code, 0);
	ck_assert_str_eq(reply.message, "the connection was cut");
	ck_assert_int_gt(fake_pool.calls, 5);
	ck_assert_int_lt(now_ms - begun_ms, 2 * ACP_API_READ_MS);
	ck_assert_int_eq(fake_pool.refusals, 0);
}
END_TEST

START_TEST(what_will_not_change_is_not_repeated)
{
	SCRIPT(ANSWER(400, ""));
	ck_assert_int_eq(
		acp_api_get(api, "/projects/p1", &reply), ACP_BAD_REQUEST);
	ck_assert_int_eq(fake_pool.calls, 1);
}
END_TEST

START_TEST(retry_after_is_obeyed)
{
	static struct scripted answers[] = {
		{.status = 429, .retry_after_ms = 3000},
		{.status = 204},
	};
	int64_t begun_ms = now_ms;

	script = answers;
	script_length = 2;
	ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_OK);
	ck_assert_int_eq(now_ms - begun_ms, 3000);
	/* not when it asks for more than there is */
	answers[0].retry_after_ms = ACP_API_READ_MS;
	fake_pool.calls = 0;
	begun_ms = now_ms;
	ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_RETRY_LATER);
	ck_assert_int_eq(reply.retry_after_ms, ACP_API_READ_MS);
	ck_assert_int_eq(fake_pool.calls, 1);
	ck_assert_int_eq(now_ms, begun_ms);
}
END_TEST

/* 200: without the body that should be there */
static const struct scripted doubtful[] = {{.status = 0}, {.status = 500},
	{.status = 503}, {.status = 408}, {.status = 429}, {.status = 200}};

START_TEST(a_write_is_not_repeated_without_another_look_at_the_row)
{
	script = &doubtful[_i];
	script_length = 1;
	ck_assert_int_eq(patch("{}"), ACP_RETRY_LATER);
	ck_assert_int_eq(fake_pool.calls, 1);
}
END_TEST

START_TEST(may_write_is_asked_for_each_time_it_is_sent)
{
	SCRIPT(ANSWER(401, ""), ANSWER(200, "{}"));
	writes_allowed = 0;
	ck_assert_int_eq(patch("{}"), ACP_RETRY_LATER);
	ck_assert_int_eq(fake_pool.refusals, 1);
	ck_assert_str_eq(
		reply.message, "it is not (or no longer) ours to write");
	memset(&fake_pool, 0, sizeof(fake_pool));
	fake_pool.answer = play;
	writes_allowed = 1;
	ck_assert_int_eq(patch("{}"), ACP_RETRY_LATER);
	ck_assert_int_eq(fake_pool.calls, 2);
	ck_assert_int_eq(fake_pool.refusals, 1);
	/* a read needs no leave */
	SCRIPT(ANSWER(200, "{}"));
	ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_OK);
}
END_TEST

/* A token file whose content the server's refusal changes. */
static char token_path[32];
static long refusal;

static void
write_token(const char *value)
{
	ACP_AUTO(file) FILE *file = fopen(token_path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_gt(fprintf(file, "%s\n", value), 0);
}

static enum acp_error
refuse_old(const struct acp_http_call *call, int number,
	struct acp_http_answer *answer)
{
	(void)number;
	if (strcmp(acp_secret_peek(call->bearer), "second") == 0)
		fake_pool_fill(answer, 200, "{}");
	else
		fake_pool_fill(answer, refusal, ERROR("ambient-api-server-1"));
	write_token("second");
	return ACP_OK;
}

START_TEST(a_refused_token_is_read_again_and_the_request_repeated)
{
	ACP_AUTO(fd) int fd = -1;

	snprintf(token_path, sizeof(token_path), "/tmp/acp-api-token-XXXXXX");
	fd = mkstemp(token_path);
	ck_assert_int_ge(fd, 0);
	acp_api_free(&api);
	source.api_token_file = token_path;
	api = acp_api_new(&settings, NULL);
	write_token("first");
	fake_pool.answer = refuse_old;
	refusal = _i / 2 ? 401 : 403;
	if (_i % 2)
		ck_assert_int_eq(patch("{}"), ACP_OK);
	else
		ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_OK);
	unlink(token_path);
	ck_assert_int_eq(fake_pool.calls, 2);
	ck_assert_str_eq(fake_pool.bearer, "second");
}
END_TEST

START_TEST(a_token_that_is_refused_twice_is_an_error)
{
	SCRIPT(ANSWER(401, ""));
	ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_DENIED);
	ck_assert_int_eq(fake_pool.calls, 2);
	/* and then it is not read again for each request */
	ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_DENIED);
	ck_assert_int_eq(fake_pool.calls, 3);
}
END_TEST

START_TEST(without_a_token_nothing_is_sent)
{
	acp_secret_clear(&secret);
	SCRIPT(ANSWER(200, "{}"));
	ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_DENIED);
	ck_assert_int_eq(fake_pool.calls, 0);
	ck_assert_int_eq(reply.code, 0);
	ck_assert(strstr(reply.message, "no API token"));
}
END_TEST

START_TEST(what_the_server_says_is_made_printable_and_cut)
{
	char text[1001];
	char body[2000];
	const struct scripted answer = {.status = 400, .body = body};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(body, sizeof(body), "{\"reason\":\"a\\u001b[31m%s\"}", text);
	script = &answer;
	script_length = 1;
	ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_BAD_REQUEST);
	ck_assert_uint_eq(strlen(reply.message), sizeof(reply.message) - 1);
	ck_assert_int_eq(strncmp(reply.message, "a?[31mxx", 8), 0);
}
END_TEST

START_TEST(requests_are_counted_by_code)
{
	struct acp_http_count counts[8];

	SCRIPT(ANSWER(0, ""), ANSWER(503, ""), ANSWER(503, ""),
		ANSWER(200, "{}"));
	ck_assert_int_eq(acp_api_get(api, "/x", &reply), ACP_OK);
	ck_assert_uint_eq(acp_api_get_counts(api, counts, 8), 3);
	ck_assert_int_eq(counts[0].code, 0);
	ck_assert_int_eq(counts[1].code, 503);
	ck_assert_uint_eq(counts[1].requests, 2);
	ck_assert_int_eq(counts[2].code, 200);
	ck_assert_uint_eq(acp_api_get_counts(api, counts, 1), 1);
}
END_TEST

static const struct {
	const char *id;
	const char *path; /* NULL: it fails */
} paths[] = {
	{"p1", "/projects/p1"},
	{"a/b?c#d", "/projects/a%2Fb%3Fc%23d"},
	{"a b%", "/projects/a%20b%25"},
	{"\xc3\xbc", "/projects/%C3%BC"},
	{"...", "/projects/..."},
	{".", NULL},
	{"..", NULL},
	{"", NULL},
};

START_TEST(an_id_stays_one_segment_of_a_path)
{
	ACP_AUTO(buffer) struct acp_buffer path;

	acp_buffer_init(&path, 1000);
	acp_api_write_path(&path, "projects", paths[_i].id);
	ck_assert(path.is_failed == !paths[_i].path);
	if (paths[_i].path)
		ck_assert_str_eq(acp_buffer_peek(&path), paths[_i].path);
}
END_TEST

static const struct {
	const char *value;
	const char *quoted; /* NULL: refused */
} quotes[] = {
	{"2abcXYZ", "'2abcXYZ'"},
	{"a.b_c@d:e-f", "'a.b_c@d:e-f'"},
	{"", "''"},
	{"a'b", NULL},
	{"a b", NULL},
	{"a%", NULL},
	{"a\\b", NULL},
	{"a\"", NULL},
	{"\xc3\xbc", NULL},
	{"a\n", NULL},
};

START_TEST(a_search_takes_only_plain_values)
{
	ACP_AUTO(buffer) struct acp_buffer search;
	bool is_good;

	acp_buffer_init(&search, 1000);
	is_good = acp_api_quote(&search, quotes[_i].value);
	ck_assert(is_good == (quotes[_i].quoted != NULL));
	ck_assert_str_eq(acp_buffer_peek(&search),
		quotes[_i].quoted ? quotes[_i].quoted : "");
}
END_TEST

static void
add_request_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase,
		an_answer_means_what_its_status_and_number_say, 0,
		COUNT(meanings));
	tcase_add_test(tcase, a_request_goes_where_it_should_with_the_token);
	tcase_add_test(tcase, a_patch_carries_its_body_and_has_less_time);
	tcase_add_test(tcase, reads_are_repeated_within_their_time);
	tcase_add_test(tcase, what_will_not_change_is_not_repeated);
	tcase_add_test(tcase, retry_after_is_obeyed);
	tcase_add_loop_test(tcase,
		a_write_is_not_repeated_without_another_look_at_the_row, 0,
		COUNT(doubtful));
	tcase_add_test(tcase, may_write_is_asked_for_each_time_it_is_sent);
	tcase_add_loop_test(tcase,
		a_refused_token_is_read_again_and_the_request_repeated, 0, 4);
	tcase_add_test(tcase, a_token_that_is_refused_twice_is_an_error);
	tcase_add_test(tcase, without_a_token_nothing_is_sent);
}

static Suite *
api_suite(void)
{
	Suite *suite = suite_create("api");
	TCase *tcase = tcase_create("api");

	tcase_add_checked_fixture(tcase, start, stop);
	add_request_tests(tcase);
	tcase_add_test(tcase, what_the_server_says_is_made_printable_and_cut);
	tcase_add_test(tcase, requests_are_counted_by_code);
	tcase_add_loop_test(
		tcase, an_id_stays_one_segment_of_a_path, 0, COUNT(paths));
	tcase_add_loop_test(
		tcase, a_search_takes_only_plain_values, 0, COUNT(quotes));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(api_suite)
