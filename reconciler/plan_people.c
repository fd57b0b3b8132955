/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans the bindings of people in one project: those that the rows ask for
 * are made and kept, those of ours that no row asks for are taken away. Takes
 * nothing away on a row that was not read.
 */
#include <config.h>

#include "reconciler/plan_step.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "reconciler/ownership.h"

#include <stdlib.h>
#include <string.h>

struct name {
	char text[ACP_NAME_SIZE];
};

/* Names of bindings that are wanted. */
struct kept {
	struct name *names;
	size_t count;
};

static void
clear_kept(struct kept *kept)
{
	free(kept->names);
}

ACP_AUTO_DEFINE(kept, struct kept, clear_kept)

static bool
is_kept(const struct kept *kept, const char *name)
{
	for (size_t i = 0; i < kept->count; i++)
		if (strcmp(kept->names[i].text, name) == 0)
			return true;
	return false;
}

/* Of two rows that ask for one binding, the first makes it. */
static void
want_binding(const struct acp_step *step, struct json_object *body,
	struct kept *kept, const char *name)
{
	if (is_kept(kept, name)) {
		acp_json_free(&body);
		return;
	}
	memcpy(kept->names[kept->count++].text, name, strlen(name) + 1);
	acp_step_want(step, ACP_KIND_ROLE_BINDING, body,
		"labels, role or subjects differ");
}

static void
plan_creator(const struct acp_step *step, struct kept *kept)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	char name[ACP_NAME_SIZE];
	struct json_object *body;

	acp_buffer_init(&why, ACP_EVENT_MESSAGE_MAX);
	if (!step->site->has_creator_binding || !step->project->created_by)
		return;
	body = acp_desired_creator_binding(
		step->site, step->namespace, step->project, &why);
	if (!body) {
		acp_step_refuse(step, step->namespace, "CreatorRefused",
			acp_buffer_peek(&why));
		return;
	}
	acp_desired_binding_name(
		ACP_CREATOR_PREFIX, step->project->created_by, name);
	want_binding(step, body, kept, name);
}

static void
plan_group(const struct acp_step *step, const struct acp_group *group,
	struct kept *kept)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	char name[ACP_NAME_SIZE];
	struct json_object *body;

	acp_buffer_init(&why, ACP_EVENT_MESSAGE_MAX);
	body = acp_desired_group_binding(
		step->site, step->namespace, step->project->id, group, &why);
	if (!body) {
		acp_step_refuse(step, step->namespace, "GroupRefused",
			acp_buffer_peek(&why));
		return;
	}
	acp_desired_group_name(group->role, group->name, name);
	want_binding(step, body, kept, name);
}

/* The settings of the project, when they were read and make sense. */
static const struct acp_settings_row *
find_settings(const struct acp_step *step)
{
	const struct acp_settings_row *row;

	if (!step->world->are_settings_known)
		return NULL;
	row = acp_world_find_settings(step->world, step->project->id);
	if (row && row->bad) {
		acp_step_refuse(
			step, step->namespace, "SettingsRefused", row->bad);
		return NULL;
	}
	return row;
}

static const char *
judge_removal(const struct acp_step *step, const struct acp_object *seen,
	bool are_groups_read)
{
	if (!seen->project_id ||
		strcmp(seen->project_id, step->project->id) != 0)
		return NULL;
	switch ((int)acp_ownership_judge(step->site, seen)) {
	case ACP_OBJECT_CREATOR_BINDING:
		return "the project names no such creator";
	case ACP_OBJECT_GROUP_BINDING:
		return are_groups_read
			? "the project's settings name no such group and role"
			: NULL;
	default:
		return NULL;
	}
}

static void
plan_removals(const struct acp_step *step, const struct kept *kept,
	bool are_groups_read)
{
	size_t count;
	const struct acp_object *seen = acp_world_find_in(
		step->world, ACP_KIND_ROLE_BINDING, step->namespace, &count);

	if (step->is_new ||
		!acp_step_knows(step, ACP_KIND_ROLE_BINDING, step->namespace))
		return;
	for (size_t i = 0; i < count; i++) {
		const char *reason =
			judge_removal(step, &seen[i], are_groups_read);

		if (reason && !seen[i].deleted_s &&
			!is_kept(kept, seen[i].name))
			acp_step_delete(step, &seen[i], reason);
	}
}

void
acp_plan_people(const struct acp_step *step)
{
	ACP_AUTO(kept) struct kept kept = {NULL, 0};
	const struct acp_settings_row *row = find_settings(step);
	size_t groups = row ? row->group_count : 0;

	kept.names = acp_memory_new(groups + 1, sizeof(*kept.names));
	plan_creator(step, &kept);
	for (size_t i = 0; i < groups; i++)
		plan_group(step, &row->groups[i], &kept);
	plan_removals(step, &kept, row != NULL);
}
