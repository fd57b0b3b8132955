/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot of both sides as sorted arrays. Filled by observe, searched by
 * the planner; must never judge what it holds.
 */
#include <config.h>

#include "reconciler/world.h"

#include "lib/buffer.h"
#include "lib/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FOREIGN_TEXT_MAX = 512 };

const char *
acp_mark_name(enum acp_mark mark)
{
	switch (mark) {
#define MARK_CASE(symbol, name) \
	case ACP_MARK_##symbol: \
		return (name);
		ACP_MARKS(MARK_CASE)
#undef MARK_CASE
	case ACP_MARK__MAX:
		break;
	}
	return "";
}

void
acp_world_init(struct acp_world *world)
{
	memset(world, 0, sizeof(*world));
	world->arena = acp_arena_new();
}

static void
clear_objects(struct acp_objects *objects)
{
	free(objects->items);
	free(objects->read_in);
}

void
acp_world_clear(struct acp_world *world)
{
	for (size_t i = 0; i < ACP_KIND__MAX; i++)
		clear_objects(&world->objects[i]);
	clear_objects(&world->foreign_namespaces);
	free(world->projects);
	free(world->settings);
	free(world->sessions);
	free(world->asked_projects);
	free(world->asked_sessions);
	free(world->asked_pods);
	acp_arena_free(&world->arena);
	memset(world, 0, sizeof(*world));
}

/*
 * Room for one more behind count, zeroed. An array is full when its count is
 * a power of two, so none has to say how much room it has.
 */
static void *
grow(void *items, size_t count, size_t size)
{
	if (!(count & (count - 1)))
		items = acp_memory_resize(items, count ? 2 * count : 1, size);
	memset((char *)items + count * size, 0, size);
	return items;
}

struct acp_object *
acp_world_add_object(struct acp_objects *objects)
{
	objects->items =
		grow(objects->items, objects->count, sizeof(*objects->items));
	return &objects->items[objects->count++];
}

struct acp_project_row *
acp_world_add_project(struct acp_world *world)
{
	world->projects = grow(world->projects, world->project_count,
		sizeof(*world->projects));
	return &world->projects[world->project_count++];
}

struct acp_settings_row *
acp_world_add_settings(struct acp_world *world)
{
	world->settings = grow(world->settings, world->settings_count,
		sizeof(*world->settings));
	return &world->settings[world->settings_count++];
}

struct acp_session_row *
acp_world_add_session(struct acp_world *world)
{
	world->sessions = grow(world->sessions, world->session_count,
		sizeof(*world->sessions));
	return &world->sessions[world->session_count++];
}

static void
add_answer(struct acp_answer **answers, size_t *count, const char *id,
	enum acp_presence presence)
{
	*answers = grow(*answers, *count, sizeof(**answers));
	(*answers)[(*count)++] = (struct acp_answer){id, presence};
}

void
acp_world_add_project_answer(
	struct acp_world *world, const char *id, enum acp_presence presence)
{
	add_answer(&world->asked_projects, &world->asked_project_count, id,
		presence);
}

void
acp_world_add_session_answer(
	struct acp_world *world, const char *id, enum acp_presence presence)
{
	add_answer(&world->asked_sessions, &world->asked_session_count, id,
		presence);
}

void
acp_world_add_pod_answer(struct acp_world *world, const char *session_id,
	enum acp_presence presence)
{
	add_answer(&world->asked_pods, &world->asked_pod_count, session_id,
		presence);
}

/* NULL, of an object that is not namespaced, comes first. */
static int
compare_texts(const char *left, const char *right)
{
	return strcmp(left ? left : "", right ? right : "");
}

static int
compare_objects(const void *left, const void *right)
{
	const struct acp_object *a = left, *b = right;
	int order = compare_texts(a->namespace, b->namespace);

	if (!order)
		order = compare_texts(a->name, b->name);
	return order ? order : (int)a->kind - (int)b->kind;
}

static int
compare_projects(const void *left, const void *right)
{
	const struct acp_project_row *a = left, *b = right;

	return strcmp(a->id, b->id);
}

static int
compare_settings(const void *left, const void *right)
{
	const struct acp_settings_row *a = left, *b = right;

	return compare_texts(a->project_id, b->project_id);
}

static int
compare_sessions(const void *left, const void *right)
{
	const struct acp_session_row *a = left, *b = right;

	return strcmp(a->id, b->id);
}

static int
compare_answers(const void *left, const void *right)
{
	const struct acp_answer *a = left, *b = right;

	return strcmp(a->id, b->id);
}

static void
sort(void *items, size_t count, size_t size,
	int (*compare)(const void *, const void *))
{
	if (count)
		qsort(items, count, size, compare);
}

