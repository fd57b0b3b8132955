/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/base64url.c: RFC 4648's examples, and one spelling for every byte.
 */
#include <config.h>

#include "lib/base64url.h"

#include "lib/random.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct {
	const char *bytes;
	const char *text;
} cases[] = {
	/* RFC 4648 §10, without the padding */
	{"", ""},
	{"f", "Zg"},
	{"fo", "Zm8"},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg"},
	{"fooba", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "-_-_"},
};

START_TEST(bytes_and_text_turn_into_each_other)
{
	const char *bytes = cases[_i].bytes, *text = cases[_i].text;
	char written[16];
	uint8_t read[16];

	ck_assert_uint_eq(ACP_BASE64URL_LENGTH(strlen(bytes)), strlen(text));
	ck_assert_uint_eq(ACP_BASE64URL_BYTES(strlen(text)), strlen(bytes));
	acp_base64url_write((const uint8_t *)bytes, strlen(bytes), written);
	ck_assert_str_eq(written, text);
	ck_assert_int_eq(acp_base64url_read(text, strlen(text), read), ACP_OK);
	ck_assert_mem_eq(read, bytes, strlen(bytes));
}
END_TEST

static const char *const bad[] = {"A", "AAAAA", "Zg==", "Zm8=", "Z+", "Z/",
	"Zh", "Zn", "Zm9", "Z ", "Zg\n", "Z%", "Z.", "\xc3\xa9", "Z@", "Z["};

START_TEST(any_other_spelling_is_denied)
{
	uint8_t read[16];

	ck_assert_int_eq(
		acp_base64url_read(bad[_i], strlen(bad[_i]), read), ACP_DENIED);
}
END_TEST

START_TEST(every_size_comes_back)
{
	uint8_t bytes[200], read[200];
	char text[ACP_BASE64URL_LENGTH(200) + 1];

	acp_random_fill(bytes, sizeof(bytes));
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		acp_base64url_write(bytes, size, text);
		ck_assert_uint_eq(strlen(text), ACP_BASE64URL_LENGTH(size));
		ck_assert_int_eq(
			acp_base64url_read(text, strlen(text), read), ACP_OK);
		ck_assert_mem_eq(read, bytes, size);
	}
}
END_TEST

static Suite *
base64url_suite(void)
{
	Suite *suite = suite_create("base64url");
	TCase *tcase = tcase_create("base64url");

	tcase_add_loop_test(tcase, bytes_and_text_turn_into_each_other, 0,
		sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, any_other_spelling_is_denied, 0,
		sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, every_size_comes_back);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(base64url_suite)
