/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One epoll loop a thread: the listener (each connection wakes one thread),
 * connections whose head has not come yet ("parked"), and held connections.
 * A parked connection belongs to its thread alone. Reads nothing itself: it
 * peeks, and libfcgi reads once the whole head is there.
 */
#include <config.h>

#include "fcgi/acceptor.h"

#include "fcgi/gate.h"
#include "fcgi/held.h"
#include "lib/auto.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
	/* a web server sends at once after it connects; rounded up to ticks */
	FIRST_LOOK_MS = 2,
	SILENT_FEW = 8, /* parked ones: beyond, no first look waits */
	TICK_MS = 100, /* how often parked connections are aged */
	PAUSE_MS = 50, /* after a passing failure of accept */
};

/* Epoll data: a held ticket (its top bit set), one of these, or a parked. */
enum { EVENT_LISTENER = 1, EVENT_WAKE = 2, EVENT_WORD__MAX = 3 };

/* An accepted connection whose head is not whole yet. */
struct parked {
	struct parked *next;
	struct parked *previous;
	int fd;
	int64_t deadline_ms;
	bool has_bytes;
};

struct acceptor {
	struct acp_acceptors *all;
	pthread_t thread;
	int epoll_fd;
	struct parked *parked;
	size_t parked_count;
	int64_t aged_ms;
	bool is_draining;
};

struct acp_acceptors {
	int listen_fd;
	int wake_fd;
	struct acp_service *service;
	struct acp_metrics *metrics;
	struct acp_held *held;
	_Atomic int64_t complained_ms;
	size_t count;
	struct acceptor *acceptors;
};

static bool
watch(int epoll_fd, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Gives a connection with a whole head to the service. */
static void
serve(struct acceptor *acceptor, int fd)
{
	struct acp_request *request = acp_request_new_fastcgi(fd);
	struct acp_exchange *exchange;

	if (!request) {
		acp_metrics_count_refused_connection(acceptor->all->metrics);
		return;
	}
	exchange = acp_exchange_new(request);
	exchange->held = acceptor->all->held;
	exchange->epoll_fd = acceptor->epoll_fd;
	acp_service_handle(acceptor->all->service, exchange);
}

static void
refuse(struct acceptor *acceptor, int fd, const char *reason)
{
	acp_metrics_count_refused_connection(acceptor->all->metrics);
	acp_log(ACP_LOG_DEBUG, "connection_refused",
		ACP_F_TEXT("reason", reason));
	close(fd);
}

/*
 * Looks at what has come; has_bytes says whether there is any of it. flags:
 * MSG_DONTWAIT, or 0 to wait FIRST_LOOK_MS for the first of it.
 */
static enum acp_gate_verdict
look(int fd, int flags, bool *has_bytes)
{
	uint8_t bytes[ACP_REQUEST_HEAD_MAX];
	ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_PEEK | flags);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return ACP_GATE_INCOMPLETE;
	if (size <= 0)
		return ACP_GATE_REFUSED;
	*has_bytes = true;
	return acp_gate_judge(bytes, (size_t)size);
}

static void
unpark(struct acceptor *acceptor, struct parked *parked)
{
	if (parked->previous)
		parked->previous->next = parked->next;
	else
		acceptor->parked = parked->next;
	if (parked->next)
		parked->next->previous = parked->previous;
	acceptor->parked_count--;
	epoll_ctl(acceptor->epoll_fd, EPOLL_CTL_DEL, parked->fd, NULL);
	free(parked);
}

/* Looks again at a parked connection, and unparks it when it is settled. */
static void
look_again(struct acceptor *acceptor, struct parked *parked, uint32_t events)
{
	bool had_bytes = parked->has_bytes;
	enum acp_gate_verdict verdict =
		look(parked->fd, MSG_DONTWAIT, &parked->has_bytes);
	int fd = parked->fd;

	/* what is not whole when the peer has hung up never will be */
	if (verdict == ACP_GATE_INCOMPLETE && !(events & EPOLLRDHUP)) {
		if (parked->has_bytes && !had_bytes)
			parked->deadline_ms =
				acp_clock_now_ms() + ACP_REQUEST_WAIT_MS;
		return;
	}
	unpark(acceptor, parked);
	if (verdict == ACP_GATE_WHOLE)
		serve(acceptor, fd);
	else
		refuse(acceptor, fd, "no FastCGI request");
}

