/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the desired objects are put together, for the desired_*.c files alone:
 * json-c with out of memory being fatal, and the labels that every managed
 * object carries.
 */
#ifndef ACP_RECONCILER_DESIRED_BUILD_H
#define ACP_RECONCILER_DESIRED_BUILD_H

#include "reconciler/kinds.h"
#include "reconciler/site.h"

#include <json-c/json_object.h>
#include <stdbool.h>

#define ACP_LABEL_MANAGED "ambient-code.io/managed"
#define ACP_LABEL_INSTANCE "ambient-code.io/instance"
#define ACP_LABEL_PROJECT_ID "ambient-code.io/project-id"
#define ACP_LABEL_SESSION_ID "ambient-code.io/session-id"
#define ACP_LABEL_MANAGED_BY "ambient-code.io/managed-by"
#define ACP_LABEL_TENANT "tenant.paas.redhat.com/tenant"
#define ACP_LABEL_NAMESPACE_TYPE "tenant.paas.redhat.com/namespace-type"
#define ACP_ANNOTATION_ROLE "ambient-code.io/role"

#define ACP_MANAGED_BY "ambient-control-plane"
#define ACP_TENANT "ambient-code"
#define ACP_RBAC_GROUP "rbac.authorization.k8s.io"

/*
 * An object with apiVersion, kind and metadata: name, namespace unless NULL,
 * and our labels, project-id unless NULL. Caller owns.
 */
struct json_object *acp_desired_new(const struct acp_site *site,
	const struct acp_ref *ref, const char *project_id);

/* A new member of object; borrowed. */
struct json_object *acp_desired_add_object(
	struct json_object *object, const char *key);
struct json_object *acp_desired_add_array(
	struct json_object *object, const char *key);
void acp_desired_add_text(
	struct json_object *object, const char *key, const char *text);
void acp_desired_add_bool(
	struct json_object *object, const char *key, bool is_on);
void acp_desired_add_number(
	struct json_object *object, const char *key, int number);

/* A new element of array: an object, borrowed; or the words up to NULL. */
struct json_object *acp_desired_push_object(struct json_object *array);
void acp_desired_push_texts(
	struct json_object *array, const char *const *texts);

/* A binding's role, and its only subject: an object, borrowed. */
void acp_desired_add_role_ref(
	struct json_object *binding, const char *kind, const char *name);
struct json_object *acp_desired_add_subject(
	struct json_object *binding, const char *kind, const char *name);

/* The member of that name of metadata, made when there is none; borrowed. */
struct json_object *acp_desired_peek_labels(struct json_object *object);
struct json_object *acp_desired_peek_annotations(struct json_object *object);

#endif
