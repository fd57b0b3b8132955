/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticated encryption by GnuTLS, for renewal handles. Called by whoever
 * answers a token request. Must never leave a derived key behind.
 */
#include <config.h>

#include "fcgi/aead.h"

#include "lib/memory.h"
#include "lib/random.h"
#include "lib/secret.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_SIZE = 32, NONCE_SIZE = 12 };

/* What serves for one text only. */
struct single_use {
	uint8_t key[ACP_AEAD_KEY_SIZE];
	uint8_t nonce[NONCE_SIZE];
};

_Static_assert(sizeof(struct single_use) == ACP_AEAD_KEY_SIZE + NONCE_SIZE,
	"derived in one go");

/* A borrowed view; GnuTLS takes inputs without const but does not write. */
static gnutls_datum_t
view_bytes(const void *bytes, size_t size)
{
	gnutls_datum_t view = {
		(unsigned char *)(uintptr_t)bytes, (unsigned int)size};

	return view;
}

static void
derive(const uint8_t *key, const uint8_t *salt, const char *label,
	struct single_use *derived)
{
	gnutls_datum_t input = view_bytes(key, ACP_AEAD_KEY_SIZE);
	gnutls_datum_t salt_view = view_bytes(salt, ACP_AEAD_SALT_SIZE);
	gnutls_datum_t info = view_bytes(label, strlen(label));
	uint8_t extracted[HASH_SIZE];
	gnutls_datum_t secret = view_bytes(extracted, sizeof(extracted));

	/* fail only on a wrong algorithm or size, which is our own bug */
	if (gnutls_hkdf_extract(
		    GNUTLS_MAC_SHA256, &input, &salt_view, extracted) < 0 ||
		gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &secret, &info, derived,
			sizeof(*derived)) < 0)
		abort();
	acp_secret_wipe(extracted, sizeof(extracted));
}

static gnutls_aead_cipher_hd_t
open_cipher(const struct single_use *derived)
{
	gnutls_datum_t key = view_bytes(derived->key, sizeof(derived->key));
	gnutls_aead_cipher_hd_t cipher;

	if (gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_GCM, &key) <
		0)
		acp_memory_exhausted();
	return cipher;
}

void
acp_aead_seal(const uint8_t *key, const char *label, const uint8_t *plain,
	size_t size, uint8_t *sealed)
{
	struct single_use derived;
	gnutls_aead_cipher_hd_t cipher;
	size_t written = size + ACP_AEAD_TAG_SIZE;

	acp_random_fill(sealed, ACP_AEAD_SALT_SIZE);
	derive(key, sealed, label, &derived);
	cipher = open_cipher(&derived);
	if (gnutls_aead_cipher_encrypt(cipher, derived.nonce, NONCE_SIZE, label,
		    strlen(label), ACP_AEAD_TAG_SIZE, plain, size,
		    sealed + ACP_AEAD_SALT_SIZE, &written) < 0)
		abort();
	gnutls_aead_cipher_deinit(cipher);
	acp_secret_wipe(&derived, sizeof(derived));
}

enum acp_error
acp_aead_open(const uint8_t *key, const char *label, const uint8_t *sealed,
	size_t size, uint8_t *plain)
{
	struct single_use derived;
	gnutls_aead_cipher_hd_t cipher;
	size_t written;
	int result;

	if (size < ACP_AEAD_OVERHEAD)
		return ACP_DENIED;
	written = size - ACP_AEAD_OVERHEAD;
	derive(key, sealed, label, &derived);
	cipher = open_cipher(&derived);
	result = gnutls_aead_cipher_decrypt(cipher, derived.nonce, NONCE_SIZE,
		label, strlen(label), ACP_AEAD_TAG_SIZE,
		sealed + ACP_AEAD_SALT_SIZE, size - ACP_AEAD_SALT_SIZE, plain,
		&written);
	gnutls_aead_cipher_deinit(cipher);
	acp_secret_wipe(&derived, sizeof(derived));
	return result < 0 ? ACP_DENIED : ACP_OK;
}
