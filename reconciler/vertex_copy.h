/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy of the Vertex secret in a project's namespace: made when a session
 * is started there, made anew when its source has changed. For sites that
 * choose it (copy_vertex_secret), because whoever may read Secrets in the
 * project can read the platform's key there (H-60).
 */
#ifndef ACP_RECONCILER_VERTEX_COPY_H
#define ACP_RECONCILER_VERTEX_COPY_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/clients.h"
#include "reconciler/runner_site.h"
#include "reconciler/site.h"
#include "reconciler/world.h"

#include <stddef.h>

/* Where a copy is to be; texts borrowed. */
struct acp_vertex_copy {
	const struct acp_clients *clients;
	const struct acp_site *site;
	const struct acp_runner_site *runner;
	const char *namespace;
	const char *project_id;
};

/* Are copies made at all? */
bool acp_vertex_copy_is_wanted(
	const struct acp_site *site, const struct acp_runner_site *runner);

/*
 * Makes the copy be as its source. A Secret of that name that is no copy of
 * ours, by its labels and its annotation, stays. Unless ACP_OK, why has the reason.
 */
ACP_MUST_CHECK enum acp_error acp_vertex_copy_make(
	const struct acp_vertex_copy *copy, struct acp_buffer *why);

/*
 * The same for copies that are there, in the namespaces of all projects of a
 * world, when it is time for the hourly look at Secrets; failures are logged.
 * Returns their number.
 */
size_t acp_vertex_copy_refresh(const struct acp_clients *clients,
	const struct acp_site *site, const struct acp_runner_site *runner,
	const struct acp_world *world);

#endif
