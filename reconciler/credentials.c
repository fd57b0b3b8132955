/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges role bindings for a session. Pure; must never give a credential that
 * no binding gives.
 */
#include <config.h>

#include "reconciler/credentials.h"

#include "lib/limits.h"
#include "reconciler/row_reader.h"

#include <stdlib.h>
#include <string.h>

/* A later tier wins. */
enum tier { TIER_NONE, TIER_GLOBAL, TIER_PROJECT, TIER_AGENT };

/* A credential, and the best reason found so far to give it. */
struct candidate {
	const struct acp_credential *credential;
	const struct acp_credential_binding *binding; /* NULL: none */
	enum tier tier;
};

bool
acp_credentials_read(const struct json_object *object, struct acp_arena *arena,
	struct acp_credential *credential)
{
	struct acp_row_reader reader = {object, arena, NULL};

	credential->id = acp_row_read_name(&reader, "id", ACP_ROW_ID_MAX);
	credential->provider =
		acp_row_read_name(&reader, "provider", ACP_ROW_NAME_MAX);
	return !reader.bad && credential->id && credential->provider;
}

bool
acp_credentials_read_binding(const struct json_object *object,
	struct acp_arena *arena, struct acp_credential_binding *binding)
{
	struct acp_row_reader reader = {object, arena, NULL};
	const char *scope =
		acp_row_read_name(&reader, "scope", ACP_ROW_NAME_MAX);

	*binding = (struct acp_credential_binding){
		.id = acp_row_read_name(&reader, "id", ACP_ROW_ID_MAX),
		.role_id =
			acp_row_read_name(&reader, "role_id", ACP_ROW_ID_MAX),
		.credential_id = acp_row_read_name(
			&reader, "credential_id", ACP_ROW_ID_MAX),
		.user_id =
			acp_row_read_name(&reader, "user_id", ACP_ROW_ID_MAX),
		.project_id = acp_row_read_name(
			&reader, "project_id", ACP_ROW_ID_MAX),
		.agent_id =
			acp_row_read_name(&reader, "agent_id", ACP_ROW_ID_MAX),
		.session_id = acp_row_read_name(
			&reader, "session_id", ACP_ROW_ID_MAX),
		.created_us = acp_row_read_time(&reader, "created_at"),
	};
	return !reader.bad && scope && strcmp(scope, "credential") == 0 &&
		binding->id && binding->credential_id;
}

static bool
is_same(const char *left, const char *right)
{
	return left && right && strcmp(left, right) == 0;
}

/* Where it names something, it must be the session's; TIER_NONE: not for it. */
static enum tier
judge(const struct acp_credential_choice *choice,
	const struct acp_credential_binding *binding)
{
	if (binding->user_id || binding->session_id ||
		is_same(binding->role_id, choice->owner_role_id))
		return TIER_NONE;
	if (binding->project_id &&
		!is_same(binding->project_id, choice->project_id))
		return TIER_NONE;
	if (binding->agent_id)
		return is_same(binding->agent_id, choice->agent_id) ? TIER_AGENT
								    : TIER_NONE;
	return binding->project_id ? TIER_PROJECT : TIER_GLOBAL;
}

static bool
is_older(const struct acp_credential_binding *left,
	const struct acp_credential_binding *right)
{
	if (left->created_us != right->created_us)
		return left->created_us < right->created_us;
	return strcmp(left->id, right->id) < 0;
}

static bool
is_better(enum tier tier, const struct acp_credential_binding *binding,
	const struct candidate *than)
{
	if (tier != than->tier)
		return tier > than->tier;
	return tier != TIER_NONE && is_older(binding, than->binding);
}

/* The best binding of one credential. */
static struct candidate
find_binding(const struct acp_credential_choice *choice,
	const struct acp_credential *credential)
{
	struct candidate best = {credential, NULL, TIER_NONE};

	for (size_t i = 0; i < choice->binding_count; i++) {
		const struct acp_credential_binding *binding =
			&choice->bindings[i];
		enum tier tier = judge(choice, binding);

		if (!is_same(binding->credential_id, credential->id) ||
			!is_better(tier, binding, &best))
			continue;
		best.binding = binding;
		best.tier = tier;
	}
	return best;
}

/* By provider, and the best first. */
static int
compare(const void *left, const void *right)
{
	const struct candidate *one = left, *other = right;
	int order =
		strcmp(one->credential->provider, other->credential->provider);

	if (order)
		return order;
	return is_better(one->tier, one->binding, other) ? -1 : 1;
}

static size_t
collect(const struct acp_credential_choice *choice, struct candidate *found)
{
	size_t count = 0;

	for (size_t i = 0; i < choice->credential_count; i++) {
		found[count] = find_binding(choice, &choice->credentials[i]);
		count += found[count].tier != TIER_NONE;
	}
	return count;
}

const struct acp_credential *
acp_credentials_choose(const struct acp_credential_choice *choice,
	struct acp_arena *arena, size_t *count)
{
	struct candidate *found = acp_arena_alloc(
		arena, (choice->credential_count + 1) * sizeof(*found));
	size_t all = collect(choice, found), kept = 0;
	struct acp_credential *chosen =
		acp_arena_alloc(arena, all * sizeof(*chosen));

	qsort(found, all, sizeof(*found), compare);
	for (size_t i = 0; i < all; i++)
		if (kept == 0 ||
			strcmp(chosen[kept - 1].provider,
				found[i].credential->provider) != 0)
			chosen[kept++] = *found[i].credential;
	*count = kept;
	return chosen;
}
