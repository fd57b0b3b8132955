/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/session_id.c: every length, every character at every kind of place.
 */
#include <config.h>

#include "lib/session_id.h"

#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <string.h>

static uint8_t text[1000];

static void
set_up(void)
{
	memset(text, 'a', sizeof(text));
}

START_TEST(ids_of_8_to_128_characters_are_taken)
{
	for (size_t size = 0; size <= 1000; size++)
		ck_assert_uint_eq(acp_session_id_check(text, size),
			size >= 8 && size <= 128 ? UINT32_MAX : 0);
}
END_TEST

START_TEST(sizes_that_wrap_around_are_not)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 10, 0x10000 + 20,
		0x100000000 + 20, 0x80000000, 0x80000014, 0x7fffffff};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ck_assert_uint_eq(acp_session_id_check(text, sizes[i]), 0);
}
END_TEST

static bool
is_allowed(int c, size_t place)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789";

	if (c && strchr(letters, c))
		return true;
	return place > 0 && c && strchr("._-", c);
}

START_TEST(each_place_takes_just_its_characters)
{
	static const size_t places[] = {0, 1, 2, 7, 62, 126, 127};
	size_t place = places[_i];

	for (int c = 0; c < 256; c++) {
		text[place] = (uint8_t)c;
		ck_assert_uint_eq(acp_session_id_check(text, 128),
			is_allowed(c, place) ? UINT32_MAX : 0);
	}
}
END_TEST

START_TEST(bytes_behind_the_id_do_not_matter)
{
	memset(text + 20, 0, sizeof(text) - 20);
	ck_assert_uint_eq(acp_session_id_check(text, 20), UINT32_MAX);
	ck_assert_uint_eq(acp_session_id_check(text, 21), 0);
	memset(text + 20, '/', sizeof(text) - 20);
	ck_assert_uint_eq(acp_session_id_check(text, 20), UINT32_MAX);
}
END_TEST

START_TEST(what_is_not_secret_is_judged_the_same)
{
	char exact[ACP_SESSION_ID_MAX];

	for (size_t size = 0; size <= 1000; size++)
		ck_assert_int_eq(
			acp_session_id_is_legal((const char *)text, size),
			size >= 8 && size <= 128);
	for (size_t place = 0; place < 8; place++)
		for (int c = 0; c < 256; c++) {
			memset(exact, 'a', sizeof(exact));
			exact[place] = (char)c;
			ck_assert_int_eq(acp_session_id_is_legal(exact, 8),
				is_allowed(c, place));
		}
}
END_TEST

static Suite *
session_id_suite(void)
{
	Suite *suite = suite_create("session_id");
	TCase *tcase = tcase_create("session_id");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, ids_of_8_to_128_characters_are_taken);
	tcase_add_test(tcase, sizes_that_wrap_around_are_not);
	tcase_add_loop_test(tcase, each_place_takes_just_its_characters, 0, 7);
	tcase_add_test(tcase, bytes_behind_the_id_do_not_matter);
	tcase_add_test(tcase, what_is_not_secret_is_judged_the_same);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(session_id_suite)
