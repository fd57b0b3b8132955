/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool that the tests of the API client speak to.
 */
#include <config.h>

#include "tests/unit/fake_pool.h"

#include <stdio.h>
#include <string.h>

struct fake_pool fake_pool;

enum acp_error __wrap_acp_http_pool_send(struct acp_http_pool *pool,
	const struct acp_http_call *call, struct acp_http_answer *answer,
	const char **why);

enum acp_error
__wrap_acp_http_pool_send(struct acp_http_pool *pool,
	const struct acp_http_call *call, struct acp_http_answer *answer,
	const char **why)
{
	struct fake_pool *fake = &fake_pool;

	(void)pool;
	fake->calls++;
	fake->time_ms = call->begin(call->context);
	if (fake->time_ms <= 0) {
		fake->refusals++;
		*why = "out of time";
		return ACP_DENIED;
	}
	snprintf(fake->method, sizeof(fake->method), "%s", call->method);
	snprintf(fake->url, sizeof(fake->url), "%s%s", call->server->base_url,
		call->path);
	snprintf(fake->bearer, sizeof(fake->bearer), "%s",
		acp_secret_peek(call->bearer));
	snprintf(fake->body, sizeof(fake->body), "%.*s", (int)call->body_size,
		call->body ? call->body : "");
	*why = "the connection was cut";
	return fake->answer(call, fake->calls, answer);
}

void
fake_pool_fill(struct acp_http_answer *answer, long status, const char *body)
{
	answer->status = status;
	acp_secret_set(&answer->body, body, strlen(body));
}
