/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens ciphertexts with GnuTLS' own OAEP (3.8.4 or newer). Called by the RSA
 * workers. The parameters sit on a copy of the key: on the key itself they
 * would change what it is exported as. A key without them would open PKCS#1
 * v1.5, so a key that does not show them afterwards is refused.
 */
#include <config.h>

#include "fcgi/unseal.h"

#include "lib/mask.h"
#include "lib/memory.h"
#include "lib/secret.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

struct acp_unseal {
	gnutls_privkey_t key;
	size_t size;
};

/* True when the key now asks for OAEP with SHA-256 and without a label. */
static bool
has_oaep(gnutls_privkey_t key, gnutls_x509_spki_t spki)
{
	gnutls_digest_algorithm_t hash = GNUTLS_DIG_UNKNOWN;
	gnutls_datum_t label = {NULL, 0};
	bool is_plain;

	if (gnutls_privkey_get_pk_algorithm(key, NULL) != GNUTLS_PK_RSA_OAEP ||
		gnutls_privkey_get_spki(key, spki, 0) < 0 ||
		gnutls_x509_spki_get_rsa_oaep_params(spki, &hash, &label) < 0)
		return false;
	is_plain = label.size == 0;
	gnutls_free(label.data);
	return is_plain && hash == GNUTLS_DIG_SHA256;
}

static enum acp_error
prepare_key(struct acp_unseal *unseal, const struct acp_key *key)
{
	gnutls_x509_spki_t spki;
	enum acp_error error = ACP_FAULT;

	if (gnutls_x509_spki_init(&spki) < 0)
		acp_memory_exhausted();
	if (gnutls_privkey_import_x509(unseal->key, acp_key_peek_private(key),
		    GNUTLS_PRIVKEY_IMPORT_COPY) >= 0 &&
		gnutls_x509_spki_set_rsa_oaep_params(
			spki, GNUTLS_DIG_SHA256, NULL) >= 0 &&
		gnutls_privkey_set_spki(unseal->key, spki, 0) >= 0 &&
		has_oaep(unseal->key, spki))
		error = ACP_OK;
	gnutls_x509_spki_deinit(spki);
	return error;
}

enum acp_error
acp_unseal_new(const struct acp_key *key, struct acp_unseal **unseal)
{
	struct acp_unseal *made = acp_memory_new(1, sizeof(*made));
	enum acp_error error;

	made->size = acp_key_get_size(key);
	if (gnutls_privkey_init(&made->key) < 0)
		acp_memory_exhausted();
	error = prepare_key(made, key);
	if (error)
		acp_unseal_free(&made);
	else
		*unseal = made;
	return error;
}

void
acp_unseal_free(struct acp_unseal **unseal)
{
	if (!*unseal)
		return;
	gnutls_privkey_deinit((*unseal)->key);
	free(*unseal);
	*unseal = NULL;
}

uint32_t
acp_unseal_open(const struct acp_unseal *unseal, const uint8_t *sealed,
	size_t size, uint8_t *plain, size_t *plain_size)
{
	const gnutls_datum_t ciphertext = {
		(unsigned char *)(uintptr_t)sealed, (unsigned int)size};
	gnutls_datum_t opened = {NULL, 0};
	uint32_t good;

	memset(plain, 0, ACP_UNSEAL_PLAIN_MAX);
	*plain_size = 0;
	if (size != unseal->size)
		return 0;
	good = acp_mask_is_zero((uint32_t)gnutls_privkey_decrypt_data(
		unseal->key, 0, &ciphertext, &opened));
	/*
	 * GnuTLS works in constant time up to here, and tells success or
	 * failure alone: no more than the answer to the client tells.
	 */
	if (opened.size > ACP_UNSEAL_PLAIN_MAX)
		abort();
	if (opened.data)
		memcpy(plain, opened.data, opened.size);
	*plain_size = opened.size;
	acp_secret_wipe(opened.data, opened.size);
	gnutls_free(opened.data);
	return good;
}
