/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans every project of the API server: whose namespace it is, whether it
 * may be used, and then what belongs into it. A project that cannot be served
 * is refused and told about; it never holds up another.
 */
#include <config.h>

#include "lib/limits.h"
#include "lib/memory.h"
#include "reconciler/ownership.h"
#include "reconciler/plan_step.h"

#include <stdlib.h>
#include <string.h>

/* The namespace that one good row asks for. */
struct claim {
	char namespace[ACP_NAME_SIZE];
	const struct acp_project_row *project;
};

struct claims {
	struct claim *items; /* sorted by namespace */
	size_t count;
};

static void
clear_claims(struct claims *claims)
{
	free(claims->items);
}

ACP_AUTO_DEFINE(claims, struct claims, clear_claims)

static int
compare_claims(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;

	return strcmp(a->namespace, b->namespace);
}

static void
read_claims(const struct acp_world *world, const struct acp_site *site,
	struct claims *claims)
{
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, 0);
	claims->items = acp_memory_new(
		world->project_count + 1, sizeof(*claims->items));
	for (size_t i = 0; i < world->project_count; i++) {
		struct claim *claim = &claims->items[claims->count];

		claim->project = &world->projects[i];
		if (acp_desired_namespace_name(site, claim->project->id,
			    claim->namespace, &why) == ACP_OK)
			claims->count++;
	}
	qsort(claims->items, claims->count, sizeof(*claims->items),
		compare_claims);
}

/* Do two projects, whose ids differ, ask for this namespace (H-31)? */
static bool
is_contested(const struct claims *claims, const char *namespace)
{
	struct claim key;
	const struct claim *found, *end = claims->items + claims->count;

	memcpy(key.namespace, namespace, strlen(namespace) + 1);
	found = claims->count ? bsearch(&key, claims->items, claims->count,
					sizeof(key), compare_claims)
			      : NULL;
	if (!found)
		return false;
	return (found > claims->items &&
		       compare_claims(found - 1, found) == 0) ||
		(found + 1 < end && compare_claims(found, found + 1) == 0);
}

/* The object that proves whose namespace it is. */
static struct acp_ref
get_proof_ref(const struct acp_step *step)
{
	if (step->site->platform == ACP_PLATFORM_MPP)
		return (struct acp_ref){ACP_KIND_TENANT_NAMESPACE,
			step->site->config_namespace,
			acp_desired_tenant_name(step->site, step->namespace)};
	return (struct acp_ref){ACP_KIND_NAMESPACE, NULL, step->namespace};
}

static struct json_object *
new_proof(const struct acp_step *step)
{
	return step->site->platform == ACP_PLATFORM_MPP
		? acp_desired_tenant_namespace(
			  step->site, step->namespace, step->project->id)
		: acp_desired_namespace(
			  step->site, step->namespace, step->project->id);
}

/* Listed, or looked at because the list did not have it. */
static const struct acp_object *
find_seen(const struct acp_step *step, const struct acp_ref *ref)
{
	const struct acp_object *seen = acp_world_find_object(step->world, ref);

	return seen ? seen : acp_world_find_foreign(step->world, ref);
}

static const char *
explain_foreign(const struct acp_step *step, const struct acp_object *seen)
{
	const struct acp_site *site = step->site;

	if (!seen->managed || strcmp(seen->managed, "true") != 0)
		return acp_plan_text(step->plan,
			"the namespace %s exists and is not ours: choose "
			"another project name",
			step->namespace);
	if (!seen->project_id ||
		strcmp(seen->project_id, step->project->id) != 0)
		return acp_plan_text(step->plan,
			"the namespace %s belongs to the project \"%s\": "
			"choose another project name",
			step->namespace,
			seen->project_id ? seen->project_id : "");
	if (!seen->instance)
		return acp_plan_text(step->plan,
			"the namespace %s was made by another control plane: "
			"--adopt takes it over",
			step->namespace);
	return acp_plan_text(step->plan,
		"the namespace %s belongs to the instance \"%s\", and this "
		"is \"%s\"",
		step->namespace, seen->instance, site->instance);
}

static void
refuse(const struct acp_step *step, const char *message)
{
	acp_step_refuse(step, step->namespace, "NamespaceRefused", message);
}

