/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fast pass looks at: sessions that changed and wait for something. One
 * request when there is none; what a project's need is asked project by
 * project, so that one that does not answer delays no other.
 */
#ifndef ACP_RECONCILER_OBSERVE_CHANGED_H
#define ACP_RECONCILER_OBSERVE_CHANGED_H

#include "lib/error.h"
#include "reconciler/observe.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What one fast pass leaves the next. */
struct acp_changes {
	pthread_mutex_t lock; /* of what is below: passes may overlap */
	int64_t newest_us; /* updated_at of the newest session seen */
	int64_t since_us; /* of what is looked at again; 0: nothing was yet */
	int64_t grown_ms; /* our time when newest_us last grew */
	bool is_by_phase; /* the server refuses the search by time */
};

/*
 * Fills an initialised world with those sessions, in no order, and the API
 * server's time, nothing else. Errors as acp_api_list. Any thread.
 */
ACP_MUST_CHECK enum acp_error acp_observe_changed(
	const struct acp_clients *clients, const struct acp_site *site,
	struct acp_changes *changes, struct acp_world *world);

/*
 * Completes a world that has only sessions, of one project: the project, its
 * namespace, their objects; everything else in it is unknown. False when a
 * question had no answer: nothing may be planned then.
 */
bool acp_observe_waiting(const struct acp_clients *clients,
	const struct acp_site *site, struct acp_world *world);

#endif
