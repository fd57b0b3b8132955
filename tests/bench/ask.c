/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a token request, for load generators: no more of HTTP
 * than nginx and other decent servers answer with. Never waits.
 */
#include <config.h>

#include "tests/bench/ask.h"

#include "lib/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	REQUEST_MAX = 8192,
	ANSWER_STEP = 4096,
	ANSWER_MAX = 1 << 20,
	LOOPBACK_NET = 127,
};

bool
acp_ask_has_server(const char *text, struct acp_ask_server *server)
{
	char address[INET_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;

	if (!colon || size >= sizeof(address))
		return false;
	memcpy(address, text, size);
	address[size] = '\0';
	server->name = text;
	server->address = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((in_port_t)strtoul(colon + 1, NULL, 10))};
	return inet_pton(AF_INET, address, &server->address.sin_addr) == 1;
}

static bool
is_loopback(const struct acp_ask_server *server)
{
	return ntohl(server->address.sin_addr.s_addr) >> 24 == LOOPBACK_NET;
}

int
acp_ask_connect(
	const struct acp_ask_server *server, uint32_t from, size_t index)
{
	struct sockaddr_in own = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(from + (uint32_t)index)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if ((is_loopback(server) &&
		    bind(fd, (struct sockaddr *)&own, sizeof(own))) ||
		(connect(fd, (const struct sockaddr *)&server->address,
			 sizeof(server->address)) &&
			errno != EINPROGRESS)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
acp_ask_send(int fd, const struct acp_ask_server *server, const char *target,
	const char *bearer, bool is_last)
{
	char request[REQUEST_MAX];
	int size;

	size = snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nAccept-Encoding: identity\r\n"
		"Host: %s\r\nUser-Agent: Python-urllib/3.11\r\n"
		"Authorization: Bearer %s\r\n%s\r\n",
		target, server->name, bearer,
		is_last ? "Connection: close\r\n" : "");
	return size < REQUEST_MAX &&
		send(fd, request, (size_t)size, MSG_NOSIGNAL) == size;
}

/* The value of a header field within the head, or NULL. */
static const char *
peek_field(const char *head, const char *end, const char *name)
{
	const char *found = strcasestr(head, name);

	return found && found < end ? found + strlen(name) : NULL;
}

/* Joins the chunks of a body in place; false until the last one is there. */
static bool
has_joined_chunks(struct acp_ask_answer *answer)
{
	char *from = answer->body, *to = answer->body, *data;
	const char *end = answer->bytes + answer->size;
	size_t size;

	if (answer->size < 5 || memcmp(end - 5, "0\r\n\r\n", 5) != 0)
		return false;
	while (from < end && (size = strtoul(from, &data, 16)) > 0) {
		data = strstr(data, "\r\n");
		if (!data || size + 4 > (size_t)(end - data))
			return false;
		memmove(to, data + 2, size);
		to += size;
		from = data + 2 + size + 2;
	}
	answer->body_size = (size_t)(to - answer->body);
	return true;
}

static enum acp_ask_state
judge(struct acp_ask_answer *answer, bool is_closed)
{
	char *end = strstr(answer->bytes, "\r\n\r\n");
	const char *field;

	if (!end || sscanf(answer->bytes, "HTTP/1.%*d %d", &answer->status) < 1)
		return is_closed ? ACP_ASK_BROKEN : ACP_ASK_READING;
	answer->body = end + 4;
	answer->body_size =
		answer->size - (size_t)(answer->body - answer->bytes);
	answer->is_last = is_closed ||
		peek_field(answer->bytes, end, "\r\nConnection: close");
	field = peek_field(answer->bytes, end, "\r\nContent-Length:");
	if (field && answer->body_size == strtoul(field, NULL, 10))
		return ACP_ASK_WHOLE;
	if (peek_field(answer->bytes, end, "\r\nTransfer-Encoding: chunked")) {
		if (has_joined_chunks(answer))
			return ACP_ASK_WHOLE;
	} else if (!field && is_closed) {
		return ACP_ASK_WHOLE;
	}
	return is_closed ? ACP_ASK_BROKEN : ACP_ASK_READING;
}

enum acp_ask_state
acp_ask_read(int fd, struct acp_ask_answer *answer)
{
	ssize_t size;

	if (answer->room - answer->size < ANSWER_STEP / 2) {
		if (answer->room > ANSWER_MAX)
			return ACP_ASK_BROKEN;
		answer->room += ANSWER_STEP;
		answer->bytes = acp_memory_resize(
			answer->bytes, answer->room, sizeof(*answer->bytes));
	}
	size = recv(fd, answer->bytes + answer->size,
		answer->room - answer->size - 1, 0);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return ACP_ASK_READING;
	if (size <= 0 && answer->size == 0)
		return ACP_ASK_CLOSED;
	answer->size += size > 0 ? (size_t)size : 0;
	answer->bytes[answer->size] = '\0';
	return judge(answer, size <= 0);
}

void
acp_ask_reset(struct acp_ask_answer *answer)
{
	answer->size = 0;
	answer->status = 0;
	answer->body = NULL;
	answer->body_size = 0;
}

void
acp_ask_clear(struct acp_ask_answer *answer)
{
	free(answer->bytes);
	*answer = (struct acp_ask_answer){0};
}

const char *
acp_ask_peek_member(
	const struct acp_ask_answer *answer, const char *name, size_t *size)
{
	size_t length = strlen(name);
	const char *value = answer->body;
	const char *end;

	while (value && (value = strstr(value, name))) {
		if (value[-1] == '"' && strncmp(value + length, "\":", 2) == 0)
			break;
		value += length;
	}
	if (!value)
		return NULL;
	value += length + 2;
	value += strspn(value, " ");
	end = *value == '"' ? strchr(value + 1, '"') : NULL;
	if (!end)
		return NULL;
	*size = (size_t)(end - value - 1);
	return value + 1;
}

void
acp_ask_raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int64_t
acp_ask_percentile(const int64_t *sorted, size_t count, double share)
{
	size_t index = (size_t)((double)count * share);

	if (count == 0)
		return 0;
	return sorted[index < count ? index : count - 1];
}
