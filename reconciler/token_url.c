/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes bound token URLs. Must never repeat a URL in a message: it may hold a
 * password.
 */
#include <config.h>

#include "reconciler/token_url.h"

#include "lib/auto.h"
#include "lib/curl_url.h"
#include "lib/proof.h"
#include "lib/secret.h"
#include "lib/session_id.h"

#include <curl/curl.h>
#include <string.h>

/* curl also takes a host behind one slash or three, runners do not. */
static bool
has_two_slashes(const char *text)
{
	const char *slashes = strstr(text, "://");

	return slashes && slashes[3] != '/';
}

static bool
has_web_scheme(CURLU *url)
{
	ACP_AUTO(curl_part) char *scheme = NULL;

	return curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		(strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
}

enum acp_error
acp_token_url_check(const char *text, struct acp_buffer *why)
{
	ACP_AUTO(curl_url) CURLU *url = curl_url();

	if (!text)
		acp_buffer_append(why,
			"token_url (CP_TOKEN_URL) is not set: it is the URL of "
			"the token service as runners reach it");
	else if (!url || !has_two_slashes(text) ||
		curl_url_set(url, CURLUPART_URL, text,
			CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		acp_buffer_append(why, "token_url is not a whole URL");
	else if (!has_web_scheme(url))
		acp_buffer_append(why, "token_url is neither https nor http");
	else if (acp_curl_url_has(url, CURLUPART_USER) ||
		acp_curl_url_has(url, CURLUPART_PASSWORD))
		acp_buffer_append(why,
			"token_url has a user or password in it, which runners "
			"refuse");
	else if (strpbrk(text, "?#"))
		acp_buffer_append(why,
			"token_url has a query or fragment in it; session and "
			"proof are added here");
	else
		return ACP_OK;
	return ACP_BAD_REQUEST;
}

enum acp_error
acp_token_url_bind(const char *url, const struct acp_key *key,
	const char *session, struct acp_buffer *text, struct acp_buffer *why)
{
	char proof[ACP_PROOF_SIZE];

	if (acp_token_url_check(url, why))
		return ACP_BAD_REQUEST;
	if (!acp_session_id_is_legal(session, strlen(session))) {
		acp_buffer_printf(why,
			"this is no session id: %d to %d characters of "
			"A-Z a-z 0-9 . _ -, the first a letter or digit",
			ACP_SESSION_ID_MIN, ACP_SESSION_ID_MAX);
		return ACP_BAD_REQUEST;
	}
	acp_proof_write(key, session, proof);
	/* neither has a character that a query would have to escape */
	acp_buffer_printf(text, "%s?s=%s&p=%s", url, session, proof);
	acp_secret_wipe(proof, sizeof(proof));
	return ACP_OK;
}
