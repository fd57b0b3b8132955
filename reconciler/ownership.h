/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an object that was seen is ours. Labels alone prove nothing, for
 * tenants may write them: the name must be the derived one in the derived
 * namespace too, pods and services must be owned by their session's account,
 * and an account must have its anchor, or a session that is there. Pure.
 */
#ifndef ACP_RECONCILER_OWNERSHIP_H
#define ACP_RECONCILER_OWNERSHIP_H

#include "reconciler/site.h"
#include "reconciler/world.h"

#include <stdbool.h>
#include <stddef.h>

/* Labels managed and instance say that it is ours. */
bool acp_ownership_has_labels(
	const struct acp_site *site, const struct acp_object *object);

/*
 * The same for a namespace of project_id that is to be used; with --adopt
 * also one that has the reference's labels and no instance.
 */
bool acp_ownership_may_use(const struct acp_site *site,
	const struct acp_object *object, const char *project_id);

/* Which object of a project it is, by every sign that there is. */
enum acp_role_in_project {
	ACP_OBJECT_FOREIGN, /* some sign is missing */
	ACP_OBJECT_NAMESPACE, /* or TenantNamespace */
	ACP_OBJECT_CONTROL_ROLE,
	ACP_OBJECT_CONTROL_BINDING,
	ACP_OBJECT_CREATOR_BINDING,
	ACP_OBJECT_GROUP_BINDING,
	ACP_OBJECT_IMAGE_PULLER,
	ACP_OBJECT_API_SERVER_POLICY,
	ACP_OBJECT_TOKEN_FETCH_POLICY, /* of no project */
	ACP_OBJECT_PROJECT_SETTINGS,
	ACP_OBJECT__MAX
};

enum acp_role_in_project acp_ownership_judge(
	const struct acp_site *site, const struct acp_object *object);

/*
 * An account, service or pod of a session, by every sign: labels, names
 * derived from its session id, the namespace of its project; then of the
 * account its anchor, or else that the session's row is there and belongs to
 * this project; of the others an ownerReference to such an account.
 */
bool acp_ownership_is_of_session(const struct acp_world *world,
	const struct acp_site *site, const struct acp_object *object);

/*
 * Is namespace, the derived one of the project, there, Active and proved to
 * be ours, so that sessions may be in it, and what is missing in it is gone?
 */
bool acp_ownership_has_namespace(const struct acp_world *world,
	const struct acp_site *site, const char *project_id,
	const char *namespace);

/* Listed objects with our labels that some other sign says are not ours. */
size_t acp_ownership_count_foreign(
	const struct acp_world *world, const struct acp_site *site);

#endif
