/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic of refresh and back-off, for the minter and for the token cache
 * of CGI.
 */
#include <config.h>

#include "fcgi/mint_schedule.h"

#include <stdint.h>
#include <sys/random.h>

#include "lib/limits.h"

static int64_t
pick_less(int64_t left, int64_t right)
{
	return left < right ? left : right;
}

static int64_t
pick_more(int64_t left, int64_t right)
{
	return left > right ? left : right;
}

void
acp_mint_schedule_init(struct acp_mint_schedule *schedule, int64_t now_ms)
{
	*schedule = (struct acp_mint_schedule){.next_ms = now_ms};
}

/* Half of the life, give or take a tenth of that. */
static int64_t
compute_half_ms(const struct acp_token *token, int64_t now_ms, int jitter)
{
	int64_t life_ms = acp_token_get_life_ms(token);
	int64_t asked_ms =
		now_ms + acp_token_get_left_ms(token, now_ms) - life_ms;

	return asked_ms + life_ms / 2 + life_ms / 20 * jitter / 1000;
}

void
acp_mint_schedule_success(struct acp_mint_schedule *schedule,
	const struct acp_token *token, int64_t min_ttl_ms, int64_t now_ms,
	int jitter)
{
	int64_t due_ms = acp_token_get_due_ms(token, min_ttl_ms);

	if (due_ms == INT64_MAX) {
		acp_mint_schedule_init(schedule, INT64_MAX);
		return;
	}
	if (due_ms <= now_ms) {
		acp_mint_schedule_failure(schedule,
			acp_token_get_usable_ms(token, now_ms), 0, now_ms,
			jitter);
		return;
	}
	due_ms = pick_less(due_ms, compute_half_ms(token, now_ms, jitter));
	acp_mint_schedule_init(
		schedule, pick_more(due_ms, now_ms + ACP_MINT_PAUSE_MIN_MS));
}

static int64_t
add_jitter(int64_t pause_ms, int jitter)
{
	return pause_ms + pause_ms / 5 * jitter / 1000;
}

void
acp_mint_schedule_failure(struct acp_mint_schedule *schedule, int64_t usable_ms,
	int64_t retry_after_ms, int64_t now_ms, int jitter)
{
	int64_t pause_ms = pick_less(ACP_MINT_PAUSE_MAX_MS,
		pick_more(ACP_MINT_PAUSE_MIN_MS, schedule->pause_ms * 2));
	int64_t empty_ms = add_jitter(
		pick_less(pause_ms, ACP_MINT_PAUSE_EMPTY_MS), jitter);
	int64_t wait_ms = pick_less(add_jitter(pause_ms, jitter), usable_ms);

	wait_ms = pick_more(wait_ms, empty_ms);
	wait_ms = pick_more(wait_ms,
		pick_less(retry_after_ms, ACP_HTTP_RETRY_AFTER_MAX_S * 1000));
	schedule->pause_ms = pause_ms;
	schedule->next_ms = now_ms + wait_ms;
}

int
acp_mint_schedule_draw_jitter(void)
{
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
		return 0;
	return (int)(chance % 2001) - 1000;
}
