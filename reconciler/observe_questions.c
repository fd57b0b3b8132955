/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single GETs where a list left a question: is that project gone, is that
 * namespace free, is the Secret there. No answer is an answer of its own.
 */
#include <config.h>

#include "reconciler/observe.h"

#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/desired.h"
#include "reconciler/observe_object.h"
#include "reconciler/parallel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_TEXT_MAX = 1024 };

/* Objects to ask for, one by one. */
struct questions {
	struct acp_observer *observer;
	struct acp_ref *refs; /* names live in the world's arena */
	size_t count;
	struct acp_objects *answers;
	bool is_metadata_only;
	atomic_bool is_unclear;
};

static void
ask_object(void *context, size_t index)
{
	struct questions *questions = context;
	struct acp_observer *observer = questions->observer;
	const struct acp_ref *ref = &questions->refs[index];
	struct acp_kube *kube = acp_clients_peek_kube(
		observer->clients, observer->site, ref->namespace);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	struct acp_object object;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = questions->is_metadata_only
		? acp_kube_get_metadata(kube, ref, &reply)
		: acp_kube_get(kube, ref, &reply);
	if (error == ACP_GONE)
		return;
	pthread_mutex_lock(&observer->lock);
	if (!error &&
		acp_observe_object(
			ref->kind, reply.body, observer->world->arena, &object))
		*acp_world_add_object(questions->answers) = object;
	else
		atomic_store(&questions->is_unclear, true);
	pthread_mutex_unlock(&observer->lock);
}

static void
ask_objects(struct questions *questions)
{
	acp_parallel_run(questions->observer->clients->in_flight,
		questions->count, ask_object, questions);
	questions->answers->is_known = !atomic_load(&questions->is_unclear);
	questions->answers->is_served = true;
	free(questions->refs);
}

static void
add_question(struct questions *questions, enum acp_kind kind,
	const char *namespace, const char *name)
{
	questions->refs[questions->count++] = (struct acp_ref){
		.kind = kind, .namespace = namespace, .name = name};
}

/* Asks for what a project's namespace would be, unless it was listed. */
static void
add_namespace(struct questions *questions, enum acp_kind kind,
	const char *namespace, const char *name)
{
	const struct acp_ref ref = {
		.kind = kind, .namespace = namespace, .name = name};

	if (!acp_world_find_object(questions->observer->world, &ref))
		add_question(questions, kind, namespace, name);
}

static void
add_project_namespace(
	struct questions *questions, const struct acp_project_row *project)
{
	const struct acp_site *site = questions->observer->site;
	struct acp_arena *arena = questions->observer->world->arena;
	ACP_AUTO(buffer) struct acp_buffer why;
	char name[ACP_NAME_SIZE];
	const char *kept;

	acp_buffer_init(&why, PATH_TEXT_MAX);
	if (project->bad ||
		acp_desired_namespace_name(site, project->id, name, &why))
		return;
	kept = acp_arena_dup(arena, name);
	add_namespace(questions, ACP_KIND_NAMESPACE, NULL, kept);
	if (site->platform == ACP_PLATFORM_MPP)
		add_namespace(questions, ACP_KIND_TENANT_NAMESPACE,
			site->config_namespace,
			acp_desired_tenant_name(site, kept));
}

void
acp_observe_foreign(struct acp_observer *observer)
{
	struct acp_world *world = observer->world;
	struct questions questions = {
		.observer = observer, .answers = &world->foreign_namespaces};

	questions.refs = acp_memory_new(
		2 * world->project_count + 1, sizeof(*questions.refs));
	for (size_t i = 0; i < world->project_count; i++)
		add_project_namespace(&questions, &world->projects[i]);
	ask_objects(&questions);
}

void
acp_observe_secrets(struct acp_observer *observer)
{
	struct acp_world *world = observer->world;
	const struct acp_objects *namespaces =
		&world->objects[ACP_KIND_NAMESPACE];
	struct questions questions = {.observer = observer,
		.answers = &world->objects[ACP_KIND_SECRET],
		.is_metadata_only = true};

	questions.refs =
		acp_memory_new(namespaces->count + 1, sizeof(*questions.refs));
	for (size_t i = 0; i < namespaces->count; i++)
		add_question(&questions, ACP_KIND_SECRET,
			namespaces->items[i].name, ACP_RUNNER_SECRET);
	ask_objects(&questions);
}

