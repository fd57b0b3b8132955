/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of proofs and renewal handles. Called by both programs, on what
 * they made and on what strangers send; bounds are the caller's.
 */
#include <config.h>

#include "lib/base64url.h"

static char
encode_digit(unsigned int value)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789-_";

	return digits[value & 63];
}

/* The value of a digit, or -1. */
static int
decode_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

void
acp_base64url_write(const uint8_t *bytes, size_t size, char *text)
{
	unsigned int bits = 0;
	unsigned int count = 0; /* of bits not written yet */

	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | bytes[i];
		for (count += 8; count >= 6; count -= 6)
			*text++ = encode_digit(bits >> (count - 6));
	}
	if (count > 0)
		*text++ = encode_digit(bits << (6 - count));
	*text = '\0';
}

enum acp_error
acp_base64url_read(const char *text, size_t length, uint8_t *bytes)
{
	unsigned int bits = 0;
	unsigned int count = 0; /* of bits not written yet */
	int six;

	if (length % 4 == 1)
		return ACP_DENIED;
	for (size_t i = 0; i < length; i++) {
		six = decode_digit(text[i]);
		if (six < 0)
			return ACP_DENIED;
		bits = bits << 6 | (unsigned int)six;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		*bytes++ = (uint8_t)(bits >> count);
	}
	return bits & ((1u << count) - 1) ? ACP_DENIED : ACP_OK;
}
