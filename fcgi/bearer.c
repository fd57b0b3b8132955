/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credential of a request. Called by the acceptors for every /token
 * request, before anything that costs: one form of each ciphertext is taken,
 * so that the same bytes always have the same name in the result cache.
 */
#include <config.h>

#include "fcgi/bearer.h"

#include <stdbool.h>
#include <string.h>

/* RFC 6750 §2.1, b64token */
#define TOKEN_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" \
	"-._~+/="

const char *
acp_bearer_find(const char *value)
{
	static const char scheme[] = "Bearer ";
	const char *word;

	if (!value || strncmp(value, scheme, strlen(scheme)) != 0)
		return NULL;
	word = value + strlen(scheme);
	/* no comma: it joins two headers into one (RFC 9110 §5.3) */
	return *word && word[strspn(word, TOKEN_CHARACTERS)] == '\0' ? word
								     : NULL;
}

/* The six bits of a base64 character, or -1. */
static int
decode_character(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/*
 * Four characters, the last padding ones '=', to 3 - padding bytes; false
 * when one is no base64 or the bits that padding leaves over are not zero.
 */
static bool
decode_quartet(const char *text, size_t padding, uint8_t *bytes)
{
	uint32_t bits = 0;
	int six;

	for (size_t i = 0; i < 4; i++) {
		six = i < 4 - padding ? decode_character(text[i]) : 0;
		if (six < 0)
			return false;
		bits = bits << 6 | (uint32_t)six;
	}
	if (bits & ((1u << 8 * padding) - 1))
		return false;
	for (size_t i = 0; i < 3 - padding; i++)
		bytes[i] = (uint8_t)(bits >> (16 - 8 * i));
	return true;
}

static size_t
count_padding(const char *word, size_t size)
{
	if (word[size - 1] != '=')
		return 0;
	return word[size - 2] == '=' ? 2 : 1;
}

enum acp_error
acp_bearer_decode(const char *word, struct acp_ciphertext *ciphertext)
{
	const size_t longest = (ACP_KEY_MODULUS_MAX + 2) / 3 * 4;
	size_t size = strnlen(word, longest + 1), padding;
	struct acp_ciphertext decoded = {.size = 0};

	if (size == 0 || size > longest || size % 4 != 0)
		return ACP_DENIED;
	padding = count_padding(word, size);
	if (size / 4 * 3 - padding > ACP_KEY_MODULUS_MAX)
		return ACP_DENIED;
	for (size_t i = 0; i < size; i += 4) {
		size_t left_over = i + 4 == size ? padding : 0;

		if (!decode_quartet(
			    word + i, left_over, decoded.bytes + decoded.size))
			return ACP_DENIED;
		decoded.size += 3 - left_over;
	}
	*ciphertext = decoded;
	return ACP_OK;
}
