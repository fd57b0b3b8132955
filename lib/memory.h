/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heap memory under one rule: out of memory ends the process, with a line
 * on stderr. So nobody checks these results, and every size that comes from
 * input is bounded (lib/limits.h) before it gets here.
 */
#ifndef ACP_LIB_MEMORY_H
#define ACP_LIB_MEMORY_H

#include <stddef.h>

/* Zeroed room for count objects of size bytes; caller owns, free() ends it. */
void *acp_memory_new(size_t count, size_t size)
	__attribute__((malloc, returns_nonnull));

/* Grow or shrink to count objects; caller owns the result instead of old. */
void *acp_memory_resize(void *old, size_t count, size_t size)
	__attribute__((returns_nonnull));

/* Copy of text, which must not be NULL; caller owns. */
char *acp_memory_dup_text(const char *text)
	__attribute__((malloc, returns_nonnull));

/* Copy of size bytes and a NUL behind them; caller owns. */
char *acp_memory_dup_bytes(const void *bytes, size_t size)
	__attribute__((malloc, returns_nonnull));

/* Ends the process: the rule itself, for libraries that return NULL. */
_Noreturn void acp_memory_exhausted(void);

#endif
