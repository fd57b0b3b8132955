/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minter: a keeper thread that decides and answers, and a fetcher thread
 * that does nothing but wait for the source, so that a slow provider delays
 * neither a deadline nor a stop. Called by acceptors, workers and main. Never
 * calls back while it holds its lock, and never has two fetches under way.
 */
#include <config.h>

#include "fcgi/minter.h"

#include "fcgi/mint_schedule.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

/* How an attempt ended. */
struct outcome {
	enum acp_error error;
	struct acp_token *token;
	int64_t retry_after_ms;
	int64_t duration_us;
};

struct acp_minter {
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t wake; /* the keeper; waits on CLOCK_MONOTONIC */
	pthread_cond_t order; /* the fetcher */
	pthread_t keeper;
	pthread_t fetcher;
	bool is_started;
	bool is_stopping;
	struct acp_token_source *source; /* the fetcher's while is_fetching */
	struct acp_token_source *next_source; /* after a reload */
	int64_t min_ttl_ms;
	int64_t mint_wait_ms;
	struct acp_token *token;
	bool has_tried; /* this source, to the end of an attempt */
	bool is_fetching; /* from the order until the outcome is taken */
	bool has_outcome;
	struct outcome outcome;
	struct acp_mint_schedule schedule;
	int64_t polled_ms;
	struct acp_mint_waiter *first; /* in order of deadline */
	struct acp_mint_waiter *last;
	uint64_t successes;
	uint64_t failures;
	uint64_t duration_us;
};

static void
init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	/* no wait on CLOCK_BOOTTIME exists: waits are short instead */
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct acp_minter *
acp_minter_new(struct acp_token_source *take_source, int64_t min_ttl_ms,
	int64_t mint_wait_ms)
{
	struct acp_minter *minter = acp_memory_new(1, sizeof(*minter));

	pthread_mutex_init(&minter->lock, NULL);
	init_condition(&minter->wake);
	init_condition(&minter->order);
	minter->source = take_source;
	minter->min_ttl_ms = min_ttl_ms;
	minter->mint_wait_ms = mint_wait_ms;
	acp_mint_schedule_init(&minter->schedule, acp_clock_now_ms());
	return minter;
}

void
acp_minter_free(struct acp_minter **minter)
{
	struct acp_minter *mine = *minter;

	*minter = NULL;
	if (!mine)
		return;
	acp_token_source_free(&mine->source);
	acp_token_source_free(&mine->next_source);
	acp_token_free(&mine->token);
	acp_token_free(&mine->outcome.token);
	pthread_cond_destroy(&mine->order);
	pthread_cond_destroy(&mine->wake);
	pthread_mutex_destroy(&mine->lock);
	free(mine);
}

static int64_t
get_usable_ms(const struct acp_minter *minter, int64_t now_ms)
{
	return minter->token ? acp_token_get_usable_ms(minter->token, now_ms)
			     : 0;
}

/* The waiters */

static void
push_waiter(struct acp_minter *minter, struct acp_mint_waiter *waiter,
	int64_t now_ms)
{
	waiter->deadline_ms = now_ms + minter->mint_wait_ms;
	waiter->is_waiting = true;
	waiter->next = NULL;
	waiter->previous = minter->last;
	if (minter->last)
		minter->last->next = waiter;
	else
		minter->first = waiter;
	minter->last = waiter;
}

static void
pull_waiter(struct acp_minter *minter, struct acp_mint_waiter *waiter)
{
	if (waiter->previous)
		waiter->previous->next = waiter->next;
	else
		minter->first = waiter->next;
	if (waiter->next)
		waiter->next->previous = waiter->previous;
	else
		minter->last = waiter->previous;
	waiter->is_waiting = false;
}

/*
 * An attempt is under way, is due, or comes soon after the first failures: a
 * provider that starts a moment later than its callers must not fail them.
 */
static bool
is_expected(const struct acp_minter *minter, int64_t now_ms)
{
	int64_t left_ms = minter->schedule.next_ms - now_ms;

	return !minter->is_stopping &&
		(minter->is_fetching || !minter->has_tried ||
			minter->next_source || left_ms <= 0 ||
			(minter->schedule.pause_ms <= ACP_MINT_HOPE_MS &&
				left_ms <= ACP_MINT_HOPE_MS &&
				left_ms < minter->mint_wait_ms));
}

