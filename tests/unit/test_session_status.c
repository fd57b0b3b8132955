/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/session_status.c: one PATCH with what differs, none when nothing
 * does, and none after a wait in which the row's user said otherwise. The
 * pool is a stand-in.
 */
#include <config.h>

#include "reconciler/session_status.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "tests/unit/fake_pool.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <time.h>

#define ROW(phase) \
	"{\"id\":\"session-one\",\"project_id\":\"p1\",\"phase\":\"" phase "\"}"

static struct acp_secret secret;
static struct acp_source_settings source;
static struct acp_api_settings settings;
static struct acp_api *api;
static struct acp_buffer why;
static int64_t now_ms;
static int busy; /* so many PATCHes get 429 */
static int64_t retry_after_ms;
static int patches;
static const char *row_now; /* what a GET answers */

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

static enum acp_error
play(const struct acp_http_call *call, int number,
	struct acp_http_answer *answer)
{
	(void)number;
	if (strcmp(call->method, "GET") == 0) {
		fake_pool_fill(answer, row_now ? 200 : 404,
			row_now ? row_now
				: "{\"code\":\"ambient-api-server-7\"}");
	} else if (patches++ < busy) {
		fake_pool_fill(answer, 429, "");
		answer->retry_after_ms = retry_after_ms;
	} else {
		fake_pool_fill(answer, 200, "{}");
	}
	return ACP_OK;
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
		.base_url = "http://api.example:8000", .source = &source};
	now_ms = 1000000;
	retry_after_ms = 0;
	busy = patches = 0;
	row_now = ROW("Pending");
	acp_buffer_init(&why, 1000);
	api = acp_api_new(&settings, NULL);
}

static void
stop(void)
{
	acp_buffer_clear(&why);
	acp_api_free(&api);
	acp_secret_clear(&secret);
}

static enum acp_error
write_running(enum acp_phase phase)
{
	const struct acp_session_row row = {
		.id = "session-one", .phase = phase, .start_us = 5000000};
	const struct acp_session_status status = {
		.phase = ACP_PHASE_RUNNING, .start_s = 5};

	return acp_session_status_write(api, &row, &status, 9, &why);
}

START_TEST(only_what_differs_is_written)
{
	ck_assert_int_eq(write_running(ACP_PHASE_PENDING), ACP_OK);
	ck_assert_str_eq(fake_pool.method, "PATCH");
	ck_assert_str_eq(fake_pool.url,
		"http://api.example:8000/api/ambient/v1/sessions/session-one/"
		"status");
	ck_assert_str_eq(fake_pool.body, "{\"phase\":\"Running\"}");
	ck_assert_int_eq(fake_pool.calls, 1);
}
END_TEST

START_TEST(nothing_is_sent_when_nothing_differs)
{
	ck_assert_int_eq(write_running(ACP_PHASE_RUNNING), ACP_OK);
	ck_assert_int_eq(fake_pool.calls, 0);
}
END_TEST

START_TEST(a_server_with_too_much_to_do_is_asked_again)
{
	busy = 2;
	retry_after_ms = 1000;
	ck_assert_int_eq(write_running(ACP_PHASE_PENDING), ACP_OK);
	ck_assert_int_eq(patches, 3);
	ck_assert_int_eq(now_ms, 1000000 + 2 * 1000);
}
END_TEST

START_TEST(it_is_not_asked_for_ever)
{
	busy = 1000;
	ck_assert_int_eq(write_running(ACP_PHASE_PENDING), ACP_RETRY_LATER);
	ck_assert_int_le(now_ms, 1000000 + ACP_API_WRITE_MS);
	retry_after_ms = ACP_API_WRITE_MS;
	patches = 0;
	ck_assert_int_eq(write_running(ACP_PHASE_PENDING), ACP_RETRY_LATER);
	ck_assert_int_eq(patches, 1);
	ck_assert_msg(strstr(acp_buffer_peek(&why), "429") != NULL, "%s",
		acp_buffer_peek(&why));
}
END_TEST

static const char *const others[] = {ROW("Stopping"), ROW("Failed"),
	"{\"id\":\"session-one\",\"project_id\":\"p1\"}", "{}", NULL};

/* H-19 */
START_TEST(a_stop_while_it_waits_is_not_undone)
{
	busy = 1;
	row_now = others[_i];
	ck_assert_int_eq(write_running(ACP_PHASE_PENDING), ACP_RETRY_LATER);
	ck_assert_int_eq(patches, 1);
}
END_TEST

static Suite *
session_status_suite(void)
{
	Suite *suite = suite_create("session_status");
	TCase *tcase = tcase_create("session_status");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, only_what_differs_is_written);
	tcase_add_test(tcase, nothing_is_sent_when_nothing_differs);
	tcase_add_test(tcase, a_server_with_too_much_to_do_is_asked_again);
	tcase_add_test(tcase, it_is_not_asked_for_ever);
	tcase_add_loop_test(tcase, a_stop_while_it_waits_is_not_undone, 0,
		(int)(sizeof(others) / sizeof(*others)));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(session_status_suite)