static void
park(struct acceptor *acceptor, int fd, bool has_bytes)
{
	struct parked *parked;

	if (acceptor->parked_count >= ACP_CONNECTION_WAITING_MAX) {
		refuse(acceptor, fd, "too many unfinished requests");
		return;
	}
	parked = acp_memory_new(1, sizeof(*parked));
	parked->fd = fd;
	parked->has_bytes = has_bytes;
	parked->deadline_ms = acp_clock_now_ms() +
		(has_bytes ? ACP_REQUEST_WAIT_MS : ACP_CONNECTION_IDLE_MS);
	parked->next = acceptor->parked;
	if (parked->next)
		parked->next->previous = parked;
	acceptor->parked = parked;
	acceptor->parked_count++;
	if (!watch(acceptor->epoll_fd, fd, EPOLLIN | EPOLLRDHUP | EPOLLET,
		    (uint64_t)(uintptr_t)parked)) {
		unpark(acceptor, parked);
		refuse(acceptor, fd, "epoll failed");
	}
}

static void
set_timeouts(int fd)
{
	/* for the first look: libfcgi reads only what was seen to be there */
	const struct timeval look = {.tv_usec = FIRST_LOOK_MS * 1000};
	const struct timeval send = {.tv_sec = ACP_SOCKET_TIMEOUT_MS / 1000};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send));
}

/* A new connection: served at once when its head is there, else parked. */
static void
receive(struct acceptor *acceptor, int fd)
{
	/* or many silent peers together would take all of the thread's time */
	int flags = acceptor->parked_count < SILENT_FEW ? 0 : MSG_DONTWAIT;
	enum acp_gate_verdict verdict;
	bool has_bytes = false;

	set_timeouts(fd);
	verdict = look(fd, flags, &has_bytes);
	if (verdict == ACP_GATE_WHOLE)
		serve(acceptor, fd);
	else if (verdict == ACP_GATE_INCOMPLETE)
		park(acceptor, fd, has_bytes);
	else
		refuse(acceptor, fd, "no FastCGI request");
}

/* accept(2) failed in a way that passes: say so now and then, and wait. */
static void
pause_accepting(struct acp_acceptors *all)
{
	struct pollfd wake = {.fd = all->wake_fd, .events = POLLIN};
	const char *reason = strerror(errno);
	int64_t now_ms = acp_clock_now_ms();
	int64_t before_ms = all->complained_ms;

	if (now_ms - before_ms > 1000 &&
		atomic_compare_exchange_strong(
			&all->complained_ms, &before_ms, now_ms))
		acp_log_message(ACP_LOG_ERROR, "accept_failed",
			"accept: %s; trying again (is the limit of open "
			"files too low?)",
			reason);
	poll(&wake, 1, PAUSE_MS);
}

/* False when nobody is waiting to be accepted. */
static bool
accept_one(struct acceptor *acceptor)
{
	int fd = accept4(acceptor->all->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		receive(acceptor, fd);
		return true;
	}
	if (errno == EAGAIN)
		return false;
	if (errno == EINTR || errno == ECONNABORTED)
		return true;
	pause_accepting(acceptor->all);
	return false;
}

/* Closes parked connections whose time is up, at most once a tick. */
static void
age_parked(struct acceptor *acceptor)
{
	int64_t now_ms = acp_clock_now_ms();
	struct parked *parked, *next;
	int fd;

	if (now_ms - acceptor->aged_ms < TICK_MS)
		return;
	acceptor->aged_ms = now_ms;
	for (parked = acceptor->parked; parked; parked = next) {
		next = parked->next;
		if (now_ms < parked->deadline_ms)
			continue;
		fd = parked->fd;
		unpark(acceptor, parked);
		refuse(acceptor, fd, "the request did not come in time");
	}
}

