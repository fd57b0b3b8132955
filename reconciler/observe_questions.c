/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single GETs where a list left a question: is that row gone, is that
 * namespace free, is the Secret there. No answer is an answer of its own.
 */
#include <config.h>

#include "reconciler/observe.h"

#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/desired.h"
#include "reconciler/observe_object.h"
#include "reconciler/ownership.h"
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
	atomic_bool is_unanswered; /* and by nobody's leave */
};

void
acp_observe_tell_silence(const struct acp_ref *ref,
	const struct acp_kube_reply *reply, bool is_first)
{
	acp_log(is_first ? ACP_LOG_WARN : ACP_LOG_DEBUG, "question_failed",
		ACP_F_TEXT("kind", acp_kind_name(ref->kind)),
		ACP_F_TEXT("namespace", ref->namespace),
		ACP_F_TEXT("name", ref->name),
		ACP_F_TEXT("reason", acp_kube_reason_name(reply->reason)),
		ACP_F_TEXT("message", reply->message));
}

static void
note_unclear(struct questions *questions, const struct acp_ref *ref,
	const struct acp_kube_reply *reply)
{
	bool is_first = !atomic_exchange(&questions->is_unclear, true);

	acp_observe_tell_silence(ref, reply, is_first);
}

/* One that fails leaves the others usable. */
static void
note_clear(struct questions *questions, const struct acp_ref *ref)
{
	struct acp_world *world = questions->observer->world;

	if (questions->answers == &world->foreign_namespaces)
		acp_world_add_foreign_read(world, ref);
}

/*
 * In mpp the identity for projects may have no rights in a namespace before
 * it is there, and it comes only with its TenantNamespace, which is the proof
 * and is asked for by another identity.
 */
static bool
is_hidden_from_projects(const struct acp_observer *observer,
	const struct acp_ref *ref, enum acp_error error)
{
	return error == ACP_DENIED && ref->kind == ACP_KIND_NAMESPACE &&
		observer->site->platform == ACP_PLATFORM_MPP &&
		observer->clients->project_kube != observer->clients->kube;
}

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
	pthread_mutex_lock(&observer->lock);
	if (!error &&
		acp_observe_object(
			ref->kind, reply.body, observer->world->arena, &object))
		*acp_world_add_object(questions->answers) = object;
	else if (error != ACP_GONE)
		note_unclear(questions, ref, &reply);
	if (!error || error == ACP_GONE ||
		is_hidden_from_projects(observer, ref, error))
		note_clear(questions, ref);
	else
		atomic_store(&questions->is_unanswered, true);
	pthread_mutex_unlock(&observer->lock);
}

