/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/summary.c: what a pass tells, and its exit status.
 */
#include <config.h>

#include "reconciler/summary.h"

#include "tests/unit/unit.h"

#include <string.h>

static struct acp_summary summary;
static struct acp_buffer text;

static void
start(void)
{
	summary = (struct acp_summary){0};
	acp_buffer_init(&text, 4096);
}

static void
stop(void)
{
	acp_buffer_clear(&text);
}

START_TEST(a_pass_that_did_what_was_to_be_done_converged)
{
	ck_assert_int_eq(acp_summary_exit_code(&summary), ACP_EXIT_CONVERGED);
	summary.actions[ACP_KIND_ROLE][ACP_VERB_APPLY][ACP_RESULT_DONE] = 3;
	summary.actions[ACP_KIND_POD][ACP_VERB_CREATE][ACP_RESULT_WAITING] = 1;
	summary.actions[ACP_KIND_ROLE][ACP_VERB_APPLY][ACP_RESULT_FOREIGN] = 1;
	summary.refused = 2;
	ck_assert_int_eq(acp_summary_exit_code(&summary), ACP_EXIT_CONVERGED);
}
END_TEST

static void
fail_action(void)
{
	summary.actions[ACP_KIND_ROLE][ACP_VERB_APPLY][ACP_RESULT_FAILED] = 1;
}

static void
hold_action(void)
{
	summary.actions[ACP_KIND_NAMESPACE][ACP_VERB_DELETE][ACP_RESULT_HELD] =
		1;
}

static void
miss_list(void)
{
	summary.unknown_lists = 1;
}

static void
lose_key(void)
{
	summary.is_key_failed = true;
}

static void
keep_stale_copy(void)
{
	summary.stale_copies = 1;
}

static void
run_out_of_time(void)
{
	summary.is_timed_out = true;
}

static void (*const shortcomings[])(void) = {fail_action, hold_action,
	miss_list, lose_key, keep_stale_copy, run_out_of_time};

START_TEST(a_pass_with_any_shortcoming_is_partial)
{
	shortcomings[_i]();
	ck_assert_int_eq(acp_summary_exit_code(&summary), ACP_EXIT_PARTIAL);
	summary.is_nothing_known = true;
	ck_assert_int_eq(
		acp_summary_exit_code(&summary), ACP_EXIT_NOTHING_DONE);
}
END_TEST

START_TEST(a_held_set_is_told_with_the_way_to_let_it_go)
{
	memcpy(summary.held_digest, "0123456789abcdef", 17);
	acp_summary_describe(&summary, &text);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&text),
		"--allow-mass-delete=0123456789abcdef"));
}
END_TEST

START_TEST(counts_are_told_for_people_and_programs)
{
	summary.actions[ACP_KIND_ROLE][ACP_VERB_APPLY][ACP_RESULT_DONE] = 3;
	summary.actions[ACP_KIND_ROLE][ACP_VERB_DELETE][ACP_RESULT_DONE] = 4;
	summary.unknown_lists = 5;
	summary.stale_copies = 6;
	acp_summary_describe(&summary, &text);
	ck_assert_str_eq(acp_buffer_peek(&text),
		"done 7, waiting 0, failed 0, held 0, foreign 0, "
		"unknown lists 5, "
		"refused projects 0, foreign objects 0, "
		"Vertex secret not copied anew\n");
	acp_buffer_clear(&text);
	acp_summary_describe_json(&summary, &text);
	ck_assert_str_eq(acp_buffer_peek(&text),
		"\"done\":7,\"waiting\":0,\"failed\":0,\"held\":0,"
		"\"foreign\":0,"
		"\"unknown_lists\":5,\"refused_projects\":0,"
		"\"foreign_objects\":0,\"stale_copies\":6,"
		"\"held_digest\":\"\","
		"\"key_in_step\":true,\"timed_out\":false,\"duration_ms\":0");
}
END_TEST

static Suite *
summary_suite(void)
{
	Suite *suite = suite_create("summary");
	TCase *tests = tcase_create("summary");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, a_pass_that_did_what_was_to_be_done_converged);
	tcase_add_loop_test(tests, a_pass_with_any_shortcoming_is_partial, 0,
		sizeof(shortcomings) / sizeof(*shortcomings));
	tcase_add_test(tests, a_held_set_is_told_with_the_way_to_let_it_go);
	tcase_add_test(tests, counts_are_told_for_people_and_programs);
	suite_add_tcase(suite, tests);
	return suite;
}

ACP_UNIT_MAIN(summary_suite)
