/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API token with its life. Shared by reference count and never changed,
 * so any thread may hold one; wiped when the last holder lets go.
 */
#ifndef ACP_LIB_TOKEN_H
#define ACP_LIB_TOKEN_H

#include "lib/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACP_TOKEN_LIFE_UNKNOWN (-1)

struct acp_token;

/*
 * True for 1 to ACP_TOKEN_MAX visible ASCII characters: what may stand in a
 * header behind "Bearer " (RFC 6750 §2.1 allows a little less).
 */
bool acp_token_is_legal(const char *value, size_t size);

/*
 * Copies value, which must be legal. asked_ms (acp_clock_now_ms) is when it was asked for, life_ms
 * how long it lives from then, or ACP_TOKEN_LIFE_UNKNOWN. Caller owns.
 */
struct acp_token *acp_token_new(
	const char *value, size_t size, int64_t asked_ms, int64_t life_ms);
struct acp_token *acp_token_dup(struct acp_token *token);
void acp_token_free(struct acp_token **token);

const char *acp_token_peek_value(const struct acp_token *token);

/*
 * `{"token":"…","expires_at":"…"` (RFC 3339 UTC, whole seconds rounded down;
 * no expires_at when the life is unknown): the start of the /token reply, to
 * which the caller appends "}\n". Size without NUL; lives as the token.
 */
const char *acp_token_peek_json(const struct acp_token *token, size_t *size);

/* Milliseconds of life left at now_ms; INT64_MAX when unknown. */
int64_t acp_token_get_left_ms(const struct acp_token *token, int64_t now_ms);

/* The whole life, or ACP_TOKEN_LIFE_UNKNOWN. */
int64_t acp_token_get_life_ms(const struct acp_token *token);

/* Expiry in milliseconds since 1970, 0 when unknown. */
int64_t acp_token_get_expiry_wall_ms(const struct acp_token *token);

/* False once less than min(10 s, life/4) is left. */
bool acp_token_is_usable(const struct acp_token *token, int64_t now_ms);

/* Milliseconds for which it stays so, at least 0; INT64_MAX when unknown. */
int64_t acp_token_get_usable_ms(const struct acp_token *token, int64_t now_ms);

/*
 * When to ask for the next one, on the clock of acp_clock_now_ms: once less
 * than min(min_ttl_ms, life/2) is left; INT64_MAX when the life is unknown.
 */
int64_t acp_token_get_due_ms(const struct acp_token *token, int64_t min_ttl_ms);

ACP_AUTO_DEFINE(token, struct acp_token *, acp_token_free)

#endif
