/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the API client share: one request with its repetitions,
 * and what an answer means. For api*.c alone.
 */
#ifndef ACP_RECONCILER_API_REQUEST_H
#define ACP_RECONCILER_API_REQUEST_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/api.h"
#include "reconciler/http_pool.h"

#include <stdbool.h>

struct acp_api_request {
	const char *method;
	const char *path; /* behind the base path, escaped */
	const char *body; /* NULL: none */
	bool is_write; /* may_write is asked, and it is not sent twice */
	/* 500 may be the answer to the search, and is then not for repeating */
	bool has_search;
};

/* As acp_api_get; *is_too_large: the answer passed ACP_API_REPLY_MAX. */
ACP_MUST_CHECK enum acp_error acp_api_request_send(struct acp_api *api,
	const struct acp_api_request *request, struct acp_api_reply *reply,
	bool *is_too_large);

/* Fills an empty reply from a whole answer; what it means, as acp_api_get. */
ACP_MUST_CHECK enum acp_error acp_api_reply_read(
	const struct acp_http_answer *answer, struct acp_api_reply *reply);

/* Appends text as RFC 3986 wants it in a path segment or a query's value. */
void acp_api_write_escaped(struct acp_buffer *path, const char *text);

/* Replaces the message, and drops the body. */
void acp_api_reply_refuse(struct acp_api_reply *reply, const char *message);

#endif
