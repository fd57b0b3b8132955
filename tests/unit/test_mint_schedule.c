/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/mint_schedule.c: when the next token is asked for.
 */
#include <config.h>

#include "fcgi/mint_schedule.h"

#include "lib/limits.h"
#include "tests/unit/unit.h"

static const int64_t now_ms = 1000000;

static const struct {
	int64_t age_ms; /* between asking and now */
	int64_t life_ms;
	int64_t min_ttl_ms;
	int jitter;
	int64_t wait_ms;
} successes[] = {
	/* half of the life, give or take a tenth of it */
	{0, 3600000, 60000, 0, 1800000},
	{0, 3600000, 60000, -1000, 1620000},
	{0, 3600000, 60000, 1000, 1980000},
	{5000, 3600000, 60000, 0, 1795000},
	/* never later than when min(min_ttl, life/2) is left */
	{0, 110000, 60000, 1000, 55000},
	{0, 130000, 60000, 1000, 70000},
	{0, 5000, 60000, 1000, 2500},
	{0, 5000, 60000, -1000, 2250},
	{0, 5000, 0, 1000, 2750},
	/* never sooner than the least pause */
	{0, 900, 60000, 0, 500},
	{0, 4, 60000, 0, 500},
	{4999, 10000, 60000, 0, 500},
	{0, ACP_TOKEN_LIFE_UNKNOWN, 60000, 0, INT64_MAX - 1000000},
};

START_TEST(a_token_is_renewed_at_half_of_its_life)
{
	struct acp_mint_schedule schedule = {.pause_ms = 8000};
	ACP_AUTO(token)
	struct acp_token *token = acp_token_new(
		"a", 1, now_ms - successes[_i].age_ms, successes[_i].life_ms);

	acp_mint_schedule_success(&schedule, token, successes[_i].min_ttl_ms,
		now_ms, successes[_i].jitter);
	ck_assert_int_eq(schedule.next_ms - now_ms, successes[_i].wait_ms);
	ck_assert_int_eq(schedule.pause_ms, 0);
}
END_TEST

START_TEST(a_source_with_nothing_fresher_is_asked_ever_less_often)
{
	static const int64_t waits_ms[] = {
		500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
	ACP_AUTO(token)
	struct acp_token *token =
		acp_token_new("a", 1, now_ms - 60000000, 80000000);
	struct acp_mint_schedule schedule = {0};

	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		acp_mint_schedule_success(
			&schedule, token, 20000000, now_ms, 0);
		ck_assert_int_eq(schedule.next_ms - now_ms, waits_ms[i]);
	}
}
END_TEST

START_TEST(failures_back_off_to_a_limit)
{
	static const int64_t full_ms[] = {
		500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
	static const int64_t empty_ms[] = {
		500, 1000, 2000, 4000, 5000, 5000, 5000, 5000};
	struct acp_mint_schedule full = {0};
	struct acp_mint_schedule empty = {0};

	for (size_t i = 0; i < sizeof(full_ms) / sizeof(full_ms[0]); i++) {
		acp_mint_schedule_failure(&full, INT64_MAX, 0, now_ms, 0);
		ck_assert_int_eq(full.next_ms - now_ms, full_ms[i]);
		acp_mint_schedule_failure(&empty, 0, 0, now_ms, 0);
		ck_assert_int_eq(empty.next_ms - now_ms, empty_ms[i]);
	}
}
END_TEST

static const struct {
	int64_t pause_ms; /* the one before */
	int64_t usable_ms;
	int64_t retry_after_ms;
	int jitter;
	int64_t wait_ms;
} failures[] = {
	{0, 0, 0, -1000, 400},
	{0, 0, 0, 1000, 600},
	{30000, INT64_MAX, 0, 1000, 36000},
	{30000, INT64_MAX, 0, -1000, 24000},
	{30000, 0, 0, 1000, 6000},
	/* the token in hand ends before the pause does */
	{30000, 12000, 0, 0, 12000},
	{30000, 2000, 0, 0, 5000},
	/* what the provider asked for, within reason */
	{0, 0, 20000, 0, 20000},
	{0, 2000, 20000, 0, 20000},
	{30000, INT64_MAX, 20000, 0, 30000},
	{0, 0, 3600000, 0, 3600000},
	{0, 0, 3600001, 0, 3600000},
	{0, 0, INT64_MAX, 0, 3600000},
	{0, 0, -5, 0, 500},
};

START_TEST(a_failure_waits_as_the_table_says)
{
	struct acp_mint_schedule schedule = {.pause_ms = failures[_i].pause_ms};

	acp_mint_schedule_failure(&schedule, failures[_i].usable_ms,
		failures[_i].retry_after_ms, now_ms, failures[_i].jitter);
	ck_assert_int_eq(schedule.next_ms - now_ms, failures[_i].wait_ms);
}
END_TEST

static Suite *
mint_schedule_suite(void)
{
	Suite *suite = suite_create("mint_schedule");
	TCase *tcase = tcase_create("mint_schedule");

	tcase_add_loop_test(tcase, a_token_is_renewed_at_half_of_its_life, 0,
		sizeof(successes) / sizeof(successes[0]));
	tcase_add_test(
		tcase, a_source_with_nothing_fresher_is_asked_ever_less_often);
	tcase_add_test(tcase, failures_back_off_to_a_limit);
	tcase_add_loop_test(tcase, a_failure_waits_as_the_table_says, 0,
		sizeof(failures) / sizeof(failures[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(mint_schedule_suite)
