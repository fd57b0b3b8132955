/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP POST of a form to the identity provider, by libcurl. TLS 1.2 or
 * newer, verified; no redirects; no proxy but the one that is given, never
 * one of the environment; every size and time bounded (lib/limits.h).
 */
#ifndef ACP_LIB_HTTP_H
#define ACP_LIB_HTTP_H

#include "lib/auto.h"
#include "lib/error.h"
#include "lib/secret.h"

#include <stdint.h>

struct acp_http;

/* All borrowed for the time of the call. */
struct acp_http_request {
	const char *url;
	const char *user; /* NULL: no Authorization; else Basic (RFC 7617) */
	const char *password;
	const struct acp_secret *form; /* application/x-www-form-urlencoded */
	const char *proxy; /* NULL: none; not used for this host */
	const char *ca_file; /* NULL: the system's */
	int64_t timeout_ms; /* in all, at most ACP_HTTP_TOTAL_MS */
};

struct acp_http_reply {
	long status;
	int64_t retry_after_ms; /* RFC 9110 §10.2.3, bounded; 0: none */
	struct acp_secret body;
};

struct acp_http *acp_http_new(void);
void acp_http_free(struct acp_http **http);

void acp_http_reply_init(struct acp_http_reply *reply);
void acp_http_reply_clear(struct acp_http_reply *reply);

/*
 * Sends one request and fills an empty reply, of whatever status. Fails with
 * ACP_RETRY_LATER when no whole reply within the bounds came, ACP_FAULT when
 * curl cannot do what is asked of it; *why is then a static text, of curl's
 * words or ours, never the other side's.
 */
ACP_MUST_CHECK enum acp_error acp_http_post(struct acp_http *http,
	const struct acp_http_request *request, struct acp_http_reply *reply,
	const char **why);

/* From any thread: a request under way and later ones fail at once. */
void acp_http_cancel(struct acp_http *http);

ACP_AUTO_DEFINE(http_reply, struct acp_http_reply, acp_http_reply_clear)

#endif
