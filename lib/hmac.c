/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message authentication and key derivation. Called for subkeys, names of
 * remembered ciphertexts and session tags in logs. Must never write a key
 * anywhere but into the caller's room.
 */
#include <config.h>

#include "lib/hmac.h"

#include "lib/secret.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

/* These fail only on a wrong algorithm or size, which is our own bug. */
static void
demand_success(int result)
{
	if (result < 0)
		abort();
}

void
acp_hmac_compute(const void *key, size_t key_size, const void *data,
	size_t data_size, uint8_t *mac)
{
	demand_success(gnutls_hmac_fast(
		GNUTLS_MAC_SHA256, key, key_size, data, data_size, mac));
}

/* A borrowed view; GnuTLS takes inputs without const but does not write. */
static gnutls_datum_t
view_bytes(const void *bytes, size_t size)
{
	gnutls_datum_t view = {
		(unsigned char *)(uintptr_t)bytes, (unsigned int)size};

	return view;
}

void
acp_hmac_derive(const void *secret, size_t secret_size, const char *salt,
	const char *info, uint8_t *derived)
{
	gnutls_datum_t input = view_bytes(secret, secret_size);
	gnutls_datum_t salt_view = view_bytes(salt, strlen(salt));
	gnutls_datum_t info_view = view_bytes(info, strlen(info));
	uint8_t extracted[ACP_HMAC_SIZE];
	gnutls_datum_t key = view_bytes(extracted, sizeof(extracted));

	demand_success(gnutls_hkdf_extract(
		GNUTLS_MAC_SHA256, &input, &salt_view, extracted));
	demand_success(gnutls_hkdf_expand(
		GNUTLS_MAC_SHA256, &key, &info_view, derived, ACP_HMAC_SIZE));
	acp_secret_wipe(extracted, sizeof(extracted));
}
