/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of addresses with counts. The service enters and leaves for each
 * held request, work.c refers to a peer for each queued ciphertext. Its lock
 * is the innermost: nothing else is called under it.
 */
#include <config.h>

#include "fcgi/peers.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "lib/random.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	BUCKETS = 4096,
	SHARE_LEAST = 64,
	SHARE_PARTS = 8,
	NETWORK_BYTES = 8 /* of an IPv6 address */
};

/* An IPv6 network, an IPv4 address as IPv6 has it, or zeros for the rest. */
struct network {
	uint8_t bytes[sizeof(struct in6_addr)];
};

struct entry {
	struct acp_peer peer; /* first: the peer is the entry */
	struct entry *chain;
	struct network network;
	size_t held;
	size_t bytes; /* of what is held */
	size_t references;
};

struct acp_peers {
	pthread_mutex_t lock;
	pthread_cond_t is_idle;
	struct entry *buckets[BUCKETS];
	uint64_t seed; /* so that nobody chooses addresses that collide */
	size_t held;
	size_t bytes;
	size_t most_held;
	size_t most_bytes;
};

struct acp_peers *
acp_peers_new(size_t most_held, size_t most_bytes)
{
	struct acp_peers *peers = acp_memory_new(1, sizeof(*peers));
	pthread_condattr_t clock;

	peers->most_held = most_held;
	peers->most_bytes = most_bytes;
	acp_random_fill(&peers->seed, sizeof(peers->seed));
	pthread_mutex_init(&peers->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&peers->is_idle, &clock);
	pthread_condattr_destroy(&clock);
	return peers;
}

void
acp_peers_free(struct acp_peers **peers)
{
	if (!*peers)
		return;
	assert((*peers)->held == 0 && (*peers)->bytes == 0);
	pthread_cond_destroy(&(*peers)->is_idle);
	pthread_mutex_destroy(&(*peers)->lock);
	free(*peers);
	*peers = NULL;
}

void
acp_peers_set_most(struct acp_peers *peers, size_t most_held, size_t most_bytes)
{
	pthread_mutex_lock(&peers->lock);
	peers->most_held = most_held;
	peers->most_bytes = most_bytes;
	pthread_mutex_unlock(&peers->lock);
}

static struct network
read_network(const char *address)
{
	static const uint8_t mapped[] = {[10] = 0xff, [11] = 0xff};
	struct network network = {0};

	if (!address)
		return network;
	if (inet_pton(AF_INET, address, network.bytes + sizeof(mapped)) == 1)
		memcpy(network.bytes, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, address, network.bytes) == 1 &&
		memcmp(network.bytes, mapped, sizeof(mapped)) != 0)
		memset(network.bytes + NETWORK_BYTES, 0,
			sizeof(network.bytes) - NETWORK_BYTES);
	return network;
}

/* The link that points to the entry of that network, or to NULL. */
static struct entry **
find_link(struct acp_peers *peers, const struct network *network)
{
	uint64_t hash = peers->seed;
	struct entry **link;

	/* FNV-1a over a random start */
	for (size_t i = 0; i < sizeof(network->bytes); i++)
		hash = (hash ^ network->bytes[i]) * UINT64_C(0x100000001b3);
	link = &peers->buckets[(hash >> 32) % BUCKETS];
	while (*link &&
		memcmp(&(*link)->network, network, sizeof(*network)) != 0)
		link = &(*link)->chain;
	return link;
}

/* True when so many of them, that are held already, are a full share. */
static bool
is_share(size_t mine, size_t all, size_t most)
{
	return mine >= (most - all) / SHARE_PARTS;
}

/* True when one that holds so much may hold that many bytes more. */
static bool
may_enter(const struct acp_peers *peers, const struct entry *entry,
	size_t bytes, enum acp_busy *reason)
{
	if (peers->held >= peers->most_held)
		*reason = ACP_BUSY_LENGTH;
	else if (peers->bytes >= peers->most_bytes ||
		peers->most_bytes - peers->bytes < bytes)
		*reason = ACP_BUSY_MEMORY;
	else if (!entry || entry->held < SHARE_LEAST)
		return true;
	else if (is_share(entry->held, peers->held, peers->most_held) ||
		is_share(entry->bytes, peers->bytes, peers->most_bytes))
		*reason = ACP_BUSY_ADDRESS;
	else
		return true;
	return false;
}

static struct entry *
new_entry(const struct network *network)
{
	struct entry *entry = acp_memory_new(1, sizeof(*entry));

	entry->network = *network;
	return entry;
}

struct acp_peer *
acp_peers_enter(struct acp_peers *peers, const char *address, size_t bytes,
	enum acp_busy *reason)
{
	const struct network network = read_network(address);
	struct acp_peer *peer = NULL;
	struct entry **link;

	pthread_mutex_lock(&peers->lock);
	link = find_link(peers, &network);
	if (may_enter(peers, *link, bytes, reason)) {
		if (!*link)
			*link = new_entry(&network);
		(*link)->held++;
		(*link)->bytes += bytes;
		(*link)->references++;
		peers->held++;
		peers->bytes += bytes;
		peer = &(*link)->peer;
	}
	pthread_mutex_unlock(&peers->lock);
	return peer;
}

/* With the lock held. */
static void
drop(struct acp_peers *peers, struct entry *entry, size_t bytes)
{
	peers->bytes -= bytes;
	if (--entry->references > 0)
		return;
	*find_link(peers, &entry->network) = entry->chain;
	free(entry);
}

void
acp_peers_leave(
	struct acp_peers *peers, struct acp_peer *take_peer, size_t bytes)
{
	struct entry *entry = (struct entry *)take_peer;

	pthread_mutex_lock(&peers->lock);
	entry->held--;
	entry->bytes -= bytes;
	if (--peers->held == 0)
		pthread_cond_broadcast(&peers->is_idle);
	drop(peers, entry, bytes);
	pthread_mutex_unlock(&peers->lock);
}

struct acp_peer *
acp_peers_dup(struct acp_peers *peers, struct acp_peer *peer, size_t bytes)
{
	pthread_mutex_lock(&peers->lock);
	((struct entry *)peer)->references++;
	peers->bytes += bytes;
	pthread_mutex_unlock(&peers->lock);
	return peer;
}

void
acp_peers_drop(
	struct acp_peers *peers, struct acp_peer *take_peer, size_t bytes)
{
	pthread_mutex_lock(&peers->lock);
	drop(peers, (struct entry *)take_peer, bytes);
	pthread_mutex_unlock(&peers->lock);
}

void
acp_peers_get_held(struct acp_peers *peers, size_t *held, size_t *bytes)
{
	pthread_mutex_lock(&peers->lock);
	*held = peers->held;
	*bytes = peers->bytes;
	pthread_mutex_unlock(&peers->lock);
}

bool
acp_peers_wait_idle(struct acp_peers *peers, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - acp_clock_now_ms();
	struct timespec until;
	bool is_idle;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += left_ms / 1000 + 1; /* rounded up */
	pthread_mutex_lock(&peers->lock);
	while (peers->held > 0 && left_ms > 0)
		if (pthread_cond_timedwait(
			    &peers->is_idle, &peers->lock, &until))
			break;
	is_idle = peers->held == 0;
	pthread_mutex_unlock(&peers->lock);
	return is_idle;
}
