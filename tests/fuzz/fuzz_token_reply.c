/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/token_reply.h: any bytes as the answer of a token endpoint. A token
 * that comes out is one header-safe word with a bounded life; nothing else of
 * the reply comes out at all.
 */
#include <config.h>

#include "lib/token_reply.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"

#define ASKED_MS 1000

static void
expect_sound(const struct acp_token *token)
{
	const char *value = acp_token_peek_value(token);
	int64_t life_ms = acp_token_get_life_ms(token);

	if (!*value || strlen(value) > ACP_TOKEN_MAX)
		abort();
	for (const char *at = value; *at; at++)
		if (*at <= ' ' || *at > '~')
			abort();
	if (life_ms == ACP_TOKEN_LIFE_UNKNOWN ||
		life_ms > ACP_TOKEN_LIFE_MAX_S * INT64_C(1000))
		abort();
}

/* Refusals and error words are of ours, never bytes of the reply. */
static void
expect_foreign(const char *words, const char *data, size_t size)
{
	if (words && words >= data && words < data + size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	const char *body = (const char *)data;
	const char *why = NULL;
	enum acp_error error;

	if (size > ACP_HTTP_BODY_MAX)
		return 0;
	expect_foreign(acp_token_reply_peek_error(body, size), body, size);
	error = acp_token_reply_read(body, size, ASKED_MS, &token, &why);
	if (error == ACP_OK) {
		expect_sound(token);
		return 0;
	}
	if (token || !why || (error != ACP_DENIED && error != ACP_RETRY_LATER))
		abort();
	expect_foreign(why, body, size);
	return 0;
}
