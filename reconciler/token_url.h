/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token URL that a pod is given: the configured one with session id and
 * proof in its query. The result is a secret of that session.
 */
#ifndef ACP_RECONCILER_TOKEN_URL_H
#define ACP_RECONCILER_TOKEN_URL_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/key.h"

/*
 * What token_url must be: http or https, a host, no user, password, query or
 * fragment (stock runners refuse the first two). NULL stands for a key that
 * is not set. ACP_BAD_REQUEST with the reason, never the URL, in why.
 */
ACP_MUST_CHECK enum acp_error acp_token_url_check(
	const char *url, struct acp_buffer *why);

/*
 * Appends url?s=SESSION&p=PROOF, with the proof under key, to text.
 * ACP_BAD_REQUEST with the reason in why when url or session will not do.
 */
ACP_MUST_CHECK enum acp_error acp_token_url_bind(const char *url,
	const struct acp_key *key, const char *session, struct acp_buffer *text,
	struct acp_buffer *why);

#endif
