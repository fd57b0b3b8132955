/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the key bundle and hands it around. The main thread refreshes it
 * once a second; acceptors and workers take references.
 */
#include <config.h>

#include "fcgi/keystore.h"

#include "lib/clock.h"
#include "lib/keyfile.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <pthread.h>
#include <string.h>

struct acp_keystore {
	/* the refreshing thread's */
	char *paths[ACP_KEYFILE_COUNT_MAX];
	size_t path_count;
	struct acp_keyfile_stamp stamp;
	bool is_stamped;
	/* everybody's, under the lock */
	pthread_mutex_t lock;
	struct acp_keyset *current;
	struct acp_keystore_status status;
};

static void
clear_paths(struct acp_keystore *store)
{
	for (size_t i = 0; i < store->path_count; i++)
		free(store->paths[i]);
	store->path_count = 0;
}

void
acp_keystore_set_paths(
	struct acp_keystore *store, const char *const *paths, size_t count)
{
	clear_paths(store);
	for (size_t i = 0; i < count && i < ACP_KEYFILE_COUNT_MAX; i++)
		store->paths[store->path_count++] =
			acp_memory_dup_text(paths[i]);
	store->is_stamped = false;
}

struct acp_keystore *
acp_keystore_new(const char *const *paths, size_t count)
{
	struct acp_keystore *store = acp_memory_new(1, sizeof(*store));

	pthread_mutex_init(&store->lock, NULL);
	acp_keystore_set_paths(store, paths, count);
	return store;
}

void
acp_keystore_free(struct acp_keystore **store)
{
	if (!*store)
		return;
	clear_paths(*store);
	acp_keyset_free(&(*store)->current);
	pthread_mutex_destroy(&(*store)->lock);
	free(*store);
	*store = NULL;
}

/* Reads the files into a new set; NULL and a log line when they are bad. */
static struct acp_keyset *
load(struct acp_keystore *store)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_keyset *keyset = NULL;
	enum acp_error error;

	acp_keyring_init(&ring);
	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	error = acp_keyfile_read((const char *const *)store->paths,
		store->path_count, &ring, &store->stamp, &why);
	/* what failed for reasons of ours may do better without a change */
	store->is_stamped = error != ACP_FAULT;
	if (!error)
		error = acp_keyset_new(&ring, &keyset);
	if (!error)
		return keyset;
	acp_log(store->current || error != ACP_GONE ? ACP_LOG_ERROR
						    : ACP_LOG_WARN,
		"key_refused", ACP_F_TEXT("error", acp_error_name(error)),
		ACP_F_TEXT("message", acp_buffer_peek(&why)),
		ACP_F_INT("keys_in_use", store->status.keys));
	return NULL;
}

/* True when both sets hold the same keys in the same order. */
static bool
is_same(const struct acp_keyset *left, const struct acp_keyset *right)
{
	const struct acp_keyring *a, *b;

	if (!left || !right)
		return left == right;
	a = acp_keyset_peek_ring(left);
	b = acp_keyset_peek_ring(right);
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(acp_key_peek_id(a->keys[i]),
			    acp_key_peek_id(b->keys[i])) != 0)
			return false;
	return true;
}

static void
log_keys(const struct acp_keyset *keyset)
{
	const struct acp_keyring *ring = acp_keyset_peek_ring(keyset);

	for (size_t i = 0; i < ring->count; i++)
		acp_log(ACP_LOG_INFO, "key_loaded",
			ACP_F_TEXT("key_id", acp_key_peek_id(ring->keys[i])),
			ACP_F_INT("bits", acp_key_get_size(ring->keys[i]) * 8),
			ACP_F_TEXT("place", i == 0 ? "current" : "other"));
}

static void
count_failure(struct acp_keystore *store)
{
	pthread_mutex_lock(&store->lock);
	store->status.failures++;
	pthread_mutex_unlock(&store->lock);
}

/*
 * Puts the fresh set to use, and gives up the old one in its place. The same
 * keys stay the same set: work under way with them is then good, however
 * often a reload is asked for.
 */
static void
replace(struct acp_keystore *store, struct acp_keyset **fresh)
{
	struct acp_keyset *surplus = *fresh;

	pthread_mutex_lock(&store->lock);
	if (!is_same(store->current, *fresh)) {
		surplus = store->current;
		store->current = *fresh;
	}
	store->status.keys = acp_keyset_peek_ring(store->current)->count;
	store->status.loaded_wall_ms = acp_clock_wall_ms();
	pthread_mutex_unlock(&store->lock);
	*fresh = surplus;
}

bool
acp_keystore_refresh(struct acp_keystore *store, bool is_forced)
{
	ACP_AUTO(keyset) struct acp_keyset *surplus = NULL;

	if (store->is_stamped && !is_forced &&
		!acp_keyfile_has_changed((const char *const *)store->paths,
			store->path_count, &store->stamp))
		return false;
	surplus = load(store);
	if (!surplus) {
		count_failure(store);
		return false;
	}
	if (!is_same(store->current, surplus))
		log_keys(surplus);
	replace(store, &surplus);
	return true;
}

struct acp_keyset *
acp_keystore_dup_current(struct acp_keystore *store)
{
	struct acp_keyset *keyset;

	pthread_mutex_lock(&store->lock);
	keyset = store->current ? acp_keyset_dup(store->current) : NULL;
	pthread_mutex_unlock(&store->lock);
	return keyset;
}

void
acp_keystore_get_status(
	struct acp_keystore *store, struct acp_keystore_status *status)
{
	pthread_mutex_lock(&store->lock);
	*status = store->status;
	pthread_mutex_unlock(&store->lock);
}
