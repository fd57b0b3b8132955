/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for acp_http_pool_send (linked with --wrap): a test's function
 * answers each call, and what was asked is kept.
 */
#ifndef ACP_TESTS_UNIT_FAKE_POOL_H
#define ACP_TESTS_UNIT_FAKE_POOL_H

#include "lib/error.h"
#include "reconciler/http_pool.h"

#include <stddef.h>
#include <stdint.h>

enum { FAKE_POOL_TEXT = 2048 };

struct fake_pool {
	/* number counts from 1; what it returns the call returns */
	enum acp_error (*answer)(const struct acp_http_call *call, int number,
		struct acp_http_answer *answer);
	int calls; /* that came */
	int refusals; /* of them those that begin did not allow */
	int64_t time_ms; /* that the last one had */
	char method[16];
	char url[FAKE_POOL_TEXT]; /* of the last one */
	char bearer[FAKE_POOL_TEXT];
	char body[FAKE_POOL_TEXT];
};

extern struct fake_pool fake_pool;

/* Fills an answer. */
void fake_pool_fill(
	struct acp_http_answer *answer, long status, const char *body);

#endif
