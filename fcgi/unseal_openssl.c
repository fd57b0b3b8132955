/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens ciphertexts with OpenSSL's EVP, for sites whose load is mostly new
 * ciphertexts: it is faster. Built in by choice only. Called by the RSA
 * workers. OAEP is asked for in every operation, and an operation that could
 * not be set up so is never run: what EVP does by default is PKCS#1 v1.5.
 */
#include <config.h>

#include "fcgi/unseal.h"

#include "lib/mask.h"
#include "lib/memory.h"
#include "lib/secret.h"

#include <gnutls/gnutls.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct acp_unseal {
	EVP_PKEY *key; /* its blinding has a lock of its own */
	size_t size;
};

/* From GnuTLS to OpenSSL by way of PKCS#1 DER; NULL when that fails. */
static EVP_PKEY *
import_key(gnutls_x509_privkey_t private)
{
	gnutls_datum_t der = {NULL, 0};
	const unsigned char *at;
	EVP_PKEY *key;

	if (gnutls_x509_privkey_export2(private, GNUTLS_X509_FMT_DER, &der) < 0)
		return NULL;
	at = der.data;
	key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)der.size);
	acp_secret_wipe(der.data, der.size);
	gnutls_free(der.data);
	ERR_clear_error();
	return key;
}

enum acp_error
acp_unseal_new(const struct acp_key *key, struct acp_unseal **unseal)
{
	struct acp_unseal *made = acp_memory_new(1, sizeof(*made));

	made->size = acp_key_get_size(key);
	made->key = import_key(acp_key_peek_private(key));
	if (!made->key || (size_t)EVP_PKEY_get_size(made->key) != made->size) {
		acp_unseal_free(&made);
		return ACP_FAULT;
	}
	*unseal = made;
	return ACP_OK;
}

void
acp_unseal_free(struct acp_unseal **unseal)
{
	if (!*unseal)
		return;
	EVP_PKEY_free((*unseal)->key); /* clears the private numbers */
	free(*unseal);
	*unseal = NULL;
}

/*
 * True when the context will ask for OAEP. By parameter, for in OpenSSL 3.0
 * EVP_PKEY_CTX_get_rsa_padding returns the padding instead of writing it.
 */
static bool
has_oaep(EVP_PKEY_CTX *context)
{
	int padding = 0;
	OSSL_PARAM wanted[] = {
		OSSL_PARAM_construct_int(
			OSSL_ASYM_CIPHER_PARAM_PAD_MODE, &padding),
		OSSL_PARAM_construct_end()};

	return EVP_PKEY_CTX_get_params(context, wanted) == 1 &&
		padding == RSA_PKCS1_OAEP_PADDING;
}

/* A context that opens OAEP with SHA-256 for both hashes, and nothing else. */
static EVP_PKEY_CTX *
open_context(EVP_PKEY *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (!context)
		acp_memory_exhausted();
	if (EVP_PKEY_decrypt_init(context) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) ==
			1 &&
		EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
		EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
		has_oaep(context))
		return context;
	EVP_PKEY_CTX_free(context);
	return NULL;
}

uint32_t
acp_unseal_open(const struct acp_unseal *unseal, const uint8_t *sealed,
	size_t size, uint8_t *plain, size_t *plain_size)
{
	/* OpenSSL wants room for a whole modulus */
	uint8_t opened[ACP_KEY_MODULUS_MAX] = {0};
	size_t opened_size = sizeof(opened);
	EVP_PKEY_CTX *context;
	uint32_t good;

	memset(plain, 0, ACP_UNSEAL_PLAIN_MAX);
	*plain_size = 0;
	if (size != unseal->size)
		return 0;
	context = open_context(unseal->key);
	if (!context)
		return 0;
	/*
	 * OpenSSL decodes in constant time and then tells success or failure
	 * alone; both take the same way from here.
	 */
	good = acp_mask_is_equal((uint32_t)EVP_PKEY_decrypt(context, opened,
					 &opened_size, sealed, size),
		1);
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	memcpy(plain, opened, ACP_UNSEAL_PLAIN_MAX);
	*plain_size = acp_mask_select(good, (uint32_t)opened_size, 0);
	acp_secret_wipe(opened, sizeof(opened));
	return good;
}
