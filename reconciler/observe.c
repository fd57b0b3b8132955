/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of an observation: what a later step asks depends on what an
 * earlier one saw.
 */
#include <config.h>

#include "reconciler/observe.h"

#include "reconciler/anchor.h"

void
acp_observe(const struct acp_clients *clients, const struct acp_site *site,
	int64_t swept_s, struct acp_world *world)
{
	struct acp_observer observer = {.clients = clients,
		.site = site,
		.world = world,
		.lock = PTHREAD_MUTEX_INITIALIZER};

	acp_observe_lists(&observer);
	acp_world_sort(world);
	acp_observe_foreign(&observer);
	acp_world_sort(world);
	acp_observe_denied_lists(&observer);
	acp_world_sort(world);
	acp_anchor_judge(world, site);
	acp_observe_absent(&observer);
	acp_observe_missing(&observer);
	acp_world_sort(world);
	acp_anchor_judge(world, site);
	world->is_secret_sweep = world->kube_now_s &&
		world->kube_now_s - swept_s >= ACP_OBSERVE_SECRETS_S;
	if (world->is_secret_sweep)
		acp_observe_secrets(&observer);
	acp_world_sort(world);
	pthread_mutex_destroy(&observer.lock);
}
