/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/conditions.c: our condition among those of others.
 */
#include <config.h>

#include "reconciler/conditions.h"

#include "tests/unit/unit.h"

#include <string.h>

static struct acp_buffer text;

static void
start(void)
{
	acp_buffer_init(&text, 4096);
}

static void
stop(void)
{
	acp_buffer_clear(&text);
}

static const struct acp_condition invalid = {
	.reason = "InvalidSession", .message = "the prompt is too long"};
static const struct acp_condition ready = {
	.is_true = true, .reason = "PodCreated", .message = "made"};

#define FAILED_THEN \
	"{\"lastTransitionTime\":\"1970-01-01T00:16:40Z\"," \
	"\"type\":\"Ready\",\"status\":\"False\"," \
	"\"reason\":\"InvalidSession\"," \
	"\"message\":\"the prompt is too long\"}"

static const char *const unreadable[] = {
	NULL, "", "null", "{}", "[", "[1,2", "\"Ready\""};

START_TEST(what_is_no_list_of_conditions_is_none)
{
	ck_assert(acp_conditions_set(unreadable[_i], &invalid, 1000, &text));
	ck_assert_str_eq(acp_buffer_peek(&text), "[" FAILED_THEN "]");
}
END_TEST

START_TEST(conditions_of_others_are_kept)
{
	ck_assert(acp_conditions_set("[{\"type\":\"ReposReconciled\","
				     "\"status\":\"True\"},7]",
		&invalid, 1000, &text));
	ck_assert_str_eq(acp_buffer_peek(&text),
		"[{\"type\":\"ReposReconciled\",\"status\":\"True\"},7," FAILED_THEN
		"]");
}
END_TEST

START_TEST(nothing_is_written_when_nothing_changes)
{
	ck_assert(!acp_conditions_set(
		"[" FAILED_THEN "]", &invalid, 5000, &text));
	ck_assert_uint_eq(text.size, 0);
}
END_TEST

START_TEST(the_time_is_that_of_the_change_of_status)
{
	struct acp_condition other = invalid;

	other.message = "another reason";
	ck_assert(acp_conditions_set("[" FAILED_THEN "]", &other, 5000, &text));
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&text), "1970-01-01T00:16:40Z"));
	acp_buffer_clear(&text);
	ck_assert(acp_conditions_set("[" FAILED_THEN "]", &ready, 5000, &text));
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&text), "1970-01-01T01:23:20Z"));
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&text), "\"True\""));
}
END_TEST

START_TEST(what_is_said_already_is_known_whenever_it_began)
{
	struct acp_condition other = invalid;

	ck_assert(acp_conditions_has("[" FAILED_THEN "]", &invalid));
	ck_assert(!acp_conditions_has("[" FAILED_THEN "]", &ready));
	other.message = "another reason";
	ck_assert(!acp_conditions_has("[" FAILED_THEN "]", &other));
	ck_assert(!acp_conditions_has(unreadable[_i], &invalid));
}
END_TEST

START_TEST(trouble_is_what_we_said_is_false)
{
	ck_assert(acp_conditions_has_trouble("[" FAILED_THEN "]"));
	ck_assert(!acp_conditions_has_trouble(unreadable[_i]));
	ck_assert(!acp_conditions_has_trouble(
		"[{\"type\":\"Ready\",\"status\":\"True\"},"
		"{\"type\":\"Other\",\"status\":\"False\"}]"));
}
END_TEST

static Suite *
conditions_suite(void)
{
	Suite *suite = suite_create("conditions");
	TCase *tests = tcase_create("conditions");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_loop_test(tests, what_is_no_list_of_conditions_is_none, 0,
		sizeof(unreadable) / sizeof(*unreadable));
	tcase_add_loop_test(tests,
		what_is_said_already_is_known_whenever_it_began, 0,
		sizeof(unreadable) / sizeof(*unreadable));
	tcase_add_loop_test(tests, trouble_is_what_we_said_is_false, 0,
		sizeof(unreadable) / sizeof(*unreadable));
	tcase_add_test(tests, conditions_of_others_are_kept);
	tcase_add_test(tests, nothing_is_written_when_nothing_changes);
	tcase_add_test(tests, the_time_is_that_of_the_change_of_status);
	suite_add_tcase(suite, tests);
	return suite;
}

ACP_UNIT_MAIN(conditions_suite)
