/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 with padding, on top of the base64url of lib/: only two characters
 * and the padding differ. What passes through may be a key and is wiped.
 */
#include <config.h>

#include "reconciler/base64.h"

#include "lib/base64url.h"

#include <string.h>

/* Of four characters. */
enum { GROUP = 4, PADDING_MAX = 2 };

static void
translate(char *text, size_t size, const char *from, const char *to)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == from[0])
			text[i] = to[0];
		else if (text[i] == from[1])
			text[i] = to[1];
	}
}

/* Room behind the content, which the caller fills. */
static char *
add_room(struct acp_secret *secret, size_t size)
{
	size_t start = secret->size;

	for (size_t i = 0; i < size; i++)
		acp_secret_append(secret, "", 1);
	return secret->bytes + start;
}

void
acp_base64_write(const void *bytes, size_t size, struct acp_secret *text)
{
	size_t length = ACP_BASE64URL_LENGTH(size);
	char *start = add_room(text, length + 1);

	acp_base64url_write(bytes, size, start);
	acp_secret_cut(text, text->size - 1);
	translate(start, length, "-_", "+/");
	for (; length % GROUP; length++)
		acp_secret_append(text, "=", 1);
}

/* Without white space and padding, in the letters of base64url. */
static bool
has_plain_form(const char *text, size_t size, struct acp_secret *plain)
{
	size_t padding = 0;

	for (size_t i = 0; i < size; i++) {
		if (memchr(" \t\r\n", text[i], 4))
			continue;
		if (text[i] == '-' || text[i] == '_')
			return false;
		if (text[i] == '=')
			padding++;
		else if (padding)
			return false;
		else
			acp_secret_append(plain, &text[i], 1);
	}
	if (plain->bytes)
		translate(plain->bytes, plain->size, "+/", "-_");
	return padding <= PADDING_MAX && (plain->size + padding) % GROUP == 0;
}

enum acp_error
acp_base64_read(const char *text, size_t size, struct acp_secret *bytes)
{
	ACP_AUTO(secret) struct acp_secret plain = {0};
	size_t before = bytes->size;
	char *start;

	if (!has_plain_form(text, size, &plain))
		return ACP_BAD_REQUEST;
	if (!plain.size)
		return ACP_OK;
	start = add_room(bytes, ACP_BASE64URL_BYTES(plain.size));
	if (!acp_base64url_read(plain.bytes, plain.size, (uint8_t *)start))
		return ACP_OK;
	acp_secret_cut(bytes, before);
	return ACP_BAD_REQUEST;
}
