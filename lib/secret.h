/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that must not outlive their use: wiped when cleared, grown by copy
 * and wipe, compared in constant time. There is deliberately no function
 * that prints one.
 */
#ifndef ACP_LIB_SECRET_H
#define ACP_LIB_SECRET_H

#include "lib/auto.h"

#include <stdbool.h>
#include <stddef.h>

struct acp_secret {
	char *bytes; /* NUL behind size bytes; NULL while empty */
	size_t size;
	size_t room;
};

void acp_secret_init(struct acp_secret *secret);

/* Wipes and frees; the secret is empty again and may be reused. */
void acp_secret_clear(struct acp_secret *secret);

/* Replaces or extends the content by a copy of size bytes. */
void acp_secret_set(struct acp_secret *secret, const void *bytes, size_t size);
void acp_secret_append(
	struct acp_secret *secret, const void *bytes, size_t size);

/* Cuts the content to size bytes, wiping the rest. */
void acp_secret_cut(struct acp_secret *secret, size_t size);

/* The bytes as text, "" while empty; borrowed until the next change. */
const char *acp_secret_peek(const struct acp_secret *secret);

bool acp_secret_is_empty(const struct acp_secret *secret);

/* Time depends on the sizes alone, never on the bytes. */
bool acp_secret_is_equal(
	const struct acp_secret *secret, const void *bytes, size_t size);

/* The same for size bytes on either side. */
bool acp_secret_is_same(const void *left, const void *right, size_t size);

/* Overwrites memory in a way that a compiler must not drop. */
void acp_secret_wipe(void *bytes, size_t size);

ACP_AUTO_DEFINE(secret, struct acp_secret, acp_secret_clear)

#endif
