/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA private keys, by GnuTLS: read from PEM, made, judged, written, and the
 * subkeys that both programs derive from them. Called by both programs. Must
 * never log, nor leave a copy of a private key in freed memory.
 */
#include <config.h>

#include "lib/key.h"

#include "lib/hmac.h"
#include "lib/memory.h"

#include <assert.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SUBKEY_SALT "ambient-cp/v1"

struct acp_key {
	gnutls_x509_privkey_t private;
	gnutls_pubkey_t public;
	char id[ACP_KEY_ID_SIZE];
	uint8_t modulus[ACP_KEY_MODULUS_MAX];
	size_t size;
	uint8_t subkeys[ACP_KEY_USE__MAX][ACP_KEY_SUBKEY_SIZE];
	atomic_uint owners;
};

/* What a PEM text is called in messages, and where they go. */
struct source {
	const char *origin;
	struct acp_buffer *why;
	size_t block; /* from 1 */
};

static void
clear_datum(gnutls_datum_t *datum)
{
	acp_secret_wipe(datum->data, datum->size);
	gnutls_free(datum->data);
	*datum = (gnutls_datum_t){NULL, 0};
}

static void
free_privkey(gnutls_privkey_t *key)
{
	if (*key)
		gnutls_privkey_deinit(*key);
}

ACP_AUTO_DEFINE(datum, gnutls_datum_t, clear_datum)
ACP_AUTO_DEFINE(privkey, gnutls_privkey_t, free_privkey)

static const char *
name_use(enum acp_key_use use)
{
	switch (use) {
	case ACP_KEY_USE_BINDING:
		return "binding";
	case ACP_KEY_USE_RENEWAL:
		return "renewal";
	case ACP_KEY_USE_LOG:
		return "log";
	case ACP_KEY_USE_ANCHOR:
		return "anchor";
	case ACP_KEY_USE__MAX:
		break;
	}
	abort();
}

static struct acp_key *
make_empty(void)
{
	struct acp_key *key = acp_memory_new(1, sizeof(*key));

	atomic_init(&key->owners, 1);
	if (gnutls_x509_privkey_init(&key->private) < 0 ||
		gnutls_pubkey_init(&key->public) < 0)
		acp_memory_exhausted();
	return key;
}

/* Frees the key itself, once it has no owner any more. */
static void
wipe_key(struct acp_key **key)
{
	gnutls_x509_privkey_deinit((*key)->private);
	gnutls_pubkey_deinit((*key)->public);
	acp_secret_wipe(*key, sizeof(**key));
	free(*key);
}

void
acp_key_free(struct acp_key **key)
{
	if (*key && atomic_fetch_sub(&(*key)->owners, 1) == 1)
		wipe_key(key);
	*key = NULL;
}

struct acp_key *
acp_key_dup(struct acp_key *key)
{
	atomic_fetch_add(&key->owners, 1);
	return key;
}

static bool
is_zero(const gnutls_datum_t *number)
{
	for (unsigned int i = 0; i < number->size; i++)
		if (number->data[i] != 0)
			return false;
	return true;
}

/*
 * True when p and q make up the modulus, and no number is zero: GMP ends the
 * process when it is asked to raise to an exponent of zero.
 */
static bool
has_usable_numbers(const struct acp_key *key)
{
	enum { N, E, D, P, Q, COEFFICIENT, EXP1, EXP2, NUMBERS };
	gnutls_datum_t numbers[NUMBERS] = {{NULL, 0}};
	bool is_usable = gnutls_x509_privkey_verify_params(key->private) >= 0 &&
		gnutls_x509_privkey_export_rsa_raw2(key->private, &numbers[N],
			&numbers[E], &numbers[D], &numbers[P], &numbers[Q],
			&numbers[COEFFICIENT], &numbers[EXP1],
			&numbers[EXP2]) >= 0;

	for (size_t i = 0; i < NUMBERS; i++) {
		is_usable = is_usable && !is_zero(&numbers[i]);
		clear_datum(&numbers[i]);
	}
	return is_usable;
}