/*
 * Releases, without the lock, those whose deadline is not after until_ms.
 * Who is called may free its waiter.
 */
static void
release_waiters(struct acp_minter *minter, int64_t until_ms,
	struct acp_token *borrowed_token)
{
	struct acp_token *token =
		borrowed_token ? acp_token_dup(borrowed_token) : NULL;
	struct acp_mint_waiter *released = NULL;
	struct acp_mint_waiter **end = &released;
	struct acp_mint_waiter *next;

	while (minter->first && minter->first->deadline_ms <= until_ms) {
		*end = minter->first;
		pull_waiter(minter, minter->first);
		end = &(*end)->next;
	}
	*end = NULL;
	pthread_mutex_unlock(&minter->lock);
	for (; released; released = next) {
		next = released->next;
		released->release(released, token);
	}
	acp_token_free(&token);
	pthread_mutex_lock(&minter->lock);
}

/* The fetcher */

static void
fetch_once(struct acp_minter *minter)
{
	struct acp_token_source *source = minter->source;
	struct outcome outcome = {0};
	int64_t started_us = acp_clock_now_us();

	pthread_mutex_unlock(&minter->lock);
	outcome.error = acp_token_source_fetch(
		source, &outcome.token, &outcome.retry_after_ms);
	outcome.duration_us = acp_clock_now_us() - started_us;
	pthread_mutex_lock(&minter->lock);
	minter->outcome = outcome;
	minter->has_outcome = true;
	pthread_cond_signal(&minter->wake);
}

static void *
run_fetcher(void *argument)
{
	struct acp_minter *minter = argument;

	pthread_mutex_lock(&minter->lock);
	while (!minter->is_stopping)
		if (minter->is_fetching && !minter->has_outcome)
			fetch_once(minter);
		else
			pthread_cond_wait(&minter->order, &minter->lock);
	pthread_mutex_unlock(&minter->lock);
	return NULL;
}

/* The keeper */

static void
take_success(struct acp_minter *minter, const struct outcome *outcome)
{
	int64_t now_ms = acp_clock_now_ms();

	minter->successes++;
	acp_token_free(&minter->token);
	minter->token = outcome->token;
	acp_mint_schedule_success(&minter->schedule, minter->token,
		minter->min_ttl_ms, now_ms, acp_mint_schedule_draw_jitter());
	acp_log(ACP_LOG_INFO, "token_minted",
		ACP_F_SECONDS("duration", outcome->duration_us),
		ACP_F_INT("life_ms", acp_token_get_life_ms(minter->token)));
	release_waiters(minter, INT64_MAX, minter->token);
}

static void
take_failure(struct acp_minter *minter, struct outcome *outcome)
{
	int64_t now_ms = acp_clock_now_ms();

	minter->failures++;
	acp_token_free(&outcome->token);
	acp_mint_schedule_failure(&minter->schedule,
		get_usable_ms(minter, now_ms), outcome->retry_after_ms, now_ms,
		acp_mint_schedule_draw_jitter());
	acp_log(ACP_LOG_WARN, "token_not_minted",
		ACP_F_TEXT("outcome", acp_error_name(outcome->error)),
		ACP_F_SECONDS("duration", outcome->duration_us),
		ACP_F_SECONDS(
			"retry_in", (minter->schedule.next_ms - now_ms) * 1000),
		ACP_F_INT("usable_ms", get_usable_ms(minter, now_ms)));
	if (!is_expected(minter, now_ms))
		release_waiters(minter, INT64_MAX, NULL);
}

static void
take_outcome(struct acp_minter *minter)
{
	struct outcome outcome = minter->outcome;

	if (!minter->has_outcome)
		return;
	minter->outcome = (struct outcome){0};
	minter->has_outcome = false;
	minter->is_fetching = false;
	if (minter->next_source) {
		/* of a source that is replaced, and was cut short for it */
		acp_token_free(&outcome.token);
		return;
	}
	minter->has_tried = true;
	minter->duration_us += (uint64_t)outcome.duration_us;
	if (!outcome.error &&
		!acp_token_is_usable(outcome.token, acp_clock_now_ms()))
		outcome.error = ACP_RETRY_LATER;
	if (outcome.error)
		take_failure(minter, &outcome);
	else
		take_success(minter, &outcome);
}

