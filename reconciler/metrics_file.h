/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics of the passes as a file in Prometheus' text format, replaced whole
 * after each pass. Holds no ids and no names of tenants.
 */
#ifndef ACP_RECONCILER_METRICS_FILE_H
#define ACP_RECONCILER_METRICS_FILE_H

#include "lib/buffer.h"
#include "reconciler/clients.h"
#include "reconciler/summary.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sums over all passes of a process, and the last one's figures. */
struct acp_pass_metrics {
	pthread_mutex_t lock; /* fast and full passes note side by side */
	uint64_t actions[ACP_KIND__MAX][ACP_VERB__MAX][ACP_RESULT__MAX];
	uint64_t provisions;
	int64_t provision_ms;
	struct acp_summary last; /* full pass */
	int64_t success_s; /* wall clock of the last pass with status 0 */
	size_t keys;
	bool is_leader;
};

void acp_metrics_init(struct acp_pass_metrics *metrics);
void acp_metrics_clear(struct acp_pass_metrics *metrics);

/* After a fast pass, which counts but is not the last one. Any thread. */
void acp_metrics_add(
	struct acp_pass_metrics *metrics, const struct acp_summary *summary);

/* After a full pass. */
void acp_metrics_note(struct acp_pass_metrics *metrics,
	const struct acp_summary *summary, int64_t wall_s);

/* Appends all of it; clients for the counts of requests. */
void acp_metrics_write(struct acp_pass_metrics *metrics,
	const struct acp_clients *clients, struct acp_buffer *text);

/*
 * Replaces path (NULL: none); a failure is logged. Until a pass of this
 * process has converged, the time in the file stands: each --once is a new
 * process.
 */
void acp_metrics_save(struct acp_pass_metrics *metrics,
	const struct acp_clients *clients, const char *path);

#endif
