/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token source for an OpenID or OAuth provider: the client credentials
 * grant (RFC 6749 §4.4), with the secret in an Authorization header, or in
 * the form for a provider that wants it there. Logs what failed by status
 * and fixed words; the provider's text goes nowhere.
 */
#include <config.h>

#include "lib/token_source_backend.h"

#include "lib/clock.h"
#include "lib/http.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/token_reply.h"

#include <string.h>
#include <strings.h>

enum { STATUS_OK = 200, STATUS_BAD = 400, STATUS_UNAUTHORIZED = 401 };

struct oidc_source {
	struct acp_token_source base;
	const struct acp_source_settings *settings;
	struct acp_http *http;
	bool is_secret_in_form; /* the way that worked last */
};

/* application/x-www-form-urlencoded, with %20 for a space. */
static void
append_encoded(struct acp_secret *form, const char *text, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				    "nopqrstuvwxyz0123456789-._";
	static const char digits[] = "0123456789ABCDEF";
	char escape[3] = "%";

	for (size_t i = 0; i < size; i++) {
		if (memchr(plain, text[i], sizeof(plain) - 1)) {
			acp_secret_append(form, text + i, 1);
			continue;
		}
		escape[1] = digits[(unsigned char)text[i] >> 4];
		escape[2] = digits[text[i] & 15];
		acp_secret_append(form, escape, sizeof(escape));
	}
}

static void
append_field(struct acp_secret *form, const char *name, const char *text)
{
	if (!text)
		return;
	acp_secret_append(form, "&", 1);
	acp_secret_append(form, name, strlen(name));
	acp_secret_append(form, "=", 1);
	append_encoded(form, text, strlen(text));
}

static void
build_form(const struct acp_source_settings *settings, bool is_secret_in_form,
	struct acp_secret *form)
{
	static const char grant[] = "grant_type=client_credentials";

	acp_secret_set(form, grant, sizeof(grant) - 1);
	append_field(form, "scope", settings->scope);
	append_field(form, "audience", settings->audience);
	if (!is_secret_in_form)
		return;
	append_field(form, "client_id", settings->client_id);
	append_field(form, "client_secret",
		acp_secret_peek(settings->client_secret));
}

static enum acp_error
post(struct oidc_source *source, bool is_secret_in_form, int64_t asked_ms,
	struct acp_http_reply *reply)
{
	const struct acp_source_settings *settings = source->settings;
	ACP_AUTO(secret) struct acp_secret user = {0};
	ACP_AUTO(secret) struct acp_secret password = {0};
	ACP_AUTO(secret) struct acp_secret form = {0};
	bool is_https = !strncasecmp(settings->token_url, "https:", 6);
	struct acp_http_request request = {
		.url = settings->token_url,
		.form = &form,
		.proxy = is_https ? settings->https_proxy : NULL,
		.ca_file = settings->ca_file,
		.timeout_ms = asked_ms + ACP_HTTP_TOTAL_MS - acp_clock_now_ms(),
	};
	const char *why = NULL;
	enum acp_error error;

	build_form(settings, is_secret_in_form, &form);
	append_encoded(&user, settings->client_id, strlen(settings->client_id));
	append_encoded(&password, acp_secret_peek(settings->client_secret),
		settings->client_secret->size);
	if (!is_secret_in_form) {
		request.user = acp_secret_peek(&user);
		request.password = acp_secret_peek(&password);
	}
	acp_http_reply_clear(reply);
	error = acp_http_post(source->http, &request, reply, &why);
	if (error)
		acp_log(ACP_LOG_WARN, "token_request_failed",
			ACP_F_TEXT("reason", why));
	return error;
}

/* The provider wants the secret in the other place, or has another one. */
static bool
is_client_refused(const struct acp_http_reply *reply)
{
	const char *word;

	if (reply->status != STATUS_BAD)
		return reply->status == STATUS_UNAUTHORIZED;
	word = acp_token_reply_peek_error(
		acp_secret_peek(&reply->body), reply->body.size);
	return word && !strcmp(word, "invalid_client");
}

/* With the secret where it worked last, then in the other place. */
static enum acp_error
post_either_way(struct oidc_source *source, int64_t asked_ms,
	struct acp_http_reply *reply)
{
	bool is_in_form = source->is_secret_in_form;
	enum acp_error error = post(source, is_in_form, asked_ms, reply);

	if (error || !is_client_refused(reply))
		return error;
	error = post(source, !is_in_form, asked_ms, reply);
	if (!error && reply->status == STATUS_OK)
		source->is_secret_in_form = !is_in_form;
	return error;
}

static bool
is_redirect(long status)
{
	return status >= 300 && status < 400;
}

/* What the caller can do about a status other than 200. */
static enum acp_error
judge_status(const struct acp_http_reply *reply)
{
	bool is_denied = reply->status >= 400 && reply->status < 500 &&
		reply->status != 408 && reply->status != 425 &&
		reply->status != 429;

	acp_log(is_denied ? ACP_LOG_ERROR : ACP_LOG_WARN, "token_refused",
		ACP_F_INT("status", reply->status),
		ACP_F_TEXT("error",
			acp_token_reply_peek_error(
				acp_secret_peek(&reply->body),
				reply->body.size)),
		ACP_F_TEXT("reason",
			is_redirect(reply->status)
				? "redirects are not followed: set "
				  "oidc_token_url to the final address"
				: NULL));
	return is_denied ? ACP_DENIED : ACP_RETRY_LATER;
}

static enum acp_error
read_token(const struct acp_http_reply *reply, int64_t asked_ms,
	struct acp_token **token)
{
	const char *why = NULL;
	enum acp_error error =
		acp_token_reply_read(acp_secret_peek(&reply->body),
			reply->body.size, asked_ms, token, &why);

	if (error)
		acp_log(ACP_LOG_WARN, "token_reply_unusable",
			ACP_F_TEXT("reason", why));
	return error;
}

static enum acp_error
fetch_oidc(struct acp_token_source *base, struct acp_token **token,
	int64_t *retry_after_ms)
{
	struct oidc_source *source = (struct oidc_source *)base;
	ACP_AUTO(http_reply) struct acp_http_reply reply = {0};
	int64_t asked_ms = acp_clock_now_ms();
	enum acp_error error = post_either_way(source, asked_ms, &reply);

	if (error)
		return error;
	if (reply.status == STATUS_OK)
		return read_token(&reply, asked_ms, token);
	*retry_after_ms = reply.retry_after_ms;
	return judge_status(&reply);
}

static bool
has_changed_oidc(struct acp_token_source *base)
{
	(void)base; /* a provider gives a new token whenever it is asked */
	return false;
}

static void
cancel_oidc(struct acp_token_source *base)
{
	acp_http_cancel(((struct oidc_source *)base)->http);
}

static void
free_oidc(struct acp_token_source *base)
{
	struct oidc_source *source = (struct oidc_source *)base;

	acp_http_free(&source->http);
	free(source);
}

static const struct acp_token_source_ops oidc_ops = {
	.fetch = fetch_oidc,
	.has_changed = has_changed_oidc,
	.cancel = cancel_oidc,
	.free = free_oidc,
};

struct acp_token_source *
acp_token_source_new_oidc(const struct acp_source_settings *settings)
{
	struct oidc_source *source = acp_memory_new(1, sizeof(*source));

	source->base.ops = &oidc_ops;
	source->settings = settings;
	source->http = acp_http_new();
	return &source->base;
}
