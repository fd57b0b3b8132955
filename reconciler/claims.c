/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short list of names under a lock: never more than there are workers.
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

/* Its index, or count when it is free. */
static size_t
find(const struct acp_claims *claims, const char *unit)
{
	size_t i = 0;

	while (i < claims->count && strcmp(claims->units[i], unit) != 0)
		i++;
	return i;
}

bool
acp_claims_take(struct acp_claims *claims, const char *unit)
{
	bool is_free;

	pthread_mutex_lock(&claims->lock);
	is_free = find(claims, unit) == claims->count;
	if (is_free) {
		claims->units = acp_memory_resize(claims->units,
			claims->count + 1, sizeof(*claims->units));
		claims->units[claims->count++] = acp_memory_dup_text(unit);
	}
	pthread_mutex_unlock(&claims->lock);
	return is_free;
}

void
acp_claims_release(struct acp_claims *claims, const char *unit)
{
	size_t i;

	pthread_mutex_lock(&claims->lock);
	i = find(claims, unit);
	if (i < claims->count) {
		free(claims->units[i]);
		claims->units[i] = claims->units[--claims->count];
	}
	pthread_mutex_unlock(&claims->lock);
}
