/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans the objects of one project whose namespace may be used, one function
 * a family, in the order in which they are to be made.
 */
#include <config.h>

#include "reconciler/plan_step.h"

/*
 * Secrets are never listed. The Role is made after the Secret, so where the
 * Role is, the Secret was; and now and then each of them is looked at.
 */
static void
plan_runner_secret(const struct acp_step *step)
{
	const struct acp_ref role = {
		ACP_KIND_ROLE, step->namespace, ACP_CONTROL_ROLE};
	const struct acp_ref secret = {
		ACP_KIND_SECRET, step->namespace, ACP_RUNNER_SECRET};
	bool is_missing =
		acp_step_knows(step, ACP_KIND_ROLE, step->namespace) &&
		!acp_world_find_object(step->world, &role);

	if (!step->is_new && !is_missing && !step->world->is_secret_sweep)
		return;
	if (acp_world_find_object(step->world, &secret))
		return;
	acp_step_create(step, ACP_KIND_SECRET,
		acp_desired_runner_secret(
			step->site, step->namespace, step->project->id),
		"perhaps missing")
		->is_required = true;
}

static void
plan_control_rights(const struct acp_step *step)
{
	struct acp_action *role = acp_step_want(step, ACP_KIND_ROLE,
		acp_desired_control_role(
			step->site, step->namespace, step->project->id),
		"labels or rules differ");

	if (role)
		role->is_required = true;
	acp_step_want(step, ACP_KIND_ROLE_BINDING,
		acp_desired_control_binding(
			step->site, step->namespace, step->project->id),
		"labels, role or subjects differ");
}

static void
plan_policy(const struct acp_step *step)
{
	acp_step_want(step, ACP_KIND_NETWORK_POLICY,
		acp_desired_api_server_policy(
			step->site, step->namespace, step->project->id),
		"labels or rules differ");
}

static void
plan_image_puller(const struct acp_step *step)
{
	if (!step->site->image_namespace)
		return;
	acp_step_want(step, ACP_KIND_ROLE_BINDING,
		acp_desired_image_puller(
			step->site, step->namespace, step->project->id),
		"labels, role or subjects differ");
}

static void
plan_settings(const struct acp_step *step)
{
	const struct acp_settings_row *row =
		acp_world_find_settings(step->world, step->project->id);

	if (!step->world->are_settings_known || !row || row->bad ||
		!acp_step_knows(
			step, ACP_KIND_PROJECT_SETTINGS, step->namespace))
		return;
	acp_step_want(step, ACP_KIND_PROJECT_SETTINGS,
		acp_desired_project_settings(step->site, step->namespace, row),
		"labels or group access differ");
}

void
acp_plan_project_objects(const struct acp_step *step)
{
	plan_runner_secret(step);
	plan_control_rights(step);
	plan_policy(step);
	plan_image_puller(step);
	acp_plan_people(step);
	plan_settings(step);
}
