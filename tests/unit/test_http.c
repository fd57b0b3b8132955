/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/http.c against a server that misbehaves: bounds, TLS, proxies and
 * cancelling.
 */
#include <config.h>

#include "lib/http.h"

#include "lib/limits.h"
#include "tests/unit/faulty.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static struct faulty faulty;
static struct acp_http *http;
static struct acp_http_reply reply;
static const char *why;

static void
open_plain(void)
{
	faulty_open(&faulty, NULL);
	http = acp_http_new();
	acp_http_reply_init(&reply);
	why = NULL;
}

static void
open_tls(void)
{
	faulty_open(&faulty, "--tls");
	http = acp_http_new();
	acp_http_reply_init(&reply);
}

static void
open_old_tls(void)
{
	faulty_open(&faulty, "--old-tls");
	http = acp_http_new();
	acp_http_reply_init(&reply);
}

static void
leave(void)
{
	acp_http_reply_clear(&reply);
	acp_http_free(&http);
	faulty_close(&faulty);
}

static struct acp_http_request
make_request(struct acp_secret *form)
{
	acp_secret_set(form, "a=b", 3);
	return (struct acp_http_request){
		.url = faulty.url,
		.form = form,
		.timeout_ms = ACP_HTTP_TOTAL_MS,
	};
}

static enum acp_error
post(void)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	struct acp_http_request request = make_request(&form);

	acp_http_reply_clear(&reply);
	return acp_http_post(http, &request, &reply, &why);
}

START_TEST(a_form_is_sent_and_a_reply_comes_back)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	ACP_AUTO(free) char *sent = NULL;
	ACP_AUTO(free) char *user = NULL;
	ACP_AUTO(free) char *password = NULL;
	struct acp_http_request request = make_request(&form);

	request.user = "me";
	request.password = "word";
	ck_assert_int_eq(acp_http_post(http, &request, &reply, &why), ACP_OK);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_ptr_nonnull(
		strstr(acp_secret_peek(&reply.body), "\"faulty-1\""));
	sent = faulty_dup_text(&faulty, "last_form");
	user = faulty_dup_text(&faulty, "last_user");
	password = faulty_dup_text(&faulty, "last_password");
	ck_assert_str_eq(sent, "a=b");
	ck_assert_str_eq(user, "me");
	ck_assert_str_eq(password, "word");
}
END_TEST

START_TEST(a_body_of_the_limit_is_taken_and_one_byte_more_is_not)
{
	char query[64];

	snprintf(query, sizeof(query), "mode=exact&size=%d", ACP_HTTP_BODY_MAX);
	faulty_set(&faulty, query);
	ck_assert_int_eq(post(), ACP_OK);
	ck_assert_uint_eq(reply.body.size, ACP_HTTP_BODY_MAX);
	snprintf(query, sizeof(query), "size=%d", ACP_HTTP_BODY_MAX + 1);
	faulty_set(&faulty, query);
	ck_assert_int_eq(post(), ACP_RETRY_LATER);
	ck_assert_str_eq(why, "the reply is too large");
	ck_assert_uint_le(reply.body.size, ACP_HTTP_BODY_MAX);
}
END_TEST

static const struct {
	const char *mode;
	const char *why; /* NULL: any of curl's */
} broken[] = {
	{"mode=endless", "the reply is too large"},
	{"mode=endless_head", "the head of the reply is too large"},
	{"mode=cut", NULL},
	{"mode=close", NULL},
};

START_TEST(a_broken_reply_is_an_error_with_words_of_our_own)
{
	faulty_set(&faulty, broken[_i].mode);
	ck_assert_int_eq(post(), ACP_RETRY_LATER);
	ck_assert_ptr_nonnull(why);
	if (broken[_i].why)
		ck_assert_str_eq(why, broken[_i].why);
	faulty_set(&faulty, "mode=ok");
	ck_assert_int_eq(post(), ACP_OK);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
	faulty_set(&faulty, "mode=redirect");
	ck_assert_int_eq(post(), ACP_OK);
	ck_assert_int_eq(reply.status, 302);
	ck_assert_int_eq(faulty_get(&faulty, "redirected"), 0);
}
END_TEST

