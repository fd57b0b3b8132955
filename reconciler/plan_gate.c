/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mass-deletion gate: an API server that has forgotten its rows, or hides
 * them from us, must not make us delete everything. Looks at the actions that
 * are done because a row is absent, and holds all of them when they are too
 * many; the rest of the plan goes on. What users can bring about can be held,
 * but must not hold up what goes because its own row is gone.
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

static bool
is_session(const char *subject)
{
	return strncmp(subject, session_prefix, sizeof(session_prefix) - 1) ==
		0;
}

static bool
is_candidate(const struct acp_action *action)
{
	return action->is_absence && action->subject;
}

/*
 * Objects are deleted when they are ours and nobody has their row any more.
 * What is failed or made again has a row, and who writes that, or deletes
 * pods in a namespace of his own, can bring any number of these about.
 */
static bool
can_be_brought_about(const struct acp_action *action)
{
	return action->verb != ACP_VERB_DELETE;
}

/* What would be deleted, failed or made again because a row is absent. */
static void
read_candidates(
	const struct acp_plan *plan, bool is_brought_about, struct set *set)
{
	set->items = acp_memory_new(plan->count + 1, sizeof(*set->items));
	for (size_t i = 0; i < plan->count; i++)
		if (is_candidate(&plan->actions[i]) &&
			can_be_brought_about(&plan->actions[i]) ==
				is_brought_about)
			set->items[set->count++] = plan->actions[i].subject;
	sort_set(set);
}

/* Both together; they have none in common. */
static void
join_sets(const struct set *left, const struct set *right, struct set *set)
{
	set->items = acp_memory_new(
		left->count + right->count + 1, sizeof(*set->items));
	for (size_t i = 0; i < left->count; i++)
		set->items[set->count++] = left->items[i];
	for (size_t i = 0; i < right->count; i++)
		set->items[set->count++] = right->items[i];
	sort_set(set);
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
 * make accounts for all of its own, so that the candidates look few. Nor do
 * those that are being deleted, for a tenant can keep them from ever going.
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
			accounts->items[i].anchor_key_id &&
			!accounts->items[i].deleted_s)
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

/* Is the set too much, and not what somebody let go? Notes its digest. */
static bool
is_stopped(const struct acp_world *world, const struct set *judged,
	const struct set *candidates, const char *allowed_digest, char *digest)
{
	if (!candidates->count || !is_too_much(world, judged))
		return false;
	write_digest(candidates, digest);
	return !allowed_digest || strcmp(allowed_digest, digest) != 0;
}

static void
hold(struct acp_plan *plan, const struct set *spared)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct acp_action *action = &plan->actions[i];

		action->is_held = action->is_absence &&
			!(action->subject && has_text(spared, action->subject));
		plan->held += action->is_held;
	}
}

void
acp_plan_gate(const struct acp_world *world, struct acp_plan *plan,
	const char *allowed_digest)
{
	ACP_AUTO(set) struct set rowless = {NULL, 0}, others = {NULL, 0};
	ACP_AUTO(set) struct set all = {NULL, 0};
	static const struct set none = {NULL, 0};
	char digest[2 * DIGEST_BYTES + 1];

	read_candidates(plan, false, &rowless);
	read_candidates(plan, true, &others);
	join_sets(&rowless, &others, &all);
	if (is_stopped(world, &rowless, &rowless, allowed_digest, digest))
		hold(plan, &none);
	else if (is_stopped(world, &all, &others, allowed_digest, digest))
		hold(plan, &rowless);
	else
		return;
	memcpy(plan->held_digest, digest, sizeof(digest));
}
