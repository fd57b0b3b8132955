/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access token with which the reconciler speaks to the API server: got
 * when it is needed, by one thread for all of them, and again when too little
 * of its life is left. Any thread.
 */
#ifndef ACP_RECONCILER_API_TOKEN_H
#define ACP_RECONCILER_API_TOKEN_H

#include "lib/auto.h"
#include "lib/error.h"
#include "lib/token.h"
#include "lib/token_source.h"

#include <stdbool.h>

struct acp_api_token;

/* No I/O. */
struct acp_api_token *acp_api_token_new(struct acp_token_source *take_source);
/* No call may be under way. */
void acp_api_token_free(struct acp_api_token **holder);

/*
 * Gives a token that lives for a request more; caller owns. May wait for the
 * source. While the source fails, the old token is given as long as it is
 * usable; then the source's error, and at once until the time of its next
 * attempt has come (ACP_MINT_PAUSE_MIN_MS to ACP_MINT_PAUSE_MAX_MS, or what
 * the provider asked for).
 */
ACP_MUST_CHECK enum acp_error acp_api_token_get(
	struct acp_api_token *holder, struct acp_token **token);

/*
 * The server refused that token. True when acp_api_token_get may give another
 * one: it is forgotten then, unless that was done within the last
 * ACP_API_TOKEN_REFUSED_MS, when another token would not help.
 */
bool acp_api_token_forget(
	struct acp_api_token *holder, const struct acp_token *token);

ACP_AUTO_DEFINE(api_token, struct acp_api_token *, acp_api_token_free)

#endif
