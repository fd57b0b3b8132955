/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks for tokens without a pause over connections that are kept, or at a
 * pace with a new connection each time; every client from an address of its
 * own. Each line of standard input is a target and a credential, taken in
 * turn. Judges every answer. The first line it prints is a JSON object. For
 * tests/bench/run; usage below.
 */
#include <config.h>

#include "lib/clock.h"
#include "lib/memory.h"
#include "tests/bench/ask.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	TICK_MS = 20,
	EVENTS = 64,
	TIMEOUT_MS = 60000,
	FIRST_ADDRESS = 0x7f400001, /* 127.64.0.1 */
	STATUS_MAX = 600,
};

static const char usage[] =
	"usage: load [options] ADDRESS:PORT < lines\n"
	"  -c N       clients at a time (1)\n"
	"  -n N       end after that many requests\n"
	"  -s N       end after that many seconds\n"
	"  -p MS      a new connection each time and a pause between; ends at "
	"SIGTERM\n"
	"  -e STATUS  the only good answer (200)\n"
	"  -t TOKEN   what every 200 must bring (any token)\n"
	"  -r         send the handle of each answer the next time; all of them "
	"are\n"
	"             printed at the end, a line each\n";

struct line {
	char *target;
	char *bearer;
};

enum state { IDLE, CONNECTING, READING };

struct client {
	enum state state;
	int fd;
	struct line *line;
	int64_t started_us;
	int64_t due_ms; /* IDLE: the next question; else: its time-out */
	struct acp_ask_answer answer;
};

struct load {
	struct acp_ask_server server;
	size_t client_count;
	size_t most_requests;
	int64_t seconds;
	int64_t pause_ms; /* 0: connections are kept */
	int good_status;
	const char *token;
	bool is_renewing;

	struct line *lines;
	size_t line_count;
	struct client *clients;
	int epoll_fd;
	int64_t begun_us, ended_us;
	size_t asked, busy;
	int64_t *took_us;
	size_t answered, room;
	size_t statuses[STATUS_MAX];
	size_t wrong, broken;
};

static volatile sig_atomic_t is_told_to_end;

static void
end_soon(int number)
{
	(void)number;
	is_told_to_end = 1;
}

static void
read_lines(struct load *load)
{
	char *text = NULL, *space;
	size_t room = 0, count = 0;
	ssize_t size;

	while ((size = getline(&text, &room, stdin)) > 1) {
		text[size - 1] = '\0';
		space = strchr(text, ' ');
		if (!space)
			continue;
		*space = '\0';
		load->lines = acp_memory_resize(
			load->lines, count + 1, sizeof(*load->lines));
		load->lines[count].target = acp_memory_dup_text(text);
		load->lines[count++].bearer = acp_memory_dup_text(space + 1);
	}
	load->line_count = count;
	free(text);
}

static bool
is_over(const struct load *load)
{
	int64_t age_us = acp_clock_now_us() - load->begun_us;

	return is_told_to_end ||
		(load->most_requests && load->asked >= load->most_requests) ||
		(load->seconds && age_us >= load->seconds * 1000000);
}

static void
close_client(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

static void
rest(struct load *load, struct client *client)
{
	client->state = IDLE;
	client->due_ms = acp_clock_now_ms() + load->pause_ms;
	load->busy--;
}

static void
fail(struct load *load, struct client *client)
{
	load->broken++;
	close_client(client);
	rest(load, client);
}

static void
send_question(struct load *load, struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	client->state = READING;
	acp_ask_reset(&client->answer);
	if (!acp_ask_send(client->fd, &load->server, client->line->target,
		    client->line->bearer, load->pause_ms > 0) ||
		epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, client->fd, &event))
		fail(load, client);
}

static void
connect_client(struct load *load, struct client *client)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};

	client->state = CONNECTING;
	client->fd = acp_ask_connect(
		&load->server, FIRST_ADDRESS, (size_t)(client - load->clients));
	if (client->fd < 0 ||
		epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event))
		fail(load, client);
}

/* The next line, by the kept connection or a new one. */
static void
start(struct load *load, struct client *client)
{
	client->line = &load->lines[load->asked++ % load->line_count];
	client->started_us = acp_clock_now_us();
	client->due_ms = acp_clock_now_ms() + TIMEOUT_MS;
	load->busy++;
	if (client->fd < 0)
		connect_client(load, client);
	else
		send_question(load, client);
}

static bool
is_good(const struct load *load, const struct acp_ask_answer *answer)
{
	const char *token;
	size_t size = 0;

	if (answer->status != load->good_status)
		return false;
	if (answer->status != 200)
		return true;
	token = acp_ask_peek_member(answer, "token", &size);
	if (!load->token)
		return token && size > 0;
	return token && size == strlen(load->token) &&
		memcmp(token, load->token, size) == 0;
}

static void
take_handle(struct client *client)
{
	const char *handle;
	size_t size;

	handle = acp_ask_peek_member(&client->answer, "renewal", &size);
	if (!handle)
		return;
	free(client->line->bearer);
	client->line->bearer = acp_memory_dup_bytes(handle, size);
}

