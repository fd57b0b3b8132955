/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of Kubernetes objects that the reconciler knows: where each is
 * found and how it is written. One table; nothing else in this program spells
 * an API path.
 */
#ifndef ACP_RECONCILER_KINDS_H
#define ACP_RECONCILER_KINDS_H

#include "lib/buffer.h"

#include <stdbool.h>

/* X(SYMBOL, kind, apiVersion, plural, is_namespaced) */
/* clang-format off */
#define ACP_KINDS(X) \
X(NAMESPACE, "Namespace", "v1", "namespaces", false) \
X(TENANT_NAMESPACE, "TenantNamespace", "tenant.paas.redhat.com/v1alpha1", \
  "tenantnamespaces", true) \
X(SECRET, "Secret", "v1", "secrets", true) \
X(ROLE, "Role", "rbac.authorization.k8s.io/v1", "roles", true) \
X(ROLE_BINDING, "RoleBinding", "rbac.authorization.k8s.io/v1", \
  "rolebindings", true) \
X(NETWORK_POLICY, "NetworkPolicy", "networking.k8s.io/v1", \
  "networkpolicies", true) \
X(PROJECT_SETTINGS, "ProjectSettings", "vteam.ambient-code/v1alpha1", \
  "projectsettings", true) \
X(SERVICE_ACCOUNT, "ServiceAccount", "v1", "serviceaccounts", true) \
X(SERVICE, "Service", "v1", "services", true) \
X(POD, "Pod", "v1", "pods", true) \
X(LEASE, "Lease", "coordination.k8s.io/v1", "leases", true) \
X(EVENT, "Event", "v1", "events", true) \
X(DEPLOYMENT, "Deployment", "apps/v1", "deployments", true) \
X(CLUSTER_ROLE, "ClusterRole", "rbac.authorization.k8s.io/v1", \
  "clusterroles", false) \
X(ACCESS_REVIEW, "SelfSubjectAccessReview", "authorization.k8s.io/v1", \
  "selfsubjectaccessreviews", false)
/* clang-format on */

enum acp_kind {
#define ACP_KIND_ENUM(symbol, ...) ACP_KIND_##symbol,
	ACP_KINDS(ACP_KIND_ENUM)
#undef ACP_KIND_ENUM
		ACP_KIND__MAX
};

/* One object; texts borrowed. */
struct acp_ref {
	enum acp_kind kind;
	const char *namespace; /* NULL for what is not namespaced */
	const char *name;
};

/* "Pod", "v1", "" or "rbac.authorization.k8s.io", "pods"; static. */
const char *acp_kind_name(enum acp_kind kind);
const char *acp_kind_api_version(enum acp_kind kind);
const char *acp_kind_group(enum acp_kind kind);
const char *acp_kind_plural(enum acp_kind kind);
bool acp_kind_is_namespaced(enum acp_kind kind);

/*
 * Appends "/api/v1/namespaces/NS/pods/NAME"; without the name when ref->name
 * is NULL, and for all namespaces when ref->namespace is NULL. Names are
 * escaped as RFC 3986 path segments.
 */
void acp_ref_write_path(const struct acp_ref *ref, struct acp_buffer *path);

/* Appends "Pod ns/name" or "Namespace name", for people. */
void acp_ref_describe(const struct acp_ref *ref, struct acp_buffer *text);

#endif
