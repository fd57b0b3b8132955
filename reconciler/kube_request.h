/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Kubernetes client share: one request with its
 * repetitions. For kube*.c alone.
 */
#ifndef ACP_RECONCILER_KUBE_REQUEST_H
#define ACP_RECONCILER_KUBE_REQUEST_H

#include "lib/error.h"
#include "reconciler/kube.h"

#include <stdbool.h>
#include <stddef.h>

#define ACP_KUBE_JSON "application/json"

struct acp_kube_request {
	enum acp_kind kind;
	const char *method;
	const char *path; /* with query */
	const char *accept;
	const char *content_type; /* NULL: no body */
	const char *body;
	size_t body_size;
	/* gets the items of a page; of the body's array none is left then */
	const struct acp_kube_sink *sink; /* NULL: the body is kept whole */
	bool is_write; /* asks the guard, and lasts ACP_KUBE_WRITE_MS at most */
};

/*
 * Sends, repeats, judges. Fills an empty reply whatever happens; *is_too_large
 * is set when the answer passed ACP_KUBE_REPLY_MAX.
 */
ACP_MUST_CHECK enum acp_error acp_kube_request_send(struct acp_kube *kube,
	const struct acp_kube_request *request, struct acp_kube_reply *reply,
	bool *is_too_large);

/* A refusal of our own, in words. */
void acp_kube_reply_refuse(struct acp_kube_reply *reply,
	enum acp_kube_reason reason, const char *message);

/* Appends text as a value in a query (RFC 3986 §3.4). */
void acp_kube_query_write(const char *text, struct acp_buffer *query);

#endif
