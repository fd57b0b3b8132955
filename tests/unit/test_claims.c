/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/claims.c: a unit has one worker at a time (H-18).
 */
#include <config.h>

#include "reconciler/claims.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static struct acp_claims *claims;

static void
start(void)
{
	claims = acp_claims_new();
}

static void
stop(void)
{
	acp_claims_free(&claims);
}

START_TEST(h18_a_unit_is_taken_once_until_it_is_released)
{
	ck_assert(acp_claims_take(claims, "session/a"));
	ck_assert(!acp_claims_take(claims, "session/a"));
	ck_assert(acp_claims_take(claims, "session/b"));
	acp_claims_release(claims, "session/a");
	ck_assert(acp_claims_take(claims, "session/a"));
	ck_assert(!acp_claims_take(claims, "session/b"));
}
END_TEST

START_TEST(a_release_of_what_nobody_has_changes_nothing)
{
	ck_assert(acp_claims_take(claims, "session/a"));
	acp_claims_release(claims, "session/b");
	ck_assert(!acp_claims_take(claims, "session/a"));
}
END_TEST

/* Those of a herd, taken in an order that is no order. */
START_TEST(many_units_are_told_apart)
{
	enum { UNITS = 500, STEP = 7 };
	char unit[32];

	for (int i = 0; i < UNITS; i++) {
		snprintf(unit, sizeof(unit), "session/%d", i * STEP % UNITS);
		ck_assert(acp_claims_take(claims, unit));
		ck_assert(!acp_claims_take(claims, unit));
	}
	for (int i = 0; i < UNITS; i += 2) {
		snprintf(unit, sizeof(unit), "session/%d", i);
		acp_claims_release(claims, unit);
	}
	for (int i = 0; i < UNITS; i++) {
		snprintf(unit, sizeof(unit), "session/%d", i);
		ck_assert_int_eq(acp_claims_take(claims, unit), i % 2 == 0);
	}
}
END_TEST

static Suite *
claims_suite(void)
{
	Suite *suite = suite_create("claims");
	TCase *tests = tcase_create("claims");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, h18_a_unit_is_taken_once_until_it_is_released);
	tcase_add_test(tests, a_release_of_what_nobody_has_changes_nothing);
	tcase_add_test(tests, many_units_are_told_apart);
	suite_add_tcase(suite, tests);
	return suite;
}

ACP_UNIT_MAIN(claims_suite)
