/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derives again, from what an object says of itself, the name and place that
 * we would have given it, and believes the object only when they agree. Used
 * before anything is deleted.
 */
#include <config.h>

#include "reconciler/ownership.h"

#include "lib/limits.h"
#include "reconciler/desired.h"
#include "reconciler/session_name.h"

#include <stdio.h>
#include <string.h>

static bool
is_same(const char *left, const char *right)
{
	return left && right && strcmp(left, right) == 0;
}

bool
acp_ownership_has_labels(
	const struct acp_site *site, const struct acp_object *object)
{
	return is_same(object->managed, "true") &&
		is_same(object->instance, site->instance);
}

bool
acp_ownership_may_use(const struct acp_site *site,
	const struct acp_object *object, const char *project_id)
{
	bool is_adopted = site->adopts && !object->instance &&
		is_same(object->managed, "true");

	return (is_adopted || acp_ownership_has_labels(site, object)) &&
		is_same(object->project_id, project_id);
}

/* The namespace of the project that the object names; false: it has none. */
static bool
derive_namespace(const struct acp_site *site, const struct acp_object *object,
	char name[static ACP_NAME_SIZE])
{
	struct acp_buffer why;
	enum acp_error error;

	if (!object->project_id)
		return false;
	/* nobody reads why: nothing is kept of it */
	acp_buffer_init(&why, 0);
	error = acp_desired_namespace_name(
		site, object->project_id, name, &why);
	acp_buffer_clear(&why);
	return error == ACP_OK;
}

static enum acp_role_in_project
judge_namespace(const struct acp_site *site, const struct acp_object *object,
	const char *namespace)
{
	bool is_proof = site->platform == ACP_PLATFORM_STANDARD
		? object->kind == ACP_KIND_NAMESPACE
		: object->kind == ACP_KIND_TENANT_NAMESPACE &&
			is_same(object->namespace, site->config_namespace);

	if (is_proof &&
		is_same(object->name, acp_desired_tenant_name(site, namespace)))
		return ACP_OBJECT_NAMESPACE;
	return ACP_OBJECT_FOREIGN;
}

static bool
has_name(const struct acp_object *object, const char *prefix, const char *text)
{
	char name[ACP_NAME_SIZE];

	acp_desired_binding_name(prefix, text, name);
	return is_same(object->name, name);
}

/* "User/x" is x, "ServiceAccount/ns/x" system:serviceaccount:ns:x. */
static bool
is_creator_binding(const struct acp_object *object)
{
	char text[sizeof("system:serviceaccount:") + ACP_ACCOUNT_MAX];
	const char *slash;

	if (!is_same(object->role, "ClusterRole/ambient-project-admin") ||
		!object->subject)
		return false;
	if (strncmp(object->subject, "User/", 5) == 0)
		return has_name(
			object, ACP_CREATOR_PREFIX, object->subject + 5);
	slash = strrchr(object->subject, '/');
	if (strncmp(object->subject, "ServiceAccount/", 15) != 0 ||
		slash < object->subject + 15 ||
		strlen(object->subject + 15) > ACP_ACCOUNT_MAX)
		return false;
	snprintf(text, sizeof(text), "system:serviceaccount:%.*s:%s",
		(int)(slash - object->subject - 15), object->subject + 15,
		slash + 1);
	return has_name(object, ACP_CREATOR_PREFIX, text);
}

static bool
is_group_binding(const struct acp_object *object)
{
	static const char prefix[] = "ClusterRole/ambient-project-";
	size_t size = sizeof(prefix) - 1;
	char name[ACP_NAME_SIZE];

	if (!object->role || strncmp(object->role, prefix, size) != 0 ||
		!object->subject || strncmp(object->subject, "Group/", 6) != 0)
		return false;
	acp_desired_group_name(object->role + size, object->subject + 6, name);
	return is_same(object->name, name);
}

