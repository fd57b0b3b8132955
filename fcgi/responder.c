/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the FastCGI process on its main thread, which is also the
 * keeper: once a second it looks at the key files, and between that it waits
 * for signals. All threads have the signals blocked.
 */
#include <config.h>

#include "fcgi/responder.h"

#include "fcgi/acceptor.h"
#include "fcgi/keystore.h"
#include "fcgi/metrics.h"
#include "fcgi/minter.h"
#include "fcgi/peers.h"
#include "fcgi/service.h"
#include "fcgi/work.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
	LOOK_S = 1,
	QUEUED_PARTS = 8, /* of the memory: most for ciphertexts alone */
	SPARE_PARTS = 4, /* of the descriptors: kept for what is not held */
	SPARE_MOST = 2048
};

struct responder {
	const struct acp_options *options;
	struct acp_settings *settings;
	/* replaced at reloads: a fetch under way may still read from them */
	struct acp_settings **retired;
	size_t retired_count;
	struct acp_metrics *metrics;
	struct acp_keystore *keystore;
	struct acp_minter *minter;
	struct acp_peers *peers;
	struct acp_work *work;
	struct acp_service *service;
	struct acp_acceptors *acceptors;
};

static struct acp_work_limits
limits_of(const struct acp_settings *settings)
{
	size_t most = settings->queue_bytes / QUEUED_PARTS /
		acp_work_get_job_memory();

	return (struct acp_work_limits){
		.most_queued = most < settings->queue_length
			? most
			: settings->queue_length,
		.queue_wait_ms = settings->queue_wait_ms,
		.cache_entries = settings->cache_entries,
		.cache_ttl_ms = settings->cache_ttl_ms,
	};
}

/* Reads changed key files, and forgets what the gone keys opened. */
static void
refresh_keys(struct responder *responder, bool is_forced)
{
	ACP_AUTO(keyset) struct acp_keyset *keyset = NULL;

	if (!acp_keystore_refresh(responder->keystore, is_forced))
		return;
	keyset = acp_keystore_dup_current(responder->keystore);
	acp_work_forget(responder->work, keyset);
}

/*
 * Holds fewer requests where there are not so many descriptors: some must be
 * left for what is answered at once, or renewals would wait to be accepted.
 */
static void
fit_to_files(struct acp_settings *settings)
{
	struct rlimit files;
	size_t spare, most;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	spare = (size_t)files.rlim_cur / SPARE_PARTS;
	most = (size_t)files.rlim_cur -
		(spare < SPARE_MOST ? spare : SPARE_MOST);
	if (most >= settings->queue_length)
		return;
	acp_log_message(ACP_LOG_WARN, "few_files",
		"with %zu open files (LimitNOFILE, ulimit -n) no more than %zu "
		"requests are held, although queue_length is %zu",
		(size_t)files.rlim_cur, most, settings->queue_length);
	settings->queue_length = most;
}

static void
log_warnings(const struct acp_settings *settings)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	char *rest, *line;

	acp_buffer_init(&text, ACP_CONFIG_FILE_MAX);
	acp_settings_warn(settings, &text);
	if (text.size == 0)
		return;
	rest = text.text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			acp_log_message(
				ACP_LOG_WARN, "configuration", "%s", line);
}

/* What cannot change while the process runs, said once a reload. */
static void
warn_fixed(const struct acp_settings *old, const struct acp_settings *fresh)
{
	if (old->acceptors != fresh->acceptors ||
		old->workers != fresh->workers ||
		strcmp(old->socket ? old->socket : "",
			fresh->socket ? fresh->socket : "") != 0)
		acp_log_message(ACP_LOG_WARN, "restart_needed",
			"socket, acceptors and workers change only at a "
			"restart");
}

static void
apply(struct responder *responder, const struct acp_settings *settings)
{
	const struct acp_work_limits limits = limits_of(settings);

	acp_log_configure(settings->log_level, settings->log_format);
	acp_work_set_limits(responder->work, &limits);
	acp_peers_set_most(responder->peers, settings->queue_length,
		settings->queue_bytes);
	acp_service_set_rules(responder->service, &settings->rules);
	acp_keystore_set_paths(responder->keystore, settings->key_files,
		settings->key_file_count);
	acp_minter_replace_source(responder->minter,
		acp_token_source_new(&settings->source), settings->min_ttl_ms,
		settings->mint_wait_ms);
}

/* Frees, with the secrets in them, what no fetch can read from any more. */
static void
free_retired(struct responder *responder)
{
	if (!acp_minter_has_adopted(responder->minter))
		return;
	while (responder->retired_count > 0)
		acp_settings_free(
			&responder->retired[--responder->retired_count]);
}

