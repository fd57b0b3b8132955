/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a token request, and the small routes beside it. Acceptors
 * come in at acp_service_handle, workers and the minter at the two release
 * functions; whoever holds an exchange here is the only one who does.
 */
#include <config.h>

#include "fcgi/service.h"

#include "fcgi/held.h"
#include "lib/memory.h"

#include <pthread.h>
#include <stdatomic.h>

enum { METRICS_MAX = 64 * 1024, NO_KEY_RETRY_S = 2 };

struct acp_service {
	struct acp_keystore *keystore;
	struct acp_work *work;
	struct acp_minter *minter;
	struct acp_peers *peers;
	struct acp_metrics *metrics;
	atomic_bool is_draining;

	pthread_mutex_t lock; /* over the rules */
	struct acp_rules rules;
};

struct acp_service *
acp_service_new(struct acp_keystore *keystore, struct acp_work *work,
	struct acp_minter *minter, struct acp_peers *peers,
	struct acp_metrics *metrics, const struct acp_rules *rules)
{
	struct acp_service *service = acp_memory_new(1, sizeof(*service));

	service->keystore = keystore;
	service->work = work;
	service->minter = minter;
	service->peers = peers;
	service->metrics = metrics;
	service->rules = *rules;
	pthread_mutex_init(&service->lock, NULL);
	return service;
}

void
acp_service_free(struct acp_service **service)
{
	if (!*service)
		return;
	pthread_mutex_destroy(&(*service)->lock);
	free(*service);
	*service = NULL;
}

void
acp_service_set_rules(
	struct acp_service *service, const struct acp_rules *rules)
{
	pthread_mutex_lock(&service->lock);
	service->rules = *rules;
	pthread_mutex_unlock(&service->lock);
}

static struct acp_rules
copy_rules(struct acp_service *service)
{
	struct acp_rules rules;

	pthread_mutex_lock(&service->lock);
	rules = service->rules;
	pthread_mutex_unlock(&service->lock);
	return rules;
}

/* Counts the exchange as held; false when there is no room for it. */
static bool
hold(struct acp_service *service, struct acp_exchange *exchange)
{
	enum acp_busy reason;

	if (exchange->service)
		return true;
	exchange->memory =
		sizeof(*exchange) + acp_request_get_memory(exchange->request);
	exchange->work.peer = acp_peers_enter(service->peers,
		acp_request_peek(exchange->request, "REMOTE_ADDR"),
		exchange->memory, &reason);
	if (!exchange->work.peer) {
		acp_metrics_count_busy(service->metrics, reason);
		return false;
	}
	exchange->service = service;
	acp_held_watch(exchange);
	return true;
}

static void
end(struct acp_exchange *exchange)
{
	struct acp_service *service = exchange->service;
	struct acp_peer *peer = exchange->work.peer;
	size_t memory = exchange->memory;

	if (service)
		acp_held_forget(exchange);
	acp_exchange_free(&exchange);
	if (service)
		acp_peers_leave(service->peers, peer, memory);
}

static void
answer(struct acp_service *service, struct acp_exchange *exchange,
	const struct acp_answer *answer)
{
	ACP_AUTO(keyset) struct acp_keyset *keyset = NULL;

	if (exchange->unsealed.session[0])
		keyset = acp_keystore_dup_current(service->keystore);
	acp_exchange_answer(exchange, answer, keyset, service->metrics);
	end(exchange);
}

static void
refuse(struct acp_service *service, struct acp_exchange *exchange,
	enum acp_outcome outcome, unsigned int retry_after_s)
{
	answer(service, exchange,
		&(struct acp_answer){
			.outcome = outcome, .retry_after_s = retry_after_s});
}

static void
give_token(struct acp_service *service, struct acp_exchange *exchange,
	const struct acp_token *token)
{
	ACP_AUTO(secret) struct acp_secret body;
	ACP_AUTO(keyset)
	struct acp_keyset *keyset = acp_keystore_dup_current(service->keystore);
	const struct acp_rules rules = copy_rules(service);

	acp_secret_init(&body);
	acp_exchange_write_reply(exchange, keyset, &rules, token, &body);
	answer(service, exchange,
		&(struct acp_answer){.outcome = ACP_OUTCOME_TOKEN,
			.body = body.bytes,
			.body_size = body.size,
			.content_type = "application/json"});
}

