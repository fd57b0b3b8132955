/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembers what ciphertexts held, so that a client that repeats one costs
 * nothing: a bounded table, least recently used out first, failures in a
 * part of their own that cannot push out the rest. Keyed by an HMAC under a
 * random key of this process. Not thread-safe: work.c holds its lock.
 */
#ifndef ACP_FCGI_RESULTS_H
#define ACP_FCGI_RESULTS_H

#include "fcgi/bearer.h"
#include "fcgi/keyset.h"
#include "fcgi/unsealed.h"
#include "lib/hmac.h"

#include <stddef.h>
#include <stdint.h>

/* How long a failure is remembered: one client's retries (seconds). */
#define ACP_RESULTS_FAILURE_TTL_MS 30000

struct acp_results;

/* The name of a ciphertext in the table. */
struct acp_result_key {
	uint8_t bytes[ACP_HMAC_SIZE];
};

/* Room for entries results (failures: an eighth more) of ttl_ms life. */
struct acp_results *acp_results_new(size_t entries, int64_t ttl_ms);
void acp_results_free(struct acp_results **results);

/* At a reload; surplus entries go at once. */
void acp_results_resize(
	struct acp_results *results, size_t entries, int64_t ttl_ms);

/* Pure but for the process key: may be called without the lock. */
void acp_results_name(const struct acp_results *results,
	const struct acp_ciphertext *ciphertext, struct acp_result_key *key);

/*
 * The remembered result, or NULL when there is none or it is too old;
 * borrowed until the next call.
 */
const struct acp_unsealed *acp_results_find(struct acp_results *results,
	const struct acp_result_key *key, int64_t now_ms);

/* Remembers a copy; replaces what is there under that key. */
void acp_results_add(struct acp_results *results,
	const struct acp_result_key *key, const struct acp_unsealed *unsealed,
	int64_t now_ms);

/* Drops all failures, and what was opened by a key that is not in keyset. */
void acp_results_keep_keys(
	struct acp_results *results, const struct acp_keyset *keyset);

/* Entries held now, for the test of the bound. */
size_t acp_results_get_count(const struct acp_results *results);

#endif
