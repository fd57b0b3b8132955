/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CGI program: the same steps as the service, one after the other, with
 * a token that lives in cache_dir because no process outlives a request.
 */
#include <config.h>

#include "fcgi/cgi.h"

#include "fcgi/exchange.h"
#include "fcgi/settings.h"
#include "fcgi/token_cache.h"
#include "lib/keyfile.h"
#include "lib/limits.h"
#include "lib/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_S = 2 };

struct cgi {
	struct acp_exchange *exchange;
	struct acp_settings *settings;
	struct acp_keyset *keyset; /* NULL: none could be loaded */
	struct acp_token_cache *cache; /* NULL: not needed so far */
};

/*
 * From the first byte of the answer on the web server may take it for the
 * end and stop us, but the token may yet have to be renewed.
 */
static void
ignore_end(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static void
answer(struct cgi *cgi, enum acp_outcome outcome, const char *body,
	unsigned int retry_after_s)
{
	ignore_end();
	acp_exchange_answer(cgi->exchange,
		&(struct acp_answer){.outcome = outcome,
			.body = body,
			.body_size = body ? strlen(body) : 0,
			.content_type = outcome == ACP_OUTCOME_TOKEN
				? "application/json"
				: NULL,
			.retry_after_s = retry_after_s},
		cgi->keyset, NULL);
}

/* The keys, or NULL with a log line. */
static struct acp_keyset *
load_keys(const struct acp_settings *settings)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_keyset *keyset = NULL;
	struct acp_keyfile_stamp stamp;
	enum acp_error error;

	acp_keyring_init(&ring);
	acp_buffer_init(&why, ACP_CONFIG_FILE_MAX);
	error = acp_keyfile_read(settings->key_files, settings->key_file_count,
		&ring, &stamp, &why);
	if (!error)
		error = acp_keyset_new(&ring, &keyset);
	if (error)
		acp_log(ACP_LOG_ERROR, "key_refused",
			ACP_F_TEXT("error", acp_error_name(error)),
			ACP_F_TEXT("message", acp_buffer_peek(&why)));
	return keyset;
}

static enum acp_error
find_token(
	struct cgi *cgi, struct acp_token **token, unsigned int *retry_after_s)
{
	cgi->cache = acp_token_cache_new(
		cgi->settings, acp_token_source_new(&cgi->settings->source));
	return acp_token_cache_get(cgi->cache, token, retry_after_s);
}

static void
give_token(struct cgi *cgi)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	ACP_AUTO(secret) struct acp_secret body;
	unsigned int retry_after_s = RETRY_S;

	acp_secret_init(&body);
	if (find_token(cgi, &token, &retry_after_s)) {
		answer(cgi, ACP_OUTCOME_NO_TOKEN, NULL, retry_after_s);
		return;
	}
	acp_exchange_write_reply(cgi->exchange, cgi->keyset,
		&cgi->settings->rules, token, &body);
	answer(cgi, ACP_OUTCOME_TOKEN, acp_secret_peek(&body), 0);
}

/*
 * Steps 6 to 8, if they may come to a token: a private key operation for
 * nothing would be a gift to whoever asks.
 */
static enum acp_outcome
judge(struct cgi *cgi, const struct acp_ciphertext *ciphertext,
	unsigned int *retry_after_s)
{
	if (!cgi->exchange->is_renewal &&
		!acp_token_cache_is_hopeful(cgi->settings, retry_after_s))
		return ACP_OUTCOME_NO_TOKEN;
	if (!cgi->exchange->is_renewal)
		acp_unsealed_init(
			&cgi->exchange->unsealed, cgi->keyset, ciphertext);
	*retry_after_s = 0;
	return acp_exchange_judge(cgi->exchange);
}

static void
handle_token(struct cgi *cgi)
{
	struct acp_ciphertext ciphertext;
	unsigned int retry_after_s = 0;
	enum acp_outcome outcome = acp_exchange_read_credential(
		cgi->exchange, NULL, &cgi->settings->rules, &ciphertext);

	/* to load a key costs as much as to use it: not for everybody */
	if (outcome == ACP_OUTCOME_NO_KEY) {
		cgi->keyset = load_keys(cgi->settings);
		outcome = acp_exchange_read_credential(cgi->exchange,
			cgi->keyset, &cgi->settings->rules, &ciphertext);
	}
	if (outcome == ACP_OUTCOME_NO_KEY)
		retry_after_s = RETRY_S;
	if (outcome == ACP_OUTCOME_TOKEN)
		outcome = judge(cgi, &ciphertext, &retry_after_s);
	if (outcome == ACP_OUTCOME_TOKEN)
		give_token(cgi);
	else
		answer(cgi, outcome, NULL, retry_after_s);
}

static void
handle_readyz(struct cgi *cgi)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	unsigned int retry_after_s = RETRY_S;

	cgi->keyset = load_keys(cgi->settings);
	if (!cgi->keyset)
		answer(cgi, ACP_OUTCOME_NOT_READY, "no key is loaded\n", 0);
	else if (find_token(cgi, &token, &retry_after_s))
		answer(cgi, ACP_OUTCOME_NOT_READY,
			"no usable token is in hand\n", 0);
	else
		answer(cgi, ACP_OUTCOME_INFO, "ok", 0);
}

static void
handle(struct cgi *cgi)
{
	switch (cgi->exchange->route) {
	case ACP_ROUTE_TOKEN:
		handle_token(cgi);
		return;
	case ACP_ROUTE_HEALTHZ:
		answer(cgi, ACP_OUTCOME_INFO, "ok", 0);
		return;
	case ACP_ROUTE_READYZ:
		handle_readyz(cgi);
		return;
	case ACP_ROUTE_METRICS: /* no process lives to count anything */
	case ACP_ROUTE_OTHER:
	case ACP_ROUTE__MAX:
		break;
	}
	answer(cgi, ACP_OUTCOME_NOT_FOUND, NULL, 0);
}

/* The settings, or NULL with a log line. */
static struct acp_settings *
load_settings(const struct acp_options_spec *spec)
{
	ACP_AUTO(options) struct acp_options options;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_settings *settings = NULL;
	struct acp_config *config = NULL;

	acp_options_init(&options, spec);
	acp_buffer_init(&why, ACP_CONFIG_FILE_MAX);
	if (acp_options_load(&options, &config, &why) ||
		acp_settings_new(config, &settings, &why))
		acp_log_message(ACP_LOG_ERROR, "configuration", "%s",
			acp_buffer_peek(&why));
	else
		acp_log_configure(settings->log_level, settings->log_format);
	return settings;
}

/* With the answer sent, so that no client waits and no server cuts it off. */
static void
refresh_token(struct cgi *cgi)
{
	if (!cgi->cache)
		return;
	close(STDOUT_FILENO);
	acp_token_cache_refresh(cgi->cache);
}

int
acp_cgi_run(const struct acp_options_spec *spec)
{
	struct cgi cgi = {0};

	signal(SIGPIPE, SIG_IGN);
	cgi.exchange = acp_exchange_new(acp_request_new_cgi());
	cgi.settings = load_settings(spec);
	if (cgi.settings)
		handle(&cgi);
	else
		answer(&cgi, ACP_OUTCOME_NOT_CONFIGURED, NULL, RETRY_S);
	refresh_token(&cgi);
	acp_token_cache_free(&cgi.cache);
	acp_keyset_free(&cgi.keyset);
	acp_settings_free(&cgi.settings);
	acp_exchange_free(&cgi.exchange);
	return EXIT_SUCCESS;
}
