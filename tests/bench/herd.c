/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A herd of stock clients: every line of standard input is one client's
 * target and ciphertext; all ask at once, each from an address of its own in
 * 127/8, as the reference's runner does: three attempts, 10 s each, 1 s before
 * the second and 2 s before the third, the same ciphertext each time, a new
 * connection each time. Prints one JSON object, and then for every client a
 * line with the answer that served it, empty when none did. For
 * tests/bench/run.
 *
 *     herd ADDRESS:PORT < lines
 */
#include <config.h>

#include "lib/clock.h"
#include "lib/memory.h"
#include "tests/bench/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	ATTEMPTS = 3,
	TIMEOUT_MS = 10000,
	TICK_MS = 20,
	EVENTS = 256,
	FIRST_ADDRESS = 0x7f010001, /* 127.1.0.1: one pod, one address */
};

static const int pause_ms[ATTEMPTS] = {0, 1000, 2000};

enum state { WAITING, CONNECTING, READING, SERVED, FAILED };

struct client {
	enum state state;
	int attempt;
	int fd;
	int64_t due_ms; /* WAITING: next attempt; else: its time-out */
	char *target;
	char *ciphertext;
	struct acp_ask_answer answer;
};

struct herd {
	struct acp_ask_server server;
	struct client *clients;
	size_t count;
	size_t open; /* neither SERVED nor FAILED */
	int epoll_fd;
	int64_t begun_us;
	int64_t *served_us; /* durations from the begin, in order of success */
	size_t served;
	size_t timeouts, refusals, breaks, retries;
};

static void
add_client(struct herd *herd, char *line)
{
	char *space = strchr(line, ' ');
	struct client *client;

	if (!space)
		return;
	*space = '\0';
	herd->clients = acp_memory_resize(
		herd->clients, herd->count + 1, sizeof(*herd->clients));
	client = &herd->clients[herd->count++];
	*client = (struct client){.fd = -1,
		.target = acp_memory_dup_text(line),
		.ciphertext = acp_memory_dup_text(space + 1)};
}

static void
read_clients(struct herd *herd)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	while ((size = getline(&line, &room, stdin)) > 1) {
		line[size - 1] = '\0';
		add_client(herd, line);
	}
	free(line);
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
	acp_ask_clear(&client->answer);
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
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};

	client->state = CONNECTING;
	client->due_ms = acp_clock_now_ms() + TIMEOUT_MS;
	client->fd = acp_ask_connect(
		&herd->server, FIRST_ADDRESS, (size_t)(client - herd->clients));
	if (client->fd < 0 ||
		epoll_ctl(herd->epoll_fd, EPOLL_CTL_ADD, client->fd, &event)) {
		herd->breaks++;
		fail_attempt(herd, client);
	}
}

static void
send_request(struct herd *herd, struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	client->state = READING;
	if (!acp_ask_send(client->fd, &herd->server, client->target,
		    client->ciphertext, true) ||
		epoll_ctl(herd->epoll_fd, EPOLL_CTL_MOD, client->fd, &event)) {
		herd->breaks++;
		fail_attempt(herd, client);
	}
}

static void
end_answer(struct herd *herd, struct client *client)
{
	if (client->answer.status != 200) {
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
	switch (acp_ask_read(client->fd, &client->answer)) {
	case ACP_ASK_READING:
		break;
	case ACP_ASK_WHOLE:
		end_answer(herd, client);
		break;
	case ACP_ASK_CLOSED:
	case ACP_ASK_BROKEN:
		herd->breaks++;
		fail_attempt(herd, client);
		break;
	}
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
get_s(const struct herd *herd, double share)
{
	return (double)acp_ask_percentile(
		       herd->served_us, herd->served, share) /
		1e6;
}

static void
print(const struct herd *herd)
{
	printf("{\"clients\":%zu,\"served\":%zu,\"retries\":%zu,"
	       "\"timeouts\":%zu,\"refusals\":%zu,\"breaks\":%zu,"
	       "\"p50_s\":%.3f,\"p99_s\":%.3f,\"last_s\":%.3f}\n",
		herd->count, herd->served, herd->retries, herd->timeouts,
		herd->refusals, herd->breaks, get_s(herd, 0.5),
		get_s(herd, 0.99), get_s(herd, 1));
	for (size_t i = 0; i < herd->count; i++) {
		const struct acp_ask_answer *answer = &herd->clients[i].answer;

		if (herd->clients[i].state == SERVED)
			printf("%.*s\n", (int)strcspn(answer->body, "\r\n"),
				answer->body);
		else
			printf("\n");
	}
}

static void
clear(struct herd *herd)
{
	for (size_t i = 0; i < herd->count; i++) {
		free(herd->clients[i].target);
		free(herd->clients[i].ciphertext);
		acp_ask_clear(&herd->clients[i].answer);
	}
	free(herd->clients);
	free(herd->served_us);
}

int
main(int argc, char **argv)
{
	struct herd herd = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};

	if (argc != 2 || herd.epoll_fd < 0 ||
		!acp_ask_has_server(argv[1], &herd.server)) {
		fprintf(stderr, "usage: herd ADDRESS:PORT < lines\n");
		return 2;
	}
	acp_ask_raise_files();
	read_clients(&herd);
	herd.open = herd.count;
	herd.served_us = acp_memory_new(herd.count, sizeof(*herd.served_us));
	herd.begun_us = acp_clock_now_us();
	run(&herd);
	print(&herd);
	clear(&herd);
	return 0;
}
