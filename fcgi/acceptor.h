/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that accept connections, wait for whole request heads without
 * being pinned by silent or slow peers, and give each request to the
 * service. They also see when the caller of a held request hangs up.
 */
#ifndef ACP_FCGI_ACCEPTOR_H
#define ACP_FCGI_ACCEPTOR_H

#include "fcgi/metrics.h"
#include "fcgi/service.h"
#include "lib/error.h"

#include <stddef.h>

struct acp_acceptors;

/*
 * Starts count threads on a listening descriptor, which is borrowed and set
 * to not block. ACP_FAULT, with a log line, when the system refuses.
 */
ACP_MUST_CHECK enum acp_error acp_acceptors_new(int listen_fd, size_t count,
	struct acp_service *service, struct acp_metrics *metrics,
	struct acp_acceptors **acceptors);

/*
 * Accepts what has connected already, waits for its heads as long as any
 * head may take, gives it to the service, and ends the threads.
 */
void acp_acceptors_stop(struct acp_acceptors *acceptors);

/* Stopped before, and no exchange is held any more. */
void acp_acceptors_free(struct acp_acceptors **acceptors);

#endif