static void
adopt_source(struct acp_minter *minter)
{
	if (!minter->next_source || minter->is_fetching)
		return;
	acp_token_source_free(&minter->source);
	minter->source = minter->next_source;
	minter->next_source = NULL;
	minter->has_tried = false;
	acp_mint_schedule_init(&minter->schedule, acp_clock_now_ms());
}

/* Without the lock: a look at a file may be slow. Only the keeper orders
 * fetches and frees sources, so the source is nobody else's meanwhile. */
static void
poll_source(struct acp_minter *minter)
{
	int64_t now_ms = acp_clock_now_ms();
	bool has_changed;

	if (minter->is_fetching || !minter->has_tried ||
		now_ms - minter->polled_ms < ACP_MINT_POLL_MS)
		return;
	minter->polled_ms = now_ms;
	pthread_mutex_unlock(&minter->lock);
	has_changed = acp_token_source_has_changed(minter->source);
	pthread_mutex_lock(&minter->lock);
	if (has_changed)
		acp_mint_schedule_init(&minter->schedule, now_ms);
}

static void
order_attempt(struct acp_minter *minter)
{
	if (minter->is_fetching || minter->next_source ||
		minter->schedule.next_ms > acp_clock_now_ms())
		return;
	minter->is_fetching = true;
	pthread_cond_signal(&minter->order);
}

static bool
has_news(const struct acp_minter *minter)
{
	return minter->is_stopping || minter->has_outcome ||
		(minter->next_source && !minter->is_fetching);
}

/* Until something happens, or falls due, or the source is to be polled. */
static void
wait_for_news(struct acp_minter *minter)
{
	int64_t now_ms = acp_clock_now_ms();
	int64_t until_ms = now_ms + ACP_MINT_POLL_MS;
	struct timespec until;

	if (has_news(minter))
		return;
	if (!minter->is_fetching && minter->schedule.next_ms < until_ms)
		until_ms = minter->schedule.next_ms;
	if (minter->first && minter->first->deadline_ms < until_ms)
		until_ms = minter->first->deadline_ms;
	if (until_ms <= now_ms)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (until_ms - now_ms) % 1000 * 1000000;
	until.tv_sec += (until_ms - now_ms) / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&minter->wake, &minter->lock, &until);
}

static void *
run_keeper(void *argument)
{
	struct acp_minter *minter = argument;

	pthread_mutex_lock(&minter->lock);
	while (!minter->is_stopping) {
		take_outcome(minter);
		adopt_source(minter);
		poll_source(minter);
		order_attempt(minter);
		release_waiters(minter, acp_clock_now_ms(), NULL);
		wait_for_news(minter);
	}
	release_waiters(minter, INT64_MAX, NULL);
	pthread_mutex_unlock(&minter->lock);
	return NULL;
}

/* Start and stop */

