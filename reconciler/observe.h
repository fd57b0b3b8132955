/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads both sides into a world: a list a kind, side by side, then single
 * objects and rows where a list has raised a question. Reads only.
 */
#ifndef ACP_RECONCILER_OBSERVE_H
#define ACP_RECONCILER_OBSERVE_H

#include "reconciler/clients.h"
#include "reconciler/site.h"
#include "reconciler/world.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* One observation under way; for the files observe*.c. */
struct acp_observer {
	const struct acp_clients *clients;
	const struct acp_site *site;
	struct acp_world *world;
	pthread_mutex_t lock; /* around the world and its arena */
};

/* Secrets are looked at once in so many seconds: they are never listed. */
#define ACP_OBSERVE_SECRETS_S 3600

/*
 * Fills an initialised world. swept_s is when Secrets were last looked at, on
 * the clock of the Kubernetes API server, 0: never. What could not be read is
 * marked unknown, and logged.
 */
void acp_observe(const struct acp_clients *clients, const struct acp_site *site,
	int64_t swept_s, struct acp_world *world);

/*
 * Fills an initialised world with what sessions need that waited for their
 * namespace, once a plan for seen was carried out which made it: they, their
 * projects, and the namespaces, which have nothing in them yet. Borrows from
 * seen, which outlives it. No session is in it when nothing was made.
 */
void acp_observe_made(const struct acp_clients *clients,
	const struct acp_site *site, const struct acp_world *seen,
	struct acp_world *world);

/* Collections of the API server that are read in every pass. */
#define ACP_OBSERVE_COLLECTIONS 3

/* Reads the collection of that number into the world. */
void acp_observe_collection(struct acp_observer *observer, size_t index);

/* The lists of both sides, side by side. */
void acp_observe_lists(struct acp_observer *observer);

/* The same kinds namespace by namespace, where a cluster-wide list is denied. */
void acp_observe_denied_lists(struct acp_observer *observer);

/* Namespaces that are wanted and carry no labels of ours. */
void acp_observe_foreign(struct acp_observer *observer);

/*
 * Projects that managed objects and sessions name, sessions that accounts
 * name, and no row does.
 */
void acp_observe_absent(struct acp_observer *observer);

/*
 * What sessions that run, as their rows say, should have and no list has: is
 * it gone, or has it lost its labels?
 */
void acp_observe_missing(struct acp_observer *observer);

/*
 * Logs that a question about an object has no answer. The first of them, as a
 * warning, stands for all: silence mostly comes in numbers.
 */
void acp_observe_tell_silence(const struct acp_ref *ref,
	const struct acp_kube_reply *reply, bool is_first);

/* The runner Secrets, by their metadata alone. */
void acp_observe_secrets(struct acp_observer *observer);

#endif
