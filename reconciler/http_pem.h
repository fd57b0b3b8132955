/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and keys as curl wants them: under a path. The bytes are in
 * memory only (memfd_create), and the same bytes get the same path, for curl
 * shares a connection between requests whose paths are equal.
 */
#ifndef ACP_RECONCILER_HTTP_PEM_H
#define ACP_RECONCILER_HTTP_PEM_H

#include "lib/error.h"
#include "lib/limits.h"
#include "lib/secret.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { ACP_HTTP_PEM_TURNS = 128 };

struct acp_http_pem {
	int fd; /* -1: free */
	size_t users;
	uint64_t used; /* for whom is to go first */
	struct acp_secret text;
	char path[ACP_HTTP_PEM_TURNS + 64];
};

struct acp_http_pems {
	pthread_mutex_t lock;
	uint64_t turn;
	struct acp_http_pem items[ACP_HTTP_PEMS_MAX];
};

void acp_http_pems_init(struct acp_http_pems *pems);
void acp_http_pems_clear(struct acp_http_pems *pems);

/*
 * The file with that text, to be given back; its path lives until then. Any
 * thread. ACP_FAULT when ACP_HTTP_PEMS_MAX others are in use, or the system
 * has no room.
 */
ACP_MUST_CHECK enum acp_error acp_http_pems_take(struct acp_http_pems *pems,
	const struct acp_secret *text, struct acp_http_pem **pem);

/* Gives back; NULL is taken; *pem is NULL then. */
void acp_http_pems_give(struct acp_http_pems *pems, struct acp_http_pem **pem);

#endif
