/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps one fresh API token in hand, on a thread of its own, so that no
 * caller waits for a slow identity provider while a usable token is there.
 * One request to the provider at a time, however many callers. Refreshes at
 * half of the token's life ± 10 %, at once when less than min(min_ttl,
 * life/2) is left; after a failure backs off 0.5 s to 30 s (5 s while no
 * usable token is in hand) with jitter, or as long as the provider asked.
 */
#ifndef ACP_FCGI_MINTER_H
#define ACP_FCGI_MINTER_H

#include "lib/token.h"
#include "lib/token_source.h"

#include <stdbool.h>
#include <stdint.h>

struct acp_minter;

/* One that waits for a token; embedded in what waits. */
struct acp_mint_waiter {
	/*
	 * Called once, on the minter's thread and without its lock: with a
	 * usable token (borrowed), or with NULL when attempts failed and none is expected, or
	 * mint_wait ran out. Must not block for long.
	 */
	void (*release)(
		struct acp_mint_waiter *waiter, struct acp_token *token);
	/* the minter's own */
	struct acp_mint_waiter *next;
	struct acp_mint_waiter *previous;
	int64_t deadline_ms;
	bool is_waiting;
};

enum acp_mint_answer {
	ACP_MINT_TOKEN, /* *token is usable; caller owns this reference */
	ACP_MINT_HELD, /* the waiter is queued and will be released */
	ACP_MINT_NONE, /* no usable token, and none is expected soon */
	ACP_MINT_ANSWER__MAX
};

/* What metrics and /readyz show; counters since start. */
struct acp_mint_status {
	bool has_token; /* usable now */
	int64_t expiry_wall_ms; /* 0: unknown or none */
	uint64_t successes;
	uint64_t failures;
	uint64_t duration_us; /* of all attempts together */
};

/*
 * Takes the source; starts nothing yet. Callbacks happen only after
 * acp_minter_start.
 */
struct acp_minter *acp_minter_new(struct acp_token_source *take_source,
	int64_t min_ttl_ms, int64_t mint_wait_ms);
ACP_MUST_CHECK enum acp_error acp_minter_start(struct acp_minter *minter);

/* Ends the thread, releases all waiters with NULL. */
void acp_minter_stop(struct acp_minter *minter);
void acp_minter_free(struct acp_minter **minter); /* stopped before */

/*
 * At a reload: takes a new source and values; the token in hand is kept
 * until the new source gave one, then replaced by it at once.
 */
void acp_minter_replace_source(struct acp_minter *minter,
	struct acp_token_source *take_source, int64_t min_ttl_ms,
	int64_t mint_wait_ms);

/*
 * True when the source that was given last is the one in use: what the ones
 * before it borrowed is free then.
 */
bool acp_minter_has_adopted(struct acp_minter *minter);

/*
 * Any thread. "Expected" means an attempt is under way, or comes within mint_wait
 * while not more than the first few have failed. waiter may be NULL: then ACP_MINT_HELD is not given.
 */
enum acp_mint_answer acp_minter_ask(struct acp_minter *minter,
	struct acp_mint_waiter *waiter, struct acp_token **token);

/* True when acp_minter_ask would not say ACP_MINT_NONE. */
bool acp_minter_is_hopeful(struct acp_minter *minter);

/* Takes a waiter out; true: it will not be released; false: too late. */
bool acp_minter_abandon(
	struct acp_minter *minter, struct acp_mint_waiter *waiter);

/* Whole seconds, at least 1, until the next attempt: for Retry-After. */
unsigned int acp_minter_get_retry_after_s(struct acp_minter *minter);

void acp_minter_get_status(
	struct acp_minter *minter, struct acp_mint_status *status);

#endif
