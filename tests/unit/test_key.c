/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/key.c: what is a key and what is not, bundles, and the values that are
 * derived from a key, against another implementation's.
 */
#include <config.h>

#include "lib/key.h"

#include "lib/file.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

enum { KEY_COUNT = ACP_KEY_COUNT_MAX + 1 };

static struct acp_key *keys[KEY_COUNT];
static struct acp_secret pems[KEY_COUNT];
static struct acp_keyring ring;
static struct acp_buffer why;

/* Keys take long to make: once, before the tests fork. */
static void
make_keys(void)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		ck_assert_int_eq(acp_key_new(2048, &keys[i]), ACP_OK);
		acp_secret_init(&pems[i]);
		acp_key_write_private(keys[i], &pems[i]);
	}
}

static void
drop_keys(void)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		acp_key_free(&keys[i]);
		acp_secret_clear(&pems[i]);
	}
}

static void
set_up(void)
{
	acp_buffer_init(&why, 1000);
	acp_keyring_init(&ring);
}

static void
tear_down(void)
{
	acp_buffer_clear(&why);
	acp_keyring_clear(&ring);
}

static enum acp_error
add_text(const char *pem, size_t size)
{
	return acp_keyring_add_pem(&ring, pem, size, "the-origin", &why);
}

static void
check_added(const char *pem, size_t size, size_t count)
{
	enum acp_error error = add_text(pem, size);

	ck_assert_str_eq(acp_buffer_peek(&why), "");
	ck_assert_int_eq(error, ACP_OK);
	ck_assert_uint_eq(ring.count, count);
}

/* Refused beside a good key, which stays; words are in the message. */
static void
check_refused(const char *pem, size_t size, const char *words)
{
	ck_assert_int_eq(add_text(pems[0].bytes, pems[0].size), ACP_OK);
	ck_assert_int_eq(add_text(pem, size), ACP_BAD_REQUEST);
	ck_assert_msg(strstr(acp_buffer_peek(&why), words) != NULL,
		"\"%s\" is not in \"%s\"", words, acp_buffer_peek(&why));
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "the-origin"));
	ck_assert_uint_eq(ring.count, 1);
	ck_assert_str_eq(
		acp_key_peek_id(ring.keys[0]), acp_key_peek_id(keys[0]));
}

/* A key of GnuTLS as PEM: PKCS#8, encrypted when there is a password. */
static char *
export_pkcs8(gnutls_x509_privkey_t key, const char *password)
{
	gnutls_datum_t text;
	char *copy;

	ck_assert_int_ge(gnutls_x509_privkey_export2_pkcs8(key,
				 GNUTLS_X509_FMT_PEM, password,
				 password ? GNUTLS_PKCS_PBES2_AES_256
					  : GNUTLS_PKCS_PLAIN,
				 &text),
		0);
	copy = acp_memory_dup_bytes(text.data, text.size);
	gnutls_free(text.data);
	return copy;
}

/* A fresh key that GnuTLS makes and we should refuse, as PKCS#8 PEM. */
static char *
make_foreign(gnutls_pk_algorithm_t algorithm, unsigned int bits)
{
	gnutls_x509_privkey_t key;
	char *pem;

	ck_assert_int_ge(gnutls_x509_privkey_init(&key), 0);
	ck_assert_int_ge(
		gnutls_x509_privkey_generate(key, algorithm, bits, 0), 0);
	pem = export_pkcs8(key, NULL);
	gnutls_x509_privkey_deinit(key);
	return pem;
}

START_TEST(pkcs1_and_pkcs8_are_the_same_key)
{
	ACP_AUTO(free)
	char *pkcs8 = export_pkcs8(acp_key_peek_private(keys[0]), NULL);

	ck_assert_ptr_nonnull(
		strstr(pems[0].bytes, "-----BEGIN RSA PRIVATE KEY-----"));
	ck_assert_ptr_nonnull(strstr(pkcs8, "-----BEGIN PRIVATE KEY-----"));
	check_added(pkcs8, strlen(pkcs8), 1);
	ck_assert_str_eq(
		acp_key_peek_id(ring.keys[0]), acp_key_peek_id(keys[0]));
	for (int use = 0; use < ACP_KEY_USE__MAX; use++)
		ck_assert_mem_eq(acp_key_peek_subkey(
					 ring.keys[0], (enum acp_key_use)use),
			acp_key_peek_subkey(keys[0], (enum acp_key_use)use),
			ACP_KEY_SUBKEY_SIZE);
	check_added(pems[0].bytes, pems[0].size, 1);
}
END_TEST