/* Takes what waits in the backlog, then no more. */
static void
start_drain(struct acceptor *acceptor)
{
	int64_t limit_ms = acp_clock_now_ms() + ACP_REQUEST_WAIT_MS;
	struct parked *parked;

	if (acceptor->is_draining)
		return;
	acceptor->is_draining = true;
	while (accept_one(acceptor) && acp_clock_now_ms() < limit_ms)
		continue;
	epoll_ctl(acceptor->epoll_fd, EPOLL_CTL_DEL, acceptor->all->listen_fd,
		NULL);
	epoll_ctl(acceptor->epoll_fd, EPOLL_CTL_DEL, acceptor->all->wake_fd,
		NULL);
	for (parked = acceptor->parked; parked; parked = parked->next)
		if (!parked->has_bytes)
			parked->deadline_ms = 0;
	acceptor->aged_ms = 0;
}

static void
end_deserted(struct acceptor *acceptor, uint64_t ticket)
{
	struct acp_exchange *exchange = acp_held_steal_deserted(
		acceptor->all->held, ticket, acp_service_may_abandon);

	if (exchange)
		acp_service_end_deserted(exchange);
}

static void
dispatch(struct acceptor *acceptor, uint64_t data, uint32_t events)
{
	if (data & ACP_HELD_TICKET)
		end_deserted(acceptor, data);
	else if (data == EVENT_LISTENER)
		/* no more: accept in vain costs many times an epoll_wait */
		accept_one(acceptor);
	else if (data == EVENT_WAKE)
		start_drain(acceptor);
	else
		look_again(acceptor, (struct parked *)(uintptr_t)data, events);
}

static void *
run_acceptor(void *argument)
{
	struct acceptor *acceptor = argument;
	struct epoll_event event;
	int count;

	while (!acceptor->is_draining || acceptor->parked) {
		count = epoll_wait(acceptor->epoll_fd, &event, 1,
			acceptor->parked ? TICK_MS : -1);
		if (count == 1)
			dispatch(acceptor, event.data.u64, event.events);
		if (acceptor->parked)
			age_parked(acceptor);
	}
	return NULL;
}

static enum acp_error
start_one(struct acp_acceptors *all, struct acceptor *acceptor)
{
	acceptor->all = all;
	acceptor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (acceptor->epoll_fd < 0)
		return ACP_FAULT;
	if (watch(acceptor->epoll_fd, all->listen_fd, EPOLLIN | EPOLLEXCLUSIVE,
		    EVENT_LISTENER) &&
		watch(acceptor->epoll_fd, all->wake_fd, EPOLLIN, EVENT_WAKE) &&
		pthread_create(
			&acceptor->thread, NULL, run_acceptor, acceptor) == 0)
		return ACP_OK;
	close(acceptor->epoll_fd);
	return ACP_FAULT;
}

enum acp_error
acp_acceptors_new(int listen_fd, size_t count, struct acp_service *service,
	struct acp_metrics *metrics, struct acp_acceptors **acceptors)
{
	struct acp_acceptors *all = acp_memory_new(1, sizeof(*all));
	int flags = fcntl(listen_fd, F_GETFL);

	all->listen_fd = listen_fd;
	all->service = service;
	all->metrics = metrics;
	all->held = acp_held_new();
	all->complained_ms = INT32_MIN;
	all->acceptors = acp_memory_new(count, sizeof(*all->acceptors));
	all->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (all->wake_fd >= 0 && flags >= 0 &&
		fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) == 0)
		while (all->count < count &&
			!start_one(all, &all->acceptors[all->count]))
			all->count++;
	if (all->count > 0) {
		*acceptors = all;
		return ACP_OK;
	}
	acp_log_message(ACP_LOG_ERROR, "acceptors_failed",
		"no thread could be started to accept: %s", strerror(errno));
	acp_acceptors_free(&all);
	return ACP_FAULT;
}

void
acp_acceptors_stop(struct acp_acceptors *all)
{
	const uint64_t one = 1;

	/* an eventfd that is full is readable too: the result is no matter */
	if (write(all->wake_fd, &one, sizeof(one)) < 0)
		errno = 0;
	for (size_t i = 0; i < all->count; i++)
		pthread_join(all->acceptors[i].thread, NULL);
}

void
acp_acceptors_free(struct acp_acceptors **acceptors)
{
	struct acp_acceptors *all = *acceptors;

	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++)
		close(all->acceptors[i].epoll_fd);
	if (all->wake_fd >= 0)
		close(all->wake_fd);
	acp_held_free(&all->held);
	free(all->acceptors);
	free(all);
	*acceptors = NULL;
}