static void
repair_proof(const struct acp_step *step, const struct acp_object *seen)
{
	struct json_object *body = new_proof(step);

	acp_step_adopt(step, seen, body, "labels differ");
	if (seen->marks[ACP_MARK_ABSENT_SINCE])
		acp_step_mark(step, seen, ACP_MARK_ABSENT_SINCE, NULL,
			"the project is there again");
}

/*
 * In mpp another operator makes the Namespace; it must not have been there
 * before its TenantNamespace.
 */
static const struct acp_object *
find_namespace(const struct acp_step *step)
{
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL, step->namespace};

	return find_seen(step, &ref);
}

static bool
is_usable(const struct acp_object *namespace)
{
	return namespace && namespace->is_active && !namespace->deleted_s;
}

/* Makes the namespace when the name is certain to be free. */
static void
plan_new_namespace(struct acp_step *step)
{
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL, step->namespace};
	const struct acp_ref proof = get_proof_ref(step);
	const struct acp_object *namespace = find_namespace(step);
	struct acp_action *action;

	if (!acp_world_knows_foreign(step->world, &ref) ||
		!acp_world_knows_foreign(step->world, &proof))
		return;
	if (namespace && namespace->deleted_s)
		return;
	if (namespace) {
		refuse(step, explain_foreign(step, namespace));
		return;
	}
	action = acp_step_create(step, proof.kind, new_proof(step), "missing");
	action->is_required = true;
	action->must_be_new = true;
	/* in mpp the namespace itself is somebody else's to make: wait */
	step->is_new = step->site->platform == ACP_PLATFORM_STANDARD;
	if (step->is_new)
		acp_plan_project_objects(step);
}

static void
plan_namespace(struct acp_step *step, bool is_contested)
{
	const struct acp_ref ref = get_proof_ref(step);
	const struct acp_object *seen = find_seen(step, &ref);
	bool is_ours = seen &&
		acp_ownership_may_use(step->site, seen, step->project->id);

	/* who has the namespace keeps it, else nobody gets it */
	if (is_contested && !is_ours) {
		refuse(step,
			"another project's name differs only in upper and "
			"lower case: choose another project name");
		return;
	}
	if (!acp_step_knows(step, ref.kind, ref.namespace))
		return;
	if (!seen) {
		plan_new_namespace(step);
		return;
	}
	if (!is_ours) {
		refuse(step, explain_foreign(step, seen));
		return;
	}
	/* what is being deleted is waited for; the next pass looks again */
	if (seen->deleted_s)
		return;
	repair_proof(step, seen);
	if (is_usable(find_namespace(step)))
		acp_plan_project_objects(step);
}

static void
plan_project(struct acp_step *step, const struct claims *claims)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	char name[ACP_NAME_SIZE];

	acp_buffer_init(&why, ACP_EVENT_MESSAGE_MAX);
	if (step->project->bad) {
		acp_step_refuse(step, step->project->id, "ProjectRefused",
			step->project->bad);
		return;
	}
	if (acp_desired_namespace_name(
		    step->site, step->project->id, name, &why) != ACP_OK) {
		acp_step_refuse(step, step->project->id, "ProjectRefused",
			acp_buffer_peek(&why));
		return;
	}
	step->namespace = acp_arena_dup(step->plan->arena, name);
	plan_namespace(step, is_contested(claims, name));
}

static void
plan_cluster(const struct acp_world *world, const struct acp_site *site,
	struct acp_plan *plan)
{
	const struct acp_step step = {
		.world = world, .site = site, .plan = plan, .unit = "cluster"};

	if (site->token_service_app)
		acp_step_want(&step, ACP_KIND_NETWORK_POLICY,
			acp_desired_token_fetch_policy(site),
			"labels or rules differ");
}

void
acp_plan_projects(const struct acp_world *world, const struct acp_site *site,
	struct acp_plan *plan)
{
	ACP_AUTO(claims) struct claims claims = {NULL, 0};

	plan_cluster(world, site, plan);
	read_claims(world, site, &claims);
	for (size_t i = 0; i < world->project_count; i++) {
		struct acp_step step = {.world = world,
			.site = site,
			.plan = plan,
			.project = &world->projects[i],
			.unit = acp_plan_text(
				plan, "project/%s", world->projects[i].id)};

		plan_project(&step, &claims);
	}
	acp_plan_gone_projects(world, site, plan);
	plan->foreign_objects = acp_ownership_count_foreign(world, site);
}