START_TEST(several_keys_keep_their_order_and_repeats_are_skipped)
{
	static const size_t order[] = {2, 0, 2, 1, 0};
	ACP_AUTO(secret) struct acp_secret bundle;

	acp_secret_init(&bundle);
	acp_secret_append(&bundle, "words before\n", 13);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		acp_secret_append(
			&bundle, pems[order[i]].bytes, pems[order[i]].size);
		acp_secret_append(&bundle, "words between\n", 14);
	}
	check_added(bundle.bytes, bundle.size, 3);
	ck_assert_str_eq(
		acp_key_peek_id(ring.keys[0]), acp_key_peek_id(keys[2]));
	ck_assert_str_eq(
		acp_key_peek_id(ring.keys[1]), acp_key_peek_id(keys[0]));
	ck_assert_str_eq(
		acp_key_peek_id(ring.keys[2]), acp_key_peek_id(keys[1]));
}
END_TEST

START_TEST(a_fifth_distinct_key_is_refused)
{
	for (size_t i = 0; i < ACP_KEY_COUNT_MAX; i++)
		check_added(pems[i].bytes, pems[i].size, i + 1);
	check_added(pems[1].bytes, pems[1].size, ACP_KEY_COUNT_MAX);
	ck_assert_int_eq(
		add_text(pems[4].bytes, pems[4].size), ACP_BAD_REQUEST);
	ck_assert_uint_eq(ring.count, ACP_KEY_COUNT_MAX);
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), "more than 4 keys"));
}
END_TEST

START_TEST(a_bad_block_spoils_the_good_ones_before_it)
{
	ACP_AUTO(secret) struct acp_secret bundle;

	acp_secret_init(&bundle);
	acp_secret_append(&bundle, pems[1].bytes, pems[1].size);
	acp_secret_append(&bundle, pems[2].bytes, pems[2].size / 2);
	check_refused(bundle.bytes, bundle.size, "block 2 is cut short");
}
END_TEST

static const struct {
	gnutls_pk_algorithm_t algorithm;
	unsigned int bits;
	const char *words;
} foreign_cases[] = {
	{GNUTLS_PK_RSA, 1024, "less than 2048 bits"},
	{GNUTLS_PK_RSA, 2040, "less than 2048 bits"},
	{GNUTLS_PK_EC, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
		"not an RSA key"},
	{GNUTLS_PK_EDDSA_ED25519, 256, "not an RSA key"},
	{GNUTLS_PK_RSA_PSS, 2048, "not an RSA key"},
};

START_TEST(other_sizes_and_kinds_of_key_are_refused)
{
	ACP_AUTO(free)
	char *pem = make_foreign(
		foreign_cases[_i].algorithm, foreign_cases[_i].bits);

	check_refused(pem, strlen(pem), foreign_cases[_i].words);
}
END_TEST

START_TEST(an_ec_key_in_its_own_form_is_refused)
{
	static const char pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
				  "AAAA\n-----END EC PRIVATE KEY-----\n";

	check_refused(pem, strlen(pem), "not a private key");
}
END_TEST

START_TEST(an_encrypted_key_is_refused)
{
	ACP_AUTO(free)
	char *pem = export_pkcs8(acp_key_peek_private(keys[1]), "password");

	check_refused(pem, strlen(pem), "encrypted");
}
END_TEST

START_TEST(an_encrypted_pkcs1_key_is_refused)
{
	static const char header[] = "Proc-Type: 4,ENCRYPTED\n"
				     "DEK-Info: AES-128-CBC,00\n\n";
	ACP_AUTO(secret) struct acp_secret pem;
	size_t line = strlen("-----BEGIN RSA PRIVATE KEY-----\n");

	acp_secret_init(&pem);
	acp_secret_append(&pem, pems[1].bytes, line);
	acp_secret_append(&pem, header, strlen(header));
	acp_secret_append(&pem, pems[1].bytes + line, pems[1].size - line);
	check_refused(pem.bytes, pem.size, "encrypted");
}
END_TEST

