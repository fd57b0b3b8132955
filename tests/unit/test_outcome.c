/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of answers: whole for every outcome, in the words of the wire
 * protocol.
 */
#include <config.h>

#include "fcgi/outcome.h"

#include "tests/unit/unit.h"

#include <string.h>

/* What runners are told; NULL where the route says it. */
static const struct {
	enum acp_outcome outcome;
	int status;
	const char *body;
} rows[] = {
	{ACP_OUTCOME_TOKEN, 200, NULL},
	{ACP_OUTCOME_INFO, 200, NULL},
	{ACP_OUTCOME_NOT_READY, 503, NULL},
	{ACP_OUTCOME_NOT_FOUND, 404, "not found\n"},
	{ACP_OUTCOME_METHOD, 405, "method not allowed\n"},
	{ACP_OUTCOME_UNAUTHORIZED, 401, "unauthorized\n"},
	{ACP_OUTCOME_FORBIDDEN, 403, "forbidden\n"},
	{ACP_OUTCOME_NO_KEY, 503, "unavailable\n"},
	{ACP_OUTCOME_NO_TOKEN, 503, "unavailable\n"},
	{ACP_OUTCOME_BUSY, 503, "unavailable\n"},
	{ACP_OUTCOME_DRAINING, 503, "unavailable\n"},
	{ACP_OUTCOME_NOT_CONFIGURED, 503, "unavailable\n"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

_Static_assert(
	(int)ROWS == (int)ACP_OUTCOME__MAX, "every outcome is looked at");

START_TEST(an_outcome_has_status_and_words)
{
	const struct acp_outcome_words *words =
		acp_outcome_describe(rows[_i].outcome);

	ck_assert_int_eq(words->status, rows[_i].status);
	ck_assert_pstr_eq(words->body, rows[_i].body);
}
END_TEST

START_TEST(an_outcome_lacks_nothing_that_an_answer_needs)
{
	const struct acp_outcome_words *words =
		acp_outcome_describe((enum acp_outcome)_i);
	size_t size;

	ck_assert_ptr_nonnull(words->reason);
	ck_assert_ptr_nonnull(words->label);
	ck_assert_ptr_nonnull(words->headers);
	size = strlen(words->headers);
	if (size > 0)
		ck_assert_str_eq(words->headers + size - 2, "\r\n");
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *suite = suite_create("outcome");
	TCase *cases = tcase_create("outcome");

	tcase_add_loop_test(cases, an_outcome_has_status_and_words, 0, ROWS);
	tcase_add_loop_test(cases,
		an_outcome_lacks_nothing_that_an_answer_needs, 0,
		ACP_OUTCOME__MAX);
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(make_suite)
