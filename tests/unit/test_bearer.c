/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/bearer.c: which header values hold a credential, and the one form of
 * base64 that is taken.
 */
#include <config.h>

#include "fcgi/bearer.h"

#include "tests/unit/unit.h"

#include <stdbool.h>
#include <string.h>

static const struct {
	const char *value;
	const char *word;
} find_cases[] = {
	{"Bearer abc", "abc"},
	{"Bearer a+/=", "a+/="},
	{"Bearer =", "="},
	{"Bearer acp1.a-b_c", "acp1.a-b_c"},
	{"Bearer Bearer", "Bearer"},
	{NULL, NULL},
	{"", NULL},
	{"Bearer", NULL},
	{"Bearer ", NULL},
	{"Bearer  ", NULL},
	{"Bearer  abc", NULL},
	{"Bearer\tabc", NULL},
	{"Bearer abc ", NULL},
	{"Bearer abc\t", NULL},
	{"Bearer abc def", NULL},
	{"Bearer abc,def", NULL},
	{"Bearer abc, Bearer def", NULL},
	{"Bearer ,", NULL},
	{"Bearer abc\r\n", NULL},
	{"Bearer abc\x01", NULL},
	{"Bearer abc\x7f", NULL},
	{"Bearer abc\xc3\xa4", NULL},
	{"Bearer \"abc\"", NULL},
	{" Bearer abc", NULL},
	{"bearer abc", NULL},
	{"BEARER abc", NULL},
	{"Bearerabc", NULL},
	{"Bearer: abc", NULL},
	{"Basic abc", NULL},
	{"Token abc", NULL},
	{"abc", NULL},
};

START_TEST(a_word_is_found_behind_bearer_and_nowhere_else)
{
	const char *word = acp_bearer_find(find_cases[_i].value);

	if (find_cases[_i].word)
		ck_assert_str_eq(word, find_cases[_i].word);
	else
		ck_assert_ptr_null(word);
}
END_TEST

static const struct {
	const char *word;
	const char *bytes;
	size_t size;
} good_cases[] = {
	/* RFC 4648 §10 */
	{"Zg==", "f", 1},
	{"Zm8=", "fo", 2},
	{"Zm9v", "foo", 3},
	{"Zm9vYg==", "foob", 4},
	{"Zm9vYmE=", "fooba", 5},
	{"Zm9vYmFy", "foobar", 6},
	{"AAAA", "\0\0\0", 3},
	{"////", "\xff\xff\xff", 3},
	{"+/+/", "\xfb\xff\xbf", 3},
	{"AA==", "\0", 1},
	{"/w==", "\xff", 1},
	{"//8=", "\xff\xff", 2},
};

START_TEST(canonical_base64_is_decoded)
{
	struct acp_ciphertext found;

	ck_assert_int_eq(
		acp_bearer_decode(good_cases[_i].word, &found), ACP_OK);
	ck_assert_uint_eq(found.size, good_cases[_i].size);
	ck_assert_mem_eq(found.bytes, good_cases[_i].bytes, found.size);
}
END_TEST

static const char *const bad_cases[] = {"", "=", "==", "===", "====", "Z", "Zg",
	"Zm8", "Zg=", "Zg===", "Zg==Zg==", "Zm8=Zm8=", "Zg==\n",
	"Zh==", "Zn==", "Zm9=", "Zm8==", "Zm9v=", "Zm9vZ",
	"Z===", "Z=g=", "=Zg=", "Zm9v\n", "Zm 9v", " Zm9v", "Zm9v ", "Zm-v",
	"Zm_v", "Zm.v", "Zm%v", "Zm9\xc3\xa9", "Zm9\x80",
	("Zm\x7f"
	 "v"),
	"Z@9v", "Z[9v", "Z`9v", "Z{9v", "Z:9v", "Z,9v"};

START_TEST(any_other_form_is_denied)
{
	struct acp_ciphertext found = {.size = 77};

	ck_assert_int_eq(acp_bearer_decode(bad_cases[_i], &found), ACP_DENIED);
	ck_assert_uint_eq(found.size, 77);
}
END_TEST

START_TEST(the_largest_modulus_fits_and_one_byte_more_does_not)
{
	static char word[(ACP_KEY_MODULUS_MAX + 2) / 3 * 4 + 5];
	struct acp_ciphertext found;
	size_t size = sizeof(word) - 5;

	/* 1024 = 341 * 3 + 1 */
	ck_assert_uint_eq(ACP_KEY_MODULUS_MAX % 3, 1);
	memset(word, 'A', size);
	memcpy(word + size - 2, "==", 2);
	ck_assert_int_eq(acp_bearer_decode(word, &found), ACP_OK);
	ck_assert_uint_eq(found.size, ACP_KEY_MODULUS_MAX);
	memcpy(word + size - 2, "A=", 2);
	ck_assert_int_eq(acp_bearer_decode(word, &found), ACP_DENIED);
	memcpy(word + size - 2, "AA", 2);
	ck_assert_int_eq(acp_bearer_decode(word, &found), ACP_DENIED);
	memcpy(word + size - 2, "AAAA==", 6);
	ck_assert_int_eq(acp_bearer_decode(word, &found), ACP_DENIED);
}
END_TEST

START_TEST(each_byte_has_one_spelling)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	struct acp_ciphertext found;
	char word[5] = "A?==";

	for (int c = 1; c < 256; c++) {
		const char *place = strchr(alphabet, c);
		bool is_canonical =
			place && (size_t)(place - alphabet) % 16 == 0;

		word[1] = (char)c;
		ck_assert_int_eq(acp_bearer_decode(word, &found),
			is_canonical ? ACP_OK : ACP_DENIED);
	}
}
END_TEST

static Suite *
bearer_suite(void)
{
	Suite *suite = suite_create("bearer");
	TCase *tcase = tcase_create("bearer");

	tcase_add_loop_test(tcase,
		a_word_is_found_behind_bearer_and_nowhere_else, 0,
		sizeof(find_cases) / sizeof(find_cases[0]));
	tcase_add_loop_test(tcase, canonical_base64_is_decoded, 0,
		sizeof(good_cases) / sizeof(good_cases[0]));
	tcase_add_loop_test(tcase, any_other_form_is_denied, 0,
		sizeof(bad_cases) / sizeof(bad_cases[0]));
	tcase_add_test(
		tcase, the_largest_modulus_fits_and_one_byte_more_does_not);
	tcase_add_test(tcase, each_byte_has_one_spelling);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(bearer_suite)