START_TEST(a_public_key_is_written_and_is_no_private_one)
{
	ACP_AUTO(buffer) struct acp_buffer pem;

	acp_buffer_init(&pem, 10000);
	acp_key_write_public(keys[1], &pem);
	ck_assert_int_eq(
		strncmp(pem.text, "-----BEGIN PUBLIC KEY-----\n", 27), 0);
	check_refused(pem.text, pem.size, "not a private key");
}
END_TEST

START_TEST(the_public_half_is_known_from_others)
{
	ACP_AUTO(buffer) struct acp_buffer pem;
	const char *text;

	acp_buffer_init(&pem, 10000);
	acp_key_write_public(keys[0], &pem);
	text = acp_buffer_peek(&pem);
	ck_assert_int_eq(acp_key_check_public(keys[0], text, pem.size), ACP_OK);
	ck_assert_int_eq(
		acp_key_check_public(keys[1], text, pem.size), ACP_DENIED);
	ck_assert_int_eq(acp_key_check_public(keys[0], text, pem.size / 2),
		ACP_BAD_REQUEST);
	ck_assert_int_eq(acp_key_check_public(keys[0], "", 0), ACP_BAD_REQUEST);
	ck_assert_int_eq(
		acp_key_check_public(keys[0], pems[0].bytes, pems[0].size),
		ACP_BAD_REQUEST);
}
END_TEST

START_TEST(a_key_lives_as_long_as_its_last_owner)
{
	struct acp_key *first, *second;

	check_added(pems[0].bytes, pems[0].size, 1);
	first = acp_key_dup(ring.keys[0]);
	second = acp_key_dup(first);
	acp_keyring_clear(&ring);
	acp_key_free(&first);
	ck_assert_ptr_null(first);
	ck_assert_str_eq(acp_key_peek_id(second), acp_key_peek_id(keys[0]));
	acp_key_free(&second);
}
END_TEST

START_TEST(a_certificate_beside_the_key_is_refused)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
					  "-----END CERTIFICATE-----\n";
	ACP_AUTO(secret) struct acp_secret bundle;

	acp_secret_init(&bundle);
	acp_secret_append(&bundle, pems[1].bytes, pems[1].size);
	acp_secret_append(&bundle, certificate, strlen(certificate));
	check_refused(bundle.bytes, bundle.size, "block 2 is not a private");
}
END_TEST

static const char *const garbage[] = {"", "\n", "no key at all", "-----BEGIN ",
	"-----BEGIN RSA PRIVATE KEY-----",
	"-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n",
	"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
	"-----BEGIN RSA PRIVATE KEY-----\n*\n-----END RSA PRIVATE KEY-----\n",
	"-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n",
	"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END ",
	"-----BEGIN -----BEGIN -----END ----------END -----"};

START_TEST(garbage_is_refused)
{
	check_refused(garbage[_i], strlen(garbage[_i]), "");
}
END_TEST

START_TEST(a_nul_byte_hides_nothing)
{
	ACP_AUTO(secret) struct acp_secret bundle;

	acp_secret_init(&bundle);
	acp_secret_append(&bundle, pems[1].bytes, pems[1].size);
	acp_secret_append(&bundle, "\0", 1);
	acp_secret_append(&bundle, pems[2].bytes, pems[2].size);
	check_refused(bundle.bytes, bundle.size, "NUL");
}
END_TEST

START_TEST(a_text_one_byte_over_the_bound_is_refused)
{
	ACP_AUTO(secret) struct acp_secret text;

	acp_secret_init(&text);
	acp_secret_append(&text, pems[0].bytes, pems[0].size);
	while (text.size < ACP_KEY_FILE_MAX)
		acp_secret_append(&text, "\n", 1);
	check_added(text.bytes, text.size, 1);
	acp_secret_append(&text, "\n", 1);
	check_refused(text.bytes, text.size, "more than 65536 bytes");
}
END_TEST

