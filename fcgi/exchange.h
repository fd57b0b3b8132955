/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and what is known of it on its way to an answer. Belongs to
 * one thread at a time: an acceptor, then perhaps a worker, then perhaps the
 * minter; whoever answers it ends it.
 */
#ifndef ACP_FCGI_EXCHANGE_H
#define ACP_FCGI_EXCHANGE_H

#include "fcgi/bearer.h"
#include "fcgi/keyset.h"
#include "fcgi/metrics.h"
#include "fcgi/minter.h"
#include "fcgi/outcome.h"
#include "fcgi/request.h"
#include "fcgi/route.h"
#include "fcgi/unsealed.h"
#include "fcgi/work.h"

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
	struct acp_unsealed unsealed; /* once the ciphertext is known */
	/* while it is held */
	struct acp_service *service;
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
 * Steps 2, 3 and 5 of a /token request: method, bearer, form of the
 * ciphertext. ACP_OUTCOME_TOKEN when all is well and *ciphertext is written,
 * else what to answer. keyset may be NULL: then ACP_OUTCOME_NO_KEY for what
 * is well but for the key.
 */
enum acp_outcome acp_exchange_read_ciphertext(
	const struct acp_exchange *exchange, const struct acp_keyset *keyset,
	struct acp_ciphertext *ciphertext);

/*
 * Sends the answer, logs and counts it. The log names the session by the
 * first key of keyset, where both are there. metrics may be NULL.
 */
void acp_exchange_answer(struct acp_exchange *exchange,
	const struct acp_answer *answer, const struct acp_keyset *keyset,
	struct acp_metrics *metrics);

#endif
