/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small world of what was just made: namespaces that were missing when
 * both sides were looked at, and the sessions that waited for them. Looks at
 * each of these namespaces once, and waits for none.
 */
#include <config.h>

#include "reconciler/observe.h"

#include "lib/memory.h"
#include "reconciler/desired.h"
#include "reconciler/observe_object.h"
#include "reconciler/ownership.h"
#include "reconciler/parallel.h"

#include <stdlib.h>
#include <string.h>

/* Its namespace is not there, or may not be used, as far as was seen. */
struct waiting {
	const struct acp_session_row *session;
	const char *namespace; /* lives in the arena of the new world */
};

struct look {
	struct acp_observer observer;
	const struct acp_world *seen;
	struct waiting *waiting;
	size_t count;
	struct acp_ref *refs; /* sorted, each one once */
	size_t ref_count;
};

static bool
is_waiting(const struct acp_session_row *row)
{
	/* what is left elsewhere of one that has moved is not in this world */
	return (row->phase == ACP_PHASE_EMPTY ||
		       row->phase == ACP_PHASE_PENDING) &&
		row->project_id && !row->kube_namespace;
}

static void
add_waiting(struct look *look, const struct acp_session_row *row)
{
	const struct acp_observer *observer = &look->observer;
	ACP_AUTO(buffer) struct acp_buffer why;
	char namespace[ACP_NAME_SIZE];

	/* why it has no namespace is said by the planner */
	acp_buffer_init(&why, 0);
	if (!is_waiting(row) ||
		!acp_world_find_project(look->seen, row->project_id) ||
		acp_desired_namespace_name(
			observer->site, row->project_id, namespace, &why) ||
		acp_ownership_has_namespace(
			look->seen, observer->site, row->project_id, namespace))
		return;
	look->waiting[look->count++] = (struct waiting){
		row, acp_arena_dup(observer->world->arena, namespace)};
}

static int
compare_waiting(const void *left, const void *right)
{
	const struct waiting *a = left, *b = right;

	return strcmp(a->namespace, b->namespace);
}

static void
add_refs(struct look *look, const char *namespace)
{
	const struct acp_site *site = look->observer.site;

	look->refs[look->ref_count++] =
		(struct acp_ref){.kind = ACP_KIND_NAMESPACE, .name = namespace};
	if (site->platform == ACP_PLATFORM_MPP)
		look->refs[look->ref_count++] = (struct acp_ref){
			.kind = ACP_KIND_TENANT_NAMESPACE,
			.namespace = site->config_namespace,
			.name = acp_desired_tenant_name(site, namespace)};
}

/* Those that were there are nothing that was just made. */
static bool
was_missing(const struct look *look, const char *namespace)
{
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL, namespace};

	return !acp_world_find_object(look->seen, &ref) &&
		!acp_world_find_foreign(look->seen, &ref);
}

static void
collect(struct look *look)
{
	const struct acp_world *seen = look->seen;

	for (size_t i = 0; i < seen->session_count; i++)
		add_waiting(look, &seen->sessions[i]);
	if (look->count)
		qsort(look->waiting, look->count, sizeof(*look->waiting),
			compare_waiting);
	for (size_t i = 0; i < look->count; i++)
		if ((i == 0 ||
			    compare_waiting(&look->waiting[i],
				    &look->waiting[i - 1]) != 0) &&
			was_missing(look, look->waiting[i].namespace))
			add_refs(look, look->waiting[i].namespace);
}

static void
ask(void *context, size_t index)
{
	struct look *look = context;
	struct acp_observer *observer = &look->observer;
	const struct acp_ref *ref = &look->refs[index];
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	struct acp_object object;

	acp_kube_reply_init(&reply);
	if (acp_kube_get(acp_clients_peek_kube(observer->clients,
				 observer->site, ref->namespace),
		    ref, &reply))
		return;
	pthread_mutex_lock(&observer->lock);
	if (acp_observe_object(
		    ref->kind, reply.body, observer->world->arena, &object))
		*acp_world_add_object(&observer->world->objects[ref->kind]) =
			object;
	pthread_mutex_unlock(&observer->lock);
}

static bool
is_last_project(const struct acp_world *world, const char *id)
{
	size_t count = world->project_count;

	return count > 0 && strcmp(world->projects[count - 1].id, id) == 0;
}

/* They come by namespace, so those of a project come together. */
static void
add_session(struct acp_world *world, const struct acp_world *seen,
	const struct acp_session_row *row)
{
	*acp_world_add_session(world) = *row;
	if (!is_last_project(world, row->project_id))
		*acp_world_add_project(world) =
			*acp_world_find_project(seen, row->project_id);
}

/* In a namespace that was just made there is nothing: that is known. */
static void
mark_known(struct acp_world *world, const struct acp_world *seen)
{
	for (int i = 0; i < ACP_KIND__MAX; i++) {
		world->objects[i].is_known = true;
		world->objects[i].is_served = true;
	}
	world->foreign_namespaces.is_known = true;
	world->are_projects_known = seen->are_projects_known;
	world->are_sessions_known = seen->are_sessions_known;
	world->keys = seen->keys;
	world->kube_now_s = seen->kube_now_s;
	world->api_now_s = seen->api_now_s;
}

/* Those whose namespace is there now, Active and ours. */
static void
take_sessions(const struct look *look)
{
	const struct acp_observer *observer = &look->observer;
	struct acp_world *world = observer->world;

	for (size_t i = 0; i < look->count; i++) {
		const struct waiting *waiting = &look->waiting[i];

		if (acp_ownership_has_namespace(world, observer->site,
			    waiting->session->project_id, waiting->namespace))
			add_session(world, look->seen, waiting->session);
	}
}

void
acp_observe_made(const struct acp_clients *clients, const struct acp_site *site,
	const struct acp_world *seen, struct acp_world *world)
{
	ACP_AUTO(free) struct waiting *waiting = NULL;
	ACP_AUTO(free) struct acp_ref *refs = NULL;
	struct look look = {.seen = seen,
		.observer = {.clients = clients,
			.site = site,
			.world = world,
			.lock = PTHREAD_MUTEX_INITIALIZER}};

	waiting = acp_memory_new(seen->session_count + 1, sizeof(*waiting));
	refs = acp_memory_new(2 * seen->session_count + 1, sizeof(*refs));
	look.waiting = waiting;
	look.refs = refs;
	if (seen->are_sessions_known && seen->are_projects_known)
		collect(&look);
	acp_parallel_run(clients->in_flight, look.ref_count, ask, &look);
	mark_known(world, seen);
	acp_world_sort(world);
	take_sessions(&look);
	acp_world_sort(world);
	pthread_mutex_destroy(&look.observer.lock);
}
