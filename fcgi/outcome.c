/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of answers. All ways to be refused with 401 share one row, so
 * that they cannot differ by a byte.
 */
#include <config.h>

#include "fcgi/outcome.h"

#include <assert.h>
#include <stddef.h>

static const struct acp_outcome_words words[ACP_OUTCOME__MAX] = {
	[ACP_OUTCOME_TOKEN] = {200, "OK", NULL, "", "token", ACP_LOG_INFO},
	[ACP_OUTCOME_INFO] = {200, "OK", NULL, "", "ok", ACP_LOG_DEBUG},
	[ACP_OUTCOME_NOT_READY] = {503, "Service Unavailable", NULL, "",
		"not_ready", ACP_LOG_DEBUG},
	[ACP_OUTCOME_NOT_FOUND] = {404, "Not Found", "not found\n", "",
		"not_found", ACP_LOG_INFO},
	[ACP_OUTCOME_METHOD] = {405, "Method Not Allowed",
		"method not allowed\n", "Allow: GET\r\n", "method_not_allowed",
		ACP_LOG_INFO},
	[ACP_OUTCOME_UNAUTHORIZED] = {401, "Unauthorized", "unauthorized\n",
		"WWW-Authenticate: Bearer\r\n", "unauthorized", ACP_LOG_INFO},
	[ACP_OUTCOME_FORBIDDEN] = {403, "Forbidden", "forbidden\n", "",
		"forbidden", ACP_LOG_INFO},
	[ACP_OUTCOME_NO_KEY] = {503, "Service Unavailable", "unavailable\n", "",
		"no_key", ACP_LOG_WARN},
	[ACP_OUTCOME_NO_TOKEN] = {503, "Service Unavailable", "unavailable\n",
		"", "no_token", ACP_LOG_WARN},
	[ACP_OUTCOME_BUSY] = {503, "Service Unavailable", "unavailable\n", "",
		"busy", ACP_LOG_WARN},
	[ACP_OUTCOME_DRAINING] = {503, "Service Unavailable", "unavailable\n",
		"", "draining", ACP_LOG_WARN},
	[ACP_OUTCOME_NOT_CONFIGURED] = {503, "Service Unavailable",
		"unavailable\n", "", "not_configured", ACP_LOG_ERROR},
};

const struct acp_outcome_words *
acp_outcome_describe(enum acp_outcome outcome)
{
	assert(outcome < ACP_OUTCOME__MAX);
	return &words[outcome];
}
