/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mass-deletion gate: an API server that has forgotten its rows, or hides
 * them from us, must not make us delete everything. Looks at the actions that
 * are done because a row is absent, and holds all of them when they are too
 * many; the rest of the plan goes on.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "lib/auto.h"
#include "lib/hash.h"
#include "lib/memory.h"

#include <stdlib.h>
#include <string.h>

enum { DIGEST_BYTES = 8, SHARE = 5 /* one in five */ };

static const char session_prefix[] = "session/";

/* Texts, sorted, each one once; borrowed from world and plan. */
struct set {
	const char **items;
	size_t count;
};

static void
clear_set(struct set *set)
{
	free(set->items);
}

ACP_AUTO_DEFINE(set, struct set, clear_set)

static int
compare_texts(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void
sort_set(struct set *set)
{
	size_t kept = 0;

	qsort(set->items, set->count, sizeof(*set->items), compare_texts);
	for (size_t i = 0; i < set->count; i++)
		if (!kept || strcmp(set->items[kept - 1], set->items[i]) != 0)
			set->items[kept++] = set->items[i];
	set->count = kept;
}

static bool
has_text(const struct set *set, const char *text)
{
	return set->count &&
		bsearch(&text, set->items, set->count, sizeof(*set->items),
			compare_texts);
}

/* What would be deleted, failed or made again because a row is absent. */
static void
read_candidates(const struct acp_plan *plan, struct set *set)
{
	set->items = acp_memory_new(plan->count + 1, sizeof(*set->items));
	for (size_t i = 0; i < plan->count; i++)
		if (plan->actions[i].is_absence && plan->actions[i].subject)
			set->items[set->count++] = plan->actions[i].subject;
	sort_set(set);
}

static bool
is_session(const char *subject)
{
	return strncmp(subject, session_prefix, sizeof(session_prefix) - 1) ==
		0;
}

static size_t
count_sessions(const struct set *candidates)
{
	size_t count = 0;

	for (size_t i = 0; i < candidates->count; i++)
		count += is_session(candidates->items[i]);
	return count;
}

/*
 * Ids of the managed sessions whose row was read. Only accounts with an anchor
 * count: rows of sessions that ended long ago are many, and a tenant could
 * make accounts for all of its own, so that the candidates look few.
 */
static void
read_sessions(const struct acp_world *world, struct set *set)
{
	const struct acp_objects *accounts =
		&world->objects[ACP_KIND_SERVICE_ACCOUNT];

	set->items = acp_memory_new(accounts->count + 1, sizeof(*set->items));
	for (size_t i = 0; i < accounts->count; i++) {
		const char *id = accounts->items[i].session_id;

		if (id && acp_world_find_session(world, id) &&
			accounts->items[i].anchor_key_id)
			set->items[set->count++] = id;
	}
	sort_set(set);
}

/* Managed sessions in all: those that have a row, and the candidates. */
static size_t
count_managed(const struct set *sessions, const struct set *candidates)
{
	size_t count = sessions->count;

	for (size_t i = 0; i < candidates->count; i++)
		count += is_session(candidates->items[i]) &&
			!has_text(sessions,
				candidates->items[i] + sizeof(session_prefix) -
					1);
	return count;
}

static bool
has_project_row(const struct acp_world *world, enum acp_kind kind)
{
	const struct acp_objects *objects = &world->objects[kind];

	for (size_t i = 0; i < objects->count; i++)
		if (objects->items[i].project_id &&
			acp_world_find_project(
				world, objects->items[i].project_id))
			return true;
	return false;
}

static bool
is_too_much(const struct acp_world *world, const struct set *candidates)
{
	ACP_AUTO(set) struct set sessions = {NULL, 0};
	size_t absent = count_sessions(candidates), managed;

	read_sessions(world, &sessions);
	managed = count_managed(&sessions, candidates);
	if (candidates->count - absent > ACP_GATE_NAMESPACES)
		return true;
	if (absent > ACP_GATE_SESSIONS && absent * SHARE > managed)
		return true;
	if (absent >= 2 && absent == managed)
		return true;
	return !sessions.count && !has_project_row(world, ACP_KIND_NAMESPACE) &&
		!has_project_row(world, ACP_KIND_TENANT_NAMESPACE);
}

static void
write_digest(const struct set *candidates, char *digest)
{
	struct acp_hash hash;

	acp_hash_init(&hash);
	for (size_t i = 0; i < candidates->count; i++)
		acp_hash_add_text(&hash, candidates->items[i]);
	acp_hash_finish_hex(&hash, DIGEST_BYTES, digest);
}

void
acp_plan_gate(const struct acp_world *world, struct acp_plan *plan,
	const char *allowed_digest)
{
	ACP_AUTO(set) struct set candidates = {NULL, 0};
	char digest[2 * DIGEST_BYTES + 1];

	read_candidates(plan, &candidates);
	if (!candidates.count || !is_too_much(world, &candidates))
		return;
	write_digest(&candidates, digest);
	if (allowed_digest && strcmp(allowed_digest, digest) == 0)
		return;
	memcpy(plan->held_digest, digest, sizeof(digest));
	for (size_t i = 0; i < plan->count; i++) {
		plan->actions[i].is_held = plan->actions[i].is_absence;
		plan->held += plan->actions[i].is_held;
	}
}
