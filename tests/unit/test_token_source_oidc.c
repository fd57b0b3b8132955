/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/token_source_oidc.c against a provider that fails on demand: how the
 * client shows its secret, what each failure becomes, and that neither our
 * secret nor the provider's text is logged.
 */
#include <config.h>

#include "lib/token_source.h"

#include "lib/file.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "tests/unit/faulty.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

static struct faulty faulty;
static struct acp_secret secret;
static struct acp_source_settings settings;
static struct acp_token_source *source;
static int log_fd;

static void
enter(void)
{
	/* the log goes to memory, where a test can search it */
	log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(dup2(log_fd, STDERR_FILENO), 0);
	acp_log_configure(ACP_LOG_DEBUG, ACP_LOG_FORMAT_JSON);
	faulty_open(&faulty, NULL);
	acp_secret_set(&secret, "p&ss =+%\xc3\xb6", 10);
	settings = (struct acp_source_settings){
		.kind = ACP_SOURCE_OIDC,
		.token_url = faulty.url,
		.client_id = "a b:c~",
		.client_secret = &secret,
	};
	source = acp_token_source_new(&settings);
}

static void
leave(void)
{
	acp_token_source_free(&source);
	acp_secret_clear(&secret);
	faulty_close(&faulty);
	close(log_fd);
}

static bool
is_logged(const char *text)
{
	ACP_AUTO(secret) struct acp_secret content = {0};
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, 1000);
	ck_assert_int_eq(lseek(log_fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(
		acp_file_read_fd(log_fd, "log", 1000000, &content, &why),
		ACP_OK);
	ck_assert_int_ge(lseek(log_fd, 0, SEEK_END), 0);
	return strstr(acp_secret_peek(&content), text) != NULL;
}

static enum acp_error
fetch(struct acp_token **token, int64_t *retry_after_ms)
{
	enum acp_error error =
		acp_token_source_fetch(source, token, retry_after_ms);

	ck_assert_int_eq(error == ACP_OK, *token != NULL);
	return error;
}

static void
expect_token(const char *value)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	int64_t retry_after_ms;

	ck_assert_int_eq(fetch(&token, &retry_after_ms), ACP_OK);
	ck_assert_str_eq(acp_token_peek_value(token), value);
	ck_assert_int_eq(retry_after_ms, 0);
}

START_TEST(id_and_secret_are_form_encoded_in_the_header)
{
	ACP_AUTO(free) char *user = NULL;
	ACP_AUTO(free) char *password = NULL;
	ACP_AUTO(free) char *form = NULL;

	expect_token("faulty-1");
	user = faulty_dup_text(&faulty, "last_user");
	password = faulty_dup_text(&faulty, "last_password");
	form = faulty_dup_text(&faulty, "last_form");
	ck_assert_str_eq(user, "a%20b%3Ac%7E");
	ck_assert_str_eq(password, "p%26ss%20%3D%2B%25%C3%B6");
	ck_assert_str_eq(form, "grant_type=client_credentials");
	ck_assert(!acp_token_source_has_changed(source));
}
END_TEST

START_TEST(scope_and_audience_are_asked_for)
{
	ACP_AUTO(free) char *form = NULL;

	settings.scope = "api read";
	settings.audience = "urn:x&y";
	expect_token("faulty-1");
	form = faulty_dup_text(&faulty, "last_form");
	ck_assert_str_eq(form,
		"grant_type=client_credentials&scope=api%20read"
		"&audience=urn%3Ax%26y");
}
END_TEST

static const char *const refusals[] = {
	"mode=refuse_basic_400", "mode=refuse_basic_401"};

START_TEST(a_secret_refused_in_the_header_goes_into_the_form_from_then_on)
{
	ACP_AUTO(free) char *form = NULL;

	faulty_set(&faulty, refusals[_i]);
	expect_token("faulty-2");
	form = faulty_dup_text(&faulty, "last_form");
	ck_assert_str_eq(form,
		"grant_type=client_credentials&client_id=a%20b%3Ac%7E"
		"&client_secret=p%26ss%20%3D%2B%25%C3%B6");
	expect_token("faulty-3");
	ck_assert_int_eq(faulty_get(&faulty, "basic"), 1);
	/* and back, when the provider changes its mind */
	faulty_set(&faulty, "mode=refuse_form");
	expect_token("faulty-5");
	expect_token("faulty-6");
	ck_assert_int_eq(faulty_get(&faulty, "form"), 3);
}
END_TEST

