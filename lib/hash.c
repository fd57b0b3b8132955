/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 for whoever names or compares things by their contents. Must never
 * be given a secret: what is pending is not wiped.
 */
#include <config.h>

#include "lib/hash.h"

#include "lib/memory.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

void
acp_hash_init(struct acp_hash *hash)
{
	gnutls_hash_hd_t state = NULL;

	hash->used = 0;
	/* fails only without memory */
	if (gnutls_hash_init(&state, GNUTLS_DIG_SHA256) < 0)
		acp_memory_exhausted();
	hash->state = state;
}

void
acp_hash_clear(struct acp_hash *hash)
{
	if (hash->state)
		gnutls_hash_deinit(hash->state, NULL);
	hash->state = NULL;
}

static void
pass_on(struct acp_hash *hash, const void *bytes, size_t size)
{
	if (size && gnutls_hash(hash->state, bytes, size) < 0)
		acp_memory_exhausted();
}

static void
flush(struct acp_hash *hash)
{
	pass_on(hash, hash->pending, hash->used);
	hash->used = 0;
}

void
acp_hash_add(struct acp_hash *hash, const void *bytes, size_t size)
{
	if (size > sizeof(hash->pending) - hash->used)
		flush(hash);
	if (size > sizeof(hash->pending)) {
		pass_on(hash, bytes, size);
		return;
	}
	if (size)
		memcpy(hash->pending + hash->used, bytes, size);
	hash->used += size;
}

void
acp_hash_add_text(struct acp_hash *hash, const char *text)
{
	acp_hash_add(hash, text, strlen(text) + 1);
}

void
acp_hash_finish(struct acp_hash *hash, uint8_t *digest)
{
	flush(hash);
	gnutls_hash_deinit(hash->state, digest);
	hash->state = NULL;
}

void
acp_hash_finish_hex(struct acp_hash *hash, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[ACP_HASH_SIZE];

	acp_hash_finish(hash, digest);
	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 15];
	}
	text[2 * size] = '\0';
}