static enum acp_role_in_project
judge_binding(const struct acp_site *site, const struct acp_object *object,
	const char *namespace)
{
	if (is_same(object->namespace, site->image_namespace))
		return has_name(object, ACP_PULLER_PREFIX, namespace)
			? ACP_OBJECT_IMAGE_PULLER
			: ACP_OBJECT_FOREIGN;
	if (!is_same(object->namespace, namespace))
		return ACP_OBJECT_FOREIGN;
	if (is_same(object->name, ACP_CONTROL_ROLE))
		return ACP_OBJECT_CONTROL_BINDING;
	if (is_creator_binding(object))
		return ACP_OBJECT_CREATOR_BINDING;
	return is_group_binding(object) ? ACP_OBJECT_GROUP_BINDING
					: ACP_OBJECT_FOREIGN;
}

static bool
is_token_fetch_policy(
	const struct acp_site *site, const struct acp_object *object)
{
	return object->kind == ACP_KIND_NETWORK_POLICY && !object->project_id &&
		is_same(object->namespace, site->runtime_namespace) &&
		is_same(object->name, ACP_TOKEN_FETCH_POLICY);
}

/* One of the objects that has one name in every project. */
static enum acp_role_in_project
judge_named(const struct acp_object *object, const char *namespace)
{
	if (!is_same(object->namespace, namespace))
		return ACP_OBJECT_FOREIGN;
	if (object->kind == ACP_KIND_ROLE &&
		is_same(object->name, ACP_CONTROL_ROLE))
		return ACP_OBJECT_CONTROL_ROLE;
	if (object->kind == ACP_KIND_NETWORK_POLICY &&
		is_same(object->name, ACP_API_SERVER_POLICY))
		return ACP_OBJECT_API_SERVER_POLICY;
	if (object->kind == ACP_KIND_PROJECT_SETTINGS &&
		is_same(object->name, ACP_SETTINGS_NAME))
		return ACP_OBJECT_PROJECT_SETTINGS;
	return ACP_OBJECT_FOREIGN;
}

enum acp_role_in_project
acp_ownership_judge(
	const struct acp_site *site, const struct acp_object *object)
{
	char namespace[ACP_NAME_SIZE];

	if (!acp_ownership_has_labels(site, object))
		return ACP_OBJECT_FOREIGN;
	if (is_token_fetch_policy(site, object))
		return ACP_OBJECT_TOKEN_FETCH_POLICY;
	if (!derive_namespace(site, object, namespace))
		return ACP_OBJECT_FOREIGN;
	if (object->kind == ACP_KIND_NAMESPACE ||
		object->kind == ACP_KIND_TENANT_NAMESPACE)
		return judge_namespace(site, object, namespace);
	if (object->kind == ACP_KIND_ROLE_BINDING)
		return judge_binding(site, object, namespace);
	return judge_named(object, namespace);
}

/* The name that a session's object of this kind has; NULL: has none. */
static const char *
peek_session_name(const struct acp_session_names *names, enum acp_kind kind)
{
	switch ((int)kind) {
	case ACP_KIND_SERVICE_ACCOUNT:
		return names->account;
	case ACP_KIND_SERVICE:
		return names->service;
	case ACP_KIND_POD:
		return names->pod;
	default:
		return NULL;
	}
}

static bool
derive_session_names(
	const struct acp_object *object, struct acp_session_names *names)
{
	struct acp_buffer why;
	enum acp_error error;

	if (!object->session_id)
		return false;
	/* nobody reads why: nothing is kept of it */
	acp_buffer_init(&why, 0);
	error = acp_session_names_write(object->session_id, names, &why);
	acp_buffer_clear(&why);
	return error == ACP_OK;
}

/*
 * Is an account with the right labels and name ours indeed? Its anchor says
 * so; or a session that is there and has this very place, which can have no
 * other account. So whoever makes accounts up makes us believe in none that
 * is of no session, and a key that was lost leaves no session without one.
 */
static bool
is_proved(const struct acp_world *world, const struct acp_object *account)
{
	const struct acp_session_row *row =
		acp_world_find_session(world, account->session_id);

	return account->anchor_key_id ||
		(row && is_same(row->project_id, account->project_id));
}