static const struct {
	const char *query;
	enum acp_error error;
	int requests;
	int64_t retry_after_ms;
	const char *logged;
} failures[] = {
	{"mode=500", ACP_RETRY_LATER, 1, 0, "\"status\":500"},
	{"mode=401", ACP_DENIED, 2, 0, "\"error\":\"invalid_client\""},
	{"mode=status&status=400&body={\"error\":\"invalid_scope\"}",
		ACP_DENIED, 1, 0, "invalid_scope"},
	{"mode=status&status=400&body={\"error\":\"PROVIDER-TEXT\"}",
		ACP_DENIED, 1, 0, "\"status\":400"},
	{"mode=status&status=403", ACP_DENIED, 1, 0, "\"status\":403"},
	{"mode=status&status=408", ACP_RETRY_LATER, 1, 0, "\"status\":408"},
	{"mode=status&status=201&body={\"access_token\":\"t\"}",
		ACP_RETRY_LATER, 1, 0, "\"status\":201"},
	{"mode=wait&status=429&retry_after=7", ACP_RETRY_LATER, 1, 7000,
		"\"status\":429"},
	{"mode=wait&status=503&retry_after=9", ACP_RETRY_LATER, 1, 9000,
		"\"status\":503"},
	{"mode=redirect", ACP_RETRY_LATER, 1, 0, "redirects are not followed"},
	{"mode=garbage", ACP_RETRY_LATER, 1, 0, "not a JSON object"},
	{"mode=endless", ACP_RETRY_LATER, 1, 0, "too large"},
	{"mode=exact&size=65537", ACP_RETRY_LATER, 1, 0, "too large"},
	{"mode=cut", ACP_RETRY_LATER, 1, 0, "token_request_failed"},
	{"mode=close", ACP_RETRY_LATER, 1, 0, "token_request_failed"},
};

START_TEST(a_failure_is_named_and_the_next_attempt_works)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	int64_t retry_after_ms = -1;

	faulty_set(&faulty, failures[_i].query);
	ck_assert_int_eq(fetch(&token, &retry_after_ms), failures[_i].error);
	ck_assert_int_eq(retry_after_ms, failures[_i].retry_after_ms);
	ck_assert_int_eq(
		faulty_get(&faulty, "requests"), failures[_i].requests);
	ck_assert(is_logged(failures[_i].logged));
	ck_assert(!is_logged("PROVIDER-TEXT"));
	ck_assert(!is_logged("ss =+") && !is_logged("ss%20"));
	ck_assert_int_eq(faulty_get(&faulty, "redirected"), 0);
	faulty_set(&faulty, "mode=ok");
	ck_assert_int_eq(fetch(&token, &retry_after_ms), ACP_OK);
	ck_assert(!is_logged(acp_token_peek_value(token)));
}
END_TEST

static void *
run_fetch(void *argument)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	int64_t retry_after_ms;

	*(enum acp_error *)argument = fetch(&token, &retry_after_ms);
	return NULL;
}

START_TEST(a_slow_fetch_is_cancelled)
{
	enum acp_error error = ACP_OK;
	pthread_t thread;

	faulty_set(&faulty, "mode=hang");
	ck_assert_int_eq(pthread_create(&thread, NULL, run_fetch, &error), 0);
	while (faulty_get(&faulty, "requests") < 1)
		;
	acp_token_source_cancel(source);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(error, ACP_RETRY_LATER);
}
END_TEST

START_TEST(a_provider_that_is_not_there_is_tried_again_later)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	int64_t retry_after_ms;

	settings.token_url = "http://127.0.0.1:1/token";
	ck_assert_int_eq(fetch(&token, &retry_after_ms), ACP_RETRY_LATER);
	/* "Couldn't" or "Could not", as the version of libcurl has it */
	ck_assert(is_logged("connect to server"));
}
END_TEST

START_TEST(a_proxy_is_used_for_https_alone)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	int64_t retry_after_ms;

	settings.https_proxy = "http://127.0.0.1:1";
	expect_token("faulty-1");
	settings.https_proxy = faulty.url;
	settings.token_url = "HTTPS://idp.invalid/token";
	ck_assert_int_eq(fetch(&token, &retry_after_ms), ACP_RETRY_LATER);
	ck_assert_int_eq(faulty_get(&faulty, "connects"), 1);
}
END_TEST

static Suite *
token_source_oidc_suite(void)
{
	Suite *suite = suite_create("token_source_oidc");
	TCase *tcase = tcase_create("token_source_oidc");

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, id_and_secret_are_form_encoded_in_the_header);
	tcase_add_test(tcase, scope_and_audience_are_asked_for);
	tcase_add_loop_test(tcase,
		a_secret_refused_in_the_header_goes_into_the_form_from_then_on,
		0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_loop_test(tcase,
		a_failure_is_named_and_the_next_attempt_works, 0,
		sizeof(failures) / sizeof(failures[0]));
	tcase_add_test(tcase, a_slow_fetch_is_cancelled);
	tcase_add_test(
		tcase, a_provider_that_is_not_there_is_tried_again_later);
	tcase_add_test(tcase, a_proxy_is_used_for_https_alone);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(token_source_oidc_suite)
