/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds the token for reconciler/api.c. The source is used by whoever has set
 * is_fetching, without the lock, so that those who have a token never wait
 * for a slow provider. Never logs: the source says what went wrong.
 */
#include <config.h>

#include "reconciler/api_token.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/memory.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

struct acp_api_token {
	struct acp_token_source *source; /* of whoever set is_fetching */
	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t fetched;
	bool is_fetching;
	struct acp_token *token; /* NULL: none */
	enum acp_error error; /* of the last fetch */
	int64_t pause_ms; /* the last one; 0: the last fetch went well */
	int64_t next_fetch_ms; /* not before */
	int64_t next_forget_ms;
};

struct acp_api_token *
acp_api_token_new(struct acp_token_source *take_source)
{
	struct acp_api_token *holder = acp_memory_new(1, sizeof(*holder));

	holder->source = take_source;
	pthread_mutex_init(&holder->lock, NULL);
	pthread_cond_init(&holder->fetched, NULL);
	return holder;
}

void
acp_api_token_free(struct acp_api_token **holder)
{
	if (!*holder)
		return;
	acp_token_source_free(&(*holder)->source);
	acp_token_free(&(*holder)->token);
	pthread_cond_destroy(&(*holder)->fetched);
	pthread_mutex_destroy(&(*holder)->lock);
	free(*holder);
	*holder = NULL;
}

static bool
is_usable(const struct acp_api_token *holder, int64_t now_ms)
{
	return holder->token && acp_token_is_usable(holder->token, now_ms);
}

/* The source may be asked only by whoever may fetch: not while another is. */
static bool
is_due(const struct acp_api_token *holder, int64_t now_ms)
{
	if (!is_usable(holder, now_ms))
		return true;
	return now_ms >=
		acp_token_get_due_ms(holder->token, ACP_API_TOKEN_DUE_MS) ||
		acp_token_source_has_changed(holder->source);
}

static void
note_failure(struct acp_api_token *holder, enum acp_error error,
	int64_t retry_after_ms)
{
	int64_t pause_ms = 2 * holder->pause_ms;

	if (pause_ms < ACP_MINT_PAUSE_MIN_MS)
		pause_ms = ACP_MINT_PAUSE_MIN_MS;
	if (pause_ms > ACP_MINT_PAUSE_MAX_MS)
		pause_ms = ACP_MINT_PAUSE_MAX_MS;
	holder->error = error;
	holder->pause_ms = pause_ms;
	if (retry_after_ms > pause_ms)
		pause_ms = retry_after_ms;
	holder->next_fetch_ms = acp_clock_now_ms() + pause_ms;
}

/* With the lock held, and let go while the source is asked. */
static void
fetch(struct acp_api_token *holder)
{
	struct acp_token *token = NULL;
	int64_t retry_after_ms = 0;
	enum acp_error error;

	holder->is_fetching = true;
	pthread_mutex_unlock(&holder->lock);
	error = acp_token_source_fetch(holder->source, &token, &retry_after_ms);
	pthread_mutex_lock(&holder->lock);
	holder->is_fetching = false;
	if (error) {
		note_failure(holder, error, retry_after_ms);
	} else {
		acp_token_free(&holder->token);
		holder->token = token;
		holder->pause_ms = 0;
		holder->next_fetch_ms = 0;
	}
	pthread_cond_broadcast(&holder->fetched);
}

/* With the lock held. */
static void
bring_up_to_date(struct acp_api_token *holder)
{
	int64_t now_ms = acp_clock_now_ms();

	if (holder->is_fetching) {
		while (holder->is_fetching &&
			!is_usable(holder, acp_clock_now_ms()))
			pthread_cond_wait(&holder->fetched, &holder->lock);
		return;
	}
	if (now_ms >= holder->next_fetch_ms && is_due(holder, now_ms))
		fetch(holder);
}

enum acp_error
acp_api_token_get(struct acp_api_token *holder, struct acp_token **token)
{
	enum acp_error error = ACP_OK;

	pthread_mutex_lock(&holder->lock);
	bring_up_to_date(holder);
	if (is_usable(holder, acp_clock_now_ms()))
		*token = acp_token_dup(holder->token);
	else
		error = holder->error ? holder->error : ACP_RETRY_LATER;
	pthread_mutex_unlock(&holder->lock);
	return error;
}

static bool
is_same(const struct acp_token *left, const struct acp_token *right)
{
	return strcmp(acp_token_peek_value(left),
		       acp_token_peek_value(right)) == 0;
}

bool
acp_api_token_forget(
	struct acp_api_token *holder, const struct acp_token *token)
{
	int64_t now_ms = acp_clock_now_ms();
	bool has_other = true;

	pthread_mutex_lock(&holder->lock);
	if (holder->token && is_same(holder->token, token)) {
		has_other = now_ms >= holder->next_forget_ms;
		if (has_other) {
			acp_token_free(&holder->token);
			holder->next_forget_ms =
				now_ms + ACP_API_TOKEN_REFUSED_MS;
		}
	}
	pthread_mutex_unlock(&holder->lock);
	return has_other;
}
