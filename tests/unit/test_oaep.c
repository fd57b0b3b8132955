/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/oaep.c alone, without RSA, on many encoded messages with and without
 * faults, against libcrypto's decoding.
 */
#include <config.h>

#define OPENSSL_SUPPRESS_DEPRECATED

#include "fcgi/oaep.h"

#include "lib/limits.h"
#include "tests/unit/encoded.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

enum { ROUNDS = 1000 };

static const size_t sizes[] = {66, 67, 68, 98, 256, 257, 384, 512, 1023, 1024};

/* Size of the message that libcrypto finds, or -1. */
static int
decode_otherwise(const uint8_t *encoded, size_t size, uint8_t *plain)
{
	return RSA_padding_check_PKCS1_OAEP_mgf1(plain, (int)size, encoded,
		(int)size, (int)size, NULL, 0, EVP_sha256(), EVP_sha256());
}

static void
check_agreement(enum encoded_fault fault, const uint8_t *encoded, size_t size,
	int round)
{
	uint8_t copy[ACP_KEY_MODULUS_MAX], other[ACP_KEY_MODULUS_MAX];
	uint8_t plain[ACP_KEY_MODULUS_MAX], untouched[sizeof(plain)];
	size_t plain_size = SIZE_MAX;
	int other_size = decode_otherwise(encoded, size, other);
	uint32_t good;

	memcpy(copy, encoded, size);
	memset(untouched, 0xaa, sizeof(untouched));
	memcpy(plain, untouched, sizeof(plain));
	good = acp_oaep_decode(copy, size, plain, &plain_size);
	ck_assert_msg(good == (other_size < 0 ? 0 : UINT32_MAX),
		"size %zu, fault %d, round %d: %08x, libcrypto %d", size,
		(int)fault, round, good, other_size);
	ck_assert_uint_le(plain_size, size - 66);
	ck_assert_mem_eq(plain + size - 66, untouched + size - 66,
		sizeof(plain) - (size - 66));
	if (!good)
		return;
	ck_assert_uint_eq(plain_size, (size_t)other_size);
	ck_assert_mem_eq(plain, other, plain_size);
}

START_TEST(decoding_agrees_with_libcrypto)
{
	size_t size = sizes[_i];
	uint64_t state = encoded_seed() + size;
	uint8_t encoded[ACP_KEY_MODULUS_MAX];

	for (int round = 0; round < unit_rounds(ROUNDS); round++)
		for (int fault = 0; fault < ENCODED__MAX; fault++) {
			/* a message of 66 bytes has no padding to spoil */
			if (size == 66 &&
				!encoded_is_valid((enum encoded_fault)fault))
				continue;
			encoded_build(&state, (enum encoded_fault)fault,
				encoded, size);
			check_agreement((enum encoded_fault)fault, encoded,
				size, round);
		}
}
END_TEST

START_TEST(faults_are_refused_and_messages_of_any_kind_are_not)
{
	enum encoded_fault fault = (enum encoded_fault)_i;
	uint64_t state = encoded_seed();
	uint8_t encoded[512], plain[512 - 66];
	size_t plain_size;
	uint32_t good;

	for (int round = 0; round < unit_rounds(ROUNDS); round++) {
		encoded_build(&state, fault, encoded, sizeof(encoded));
		good = acp_oaep_decode(
			encoded, sizeof(encoded), plain, &plain_size);
		ck_assert_uint_eq(
			good, encoded_is_valid(fault) ? UINT32_MAX : 0);
	}
}
END_TEST

START_TEST(the_encoded_message_is_wiped)
{
	static const uint8_t zeros[256];
	uint64_t state = encoded_seed();
	uint8_t encoded[256], plain[256];
	size_t plain_size;

	encoded_build(&state, ENCODED_GOOD, encoded, sizeof(encoded));
	ck_assert_uint_eq(
		acp_oaep_decode(encoded, sizeof(encoded), plain, &plain_size),
		UINT32_MAX);
	ck_assert_mem_eq(encoded, zeros, sizeof(encoded));
}
END_TEST

static Suite *
oaep_suite(void)
{
	Suite *suite = suite_create("oaep");
	TCase *tcase = tcase_create("oaep");

	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase, decoding_agrees_with_libcrypto, 0,
		sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_loop_test(tcase,
		faults_are_refused_and_messages_of_any_kind_are_not, 0,
		ENCODED__MAX);
	tcase_add_test(tcase, the_encoded_message_is_wiped);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(oaep_suite)