static int
compare_names(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void
sort_objects(struct acp_objects *objects)
{
	sort(objects->items, objects->count, sizeof(*objects->items),
		compare_objects);
	sort(objects->read_in, objects->read_count, sizeof(*objects->read_in),
		compare_names);
}

void
acp_world_sort(struct acp_world *world)
{
	for (size_t i = 0; i < ACP_KIND__MAX; i++)
		sort_objects(&world->objects[i]);
	sort_objects(&world->foreign_namespaces);
	sort(world->projects, world->project_count, sizeof(*world->projects),
		compare_projects);
	sort(world->settings, world->settings_count, sizeof(*world->settings),
		compare_settings);
	sort(world->sessions, world->session_count, sizeof(*world->sessions),
		compare_sessions);
	sort(world->asked_projects, world->asked_project_count,
		sizeof(*world->asked_projects), compare_answers);
	sort(world->asked_sessions, world->asked_session_count,
		sizeof(*world->asked_sessions), compare_answers);
	sort(world->asked_pods, world->asked_pod_count,
		sizeof(*world->asked_pods), compare_answers);
}

/* bsearch, but an empty array may be NULL. */
static const void *
find(const void *key, const void *items, size_t count, size_t size,
	int (*compare)(const void *, const void *))
{
	return count ? bsearch(key, items, count, size, compare) : NULL;
}

const struct acp_project_row *
acp_world_find_project(const struct acp_world *world, const char *id)
{
	const struct acp_project_row key = {.id = id};

	return find(&key, world->projects, world->project_count, sizeof(key),
		compare_projects);
}

const struct acp_settings_row *
acp_world_find_settings(const struct acp_world *world, const char *project_id)
{
	const struct acp_settings_row key = {.project_id = project_id};

	return find(&key, world->settings, world->settings_count, sizeof(key),
		compare_settings);
}

const struct acp_session_row *
acp_world_find_session(const struct acp_world *world, const char *id)
{
	const struct acp_session_row key = {.id = id};

	return find(&key, world->sessions, world->session_count, sizeof(key),
		compare_sessions);
}

static const struct acp_object *
find_among(const struct acp_objects *objects, const struct acp_ref *ref)
{
	const struct acp_object key = {
		.kind = ref->kind,
		.namespace = ref->namespace,
		.name = ref->name,
	};

	return find(&key, objects->items, objects->count, sizeof(key),
		compare_objects);
}

const struct acp_object *
acp_world_find_object(const struct acp_world *world, const struct acp_ref *ref)
{
	return find_among(&world->objects[ref->kind], ref);
}

const struct acp_object *
acp_world_find_foreign(const struct acp_world *world, const struct acp_ref *ref)
{
	return find_among(&world->foreign_namespaces, ref);
}

enum acp_presence
acp_world_find_answer(
	const struct acp_answer *answers, size_t count, const char *id)
{
	const struct acp_answer key = {.id = id};
	const struct acp_answer *found =
		find(&key, answers, count, sizeof(key), compare_answers);

	return found ? found->presence : ACP_PRESENCE_UNKNOWN;
}

/* The first object whose namespace is not before (or is behind) this one. */
static size_t
find_bound(const struct acp_objects *objects, const char *namespace,
	bool is_behind)
{
	size_t low = 0, high = objects->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_texts(
			objects->items[middle].namespace, namespace);

		if (order < 0 || (is_behind && !order))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct acp_object *
acp_world_find_in(const struct acp_world *world, enum acp_kind kind,
	const char *namespace, size_t *count)
{
	const struct acp_objects *objects = &world->objects[kind];
	size_t first = find_bound(objects, namespace, false);

	*count = find_bound(objects, namespace, true) - first;
	return *count ? &objects->items[first] : NULL;
}

void
acp_world_add_read(struct acp_objects *objects, const char *namespace)
{
	objects->read_in = acp_memory_resize(objects->read_in,
		objects->read_count + 1, sizeof(*objects->read_in));
	objects->read_in[objects->read_count++] = namespace;
}

static bool
is_read(const struct acp_objects *objects, const char *name)
{
	return find(&name, objects->read_in, objects->read_count,
		sizeof(*objects->read_in), compare_names);
}

bool
acp_world_knows_in(const struct acp_world *world, enum acp_kind kind,
	const char *namespace)
{
	const struct acp_objects *objects = &world->objects[kind];

	return objects->is_known || (namespace && is_read(objects, namespace));
}

/* What a Namespace and a TenantNamespace of one name do not share. */
static const char *
peek_tag(const struct acp_ref *ref)
{
	return ref->namespace ? "/" : "";
}

void
acp_world_add_foreign_read(struct acp_world *world, const struct acp_ref *ref)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, FOREIGN_TEXT_MAX);
	acp_buffer_printf(&text, "%s%s", peek_tag(ref), ref->name);
	acp_world_add_read(&world->foreign_namespaces,
		acp_arena_dup(world->arena, acp_buffer_peek(&text)));
}

bool
acp_world_knows_foreign(
	const struct acp_world *world, const struct acp_ref *ref)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, FOREIGN_TEXT_MAX);
	acp_buffer_printf(&text, "%s%s", peek_tag(ref), ref->name);
	return world->foreign_namespaces.is_known ||
		is_read(&world->foreign_namespaces, acp_buffer_peek(&text));
}
