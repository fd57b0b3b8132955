/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that cannot fail. Called everywhere; must never log through
 * lib/log.h, which allocates.
 */
#include <config.h>

#include "lib/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
acp_memory_exhausted(void)
{
	static const char text[] = "ambient-cp: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_FAILURE);
	abort();
}

void *
acp_memory_new(size_t count, size_t size)
{
	void *room = calloc(count ? count : 1, size ? size : 1);

	if (!room)
		acp_memory_exhausted();
	return room;
}

void *
acp_memory_resize(void *old, size_t count, size_t size)
{
	void *room = reallocarray(old, count ? count : 1, size ? size : 1);

	if (!room)
		acp_memory_exhausted();
	return room;
}

char *
acp_memory_dup_bytes(const void *bytes, size_t size)
{
	char *copy = acp_memory_new(size + 1, 1);

	if (size)
		memcpy(copy, bytes, size);
	return copy;
}

char *
acp_memory_dup_text(const char *text)
{
	return acp_memory_dup_bytes(text, strlen(text));
}
