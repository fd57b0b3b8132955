/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/results.c: what is remembered, how long, and how much of it.
 */
#include <config.h>

#include "fcgi/results.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 64, TTL_MS = 1000 };

static struct acp_results *results;

static void
set_up(void)
{
	results = acp_results_new(ROOM, TTL_MS);
}

static void
tear_down(void)
{
	acp_results_free(&results);
	ck_assert_ptr_null(results);
}

static void
name(int number, struct acp_result_key *key)
{
	struct acp_ciphertext ciphertext = {.size = 256};

	memcpy(ciphertext.bytes, &number, sizeof(number));
	acp_results_name(results, &ciphertext, key);
}

static void
add(int number, enum acp_unsealed_verdict verdict, int64_t now_ms)
{
	struct acp_unsealed unsealed = {.verdict = verdict};
	struct acp_result_key key;

	if (verdict == ACP_UNSEALED_SESSION)
		snprintf(unsealed.session, sizeof(unsealed.session),
			"session-%d", number);
	name(number, &key);
	acp_results_add(results, &key, &unsealed, now_ms);
}

static const struct acp_unsealed *
find(int number, int64_t now_ms)
{
	struct acp_result_key key;

	name(number, &key);
	return acp_results_find(results, &key, now_ms);
}

START_TEST(each_ciphertext_finds_its_own_result)
{
	char session[32];

	for (int i = 0; i < ROOM; i++)
		add(i, ACP_UNSEALED_SESSION, 0);
	for (int i = 0; i < ROOM; i++) {
		snprintf(session, sizeof(session), "session-%d", i);
		ck_assert_str_eq(find(i, 1)->session, session);
	}
	ck_assert_ptr_null(find(ROOM, 1));
}
END_TEST

START_TEST(the_size_is_part_of_the_name)
{
	struct acp_ciphertext ciphertext = {.size = 256};
	struct acp_result_key key;

	add(0, ACP_UNSEALED_SESSION, 0);
	ciphertext.size = 384;
	acp_results_name(results, &ciphertext, &key);
	ck_assert_ptr_null(acp_results_find(results, &key, 0));
}
END_TEST

START_TEST(two_processes_do_not_name_alike)
{
	struct acp_results *others = acp_results_new(ROOM, TTL_MS);
	struct acp_ciphertext ciphertext = {.size = 256};
	struct acp_result_key mine, theirs;

	acp_results_name(results, &ciphertext, &mine);
	acp_results_name(others, &ciphertext, &theirs);
	ck_assert_int_ne(memcmp(&mine, &theirs, sizeof(mine)), 0);
	acp_results_free(&others);
}
END_TEST

START_TEST(results_end_with_their_time)
{
	add(1, ACP_UNSEALED_SESSION, 100);
	ck_assert_ptr_nonnull(find(1, 100 + TTL_MS - 1));
	ck_assert_ptr_null(find(1, 100 + TTL_MS));
	ck_assert_uint_eq(acp_results_get_count(results), 0);
}
END_TEST

START_TEST(failures_end_sooner)
{
	acp_results_resize(results, ROOM, 10 * ACP_RESULTS_FAILURE_TTL_MS);
	add(1, ACP_UNSEALED_DENIED, 0);
	add(2, ACP_UNSEALED_SESSION, 0);
	ck_assert_ptr_nonnull(find(1, ACP_RESULTS_FAILURE_TTL_MS - 1));
	ck_assert_ptr_null(find(1, ACP_RESULTS_FAILURE_TTL_MS));
	ck_assert_ptr_nonnull(find(2, ACP_RESULTS_FAILURE_TTL_MS));
}
END_TEST

START_TEST(one_over_the_room_pushes_out_the_least_recently_used)
{
	for (int i = 0; i < ROOM; i++)
		add(i, ACP_UNSEALED_SESSION, 0);
	ck_assert_ptr_nonnull(find(0, 0));
	add(ROOM, ACP_UNSEALED_SESSION, 0);
	ck_assert_uint_eq(acp_results_get_count(results), ROOM);
	ck_assert_ptr_nonnull(find(0, 0));
	ck_assert_ptr_null(find(1, 0));
	ck_assert_ptr_nonnull(find(2, 0));
}
END_TEST

START_TEST(a_flood_of_failures_pushes_out_no_result)
{
	for (int i = 0; i < ROOM; i++)
		add(i, ACP_UNSEALED_SESSION, 0);
	for (int i = ROOM; i < 100 * ROOM; i++)
		add(i, i % 2 ? ACP_UNSEALED_DENIED : ACP_UNSEALED_FORBIDDEN, 0);
	for (int i = 0; i < ROOM; i++)
		ck_assert_ptr_nonnull(find(i, 0));
	ck_assert_uint_le(acp_results_get_count(results), ROOM + ROOM / 8 + 1);
}
END_TEST

START_TEST(a_result_replaces_a_failure_of_the_same_ciphertext)
{
	add(1, ACP_UNSEALED_DENIED, 0);
	add(1, ACP_UNSEALED_SESSION, 0);
	ck_assert_int_eq(find(1, 0)->verdict, ACP_UNSEALED_SESSION);
	ck_assert_uint_eq(acp_results_get_count(results), 1);
}
END_TEST

START_TEST(a_smaller_room_takes_effect_at_once)
{
	for (int i = 0; i < ROOM; i++)
		add(i, ACP_UNSEALED_SESSION, 0);
	acp_results_resize(results, 4, TTL_MS);
	ck_assert_uint_eq(acp_results_get_count(results), 4);
	ck_assert_ptr_nonnull(find(ROOM - 1, 0));
	ck_assert_ptr_null(find(ROOM - 5, 0));
}
END_TEST

START_TEST(many_entries_stay_findable_while_the_table_grows)
{
	acp_results_resize(results, 5000, TTL_MS);
	for (int i = 0; i < 5000; i++)
		add(i, ACP_UNSEALED_SESSION, 0);
	for (int i = 0; i < 5000; i++)
		ck_assert_ptr_nonnull(find(i, 0));
}
END_TEST

static Suite *
results_suite(void)
{
	Suite *suite = suite_create("results");
	TCase *tcase = tcase_create("results");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, each_ciphertext_finds_its_own_result);
	tcase_add_test(tcase, the_size_is_part_of_the_name);
	tcase_add_test(tcase, two_processes_do_not_name_alike);
	tcase_add_test(tcase, results_end_with_their_time);
	tcase_add_test(tcase, failures_end_sooner);
	tcase_add_test(
		tcase, one_over_the_room_pushes_out_the_least_recently_used);
	tcase_add_test(tcase, a_flood_of_failures_pushes_out_no_result);
	tcase_add_test(
		tcase, a_result_replaces_a_failure_of_the_same_ciphertext);
	tcase_add_test(tcase, a_smaller_room_takes_effect_at_once);
	tcase_add_test(tcase, many_entries_stay_findable_while_the_table_grows);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(results_suite)