/* Signals are the main thread's. */
static int
create_thread(
	pthread_t *thread, void *(*run)(void *), struct acp_minter *minter)
{
	sigset_t all;
	sigset_t before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(thread, NULL, run, minter);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

static void
order_stop(struct acp_minter *minter)
{
	pthread_mutex_lock(&minter->lock);
	minter->is_stopping = true;
	acp_token_source_cancel(minter->source);
	pthread_cond_signal(&minter->order);
	pthread_cond_signal(&minter->wake);
	pthread_mutex_unlock(&minter->lock);
}

enum acp_error
acp_minter_start(struct acp_minter *minter)
{
	if (create_thread(&minter->fetcher, run_fetcher, minter)) {
		acp_log(ACP_LOG_ERROR, "minter_not_started");
		return ACP_FAULT;
	}
	if (create_thread(&minter->keeper, run_keeper, minter)) {
		acp_log(ACP_LOG_ERROR, "minter_not_started");
		order_stop(minter);
		pthread_join(minter->fetcher, NULL);
		return ACP_FAULT;
	}
	minter->is_started = true;
	return ACP_OK;
}

void
acp_minter_stop(struct acp_minter *minter)
{
	order_stop(minter);
	if (minter->is_started) {
		pthread_join(minter->fetcher, NULL);
		pthread_join(minter->keeper, NULL);
		minter->is_started = false;
	}
	/* who asked before a start, or after the keeper's last look */
	pthread_mutex_lock(&minter->lock);
	release_waiters(minter, INT64_MAX, NULL);
	pthread_mutex_unlock(&minter->lock);
}

void
acp_minter_replace_source(struct acp_minter *minter,
	struct acp_token_source *take_source, int64_t min_ttl_ms,
	int64_t mint_wait_ms)
{
	pthread_mutex_lock(&minter->lock);
	acp_token_source_free(&minter->next_source);
	minter->next_source = take_source;
	minter->min_ttl_ms = min_ttl_ms;
	minter->mint_wait_ms = mint_wait_ms;
	if (minter->is_fetching)
		acp_token_source_cancel(minter->source);
	pthread_cond_signal(&minter->wake);
	pthread_mutex_unlock(&minter->lock);
}

bool
acp_minter_has_adopted(struct acp_minter *minter)
{
	bool has_adopted;

	pthread_mutex_lock(&minter->lock);
	has_adopted = !minter->next_source;
	pthread_mutex_unlock(&minter->lock);
	return has_adopted;
}

/* What callers ask */

enum acp_mint_answer
acp_minter_ask(struct acp_minter *minter, struct acp_mint_waiter *waiter,
	struct acp_token **token)
{
	int64_t now_ms = acp_clock_now_ms();
	enum acp_mint_answer answer = ACP_MINT_NONE;

	pthread_mutex_lock(&minter->lock);
	if (get_usable_ms(minter, now_ms) > 0) {
		*token = acp_token_dup(minter->token);
		answer = ACP_MINT_TOKEN;
	} else if (waiter && is_expected(minter, now_ms)) {
		if (!minter->first)
			pthread_cond_signal(&minter->wake);
		push_waiter(minter, waiter, now_ms);
		answer = ACP_MINT_HELD;
	}
	pthread_mutex_unlock(&minter->lock);
	return answer;
}

bool
acp_minter_is_hopeful(struct acp_minter *minter)
{
	int64_t now_ms = acp_clock_now_ms();
	bool is_hopeful;

	pthread_mutex_lock(&minter->lock);
	is_hopeful = get_usable_ms(minter, now_ms) > 0 ||
		is_expected(minter, now_ms);
	pthread_mutex_unlock(&minter->lock);
	return is_hopeful;
}

bool
acp_minter_abandon(struct acp_minter *minter, struct acp_mint_waiter *waiter)
{
	bool was_waiting;

	pthread_mutex_lock(&minter->lock);
	was_waiting = waiter->is_waiting;
	if (was_waiting)
		pull_waiter(minter, waiter);
	pthread_mutex_unlock(&minter->lock);
	return was_waiting;
}

unsigned int
acp_minter_get_retry_after_s(struct acp_minter *minter)
{
	const int64_t most_ms = ACP_HTTP_RETRY_AFTER_MAX_S * 1000;
	int64_t left_ms;

	pthread_mutex_lock(&minter->lock);
	left_ms = minter->is_fetching
		? 0
		: minter->schedule.next_ms - acp_clock_now_ms();
	pthread_mutex_unlock(&minter->lock);
	if (left_ms > most_ms)
		left_ms = most_ms;
	return left_ms > 1000 ? (unsigned int)((left_ms + 999) / 1000) : 1;
}

void
acp_minter_get_status(struct acp_minter *minter, struct acp_mint_status *status)
{
	pthread_mutex_lock(&minter->lock);
	*status = (struct acp_mint_status){
		.has_token = get_usable_ms(minter, acp_clock_now_ms()) > 0,
		.successes = minter->successes,
		.failures = minter->failures,
		.duration_us = minter->duration_us,
	};
	if (minter->token)
		status->expiry_wall_ms =
			acp_token_get_expiry_wall_ms(minter->token);
	pthread_mutex_unlock(&minter->lock);
}
