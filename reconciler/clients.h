/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that talks to the two servers, opened together: one pool of
 * connections, the identities, and which of them is for what.
 */
#ifndef ACP_RECONCILER_CLIENTS_H
#define ACP_RECONCILER_CLIENTS_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/api.h"
#include "reconciler/kube.h"
#include "reconciler/lease.h"
#include "reconciler/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct acp_clients {
	size_t in_flight;
	struct acp_http_pool *pool;
	struct acp_kube_access *access;
	struct acp_kube_access *project_access; /* NULL: one identity */
	struct acp_kube *lease_kube; /* for the Lease alone: not guarded */
	struct acp_lease *lease; /* guards all other writes */
	struct acp_kube_guard guard;
	struct acp_kube *kube; /* the control plane's own namespaces */
	struct acp_kube *project_kube; /* the projects'; may be the same */
	struct acp_api_settings api_settings;
	struct acp_api *api;
	bool is_borrower; /* only kube, project_kube and api are its own */
};

/*
 * Opens them; nothing is sent yet. Completes settings, which outlives clients,
 * with what the access to the cluster knows. ACP_BAD_REQUEST with a reason in
 * why when the access cannot be read. clients is to be closed in both cases.
 */
ACP_MUST_CHECK enum acp_error acp_clients_open(struct acp_clients *clients,
	struct acp_reconciler_settings *settings, struct acp_buffer *why);

/*
 * Others over the same pool, identities and Lease, whose requests go before
 * all that are not urgent: for the fast pass. They are closed first.
 */
void acp_clients_open_urgent(
	struct acp_clients *urgent, const struct acp_clients *clients);

/* Releases the Lease; no request may be under way. */
void acp_clients_close(struct acp_clients *clients);

/* Who reads and writes in a namespace (NULL: of the whole cluster). */
struct acp_kube *acp_clients_peek_kube(const struct acp_clients *clients,
	const struct acp_site *site, const char *namespace);

ACP_AUTO_DEFINE(clients, struct acp_clients, acp_clients_close)

#endif
