/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minter of plain CGI: the same rules of refresh and back-off, with a
 * file for a memory and a file lock for single flight. Called by the CGI
 * main. Never writes a static token to disk.
 */
#include <config.h>

#include "fcgi/token_cache.h"

#include "fcgi/token_cache_file.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/hmac.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <signal.h>
#include <string.h>

enum { BINDING_SIZE = 2 * ACP_HMAC_SIZE + 1 };

struct acp_token_cache {
	const struct acp_settings *settings;
	struct acp_token_source *source;
};

struct acp_token_cache *
acp_token_cache_new(const struct acp_settings *settings,
	struct acp_token_source *take_source)
{
	struct acp_token_cache *cache = acp_memory_new(1, sizeof(*cache));

	cache->settings = settings;
	cache->source = take_source;
	return cache;
}

void
acp_token_cache_free(struct acp_token_cache **cache)
{
	if (*cache)
		acp_token_source_free(&(*cache)->source);
	free(*cache);
	*cache = NULL;
}

/* With its length, so that no two lists of fields look the same. */
static void
append_field(struct acp_buffer *text, const char *field)
{
	if (field)
		acp_buffer_printf(text, "%zu:%s", strlen(field), field);
	acp_buffer_append(text, ";");
}

/* The clock that the record's times are on starts anew with each boot. */
static void
append_boot(struct acp_buffer *text)
{
	ACP_AUTO(secret) struct acp_secret boot = {0};
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	if (acp_file_read("/proc/sys/kernel/random/boot_id", 100, &boot, &why))
		acp_log(ACP_LOG_WARN, "boot_id_unread",
			ACP_F_TEXT("reason", acp_buffer_peek(&why)));
	append_field(text, acp_secret_peek(&boot));
}

/* A token of another provider, client or boot is none of ours. */
static void
compute_binding(const struct acp_source_settings *source, char *binding)
{
	static const char label[] = "ambient-cp/token-cache/v1";
	ACP_AUTO(buffer) struct acp_buffer text;
	uint8_t mac[ACP_HMAC_SIZE];

	acp_buffer_init(&text, (size_t)16 * ACP_CONFIG_LINE_MAX);
	append_field(&text, source->token_url);
	append_field(&text, source->client_id);
	append_field(&text, source->scope);
	append_field(&text, source->audience);
	append_boot(&text);
	acp_hmac_compute(label, sizeof(label) - 1, acp_buffer_peek(&text),
		text.size, mac);
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(binding + 2 * i, 3, "%02x", mac[i]);
}

static bool
has_usable_token(const struct acp_cache_record *record)
{
	return record->token &&
		acp_token_is_usable(record->token, acp_clock_now_ms());
}

/* Not while a back-off lasts. */
static bool
may_ask(const struct acp_cache_record *record)
{
	return record->schedule.next_ms <= acp_clock_now_ms();
}

static bool
is_renewal_due(const struct acp_token_cache *cache,
	const struct acp_cache_record *record)
{
	return has_usable_token(record) && may_ask(record) &&
		acp_token_get_due_ms(record->token,
			cache->settings->min_ttl_ms) <= acp_clock_now_ms();
}

static unsigned int
compute_retry_after_s(const struct acp_mint_schedule *schedule)
{
	int64_t left_ms = schedule->next_ms - acp_clock_now_ms();

	return left_ms > 1000 ? (unsigned int)((left_ms + 999) / 1000) : 1;
}

/*
 * Web servers end a process whose caller has gone. Not while it asks: the
 * next caller would ask again, and no failure would ever be written down.
 */
