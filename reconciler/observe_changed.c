/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small world of a fast pass: the sessions that wait for something to be
 * done, and by name what they need to be judged. Its lists of other objects
 * are unknown, so that nothing else is planned.
 */
#include <config.h>

#include "reconciler/observe_changed.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/anchor.h"
#include "reconciler/desired.h"
#include "reconciler/observe_object.h"
#include "reconciler/parallel.h"
#include "reconciler/session_name.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024, US_PER_MS = 1000, US_PER_S = 1000000 };
enum { OVERLAP_US = 10 * US_PER_S, UNSETTLED_US = 600 * US_PER_S };
enum { QUIET_MS = 30000 };

/* Objects of one session: namespace, tenant, account, service, pod. */
enum { ASKED_PER_SESSION = 5 };

static const char by_phase[] = "phase in ('Pending','Stopping')";

struct glance {
	struct acp_observer observer;
	struct acp_changes *changes; /* NULL where none is read */
	struct acp_ref *refs;
	size_t ref_count;
	atomic_bool is_unclear;
};

static bool
is_waiting(enum acp_phase phase)
{
	return phase == ACP_PHASE_EMPTY || phase == ACP_PHASE_PENDING ||
		phase == ACP_PHASE_STOPPING;
}

static void
begin(void *context)
{
	struct glance *glance = context;

	glance->observer.world->session_count = 0;
}

/*
 * Is its namespace another one than the row says? What is left of it there is
 * for full passes to see.
 */
static bool
has_moved(const struct acp_site *site, const struct acp_session_row *row)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	char namespace[ACP_NAME_SIZE];

	acp_buffer_init(&why, TEXT_MAX);
	return row->kube_namespace &&
		(acp_desired_namespace_name(
			 site, row->project_id, namespace, &why) ||
			strcmp(row->kube_namespace, namespace) != 0);
}

/* Rows that wait for nothing only move the mark on. */
static void
take(void *context, struct json_object *json)
{
	struct glance *glance = context;
	struct acp_world *world = glance->observer.world;
	struct acp_session_row row;

	if (!acp_rows_read_session(json, world->arena, &row))
		return;
	if (row.updated_us > glance->changes->newest_us)
		glance->changes->newest_us = row.updated_us;
	if (is_waiting(row.phase) && !row.bad && row.project_id &&
		!has_moved(glance->observer.site, &row))
		*acp_world_add_session(world) = row;
}

static enum acp_error
list_sessions(struct glance *glance, const char *search)
{
	const struct acp_api_sink sink = {
		.begin = begin, .take = take, .context = glance};
	struct acp_world *world = glance->observer.world;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	enum acp_error error;

	acp_api_reply_init(&reply);
	error = acp_api_list(glance->observer.clients->api, "sessions", search,
		&sink, &reply);
	world->api_now_s = reply.date_s;
	if (error && (reply.code == 400 || reply.code == 500))
		return ACP_BAD_REQUEST;
	return error;
}

/* The first time by phase: nothing is known of what changed before. */
static enum acp_error
list_first(struct glance *glance)
{
	enum acp_error error = list_sessions(glance, by_phase);

	if (!error)
		glance->changes->newest_us =
			glance->observer.world->api_now_s * US_PER_S;
	return error;
}

/*
 * For late writers, and servers whose clocks are a little apart. None of them
 * is older than the newest that was seen once that has long been the newest;
 * without that, what a herd left in those seconds would be listed for ever.
 */
static int64_t
choose_overlap_us(const struct acp_changes *changes)
{
	bool is_quiet = changes->since_us == changes->newest_us &&
		acp_clock_now_ms() - changes->grown_ms > QUIET_MS;

	return is_quiet ? 0 : OVERLAP_US;
}

/* Changed since the newest that was seen, less the overlap. */
static enum acp_error
list_changed(struct glance *glance)
{
	ACP_AUTO(buffer) struct acp_buffer search;
	char since[ACP_CLOCK_TEXT_SIZE];
	enum acp_error error;

	acp_buffer_init(&search, TEXT_MAX);
	if (glance->changes->is_by_phase)
		return list_sessions(glance, by_phase);
	if (!glance->changes->since_us)
		return list_first(glance);
	acp_clock_format((glance->changes->since_us -
				 choose_overlap_us(glance->changes)) /
			US_PER_MS,
		3, since);
	acp_buffer_printf(&search, "updated_at > '%s'", since);
	error = list_sessions(glance, acp_buffer_peek(&search));
	if (error != ACP_BAD_REQUEST)
		return error;
	acp_log(ACP_LOG_INFO, "search_refused",
		ACP_F_TEXT("message", "changed sessions are found by phase"));
	glance->changes->is_by_phase = true;
	return list_sessions(glance, by_phase);
}

