/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/keyset.c: which key opens what, when several are in service, and how
 * long a set lives.
 */
#include <config.h>

#include "fcgi/keyset.h"

#include "fcgi/unseal.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

enum { KEY_COUNT = 3 };

static const unsigned int bits[KEY_COUNT] = {2048, 3072, 2048};
static struct acp_secret pems[KEY_COUNT];
static struct acp_buffer public_pems[KEY_COUNT];
static char ids[KEY_COUNT][ACP_KEY_ID_SIZE];
static struct acp_keyset *keyset;

static void
make_keys(void)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		ACP_AUTO(key) struct acp_key *key = NULL;

		ck_assert_int_eq(acp_key_new(bits[i], &key), ACP_OK);
		acp_secret_init(&pems[i]);
		acp_key_write_private(key, &pems[i]);
		acp_buffer_init(&public_pems[i], 10000);
		acp_key_write_public(key, &public_pems[i]);
		memcpy(ids[i], acp_key_peek_id(key), ACP_KEY_ID_SIZE);
	}
}

static void
drop_keys(void)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		acp_secret_clear(&pems[i]);
		acp_buffer_clear(&public_pems[i]);
	}
}

static struct acp_keyset *
make_set(size_t first, size_t count)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_keyset *made = NULL;

	acp_buffer_init(&why, 1000);
	acp_keyring_init(&ring);
	for (size_t i = first; i < first + count; i++)
		ck_assert_int_eq(acp_keyring_add_pem(&ring, pems[i].bytes,
					 pems[i].size, "pem", &why),
			ACP_OK);
	ck_assert_int_eq(acp_keyset_new(&ring, &made), ACP_OK);
	ck_assert_uint_eq(ring.count, 0);
	return made;
}

static void
set_up(void)
{
	keyset = make_set(0, KEY_COUNT);
}

static void
tear_down(void)
{
	acp_keyset_free(&keyset);
	ck_assert_ptr_null(keyset);
}

/* Seals text under a key, by libcrypto; the size of what came out. */
static size_t
seal(size_t i, const char *text, uint8_t *sealed)
{
	BIO *bio = BIO_new_mem_buf(public_pems[i].text, -1);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	size_t size = ACP_KEY_MODULUS_MAX;

	ck_assert_int_eq(EVP_PKEY_encrypt_init(context), 1);
	ck_assert_int_eq(
		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING),
		1);
	ck_assert_int_eq(
		EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()), 1);
	ck_assert_int_eq(EVP_PKEY_encrypt(context, sealed, &size,
				 (const uint8_t *)text, strlen(text)),
		1);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return size;
}

/* Opens with no proof to go by. */
static uint32_t
open_bytes(const struct acp_keyset *set, const uint8_t *sealed, size_t size,
	uint8_t *plain, size_t *plain_size, const char **id)
{
	struct acp_ciphertext ciphertext = {.size = size};

	memcpy(ciphertext.bytes, sealed, size);
	return acp_keyset_open(set, &ciphertext, plain, plain_size, id);
}

static void
check_opened(const struct acp_keyset *set, size_t i)
{
	uint8_t sealed[ACP_KEY_MODULUS_MAX], plain[ACP_UNSEAL_PLAIN_MAX];
	const char *text = "a-session-id", *id = NULL;
	size_t size = seal(i, text, sealed), plain_size;

	ck_assert(acp_keyset_may_open(set, sealed, size));
	ck_assert_uint_eq(
		open_bytes(set, sealed, size, plain, &plain_size, &id),
		UINT32_MAX);
	ck_assert_uint_eq(plain_size, strlen(text));
	ck_assert_mem_eq(plain, text, plain_size);
	ck_assert_str_eq(id, ids[i]);
}

START_TEST(each_key_of_the_set_opens_its_own)
{
	check_opened(keyset, (size_t)_i);
}
END_TEST

START_TEST(what_no_key_opens_names_the_last_one_tried)
{
	struct acp_keyset *first = make_set(0, 2);
	uint8_t sealed[ACP_KEY_MODULUS_MAX], plain[ACP_UNSEAL_PLAIN_MAX];
	size_t size = seal(2, "a-session-id", sealed), plain_size;
	const char *id = NULL;

	/* below the other modulus of that size */
	while (sealed[0] >= 0x80)
		size = seal(2, "a-session-id", sealed);
	ck_assert(acp_keyset_may_open(first, sealed, size));
	ck_assert_uint_eq(
		open_bytes(first, sealed, size, plain, &plain_size, &id), 0);
	ck_assert_str_eq(id, ids[0]);
	ck_assert_uint_le(plain_size, size - 66);
	sealed[size - 1] ^= 1;
	ck_assert_uint_eq(
		open_bytes(keyset, sealed, size, plain, &plain_size, &id), 0);
	ck_assert_str_eq(id, ids[2]);
	acp_keyset_free(&first);
}
END_TEST

