/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API token between CGI requests, each a process of its own: kept in
 * files of cache_dir that only the user of these processes may read, bound
 * to where the token came from and to this boot of the machine. One process
 * at a time asks the provider; a failure is remembered for the time of the
 * back-off, so that a dead provider is not asked by every request. A static
 * token is not kept: reading it costs less.
 */
#ifndef ACP_FCGI_TOKEN_CACHE_H
#define ACP_FCGI_TOKEN_CACHE_H

#include "fcgi/settings.h"
#include "lib/auto.h"
#include "lib/error.h"
#include "lib/token.h"
#include "lib/token_source.h"

#include <stdbool.h>

struct acp_token_cache;

/*
 * Takes the source, which was made from settings->source; settings must
 * outlive the cache. Does no I/O. One thread.
 */
struct acp_token_cache *acp_token_cache_new(const struct acp_settings *settings,
	struct acp_token_source *take_source);
void acp_token_cache_free(struct acp_token_cache **cache);

/*
 * Gets a usable token, caller owns: the kept one if there is one, even when
 * it is due for renewal, else a new one, waiting up to mint_wait for another
 * process that is getting it. cache_dir is made when it is missing. Else the
 * cause was logged and *retry_after_s is what to tell the client, at least 1:
 *   ACP_DENIED       the provider refuses us, or our rules refuse the token
 *   ACP_RETRY_LATER  the provider fails, or did a moment ago
 *   ACP_FAULT        cache_dir cannot be used
 * Who asks the provider ignores SIGTERM and SIGHUP from then on.
 */
ACP_MUST_CHECK enum acp_error acp_token_cache_get(struct acp_token_cache *cache,
	struct acp_token **token, unsigned int *retry_after_s);

/*
 * False when it is known that acp_token_cache_get would give none: no usable
 * token is kept and a back-off lasts, or cache_dir cannot be used (logged).
 * *retry_after_s is then as there. Asks nobody and waits for nobody; of a
 * static token nothing is known.
 */
bool acp_token_cache_is_hopeful(
	const struct acp_settings *settings, unsigned int *retry_after_s);

/*
 * Renews a token that is due (less than min(min_ttl, life/2) is left) unless
 * another process is at it. Call it when the answer is sent and stdout is
 * closed, with SIGTERM and SIGHUP ignored, so that no client waits for it
 * and no web server ends it: it takes up to ACP_HTTP_TOTAL_MS.
 */
void acp_token_cache_refresh(struct acp_token_cache *cache);

ACP_AUTO_DEFINE(token_cache, struct acp_token_cache *, acp_token_cache_free)

#endif