/* Is it owned by the account of its own session, in its own namespace? */
static bool
is_owned_by_account(const struct acp_world *world, const struct acp_site *site,
	const struct acp_object *object, const struct acp_session_names *names)
{
	const struct acp_ref ref = {
		ACP_KIND_SERVICE_ACCOUNT, object->namespace, names->account};
	const struct acp_object *account = acp_world_find_object(world, &ref);

	return account && is_same(account->uid, object->owner_uid) &&
		is_same(account->session_id, object->session_id) &&
		is_same(account->project_id, object->project_id) &&
		acp_ownership_has_labels(site, account) &&
		is_proved(world, account);
}

bool
acp_ownership_is_of_session(const struct acp_world *world,
	const struct acp_site *site, const struct acp_object *object)
{
	char namespace[ACP_NAME_SIZE];
	struct acp_session_names names;

	if (!acp_ownership_has_labels(site, object) ||
		!derive_session_names(object, &names) ||
		!is_same(object->name,
			peek_session_name(&names, object->kind)) ||
		!derive_namespace(site, object, namespace) ||
		!is_same(object->namespace, namespace))
		return false;
	return object->kind == ACP_KIND_SERVICE_ACCOUNT
		? is_proved(world, object)
		: is_owned_by_account(world, site, object, &names);
}

/* Listed, or looked at because the list did not have it. */
static const struct acp_object *
find_seen(const struct acp_world *world, const struct acp_ref *ref)
{
	const struct acp_object *seen = acp_world_find_object(world, ref);

	return seen ? seen : acp_world_find_foreign(world, ref);
}

bool
acp_ownership_has_namespace(const struct acp_world *world,
	const struct acp_site *site, const char *project_id,
	const char *namespace)
{
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL, namespace};
	const struct acp_ref tenant = {ACP_KIND_TENANT_NAMESPACE,
		site->config_namespace,
		acp_desired_tenant_name(site, namespace)};
	const struct acp_object *seen = find_seen(world, &ref);
	const struct acp_object *proof = site->platform == ACP_PLATFORM_MPP
		? find_seen(world, &tenant)
		: seen;

	return seen && seen->is_active && !seen->deleted_s && proof &&
		!proof->deleted_s &&
		acp_ownership_may_use(site, proof, project_id);
}

/* What is being deleted has lost its account, perhaps, and soon is gone. */
static size_t
count_foreign_of_sessions(
	const struct acp_world *world, const struct acp_site *site)
{
	static const enum acp_kind kinds[] = {
		ACP_KIND_SERVICE_ACCOUNT, ACP_KIND_SERVICE, ACP_KIND_POD};
	size_t foreign = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct acp_objects *objects = &world->objects[kinds[i]];

		for (size_t at = 0; at < objects->count; at++) {
			const struct acp_object *object = &objects->items[at];

			foreign += !object->deleted_s &&
				acp_ownership_has_labels(site, object) &&
				!acp_ownership_is_of_session(
					world, site, object);
		}
	}
	return foreign;
}

size_t
acp_ownership_count_foreign(
	const struct acp_world *world, const struct acp_site *site)
{
	static const enum acp_kind kinds[] = {ACP_KIND_NAMESPACE,
		ACP_KIND_TENANT_NAMESPACE, ACP_KIND_ROLE, ACP_KIND_ROLE_BINDING,
		ACP_KIND_NETWORK_POLICY, ACP_KIND_PROJECT_SETTINGS};
	size_t foreign = count_foreign_of_sessions(world, site);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct acp_objects *objects = &world->objects[kinds[i]];

		for (size_t at = 0; at < objects->count; at++)
			foreign += acp_ownership_has_labels(
					   site, &objects->items[at]) &&
				acp_ownership_judge(
					site, &objects->items[at]) ==
					ACP_OBJECT_FOREIGN;
	}
	return foreign;
}