/*
 * Fills the public half, and proves by one signature that it belongs to the
 * private one: the numbers of a damaged key pass an import.
 */
static bool
prove_public(struct acp_key *key)
{
	unsigned char text[] = "ambient-cp";
	const gnutls_datum_t data = {text, sizeof(text) - 1};
	ACP_AUTO(privkey) gnutls_privkey_t signer = NULL;
	ACP_AUTO(datum) gnutls_datum_t signature = {NULL, 0};

	return gnutls_privkey_init(&signer) >= 0 &&
		gnutls_privkey_import_x509(signer, key->private, 0) >= 0 &&
		gnutls_pubkey_import_privkey(key->public, signer, 0, 0) >= 0 &&
		gnutls_privkey_sign_data(
			signer, GNUTLS_DIG_SHA256, 0, &data, &signature) >= 0 &&
		gnutls_pubkey_verify_data2(key->public, GNUTLS_SIGN_RSA_SHA256,
			0, &data, &signature) >= 0;
}

/* Fills modulus and size. */
static bool
read_modulus(struct acp_key *key)
{
	ACP_AUTO(datum) gnutls_datum_t modulus = {NULL, 0};
	ACP_AUTO(datum) gnutls_datum_t exponent = {NULL, 0};
	if (gnutls_pubkey_export_rsa_raw2(key->public, &modulus, &exponent,
		    GNUTLS_EXPORT_FLAG_NO_LZ) < 0)
		return false;
	key->size = modulus.size;
	if (key->size == 0 || key->size > sizeof(key->modulus))
		return false;
	memcpy(key->modulus, modulus.data, key->size);
	return true;
}

/* The key id: half of a hash over the public key's SPKI. */
static bool
derive_id(gnutls_pubkey_t public, char id[static ACP_KEY_ID_SIZE])
{
	ACP_AUTO(datum) gnutls_datum_t spki = {NULL, 0};
	uint8_t hash[32];

	if (gnutls_pubkey_export2(public, GNUTLS_X509_FMT_DER, &spki) < 0 ||
		gnutls_hash_fast(
			GNUTLS_DIG_SHA256, spki.data, spki.size, hash) < 0)
		return false;
	for (size_t i = 0; i < (ACP_KEY_ID_SIZE - 1) / 2; i++)
		snprintf(id + 2 * i, 3, "%02x", hash[i]);
	return true;
}

static bool
derive_subkeys(struct acp_key *key)
{
	ACP_AUTO(datum) gnutls_datum_t der = {NULL, 0};

	if (gnutls_x509_privkey_export2(
		    key->private, GNUTLS_X509_FMT_DER, &der) < 0)
		return false;
	for (int use = 0; use < ACP_KEY_USE__MAX; use++)
		acp_hmac_derive(der.data, der.size, SUBKEY_SALT,
			name_use((enum acp_key_use)use), key->subkeys[use]);
	return true;
}

/* Why the imported key is not one of ours, or NULL when it is. */
static const char *
find_fault(struct acp_key *key)
{
	unsigned int bits = 0;

	if (gnutls_x509_privkey_get_pk_algorithm2(key->private, &bits) !=
		GNUTLS_PK_RSA)
		return "not an RSA key";
	if (bits < ACP_KEY_BITS_MIN)
		return "an RSA key of less than 2048 bits";
	if (bits > ACP_KEY_BITS_MAX)
		return "an RSA key of more than 8192 bits";
	if (!has_usable_numbers(key) || !prove_public(key))
		return "an RSA key whose parts do not belong together";
	if (!read_modulus(key) || !derive_id(key->public, key->id) ||
		!derive_subkeys(key))
		return "an RSA key that cannot be exported";
	return NULL;
}

