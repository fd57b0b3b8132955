/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64url without padding (RFC 4648 §5): proofs and renewal handles. One
 * spelling for each byte string; anything else is refused. Pure.
 */
#ifndef ACP_LIB_BASE64URL_H
#define ACP_LIB_BASE64URL_H

#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

/* Characters for that many bytes, and bytes of that many characters. */
#define ACP_BASE64URL_LENGTH(size) (((size)*4 + 2) / 3)
#define ACP_BASE64URL_BYTES(length) ((length)*3 / 4)

/* Writes ACP_BASE64URL_LENGTH(size) characters and NUL into text. */
void acp_base64url_write(const uint8_t *bytes, size_t size, char *text);

/*
 * Decodes length characters into ACP_BASE64URL_BYTES(length) bytes.
 * ACP_DENIED, with bytes in any state, for a character of no value, a length
 * that no bytes have, or left-over bits that are not zero.
 */
ACP_MUST_CHECK enum acp_error acp_base64url_read(
	const char *text, size_t length, uint8_t *bytes);

#endif
