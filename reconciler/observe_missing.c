/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks by name for the objects of sessions that no list has. Only a pod that
 * is asked for and not there is gone; one whose labels were taken off is not.
 */
#include <config.h>

#include "reconciler/observe.h"

#include "lib/memory.h"
#include "reconciler/desired.h"
#include "reconciler/observe_object.h"
#include "reconciler/ownership.h"
#include "reconciler/parallel.h"
#include "reconciler/session_name.h"

#include <stdatomic.h>
#include <stdlib.h>

static const enum acp_kind kinds[] = {
	ACP_KIND_POD, ACP_KIND_SERVICE_ACCOUNT, ACP_KIND_SERVICE};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* One object; its name lives in the world's arena. */
struct question {
	struct acp_ref ref;
	const char *session_id;
};

struct missing {
	struct acp_observer *observer;
	struct question *questions;
	size_t count;
	atomic_bool is_unanswered;
};

static void
note_unanswered(struct missing *missing, const struct acp_ref *ref,
	const struct acp_kube_reply *reply)
{
	bool is_first = !atomic_exchange(&missing->is_unanswered, true);

	acp_observe_tell_silence(ref, reply, is_first);
}

/* The caller has the lock. */
static void
answer(struct acp_observer *observer, const struct question *question,
	enum acp_presence presence)
{
	if (question->ref.kind == ACP_KIND_POD)
		acp_world_add_pod_answer(
			observer->world, question->session_id, presence);
}

static void
ask(void *context, size_t index)
{
	struct missing *missing = context;
	struct acp_observer *observer = missing->observer;
	const struct question *question = &missing->questions[index];
	const struct acp_ref *ref = &question->ref;
	struct acp_kube *kube = acp_clients_peek_kube(
		observer->clients, observer->site, ref->namespace);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_presence presence = ACP_PRESENCE_UNKNOWN;
	struct acp_object object;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = acp_kube_get(kube, ref, &reply);
	pthread_mutex_lock(&observer->lock);
	if (error == ACP_GONE) {
		presence = ACP_PRESENCE_GONE;
	} else if (!error &&
		acp_observe_object(ref->kind, reply.body,
			observer->world->arena, &object)) {
		presence = ACP_PRESENCE_THERE;
		*acp_world_add_object(&observer->world->objects[ref->kind]) =
			object;
	} else {
		note_unanswered(missing, ref, &reply);
	}
	answer(observer, question, presence);
	pthread_mutex_unlock(&observer->lock);
}

static bool
is_said_to_run(const struct acp_session_row *row)
{
	return row->phase == ACP_PHASE_CREATING ||
		row->phase == ACP_PHASE_RUNNING;
}

/* One that stops, or is to run again, may have a pod; others have none. */
static bool
may_have(const struct acp_session_row *row, enum acp_kind kind)
{
	if (is_said_to_run(row))
		return true;
	if (row->phase == ACP_PHASE_STOPPING)
		return kind != ACP_KIND_SERVICE;
	return row->start_us &&
		(row->phase == ACP_PHASE_EMPTY ||
			row->phase == ACP_PHASE_PENDING);
}

static const char *
peek_name(const struct acp_session_names *names, enum acp_kind kind)
{
	switch ((int)kind) {
	case ACP_KIND_SERVICE_ACCOUNT:
		return names->account;
	case ACP_KIND_SERVICE:
		return names->service;
	default:
		return names->pod;
	}
}

/* What a list has, whatever it says of whose it is, is there. */
static void
add_question(struct missing *missing, const struct acp_session_row *row,
	const struct acp_ref *ref)
{
	struct acp_observer *observer = missing->observer;
	struct acp_arena *arena = observer->world->arena;
	const struct acp_object *seen =
		acp_world_find_object(observer->world, ref);
	const struct question question = {
		.ref = {ref->kind, ref->namespace, ref->name},
		.session_id = row->id};
	struct question *kept;

	if (seen) {
		answer(observer, &question, ACP_PRESENCE_THERE);
		return;
	}
	kept = &missing->questions[missing->count++];
	*kept = question;
	kept->ref.namespace = acp_arena_dup(arena, ref->namespace);
	kept->ref.name = acp_arena_dup(arena, ref->name);
}

/* Only where the namespace is ours and Active is a missing pod a lost one. */
static void
add_questions(struct missing *missing, const struct acp_session_row *row)
{
	const struct acp_observer *observer = missing->observer;
	const struct acp_world *world = observer->world;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_session_names names;
	char namespace[ACP_NAME_SIZE];

	acp_buffer_init(&why, 0);
	if (!row->project_id ||
		acp_session_names_write(row->id, &names, &why) ||
		acp_desired_namespace_name(
			observer->site, row->project_id, namespace, &why) ||
		!acp_ownership_has_namespace(
			world, observer->site, row->project_id, namespace))
		return;
	for (size_t i = 0; i < KINDS; i++) {
		const struct acp_ref ref = {
			kinds[i], namespace, peek_name(&names, kinds[i])};

		if (may_have(row, kinds[i]) &&
			acp_world_knows_in(world, kinds[i], namespace))
			add_question(missing, row, &ref);
	}
}

void
acp_observe_missing(struct acp_observer *observer)
{
	const struct acp_world *world = observer->world;
	ACP_AUTO(free) struct question *questions = NULL;
	struct missing missing = {.observer = observer};

	if (!world->are_sessions_known)
		return;
	questions = acp_memory_new(
		KINDS * world->session_count + 1, sizeof(*questions));
	missing.questions = questions;
	for (size_t i = 0; i < world->session_count; i++)
		add_questions(&missing, &world->sessions[i]);
	acp_parallel_run(
		observer->clients->in_flight, missing.count, ask, &missing);
	/* what stands on the answer is left undone */
	observer->world->unknown_lists += atomic_load(&missing.is_unanswered);
}
