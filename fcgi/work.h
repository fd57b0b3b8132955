/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens ciphertexts: a fair queue, workers behind it (one a processor), and
 * the memory of what was opened before it. Callers with a proof go first, then
 * those without, each kind by address in turn, and last the ciphertexts whose
 * callers have gone. A ciphertext that is queued or being opened is joined by
 * those who bring it again, never opened twice. Who waits here owns no thread.
 * The workers run at a lower priority (nice 5 more) than the rest of the
 * process, so that what needs no private key operation never waits for one.
 */
#ifndef ACP_FCGI_WORK_H
#define ACP_FCGI_WORK_H

#include "fcgi/bearer.h"
#include "fcgi/keystore.h"
#include "fcgi/metrics.h"
#include "fcgi/peers.h"
#include "fcgi/unsealed.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_work;
struct acp_job;

/* What may change at a reload. */
struct acp_work_limits {
	/* queued ciphertexts: beyond, those without callers are dropped */
	size_t most_queued;
	int64_t queue_wait_ms; /* longest wait to expect of a new one */
	size_t cache_entries;
	int64_t cache_ttl_ms;
};

/* One that waits for a ciphertext; embedded in what waits. */
struct acp_work_waiter {
	/*
	 * Called once, on a worker's thread and without its lock; unsealed
	 * (borrowed) is NULL when the work was stopped before its turn.
	 */
	void (*release)(struct acp_work_waiter *waiter,
		const struct acp_unsealed *unsealed);
	struct acp_peer *peer; /* whose it is; entered while it waits */
	/* the work's own */
	struct acp_work_waiter *next;
	struct acp_work_waiter *previous;
	struct acp_job *job;
};

enum acp_work_answer {
	ACP_WORK_KNOWN, /* *unsealed is written, nothing is held */
	ACP_WORK_HELD, /* the waiter will be released */
	ACP_WORK_FULL, /* it would have to wait too long */
	ACP_WORK_UNKNOWN, /* acp_work_recall only: not remembered */
	ACP_WORK_ANSWER__MAX
};

/* Memory that a queued ciphertext takes; it counts for the peers. */
size_t acp_work_get_job_memory(void);

/*
 * Borrows keystore, metrics and peers, which must outlive it. Starts the
 * threads.
 */
ACP_MUST_CHECK enum acp_error acp_work_new(struct acp_keystore *keystore,
	struct acp_metrics *metrics, struct acp_peers *peers, size_t workers,
	const struct acp_work_limits *limits, struct acp_work **work);

/* Ends the threads, after the operations under way; releases the rest. */
void acp_work_stop(struct acp_work *work);
void acp_work_free(struct acp_work **work); /* stopped before */

void acp_work_set_limits(
	struct acp_work *work, const struct acp_work_limits *limits);

/* After the keys changed: forgets what must not be remembered. */
void acp_work_forget(struct acp_work *work, const struct acp_keyset *keyset);

/* Looks into the memory only: ACP_WORK_KNOWN or ACP_WORK_UNKNOWN. */
enum acp_work_answer acp_work_recall(struct acp_work *work,
	const struct acp_ciphertext *ciphertext, struct acp_unsealed *unsealed);

/*
 * Brings a ciphertext that acp_keyset_may_open: KNOWN, HELD or FULL. With
 * FULL *retry_after_s (at least 1) is when to come again. One with a
 * proof_key_id goes before all that have none. One that is queued already is
 * joined, and moves forward when this caller alone would have a better place.
 */
enum acp_work_answer acp_work_submit(struct acp_work *work,
	const struct acp_ciphertext *ciphertext, struct acp_work_waiter *waiter,
	struct acp_unsealed *unsealed, unsigned int *retry_after_s);

/*
 * Takes a waiter out because its caller has gone; true: it will not be
 * released; false: too late. A ciphertext that nobody waits for any more goes
 * behind all others. It has its place again when the retry comes within
 * ACP_ABANDONED_KEEP_MS, all its absences together, and is dropped unopened
 * after that; at once when its address has its share of what is kept.
 */
bool acp_work_abandon(struct acp_work *work, struct acp_work_waiter *waiter);

/* Seconds, at least 1, until half of what is queued now will be opened. */
unsigned int acp_work_get_retry_after_s(struct acp_work *work);

/* Waiters now. */
size_t acp_work_get_held(struct acp_work *work);

#endif