static struct acp_exchange *
of_mint_waiter(struct acp_mint_waiter *waiter)
{
	return (struct acp_exchange *)((char *)waiter -
		offsetof(struct acp_exchange, mint));
}

static struct acp_exchange *
of_work_waiter(struct acp_work_waiter *waiter)
{
	return (struct acp_exchange *)((char *)waiter -
		offsetof(struct acp_exchange, work));
}

static void
refuse_tokenless(struct acp_service *service, struct acp_exchange *exchange)
{
	refuse(service, exchange,
		service->is_draining ? ACP_OUTCOME_DRAINING
				     : ACP_OUTCOME_NO_TOKEN,
		acp_minter_get_retry_after_s(service->minter));
}

static void
release_from_mint(struct acp_mint_waiter *waiter, struct acp_token *token)
{
	struct acp_exchange *exchange = of_mint_waiter(waiter);
	struct acp_service *service = exchange->service;

	if (token)
		give_token(service, exchange, token);
	else
		refuse_tokenless(service, exchange);
}

/* Step 9: the token of this moment, or a wait for one. */
static void
find_token(struct acp_service *service, struct acp_exchange *exchange)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	enum acp_mint_answer found =
		acp_minter_ask(service->minter, NULL, &token);

	if (found != ACP_MINT_TOKEN && acp_minter_is_hopeful(service->minter)) {
		if (!hold(service, exchange)) {
			refuse(service, exchange, ACP_OUTCOME_BUSY,
				acp_minter_get_retry_after_s(service->minter));
			return;
		}
		exchange->mint.release = release_from_mint;
		found = acp_minter_ask(
			service->minter, &exchange->mint, &token);
	}
	if (found == ACP_MINT_TOKEN)
		give_token(service, exchange, token);
	else if (found == ACP_MINT_NONE)
		refuse_tokenless(service, exchange);
}

/* Steps 6 to 9, once it is known what the credential holds. */
static void
judge(struct acp_service *service, struct acp_exchange *exchange)
{
	enum acp_outcome outcome = acp_exchange_judge(exchange);

	if (outcome == ACP_OUTCOME_TOKEN)
		find_token(service, exchange);
	else
		refuse(service, exchange, outcome, 0);
}

static void
release_from_work(
	struct acp_work_waiter *waiter, const struct acp_unsealed *unsealed)
{
	struct acp_exchange *exchange = of_work_waiter(waiter);
	struct acp_service *service = exchange->service;

	if (!unsealed) {
		refuse(service, exchange, ACP_OUTCOME_DRAINING, 1);
		return;
	}
	exchange->unsealed = *unsealed;
	judge(service, exchange);
}

/* A ciphertext that nothing is known of: queue it, if that makes sense. */
static void
submit(struct acp_service *service, struct acp_exchange *exchange,
	const struct acp_ciphertext *ciphertext)
{
	enum acp_work_answer found;
	unsigned int retry_after_s;

	if (!acp_minter_is_hopeful(service->minter)) {
		refuse_tokenless(service, exchange);
		return;
	}
	if (!hold(service, exchange)) {
		refuse(service, exchange, ACP_OUTCOME_BUSY,
			acp_work_get_retry_after_s(service->work));
		return;
	}
	exchange->work.release = release_from_work;
	found = acp_work_submit(service->work, ciphertext, &exchange->work,
		&exchange->unsealed, &retry_after_s);
	if (found == ACP_WORK_KNOWN)
		judge(service, exchange);
	else if (found == ACP_WORK_FULL)
		refuse(service, exchange, ACP_OUTCOME_BUSY, retry_after_s);
}