/* Rows */

struct absent {
	struct acp_observer *observer;
	const char **ids;
	size_t count;
	atomic_bool is_list_wrong;
	atomic_bool is_unanswered; /* neither there nor proved to be gone */
};

static enum acp_presence
ask_project(struct acp_observer *observer, const char *id)
{
	ACP_AUTO(buffer) struct acp_buffer path;
	ACP_AUTO(api_reply) struct acp_api_reply reply;

	acp_buffer_init(&path, PATH_TEXT_MAX);
	acp_api_reply_init(&reply);
	acp_api_write_path(&path, "projects", id);
	if (path.is_failed)
		return ACP_PRESENCE_UNKNOWN;
	switch (acp_api_get(
		observer->clients->api, acp_buffer_peek(&path), &reply)) {
	case ACP_OK:
		return ACP_PRESENCE_THERE;
	case ACP_GONE:
		return ACP_PRESENCE_GONE;
	default:
		return ACP_PRESENCE_UNKNOWN;
	}
}

static void
ask_absent(void *context, size_t index)
{
	struct absent *absent = context;
	struct acp_observer *observer = absent->observer;
	const char *id = absent->ids[index];
	enum acp_presence presence = ask_project(observer, id);

	pthread_mutex_lock(&observer->lock);
	acp_world_add_project_answer(observer->world, id, presence);
	pthread_mutex_unlock(&observer->lock);
	if (presence == ACP_PRESENCE_THERE)
		atomic_store(&absent->is_list_wrong, true);
	if (presence == ACP_PRESENCE_UNKNOWN)
		atomic_store(&absent->is_unanswered, true);
}

static int
compare_texts(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static void
sort_unique(struct absent *absent)
{
	size_t kept = 0;

	qsort(absent->ids, absent->count, sizeof(*absent->ids), compare_texts);
	for (size_t i = 0; i < absent->count; i++)
		if (i == 0 || strcmp(absent->ids[i], absent->ids[kept - 1]))
			absent->ids[kept++] = absent->ids[i];
	absent->count = kept;
}

static void
add_absent(struct absent *absent, const struct acp_objects *objects)
{
	const struct acp_world *world = absent->observer->world;

	absent->ids = acp_memory_resize(absent->ids,
		absent->count + objects->count + 1, sizeof(*absent->ids));
	for (size_t i = 0; i < objects->count; i++)
		if (objects->items[i].project_id &&
			!acp_world_find_project(
				world, objects->items[i].project_id))
			absent->ids[absent->count++] =
				objects->items[i].project_id;
}

static void
note_wrong_list(struct acp_world *world, const char *message)
{
	world->unknown_lists++;
	acp_log(ACP_LOG_WARN, "list_failed",
		ACP_F_TEXT("collection", "projects"),
		ACP_F_TEXT("message", message));
}

void
acp_observe_absent(struct acp_observer *observer)
{
	struct acp_world *world = observer->world;
	struct absent absent = {.observer = observer};

	/* a list that failed raises no question */
	if (!world->are_projects_known)
		return;
	add_absent(&absent, &world->objects[ACP_KIND_NAMESPACE]);
	add_absent(&absent, &world->objects[ACP_KIND_TENANT_NAMESPACE]);
	add_absent(&absent, &world->objects[ACP_KIND_ROLE_BINDING]);
	sort_unique(&absent);
	acp_parallel_run(observer->clients->in_flight, absent.count, ask_absent,
		&absent);
	free(absent.ids);
	if (atomic_load(&absent.is_list_wrong)) {
		world->are_projects_known = false;
		note_wrong_list(world, "it lacks a row that is there");
	} else if (atomic_load(&absent.is_unanswered)) {
		note_wrong_list(world, "a row that it lacks is not told gone");
	}
}
