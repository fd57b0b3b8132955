/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a request ends, and the one place where that becomes a status, words,
 * headers and a log level.
 */
#ifndef ACP_FCGI_OUTCOME_H
#define ACP_FCGI_OUTCOME_H

#include "lib/log.h"

enum acp_outcome {
	ACP_OUTCOME_TOKEN, /* a token is given */
	ACP_OUTCOME_INFO, /* /healthz, /readyz or /metrics with 200 */
	ACP_OUTCOME_NOT_READY,
	ACP_OUTCOME_NOT_FOUND,
	ACP_OUTCOME_METHOD, /* wrong method on /token */
	ACP_OUTCOME_UNAUTHORIZED, /* no, bad, or foreign credential */
	ACP_OUTCOME_FORBIDDEN, /* it opened, but holds no session id */
	ACP_OUTCOME_NO_KEY,
	ACP_OUTCOME_NO_TOKEN,
	ACP_OUTCOME_BUSY, /* the queue is full or too slow */
	ACP_OUTCOME_DRAINING,
	ACP_OUTCOME_NOT_CONFIGURED, /* CGI only: nothing can be served */
	ACP_OUTCOME__MAX
};

struct acp_outcome_words {
	int status; /* RFC 9110 §15 */
	const char *reason; /* of the status line */
	const char *body; /* NULL: the route makes it */
	const char *headers; /* extra ones, each with its CRLF */
	const char *label; /* for the log */
	enum acp_log_level level;
};

/* Static; never NULL. */
const struct acp_outcome_words *acp_outcome_describe(enum acp_outcome outcome);

#endif