START_TEST(other_sizes_and_large_values_may_not_be_opened)
{
	const struct acp_keyring *ring = acp_keyset_peek_ring(keyset);
	struct acp_keyset *one = make_set(1, 1);
	uint8_t bytes[ACP_KEY_MODULUS_MAX] = {0}, plain[ACP_UNSEAL_PLAIN_MAX];
	size_t plain_size = SIZE_MAX;
	const char *id;

	ck_assert(acp_keyset_may_open(keyset, bytes, 256));
	ck_assert(acp_keyset_may_open(keyset, bytes, 384));
	for (size_t size = 0; size <= sizeof(bytes); size++)
		if (size != 256 && size != 384)
			ck_assert(!acp_keyset_may_open(keyset, bytes, size));
	memcpy(bytes, acp_key_peek_modulus(ring->keys[1]), 384);
	ck_assert(!acp_keyset_may_open(one, bytes, 384));
	ck_assert(!open_bytes(one, bytes, 384, plain, &plain_size, &id));
	ck_assert_uint_eq(plain_size, 0);
	bytes[383]--;
	ck_assert(acp_keyset_may_open(one, bytes, 384));
	memset(bytes, 0xff, sizeof(bytes));
	ck_assert(!acp_keyset_may_open(keyset, bytes, 256));
	acp_keyset_free(&one);
}
END_TEST

/* The one that was tried last tells in what order they were tried. */
START_TEST(the_key_that_verified_the_proof_is_tried_first)
{
	static const size_t last_of[KEY_COUNT] = {2, 2, 0};
	struct acp_ciphertext ciphertext = {.size = 256};
	uint8_t plain[ACP_UNSEAL_PLAIN_MAX];
	size_t plain_size;
	const char *id = NULL;

	memcpy(ciphertext.proof_key_id, ids[_i], ACP_KEY_ID_SIZE);
	ck_assert_uint_eq(
		acp_keyset_open(keyset, &ciphertext, plain, &plain_size, &id),
		0);
	ck_assert_str_eq(id, ids[last_of[_i]]);
}
END_TEST

START_TEST(every_key_is_tried_whichever_is_first)
{
	struct acp_ciphertext ciphertext = {.size = 0};
	uint8_t plain[ACP_UNSEAL_PLAIN_MAX];
	size_t plain_size;
	const char *id = NULL;

	for (size_t first = 0; first < KEY_COUNT; first++) {
		ciphertext.size =
			seal((size_t)_i, "a-session-id", ciphertext.bytes);
		memcpy(ciphertext.proof_key_id, ids[first], ACP_KEY_ID_SIZE);
		ck_assert_uint_eq(acp_keyset_open(keyset, &ciphertext, plain,
					  &plain_size, &id),
			UINT32_MAX);
		ck_assert_str_eq(id, ids[_i]);
	}
}
END_TEST

START_TEST(a_set_knows_its_keys_in_order)
{
	const struct acp_keyring *ring = acp_keyset_peek_ring(keyset);

	ck_assert_uint_eq(ring->count, KEY_COUNT);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		ck_assert_str_eq(acp_key_peek_id(ring->keys[i]), ids[i]);
		ck_assert(acp_keyset_has_key(keyset, ids[i]));
		ck_assert_ptr_eq(
			acp_keyset_peek_key(keyset, ids[i]), ring->keys[i]);
	}
	ck_assert_ptr_null(acp_keyset_peek_key(keyset, "0123456789abcdef"));
	ck_assert_ptr_null(acp_keyset_peek_key(keyset, ""));
	ck_assert(!acp_keyset_has_key(keyset, "0123456789abcdef"));
	ck_assert(!acp_keyset_has_key(keyset, ""));
}
END_TEST

START_TEST(a_set_lives_until_its_last_holder_lets_go)
{
	struct acp_keyset *held = acp_keyset_dup(keyset);

	acp_keyset_free(&keyset);
	ck_assert_ptr_null(keyset);
	check_opened(held, 0);
	acp_keyset_free(&held);
	acp_keyset_free(&held);
}
END_TEST

START_TEST(a_set_without_keys_is_refused)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	struct acp_keyset *made = NULL;

	acp_keyring_init(&ring);
	ck_assert_int_ne(acp_keyset_new(&ring, &made), ACP_OK);
	ck_assert_ptr_null(made);
}
END_TEST

static Suite *
keyset_suite(void)
{
	Suite *suite = suite_create("keyset");
	TCase *tcase = tcase_create("keyset");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(
		tcase, each_key_of_the_set_opens_its_own, 0, KEY_COUNT);
	tcase_add_test(tcase, what_no_key_opens_names_the_last_one_tried);
	tcase_add_test(tcase, other_sizes_and_large_values_may_not_be_opened);
	tcase_add_loop_test(tcase,
		the_key_that_verified_the_proof_is_tried_first, 0, KEY_COUNT);
	tcase_add_loop_test(
		tcase, every_key_is_tried_whichever_is_first, 0, KEY_COUNT);
	tcase_add_test(tcase, a_set_knows_its_keys_in_order);
	tcase_add_test(tcase, a_set_lives_until_its_last_holder_lets_go);
	tcase_add_test(tcase, a_set_without_keys_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(keyset_suite)
