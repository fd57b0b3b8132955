/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/backoff.c: objects that failed are left alone for a while.
 */
#include <config.h>

#include "reconciler/backoff.h"

#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static struct acp_backoff *backoff;

static const struct acp_ref role = {
	.kind = ACP_KIND_ROLE, .namespace = "p1", .name = "r"};
static const struct acp_ref other = {
	.kind = ACP_KIND_ROLE, .namespace = "p2", .name = "r"};

static void
start(void)
{
	backoff = acp_backoff_new();
}

static void
stop(void)
{
	acp_backoff_free(&backoff);
}

START_TEST(an_object_that_never_failed_is_due)
{
	ck_assert(acp_backoff_is_due(backoff, &role, 0));
}
END_TEST

START_TEST(h15_pauses_double_up_to_five_minutes_and_never_end)
{
	int64_t now_ms = 1000;
	int64_t pause_ms = 1000;

	for (int i = 0; i < 20; i++) {
		acp_backoff_note(backoff, &role, false, now_ms);
		ck_assert(!acp_backoff_is_due(
			backoff, &role, now_ms + pause_ms - 1));
		ck_assert(
			acp_backoff_is_due(backoff, &role, now_ms + pause_ms));
		now_ms += pause_ms;
		pause_ms = 2 * pause_ms > 300000 ? 300000 : 2 * pause_ms;
	}
}
END_TEST

START_TEST(one_failing_object_delays_no_other)
{
	acp_backoff_note(backoff, &role, false, 0);
	ck_assert(!acp_backoff_is_due(backoff, &role, 0));
	ck_assert(acp_backoff_is_due(backoff, &other, 0));
}
END_TEST

START_TEST(a_success_forgets_the_failures)
{
	acp_backoff_note(backoff, &role, false, 0);
	acp_backoff_note(backoff, &role, false, 1000);
	acp_backoff_note(backoff, &role, true, 3000);
	ck_assert(acp_backoff_is_due(backoff, &role, 3000));
	acp_backoff_note(backoff, &role, false, 3000);
	ck_assert(acp_backoff_is_due(backoff, &role, 4000));
}
END_TEST

START_TEST(beyond_the_bound_the_first_that_may_go_is_forgotten)
{
	char name[32];
	struct acp_ref ref = {.kind = ACP_KIND_ROLE, .namespace = "p"};

	ref.name = name;
	for (int i = 0; i <= ACP_BACKOFF_MAX; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		acp_backoff_note(backoff, &ref, false, i);
	}
	ck_assert(!acp_backoff_is_due(backoff, &ref, ACP_BACKOFF_MAX));
	ref.name = "r1";
	ck_assert(!acp_backoff_is_due(backoff, &ref, 1000));
	ref.name = "r0";
	ck_assert(acp_backoff_is_due(backoff, &ref, 999));
}
END_TEST

START_TEST(an_object_rests_as_long_as_it_is_told_to)
{
	acp_backoff_rest(backoff, &role, 5000);
	ck_assert(!acp_backoff_is_due(backoff, &role, 4999));
	ck_assert(acp_backoff_is_due(backoff, &other, 4999));
	ck_assert(acp_backoff_is_due(backoff, &role, 5000));
	acp_backoff_rest(backoff, &role, 9000);
	ck_assert(!acp_backoff_is_due(backoff, &role, 8999));
}
END_TEST

static Suite *
backoff_suite(void)
{
	Suite *suite = suite_create("backoff");
	TCase *tests = tcase_create("backoff");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, an_object_that_never_failed_is_due);
	tcase_add_test(
		tests, h15_pauses_double_up_to_five_minutes_and_never_end);
	tcase_add_test(tests, one_failing_object_delays_no_other);
	tcase_add_test(tests, a_success_forgets_the_failures);
	tcase_add_test(
		tests, beyond_the_bound_the_first_that_may_go_is_forgotten);
	tcase_add_test(tests, an_object_rests_as_long_as_it_is_told_to);
	suite_add_tcase(suite, tests);
	return suite;
}

ACP_UNIT_MAIN(backoff_suite)
