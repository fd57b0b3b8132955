/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) piece by piece, by GnuTLS: for names and digests that
 * are compared, not for passwords or keys.
 */
#ifndef ACP_LIB_HASH_H
#define ACP_LIB_HASH_H

#include "lib/auto.h"

#include <stddef.h>
#include <stdint.h>

#define ACP_HASH_SIZE 32

struct acp_hash {
	void *state; /* NULL: not begun, or finished */
	size_t used;
	uint8_t pending[256]; /* small pieces go to the library together */
};

/* Begins a hash of nothing. */
void acp_hash_init(struct acp_hash *hash);

/* Ends without a result; nothing to do after acp_hash_finish. */
void acp_hash_clear(struct acp_hash *hash);

void acp_hash_add(struct acp_hash *hash, const void *bytes, size_t size);

/* text with its NUL, so that two texts in a row cannot be read as one. */
void acp_hash_add_text(struct acp_hash *hash, const char *text);

/* Writes the ACP_HASH_SIZE bytes of all that was added, and ends. */
void acp_hash_finish(struct acp_hash *hash, uint8_t *digest);

/*
 * The same as 2 × size lower-case hex digits of the first size bytes, and a
 * NUL, into text; size is at most ACP_HASH_SIZE.
 */
void acp_hash_finish_hex(struct acp_hash *hash, size_t size, char *text);

ACP_AUTO_DEFINE(hash, struct acp_hash, acp_hash_clear)

#endif
