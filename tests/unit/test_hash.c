/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/hash.c: SHA-256 as everybody knows it, however it was cut in pieces.
 */
#include <config.h>

#include "lib/hash.h"

#include "tests/unit/unit.h"

#include <string.h>

/* FIPS 180-4, and the same of a million times "a" */
static const char of_abc[] =
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char of_million[] =
	"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

START_TEST(the_known_digest_comes_out)
{
	ACP_AUTO(hash) struct acp_hash hash;
	char text[2 * ACP_HASH_SIZE + 1];

	acp_hash_init(&hash);
	acp_hash_add(&hash, "abc", 3);
	acp_hash_finish_hex(&hash, ACP_HASH_SIZE, text);
	ck_assert_str_eq(text, of_abc);
	acp_hash_init(&hash);
	acp_hash_add(&hash, "abc", 3);
	acp_hash_finish_hex(&hash, 4, text);
	ck_assert_str_eq(text, "ba7816bf");
}
END_TEST

static const size_t pieces[] = {1, 7, 255, 256, 257, 1000, 100000};

START_TEST(pieces_of_any_size_give_the_same)
{
	static char block[100000];
	ACP_AUTO(hash) struct acp_hash hash;
	char text[2 * ACP_HASH_SIZE + 1];
	size_t left = 1000000;

	memset(block, 'a', sizeof(block));
	acp_hash_init(&hash);
	while (left) {
		size_t size = pieces[_i] < left ? pieces[_i] : left;

		acp_hash_add(&hash, block, size);
		left -= size;
	}
	acp_hash_finish_hex(&hash, ACP_HASH_SIZE, text);
	ck_assert_str_eq(text, of_million);
}
END_TEST

START_TEST(two_texts_are_not_one)
{
	ACP_AUTO(hash) struct acp_hash hash;
	char one[17], two[17];

	acp_hash_init(&hash);
	acp_hash_add_text(&hash, "ab");
	acp_hash_add_text(&hash, "c");
	acp_hash_finish_hex(&hash, 8, one);
	acp_hash_init(&hash);
	acp_hash_add_text(&hash, "a");
	acp_hash_add_text(&hash, "bc");
	acp_hash_finish_hex(&hash, 8, two);
	ck_assert_str_ne(one, two);
}
END_TEST

static Suite *
hash_suite(void)
{
	Suite *suite = suite_create("hash");
	TCase *tcase = tcase_create("hash");

	tcase_add_test(tcase, the_known_digest_comes_out);
	tcase_add_loop_test(tcase, pieces_of_any_size_give_the_same, 0,
		sizeof(pieces) / sizeof(*pieces));
	tcase_add_test(tcase, two_texts_are_not_one);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(hash_suite)