static void
handle_token(struct acp_service *service, struct acp_exchange *exchange)
{
	ACP_AUTO(keyset)
	struct acp_keyset *keyset = acp_keystore_dup_current(service->keystore);
	const struct acp_rules rules = copy_rules(service);
	struct acp_ciphertext ciphertext;
	enum acp_outcome outcome = acp_exchange_read_credential(
		exchange, keyset, &rules, &ciphertext);

	if (outcome != ACP_OUTCOME_TOKEN)
		refuse(service, exchange, outcome,
			outcome == ACP_OUTCOME_NO_KEY ? NO_KEY_RETRY_S : 0);
	else if (exchange->is_renewal)
		judge(service, exchange);
	else if (acp_work_recall(service->work, &ciphertext,
			 &exchange->unsealed) == ACP_WORK_KNOWN)
		judge(service, exchange);
	else
		submit(service, exchange, &ciphertext);
}

static void
handle_readyz(struct acp_service *service, struct acp_exchange *exchange)
{
	ACP_AUTO(buffer) struct acp_buffer reasons;
	struct acp_keystore_status keys;
	struct acp_mint_status mint;

	acp_keystore_get_status(service->keystore, &keys);
	acp_minter_get_status(service->minter, &mint);
	acp_buffer_init(&reasons, METRICS_MAX);
	if (keys.keys == 0)
		acp_buffer_append(&reasons, "no key is loaded\n");
	if (!mint.has_token)
		acp_buffer_append(&reasons, "no usable token is in hand\n");
	if (service->is_draining)
		acp_buffer_append(&reasons, "draining\n");
	if (reasons.size > 0)
		answer(service, exchange,
			&(struct acp_answer){.outcome = ACP_OUTCOME_NOT_READY,
				.body = reasons.text,
				.body_size = reasons.size});
	else
		answer(service, exchange,
			&(struct acp_answer){.outcome = ACP_OUTCOME_INFO,
				.body = "ok",
				.body_size = 2});
}

static void
handle_metrics(struct acp_service *service, struct acp_exchange *exchange)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	struct acp_metrics_gauges gauges = {0};
	struct acp_keystore_status keys;

	acp_keystore_get_status(service->keystore, &keys);
	gauges.queue_length = acp_work_get_held(service->work);
	acp_peers_get_held(service->peers, &gauges.held, &gauges.held_bytes);
	gauges.keys_loaded = keys.keys;
	gauges.key_loaded_wall_ms = keys.loaded_wall_ms;
	gauges.key_reload_failures = keys.failures;
	acp_minter_get_status(service->minter, &gauges.mint);
	acp_buffer_init(&text, METRICS_MAX);
	acp_metrics_write(service->metrics, &gauges, &text);
	answer(service, exchange,
		&(struct acp_answer){.outcome = ACP_OUTCOME_INFO,
			.body = text.text,
			.body_size = text.size,
			.content_type =
				"text/plain; version=0.0.4; charset=utf-8"});
}

void
acp_service_handle(
	struct acp_service *service, struct acp_exchange *take_exchange)
{
	switch (take_exchange->route) {
	case ACP_ROUTE_TOKEN:
		handle_token(service, take_exchange);
		return;
	case ACP_ROUTE_HEALTHZ:
		answer(service, take_exchange,
			&(struct acp_answer){.outcome = ACP_OUTCOME_INFO,
				.body = "ok",
				.body_size = 2});
		return;
	case ACP_ROUTE_READYZ:
		handle_readyz(service, take_exchange);
		return;
	case ACP_ROUTE_METRICS:
		handle_metrics(service, take_exchange);
		return;
	case ACP_ROUTE_OTHER:
	case ACP_ROUTE__MAX:
		break;
	}
	refuse(service, take_exchange, ACP_OUTCOME_NOT_FOUND, 0);
}

bool
acp_service_may_abandon(struct acp_exchange *exchange)
{
	struct acp_service *service = exchange->service;

	return acp_work_abandon(service->work, &exchange->work) ||
		acp_minter_abandon(service->minter, &exchange->mint);
}

void
acp_service_end_deserted(struct acp_exchange *take_exchange)
{
	acp_log(ACP_LOG_DEBUG, "caller_gone",
		ACP_F_TEXT("request_id", take_exchange->id));
	end(take_exchange);
}

void
acp_service_start_drain(struct acp_service *service)
{
	service->is_draining = true;
}
