/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where API tokens come from. Back ends: token_source_oidc.c (OAuth 2.0
 * client credentials, RFC 6749 §4.4) and token_source_static.c. Used by one
 * thread at a time.
 */
#ifndef ACP_LIB_TOKEN_SOURCE_H
#define ACP_LIB_TOKEN_SOURCE_H

#include "lib/error.h"
#include "lib/secret.h"
#include "lib/token.h"

#include <stdbool.h>
#include <stdint.h>

struct acp_token_source;

enum acp_source_kind { ACP_SOURCE_OIDC, ACP_SOURCE_STATIC, ACP_SOURCE__MAX };

struct acp_source_settings {
	enum acp_source_kind kind;
	/* oidc */
	const char *token_url; /* checked by acp_url_check_provider */
	const char *client_id;
	const struct acp_secret *client_secret;
	const char *scope; /* NULL: none */
	const char *audience; /* NULL: none */
	const char *https_proxy; /* NULL: none */
	const char *ca_file; /* NULL: the system's */
	bool is_shared_identity; /* the control plane's own, warned about */
	bool may_use_http;
	/* static: one of the two */
	const struct acp_secret *api_token; /* empty when a file is given */
	const char *api_token_file; /* NULL: none; not read yet */
	bool may_use_cluster_token;
};

/* settings must outlive the source; caller owns it. Never does I/O. */
struct acp_token_source *acp_token_source_new(
	const struct acp_source_settings *settings);
void acp_token_source_free(struct acp_token_source **source);

/*
 * Gets one token, blocking up to ACP_HTTP_TOTAL_MS an attempt; may be cut
 * short by acp_token_source_cancel. On success the caller owns *token. Else
 * the cause was logged (never with the provider's text), and
 * *retry_after_ms is what the provider asked for, or 0.
 *   ACP_DENIED       the provider refuses us, or our rules refuse the token
 *   ACP_RETRY_LATER  it cannot be reached, is slow, answers 5xx or garbage
 */
ACP_MUST_CHECK enum acp_error acp_token_source_fetch(
	struct acp_token_source *source, struct acp_token **token,
	int64_t *retry_after_ms);

/* True when a new fetch would give another token (its file changed). */
bool acp_token_source_has_changed(struct acp_token_source *source);

/* From any thread: a fetch under way and later ones end at once. */
void acp_token_source_cancel(struct acp_token_source *source);

#endif
