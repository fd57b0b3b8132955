/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/buffer.c: growth, the limit, and JSON strings from hostile bytes.
 */
#include <config.h>

#include "lib/buffer.h"

#include "tests/unit/unit.h"

#include <string.h>

START_TEST(text_grows_and_stays_terminated)
{
	ACP_AUTO(buffer) struct acp_buffer buffer;

	acp_buffer_init(&buffer, 100000);
	ck_assert_str_eq(acp_buffer_peek(&buffer), "");
	for (int i = 0; i < 1000; i++)
		acp_buffer_printf(&buffer, "%d,", i);
	ck_assert(!buffer.is_failed);
	ck_assert_uint_eq(strlen(acp_buffer_peek(&buffer)), buffer.size);
	ck_assert(strstr(buffer.text, ",998,999,"));
}
END_TEST

START_TEST(formatted_text_of_any_length_is_whole)
{
	char expected[1001];

	memset(expected, 'x', sizeof(expected));
	for (size_t size = 0; size <= 1000; size++) {
		ACP_AUTO(buffer) struct acp_buffer buffer;

		acp_buffer_init(&buffer, size + 1);
		acp_buffer_printf(&buffer, "%.*s%c", (int)size, expected, '!');
		ck_assert(!buffer.is_failed);
		ck_assert_uint_eq(buffer.size, size + 1);
		ck_assert_uint_eq(strlen(buffer.text), size + 1);
		ck_assert_int_eq(strncmp(buffer.text, expected, size), 0);
		ck_assert_int_eq(buffer.text[size], '!');
		acp_buffer_printf(&buffer, "%c", '?');
		ck_assert(buffer.is_failed);
		ck_assert_uint_eq(strlen(buffer.text), size + 1);
	}
}
END_TEST

START_TEST(one_byte_over_the_limit_fails_for_good)
{
	ACP_AUTO(buffer) struct acp_buffer buffer;

	acp_buffer_init(&buffer, 4);
	acp_buffer_append(&buffer, "abcd");
	ck_assert(!buffer.is_failed);
	acp_buffer_append(&buffer, "e");
	ck_assert(buffer.is_failed);
	acp_buffer_append(&buffer, "");
	ck_assert_str_eq(acp_buffer_peek(&buffer), "abcd");
}
END_TEST

static const struct {
	const char *text;
	const char *json;
} json_cases[] = {
	{"plain", "\"plain\""},
	{"a\"b\\c", "\"a\\\"b\\\\c\""},
	{"line\nfeed\ttab\x7f", "\"line\\u000afeed\\u0009tab\\u007f\""},
	{"<a&b>", "\"\\u003ca\\u0026b\\u003e\""},
	{"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
	{"\xf0\x9f\x94\x91", "\"\xf0\x9f\x94\x91\""},
	{"cut\xc3", "\"cut\\ufffd\""},
	{"over\xc0\x80", "\"over\\ufffd\\ufffd\""},
	{"sur\xed\xa0\x80", "\"sur\\ufffd\\ufffd\\ufffd\""},
	{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	{"\xff", "\"\\ufffd\""},
};

START_TEST(json_strings_are_escaped_and_valid)
{
	ACP_AUTO(buffer) struct acp_buffer buffer;

	acp_buffer_init(&buffer, 1000);
	acp_buffer_append_json(
		&buffer, json_cases[_i].text, strlen(json_cases[_i].text));
	ck_assert_str_eq(acp_buffer_peek(&buffer), json_cases[_i].json);
}
END_TEST

static Suite *
buffer_suite(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tcase = tcase_create("buffer");

	tcase_add_test(tcase, text_grows_and_stays_terminated);
	tcase_add_test(tcase, formatted_text_of_any_length_is_whole);
	tcase_add_test(tcase, one_byte_over_the_limit_fails_for_good);
	tcase_add_loop_test(tcase, json_strings_are_escaped_and_valid, 0,
		sizeof(json_cases) / sizeof(json_cases[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(buffer_suite)
