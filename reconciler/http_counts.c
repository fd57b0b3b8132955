/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short table; codes beyond its room are not counted.
 */
#include <config.h>

#include "reconciler/http_counts.h"

#include <string.h>

void
acp_http_counts_init(struct acp_http_counts *counts)
{
	*counts = (struct acp_http_counts){0};
	pthread_mutex_init(&counts->lock, NULL);
}

void
acp_http_counts_clear(struct acp_http_counts *counts)
{
	pthread_mutex_destroy(&counts->lock);
}

void
acp_http_counts_add(struct acp_http_counts *counts, long code)
{
	size_t i = 0;

	pthread_mutex_lock(&counts->lock);
	while (i < counts->count && counts->items[i].code != code)
		i++;
	if (i < ACP_HTTP_COUNTS_MAX) {
		counts->items[i].code = code;
		counts->items[i].requests++;
		if (i == counts->count)
			counts->count++;
	}
	pthread_mutex_unlock(&counts->lock);
}

size_t
acp_http_counts_copy(
	struct acp_http_counts *counts, struct acp_http_count *copy, size_t max)
{
	size_t count;

	pthread_mutex_lock(&counts->lock);
	count = counts->count < max ? counts->count : max;
	if (count)
		memcpy(copy, counts->items, count * sizeof(*copy));
	pthread_mutex_unlock(&counts->lock);
	return count;
}
