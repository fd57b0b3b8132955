/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of a project that are neither namespaces nor about rights: the
 * Secret that users fill, and the settings object.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "reconciler/desired_build.h"

struct json_object *
acp_desired_runner_secret(const struct acp_site *site, const char *namespace,
	const char *project_id)
{
	const struct acp_ref ref = {
		ACP_KIND_SECRET, namespace, ACP_RUNNER_SECRET};
	struct json_object *object = acp_desired_new(site, &ref, project_id);

	acp_desired_add_text(
		acp_desired_peek_labels(object), "app", ACP_RUNNER_SECRET);
	acp_desired_add_text(acp_desired_peek_annotations(object),
		"ambient-code.io/runner-secret", "true");
	acp_desired_add_text(object, "type", "Opaque");
	acp_desired_add_text(acp_desired_add_object(object, "stringData"),
		"ANTHROPIC_API_KEY", "");
	return object;
}

struct json_object *
acp_desired_project_settings(const struct acp_site *site, const char *namespace,
	const struct acp_settings_row *row)
{
	const struct acp_ref ref = {
		ACP_KIND_PROJECT_SETTINGS, namespace, ACP_SETTINGS_NAME};
	struct json_object *object =
		acp_desired_new(site, &ref, row->project_id);
	struct json_object *groups = acp_desired_add_array(
		acp_desired_add_object(object, "spec"), "groupAccess");

	for (size_t i = 0; i < row->group_count; i++) {
		struct json_object *group = acp_desired_push_object(groups);

		acp_desired_add_text(group, "groupName", row->groups[i].name);
		acp_desired_add_text(group, "role", row->groups[i].role);
	}
	return object;
}