static const struct {
	const char *text;
	int64_t wait_ms;
} waits[] = {
	{"7", 7000},
	{"3600", 3600000},
	{"3601", 3600000},
	{"4000000000", 3600000},
	{"0", 0},
	{"-5", 0},
	{"soon", 0},
	{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
};

START_TEST(retry_after_is_read_and_bounded)
{
	char query[128];

	snprintf(query, sizeof(query), "mode=wait&retry_after=%s",
		waits[_i].text);
	faulty_set(&faulty, query);
	ck_assert_int_eq(post(), ACP_OK);
	ck_assert_int_eq(reply.status, 503);
	ck_assert_int_eq(reply.retry_after_ms, waits[_i].wait_ms);
}
END_TEST

START_TEST(retry_after_may_be_a_date)
{
	char query[128];
	time_t then = time(NULL) + 1000;
	struct tm parts;

	strftime(query, sizeof(query),
		"mode=wait&status=429&retry_after=%a, %d %b %Y %H:%M:%S GMT",
		gmtime_r(&then, &parts));
	faulty_set(&faulty, query);
	ck_assert_int_eq(post(), ACP_OK);
	ck_assert_int_eq(reply.status, 429);
	ck_assert_int_gt(reply.retry_after_ms, 0);
	ck_assert_int_le(reply.retry_after_ms, 1000000);
}
END_TEST

START_TEST(a_silent_server_is_given_up)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	struct acp_http_request request = make_request(&form);

	faulty_set(&faulty, "mode=hang");
	request.timeout_ms = 1000;
	ck_assert_int_eq(
		acp_http_post(http, &request, &reply, &why), ACP_RETRY_LATER);
	ck_assert_str_eq(why, "Timeout was reached");
	request.timeout_ms = 0;
	ck_assert_int_eq(
		acp_http_post(http, &request, &reply, &why), ACP_RETRY_LATER);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 1);
}
END_TEST

START_TEST(a_dripping_server_is_given_up)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	struct acp_http_request request = make_request(&form);

	faulty_set(&faulty, "mode=drip");
	request.timeout_ms = 1500;
	ck_assert_int_eq(
		acp_http_post(http, &request, &reply, &why), ACP_RETRY_LATER);
}
END_TEST

static void *
run_post(void *argument)
{
	*(enum acp_error *)argument = post();
	return NULL;
}

START_TEST(a_request_under_way_is_cancelled_from_another_thread)
{
	enum acp_error error = ACP_OK;
	pthread_t thread;

	faulty_set(&faulty, "mode=hang");
	ck_assert_int_eq(pthread_create(&thread, NULL, run_post, &error), 0);
	while (faulty_get(&faulty, "requests") < 1)
		;
	acp_http_cancel(http);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(error, ACP_RETRY_LATER);
	faulty_set(&faulty, "mode=ok");
	ck_assert_int_eq(post(), ACP_RETRY_LATER);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 1);
}
END_TEST

START_TEST(proxies_of_the_environment_are_not_used)
{
	static const char *const names[] = {"http_proxy", "HTTP_PROXY",
		"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		setenv(names[i], "http://127.0.0.1:1", 1);
	ck_assert_int_eq(post(), ACP_OK);
	ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(a_proxy_that_is_given_is_used_whatever_the_environment_says)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	struct acp_http_request request = make_request(&form);

	setenv("no_proxy", "*", 1);
	setenv("NO_PROXY", "*", 1);
	request.proxy = faulty.url;
	request.url = "https://idp.invalid/token";
	ck_assert_int_eq(
		acp_http_post(http, &request, &reply, &why), ACP_RETRY_LATER);
	ck_assert_int_eq(faulty_get(&faulty, "connects"), 1);
}
END_TEST

static const char *const schemes[] = {
	"file:///etc/hostname",
	"ftp://127.0.0.1/",
	"gopher://127.0.0.1/",
	"nonsense",
	"http://",
	"",
};

START_TEST(only_http_and_https_are_spoken)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	struct acp_http_request request = make_request(&form);

	request.url = schemes[_i];
	ck_assert_int_eq(
		acp_http_post(http, &request, &reply, &why), ACP_RETRY_LATER);
	ck_assert_uint_eq(reply.body.size, 0);
}
END_TEST

