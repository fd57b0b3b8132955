/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small table by name. Only objects that failed are in it, and it is
 * bounded: when it is full the one that may go first makes room.
 */
#include <config.h>

#include "reconciler/backoff.h"

#include "lib/buffer.h"
#include "lib/limits.h"
#include "lib/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAUSE_MIN_MS = 1000,
	PAUSE_MAX_MS = 5 * 60 * 1000,
	NAME_TEXT_MAX = 1024
};

struct entry {
	char *name;
	int64_t pause_ms;
	int64_t next_ms;
};

struct acp_backoff {
	pthread_mutex_t lock;
	struct entry *entries;
	size_t count;
};

struct acp_backoff *
acp_backoff_new(void)
{
	struct acp_backoff *backoff = acp_memory_new(1, sizeof(*backoff));

	pthread_mutex_init(&backoff->lock, NULL);
	return backoff;
}

void
acp_backoff_free(struct acp_backoff **backoff)
{
	if (!*backoff)
		return;
	for (size_t i = 0; i < (*backoff)->count; i++)
		free((*backoff)->entries[i].name);
	free((*backoff)->entries);
	pthread_mutex_destroy(&(*backoff)->lock);
	free(*backoff);
	*backoff = NULL;
}

static struct entry *
find(const struct acp_backoff *backoff, const char *name)
{
	for (size_t i = 0; i < backoff->count; i++)
		if (strcmp(backoff->entries[i].name, name) == 0)
			return &backoff->entries[i];
	return NULL;
}

static void
forget(struct acp_backoff *backoff, struct entry *entry)
{
	free(entry->name);
	*entry = backoff->entries[--backoff->count];
}

static struct entry *
find_first_due(const struct acp_backoff *backoff)
{
	struct entry *first = &backoff->entries[0];

	for (size_t i = 1; i < backoff->count; i++)
		if (backoff->entries[i].next_ms < first->next_ms)
			first = &backoff->entries[i];
	return first;
}

static struct entry *
add(struct acp_backoff *backoff, const char *name)
{
	struct entry *entry;

	if (backoff->count == ACP_BACKOFF_MAX)
		forget(backoff, find_first_due(backoff));
	backoff->entries = acp_memory_resize(backoff->entries,
		backoff->count + 1, sizeof(*backoff->entries));
	entry = &backoff->entries[backoff->count++];
	*entry = (struct entry){.name = acp_memory_dup_text(name)};
	return entry;
}

bool
acp_backoff_is_due(
	struct acp_backoff *backoff, const struct acp_ref *ref, int64_t now_ms)
{
	ACP_AUTO(buffer) struct acp_buffer name;
	const struct entry *entry;
	bool is_due;

	acp_buffer_init(&name, NAME_TEXT_MAX);
	acp_ref_describe(ref, &name);
	pthread_mutex_lock(&backoff->lock);
	entry = find(backoff, acp_buffer_peek(&name));
	is_due = !entry || now_ms >= entry->next_ms;
	pthread_mutex_unlock(&backoff->lock);
	return is_due;
}

static void
lengthen(struct entry *entry, int64_t now_ms)
{
	entry->pause_ms = entry->pause_ms ? 2 * entry->pause_ms : PAUSE_MIN_MS;
	if (entry->pause_ms > PAUSE_MAX_MS)
		entry->pause_ms = PAUSE_MAX_MS;
	entry->next_ms = now_ms + entry->pause_ms;
}

void
acp_backoff_note(struct acp_backoff *backoff, const struct acp_ref *ref,
	bool is_success, int64_t now_ms)
{
	ACP_AUTO(buffer) struct acp_buffer name;
	struct entry *entry;

	acp_buffer_init(&name, NAME_TEXT_MAX);
	acp_ref_describe(ref, &name);
	pthread_mutex_lock(&backoff->lock);
	entry = find(backoff, acp_buffer_peek(&name));
	if (is_success && entry)
		forget(backoff, entry);
	else if (!is_success)
		lengthen(entry ? entry : add(backoff, acp_buffer_peek(&name)),
			now_ms);
	pthread_mutex_unlock(&backoff->lock);
}

void
acp_backoff_rest(struct acp_backoff *backoff, const struct acp_ref *ref,
	int64_t until_ms)
{
	ACP_AUTO(buffer) struct acp_buffer name;
	struct entry *entry;

	acp_buffer_init(&name, NAME_TEXT_MAX);
	acp_ref_describe(ref, &name);
	pthread_mutex_lock(&backoff->lock);
	entry = find(backoff, acp_buffer_peek(&name));
	if (!entry)
		entry = add(backoff, acp_buffer_peek(&name));
	entry->next_ms = until_ms;
	pthread_mutex_unlock(&backoff->lock);
}
