/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer of the Kubernetes API means, by its HTTP status and the
 * Status object in it (apimachinery metav1.Status). Pure; for kube.c.
 */
#ifndef ACP_RECONCILER_KUBE_STATUS_H
#define ACP_RECONCILER_KUBE_STATUS_H

#include "lib/error.h"
#include "reconciler/kube.h"

#include <json-c/json_object.h>
#include <stddef.h>

/* status is the body, or NULL when that is no Status object. */
enum acp_kube_reason acp_kube_status_judge(
	long code, const struct json_object *status);

/* What the caller does about it, as reconciler/kube.h has it. */
enum acp_error acp_kube_status_get_error(enum acp_kube_reason reason);

/* True for an object of kind Status. */
bool acp_kube_status_is_one(const struct json_object *body);

/* Its message, cut to size and made printable, into text; "" for none. */
void acp_kube_status_write_message(
	const struct json_object *status, char *text, size_t size);

#endif