/* The numbers of a PKCS#1 private key (RFC 8017 A.1.2) but its version. */
enum { N, E, D, P, Q, EXP1, EXP2, COEF, NUMBERS };

static void
take_numbers(const struct acp_key *key, gnutls_datum_t *numbers)
{
	ck_assert_int_ge(
		gnutls_x509_privkey_export_rsa_raw2(acp_key_peek_private(key),
			&numbers[N], &numbers[E], &numbers[D], &numbers[P],
			&numbers[Q], &numbers[COEF], &numbers[EXP1],
			&numbers[EXP2]),
		0);
}

static void
append_der(struct acp_secret *der, uint8_t tag, const void *bytes, size_t size)
{
	const uint8_t head[] = {tag, 0x82, (uint8_t)(size >> 8), (uint8_t)size};
	const uint8_t short_head[] = {tag, (uint8_t)size};

	if (size < 128)
		acp_secret_append(der, short_head, sizeof(short_head));
	else
		acp_secret_append(der, head, sizeof(head));
	acp_secret_append(der, bytes, size);
}

/* PKCS#1 PEM of any numbers, sensible or not. */
static void
write_numbers(const gnutls_datum_t *numbers, struct acp_secret *pem)
{
	ACP_AUTO(secret) struct acp_secret body, der;
	gnutls_datum_t text, view;

	acp_secret_init(&body);
	acp_secret_init(&der);
	append_der(&body, 2, "", 1);
	for (size_t i = 0; i < NUMBERS; i++)
		append_der(&body, 2, numbers[i].data, numbers[i].size);
	append_der(&der, 0x30, body.bytes, body.size);
	view.data = (unsigned char *)der.bytes;
	view.size = (unsigned int)der.size;
	ck_assert_int_ge(
		gnutls_pem_base64_encode2("RSA PRIVATE KEY", &view, &text), 0);
	acp_secret_set(pem, text.data, text.size);
	gnutls_free(text.data);
}

static unsigned char zero[] = {0}, one[] = {1}, two[] = {2}, three[] = {3},
		     minus[] = {0xff};

/* Number i replaced by that byte, or by another key's when it is NULL. */
static const struct {
	int number;
	unsigned char *byte;
} broken_cases[] = {
	{N, NULL},
	{D, NULL},
	{P, NULL},
	{Q, NULL},
	{P, zero},
	{P, one},
	{P, two},
	{P, minus},
	{Q, zero},
	{Q, one},
	{Q, two},
	{Q, minus},
	{N, zero},
	{N, one},
	{N, minus},
	{E, zero},
	{E, one},
	{E, two},
	{E, three},
	{E, minus},
	{D, zero},
	{D, one},
	{D, minus},
};

START_TEST(a_key_whose_numbers_do_not_match_is_refused)
{
	gnutls_datum_t numbers[NUMBERS], others[NUMBERS], broken[NUMBERS];
	ACP_AUTO(secret) struct acp_secret pem;
	int i = broken_cases[_i].number;

	acp_secret_init(&pem);
	take_numbers(keys[1], numbers);
	take_numbers(keys[2], others);
	write_numbers(numbers, &pem);
	check_added(pem.bytes, pem.size, 1);
	acp_keyring_clear(&ring);
	memcpy(broken, numbers, sizeof(broken));
	broken[i] = others[i];
	if (broken_cases[_i].byte)
		broken[i] = (gnutls_datum_t){broken_cases[_i].byte, 1};
	write_numbers(broken, &pem);
	check_refused(pem.bytes, pem.size, "");
	for (i = 0; i < NUMBERS; i++) {
		gnutls_free(numbers[i].data);
		gnutls_free(others[i].data);
	}
}
END_TEST

