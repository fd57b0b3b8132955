/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans what is left of projects that are gone: the namespace, stamped first
 * and deleted ten minutes later, and the leave to pull images. Acts only on
 * an answer that said "gone", never on absence from a list, and only on what
 * is ours by every sign.
 */
#include <config.h>

#include "lib/clock.h"
#include "reconciler/ownership.h"
#include "reconciler/plan_step.h"
#include "reconciler/rfc3339.h"

#include <string.h>

enum { GRACE_S = 10 * 60 };

static bool
is_gone(const struct acp_world *world, const char *project_id)
{
	return !acp_world_find_project(world, project_id) &&
		acp_world_find_answer(world->asked_projects,
			world->asked_project_count,
			project_id) == ACP_PRESENCE_GONE;
}

/*
 * No clock alone makes an absence old: it begins by the later of the two
 * servers' clocks, and has lasted until the earlier. So it never looks longer
 * than it is while one of them is right, whatever the other does.
 */
struct moment {
	int64_t earlier_s;
	int64_t later_s;
};

static struct moment
read_clocks(const struct acp_world *world)
{
	int64_t kube_s = world->kube_now_s, api_s = world->api_now_s;

	return kube_s < api_s ? (struct moment){kube_s, api_s}
			      : (struct moment){api_s, kube_s};
}

/* Since when the project is marked absent; 0: it is not, or by no clock. */
static int64_t
read_absent_since(const struct acp_object *object, int64_t later_s)
{
	const char *mark = object->marks[ACP_MARK_ABSENT_SINCE];
	int64_t since_us, since_s;

	if (!mark || !acp_rfc3339_read(mark, strlen(mark), &since_us))
		return 0;
	since_s = since_us / 1000000;
	return since_s > later_s || since_s < object->created_s ? 0 : since_s;
}

static void
plan_gone_namespace(
	const struct acp_step *step, const struct acp_object *object)
{
	const struct moment now = read_clocks(step->world);
	int64_t since_s = read_absent_since(object, now.later_s);
	char text[ACP_CLOCK_TEXT_SIZE];
	struct acp_action *action;

	if (!now.earlier_s)
		return;
	if (!since_s) {
		acp_clock_format(now.later_s * 1000, 0, text);
		acp_step_mark(step, object, ACP_MARK_ABSENT_SINCE, text,
			"the project is gone");
		return;
	}
	if (now.earlier_s - since_s < GRACE_S)
		return;
	action = acp_step_delete(
		step, object, "the project has been gone for 10 minutes");
	action->recheck = ACP_RECHECK_PROJECT_GONE;
	action->subject = step->unit;
	action->is_absence = true;
}

static struct acp_step
begin(const struct acp_world *world, const struct acp_site *site,
	struct acp_plan *plan, const char *project_id)
{
	return (struct acp_step){.world = world,
		.site = site,
		.plan = plan,
		.unit = acp_plan_text(plan, "project/%s", project_id)};
}

/* A row that the list did not have, but that is there. */
static bool
is_there(const struct acp_world *world, const char *project_id)
{
	return acp_world_find_answer(world->asked_projects,
		       world->asked_project_count,
		       project_id) == ACP_PRESENCE_THERE;
}

static void
plan_absent_namespace(
	const struct acp_step *step, const struct acp_object *object)
{
	if (is_gone(step->world, object->project_id))
		plan_gone_namespace(step, object);
	else if (is_there(step->world, object->project_id) &&
		object->marks[ACP_MARK_ABSENT_SINCE])
		acp_step_mark(step, object, ACP_MARK_ABSENT_SINCE, NULL,
			"the project is there again");
}

static void
plan_gone_namespaces(const struct acp_world *world, const struct acp_site *site,
	struct acp_plan *plan)
{
	enum acp_kind kind = site->platform == ACP_PLATFORM_MPP
		? ACP_KIND_TENANT_NAMESPACE
		: ACP_KIND_NAMESPACE;
	const struct acp_objects *objects = &world->objects[kind];

	if (!site->deletes_namespaces || !objects->is_known)
		return;
	for (size_t i = 0; i < objects->count; i++) {
		const struct acp_object *object = &objects->items[i];
		struct acp_step step;

		if (object->deleted_s || !object->project_id || !object->uid ||
			!object->resource_version ||
			acp_world_find_project(world, object->project_id) ||
			acp_ownership_judge(site, object) !=
				ACP_OBJECT_NAMESPACE)
			continue;
		step = begin(world, site, plan, object->project_id);
		plan_absent_namespace(&step, object);
	}
}

/* Is there no namespace of the project any more, as far as can be known? */
static bool
has_no_namespace(const struct acp_world *world, const struct acp_site *site,
	const char *project_id)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	char name[ACP_NAME_SIZE];
	enum acp_kind kind = site->platform == ACP_PLATFORM_MPP
		? ACP_KIND_TENANT_NAMESPACE
		: ACP_KIND_NAMESPACE;
	struct acp_ref proof = {kind, NULL, NULL};

	acp_buffer_init(&why, 0);
	if (acp_desired_namespace_name(site, project_id, name, &why) != ACP_OK)
		return false;
	proof.name = acp_desired_tenant_name(site, name);
	if (kind == ACP_KIND_TENANT_NAMESPACE)
		proof.namespace = site->config_namespace;
	return world->objects[kind].is_known &&
		!acp_world_find_object(world, &proof) &&
		!acp_world_find_foreign(world, &proof);
}

/* The leave to pull images is in a namespace that outlives the project's. */
static void
plan_gone_pullers(const struct acp_world *world, const struct acp_site *site,
	struct acp_plan *plan)
{
	size_t count;
	const struct acp_object *found = acp_world_find_in(
		world, ACP_KIND_ROLE_BINDING, site->image_namespace, &count);

	if (!site->image_namespace ||
		!world->objects[ACP_KIND_ROLE_BINDING].is_known)
		return;
	for (size_t i = 0; i < count; i++) {
		const char *id = found[i].project_id;
		struct acp_step step;
		struct acp_action *action;

		if (found[i].deleted_s || !id || !is_gone(world, id) ||
			acp_ownership_judge(site, &found[i]) !=
				ACP_OBJECT_IMAGE_PULLER ||
			!has_no_namespace(world, site, id))
			continue;
		step = begin(world, site, plan, id);
		action = acp_step_delete(&step, &found[i],
			"the project and its namespace are gone");
		action->recheck = ACP_RECHECK_PROJECT_GONE;
		action->subject = step.unit;
	}
}

void
acp_plan_gone_projects(const struct acp_world *world,
	const struct acp_site *site, struct acp_plan *plan)
{
	plan_gone_namespaces(world, site, plan);
	plan_gone_pullers(world, site, plan);
}
