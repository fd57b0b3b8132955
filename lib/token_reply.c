/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parser of the identity provider's replies, for the oidc source. What it
 * copied of a token is wiped. Never logs.
 */
#include <config.h>

#include "lib/token_reply.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/jwt.h"
#include "lib/limits.h"

#include <string.h>
#include <strings.h>

/* OAuth Extensions Error Registry, token endpoint, and two that providers
 * borrow from the authorization endpoint. */
static const char *const error_words[] = {
	"invalid_request",
	"invalid_client",
	"invalid_grant",
	"unauthorized_client",
	"unsupported_grant_type",
	"invalid_scope",
	"invalid_target",
	"invalid_dpop_proof",
	"use_dpop_nonce",
	"access_denied",
	"server_error",
	"temporarily_unavailable",
};

const char *
acp_token_reply_peek_error(const char *body, size_t size)
{
	ACP_AUTO(json) struct json_object *reply = acp_json_new(body, size);
	const char *error;
	size_t error_size = 0;

	error = reply ? acp_json_peek_text(reply, "error", &error_size) : NULL;
	if (!error || strlen(error) != error_size)
		return NULL;
	for (size_t i = 0; i < sizeof(error_words) / sizeof(*error_words); i++)
		if (!strcmp(error, error_words[i]))
			return error_words[i];
	return NULL;
}

/* OAuth 2.0 demands token_type; providers that leave it out mean Bearer. */
static bool
is_bearer(const struct json_object *reply)
{
	struct json_object *member = NULL;
	size_t size = 0;
	const char *type = acp_json_peek_text(reply, "token_type", &size);

	if (type)
		return size == strlen("Bearer") && !strcasecmp(type, "Bearer");
	return !json_object_object_get_ex(reply, "token_type", &member) ||
		!member;
}

/* False when the token has ended already. */
static bool
has_life(const struct json_object *reply, const char *value, size_t size,
	int64_t *life_ms)
{
	int64_t seconds = 0;
	struct acp_jwt jwt;

	if (acp_json_has_number(reply, "expires_in", &seconds) && seconds > 0)
		*life_ms = seconds * 1000;
	else if (acp_jwt_has_claims(value, size, &jwt) && jwt.has_expiry)
		*life_ms = acp_jwt_get_left_ms(&jwt, acp_clock_wall_ms());
	else
		*life_ms = ACP_TOKEN_LIFE_DEFAULT_S * 1000;
	if (*life_ms > ACP_TOKEN_LIFE_MAX_S * 1000)
		*life_ms = ACP_TOKEN_LIFE_MAX_S * 1000;
	return *life_ms > 0;
}

/*
 * How much older than the request its token is by its own end: exp is in
 * whole seconds, so up to one of them is missing. More than a quarter of the
 * life is a clock that is wrong, and then expires_in is right.
 */
static int64_t
compute_age_ms(
	const char *value, size_t size, int64_t asked_ms, int64_t life_ms)
{
	int64_t asked_wall_ms =
		acp_clock_wall_ms() - (acp_clock_now_ms() - asked_ms);
	struct acp_jwt jwt;
	int64_t age_ms;

	if (!acp_jwt_has_claims(value, size, &jwt) || !jwt.has_expiry)
		return 0;
	age_ms = life_ms - acp_jwt_get_left_ms(&jwt, asked_wall_ms);
	return age_ms > 0 && age_ms <= life_ms / 4 ? age_ms : 0;
}

static enum acp_error
read_reply(const struct json_object *reply, int64_t asked_ms,
	struct acp_token **token, const char **why)
{
	size_t size = 0;
	const char *value = acp_json_peek_text(reply, "access_token", &size);
	int64_t life_ms = 0;

	if (!value || !acp_token_is_legal(value, size)) {
		*why = "the reply has no access_token of legal form";
		return ACP_RETRY_LATER;
	}
	if (!is_bearer(reply)) {
		*why = "the token is not a Bearer token";
		return ACP_DENIED;
	}
	if (!has_life(reply, value, size, &life_ms)) {
		*why = "the token has expired already: compare the clocks";
		return ACP_RETRY_LATER;
	}
	asked_ms -= compute_age_ms(value, size, asked_ms, life_ms);
	*token = acp_token_new(value, size, asked_ms, life_ms);
	return ACP_OK;
}

enum acp_error
acp_token_reply_read(const char *body, size_t size, int64_t asked_ms,
	struct acp_token **token, const char **why)
{
	ACP_AUTO(json) struct json_object *reply = acp_json_new(body, size);
	enum acp_error error;

	if (!reply) {
		*why = "the reply is not a JSON object";
		return ACP_RETRY_LATER;
	}
	error = read_reply(reply, asked_ms, token, why);
	acp_json_wipe_text(reply, "access_token");
	return error;
}
