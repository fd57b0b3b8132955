/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of the pool as curl sees it: built from a call before it is its
 * turn, read into an answer when it has ended. For http_pool.c alone.
 */
#ifndef ACP_RECONCILER_HTTP_TRANSFER_H
#define ACP_RECONCILER_HTTP_TRANSFER_H

#include "lib/error.h"
#include "reconciler/http_pem.h"
#include "reconciler/http_pool.h"

#include <curl/curl.h>
#include <stddef.h>

struct acp_http_transfer {
	const struct acp_http_call *call;
	struct acp_http_answer *answer;
	struct acp_http_pems *pems;
	struct acp_http_pem *ca;
	struct acp_http_pem *certificate;
	struct acp_http_pem *key;
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	size_t head_size;
	const char *refusal; /* why we broke it off */
};

/*
 * Sets up a transfer, to be cleared whatever comes of it. ACP_FAULT when curl
 * lacks an option that is needed, or there is no room for a certificate.
 */
ACP_MUST_CHECK enum acp_error acp_http_transfer_init(
	struct acp_http_transfer *transfer, const struct acp_http_call *call,
	struct acp_http_answer *answer, struct acp_http_pems *pems);
void acp_http_transfer_clear(struct acp_http_transfer *transfer);

/* When it is its turn; false when curl does not take it. */
ACP_MUST_CHECK bool acp_http_transfer_has_time(
	struct acp_http_transfer *transfer, int64_t timeout_ms);

/* Once it has ended with result: what acp_http_pool_send returns. */
ACP_MUST_CHECK enum acp_error acp_http_transfer_read(
	struct acp_http_transfer *transfer, CURLcode result, const char **why);

#endif
