/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many requests a client made, by the status they were answered with.
 * Any thread.
 */
#ifndef ACP_RECONCILER_HTTP_COUNTS_H
#define ACP_RECONCILER_HTTP_COUNTS_H

#include "reconciler/http_pool.h"

#include <pthread.h>
#include <stddef.h>

/* Statuses that are told apart; servers have fewer. */
#define ACP_HTTP_COUNTS_MAX 64

/* Embedded in a client. */
struct acp_http_counts {
	pthread_mutex_t lock;
	struct acp_http_count items[ACP_HTTP_COUNTS_MAX];
	size_t count;
};

void acp_http_counts_init(struct acp_http_counts *counts);
void acp_http_counts_clear(struct acp_http_counts *counts);

/* code 0: no answer came. */
void acp_http_counts_add(struct acp_http_counts *counts, long code);

/* Copies up to max of them; how many. */
size_t acp_http_counts_copy(struct acp_http_counts *counts,
	struct acp_http_count *copy, size_t max);

#endif
