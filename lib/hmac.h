/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869), by GnuTLS.
 */
#ifndef ACP_LIB_HMAC_H
#define ACP_LIB_HMAC_H

#include <stddef.h>
#include <stdint.h>

#define ACP_HMAC_SIZE 32

/* Writes the ACP_HMAC_SIZE bytes of HMAC(key, data). Aborts on a bug only. */
void acp_hmac_compute(const void *key, size_t key_size, const void *data,
	size_t data_size, uint8_t *mac);

/* Extract and expand in one: ACP_HMAC_SIZE bytes for salt and info. */
void acp_hmac_derive(const void *secret, size_t secret_size, const char *salt,
	const char *info, uint8_t *derived);

#endif
