/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of the responder, in the Prometheus text format 0.0.4. Any thread
 * may count at any time without a lock.
 */
#ifndef ACP_FCGI_METRICS_H
#define ACP_FCGI_METRICS_H

#include "fcgi/minter.h"
#include "fcgi/route.h"
#include "lib/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_metrics;

enum acp_unseal_result {
	ACP_UNSEAL_OPENED,
	ACP_UNSEAL_DENIED, /* no key opens it */
	ACP_UNSEAL_FORBIDDEN, /* opened, but no session id */
	ACP_UNSEAL_DROPPED, /* all callers had gone before its turn */
	ACP_UNSEAL_RESULT__MAX
};

enum acp_cache_hit {
	ACP_CACHE_HIT_RESULT, /* an opened ciphertext was remembered */
	ACP_CACHE_HIT_FAILURE, /* a failed one was */
	ACP_CACHE_HIT_JOINED, /* the same one was being opened */
	ACP_CACHE_HIT__MAX
};

/* What became of a request that brought a renewal handle. */
enum acp_renewal_result {
	ACP_RENEWAL_GIVEN,
	ACP_RENEWAL_EXPIRED, /* it, or the chain that it belongs to */
	ACP_RENEWAL_DENIED, /* not ours, or without the proof that it needs */
	ACP_RENEWAL_RESULT__MAX
};

/* Why a request was not held, but answered 503. */
enum acp_busy {
	ACP_BUSY_LENGTH, /* as many are held as may be */
	ACP_BUSY_MEMORY, /* they take as much memory as they may */
	ACP_BUSY_ADDRESS, /* its address has its share of the room */
	ACP_BUSY_WAIT, /* its turn would come too late */
	ACP_BUSY__MAX
};

/* What is measured at the moment of reading. */
struct acp_metrics_gauges {
	size_t queue_length;
	size_t held; /* for an operation or for a token */
	size_t held_bytes;
	size_t keys_loaded;
	int64_t key_loaded_wall_ms; /* 0: never */
	uint64_t key_reload_failures;
	struct acp_mint_status mint;
};

struct acp_metrics *acp_metrics_new(void);
void acp_metrics_free(struct acp_metrics **metrics);

void acp_metrics_count_request(struct acp_metrics *metrics,
	enum acp_route route, int status, int64_t duration_us);
void acp_metrics_count_unseal(struct acp_metrics *metrics,
	enum acp_unseal_result result, int64_t duration_us);
/* What one opening took of a processor. */
void acp_metrics_count_unseal_cpu(struct acp_metrics *metrics, int64_t used_us);
void acp_metrics_count_hit(struct acp_metrics *metrics, enum acp_cache_hit hit);
void acp_metrics_count_renewal(
	struct acp_metrics *metrics, enum acp_renewal_result result);
/* A token was given to a caller without a proof. */
void acp_metrics_count_unbound(struct acp_metrics *metrics);
void acp_metrics_count_busy(struct acp_metrics *metrics, enum acp_busy reason);
void acp_metrics_count_refused_connection(struct acp_metrics *metrics);

/* Appends the whole exposition. */
void acp_metrics_write(const struct acp_metrics *metrics,
	const struct acp_metrics_gauges *gauges, struct acp_buffer *text);

#endif
