/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A project's namespace as it should be: a Namespace, or in mpp the
 * TenantNamespace that another operator makes one of. These carry the proof
 * of whose namespace it is.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "reconciler/desired_build.h"

struct json_object *
acp_desired_namespace(
	const struct acp_site *site, const char *name, const char *project_id)
{
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL, name};

	return acp_desired_new(site, &ref, project_id);
}

struct json_object *
acp_desired_tenant_namespace(
	const struct acp_site *site, const char *name, const char *project_id)
{
	const struct acp_ref ref = {ACP_KIND_TENANT_NAMESPACE,
		site->config_namespace, acp_desired_tenant_name(site, name)};
	struct json_object *object = acp_desired_new(site, &ref, project_id);
	struct json_object *labels = acp_desired_peek_labels(object);
	struct json_object *spec = acp_desired_add_object(object, "spec");

	acp_desired_add_text(labels, ACP_LABEL_NAMESPACE_TYPE, "runtime");
	acp_desired_add_text(labels, ACP_LABEL_TENANT, ACP_TENANT);
	acp_desired_add_text(spec, "type", "runtime");
	acp_desired_add_text(acp_desired_add_object(spec, "network"),
		"security-zone", "internal");
	return object;
}
