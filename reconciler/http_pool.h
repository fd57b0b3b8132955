/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP for many threads over one curl multi handle: connections are kept and
 * shared, HTTP/2 is used where it is offered, and no more than a set number of
 * requests is in flight. One thread of its own moves all transfers; callers
 * block until theirs has ended.
 */
#ifndef ACP_RECONCILER_HTTP_POOL_H
#define ACP_RECONCILER_HTTP_POOL_H

#include "lib/auto.h"
#include "lib/error.h"
#include "lib/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_http_pool;

/* How a server is reached and known; texts outlive every call with it. */
struct acp_http_server {
	const char *base_url; /* scheme, host, port, perhaps a path; no "/" */
	const char *proxy; /* NULL: none; the environment's is never used */
	const char *tls_server_name; /* NULL: the host of base_url */
	const char *ca_file; /* NULL, and no ca_pem: the system's */
	const struct acp_secret *ca_pem; /* NULL: none */
	const struct acp_secret *client_pem; /* certificates; NULL: none */
	const struct acp_secret *client_key_pem;
	bool is_unverified; /* insecure-skip-tls-verify */
};

struct acp_http_call {
	const struct acp_http_server *server;
	const char *method; /* "GET", "POST" … */
	const char *path; /* behind base_url, with query, escaped */
	const struct acp_secret *bearer; /* NULL: no Authorization */
	const char *accept;
	const char *content_type; /* NULL: no body */
	const char *extra_header; /* "Name: value", NULL: none */
	const char *body;
	size_t body_size;
	int64_t timeout_ms; /* in all, from when it is its turn */
	/*
	 * Asked by the pool's thread when it is its turn, so it must not wait:
	 * for how many milliseconds it may last; 0: it must not be sent any
	 * more. NULL: timeout_ms holds.
	 */
	int64_t (*begin)(void *context);
	void *context;
	size_t reply_max; /* bytes */
	/*
	 * Before those that are not: for what must not wait behind a long
	 * plan (leases, the key, the fast pass). Some places in flight are
	 * kept for these.
	 */
	bool is_urgent;
	/*
	 * What it is about, when others of the same have no more than a
	 * quarter of the places between them: what does not answer must not
	 * take all. Not terminated; NULL: no such bound.
	 */
	const char *lane;
	size_t lane_size;
	bool is_of_ending; /* begins after acp_http_pool_close, too */
};

struct acp_http_answer {
	long status;
	int64_t date_s; /* Date as seconds since 1970; 0: none */
	int64_t retry_after_ms; /* RFC 9110 §10.2.3, bounded; 0: none */
	struct acp_secret body;
	int version; /* 10, 11 or 20: of HTTP */
	bool is_too_large; /* more than reply_max: why nothing came */
};

/* How many requests were answered with a status (0: none came). */
struct acp_http_count {
	long code;
	uint64_t requests;
};

/* Starts the thread. in_flight: 1 to ACP_HTTP_IN_FLIGHT_MAX. */
struct acp_http_pool *acp_http_pool_new(size_t in_flight);
/* No call may be under way. */
void acp_http_pool_free(struct acp_http_pool **pool);

void acp_http_answer_init(struct acp_http_answer *answer);
void acp_http_answer_clear(struct acp_http_answer *answer);

/*
 * Sends one request, never redirected, and fills an empty answer of whatever
 * status. ACP_RETRY_LATER when no whole answer within the bounds came (*why:
 * static text), ACP_DENIED when call->begin said no, ACP_FAULT when curl
 * cannot do what is asked of it.
 */
ACP_MUST_CHECK enum acp_error acp_http_pool_send(struct acp_http_pool *pool,
	const struct acp_http_call *call, struct acp_http_answer *answer,
	const char **why);

/*
 * From any thread: requests that have not begun, and later ones, fail at
 * once, but for those of the ending: the Lease is to be given up. Those in
 * flight go on to their end (or time-out).
 */
void acp_http_pool_close(struct acp_http_pool *pool);

ACP_AUTO_DEFINE(http_answer, struct acp_http_answer, acp_http_answer_clear)

#endif