/* Their project */

/* Without a row of it nothing is provisioned. */
static void
ask_project(struct glance *glance)
{
	struct acp_observer *observer = &glance->observer;
	struct acp_world *world = observer->world;
	ACP_AUTO(buffer) struct acp_buffer path;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	struct acp_project_row row;

	acp_buffer_init(&path, TEXT_MAX);
	acp_api_reply_init(&reply);
	acp_api_write_path(&path, "projects", world->sessions[0].project_id);
	if (!acp_api_get(
		    observer->clients->api, acp_buffer_peek(&path), &reply) &&
		acp_rows_read_project(reply.body, world->arena, &row))
		*acp_world_add_project(world) = row;
}

/* Objects by name */

static void
add_ref(struct glance *glance, enum acp_kind kind, const char *namespace,
	const char *name)
{
	struct acp_arena *arena = glance->observer.world->arena;

	glance->refs[glance->ref_count++] = (struct acp_ref){.kind = kind,
		.namespace = namespace ? acp_arena_dup(arena, namespace) : NULL,
		.name = acp_arena_dup(arena, name)};
}

static void
add_session(struct glance *glance, const struct acp_session_row *session)
{
	const struct acp_site *site = glance->observer.site;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_session_names names;
	char namespace[ACP_NAME_SIZE];

	acp_buffer_init(&why, TEXT_MAX);
	if (acp_desired_namespace_name(
		    site, session->project_id, namespace, &why))
		return;
	add_ref(glance, ACP_KIND_NAMESPACE, NULL, namespace);
	if (site->platform == ACP_PLATFORM_MPP)
		add_ref(glance, ACP_KIND_TENANT_NAMESPACE,
			site->config_namespace,
			acp_desired_tenant_name(site, namespace));
	if (acp_session_names_write(session->id, &names, &why))
		return;
	add_ref(glance, ACP_KIND_SERVICE_ACCOUNT, namespace, names.account);
	add_ref(glance, ACP_KIND_SERVICE, namespace, names.service);
	add_ref(glance, ACP_KIND_POD, namespace, names.pod);
}

static int
compare_refs(const void *left, const void *right)
{
	const struct acp_ref *a = left, *b = right;
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	order = strcmp(a->namespace ? a->namespace : "",
		b->namespace ? b->namespace : "");
	return order ? order : strcmp(a->name, b->name);
}

static void
sort_refs(struct glance *glance)
{
	size_t kept = 0;

	if (glance->ref_count > 0)
		qsort(glance->refs, glance->ref_count, sizeof(*glance->refs),
			compare_refs);
	for (size_t i = 0; i < glance->ref_count; i++)
		if (i == 0 ||
			compare_refs(
				&glance->refs[i], &glance->refs[kept - 1]) != 0)
			glance->refs[kept++] = glance->refs[i];
	glance->ref_count = kept;
}

/* A list of namespaces would have had it, by its labels. */
static bool
is_listed(const struct acp_site *site, const struct acp_object *object)
{
	return object->managed && strcmp(object->managed, "true") == 0 &&
		object->instance &&
		strcmp(object->instance, site->instance) == 0;
}

/* What has the name of an object of a session is of interest in any case. */
static void
keep(struct acp_observer *observer, const struct acp_object *object)
{
	struct acp_world *world = observer->world;
	bool is_namespace = object->kind == ACP_KIND_NAMESPACE ||
		object->kind == ACP_KIND_TENANT_NAMESPACE;

	if (is_namespace && !is_listed(observer->site, object))
		*acp_world_add_object(&world->foreign_namespaces) = *object;
	else
		*acp_world_add_object(&world->objects[object->kind]) = *object;
}

