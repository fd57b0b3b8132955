/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process that passes over a cluster holds from its start to its end:
 * settings, clients, the lock, the key's keeper, what passes leave each other.
 */
#ifndef ACP_RECONCILER_CONTROLLER_H
#define ACP_RECONCILER_CONTROLLER_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "reconciler/backoff.h"
#include "reconciler/claims.h"
#include "reconciler/clients.h"
#include "reconciler/key_sync.h"
#include "reconciler/metrics_file.h"
#include "reconciler/observe_changed.h"
#include "reconciler/settings.h"

#include <pthread.h>
#include <stdatomic.h>

struct acp_controller {
	struct acp_reconciler_settings settings;
	struct acp_clients clients;
	struct acp_key_sync *keys;
	pthread_mutex_t keys_lock; /* one thread at a time steps the keys */
	/* in the loop only, else NULL or closed */
	struct acp_backoff *backoff;
	struct acp_claims *claims;
	struct acp_clients urgent; /* of fast passes */
	struct acp_claims *looks; /* what fast passes have in hand */
	struct acp_backoff *resting; /* projects that did not answer one */
	struct acp_changes changes;
	struct acp_backoff *said; /* Events that are there */
	uint8_t refusals[ACP_HASH_SIZE]; /* that were logged last */
	struct acp_pass_metrics metrics;
	atomic_bool is_stopped; /* begin nothing any more */
};

/*
 * Reads settings and access, and sends nothing. ACP_BAD_REQUEST with a reason
 * in why. config outlives the controller, which is to be closed in both cases.
 */
ACP_MUST_CHECK enum acp_error acp_controller_open(
	struct acp_controller *controller, const struct acp_config *config,
	struct acp_buffer *why);
/*
 * From any thread: nothing more begins, what is in flight goes on to its end.
 * For once and all.
 */
void acp_controller_stop(struct acp_controller *controller);
/* Releases the Lease. */
void acp_controller_close(struct acp_controller *controller);

/* Opens what is for the loop. */
void acp_controller_open_loop(struct acp_controller *controller);

/*
 * One step of the key's keeper, as acp_key_sync_step; creates only while the
 * Lease is held. A failure is logged. True when Secret and file are in step.
 * Any thread.
 */
bool acp_controller_keep_keys(struct acp_controller *controller);

ACP_AUTO_DEFINE(controller, struct acp_controller, acp_controller_close)

#endif
