/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the FastCGI responder does with a request: answers it at once, or
 * holds it for a worker or for the minter. Any thread may call it.
 */
#ifndef ACP_FCGI_SERVICE_H
#define ACP_FCGI_SERVICE_H

#include "fcgi/exchange.h"
#include "fcgi/keystore.h"
#include "fcgi/metrics.h"
#include "fcgi/minter.h"
#include "fcgi/peers.h"
#include "fcgi/rules.h"
#include "fcgi/work.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_service;

/* Borrows its parts, which must outlive it; copies the rules. */
struct acp_service *acp_service_new(struct acp_keystore *keystore,
	struct acp_work *work, struct acp_minter *minter,
	struct acp_peers *peers, struct acp_metrics *metrics,
	const struct acp_rules *rules);
void acp_service_free(struct acp_service **service);

/* Other rules, from now on; a copy is made. */
void acp_service_set_rules(
	struct acp_service *service, const struct acp_rules *rules);

/* Takes the exchange and sees to it that it is answered once, and ended. */
void acp_service_handle(
	struct acp_service *service, struct acp_exchange *take_exchange);

/*
 * True when the exchange, which is held, was taken out of whatever holds it;
 * the caller owns it then. For acp_held_steal_deserted.
 */
bool acp_service_may_abandon(struct acp_exchange *exchange);

/* Ends an exchange whose caller has gone. */
void acp_service_end_deserted(struct acp_exchange *take_exchange);

/* /readyz says so from now on. */
void acp_service_start_drain(struct acp_service *service);

#endif
