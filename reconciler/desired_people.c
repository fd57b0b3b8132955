/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bindings that give people rights in a project. What callers of the API
 * wrote decides them, so each name is judged before it becomes a subject, and
 * a word that is not understood gives no right at all.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "lib/limits.h"
#include "reconciler/desired_build.h"

#include <stdio.h>
#include <string.h>

static const char account_prefix[] = "system:serviceaccount:";

/* A subject of a binding. */
struct person {
	const char *kind; /* "User", "Group", "ServiceAccount" */
	const char *name;
	const char *namespace; /* of an account, else NULL */
};

static const char *
find_cluster_role(const char *role)
{
	if (strcmp(role, "admin") == 0)
		return "ambient-project-admin";
	if (strcmp(role, "edit") == 0)
		return "ambient-project-edit";
	if (strcmp(role, "view") == 0)
		return "ambient-project-view";
	return NULL;
}

static struct json_object *
new_binding(const struct acp_site *site, const struct acp_ref *ref,
	const char *project_id, const char *role)
{
	struct json_object *object = acp_desired_new(site, ref, project_id);

	acp_desired_add_text(acp_desired_peek_annotations(object),
		ACP_ANNOTATION_ROLE, role);
	acp_desired_add_role_ref(
		object, "ClusterRole", find_cluster_role(role));
	return object;
}

static void
add_person(struct json_object *binding, const struct person *person)
{
	struct json_object *subject =
		acp_desired_add_subject(binding, person->kind, person->name);

	if (person->namespace)
		acp_desired_add_text(subject, "namespace", person->namespace);
	else
		acp_desired_add_text(subject, "apiGroup", ACP_RBAC_GROUP);
}

static bool
is_account_part(const char *text)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";

	return *text && strspn(text, legal) == strlen(text);
}

/* "system:serviceaccount:NS:NAME" into room, and the parts into person. */
static bool
read_account(const char *text, char *room, size_t size, struct person *person)
{
	char *colon;

	if (strlen(text) >= size)
		return false;
	memcpy(room, text, strlen(text) + 1);
	colon = strchr(room, ':');
	if (!colon)
		return false;
	*colon = '\0';
	*person = (struct person){"ServiceAccount", colon + 1, room};
	return is_account_part(room) && is_account_part(colon + 1);
}

/* Whom created-by names; false, with the reason in why, when nobody may be. */
static bool
read_creator(const char *text, char *room, size_t size, struct person *person,
	struct acp_buffer *why)
{
	size_t prefix = sizeof(account_prefix) - 1;

	if (strncmp(text, account_prefix, prefix) == 0) {
		if (read_account(text + prefix, room, size, person))
			return true;
		acp_buffer_printf(why,
			"created-by names no service account: write "
			"system:serviceaccount:NAMESPACE:NAME");
		return false;
	}
	if (!*text || strncmp(text, "system:", 7) == 0) {
		acp_buffer_printf(why,
			"created-by names no person: users of the system "
			"get no rights in a project");
		return false;
	}
	*person = (struct person){"User", text, NULL};
	return true;
}

struct json_object *
acp_desired_creator_binding(const struct acp_site *site, const char *namespace,
	const struct acp_project_row *project, struct acp_buffer *why)
{
	char name[ACP_NAME_SIZE], room[ACP_ACCOUNT_MAX + 1];
	const struct acp_ref ref = {ACP_KIND_ROLE_BINDING, namespace, name};
	struct json_object *object;
	struct person person;

	if (!read_creator(
		    project->created_by, room, sizeof(room), &person, why))
		return NULL;
	acp_desired_binding_name(ACP_CREATOR_PREFIX, project->created_by, name);
	object = new_binding(site, &ref, project->id, "admin");
	add_person(object, &person);
	return object;
}

void
acp_desired_group_name(
	const char *role, const char *group, char name[static ACP_NAME_SIZE])
{
	struct acp_buffer text;

	/* no role has a "/", so role and group cannot run into each other */
	acp_buffer_init(&text, SIZE_MAX);
	acp_buffer_printf(&text, "%s/%s", role, group);
	acp_desired_binding_name(
		ACP_GROUP_PREFIX, acp_buffer_peek(&text), name);
	acp_buffer_clear(&text);
}

struct json_object *
acp_desired_group_binding(const struct acp_site *site, const char *namespace,
	const char *project_id, const struct acp_group *group,
	struct acp_buffer *why)
{
	char name[ACP_NAME_SIZE];
	const struct acp_ref ref = {ACP_KIND_ROLE_BINDING, namespace, name};
	const struct person person = {"Group", group->name, NULL};
	struct json_object *object;

	if (!*group->name || strncmp(group->name, "system:", 7) == 0) {
		acp_buffer_printf(why,
			"the group \"%s\" gets no rights: groups of the "
			"system belong to no project",
			group->name);
		return NULL;
	}
	if (!find_cluster_role(group->role)) {
		acp_buffer_printf(why,
			"the group \"%s\" gets no rights: its role \"%s\" is "
			"none of admin, edit and view",
			group->name, group->role);
		return NULL;
	}
	acp_desired_group_name(group->role, group->name, name);
	object = new_binding(site, &ref, project_id, group->role);
	add_person(object, &person);
	return object;
}
