/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fast pass looks at: sessions that changed and wait for something. One
 * request when there is none.
 */
#ifndef ACP_RECONCILER_OBSERVE_CHANGED_H
#define ACP_RECONCILER_OBSERVE_CHANGED_H

#include "lib/error.h"
#include "reconciler/observe.h"

#include <stdbool.h>
#include <stdint.h>

/* What one fast pass leaves the next. */
struct acp_changes {
	int64_t newest_us; /* updated_at of the newest session seen */
	int64_t since_us; /* of what is looked at again; 0: nothing was yet */
	bool is_by_phase; /* the server refuses the search by time */
};

/*
 * Fills an initialised world with those sessions, their projects, namespaces
 * and objects; everything else in it is unknown. Errors as acp_api_list.
 */
ACP_MUST_CHECK enum acp_error acp_observe_changed(
	const struct acp_clients *clients, const struct acp_site *site,
	struct acp_changes *changes, struct acp_world *world);

#endif
