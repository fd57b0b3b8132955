/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans every session: brings rows and objects together by the session's id,
 * and hands each to the phase table. Objects that no row asks for go when the
 * API server has said that the row is gone. Plans nothing for a session in a
 * namespace that a list was not read of.
 */
#include <config.h>

#include "lib/limits.h"
#include "lib/memory.h"
#include "reconciler/ownership.h"
#include "reconciler/plan_session.h"

#include <stdlib.h>
#include <string.h>

static const enum acp_kind kinds[] = {
	ACP_KIND_SERVICE_ACCOUNT, ACP_KIND_SERVICE, ACP_KIND_POD};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* Everything that is ours of sessions, by id, namespace and kind. */
struct objects {
	struct acp_session_object *items;
	size_t count;
};

static void
clear_objects(struct objects *objects)
{
	free(objects->items);
}

ACP_AUTO_DEFINE(objects, struct objects, clear_objects)

static int
compare_items(const void *left, const void *right)
{
	const struct acp_session_object *a = left, *b = right;
	int order = strcmp(a->id, b->id);

	if (!order)
		order = strcmp(a->object->namespace, b->object->namespace);
	return order ? order : (int)a->object->kind - (int)b->object->kind;
}

static void
read_objects(const struct acp_world *world, const struct acp_site *site,
	struct objects *objects)
{
	size_t room = 1;

	for (size_t i = 0; i < KINDS; i++)
		room += world->objects[kinds[i]].count;
	objects->items = acp_memory_new(room, sizeof(*objects->items));
	for (size_t i = 0; i < KINDS; i++) {
		const struct acp_objects *listed = &world->objects[kinds[i]];

		for (size_t at = 0; at < listed->count; at++) {
			const struct acp_object *object = &listed->items[at];

			if (acp_ownership_is_of_session(world, site, object))
				objects->items[objects->count++] =
					(struct acp_session_object){
						object->session_id, object};
		}
	}
	qsort(objects->items, objects->count, sizeof(*objects->items),
		compare_items);
}

/* The end of the items that have the id of the one at first. */
static size_t
find_end(const struct objects *objects, size_t first)
{
	size_t end = first;

	while (end < objects->count &&
		strcmp(objects->items[end].id, objects->items[first].id) == 0)
		end++;
	return end;
}

static void
read_names(struct acp_session_step *session)
{
	const struct acp_session_row *row = session->row;
	char namespace[ACP_NAME_SIZE];
	ACP_AUTO(buffer) struct acp_buffer why;

	/* what is wrong is said elsewhere, by the project or the phase table */
	acp_buffer_init(&why, 0);
	session->has_names = acp_session_names_write(
				     row->id, &session->names, &why) == ACP_OK;
	session->namespace = "";
	if (row->project_id &&
		acp_desired_namespace_name(session->step.site, row->project_id,
			namespace, &why) == ACP_OK)
		session->namespace =
			acp_arena_dup(session->step.plan->arena, namespace);
}

static void
take_object(struct acp_session_step *session, const struct acp_object *object)
{
	const char *other = session->row->kube_namespace;
	bool is_pod = object->kind == ACP_KIND_POD;

	if (strcmp(object->namespace, session->namespace) != 0) {
		if (is_pod && other && strcmp(object->namespace, other) == 0)
			session->old_pod = object;
	} else if (is_pod) {
		session->pod = object;
	} else if (object->kind == ACP_KIND_SERVICE) {
		session->service = object;
	} else {
		session->account = object;
	}
}

static struct acp_session_step
begin(const struct acp_step *step, const struct acp_runner_site *runner,
	const char *id)
{
	struct acp_session_step session = {.step = *step, .runner = runner};

	session.step.unit = acp_plan_text(step->plan, "session/%s", id);
	return session;
}

/*
 * Was everything read that sessions may have in a namespace? One that is not
 * there has nothing.
 */
static bool
is_namespace_known(const struct acp_world *world, const char *namespace)
{
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL, namespace};
	bool is_known = true;

	for (size_t i = 0; i < KINDS; i++)
		is_known = is_known &&
			acp_world_knows_in(world, kinds[i], namespace);
	return is_known ||
		(world->objects[ACP_KIND_NAMESPACE].is_known &&
			world->foreign_namespaces.is_known &&
			!acp_world_find_object(world, &ref) &&
			!acp_world_find_foreign(world, &ref));
}

/* So where the row is to be, and where it says that it is. */
static bool
is_place_known(const struct acp_session_step *session)
{
	const struct acp_world *world = session->step.world;
	const char *other = session->row->kube_namespace;

	return (!*session->namespace ||
		       is_namespace_known(world, session->namespace)) &&
		(!other || is_namespace_known(world, other));
}

/* So wherever something of it was seen. */
static bool
are_objects_known(const struct acp_world *world,
	const struct acp_session_object *objects, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_namespace_known(world, objects[i].object->namespace))
			return false;
	return true;
}

static void
plan_row(const struct acp_step *step, const struct acp_runner_site *runner,
	const struct acp_session_row *row,
	const struct acp_session_object *objects, size_t count)
{
	struct acp_session_step session = begin(step, runner, row->id);

	session.row = row;
	session.objects = objects;
	session.object_count = count;
	read_names(&session);
	if (!is_place_known(&session) ||
		!are_objects_known(step->world, objects, count))
		return;
	for (size_t i = 0; i < count; i++)
		take_object(&session, objects[i].object);
	acp_session_find_by_name(&session);
	acp_session_clear_strays(&session);
	acp_session_plan_phase(&session);
}

static void
plan_gone(const struct acp_step *step, const struct acp_runner_site *runner,
	const struct acp_session_object *objects, size_t count)
{
	const struct acp_world *world = step->world;
	struct acp_session_step session;

	if (acp_world_find_answer(world->asked_sessions,
		    world->asked_session_count,
		    objects->id) != ACP_PRESENCE_GONE ||
		!are_objects_known(world, objects, count))
		return;
	session = begin(step, runner, objects->id);
	session.objects = objects;
	session.object_count = count;
	acp_session_clear_gone(&session);
}

/* Rows and objects are both in order of their ids: one walk over both. */
void
acp_plan_sessions(const struct acp_world *world, const struct acp_site *site,
	const struct acp_runner_site *runner, struct acp_plan *plan)
{
	const struct acp_step step = {
		.world = world, .site = site, .plan = plan};
	ACP_AUTO(objects) struct objects objects = {NULL, 0};
	size_t row = 0, first = 0;

	if (!world->are_sessions_known)
		return;
	read_objects(world, site, &objects);
	while (row < world->session_count || first < objects.count) {
		const struct acp_session_object *found = &objects.items[first];
		size_t end = find_end(&objects, first);
		int order = row >= world->session_count ? 1
			: first >= objects.count
			? -1
			: strcmp(world->sessions[row].id, found->id);

		if (order > 0)
			plan_gone(&step, runner, found, end - first);
		else
			plan_row(&step, runner, &world->sessions[row++], found,
				order ? 0 : end - first);
		if (order >= 0)
			first = end;
	}
}
