/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to leave an object alone after failures: twice as long each time,
 * from 1 s to 5 min, for ever (H-15). For the loop; any thread.
 */
#ifndef ACP_RECONCILER_BACKOFF_H
#define ACP_RECONCILER_BACKOFF_H

#include "reconciler/kinds.h"

#include <stdbool.h>
#include <stdint.h>

struct acp_backoff;

struct acp_backoff *acp_backoff_new(void);
void acp_backoff_free(struct acp_backoff **backoff);

/* False while the object is to be left alone. Times of acp_clock_now_ms. */
bool acp_backoff_is_due(
	struct acp_backoff *backoff, const struct acp_ref *ref, int64_t now_ms);

/* Leaves the object alone until until_ms, whatever was before. */
void acp_backoff_rest(struct acp_backoff *backoff, const struct acp_ref *ref,
	int64_t until_ms);

/* After an attempt; a success forgets the object. */
void acp_backoff_note(struct acp_backoff *backoff, const struct acp_ref *ref,
	bool is_success, int64_t now_ms);

#endif