static void
format_hex(const uint8_t *bytes, size_t size, char *hex)
{
	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

START_TEST(the_published_vector_is_met)
{
	const char *folder = getenv("ACP_SRCDIR");
	ACP_AUTO(secret) struct acp_secret pem, wanted;
	char path[1000], hex[ACP_KEY_USE__MAX][2 * ACP_KEY_SUBKEY_SIZE + 1],
		found[400];

	acp_secret_init(&pem);
	acp_secret_init(&wanted);
	snprintf(path, sizeof(path), "%s/tests/data/key-vector.pem",
		folder ? folder : ".");
	ck_assert_int_eq(acp_file_read(path, 10000, &pem, &why), ACP_OK);
	snprintf(path, sizeof(path), "%s/tests/data/key-vector.txt",
		folder ? folder : ".");
	ck_assert_int_eq(acp_file_read(path, 10000, &wanted, &why), ACP_OK);
	check_added(pem.bytes, pem.size, 1);
	for (int use = 0; use < ACP_KEY_USE__MAX; use++)
		format_hex(acp_key_peek_subkey(
				   ring.keys[0], (enum acp_key_use)use),
			ACP_KEY_SUBKEY_SIZE, hex[use]);
	snprintf(found, sizeof(found),
		"id %s\nbinding %s\nrenewal %s\nlog %s\nanchor %s\n",
		acp_key_peek_id(ring.keys[0]), hex[ACP_KEY_USE_BINDING],
		hex[ACP_KEY_USE_RENEWAL], hex[ACP_KEY_USE_LOG],
		hex[ACP_KEY_USE_ANCHOR]);
	ck_assert_str_eq(found, wanted.bytes);
}
END_TEST

START_TEST(the_modulus_has_the_size_of_the_key)
{
	gnutls_datum_t numbers[NUMBERS];

	take_numbers(keys[0], numbers);
	ck_assert_uint_eq(acp_key_get_size(keys[0]), 256);
	ck_assert_uint_eq(numbers[N].size, 257);
	ck_assert_mem_eq(
		acp_key_peek_modulus(keys[0]), numbers[N].data + 1, 256);
	for (int i = 0; i < NUMBERS; i++)
		gnutls_free(numbers[i].data);
}
END_TEST

START_TEST(a_made_key_has_the_size_asked_for)
{
	ACP_AUTO(key) struct acp_key *key = NULL;

	ck_assert_int_eq(acp_key_new(3072, &key), ACP_OK);
	ck_assert_uint_eq(acp_key_get_size(key), 384);
	ck_assert_str_ne(acp_key_peek_id(key), acp_key_peek_id(keys[0]));
	ck_assert_uint_eq(strlen(acp_key_peek_id(key)), ACP_KEY_ID_SIZE - 1);
}
END_TEST

static void
add_refusals(TCase *tcase)
{
	tcase_add_loop_test(tcase, other_sizes_and_kinds_of_key_are_refused, 0,
		sizeof(foreign_cases) / sizeof(foreign_cases[0]));
	tcase_add_test(tcase, an_ec_key_in_its_own_form_is_refused);
	tcase_add_test(tcase, an_encrypted_key_is_refused);
	tcase_add_test(tcase, an_encrypted_pkcs1_key_is_refused);
	tcase_add_test(tcase, a_public_key_is_written_and_is_no_private_one);
	tcase_add_test(tcase, the_public_half_is_known_from_others);
	tcase_add_test(tcase, a_key_lives_as_long_as_its_last_owner);
	tcase_add_test(tcase, a_certificate_beside_the_key_is_refused);
	tcase_add_loop_test(tcase, garbage_is_refused, 0,
		sizeof(garbage) / sizeof(garbage[0]));
	tcase_add_test(tcase, a_nul_byte_hides_nothing);
	tcase_add_test(tcase, a_text_one_byte_over_the_bound_is_refused);
	tcase_add_loop_test(tcase, a_key_whose_numbers_do_not_match_is_refused,
		0, sizeof(broken_cases) / sizeof(broken_cases[0]));
}

static Suite *
key_suite(void)
{
	Suite *suite = suite_create("key");
	TCase *tcase = tcase_create("key");

	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, pkcs1_and_pkcs8_are_the_same_key);
	tcase_add_test(
		tcase, several_keys_keep_their_order_and_repeats_are_skipped);
	tcase_add_test(tcase, a_fifth_distinct_key_is_refused);
	tcase_add_test(tcase, a_bad_block_spoils_the_good_ones_before_it);
	tcase_add_test(tcase, the_published_vector_is_met);
	tcase_add_test(tcase, the_modulus_has_the_size_of_the_key);
	tcase_add_test(tcase, a_made_key_has_the_size_asked_for);
	add_refusals(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(key_suite)