enum acp_error
acp_key_new(unsigned int bits, struct acp_key **key)
{
	ACP_AUTO(key) struct acp_key *made = make_empty();

	assert(bits >= ACP_KEY_BITS_MIN && bits <= ACP_KEY_BITS_MAX);
	if (gnutls_x509_privkey_generate(
		    made->private, GNUTLS_PK_RSA, bits, 0) < 0 ||
		find_fault(made))
		return ACP_FAULT;
	*key = made;
	made = NULL;
	return ACP_OK;
}

const char *
acp_key_peek_id(const struct acp_key *key)
{
	return key->id;
}

size_t
acp_key_get_size(const struct acp_key *key)
{
	return key->size;
}

const uint8_t *
acp_key_peek_modulus(const struct acp_key *key)
{
	return key->modulus;
}

const uint8_t *
acp_key_peek_subkey(const struct acp_key *key, enum acp_key_use use)
{
	return key->subkeys[use];
}

gnutls_x509_privkey_t
acp_key_peek_private(const struct acp_key *key)
{
	return key->private;
}

void
acp_key_write_private(const struct acp_key *key, struct acp_secret *pem)
{
	ACP_AUTO(datum) gnutls_datum_t text = {NULL, 0};

	if (gnutls_x509_privkey_export2(
		    key->private, GNUTLS_X509_FMT_PEM, &text) < 0)
		abort();
	acp_secret_append(pem, text.data, text.size);
}

void
acp_key_write_public(const struct acp_key *key, struct acp_buffer *pem)
{
	ACP_AUTO(datum) gnutls_datum_t text = {NULL, 0};

	if (gnutls_pubkey_export2(key->public, GNUTLS_X509_FMT_PEM, &text) < 0)
		abort();
	acp_buffer_append_bytes(pem, text.data, text.size);
}

static bool
import_public(gnutls_pubkey_t public, const char *pem, size_t size)
{
	static const char begin[] = "-----BEGIN PUBLIC KEY-----";
	const gnutls_datum_t text = {
		(unsigned char *)(uintptr_t)pem, (unsigned int)size};

	return size <= ACP_KEY_FILE_MAX &&
		memmem(pem, size, begin, strlen(begin)) &&
		gnutls_pubkey_import(public, &text, GNUTLS_X509_FMT_PEM) >= 0;
}

enum acp_error
acp_key_check_public(const struct acp_key *key, const char *pem, size_t size)
{
	gnutls_pubkey_t public;
	char id[ACP_KEY_ID_SIZE] = "";
	bool is_public;

	if (gnutls_pubkey_init(&public) < 0)
		acp_memory_exhausted();
	is_public = import_public(public, pem, size) && derive_id(public, id);
	gnutls_pubkey_deinit(public);
	if (!is_public)
		return ACP_BAD_REQUEST;
	return strcmp(id, key->id) == 0 ? ACP_OK : ACP_DENIED;
}

void
acp_keyring_init(struct acp_keyring *ring)
{
	*ring = (struct acp_keyring){0};
}

/* Drops the keys behind the first count ones. */
static void
cut_ring(struct acp_keyring *ring, size_t count)
{
	while (ring->count > count)
		acp_key_free(&ring->keys[--ring->count]);
}

void
acp_keyring_clear(struct acp_keyring *ring)
{
	cut_ring(ring, 0);
}

static bool
has_key(const struct acp_keyring *ring, const struct acp_key *key)
{
	for (size_t i = 0; i < ring->count; i++)
		if (strcmp(ring->keys[i]->id, key->id) == 0)
			return true;
	return false;
}

static enum acp_error
blame_block(const struct source *source, const char *fault)
{
	acp_buffer_printf(source->why,
		"%s: PEM block %zu is %s; wanted are unencrypted RSA private "
		"keys of 2048 to 8192 bits, PKCS#1 or PKCS#8",
		source->origin, source->block, fault);
	return ACP_BAD_REQUEST;
}

