/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request as the web server hands it over, by FastCGI or by CGI (RFC
 * 3875), and the way back. The only place that knows libfcgi. A request is
 * used by one thread at a time; it may move between threads, its memory not.
 */
#ifndef ACP_FCGI_REQUEST_H
#define ACP_FCGI_REQUEST_H

#include "lib/auto.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

struct acp_request;

/* Once, before the first request and before any thread. */
void acp_request_prepare(void);

/*
 * Reads the head of the request from a connection whose head was judged
 * ACP_GATE_WHOLE; takes the descriptor whatever the result. NULL when
 * libfcgi refuses it after all; the connection is closed then.
 */
struct acp_request *acp_request_new_fastcgi(int take_fd);

/* The one request of a CGI process: environment and standard output. */
struct acp_request *acp_request_new_cgi(void);

/* Ends the request as it is and closes its connection. */
void acp_request_free(struct acp_request **request);

/*
 * A meta-variable such as REQUEST_METHOD, or NULL; lives as the request. One
 * that came twice is none: which of the two holds would be a guess.
 */
const char *acp_request_peek(
	const struct acp_request *request, const char *name);

/* Bytes of memory that it takes. */
size_t acp_request_get_memory(const struct acp_request *request);

/* The connection, for epoll; −1 under CGI. */
int acp_request_get_fd(const struct acp_request *request);

/*
 * Sends a whole answer, header lines ending in CRLF with "Status:" first,
 * and ends the request. False when the peer has gone; there is nothing to do
 * about it.
 */
bool acp_request_send(struct acp_request *request, const char *head,
	size_t head_size, const char *body, size_t body_size);

#endif
