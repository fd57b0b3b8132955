/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens RSA-OAEP ciphertexts (RFC 8017 §7.1.2; SHA-256, MGF1-SHA-256, empty
 * label) with one private key. One back end is built in: unseal_gnutls.c,
 * unseal_nettle.c or unseal_openssl.c. PKCS#1 v1.5 is never used. Nothing here branches on, or
 * takes a time that depends on, the plaintext or on whether it opened.
 */
#ifndef ACP_FCGI_UNSEAL_H
#define ACP_FCGI_UNSEAL_H

#include "lib/error.h"
#include "lib/key.h"

#include <stddef.h>
#include <stdint.h>

/* Longest plaintext: modulus less two hashes and two bytes. */
#define ACP_UNSEAL_PLAIN_MAX (ACP_KEY_MODULUS_MAX - 66)

struct acp_unseal;

/* Prepares a key, which must live as long; any number of threads may open. */
ACP_MUST_CHECK enum acp_error acp_unseal_new(
	const struct acp_key *key, struct acp_unseal **unseal);
void acp_unseal_free(struct acp_unseal **unseal);

/*
 * Opens size bytes, which must be exactly the key's modulus in size and less
 * than it in value. Returns all ones when it opened, else 0. plain
 * (ACP_UNSEAL_PLAIN_MAX bytes) and *plain_size are written in both cases:
 * with unrelated bytes and a size that is in range when it did not open.
 * The GnuTLS back end also opens a message whose padding is not all zero, as
 * far as GnuTLS does (3.8.9): it shows nothing, since whoever can make one
 * could as well have made it well formed.
 */
uint32_t acp_unseal_open(const struct acp_unseal *unseal, const uint8_t *sealed,
	size_t size, uint8_t *plain, size_t *plain_size);

#endif
