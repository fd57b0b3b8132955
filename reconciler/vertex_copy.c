/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies one Secret, of which nothing may be logged but its name. The copy
 * says in an annotation what it was made from, so that contents travel only
 * when they have changed.
 */
#include <config.h>

#include "reconciler/vertex_copy.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/desired.h"
#include "reconciler/desired_build.h"
#include "reconciler/observe_object.h"
#include "reconciler/ownership.h"
#include "reconciler/parallel.h"

#include <json-c/linkhash.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { FROM_MAX = 512 };

/* A copy under way. */
struct work {
	const struct acp_vertex_copy *copy;
	struct acp_arena *arena;
	struct acp_buffer *why;
	struct acp_object source; /* by its metadata */
	struct acp_object present;
	bool is_present;
};

bool
acp_vertex_copy_is_wanted(
	const struct acp_site *site, const struct acp_runner_site *runner)
{
	return runner->has_vertex && runner->copies_vertex &&
		runner->vertex_secret && site->vertex_namespace;
}

static struct acp_ref
name_source(const struct acp_vertex_copy *copy)
{
	return (struct acp_ref){ACP_KIND_SECRET, copy->site->vertex_namespace,
		copy->runner->vertex_secret};
}

static struct acp_ref
name_target(const struct acp_vertex_copy *copy)
{
	return (struct acp_ref){
		ACP_KIND_SECRET, copy->namespace, copy->runner->vertex_secret};
}

static struct acp_kube *
peek_kube(const struct acp_vertex_copy *copy, const struct acp_ref *ref)
{
	return acp_clients_peek_kube(copy->clients, copy->site, ref->namespace);
}

static enum acp_error
blame(const struct work *work, const struct acp_ref *ref, enum acp_error error,
	const struct acp_kube_reply *reply)
{
	acp_ref_describe(ref, work->why);
	acp_buffer_printf(work->why, ": %s%s%s",
		acp_kube_reason_name(reply->reason),
		*reply->message ? ": " : "", reply->message);
	return error;
}

/* ACP_GONE without a word: it may be meant to be so. */
static enum acp_error
look(struct work *work, const struct acp_ref *ref, struct acp_object *object)
{
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = acp_kube_get_metadata(peek_kube(work->copy, ref), ref, &reply);
	if (error)
		return error == ACP_GONE ? error
					 : blame(work, ref, error, &reply);
	if (acp_observe_object(ref->kind, reply.body, work->arena, object))
		return ACP_OK;
	return blame(work, ref, ACP_RETRY_LATER, &reply);
}

static enum acp_error
look_at_target(struct work *work)
{
	const struct acp_ref target = name_target(work->copy);
	enum acp_error error = look(work, &target, &work->present);

	work->is_present = !error;
	if (error && error != ACP_GONE)
		return error;
	return ACP_OK;
}

static enum acp_error
look_at_source(struct work *work)
{
	const struct acp_ref source = name_source(work->copy);
	enum acp_error error = look(work, &source, &work->source);

	if (error != ACP_GONE)
		return error;
	acp_ref_describe(&source, work->why);
	acp_buffer_append(work->why, " is not there");
	return ACP_BAD_REQUEST;
}

/* Other Secrets of ours say not what they were made from, and stay, too. */
static bool
is_ours(const struct work *work)
{
	const struct acp_object *present = &work->present;

	return present->marks[ACP_MARK_COPIED_FROM] &&
		acp_ownership_has_labels(work->copy->site, present) &&
		present->project_id &&
		strcmp(present->project_id, work->copy->project_id) == 0;
}

static void
write_from(const struct acp_object *source, char from[static FROM_MAX])
{
	snprintf(
		from, FROM_MAX, "%s/%s", source->uid, source->resource_version);
}

static bool
is_current(const struct work *work)
{
	const char *mark = work->present.marks[ACP_MARK_COPIED_FROM];
	char from[FROM_MAX];

	write_from(&work->source, from);
	return mark && strcmp(mark, from) == 0;
}

/* The contents are taken over, not copied: who has them wipes them. */
static struct json_object *
new_copy(const struct work *work, struct json_object *source)
{
	const struct acp_vertex_copy *copy = work->copy;
	const struct acp_ref ref = name_target(copy);
	struct json_object *body =
		acp_desired_new(copy->site, &ref, copy->project_id);
	struct json_object *data = acp_json_peek(source, "data");
	char from[FROM_MAX];

	write_from(&work->source, from);
	acp_desired_add_text(acp_desired_peek_annotations(body),
		acp_mark_name(ACP_MARK_COPIED_FROM), from);
	acp_desired_add_text(body, "type", "Opaque");
	if (data &&
		json_object_object_add(body, "data", json_object_get(data)) < 0)
		acp_memory_exhausted();
	return body;
}

