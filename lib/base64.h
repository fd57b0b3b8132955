/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 with padding (RFC 4648 §4), as Secrets and kubeconfigs hold bytes.
 * One spelling for each byte string; anything else is refused. Pure.
 */
#ifndef ACP_LIB_BASE64_H
#define ACP_LIB_BASE64_H

#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

/* Characters for that many bytes, and the most bytes of that many. */
#define ACP_BASE64_LENGTH(size) (((size) + 2) / 3 * 4)
#define ACP_BASE64_BYTES_MAX(length) ((length) / 4 * 3)

/* Writes ACP_BASE64_LENGTH(size) characters and NUL into text. */
void acp_base64_write(const uint8_t *bytes, size_t size, char *text);

/*
 * Decodes length characters into at most ACP_BASE64_BYTES_MAX(length) bytes,
 * *size of them. ACP_DENIED, with bytes in any state, for a character of no
 * value (line ends too), padding that is missing or too much, or left-over
 * bits that are not zero.
 */
ACP_MUST_CHECK enum acp_error acp_base64_read(
	const char *text, size_t length, uint8_t *bytes, size_t *size);

#endif
