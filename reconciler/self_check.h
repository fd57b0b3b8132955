/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rights the reconciler needs in Kubernetes, as one table, and which
 * of them it lacks (SelfSubjectAccessReview). For --check and at start: a
 * right that is missing is told before the first write fails for it.
 */
#ifndef ACP_RECONCILER_SELF_CHECK_H
#define ACP_RECONCILER_SELF_CHECK_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/kube.h"

#include <stdbool.h>
#include <stddef.h>

/* What is configured and decides what is needed. */
struct acp_self_check_scope {
	const char *runtime_namespace;
	const char *config_namespace; /* of the TenantNamespaces */
	const char *image_namespace; /* NULL: no image-puller bindings */
	bool is_mpp;
	bool has_keypair_owner;
	bool retains_namespaces; /* project_namespaces = retain */
};

/* For whom: with one identity all, else what each of two is needed for. */
enum acp_self_check_part {
	ACP_SELF_CHECK_WHOLE,
	ACP_SELF_CHECK_RUNTIME, /* outside of projects: as clients.h tells them apart */
	ACP_SELF_CHECK_PROJECTS, /* PROJECT_KUBE_TOKEN_FILE */
	ACP_SELF_CHECK_PART__MAX
};

enum { ACP_SELF_CHECK_RIGHTS_MAX = 128 };

/* Fills rights, of ACP_SELF_CHECK_RIGHTS_MAX; how many. Texts borrowed. */
size_t acp_self_check_list_rights(const struct acp_self_check_scope *scope,
	enum acp_self_check_part part, struct acp_kube_right *rights);

/*
 * Asks for each, and appends a line ("may not delete pods in all
 * namespaces") for each that is missing. ACP_OK with *missing when all were
 * answered; else the error of the first that was not, with its line.
 */
ACP_MUST_CHECK enum acp_error acp_self_check_run(struct acp_kube *kube,
	const struct acp_self_check_scope *scope, enum acp_self_check_part part,
	struct acp_buffer *lines, size_t *missing);

/* Appends "bind clusterroles/view (rbac.authorization.k8s.io) in ns". */
void acp_self_check_describe(
	const struct acp_kube_right *right, struct acp_buffer *text);

#endif