static void
wipe(struct json_object *source)
{
	struct json_object *data = acp_json_peek(source, "data");

	if (!json_object_is_type(data, json_type_object))
		return;
	json_object_object_foreach(data, key, value)
	{
		(void)value;
		acp_json_wipe_text(data, key);
	}
}

static enum acp_error
create(struct work *work, struct json_object *source)
{
	const struct acp_ref target = name_target(work->copy);
	ACP_AUTO(json) struct json_object *body = new_copy(work, source);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = acp_kube_create(
		peek_kube(work->copy, &target), &target, body, &reply);
	wipe(reply.body);
	/* another session of the project was quicker */
	if (!error || reply.reason == ACP_KUBE_ALREADY_EXISTS)
		return ACP_OK;
	return blame(work, &target, error, &reply);
}

static enum acp_error
drop_present(struct work *work)
{
	const struct acp_ref target = name_target(work->copy);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	if (!work->is_present)
		return ACP_OK;
	error = acp_kube_delete(peek_kube(work->copy, &target), &target,
		work->present.uid, NULL, &reply);
	/* or another session of the project was quicker */
	if (!error || error == ACP_GONE || reply.reason == ACP_KUBE_CONFLICT)
		return ACP_OK;
	return blame(work, &target, error, &reply);
}

/* The source is read as it is now: it may be newer than what was looked at. */
static enum acp_error
make_anew(struct work *work)
{
	const struct acp_ref source = name_source(work->copy);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = acp_kube_get(peek_kube(work->copy, &source), &source, &reply);
	if (error)
		return blame(work, &source, error, &reply);
	if (acp_observe_object(
		    source.kind, reply.body, work->arena, &work->source))
		error = drop_present(work);
	else
		error = blame(work, &source, ACP_RETRY_LATER, &reply);
	if (!error)
		error = create(work, reply.body);
	wipe(reply.body);
	return error;
}

static enum acp_error
run(struct work *work, bool must_be_present)
{
	enum acp_error error = look_at_target(work);

	if (error)
		return error;
	if (work->is_present ? !is_ours(work) : must_be_present)
		return ACP_OK;
	error = look_at_source(work);
	if (error || (work->is_present && is_current(work)))
		return error;
	return make_anew(work);
}

static enum acp_error
start(const struct acp_vertex_copy *copy, bool must_be_present,
	struct acp_buffer *why)
{
	struct work work = {.copy = copy, .arena = acp_arena_new(), .why = why};
	enum acp_error error = run(&work, must_be_present);

	acp_arena_free(&work.arena);
	return error;
}

enum acp_error
acp_vertex_copy_make(const struct acp_vertex_copy *copy, struct acp_buffer *why)
{
	return start(copy, false, why);
}

/* Projects whose copies are looked at. */
struct refresh {
	struct acp_vertex_copy copy; /* but for the place */
	const struct acp_world *world;
	atomic_size_t failures;
};

static void
refresh_one(void *context, size_t index)
{
	struct refresh *refresh = context;
	struct acp_vertex_copy copy = refresh->copy;
	char namespace[ACP_NAME_SIZE];
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	copy.project_id = refresh->world->projects[index].id;
	copy.namespace = namespace;
	if (acp_desired_namespace_name(
		    copy.site, copy.project_id, namespace, &why) ||
		!acp_ownership_has_namespace(
			refresh->world, copy.site, copy.project_id, namespace))
		return;
	if (start(&copy, true, &why)) {
		atomic_fetch_add(&refresh->failures, 1);
		acp_log_message(ACP_LOG_WARN, "vertex_secret_not_copied", "%s",
			acp_buffer_peek(&why));
	}
}

size_t
acp_vertex_copy_refresh(const struct acp_clients *clients,
	const struct acp_site *site, const struct acp_runner_site *runner,
	const struct acp_world *world)
{
	struct refresh refresh = {.world = world,
		.copy = {.clients = clients, .site = site, .runner = runner}};

	if (world->is_secret_sweep && acp_vertex_copy_is_wanted(site, runner))
		acp_parallel_run(clients->in_flight, world->project_count,
			refresh_one, &refresh);
	return atomic_load(&refresh.failures);
}
