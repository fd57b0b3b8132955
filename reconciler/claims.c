/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sorted list of names under a lock: as many as there are workers, or as
 * there are sessions in a herd.
 */
#include <config.h>

#include "reconciler/claims.h"

#include "lib/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct acp_claims {
	pthread_mutex_t lock;
	char **units;
	size_t count;
};

struct acp_claims *
acp_claims_new(void)
{
	struct acp_claims *claims = acp_memory_new(1, sizeof(*claims));

	pthread_mutex_init(&claims->lock, NULL);
	return claims;
}

void
acp_claims_free(struct acp_claims **claims)
{
	if (!*claims)
		return;
	while ((*claims)->count > 0)
		free((*claims)->units[--(*claims)->count]);
	free((*claims)->units);
	pthread_mutex_destroy(&(*claims)->lock);
	free(*claims);
	*claims = NULL;
}

/* Where it stands, or would. */
static size_t
find(const struct acp_claims *claims, const char *unit)
{
	size_t low = 0, high = claims->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(claims->units[middle], unit) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
has_at(const struct acp_claims *claims, size_t at, const char *unit)
{
	return at < claims->count && strcmp(claims->units[at], unit) == 0;
}

/* The caller has the lock. */
static void
insert(struct acp_claims *claims, size_t at, const char *unit)
{
	claims->units = acp_memory_resize(
		claims->units, claims->count + 1, sizeof(*claims->units));
	memmove(&claims->units[at + 1], &claims->units[at],
		(claims->count - at) * sizeof(*claims->units));
	claims->units[at] = acp_memory_dup_text(unit);
	claims->count++;
}

bool
acp_claims_take(struct acp_claims *claims, const char *unit)
{
	bool is_free;
	size_t at;

	pthread_mutex_lock(&claims->lock);
	at = find(claims, unit);
	is_free = !has_at(claims, at, unit);
	if (is_free)
		insert(claims, at, unit);
	pthread_mutex_unlock(&claims->lock);
	return is_free;
}

void
acp_claims_release(struct acp_claims *claims, const char *unit)
{
	size_t at;

	pthread_mutex_lock(&claims->lock);
	at = find(claims, unit);
	if (has_at(claims, at, unit)) {
		free(claims->units[at]);
		claims->count--;
		memmove(&claims->units[at], &claims->units[at + 1],
			(claims->count - at) * sizeof(*claims->units));
	}
	pthread_mutex_unlock(&claims->lock);
}