static void
ignore_end(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

/* Asks the source, under the lock, and writes down how it went. */
static enum acp_error
renew(struct acp_token_cache *cache, const char *binding,
	struct acp_cache_record *record)
{
	struct acp_token *token = NULL;
	int64_t retry_after_ms = 0;
	enum acp_error error;
	int64_t now_ms;
	int jitter = acp_mint_schedule_draw_jitter();

	ignore_end();
	error = acp_token_source_fetch(cache->source, &token, &retry_after_ms);
	now_ms = acp_clock_now_ms();
	if (!error && !acp_token_is_usable(token, now_ms)) {
		acp_token_free(&token);
		error = ACP_RETRY_LATER;
	}
	if (error) {
		acp_mint_schedule_failure(&record->schedule,
			record->token
				? acp_token_get_usable_ms(record->token, now_ms)
				: 0,
			retry_after_ms, now_ms, jitter);
	} else {
		acp_token_free(&record->token);
		record->token = token;
		acp_mint_schedule_success(&record->schedule, token,
			cache->settings->min_ttl_ms, now_ms, jitter);
		/* here next_ms only bars: when a token is due is its own */
		if (!record->schedule.pause_ms)
			record->schedule.next_ms = now_ms;
	}
	acp_cache_record_write(cache->settings->cache_dir, binding, record);
	return error;
}

/* The only use of a static token is to be handed on. */
static enum acp_error
get_static(struct acp_token_cache *cache, struct acp_token **token,
	unsigned int *retry_after_s)
{
	int64_t retry_after_ms;

	*retry_after_s = ACP_MINT_PAUSE_EMPTY_MS / 1000;
	return acp_token_source_fetch(cache->source, token, &retry_after_ms);
}

/* Under the lock, unless there is nothing to be got. */
static enum acp_error
get_new(struct acp_token_cache *cache, int folder, const char *binding,
	struct acp_cache_record *record)
{
	int64_t deadline_ms =
		acp_clock_now_ms() + cache->settings->mint_wait_ms;
	ACP_AUTO(fd) int lock = -1;
	enum acp_error error;

	if (!may_ask(record))
		return ACP_RETRY_LATER;
	error = acp_cache_lock_open(folder, deadline_ms, &lock);
	if (error)
		return error;
	/* who had the lock before may have got a token, or failed */
	acp_cache_record_read(folder, binding, record);
	if (has_usable_token(record))
		return ACP_OK;
	return may_ask(record) ? renew(cache, binding, record)
			       : ACP_RETRY_LATER;
}

/* The record as it is now; the folder stays open. */
static enum acp_error
read_record(const struct acp_settings *settings, char *binding, int *folder,
	struct acp_cache_record *record)
{
	enum acp_error error =
		acp_cache_folder_open(settings->cache_dir, folder);

	if (error)
		return error;
	compute_binding(&settings->source, binding);
	acp_cache_record_read(*folder, binding, record);
	return ACP_OK;
}

bool
acp_token_cache_is_hopeful(
	const struct acp_settings *settings, unsigned int *retry_after_s)
{
	ACP_AUTO(cache_record) struct acp_cache_record record = {0};
	ACP_AUTO(fd) int folder = -1;
	char binding[BINDING_SIZE];

	if (settings->source.kind == ACP_SOURCE_STATIC)
		return true;
	*retry_after_s = ACP_MINT_PAUSE_EMPTY_MS / 1000;
	if (read_record(settings, binding, &folder, &record))
		return false;
	*retry_after_s = compute_retry_after_s(&record.schedule);
	return has_usable_token(&record) || may_ask(&record);
}

enum acp_error
acp_token_cache_get(struct acp_token_cache *cache, struct acp_token **token,
	unsigned int *retry_after_s)
{
	ACP_AUTO(cache_record) struct acp_cache_record record = {0};
	ACP_AUTO(fd) int folder = -1;
	char binding[BINDING_SIZE];
	enum acp_error error;

	if (cache->settings->source.kind == ACP_SOURCE_STATIC)
		return get_static(cache, token, retry_after_s);
	*retry_after_s = ACP_MINT_PAUSE_EMPTY_MS / 1000;
	error = read_record(cache->settings, binding, &folder, &record);
	if (error)
		return error;
	if (!has_usable_token(&record))
		error = get_new(cache, folder, binding, &record);
	if (error)
		*retry_after_s = compute_retry_after_s(&record.schedule);
	else
		*token = acp_token_dup(record.token);
	return error;
}

void
acp_token_cache_refresh(struct acp_token_cache *cache)
{
	ACP_AUTO(cache_record) struct acp_cache_record record = {0};
	ACP_AUTO(fd) int folder = -1;
	ACP_AUTO(fd) int lock = -1;
	char binding[BINDING_SIZE];

	if (cache->settings->source.kind == ACP_SOURCE_STATIC ||
		read_record(cache->settings, binding, &folder, &record))
		return;
	if (!is_renewal_due(cache, &record) ||
		acp_cache_lock_open(folder, 0, &lock))
		return;
	acp_cache_record_read(folder, binding, &record);
	if (is_renewal_due(cache, &record) && renew(cache, binding, &record))
		acp_log(ACP_LOG_WARN, "token_not_renewed",
			ACP_F_SECONDS("usable",
				acp_token_get_usable_ms(
					record.token, acp_clock_now_ms()) *
					1000));
}
