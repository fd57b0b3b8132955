/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API tokens as values: the text, its life, and the reply that carries it.
 * Made by the token sources, held by the minter and by requests. Never logs
 * and never changes a token once it is made.
 */
#include <config.h>

#include "lib/token.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/secret.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

struct acp_token {
	atomic_uint holders;
	struct acp_secret value;
	struct acp_secret json;
	int64_t asked_ms;
	int64_t life_ms;
	int64_t expiry_wall_ms;
};

bool
acp_token_is_legal(const char *value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return false;
	return size > 0 && size <= ACP_TOKEN_MAX;
}

static void
append_text(struct acp_secret *json, const char *text)
{
	acp_secret_append(json, text, strlen(text));
}

/* Quote and backslash are the only legal characters that JSON escapes. */
static void
append_value(struct acp_secret *json, const struct acp_secret *value)
{
	for (size_t i = 0; i < value->size; i++) {
		if (value->bytes[i] == '"' || value->bytes[i] == '\\')
			append_text(json, "\\");
		acp_secret_append(json, value->bytes + i, 1);
	}
}

static void
build_json(struct acp_token *token)
{
	char expiry[ACP_CLOCK_TEXT_SIZE];

	append_text(&token->json, "{\"token\":\"");
	append_value(&token->json, &token->value);
	append_text(&token->json, "\"");
	if (token->life_ms == ACP_TOKEN_LIFE_UNKNOWN)
		return;
	acp_clock_format(token->expiry_wall_ms, 0, expiry);
	append_text(&token->json, ",\"expires_at\":\"");
	append_text(&token->json, expiry);
	append_text(&token->json, "\"");
}

struct acp_token *
acp_token_new(const char *value, size_t size, int64_t asked_ms, int64_t life_ms)
{
	struct acp_token *token = acp_memory_new(1, sizeof(*token));

	assert(acp_token_is_legal(value, size));
	assert(life_ms >= 0 || life_ms == ACP_TOKEN_LIFE_UNKNOWN);
	atomic_init(&token->holders, 1);
	acp_secret_set(&token->value, value, size);
	token->asked_ms = asked_ms;
	token->life_ms = life_ms;
	if (life_ms != ACP_TOKEN_LIFE_UNKNOWN)
		token->expiry_wall_ms = acp_clock_wall_ms() +
			acp_token_get_left_ms(token, acp_clock_now_ms());
	build_json(token);
	return token;
}

struct acp_token *
acp_token_dup(struct acp_token *token)
{
	atomic_fetch_add(&token->holders, 1);
	return token;
}

void
acp_token_free(struct acp_token **token)
{
	struct acp_token *mine = *token;

	*token = NULL;
	if (!mine || atomic_fetch_sub(&mine->holders, 1) > 1)
		return;
	acp_secret_clear(&mine->value);
	acp_secret_clear(&mine->json);
	free(mine);
}

const char *
acp_token_peek_value(const struct acp_token *token)
{
	return acp_secret_peek(&token->value);
}

const char *
acp_token_peek_json(const struct acp_token *token, size_t *size)
{
	*size = token->json.size;
	return acp_secret_peek(&token->json);
}

int64_t
acp_token_get_left_ms(const struct acp_token *token, int64_t now_ms)
{
	if (token->life_ms == ACP_TOKEN_LIFE_UNKNOWN)
		return INT64_MAX;
	return token->asked_ms + token->life_ms - now_ms;
}

int64_t
acp_token_get_life_ms(const struct acp_token *token)
{
	return token->life_ms;
}

int64_t
acp_token_get_expiry_wall_ms(const struct acp_token *token)
{
	return token->expiry_wall_ms;
}

static int64_t
pick_less(int64_t left, int64_t right)
{
	return left < right ? left : right;
}

int64_t
acp_token_get_usable_ms(const struct acp_token *token, int64_t now_ms)
{
	int64_t margin = pick_less(ACP_TOKEN_MARGIN_MS, token->life_ms / 4);
	int64_t left = acp_token_get_left_ms(token, now_ms);

	if (token->life_ms == ACP_TOKEN_LIFE_UNKNOWN)
		return INT64_MAX;
	return left > margin ? left - margin : 0;
}

bool
acp_token_is_usable(const struct acp_token *token, int64_t now_ms)
{
	return acp_token_get_usable_ms(token, now_ms) > 0;
}

int64_t
acp_token_get_due_ms(const struct acp_token *token, int64_t min_ttl_ms)
{
	if (token->life_ms == ACP_TOKEN_LIFE_UNKNOWN)
		return INT64_MAX;
	return token->asked_ms + token->life_ms -
		pick_less(min_ttl_ms, token->life_ms / 2);
}