static void
ask_objects(struct questions *questions)
{
	acp_parallel_run(questions->observer->clients->in_flight,
		questions->count, ask_object, questions);
	questions->answers->is_known = !atomic_load(&questions->is_unclear);
	questions->answers->is_served = true;
	/* what stands on the answer is left undone */
	questions->observer->world->unknown_lists +=
		atomic_load(&questions->is_unanswered);
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

/* Rows of one collection that are wanted and were not listed. */
struct absent {
	struct acp_observer *observer;
	const char *collection;
	void (*add_answer)(struct acp_world *world, const char *id,
		enum acp_presence presence);
	bool *is_known; /* of the collection: not, if its list was wrong */
	const char **ids;
	size_t count;
	atomic_bool is_list_wrong;
	atomic_bool is_unanswered; /* neither there nor proved to be gone */
};

static enum acp_presence
ask_row(struct acp_observer *observer, const char *collection, const char *id)
{
	ACP_AUTO(buffer) struct acp_buffer path;
	ACP_AUTO(api_reply) struct acp_api_reply reply;

	acp_buffer_init(&path, PATH_TEXT_MAX);
	acp_api_reply_init(&reply);
	acp_api_write_path(&path, collection, id);
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
	enum acp_presence presence = ask_row(observer, absent->collection, id);

	pthread_mutex_lock(&observer->lock);
	absent->add_answer(observer->world, id, presence);
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

	if (absent->count)
		qsort(absent->ids, absent->count, sizeof(*absent->ids),
			compare_texts);
	for (size_t i = 0; i < absent->count; i++)
		if (i == 0 || strcmp(absent->ids[i], absent->ids[kept - 1]))
			absent->ids[kept++] = absent->ids[i];
	absent->count = kept;
}

static void
note_wrong_list(const struct absent *absent, const char *message)
{
	absent->observer->world->unknown_lists++;
	acp_log(ACP_LOG_WARN, "list_failed",
		ACP_F_TEXT("collection", absent->collection),
		ACP_F_TEXT("message", message));
}

/* Asks for each row once. Frees the ids. */
static void
ask_rows(struct absent *absent)
{
	struct acp_observer *observer = absent->observer;

	sort_unique(absent);
	acp_parallel_run(observer->clients->in_flight, absent->count,
		ask_absent, absent);
	free(absent->ids);
	if (atomic_load(&absent->is_list_wrong)) {
		*absent->is_known = false;
		note_wrong_list(absent, "it lacks a row that is there");
	} else if (atomic_load(&absent->is_unanswered)) {
		note_wrong_list(absent, "a row that it lacks is not told gone");
	}
}

/* Makes room for count ids more. */
static void
reserve_ids(struct absent *absent, size_t count)
{
	absent->ids = acp_memory_resize(
		absent->ids, absent->count + count + 1, sizeof(*absent->ids));
}

static void
add_project(struct absent *absent, const char *id)
{
	if (id && !acp_world_find_project(absent->observer->world, id))
		absent->ids[absent->count++] = id;
}

/* Is it of a kind that goes when its project is gone, and ours? */
static bool
goes_with_project(
	const struct acp_observer *observer, const struct acp_object *object)
{
	enum acp_role_in_project role =
		acp_ownership_judge(observer->site, object);

	return role == ACP_OBJECT_NAMESPACE || role == ACP_OBJECT_IMAGE_PULLER;
}

/* Not what tenants made: they could name any number of projects. */
static void
add_projects_of(struct absent *absent, enum acp_kind kind)
{
	const struct acp_objects *objects =
		&absent->observer->world->objects[kind];

	reserve_ids(absent, objects->count);
	for (size_t i = 0; i < objects->count; i++)
		if (goes_with_project(absent->observer, &objects->items[i]))
			add_project(absent, objects->items[i].project_id);
}

static bool
is_terminal(enum acp_phase phase)
{
	return phase == ACP_PHASE_STOPPED || phase == ACP_PHASE_COMPLETED ||
		phase == ACP_PHASE_FAILED;
}

/* Rows of sessions outlive their project (H-28). */
static void
add_projects_of_sessions(struct absent *absent)
{
	const struct acp_world *world = absent->observer->world;

	reserve_ids(absent, world->session_count);
	for (size_t i = 0; i < world->session_count; i++)
		if (!is_terminal(world->sessions[i].phase))
			add_project(absent, world->sessions[i].project_id);
}

static void
ask_projects(struct acp_observer *observer)
{
	struct acp_world *world = observer->world;
	struct absent absent = {.observer = observer,
		.collection = "projects",
		.add_answer = acp_world_add_project_answer,
		.is_known = &world->are_projects_known};

	/* a list that failed raises no question */
	if (!world->are_projects_known)
		return;
	add_projects_of(&absent, ACP_KIND_NAMESPACE);
	add_projects_of(&absent, ACP_KIND_TENANT_NAMESPACE);
	add_projects_of(&absent, ACP_KIND_ROLE_BINDING);
	if (world->are_sessions_known)
		add_projects_of_sessions(&absent);
	ask_rows(&absent);
}

/* Only what is ours by every sign: tenants could name any number of ids. */
static void
add_sessions_of(struct absent *absent, enum acp_kind kind)
{
	const struct acp_observer *observer = absent->observer;
	const struct acp_objects *objects = &observer->world->objects[kind];

	reserve_ids(absent, objects->count);
	for (size_t i = 0; i < objects->count; i++) {
		const struct acp_object *object = &objects->items[i];

		if (object->session_id &&
			!acp_world_find_session(
				observer->world, object->session_id) &&
			acp_ownership_is_of_session(
				observer->world, observer->site, object))
			absent->ids[absent->count++] = object->session_id;
	}
}

static void
ask_sessions(struct acp_observer *observer)
{
	struct acp_world *world = observer->world;
	struct absent absent = {.observer = observer,
		.collection = "sessions",
		.add_answer = acp_world_add_session_answer,
		.is_known = &world->are_sessions_known};

	if (!world->are_sessions_known)
		return;
	/* pods and services are ours by their account alone */
	add_sessions_of(&absent, ACP_KIND_SERVICE_ACCOUNT);
	ask_rows(&absent);
}

void
acp_observe_absent(struct acp_observer *observer)
{
	ask_projects(observer);
	ask_sessions(observer);
}
