/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects as they should be, whole, and how one that was seen is compared
 * with them. Every field that the server would default is spelled out, so
 * that what was applied and what is read back are the same.
 */
#ifndef ACP_RECONCILER_DESIRED_H
#define ACP_RECONCILER_DESIRED_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/kinds.h"
#include "reconciler/rows.h"
#include "reconciler/site.h"
#include "reconciler/world.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdint.h>

#define ACP_NAME_MAX 63
#define ACP_NAME_SIZE (ACP_NAME_MAX + 1)

/*
 * Writes the namespace of a project ("p1" or "ambient-code--p1").
 * ACP_BAD_REQUEST with the reason in why when it would be too long, is no
 * DNS label, or is one that nobody may take: default, kube-*, openshift*,
 * the runtime, config, image and Vertex namespaces (H-24, H-34).
 */
ACP_MUST_CHECK enum acp_error acp_desired_namespace_name(
	const struct acp_site *site, const char *project_id,
	char name[static ACP_NAME_SIZE], struct acp_buffer *why);

/*
 * The name of the TenantNamespace behind a project's namespace: what follows
 * "ambient-code--" (NULL: it does not begin so); where there are none, the
 * namespace itself. Borrowed.
 */
const char *acp_desired_tenant_name(
	const struct acp_site *site, const char *namespace);

/* Objects that have one name in every project, and the one of the cluster. */
#define ACP_CONTROL_ROLE "ambient-control-plane-project-manager"
#define ACP_API_SERVER_POLICY "allow-ambient-api-server"
#define ACP_TOKEN_FETCH_POLICY "allow-runner-token-fetch"
#define ACP_SETTINGS_NAME "projectsettings"
#define ACP_RUNNER_SECRET "ambient-runner-secrets"

/* What the names of our bindings begin with. */
#define ACP_PULLER_PREFIX "ambient-image-puller"
#define ACP_CREATOR_PREFIX "ambient-admin"
#define ACP_GROUP_PREFIX "ambient-group"

/*
 * A name for a binding: prefix, what is left of text in [a-z0-9-], and a hash
 * of all of it, so that two texts never share a name (H-36, H-37).
 */
void acp_desired_binding_name(
	const char *prefix, const char *text, char name[static ACP_NAME_SIZE]);

/* The name of the binding that gives group a role. */
void acp_desired_group_name(
	const char *role, const char *group, char name[static ACP_NAME_SIZE]);

/*
 * Each caller owns the result; every one carries the labels of the site.
 * namespace is the project's; also of a TenantNamespace, whose own name is
 * derived from it.
 */
struct json_object *acp_desired_namespace(
	const struct acp_site *site, const char *name, const char *project_id);
struct json_object *acp_desired_tenant_namespace(const struct acp_site *site,
	const char *namespace, const char *project_id);
struct json_object *acp_desired_runner_secret(const struct acp_site *site,
	const char *namespace, const char *project_id);
struct json_object *acp_desired_control_role(const struct acp_site *site,
	const char *namespace, const char *project_id);
struct json_object *acp_desired_control_binding(const struct acp_site *site,
	const char *namespace, const char *project_id);
struct json_object *acp_desired_image_puller(const struct acp_site *site,
	const char *namespace, const char *project_id);
struct json_object *acp_desired_api_server_policy(const struct acp_site *site,
	const char *namespace, const char *project_id);
struct json_object *acp_desired_token_fetch_policy(const struct acp_site *site);
struct json_object *acp_desired_project_settings(const struct acp_site *site,
	const char *namespace, const struct acp_settings_row *row);

/*
 * Bindings of people. NULL, with a sentence in why, for what is refused:
 * unknown roles, groups system:*, a service account without two parts (H-42).
 */
struct json_object *acp_desired_creator_binding(const struct acp_site *site,
	const char *namespace, const struct acp_project_row *project,
	struct acp_buffer *why);
struct json_object *acp_desired_group_binding(const struct acp_site *site,
	const char *namespace, const char *project_id,
	const struct acp_group *group, struct acp_buffer *why);

/*
 * An Event (v1) about an object, in the object's namespace or else in the
 * runtime namespace, named by a hash of object, reason and message. now_s 0:
 * without times.
 */
struct json_object *acp_desired_event(const struct acp_site *site,
	const struct acp_object *about, const char *reason, const char *message,
	int64_t now_s);

/*
 * The digest of what is compared: labels of ours, and the parts of the kind
 * that are ours (rules; roleRef and subjects; spec …), in a canonical order.
 * Of a desired object and of what the server gave back for it the same.
 */
void acp_desired_content(enum acp_kind kind, struct json_object *object,
	uint8_t content[static ACP_CONTENT_SIZE]);

/*
 * Makes of a desired Service one that replaces the seen one: with its uid and
 * resourceVersion, and with the addresses that the server gave it, which must
 * not change. Shares what it takes over.
 */
void acp_desired_service_keep(
	struct json_object *service, struct json_object *seen);

/* "ambient-code.io/managed=true,ambient-code.io/instance=…" into text. */
void acp_desired_selector(const struct acp_site *site, struct acp_buffer *text);

#endif