START_TEST(a_certificate_of_a_known_authority_is_accepted)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	struct acp_http_request request = make_request(&form);

	request.ca_file = faulty.ca_file;
	ck_assert_int_eq(acp_http_post(http, &request, &reply, &why), ACP_OK);
	ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(a_certificate_of_an_unknown_authority_is_refused)
{
	ck_assert_int_eq(post(), ACP_RETRY_LATER);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 0);
}
END_TEST

START_TEST(a_certificate_for_another_name_is_refused)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	ACP_AUTO(free) char *url = NULL;
	struct acp_http_request request = make_request(&form);

	ck_assert_int_gt(
		asprintf(&url, "https://localhost%s", strrchr(faulty.url, ':')),
		0);
	request.ca_file = faulty.ca_file;
	request.url = url;
	ck_assert_int_eq(
		acp_http_post(http, &request, &reply, &why), ACP_RETRY_LATER);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 0);
}
END_TEST

START_TEST(tls_below_1_2_is_refused)
{
	ACP_AUTO(secret) struct acp_secret form = {0};
	struct acp_http_request request = make_request(&form);

	request.ca_file = faulty.ca_file;
	ck_assert_int_eq(
		acp_http_post(http, &request, &reply, &why), ACP_RETRY_LATER);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 0);
}
END_TEST

static TCase *
add_case(Suite *suite, const char *name, void (*enter)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static void
add_plain_tests(TCase *plain)
{
	tcase_add_test(plain, a_form_is_sent_and_a_reply_comes_back);
	tcase_add_test(
		plain, a_body_of_the_limit_is_taken_and_one_byte_more_is_not);
	tcase_add_loop_test(plain,
		a_broken_reply_is_an_error_with_words_of_our_own, 0,
		sizeof(broken) / sizeof(broken[0]));
	tcase_add_test(plain, a_redirect_is_not_followed);
	tcase_add_loop_test(plain, retry_after_is_read_and_bounded, 0,
		sizeof(waits) / sizeof(waits[0]));
	tcase_add_test(plain, retry_after_may_be_a_date);
	tcase_add_test(plain, a_silent_server_is_given_up);
	tcase_add_test(plain, a_dripping_server_is_given_up);
	tcase_add_test(
		plain, a_request_under_way_is_cancelled_from_another_thread);
	tcase_add_test(plain, proxies_of_the_environment_are_not_used);
	tcase_add_test(plain,
		a_proxy_that_is_given_is_used_whatever_the_environment_says);
	tcase_add_loop_test(plain, only_http_and_https_are_spoken, 0,
		sizeof(schemes) / sizeof(schemes[0]));
}

static Suite *
http_suite(void)
{
	Suite *suite = suite_create("http");
	TCase *tls = add_case(suite, "tls", open_tls);

	add_plain_tests(add_case(suite, "plain", open_plain));
	tcase_add_test(tls, a_certificate_of_a_known_authority_is_accepted);
	tcase_add_test(tls, a_certificate_of_an_unknown_authority_is_refused);
	tcase_add_test(tls, a_certificate_for_another_name_is_refused);
	tcase_add_test(add_case(suite, "old tls", open_old_tls),
		tls_below_1_2_is_refused);
	return suite;
}

ACP_UNIT_MAIN(http_suite)
