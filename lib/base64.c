/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 with padding, a group of four characters at a time, over the digits
 * of lib/base64url.c. Called on Secrets and kubeconfigs; must leave no copy
 * of what it decodes.
 */
#include <config.h>

#include "lib/base64.h"

#include "lib/base64url.h"
#include "lib/secret.h"

#include <string.h>

enum { GROUP = 4, GROUP_BYTES = 3 };

/* The same digit in the other alphabet; what is none stays or becomes none. */
static char
to_url_digit(char c)
{
	switch (c) {
	case '+':
		return '-';
	case '/':
		return '_';
	case '-':
	case '_':
		return '=';
	default:
		return c;
	}
}

static char
from_url_digit(char c)
{
	switch (c) {
	case '-':
		return '+';
	case '_':
		return '/';
	case '\0':
		return '=';
	default:
		return c;
	}
}

void
acp_base64_write(const uint8_t *bytes, size_t size, char *text)
{
	char group[GROUP + 1];
	size_t part;

	for (; size > 0; size -= part, bytes += part) {
		part = size < GROUP_BYTES ? size : GROUP_BYTES;
		memset(group, '\0', sizeof(group));
		acp_base64url_write(bytes, part, group);
		for (size_t i = 0; i < GROUP; i++)
			*text++ = from_url_digit(group[i]);
		acp_secret_wipe(group, sizeof(group));
	}
	*text = '\0';
}

/* Digits before the padding of the last group. */
static size_t
count_digits(const char *text, size_t length)
{
	size_t digits = length;

	while (digits > 0 && length - digits < 2 && text[digits - 1] == '=')
		digits--;
	return digits;
}

enum acp_error
acp_base64_read(const char *text, size_t length, uint8_t *bytes, size_t *size)
{
	size_t digits = count_digits(text, length);
	enum acp_error error = length % GROUP ? ACP_DENIED : ACP_OK;
	char group[GROUP];
	size_t part;

	for (size_t i = 0; i < digits && !error; i += part) {
		part = digits - i < GROUP ? digits - i : GROUP;
		for (size_t j = 0; j < part; j++)
			group[j] = to_url_digit(text[i + j]);
		error = acp_base64url_read(
			group, part, bytes + i / GROUP * GROUP_BYTES);
	}
	acp_secret_wipe(group, sizeof(group));
	if (!error)
		*size = ACP_BASE64URL_BYTES(digits);
	return error;
}
