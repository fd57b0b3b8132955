/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/base64.c: the vectors of RFC 4648 §10, and one spelling for each byte
 * string.
 */
#include <config.h>

#include "lib/base64.h"

#include "tests/unit/unit.h"

#include <string.h>

static const struct {
	const char *bytes;
	const char *text;
} vectors[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/"}, {"\xfb\xff", "+/8="}};

START_TEST(bytes_are_written_and_read_back)
{
	const char *bytes = vectors[_i].bytes;
	const char *text = vectors[_i].text;
	uint8_t back[16];
	char written[16];
	size_t size = 99;

	ck_assert_uint_eq(ACP_BASE64_LENGTH(strlen(bytes)), strlen(text));
	acp_base64_write((const uint8_t *)bytes, strlen(bytes), written);
	ck_assert_str_eq(written, text);
	ck_assert_int_eq(
		acp_base64_read(text, strlen(text), back, &size), ACP_OK);
	ck_assert_uint_eq(size, strlen(bytes));
	ck_assert_mem_eq(back, bytes, size);
}
END_TEST

static const char *const bad[] = {"Zg", "Zg=", "Zg===", "Zg==Zg==", "=",
	"==", "====", "A===", "Zm9vY", "Zm9v\n",
	"Zm 9vYg=", "Zh==", "Zm9=", "-_-_", "Zm9v=", "Zm9v====", "Z=g="};

START_TEST(another_spelling_is_refused)
{
	uint8_t back[16];
	size_t size = 99;

	ck_assert_int_eq(acp_base64_read(bad[_i], strlen(bad[_i]), back, &size),
		ACP_DENIED);
	ck_assert_uint_eq(size, 99);
}
END_TEST

static Suite *
base64_suite(void)
{
	Suite *suite = suite_create("base64");
	TCase *tcase = tcase_create("base64");

	tcase_add_loop_test(tcase, bytes_are_written_and_read_back, 0,
		(int)(sizeof(vectors) / sizeof(vectors[0])));
	tcase_add_loop_test(tcase, another_spelling_is_refused, 0,
		(int)(sizeof(bad) / sizeof(bad[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(base64_suite)
