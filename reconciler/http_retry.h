/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pause before a request is repeated, the same for both servers.
 */
#ifndef ACP_RECONCILER_HTTP_RETRY_H
#define ACP_RECONCILER_HTTP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Waits before the next attempt: ACP_HTTP_PAUSE_MIN_MS at first (*pause_ms is
 * 0), doubled each time up to ACP_HTTP_PAUSE_MAX_MS, with up to half of it by
 * chance against herds, and no less than retry_after_ms. False, at once, when
 * that would pass deadline_ms of acp_clock_now_ms.
 */
bool acp_http_retry_wait(
	int64_t *pause_ms, int64_t retry_after_ms, int64_t deadline_ms);

#endif
