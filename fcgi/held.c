/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table from descriptor to held exchange. Acceptors fill it and look into
 * it, whoever answers empties it. Its lock is taken before those of work.c
 * and minter.c, never after.
 */
#include <config.h>

#include "fcgi/held.h"

#include "lib/memory.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { SLOTS_LEAST = 1024, SLOTS_MOST = 1 << 20 };

struct slot {
	struct acp_exchange *exchange; /* NULL: not held */
	uint32_t generation;
};

struct acp_held {
	pthread_mutex_t lock;
	struct slot *slots; /* by descriptor */
	size_t slot_count;
};

struct acp_held *
acp_held_new(void)
{
	struct acp_held *held = acp_memory_new(1, sizeof(*held));
	struct rlimit files;

	held->slot_count = SLOTS_LEAST;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
		files.rlim_cur > held->slot_count)
		held->slot_count = files.rlim_cur < SLOTS_MOST
			? (size_t)files.rlim_cur
			: SLOTS_MOST;
	held->slots = acp_memory_new(held->slot_count, sizeof(*held->slots));
	pthread_mutex_init(&held->lock, NULL);
	return held;
}

void
acp_held_free(struct acp_held **held)
{
	if (!*held)
		return;
	pthread_mutex_destroy(&(*held)->lock);
	free((*held)->slots);
	free(*held);
	*held = NULL;
}

/* 31 bits of generation above 32 bits of descriptor. */
static uint64_t
make_ticket(int fd, uint32_t generation)
{
	return ACP_HELD_TICKET | (uint64_t)(generation & INT32_MAX) << 32 |
		(uint32_t)fd;
}

void
acp_held_watch(struct acp_exchange *exchange)
{
	struct acp_held *held = exchange->held;
	int fd = acp_request_get_fd(exchange->request);
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT};
	struct slot *slot;

	if (!held || exchange->epoll_fd < 0 || fd < 0 ||
		(size_t)fd >= held->slot_count)
		return;
	pthread_mutex_lock(&held->lock);
	slot = &held->slots[fd];
	if (!slot->exchange) {
		slot->exchange = exchange;
		event.data.u64 = make_ticket(fd, slot->generation);
		/* unwatched is no harm: it is then answered to nobody */
		(void)epoll_ctl(exchange->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
	pthread_mutex_unlock(&held->lock);
}

void
acp_held_forget(struct acp_exchange *exchange)
{
	struct acp_held *held = exchange->held;
	int fd = acp_request_get_fd(exchange->request);

	if (!held || fd < 0 || (size_t)fd >= held->slot_count)
		return;
	pthread_mutex_lock(&held->lock);
	if (held->slots[fd].exchange == exchange) {
		held->slots[fd].exchange = NULL;
		held->slots[fd].generation++;
	}
	pthread_mutex_unlock(&held->lock);
}

struct acp_exchange *
acp_held_steal_deserted(struct acp_held *held, uint64_t ticket,
	bool (*may_abandon)(struct acp_exchange *exchange))
{
	struct acp_exchange *exchange = NULL;
	size_t fd = (uint32_t)ticket;
	struct slot *slot;

	if (fd >= held->slot_count)
		return NULL;
	pthread_mutex_lock(&held->lock);
	slot = &held->slots[fd];
	if (slot->exchange &&
		make_ticket((int)fd, slot->generation) == ticket &&
		may_abandon(slot->exchange)) {
		exchange = slot->exchange;
		slot->exchange = NULL;
		slot->generation++;
	}
	pthread_mutex_unlock(&held->lock);
	return exchange;
}
