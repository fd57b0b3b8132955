/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out a plan: units side by side, the actions of a unit in order.
 * Decides nothing but whether an action may still be done: what was asked for
 * again just before may have changed.
 */
#ifndef ACP_RECONCILER_APPLY_H
#define ACP_RECONCILER_APPLY_H

#include "reconciler/backoff.h"
#include "reconciler/claims.h"
#include "reconciler/clients.h"
#include "reconciler/key_sync.h"
#include "reconciler/plan.h"
#include "reconciler/session_inputs.h"
#include "reconciler/site.h"
#include "reconciler/summary.h"

#include <stdatomic.h>
#include <stdint.h>

struct acp_applier {
	const struct acp_clients *clients;
	const struct acp_site *site;
	const struct acp_runner_site *runner;
	struct acp_key_sync *keys;
	struct acp_credential_lists *credential_lists; /* of this pass */
	struct acp_claims *claims; /* NULL: nobody else is at work */
	struct acp_backoff *backoff; /* NULL: each action is tried */
	struct acp_backoff *said; /* NULL: each Event is sent again */
	const atomic_bool *is_stopped; /* set: no action begins any more */
	int64_t deadline_ms; /* of acp_clock_now_ms: likewise */
};

/* Adds what became of each action to summary. Blocks until all is done. */
void acp_apply(const struct acp_applier *applier, const struct acp_plan *plan,
	struct acp_summary *summary);

#endif
