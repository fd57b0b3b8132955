/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chained hash table whose entries also stand in one of two lists, newest
 * use first. Owned by work.c, which calls it under its lock.
 */
#include <config.h>

#include "fcgi/results.h"

#include "lib/memory.h"
#include "lib/random.h"
#include "lib/secret.h"

#include <string.h>

enum { FIRST_BUCKETS = 256 };

struct entry {
	struct entry *chain; /* next in the bucket */
	struct entry *newer;
	struct entry *older;
	struct acp_result_key key;
	int64_t end_ms;
	struct acp_unsealed unsealed;
};

struct list {
	struct entry *newest;
	struct entry *oldest;
	size_t count;
	size_t room;
	int64_t ttl_ms;
};

struct acp_results {
	uint8_t secret[ACP_HMAC_SIZE];
	struct entry **buckets; /* a power of two of them */
	size_t bucket_count;
	struct list sessions;
	struct list failures;
};

struct acp_results *
acp_results_new(size_t entries, int64_t ttl_ms)
{
	struct acp_results *results = acp_memory_new(1, sizeof(*results));

	acp_random_fill(results->secret, sizeof(results->secret));
	results->bucket_count = FIRST_BUCKETS;
	results->buckets =
		acp_memory_new(FIRST_BUCKETS, sizeof(*results->buckets));
	acp_results_resize(results, entries, ttl_ms);
	return results;
}

void
acp_results_name(const struct acp_results *results,
	const struct acp_ciphertext *ciphertext, struct acp_result_key *key)
{
	acp_hmac_compute(results->secret, sizeof(results->secret),
		ciphertext->bytes, ciphertext->size, key->bytes);
}

static struct list *
list_of(struct acp_results *results, const struct entry *entry)
{
	return entry->unsealed.verdict == ACP_UNSEALED_SESSION
		? &results->sessions
		: &results->failures;
}

static struct entry **
bucket_of(struct acp_results *results, const struct acp_result_key *key)
{
	size_t index;

	/* an HMAC under a secret key: its first bytes are as good as any */
	memcpy(&index, key->bytes, sizeof(index));
	return &results->buckets[index & (results->bucket_count - 1)];
}

/* The link that points to the entry of that key, or to NULL. */
static struct entry **
find_link(struct acp_results *results, const struct acp_result_key *key)
{
	struct entry **link = bucket_of(results, key);

	while (*link && memcmp(&(*link)->key, key, sizeof(*key)) != 0)
		link = &(*link)->chain;
	return link;
}

static void
unlist(struct list *list, struct entry *entry)
{
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		list->newest = entry->older;
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		list->oldest = entry->newer;
	list->count--;
}

static void
enlist(struct list *list, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = list->newest;
	if (list->newest)
		list->newest->newer = entry;
	else
		list->oldest = entry;
	list->newest = entry;
	list->count++;
}

static void
drop(struct acp_results *results, struct entry *entry)
{
	struct entry **link = find_link(results, &entry->key);

	*link = entry->chain;
	unlist(list_of(results, entry), entry);
	acp_secret_wipe(entry, sizeof(*entry));
	free(entry);
}

static void
drop_surplus(struct acp_results *results, struct list *list)
{
	while (list->count > list->room)
		drop(results, list->oldest);
}

void
acp_results_resize(struct acp_results *results, size_t entries, int64_t ttl_ms)
{
	results->sessions.room = entries;
	results->sessions.ttl_ms = ttl_ms;
	results->failures.room = entries / 8 + 1;
	results->failures.ttl_ms = ttl_ms < ACP_RESULTS_FAILURE_TTL_MS
		? ttl_ms
		: ACP_RESULTS_FAILURE_TTL_MS;
	drop_surplus(results, &results->sessions);
	drop_surplus(results, &results->failures);
}

void
acp_results_free(struct acp_results **results)
{
	if (!*results)
		return;
	acp_results_resize(*results, 0, 0);
	while ((*results)->failures.oldest)
		drop(*results, (*results)->failures.oldest);
	free((*results)->buckets);
	acp_secret_wipe(*results, sizeof(**results));
	free(*results);
	*results = NULL;
}

const struct acp_unsealed *
acp_results_find(struct acp_results *results, const struct acp_result_key *key,
	int64_t now_ms)
{
	struct entry *entry = *find_link(results, key);
	struct list *list;

	if (!entry)
		return NULL;
	if (entry->end_ms <= now_ms) {
		drop(results, entry);
		return NULL;
	}
	list = list_of(results, entry);
	unlist(list, entry);
	enlist(list, entry);
	return &entry->unsealed;
}

static void
double_buckets(struct acp_results *results)
{
	struct entry **old = results->buckets;
	size_t old_count = results->bucket_count;
	struct entry *entry, *next, **bucket;

	results->bucket_count *= 2;
	results->buckets = acp_memory_new(results->bucket_count, sizeof(*old));
	for (size_t i = 0; i < old_count; i++)
		for (entry = old[i]; entry; entry = next) {
			next = entry->chain;
			bucket = bucket_of(results, &entry->key);
			entry->chain = *bucket;
			*bucket = entry;
		}
	free(old);
}

void
acp_results_add(struct acp_results *results, const struct acp_result_key *key,
	const struct acp_unsealed *unsealed, int64_t now_ms)
{
	struct entry *entry = *find_link(results, key);
	struct entry **bucket;
	struct list *list;

	if (entry)
		drop(results, entry);
	if (acp_results_get_count(results) >= results->bucket_count)
		double_buckets(results);
	entry = acp_memory_new(1, sizeof(*entry));
	entry->key = *key;
	entry->unsealed = *unsealed;
	list = list_of(results, entry);
	entry->end_ms = now_ms + list->ttl_ms;
	bucket = bucket_of(results, key);
	entry->chain = *bucket;
	*bucket = entry;
	enlist(list, entry);
	drop_surplus(results, list);
}

void
acp_results_keep_keys(
	struct acp_results *results, const struct acp_keyset *keyset)
{
	struct entry *entry, *older;

	while (results->failures.oldest)
		drop(results, results->failures.oldest);
	for (entry = results->sessions.newest; entry; entry = older) {
		older = entry->older;
		if (!acp_keyset_has_key(keyset, entry->unsealed.key_id))
			drop(results, entry);
	}
}

size_t
acp_results_get_count(const struct acp_results *results)
{
	return results->sessions.count + results->failures.count;
}
