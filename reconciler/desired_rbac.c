/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights of the control plane and of a project's own pods: the Role and
 * binding in each project, and the leave to pull the runner image. The Role
 * must hold no verb that the control plane does not hold itself, for the
 * server refuses such a Role.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "reconciler/desired_build.h"

#include <stdio.h>

struct rule {
	const char *groups[2]; /* NULL behind the last, as in all of these */
	const char *resources[4];
	const char *verbs[7];
};

/* Each verb is one that the reconciler calls; Secrets are never listed. */
static const struct rule control_rules[] = {
	{{""}, {"secrets"}, {"get", "create", "delete"}},
	{{""}, {"pods"}, {"get", "list", "create", "delete"}},
	{{""}, {"services"}, {"get", "list", "create", "update", "delete"}},
	{{""}, {"serviceaccounts"},
		{"get", "list", "create", "patch", "delete"}},
	{{""}, {"events"}, {"create"}},
	{{ACP_RBAC_GROUP}, {"roles", "rolebindings"},
		{"get", "list", "create", "patch", "delete"}},
	{{"networking.k8s.io"}, {"networkpolicies"},
		{"get", "list", "create", "patch", "delete"}},
	{{"vteam.ambient-code"}, {"projectsettings"},
		{"get", "list", "create", "patch", "delete"}},
};

static void
add_rule(struct json_object *rules, const struct rule *rule)
{
	struct json_object *object = acp_desired_push_object(rules);

	acp_desired_push_texts(
		acp_desired_add_array(object, "apiGroups"), rule->groups);
	acp_desired_push_texts(
		acp_desired_add_array(object, "resources"), rule->resources);
	acp_desired_push_texts(
		acp_desired_add_array(object, "verbs"), rule->verbs);
}

struct json_object *
acp_desired_control_role(const struct acp_site *site, const char *namespace,
	const char *project_id)
{
	const struct acp_ref ref = {ACP_KIND_ROLE, namespace, ACP_CONTROL_ROLE};
	struct json_object *object = acp_desired_new(site, &ref, project_id);
	struct json_object *rules = acp_desired_add_array(object, "rules");
	size_t count = sizeof(control_rules) / sizeof(*control_rules);

	for (size_t i = 0; i < count; i++)
		add_rule(rules, &control_rules[i]);
	return object;
}

void
acp_desired_add_role_ref(
	struct json_object *binding, const char *kind, const char *name)
{
	struct json_object *role = acp_desired_add_object(binding, "roleRef");

	acp_desired_add_text(role, "apiGroup", ACP_RBAC_GROUP);
	acp_desired_add_text(role, "kind", kind);
	acp_desired_add_text(role, "name", name);
}

/* The server adds apiGroup to users and groups, and none to accounts. */
struct json_object *
acp_desired_add_subject(
	struct json_object *binding, const char *kind, const char *name)
{
	struct json_object *subject = acp_desired_push_object(
		acp_desired_add_array(binding, "subjects"));

	acp_desired_add_text(subject, "kind", kind);
	acp_desired_add_text(subject, "name", name);
	return subject;
}

struct json_object *
acp_desired_control_binding(const struct acp_site *site, const char *namespace,
	const char *project_id)
{
	const struct acp_ref ref = {
		ACP_KIND_ROLE_BINDING, namespace, ACP_CONTROL_ROLE};
	struct json_object *object = acp_desired_new(site, &ref, project_id);
	struct json_object *subject;

	acp_desired_add_role_ref(object, "Role", ACP_CONTROL_ROLE);
	subject = acp_desired_add_subject(
		object, "ServiceAccount", site->service_account);
	acp_desired_add_text(subject, "namespace", site->runtime_namespace);
	return object;
}

struct json_object *
acp_desired_image_puller(const struct acp_site *site, const char *namespace,
	const char *project_id)
{
	char name[ACP_NAME_SIZE];
	char group[sizeof("system:serviceaccounts:") + ACP_NAME_SIZE];
	const struct acp_ref ref = {
		ACP_KIND_ROLE_BINDING, site->image_namespace, name};
	struct json_object *object, *subject;

	acp_desired_binding_name(ACP_PULLER_PREFIX, namespace, name);
	snprintf(group, sizeof(group), "system:serviceaccounts:%s", namespace);
	object = acp_desired_new(site, &ref, project_id);
	acp_desired_add_role_ref(object, "ClusterRole", "system:image-puller");
	subject = acp_desired_add_subject(object, "Group", group);
	acp_desired_add_text(subject, "apiGroup", ACP_RBAC_GROUP);
	return object;
}
