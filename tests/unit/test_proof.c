/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/proof.c: the proof of another implementation, which key verifies what,
 * and that a comparison tells nothing by where or whether it fails.
 */
#include <config.h>

#include "lib/proof.h"

#include "lib/secret.h"
#include "tests/unit/unit.h"
#include "tests/unit/vector_key.h"

#include <string.h>

enum { KEY_COUNT = 3, LENGTH = ACP_PROOF_SIZE - 1 };

static struct acp_keyring ring;
static int comparisons;

bool __wrap_acp_secret_is_same(
	const void *left, const void *right, size_t size);
bool __real_acp_secret_is_same(
	const void *left, const void *right, size_t size);

bool
__wrap_acp_secret_is_same(const void *left, const void *right, size_t size)
{
	comparisons++;
	return __real_acp_secret_is_same(left, right, size);
}

static void
make_keys(void)
{
	acp_keyring_init(&ring);
	vector_key_add(&ring);
	while (ring.count < KEY_COUNT)
		vector_key_add_other(&ring);
}

static void
drop_keys(void)
{
	acp_keyring_clear(&ring);
}

START_TEST(the_proof_is_the_one_of_another_implementation)
{
	char proof[ACP_PROOF_SIZE];

	acp_proof_write(ring.keys[0], VECTOR_SESSION, proof);
	ck_assert_str_eq(proof, VECTOR_PROOF);
	ck_assert_uint_eq(strlen(proof), 43);
}
END_TEST

START_TEST(the_key_that_verifies_is_found)
{
	char proof[ACP_PROOF_SIZE];

	acp_proof_write(ring.keys[_i], "another-session", proof);
	ck_assert_ptr_eq(
		acp_proof_find_key(&ring, "another-session", proof, LENGTH),
		ring.keys[_i]);
}
END_TEST

START_TEST(a_proof_is_good_for_its_session_alone)
{
	ck_assert_ptr_nonnull(acp_proof_find_key(
		&ring, VECTOR_SESSION, VECTOR_PROOF, LENGTH));
	ck_assert_ptr_null(acp_proof_find_key(
		&ring, VECTOR_SESSION "0", VECTOR_PROOF, LENGTH));
	ck_assert_ptr_null(acp_proof_find_key(
		&ring, "2abcDEFghiJKLmnoPQRstuVWXy", VECTOR_PROOF, LENGTH));
}
END_TEST

START_TEST(a_proof_of_a_key_that_is_gone_is_none)
{
	struct acp_keyring rest = {
		.keys = {ring.keys[1], ring.keys[2]}, .count = 2};

	ck_assert_ptr_null(acp_proof_find_key(
		&rest, VECTOR_SESSION, VECTOR_PROOF, LENGTH));
}
END_TEST

START_TEST(every_flipped_bit_is_seen)
{
	char proof[] = VECTOR_PROOF;

	for (size_t bit = 0; bit < LENGTH * 8; bit++) {
		proof[bit / 8] = (char)(proof[bit / 8] ^ 1 << bit % 8);
		ck_assert_ptr_null(acp_proof_find_key(
			&ring, VECTOR_SESSION, proof, LENGTH));
		proof[bit / 8] = (char)(proof[bit / 8] ^ 1 << bit % 8);
	}
}
END_TEST

START_TEST(other_lengths_are_refused)
{
	const char *longer = VECTOR_PROOF "=A";

	for (size_t size = 0; size <= LENGTH + 2; size++)
		ck_assert(!acp_proof_find_key(&ring, VECTOR_SESSION, longer,
				  size) == (size != LENGTH));
}
END_TEST

/* Whatever is sent, each key costs one comparison in constant time. */
START_TEST(all_keys_are_compared_whatever_matches)
{
	char wrong[] = VECTOR_PROOF;

	comparisons = 0;
	acp_proof_find_key(&ring, VECTOR_SESSION, VECTOR_PROOF, LENGTH);
	ck_assert_int_eq(comparisons, KEY_COUNT);
	wrong[0] = 'x';
	acp_proof_find_key(&ring, VECTOR_SESSION, wrong, LENGTH);
	ck_assert_int_eq(comparisons, 2 * KEY_COUNT);
}
END_TEST

static Suite *
proof_suite(void)
{
	Suite *suite = suite_create("proof");
	TCase *tcase = tcase_create("proof");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_test(tcase, the_proof_is_the_one_of_another_implementation);
	tcase_add_loop_test(
		tcase, the_key_that_verifies_is_found, 0, KEY_COUNT);
	tcase_add_test(tcase, a_proof_is_good_for_its_session_alone);
	tcase_add_test(tcase, a_proof_of_a_key_that_is_gone_is_none);
	tcase_add_test(tcase, every_flipped_bit_is_seen);
	tcase_add_test(tcase, other_lengths_are_refused);
	tcase_add_test(tcase, all_keys_are_compared_whatever_matches);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(proof_suite)
