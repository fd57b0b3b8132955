/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/session_name.c: the names of a session's objects, and the ids of
 * which none are made.
 */
#include <config.h>

#include "reconciler/session_name.h"

#include "tests/unit/unit.h"

#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define FORTY "a123456789b123456789c123456789d123456789"

static struct acp_session_names names;
static struct acp_buffer why;

static void
start(void)
{
	memset(&names, 0, sizeof(names));
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	acp_buffer_clear(&why);
}

START_TEST(names_are_the_id_in_lower_case)
{
	ck_assert_int_eq(
		acp_session_names_write("abc-1234", &names, &why), ACP_OK);
	ck_assert_str_eq(names.service, "session-abc-1234");
	ck_assert_str_eq(names.pod, "session-abc-1234-runner");
	ck_assert_str_eq(names.account, "session-abc-1234-sa");
	ck_assert_str_eq(names.secret, "session-abc-1234-env");
}
END_TEST

START_TEST(h31_ids_that_differ_in_case_share_no_name_but_the_services)
{
	struct acp_session_names other;

	ck_assert_int_eq(
		acp_session_names_write("2abcDEFgh", &names, &why), ACP_OK);
	ck_assert_int_eq(
		acp_session_names_write("2ABCdefgh", &other, &why), ACP_OK);
	ck_assert_str_eq(names.service, "session-2abcdefgh");
	ck_assert_str_eq(other.service, names.service);
	ck_assert_str_ne(names.pod, other.pod);
	ck_assert_str_ne(names.account, other.account);
	ck_assert_str_ne(names.secret, other.secret);
	ck_assert_int_eq(
		acp_session_names_write("2abcdefgh", &other, &why), ACP_OK);
	ck_assert_str_ne(names.pod, other.pod);
}
END_TEST

START_TEST(the_longest_names_are_whole)
{
	ck_assert_int_eq(acp_session_names_write(FORTY, &names, &why), ACP_OK);
	ck_assert_str_eq(names.pod, "session-" FORTY "-runner");
	ck_assert_int_eq(acp_session_names_write(
				 "A123456789b123456789c123456789d123456789",
				 &names, &why),
		ACP_OK);
	ck_assert_uint_eq(strlen(names.pod), 62);
	ck_assert_str_eq(names.pod + 55, "-runner");
}
END_TEST

/* H-32: too long; H-33: no label value, or something in a selector */
static const char *const refused[] = {"", "short12", FORTY "x", "-abcdefgh",
	"abcdefgh-", "abcd_efgh", "abcd.efgh", "abcd,efgh", "abcd=efgh",
	"abcd efgh", "abcd\nefgh", "abcd/efgh", "../../..", "abcd%2fgh",
	"abcdefg\xc3\xa9", "$(A)$(B)", "abcdefgh)", "!abcdefgh"};

START_TEST(h32_h33_an_id_that_is_no_label_is_refused)
{
	ck_assert_int_eq(acp_session_names_write(refused[_i], &names, &why),
		ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "8 to 40"));
	ck_assert_str_eq(names.pod, "");
}
END_TEST

static Suite *
session_name_suite(void)
{
	Suite *suite = suite_create("session_name");
	TCase *tcase = tcase_create("session_name");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, names_are_the_id_in_lower_case);
	tcase_add_test(tcase,
		h31_ids_that_differ_in_case_share_no_name_but_the_services);
	tcase_add_test(tcase, the_longest_names_are_whole);
	tcase_add_loop_test(tcase, h32_h33_an_id_that_is_no_label_is_refused, 0,
		COUNT(refused));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(session_name_suite)
