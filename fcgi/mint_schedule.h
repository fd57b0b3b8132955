/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the minter asks for the next token. Plain arithmetic on times of
 * acp_clock_now_ms and on a jitter of -1000 to 1000 that the caller draws:
 * it depends on no clock and on no chance.
 */
#ifndef ACP_FCGI_MINT_SCHEDULE_H
#define ACP_FCGI_MINT_SCHEDULE_H

#include "lib/token.h"

#include <stdint.h>

struct acp_mint_schedule {
	int64_t next_ms; /* INT64_MAX: only when the source has changed */
	int64_t pause_ms; /* the last back-off; 0 after a success */
};

/* At once, with no back-off. */
void acp_mint_schedule_init(struct acp_mint_schedule *schedule, int64_t now_ms);

/*
 * After a token was got: at half of its life ± 10 %, at once when less than
 * min(min_ttl, life/2) is left, but never sooner than ACP_MINT_PAUSE_MIN_MS.
 * A token that is due already (the source has no fresher one) backs off.
 */
void acp_mint_schedule_success(struct acp_mint_schedule *schedule,
	const struct acp_token *token, int64_t min_ttl_ms, int64_t now_ms,
	int jitter);

/*
 * After a failure: twice the last pause ± 20 %, ACP_MINT_PAUSE_MIN_MS at
 * first and ACP_MINT_PAUSE_MAX_MS at most; ACP_MINT_PAUSE_EMPTY_MS at most
 * from when the token in hand is no longer usable, which is in usable_ms (0:
 * there is none). Not sooner than retry_after_ms, if that is not absurd.
 */
void acp_mint_schedule_failure(struct acp_mint_schedule *schedule,
	int64_t usable_ms, int64_t retry_after_ms, int64_t now_ms, int jitter);

/* A jitter by chance; not secret. */
int acp_mint_schedule_draw_jitter(void);

#endif
