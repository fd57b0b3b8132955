/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once: what one pass observes and plans lives in
 * arenas, so nobody frees a single row. Not for secrets, which must be wiped.
 * One thread at a time.
 */
#ifndef ACP_RECONCILER_ARENA_H
#define ACP_RECONCILER_ARENA_H

#include "lib/auto.h"

#include <stddef.h>

struct acp_arena;

struct acp_arena *acp_arena_new(void);
/* Frees everything that came from it. */
void acp_arena_free(struct acp_arena **arena);

/*
 * Zeroed room of size bytes, aligned for any type, which lives as the arena;
 * never NULL, also for 0 bytes.
 */
void *acp_arena_alloc(struct acp_arena *arena, size_t size)
	__attribute__((returns_nonnull));

/* Copy of text, which must not be NULL; lives as the arena. */
const char *acp_arena_dup(struct acp_arena *arena, const char *text)
	__attribute__((returns_nonnull));

/* Copy of size bytes and a NUL behind them; lives as the arena. */
const char *acp_arena_dup_sized(struct acp_arena *arena, const char *text,
	size_t size) __attribute__((returns_nonnull));

/* Bytes taken from the heap so far. */
size_t acp_arena_get_size(const struct acp_arena *arena);

ACP_AUTO_DEFINE(arena, struct acp_arena *, acp_arena_free)

#endif
