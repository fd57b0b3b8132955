/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and what is known of it on its way to an answer. Belongs to
 * one thread at a time: an acceptor, then perhaps a worker, then perhaps the
 * minter; whoever answers it ends it.
 */
#ifndef ACP_FCGI_EXCHANGE_H
#define ACP_FCGI_EXCHANGE_H

#include "fcgi/bearer.h"
#include "fcgi/binding.h"
#include "fcgi/handle.h"
#include "fcgi/keyset.h"
#include "fcgi/metrics.h"
#include "fcgi/minter.h"
#include "fcgi/outcome.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "fcgi/rules.h"
#include "fcgi/unsealed.h"
#include "fcgi/work.h"
#include "lib/secret.h"
#include "lib/token.h"

#include <stdint.h>

/* A request id: up to 64 characters of [A-Za-z0-9._-], and NUL. */
#define ACP_EXCHANGE_ID_SIZE 65

struct acp_service;
struct acp_held;

struct acp_exchange {
	struct acp_request *request;
	enum acp_route route;
	char id[ACP_EXCHANGE_ID_SIZE];
	int64_t started_us;
	struct acp_binding binding; /* after step 4 */
	bool is_renewal; /* it brought a handle, not a ciphertext */
	bool is_over; /* the handle is ours, but its time has passed */
	struct acp_handle handle; /* what it says; empty without one */
	struct acp_unsealed unsealed; /* once the session is known */
	/* while it is held */
	struct acp_service *service;
	size_t memory; /* what it counts for */
	struct acp_work_waiter work;
	struct acp_mint_waiter mint;
	struct acp_held *held; /* NULL: nobody watches the connection */
	int epoll_fd; /* of the acceptor, to watch with; −1: none */
};

/* What an answer carries beside its outcome. */
struct acp_answer {
	enum acp_outcome outcome;
	const char *body; /* where the outcome has none of its own */
	size_t body_size;
	const char *content_type; /* NULL: text/plain */
	unsigned int retry_after_s; /* 0: no Retry-After */
};

/*
 * Takes the request and reads from it what every answer needs: route and
 * request id (the web server's REQUEST_ID, else a random one).
 */
struct acp_exchange *acp_exchange_new(struct acp_request *take_request);
void acp_exchange_free(struct acp_exchange **exchange);

/*
 * Steps 2 to 5 of a /token request: method, bearer, proof, form of the
 * ciphertext. ACP_OUTCOME_TOKEN when all is well, else what to answer. keyset
 * may be NULL: then ACP_OUTCOME_NO_KEY for what is well but for the key. For
 * a renewal steps 5 to 7 are done then, and exchange->unsealed is written;
 * else *ciphertext is.
 */
enum acp_outcome acp_exchange_read_credential(struct acp_exchange *exchange,
	const struct acp_keyset *keyset, const struct acp_rules *rules,
	struct acp_ciphertext *ciphertext);

/*
 * Steps 6 to 8, once exchange->unsealed is known: ACP_OUTCOME_TOKEN, or what
 * to answer.
 */
enum acp_outcome acp_exchange_judge(const struct acp_exchange *exchange);

/*
 * Appends the reply of a 200 answer: the token and a fresh handle under the
 * key that opened what the caller brought; no handle when that key is gone
 * (keyset may be NULL).
 */
void acp_exchange_write_reply(const struct acp_exchange *exchange,
	const struct acp_keyset *keyset, const struct acp_rules *rules,
	const struct acp_token *token, struct acp_secret *body);

/*
 * Sends the answer, logs and counts it. The log names the session by the
 * first key of keyset, where both are there. metrics may be NULL.
 */
void acp_exchange_answer(struct acp_exchange *exchange,
	const struct acp_answer *answer, const struct acp_keyset *keyset,
	struct acp_metrics *metrics);

#endif
