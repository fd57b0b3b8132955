/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of rights, one row a kind and place, and the questions made of
 * it. What is not in the table must not be asked of Kubernetes anywhere.
 */
#include <config.h>

#include "reconciler/self_check.h"

#include "lib/limits.h"

#include <assert.h>
#include <string.h>

enum where {
	RUNTIME, /* in the runtime namespace */
	TENANTS, /* in the namespace of the TenantNamespaces */
	PROJECTS, /* in every namespace: projects come and go */
	IMAGES, /* where the runner images are */
};

enum when {
	ALWAYS,
	STANDARD,
	MPP,
	KEYPAIR_OWNER,
	IMAGE_NAMESPACE,
	DELETING, /* of namespaces, in standard mode */
	DELETING_TENANTS,
};

struct row {
	enum where where;
	enum when when;
	enum acp_kind kind;
	const char *verbs; /* separated by spaces */
	const char *name; /* NULL: any */
};

static const struct row rows[] = {
	{RUNTIME, ALWAYS, ACP_KIND_SECRET, "create", NULL},
	{RUNTIME, ALWAYS, ACP_KIND_SECRET, "get update",
		"ambient-cp-token-keypair"},
	{RUNTIME, ALWAYS, ACP_KIND_LEASE, "create", NULL},
	{RUNTIME, ALWAYS, ACP_KIND_LEASE, "get update",
		"ambient-cp-reconciler"},
	{RUNTIME, ALWAYS, ACP_KIND_NETWORK_POLICY,
		"get list create patch delete", NULL},
	{RUNTIME, KEYPAIR_OWNER, ACP_KIND_DEPLOYMENT, "get", NULL},
	{TENANTS, MPP, ACP_KIND_TENANT_NAMESPACE, "get list create patch",
		NULL},
	{TENANTS, DELETING_TENANTS, ACP_KIND_TENANT_NAMESPACE, "delete", NULL},
	{PROJECTS, STANDARD, ACP_KIND_NAMESPACE, "get list create patch", NULL},
	{PROJECTS, DELETING, ACP_KIND_NAMESPACE, "delete", NULL},
	{PROJECTS, MPP, ACP_KIND_NAMESPACE, "get", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_SECRET, "get create delete", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_SERVICE_ACCOUNT,
		"get list create patch delete", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_SERVICE, "get list create update delete",
		NULL},
	{PROJECTS, ALWAYS, ACP_KIND_POD, "get list create delete", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_ROLE, "get list create patch delete", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_ROLE_BINDING,
		"get list create patch delete", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_NETWORK_POLICY,
		"get list create patch delete", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_PROJECT_SETTINGS,
		"get list create patch delete", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_EVENT, "create", NULL},
	{PROJECTS, ALWAYS, ACP_KIND_CLUSTER_ROLE, "bind",
		"ambient-project-admin"},
	{PROJECTS, ALWAYS, ACP_KIND_CLUSTER_ROLE, "bind",
		"ambient-project-edit"},
	{PROJECTS, ALWAYS, ACP_KIND_CLUSTER_ROLE, "bind",
		"ambient-project-view"},
	{IMAGES, IMAGE_NAMESPACE, ACP_KIND_ROLE_BINDING,
		"get list create patch delete", NULL},
	{IMAGES, IMAGE_NAMESPACE, ACP_KIND_CLUSTER_ROLE, "bind",
		"system:image-puller"},
};

/* One verb of a list, for as long as the program runs. */
static const char *
peek_verb(const char *text, size_t size)
{
	static const char *const verbs[] = {
		"get", "list", "create", "update", "patch", "delete", "bind"};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strlen(verbs[i]) == size &&
			memcmp(verbs[i], text, size) == 0)
			return verbs[i];
	assert(false && "a verb that the table must not have");
	return "";
}

