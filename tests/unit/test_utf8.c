/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/utf8.c: what is a character, what may be shown, and how the rest is
 * cleaned.
 */
#include <config.h>

#include "lib/utf8.h"

#include "tests/unit/unit.h"

#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *text;
	size_t length;
} characters[] = {
	{"a", 1},
	{"\n", 1},
	{"\xc3\xbc", 2},
	{"\xe2\x82\xac", 3},
	{"\xf0\x9f\x94\x91", 4},
	{"\xc3", 0},
	{"\xe2\x82", 0},
	{"\xe2\x82(", 0},
	{"\xc0\x80", 0},
	{"\xe0\x80\x80", 0},
	{"\xed\xa0\x80", 0},
	{"\xf0\x80\x80\x80", 0},
	{"\xf4\x90\x80\x80", 0},
	{"\xf5\x80\x80\x80", 0},
	{"\x80", 0},
	{"\xff", 0},
};

START_TEST(a_character_is_measured)
{
	ck_assert_uint_eq(acp_utf8_measure(characters[_i].text,
				  strlen(characters[_i].text)),
		characters[_i].length);
}
END_TEST

static const struct {
	const char *text;
	size_t size;
	const char *clean; /* the same when it is printable */
} texts[] = {
	{"", 0, ""},
	{"plain text", 10, "plain text"},
	{"gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f"},
	{"\xc2\xa0", 2, "\xc2\xa0"},
	{"a\nb", 3, "a?b"},
	{"a\0b", 3, "a?b"},
	{"\x1b[31m", 5, "?[31m"},
	{"\x7f", 1, "?"},
	{"\xc2\x9b", 2, "?"},
	{"cut\xc3", 4, "cut?"},
	{"\xed\xa0\x80", 3, "???"},
};

START_TEST(what_is_not_printable_becomes_a_question_mark)
{
	char out[32] = "x";
	bool is_same = texts[_i].size == strlen(texts[_i].clean) &&
		memcmp(texts[_i].text, texts[_i].clean, texts[_i].size) == 0;

	acp_utf8_write_printable(
		texts[_i].text, texts[_i].size, out, sizeof(out));
	ck_assert_str_eq(out, texts[_i].clean);
	ck_assert(acp_utf8_is_printable(texts[_i].text, texts[_i].size) ==
		is_same);
}
END_TEST

START_TEST(a_text_is_cut_between_characters)
{
	char out[8];

	acp_utf8_write_printable("abcdefgh", 8, out, sizeof(out));
	ck_assert_str_eq(out, "abcdefg");
	acp_utf8_write_printable("abcdef\xc3\xbc", 8, out, sizeof(out));
	ck_assert_str_eq(out, "abcdef");
	acp_utf8_write_printable("abcde\xc3\xbc", 7, out, sizeof(out));
	ck_assert_str_eq(out, "abcde\xc3\xbc");
	acp_utf8_write_printable("abc", 3, out, 1);
	ck_assert_str_eq(out, "");
}
END_TEST

static Suite *
utf8_suite(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tcase = tcase_create("utf8");

	tcase_add_loop_test(
		tcase, a_character_is_measured, 0, COUNT(characters));
	tcase_add_loop_test(tcase,
		what_is_not_printable_becomes_a_question_mark, 0, COUNT(texts));
	tcase_add_test(tcase, a_text_is_cut_between_characters);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(utf8_suite)
