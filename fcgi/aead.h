/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM where each text has a key and a nonce of its own, derived by
 * HKDF-SHA-256 from a lasting key and a random salt that the text carries. So
 * no number of texts uses up one key's nonces.
 */
#ifndef ACP_FCGI_AEAD_H
#define ACP_FCGI_AEAD_H

#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

#define ACP_AEAD_KEY_SIZE 32
#define ACP_AEAD_SALT_SIZE 16
#define ACP_AEAD_TAG_SIZE 16
/* What a sealed text is longer than its plain one: salt first, tag last. */
#define ACP_AEAD_OVERHEAD (ACP_AEAD_SALT_SIZE + ACP_AEAD_TAG_SIZE)

/*
 * Seals size bytes into size + ACP_AEAD_OVERHEAD. label, what the text is, is
 * authenticated along with it and goes into the derivation.
 */
void acp_aead_seal(const uint8_t *key, const char *label, const uint8_t *plain,
	size_t size, uint8_t *sealed);

/*
 * Opens size bytes into size - ACP_AEAD_OVERHEAD. ACP_DENIED, with plain in
 * any state, when they were not sealed under that key and label.
 */
ACP_MUST_CHECK enum acp_error acp_aead_open(const uint8_t *key,
	const char *label, const uint8_t *sealed, size_t size, uint8_t *plain);

#endif
