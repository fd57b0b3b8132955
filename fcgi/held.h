/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchanges that are held, by connection, so that one whose caller hangs
 * up can be found and ended although no thread looks after it. A ticket names
 * a connection for one exchange only: when the descriptor is used again, old
 * tickets lead nowhere.
 */
#ifndef ACP_FCGI_HELD_H
#define ACP_FCGI_HELD_H

#include "fcgi/exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* Set in the epoll data of a watched connection, so that it is told apart. */
#define ACP_HELD_TICKET (UINT64_C(1) << 63)

struct acp_held;

/* Room for every descriptor that this process may open. */
struct acp_held *acp_held_new(void);
void acp_held_free(struct acp_held **held);

/*
 * Watches the connection of an exchange with its epoll_fd (EPOLLRDHUP, once)
 * from now on. Before it is given to another thread. Does nothing when
 * exchange->held or epoll_fd says that nobody watches.
 */
void acp_held_watch(struct acp_exchange *exchange);

/* Ends that. Before its connection is closed, by whoever ends it. */
void acp_held_forget(struct acp_exchange *exchange);

/*
 * The caller behind the ticket has hung up: gives the exchange when
 * may_abandon says that nobody else will release it any more (called under
 * the table's lock, so that it cannot end meanwhile); the caller then owns
 * and frees it. NULL when it is being answered, or was.
 */
struct acp_exchange *acp_held_steal_deserted(struct acp_held *held,
	uint64_t ticket, bool (*may_abandon)(struct acp_exchange *exchange));

#endif
