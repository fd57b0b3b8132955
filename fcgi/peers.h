/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room for requests that are held: how many there are of each address,
 * and how much memory they take. An address may hold 64 in any case, and
 * beyond that up to an eighth of what is still free: so one alone gets a
 * ninth of the room, and the fuller it is, the less a greedy one gets of it.
 * An IPv6 network of 64 bits counts as one address, for a host has it whole.
 * Any thread.
 */
#ifndef ACP_FCGI_PEERS_H
#define ACP_FCGI_PEERS_H

#include "fcgi/fairqueue.h"
#include "fcgi/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_peers;

/* One address; lives while it is held or referred to. */
struct acp_peer {
	/* of the queue of work.c, under the lock of that */
	struct acp_fairqueue_line lines[ACP_FAIRQUEUE_CLASS__MAX];
	size_t kept; /* for a retry */
};

/* Room for so many requests, of so many bytes together. */
struct acp_peers *acp_peers_new(size_t most_held, size_t most_bytes);
void acp_peers_free(struct acp_peers **peers); /* nothing held any more */

/* Other bounds, from now on. */
void acp_peers_set_most(
	struct acp_peers *peers, size_t most_held, size_t most_bytes);

/*
 * Counts one more held request of an address (REMOTE_ADDR; NULL and whatever
 * is no IP address are one) that takes so many bytes. NULL when there is no
 * room for it, or when the address has its share; *reason says which.
 */
struct acp_peer *acp_peers_enter(struct acp_peers *peers, const char *address,
	size_t bytes, enum acp_busy *reason);

/* Takes that back; the peer may be gone afterwards. */
void acp_peers_leave(
	struct acp_peers *peers, struct acp_peer *take_peer, size_t bytes);

/*
 * Keeps a peer alive for something that takes so many bytes, whether there
 * is room for them or not, and ends that.
 */
struct acp_peer *acp_peers_dup(
	struct acp_peers *peers, struct acp_peer *peer, size_t bytes);
void acp_peers_drop(
	struct acp_peers *peers, struct acp_peer *take_peer, size_t bytes);

/* Requests held in all, and the bytes of all that is counted. */
void acp_peers_get_held(struct acp_peers *peers, size_t *held, size_t *bytes);

/* Waits until nothing is held, at most until deadline_ms. True: nothing. */
bool acp_peers_wait_idle(struct acp_peers *peers, int64_t deadline_ms);

#endif
