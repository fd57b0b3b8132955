/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bump allocation out of blocks that are chained to be freed together. A
 * request larger than a block gets a block of its own. Used by whatever reads
 * rows and plans; must never hold a secret.
 */
#include <config.h>

#include "reconciler/arena.h"

#include "lib/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK_SIZE = 64 * 1024 };

struct block {
	struct block *next;
	size_t room; /* of bytes */
	size_t used;
	alignas(max_align_t) char bytes[];
};

struct acp_arena {
	struct block *blocks; /* the one being filled first */
	size_t size;
};

struct acp_arena *
acp_arena_new(void)
{
	return acp_memory_new(1, sizeof(struct acp_arena));
}

void
acp_arena_free(struct acp_arena **arena)
{
	struct block *block;

	if (!*arena)
		return;
	while ((block = (*arena)->blocks)) {
		(*arena)->blocks = block->next;
		free(block);
	}
	free(*arena);
	*arena = NULL;
}

static struct block *
add_block(struct acp_arena *arena, size_t room)
{
	size_t size = sizeof(struct block) + room;
	struct block *block = acp_memory_new(1, size);

	block->room = room;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->size += size;
	return block;
}

/* A large one goes behind the block being filled, whose rest stays in use. */
static void *
alloc_alone(struct acp_arena *arena, size_t size)
{
	struct block *filling = arena->blocks;
	struct block *block = add_block(arena, size);

	block->used = size;
	if (filling) {
		arena->blocks = filling;
		block->next = filling->next;
		filling->next = block;
	}
	return block->bytes;
}

void *
acp_arena_alloc(struct acp_arena *arena, size_t size)
{
	const size_t step = alignof(max_align_t);
	struct block *block = arena->blocks;
	void *result;

	/* no size in this program comes near this: bounded where it is read */
	if (size > SIZE_MAX / 2)
		acp_memory_exhausted();
	size = size ? (size + step - 1) / step * step : step;
	if (size > BLOCK_SIZE / 4)
		return alloc_alone(arena, size);
	if (!block || size > block->room - block->used)
		block = add_block(arena, BLOCK_SIZE);
	result = block->bytes + block->used;
	block->used += size;
	return result;
}

const char *
acp_arena_dup_sized(struct acp_arena *arena, const char *text, size_t size)
{
	char *copy = acp_arena_alloc(arena, size + 1);

	if (size)
		memcpy(copy, text, size);
	return copy;
}

const char *
acp_arena_dup(struct acp_arena *arena, const char *text)
{
	return acp_arena_dup_sized(arena, text, strlen(text));
}

size_t
acp_arena_get_size(const struct acp_arena *arena)
{
	return arena->size;
}