/* Imports one block, from its BEGIN to behind its END, by its label. */
static const char *
import_block(struct acp_key *key, const char *text, size_t size)
{
	static const char pkcs1[] = "-----BEGIN RSA PRIVATE KEY-----";
	static const char pkcs8[] = "-----BEGIN PRIVATE KEY-----";
	static const char encrypted[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
	const gnutls_datum_t block = {
		(unsigned char *)(uintptr_t)text, (unsigned int)size};
	int result;

	if (strncmp(text, encrypted, strlen(encrypted)) == 0 ||
		memmem(text, size, "Proc-Type:", strlen("Proc-Type:")))
		return "encrypted";
	if (strncmp(text, pkcs1, strlen(pkcs1)) == 0)
		result = gnutls_x509_privkey_import(
			key->private, &block, GNUTLS_X509_FMT_PEM);
	else if (strncmp(text, pkcs8, strlen(pkcs8)) == 0)
		result = gnutls_x509_privkey_import_pkcs8(key->private, &block,
			GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
	else
		return "not a private key";
	return result < 0 ? "damaged" : NULL;
}

static enum acp_error
add_block(struct acp_keyring *ring, const char *text, size_t size,
	const struct source *source)
{
	ACP_AUTO(key) struct acp_key *key = make_empty();
	const char *fault = import_block(key, text, size);

	if (!fault)
		fault = find_fault(key);
	if (fault)
		return blame_block(source, fault);
	if (has_key(ring, key))
		return ACP_OK;
	if (ring->count == ACP_KEY_COUNT_MAX) {
		acp_buffer_printf(source->why,
			"%s: more than %d keys in the bundle: remove the "
			"oldest ones",
			source->origin, ACP_KEY_COUNT_MAX);
		return ACP_BAD_REQUEST;
	}
	ring->keys[ring->count++] = key;
	key = NULL;
	return ACP_OK;
}

/* Behind the END line of the block at text, or NULL when it has none. */
static const char *
find_block_end(const char *text)
{
	const char *end = strstr(text, "\n-----END ");
	const char *next = strstr(text + 1, "-----BEGIN ");

	if (!end || (next && next < end))
		return NULL;
	end = strstr(end + strlen("\n-----END "), "-----");
	return end ? end + strlen("-----") : NULL;
}

/* Adds each block of a NUL-terminated text; text between them is no matter. */
static enum acp_error
add_blocks(struct acp_keyring *ring, const char *text, struct source *source)
{
	const char *end;
	enum acp_error error = ACP_OK;

	for (text = strstr(text, "-----BEGIN "); text && !error;
		text = strstr(end, "-----BEGIN ")) {
		source->block++;
		end = find_block_end(text);
		if (!end)
			return blame_block(source, "cut short");
		error = add_block(ring, text, (size_t)(end - text), source);
	}
	return error;
}

enum acp_error
acp_keyring_add_pem(struct acp_keyring *ring, const char *pem, size_t size,
	const char *origin, struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret text;
	struct source source = {.origin = origin, .why = why};
	size_t count = ring->count;
	enum acp_error error = ACP_BAD_REQUEST;

	acp_secret_init(&text);
	if (size > ACP_KEY_FILE_MAX) {
		acp_buffer_printf(why, "%s: more than %d bytes of keys", origin,
			ACP_KEY_FILE_MAX);
		return ACP_BAD_REQUEST;
	}
	acp_secret_set(&text, pem, size);
	if (memchr(acp_secret_peek(&text), '\0', size))
		acp_buffer_printf(why, "%s: holds a NUL byte", origin);
	else
		error = add_blocks(ring, acp_secret_peek(&text), &source);
	if (!error && source.block == 0) {
		acp_buffer_printf(why, "%s: no private key in it", origin);
		error = ACP_BAD_REQUEST;
	}
	if (error)
		cut_ring(ring, count);
	return error;
}