static void
note_time(struct load *load, int64_t took_us)
{
	if (load->answered == load->room) {
		load->room = 2 * load->room + 1024;
		load->took_us = acp_memory_resize(
			load->took_us, load->room, sizeof(*load->took_us));
	}
	load->took_us[load->answered++] = took_us;
}

static void
end_answer(struct load *load, struct client *client)
{
	struct acp_ask_answer *answer = &client->answer;

	load->ended_us = acp_clock_now_us();
	note_time(load, load->ended_us - client->started_us);
	load->statuses[answer->status >= 0 && answer->status < STATUS_MAX
			? answer->status
			: 0]++;
	if (!is_good(load, answer))
		load->wrong++;
	else if (load->is_renewing)
		take_handle(client);
	if (answer->is_last || load->pause_ms > 0)
		close_client(client);
	rest(load, client);
	if (load->pause_ms == 0 && !is_over(load))
		start(load, client);
}

static void
read_answer(struct load *load, struct client *client)
{
	switch (acp_ask_read(client->fd, &client->answer)) {
	case ACP_ASK_READING:
		break;
	case ACP_ASK_WHOLE:
		end_answer(load, client);
		break;
	case ACP_ASK_CLOSED:
	case ACP_ASK_BROKEN:
		fail(load, client);
		break;
	}
}

static void
age_clients(struct load *load)
{
	int64_t now_ms = acp_clock_now_ms();
	bool has_ended = is_over(load);

	for (size_t i = 0; i < load->client_count; i++) {
		struct client *client = &load->clients[i];

		if (client->due_ms > now_ms)
			continue;
		if (client->state != IDLE)
			fail(load, client);
		else if (!has_ended)
			start(load, client);
	}
}

static void
run(struct load *load)
{
	struct epoll_event events[EVENTS];
	int64_t aged_ms = 0;
	int count;

	while (load->busy > 0 || !is_over(load)) {
		if (acp_clock_now_ms() - aged_ms >= TICK_MS) {
			aged_ms = acp_clock_now_ms();
			age_clients(load);
		}
		count = epoll_wait(load->epoll_fd, events, EVENTS, TICK_MS);
		for (int i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;

			if (client->state == CONNECTING)
				send_question(load, client);
			else if (client->state == READING)
				read_answer(load, client);
			else
				close_client(client);
		}
	}
}

static int
compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static double
get_ms(const struct load *load, double share)
{
	return (double)acp_ask_percentile(
		       load->took_us, load->answered, share) /
		1e3;
}

static void
print(struct load *load)
{
	const char *comma = "";

	qsort(load->took_us, load->answered, sizeof(*load->took_us), compare);
	printf("{\"answers\":%zu,\"wrong\":%zu,\"broken\":%zu,"
	       "\"seconds\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
	       "\"most_ms\":%.3f,\"statuses\":{",
		load->answered, load->wrong, load->broken,
		(double)(load->ended_us - load->begun_us) / 1e6,
		get_ms(load, 0.5), get_ms(load, 0.99), get_ms(load, 1));
	for (int i = 0; i < STATUS_MAX; i++) {
		if (load->statuses[i] == 0)
			continue;
		printf("%s\"%d\":%zu", comma, i, load->statuses[i]);
		comma = ",";
	}
	printf("}}\n");
	for (size_t i = 0; load->is_renewing && i < load->line_count; i++)
		printf("%s\n", load->lines[i].bearer);
}

static bool
has_options(struct load *load, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:n:s:p:e:t:r")) != -1) {
		if (option == 'c')
			load->client_count = strtoul(optarg, NULL, 10);
		else if (option == 'n')
			load->most_requests = strtoul(optarg, NULL, 10);
		else if (option == 's')
			load->seconds = strtol(optarg, NULL, 10);
		else if (option == 'p')
			load->pause_ms = strtol(optarg, NULL, 10);
		else if (option == 'e')
			load->good_status = (int)strtol(optarg, NULL, 10);
		else if (option == 't')
			load->token = optarg;
		else if (option == 'r')
			load->is_renewing = true;
		else
			return false;
	}
	return optind == argc - 1 && load->client_count > 0 &&
		acp_ask_has_server(argv[optind], &load->server);
}

static void
clear(struct load *load)
{
	for (size_t i = 0; i < load->line_count; i++) {
		free(load->lines[i].target);
		free(load->lines[i].bearer);
	}
	for (size_t i = 0; i < load->client_count; i++) {
		close_client(&load->clients[i]);
		acp_ask_clear(&load->clients[i].answer);
	}
	free(load->lines);
	free(load->clients);
	free(load->took_us);
}

int
main(int argc, char **argv)
{
	struct load load = {.client_count = 1,
		.good_status = 200,
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};

	if (!has_options(&load, argc, argv) || load.epoll_fd < 0) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGTERM, end_soon);
	acp_ask_raise_files();
	read_lines(&load);
	if (load.line_count == 0)
		return 2;
	load.clients = acp_memory_new(load.client_count, sizeof(*load.clients));
	for (size_t i = 0; i < load.client_count; i++)
		load.clients[i].fd = -1;
	load.begun_us = acp_clock_now_us();
	run(&load);
	print(&load);
	clear(&load);
	return 0;
}
