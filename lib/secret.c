/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret bytes: keys, tokens, client secrets and whatever holds them while
 * they are read or sent.
 */
#include <config.h>

#include "lib/secret.h"

#include "lib/memory.h"

#include <string.h>

enum { FIRST_ROOM = 64 };

void
acp_secret_init(struct acp_secret *secret)
{
	*secret = (struct acp_secret){0};
}

void
acp_secret_wipe(void *bytes, size_t size)
{
	if (bytes)
		explicit_bzero(bytes, size);
}

void
acp_secret_clear(struct acp_secret *secret)
{
	acp_secret_wipe(secret->bytes, secret->room);
	free(secret->bytes);
	acp_secret_init(secret);
}

void
acp_secret_append(struct acp_secret *secret, const void *bytes, size_t size)
{
	size_t room = secret->room ? secret->room : FIRST_ROOM;
	char *grown;

	while (room < secret->size + size + 1)
		room *= 2;
	if (room != secret->room) {
		grown = acp_memory_new(room, 1);
		if (secret->size)
			memcpy(grown, secret->bytes, secret->size);
		acp_secret_wipe(secret->bytes, secret->room);
		free(secret->bytes);
		secret->bytes = grown;
		secret->room = room;
	}
	if (size)
		memcpy(secret->bytes + secret->size, bytes, size);
	secret->size += size;
	secret->bytes[secret->size] = '\0';
}

void
acp_secret_set(struct acp_secret *secret, const void *bytes, size_t size)
{
	acp_secret_clear(secret);
	acp_secret_append(secret, bytes, size);
}

void
acp_secret_cut(struct acp_secret *secret, size_t size)
{
	if (size >= secret->size)
		return;
	acp_secret_wipe(secret->bytes + size, secret->size - size);
	secret->size = size;
}

const char *
acp_secret_peek(const struct acp_secret *secret)
{
	return secret->bytes ? secret->bytes : "";
}

bool
acp_secret_is_empty(const struct acp_secret *secret)
{
	return secret->size == 0;
}

bool
acp_secret_is_same(const void *left, const void *right, size_t size)
{
	const volatile unsigned char *a = left;
	const volatile unsigned char *b = right;
	unsigned char difference = 0;

	for (size_t i = 0; i < size; i++)
		difference = (unsigned char)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

bool
acp_secret_is_equal(
	const struct acp_secret *secret, const void *bytes, size_t size)
{
	return secret->size == size &&
		acp_secret_is_same(secret->bytes, bytes, size);
}