static void
ask_object(void *context, size_t index)
{
	struct glance *glance = context;
	struct acp_observer *observer = &glance->observer;
	const struct acp_ref *ref = &glance->refs[index];
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	struct acp_object object;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	/* a namespace that does not answer is not asked on and on */
	if (atomic_load(&glance->is_unclear))
		return;
	error = acp_kube_get(acp_clients_peek_kube(observer->clients,
				     observer->site, ref->namespace),
		ref, &reply);
	pthread_mutex_lock(&observer->lock);
	if (reply.date_s > observer->world->kube_now_s)
		observer->world->kube_now_s = reply.date_s;
	if (!error &&
		acp_observe_object(
			ref->kind, reply.body, observer->world->arena, &object))
		keep(observer, &object);
	else if (error != ACP_GONE)
		atomic_store(&glance->is_unclear, true);
	pthread_mutex_unlock(&observer->lock);
}

/* What was asked for by name is as good as a list of it. */
static void
mark_known(struct acp_world *world, bool is_known)
{
	static const enum acp_kind kinds[] = {ACP_KIND_NAMESPACE,
		ACP_KIND_TENANT_NAMESPACE, ACP_KIND_SERVICE_ACCOUNT,
		ACP_KIND_SERVICE, ACP_KIND_POD};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		world->objects[kinds[i]].is_known = is_known;
		world->objects[kinds[i]].is_served = true;
	}
	world->foreign_namespaces.is_known = is_known;
	world->foreign_namespaces.is_served = true;
	world->are_projects_known = is_known;
	world->are_sessions_known = is_known;
}

static void
look(struct glance *glance)
{
	struct acp_world *world = glance->observer.world;

	ask_project(glance);
	glance->refs = acp_memory_new(ASKED_PER_SESSION * world->session_count,
		sizeof(*glance->refs));
	for (size_t i = 0; i < world->session_count; i++)
		add_session(glance, &world->sessions[i]);
	sort_refs(glance);
	acp_parallel_run(glance->observer.clients->in_flight, glance->ref_count,
		ask_object, glance);
	free(glance->refs);
}

/* What still waits is looked at again, for a while; full passes go on. */
static void
set_mark(struct acp_changes *changes, const struct acp_world *world)
{
	changes->since_us = changes->newest_us;
	for (size_t i = 0; i < world->session_count; i++) {
		int64_t updated_us = world->sessions[i].updated_us;

		if (updated_us < changes->since_us &&
			updated_us > changes->newest_us - UNSETTLED_US)
			changes->since_us = updated_us;
	}
}

enum acp_error
acp_observe_changed(const struct acp_clients *clients,
	const struct acp_site *site, struct acp_changes *changes,
	struct acp_world *world)
{
	struct glance glance = {.changes = changes,
		.observer = {.clients = clients, .site = site, .world = world}};
	enum acp_error error;
	int64_t newest_us;

	pthread_mutex_lock(&changes->lock);
	newest_us = changes->newest_us;
	error = list_changed(&glance);
	if (!error)
		set_mark(changes, world);
	if (changes->newest_us > newest_us)
		changes->grown_ms = acp_clock_now_ms();
	pthread_mutex_unlock(&changes->lock);
	return error;
}

/* Pods were asked for by name: what did not come is not there. */
static void
answer_for_pods(struct acp_world *world, const struct acp_site *site)
{
	for (size_t i = 0; i < world->session_count; i++) {
		const struct acp_session_row *row = &world->sessions[i];
		ACP_AUTO(buffer) struct acp_buffer why;
		struct acp_session_names names;
		char namespace[ACP_NAME_SIZE];
		const struct acp_ref ref = {ACP_KIND_POD, namespace, names.pod};

		acp_buffer_init(&why, TEXT_MAX);
		if (acp_session_names_write(row->id, &names, &why) ||
			acp_desired_namespace_name(
				site, row->project_id, namespace, &why))
			continue;
		acp_world_add_pod_answer(world, row->id,
			acp_world_find_object(world, &ref) ? ACP_PRESENCE_THERE
							   : ACP_PRESENCE_GONE);
	}
}

bool
acp_observe_waiting(const struct acp_clients *clients,
	const struct acp_site *site, struct acp_world *world)
{
	struct glance glance = {.observer = {.clients = clients,
					.site = site,
					.world = world,
					.lock = PTHREAD_MUTEX_INITIALIZER}};
	bool is_clear;

	look(&glance);
	is_clear = !atomic_load(&glance.is_unclear);
	mark_known(world, is_clear);
	acp_world_sort(world);
	if (is_clear)
		answer_for_pods(world, site);
	acp_world_sort(world);
	acp_anchor_judge(world, site);
	pthread_mutex_destroy(&glance.observer.lock);
	return is_clear;
}
