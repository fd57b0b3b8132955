/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A herd of stock clients: every line of standard input is one client's
 * ciphertext; all ask at once, each from an address of its own in 127/8, as
 * the reference's runner does: three attempts, 10 s each, 1 s before the
 * second and 2 s before the third, the same ciphertext each time, a new
 * connection each time. Prints one JSON object. For tests/bench/run.
 *
 *     herd PORT < ciphertexts
 */
#include <config.h>

#include "lib/clock.h"
#include "lib/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ATTEMPTS = 3,
	TIMEOUT_MS = 10000,
	TICK_MS = 20,
	REQUEST_MAX = 4096,
	ANSWER_MAX = 65536,
	EVENTS = 256,
};

static const int pause_ms[ATTEMPTS] = {0, 1000, 2000};

enum state { WAITING, CONNECTING, READING, SERVED, FAILED };

struct client {
	enum state state;
	int attempt;
	int fd;
	int64_t due_ms; /* WAITING: next attempt; else: its time-out */
	int64_t started_us;
	char *ciphertext;
	char head[16]; /* "HTTP/1.1 200 OK" */
	size_t received;
};

struct herd {
	struct client *clients;
	size_t count;
	size_t open; /* neither SERVED nor FAILED */
	int epoll_fd;
	in_port_t port;
	int64_t begun_us;
	int64_t *served_us; /* durations from the begin, in order of success */
	size_t served;
	size_t timeouts, refusals, retries;
};

static void
read_clients(struct herd *herd)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	while ((size = getline(&line, &room, stdin)) > 1) {
		struct client *client;

		herd->clients = acp_memory_resize(
			herd->clients, herd->count + 1, sizeof(*herd->clients));
		client = &herd->clients[herd->count++];
		memset(client, 0, sizeof(*client));
		client->fd = -1;
		client->ciphertext =
			acp_memory_dup_bytes(line, (size_t)size - 1);
	}
	free(line);
}

/* 127.1.0.1, 127.1.0.2 …: one pod, one address. */
static struct sockaddr_in
make_address(size_t index)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f010001 + (uint32_t)index)};
}

static void
close_client(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

static void
fail_attempt(struct herd *herd, struct client *client)
{
	close_client(client);
	client->attempt++;
	if (client->attempt == ATTEMPTS) {
		client->state = FAILED;
		herd->open--;
		return;
	}
	herd->retries++;
	client->state = WAITING;
	client->due_ms = acp_clock_now_ms() + pause_ms[client->attempt];
}

static void
start_attempt(struct herd *herd, struct client *client)
{
	struct sockaddr_in from =
		make_address((size_t)(client - herd->clients));
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = herd->port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};

	client->state = CONNECTING;
	client->received = 0;
	client->due_ms = acp_clock_now_ms() + TIMEOUT_MS;
	client->fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
		bind(client->fd, (struct sockaddr *)&from, sizeof(from)) ||
		(connect(client->fd, (struct sockaddr *)&to, sizeof(to)) &&
			errno != EINPROGRESS) ||
		epoll_ctl(herd->epoll_fd, EPOLL_CTL_ADD, client->fd, &event))
		fail_attempt(herd, client);
}

static void
send_request(struct herd *herd, struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
	char request[REQUEST_MAX];
	int size;

	size = snprintf(request, sizeof(request),
		"GET /token HTTP/1.1\r\nAccept-Encoding: identity\r\n"
		"Host: 127.0.0.1:%d\r\nUser-Agent: Python-urllib/3.11\r\n"
		"Authorization: Bearer %s\r\nConnection: close\r\n\r\n",
		ntohs(herd->port), client->ciphertext);
	client->state = READING;
	if (send(client->fd, request, (size_t)size, MSG_NOSIGNAL) != size ||
		epoll_ctl(herd->epoll_fd, EPOLL_CTL_MOD, client->fd, &event))
		fail_attempt(herd, client);
}

static void
end_answer(struct herd *herd, struct client *client)
{
	if (client->received < sizeof(client->head) ||
		memcmp(client->head + 8, " 200", 4) != 0) {
		herd->refusals++;
		fail_attempt(herd, client);
		return;
	}
	close_client(client);
	client->state = SERVED;
	herd->served_us[herd->served++] = acp_clock_now_us() - herd->begun_us;
	herd->open--;
}

static void
read_answer(struct herd *herd, struct client *client)
{
	char bytes[ANSWER_MAX];
	ssize_t size = recv(client->fd, bytes, sizeof(bytes), 0);

	if (size < 0 && errno == EAGAIN)
		return;
	if (size <= 0) {
		end_answer(herd, client);
		return;
	}
	for (ssize_t i = 0; i < size; i++)
		if (client->received < sizeof(client->head))
			client->head[client->received++] = bytes[i];
}

static void
age_clients(struct herd *herd)
{
	int64_t now_ms = acp_clock_now_ms();

	for (size_t i = 0; i < herd->count; i++) {
		struct client *client = &herd->clients[i];

		if (client->state >= SERVED || client->due_ms > now_ms)
			continue;
		if (client->state == WAITING) {
			start_attempt(herd, client);
		} else {
			herd->timeouts++;
			fail_attempt(herd, client);
		}
	}
}

static void
run(struct herd *herd)
{
	struct epoll_event events[EVENTS];
	int64_t aged_ms = 0;
	int count;

	while (herd->open > 0) {
		if (acp_clock_now_ms() - aged_ms >= TICK_MS) {
			aged_ms = acp_clock_now_ms();
			age_clients(herd);
		}
		count = epoll_wait(herd->epoll_fd, events, EVENTS, TICK_MS);
		for (int i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;

			if (client->state == CONNECTING)
				send_request(herd, client);
			else if (client->state == READING)
				read_answer(herd, client);
		}
	}
}

static double
percentile(const struct herd *herd, double share)
{
	size_t index = (size_t)((double)herd->served * share);

	if (herd->served == 0)
		return 0;
	if (index >= herd->served)
		index = herd->served - 1;
	return (double)herd->served_us[index] / 1e6;
}

int
main(int argc, char **argv)
{
	struct herd herd = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	struct rlimit files;

	if (argc != 2 || herd.epoll_fd < 0) {
		fprintf(stderr, "usage: herd PORT < ciphertexts\n");
		return 2;
	}
	herd.port = htons((in_port_t)strtol(argv[1], NULL, 10));
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	read_clients(&herd);
	herd.open = herd.count;
	herd.served_us = acp_memory_new(herd.count, sizeof(*herd.served_us));
	herd.begun_us = acp_clock_now_us();
	run(&herd);
	printf("{\"clients\":%zu,\"served\":%zu,\"retries\":%zu,"
	       "\"timeouts\":%zu,\"refusals\":%zu,\"p50_s\":%.3f,"
	       "\"p99_s\":%.3f,\"last_s\":%.3f}\n",
		herd.count, herd.served, herd.retries, herd.timeouts,
		herd.refusals, percentile(&herd, 0.5), percentile(&herd, 0.99),
		percentile(&herd, 1));
	return 0;
}
