/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choices of the operator that decide which objects are wanted, as plain
 * values; part of the settings, and all that the planner knows of them.
 */
#ifndef ACP_RECONCILER_SITE_H
#define ACP_RECONCILER_SITE_H

#include <stdbool.h>
#include <stddef.h>

enum acp_platform {
	ACP_PLATFORM_STANDARD,
	ACP_PLATFORM_MPP,
	ACP_PLATFORM__MAX
};

struct acp_site {
	enum acp_platform platform;
	const char *instance; /* ambient-code.io/instance of our objects */
	const char *runtime_namespace;
	const char *config_namespace; /* mpp: of the TenantNamespaces */
	const char *image_namespace; /* NULL: no image-puller bindings */
	const char *vertex_namespace; /* never a project's; NULL: none */
	const char *service_account; /* of the control plane */
	const char *token_service_app; /* its pods' label app */
	int token_service_port;
	bool has_creator_binding; /* trust ambient-code.io/created-by */
	bool deletes_namespaces; /* project_namespaces = delete */
	bool adopts; /* --adopt */
};

#endif
