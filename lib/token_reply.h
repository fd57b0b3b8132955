/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token endpoint answers (RFC 6749 §5.1 and §5.2), from bytes that
 * may be anything. No text of it goes anywhere but into the token.
 */
#ifndef ACP_LIB_TOKEN_REPLY_H
#define ACP_LIB_TOKEN_REPLY_H

#include "lib/error.h"
#include "lib/token.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Reads the body of a 200 answer to a request of asked_ms; caller owns the
 * token. Its life is expires_in, or the JWT's exp, or
 * ACP_TOKEN_LIFE_DEFAULT_S, and at most ACP_TOKEN_LIFE_MAX_S. It began a
 * little before asked_ms where exp, in whole seconds, says so. On failure
 * *why is a static text: ACP_DENIED for a token that is not a Bearer one,
 * else ACP_RETRY_LATER.
 */
ACP_MUST_CHECK enum acp_error acp_token_reply_read(const char *body,
	size_t size, int64_t asked_ms, struct acp_token **token,
	const char **why);

/*
 * The error code of an error answer when it is one of the registered words,
 * as a static text; else NULL.
 */
const char *acp_token_reply_peek_error(const char *body, size_t size);

#endif