static void
retire(struct responder *responder)
{
	responder->retired = acp_memory_resize(responder->retired,
		responder->retired_count + 1, sizeof(*responder->retired));
	responder->retired[responder->retired_count++] = responder->settings;
}

static void
reload(struct responder *responder)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_settings *fresh = NULL;
	struct acp_config *config = NULL;

	acp_buffer_init(&why, ACP_CONFIG_FILE_MAX);
	if (acp_options_load(responder->options, &config, &why) ||
		acp_settings_new(config, &fresh, &why)) {
		acp_log_message(ACP_LOG_ERROR, "reload_refused",
			"the configuration stays as it was: %s",
			acp_buffer_peek(&why));
		return;
	}
	warn_fixed(responder->settings, fresh);
	fit_to_files(fresh);
	free_retired(responder);
	apply(responder, fresh);
	retire(responder);
	responder->settings = fresh;
	acp_log(ACP_LOG_INFO, "reloaded");
	log_warnings(fresh);
	refresh_keys(responder, true);
}

static enum acp_error
start(struct responder *responder, int listen_fd)
{
	const struct acp_settings *settings = responder->settings;
	const struct acp_work_limits limits = limits_of(settings);
	enum acp_error error;

	responder->metrics = acp_metrics_new();
	responder->keystore =
		acp_keystore_new(settings->key_files, settings->key_file_count);
	responder->minter =
		acp_minter_new(acp_token_source_new(&settings->source),
			settings->min_ttl_ms, settings->mint_wait_ms);
	responder->peers =
		acp_peers_new(settings->queue_length, settings->queue_bytes);
	error = acp_work_new(responder->keystore, responder->metrics,
		responder->peers, settings->workers, &limits, &responder->work);
	if (error)
		return error;
	responder->service = acp_service_new(responder->keystore,
		responder->work, responder->minter, responder->peers,
		responder->metrics, &settings->rules);
	refresh_keys(responder, true);
	error = acp_minter_start(responder->minter);
	if (error)
		return error;
	return acp_acceptors_new(listen_fd, settings->acceptors,
		responder->service, responder->metrics, &responder->acceptors);
}

static void
serve(struct responder *responder, const sigset_t *signals)
{
	const struct timespec look = {.tv_sec = LOOK_S};

	for (;;) {
		switch (sigtimedwait(signals, NULL, &look)) {
		case SIGTERM:
		case SIGINT:
			return;
		case SIGHUP:
			reload(responder);
			break;
		default:
			free_retired(responder);
			refresh_keys(responder, false);
		}
	}
}

/* Answers what is held as long as drain allows; the rest gets 503. */
static void
drain(struct responder *responder, struct acp_listener *listener)
{
	int64_t end_ms = acp_clock_now_ms() + responder->settings->drain_ms;

	acp_log(ACP_LOG_INFO, "draining");
	acp_service_start_drain(responder->service);
	acp_acceptors_stop(responder->acceptors);
	/* or callers would wait for an end; an inherited one goes on to others */
	if (listener->path[0])
		acp_listener_close(listener);
	if (!acp_peers_wait_idle(responder->peers, end_ms))
		acp_log(ACP_LOG_WARN, "drain_ended");
}

static void
clear(struct responder *responder)
{
	if (responder->work)
		acp_work_stop(responder->work);
	acp_minter_stop(responder->minter);
	acp_acceptors_free(&responder->acceptors);
	acp_service_free(&responder->service);
	acp_work_free(&responder->work);
	acp_peers_free(&responder->peers);
	acp_minter_free(&responder->minter);
	acp_keystore_free(&responder->keystore);
	acp_metrics_free(&responder->metrics);
	acp_settings_free(&responder->settings);
	while (responder->retired_count > 0)
		acp_settings_free(
			&responder->retired[--responder->retired_count]);
	free(responder->retired);
}

static sigset_t
pick_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	return signals;
}

void
acp_responder_hold_signals(void)
{
	const sigset_t signals = pick_signals();

	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

enum acp_error
acp_responder_run(const struct acp_options *options,
	struct acp_settings *take_settings, struct acp_listener *listener)
{
	struct responder responder = {
		.options = options, .settings = take_settings};
	const sigset_t signals = pick_signals();
	enum acp_error error;

	log_warnings(take_settings);
	fit_to_files(take_settings);
	error = start(&responder, listener->fd);
	if (!error) {
		acp_log(ACP_LOG_INFO, "started",
			ACP_F_TEXT("version", PACKAGE_VERSION),
			ACP_F_TEXT("unseal", ACP_UNSEAL_BACKEND),
			ACP_F_INT("workers", take_settings->workers));
		serve(&responder, &signals);
		drain(&responder, listener);
	}
	clear(&responder);
	acp_log(ACP_LOG_INFO, "stopped");
	return error;
}