static bool
is_needed(const struct row *row, const struct acp_self_check_scope *scope)
{
	switch (row->when) {
	case ALWAYS:
		return true;
	case STANDARD:
		return !scope->is_mpp;
	case MPP:
		return scope->is_mpp;
	case KEYPAIR_OWNER:
		return scope->has_keypair_owner;
	case IMAGE_NAMESPACE:
		return scope->image_namespace != NULL;
	case DELETING:
		return !scope->is_mpp && !scope->retains_namespaces;
	case DELETING_TENANTS:
		return scope->is_mpp && !scope->retains_namespaces;
	}
	return true;
}

static bool
is_of_part(const struct row *row, enum acp_self_check_part part)
{
	switch (part) {
	case ACP_SELF_CHECK_RUNTIME:
		return row->where != PROJECTS;
	case ACP_SELF_CHECK_PROJECTS:
		return row->where == PROJECTS;
	case ACP_SELF_CHECK_WHOLE:
	case ACP_SELF_CHECK_PART__MAX:
		break;
	}
	return true;
}

static const char *
peek_namespace(const struct row *row, const struct acp_self_check_scope *scope)
{
	switch (row->where) {
	case RUNTIME:
		return scope->runtime_namespace;
	case TENANTS:
		return scope->config_namespace;
	case IMAGES:
		return scope->image_namespace;
	case PROJECTS:
		break;
	}
	return NULL;
}

static size_t
list_verbs(const struct row *row, const struct acp_self_check_scope *scope,
	struct acp_kube_right *rights)
{
	size_t count = 0;
	size_t size;

	for (const char *verb = row->verbs; *verb;
		verb += size + (verb[size] == ' ')) {
		size = strcspn(verb, " ");
		rights[count++] = (struct acp_kube_right){
			.verb = peek_verb(verb, size),
			.group = acp_kind_group(row->kind),
			.resource = acp_kind_plural(row->kind),
			.namespace = peek_namespace(row, scope),
			.name = row->name,
		};
	}
	return count;
}

size_t
acp_self_check_list_rights(const struct acp_self_check_scope *scope,
	enum acp_self_check_part part, struct acp_kube_right *rights)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_needed(&rows[i], scope) && is_of_part(&rows[i], part))
			count += list_verbs(&rows[i], scope, rights + count);
	assert(count <= ACP_SELF_CHECK_RIGHTS_MAX);
	return count;
}

void
acp_self_check_describe(
	const struct acp_kube_right *right, struct acp_buffer *text)
{
	acp_buffer_printf(text, "%s %s", right->verb, right->resource);
	if (right->name)
		acp_buffer_printf(text, "/%s", right->name);
	if (*right->group)
		acp_buffer_printf(text, " (%s)", right->group);
	if (right->namespace)
		acp_buffer_printf(text, " in namespace %s", right->namespace);
	else
		acp_buffer_append(text, " in all namespaces");
}

static enum acp_error
ask(struct acp_kube *kube, const struct acp_kube_right *right,
	struct acp_buffer *lines, size_t *missing)
{
	ACP_AUTO(kube_reply) struct acp_kube_reply reply = {0};
	bool may = false;
	enum acp_error error = acp_kube_may(kube, right, &may, &reply);

	if (error) {
		acp_buffer_append(lines, "cannot ask for the right to ");
		acp_self_check_describe(right, lines);
		acp_buffer_printf(lines, ": %s: %s\n",
			acp_kube_reason_name(reply.reason), reply.message);
	} else if (!may) {
		++*missing;
		acp_buffer_append(lines, "may not ");
		acp_self_check_describe(right, lines);
		acp_buffer_append(lines, "\n");
	}
	return error;
}

enum acp_error
acp_self_check_run(struct acp_kube *kube,
	const struct acp_self_check_scope *scope, enum acp_self_check_part part,
	struct acp_buffer *lines, size_t *missing)
{
	struct acp_kube_right rights[ACP_SELF_CHECK_RIGHTS_MAX];
	size_t count = acp_self_check_list_rights(scope, part, rights);
	enum acp_error error = ACP_OK;

	*missing = 0;
	for (size_t i = 0; i < count && !error; i++)
		error = ask(kube, &rights[i], lines, missing);
	return error;
}
