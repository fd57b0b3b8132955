/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits between two attempts.
 */
#include <config.h>

#include "reconciler/http_retry.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/random.h"

#include <errno.h>
#include <time.h>

static void
sleep_ms(int64_t pause_ms)
{
	struct timespec pause = {
		.tv_sec = pause_ms / 1000,
		.tv_nsec = pause_ms % 1000 * 1000000,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, &pause) == EINTR)
		;
}

static int64_t
choose_pause(int64_t *last_ms, int64_t retry_after_ms)
{
	int64_t pause_ms = *last_ms ? *last_ms : ACP_HTTP_PAUSE_MIN_MS;
	uint16_t chance = 0;

	*last_ms = pause_ms * 2 < ACP_HTTP_PAUSE_MAX_MS ? pause_ms * 2
							: ACP_HTTP_PAUSE_MAX_MS;
	acp_random_fill(&chance, sizeof(chance));
	pause_ms += pause_ms / 2 * chance / UINT16_MAX;
	return retry_after_ms > pause_ms ? retry_after_ms : pause_ms;
}

bool
acp_http_retry_wait(
	int64_t *pause_ms, int64_t retry_after_ms, int64_t deadline_ms)
{
	int64_t wait_ms = choose_pause(pause_ms, retry_after_ms);

	if (acp_clock_now_ms() + wait_ms >= deadline_ms)
		return false;
	sleep_ms(wait_ms);
	return true;
}
