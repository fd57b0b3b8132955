/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FastCGI by libfcgi, with the descriptor given to it (its own accept loop
 * ends for good at the first EMFILE), and plain CGI. Used by the acceptors,
 * the workers and the minter's callbacks; never looks at what a parameter
 * means.
 */
#include <config.h>

#include "fcgi/request.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/memory.h"

#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * What libfcgi allocates for a request beside its parameters: two streams
 * with buffers of 8192 and 512 bytes; and what malloc adds at most to each
 * piece.
 */
enum { STREAMS_MEMORY = 8192 + 512 + 512, PIECE_MEMORY = 32 };

struct acp_request {
	FCGX_Request fcgx; /* ipcFd −1 under CGI */
	bool is_cgi;
};

static void
ignore_signal(int number)
{
	(void)number;
}

void
acp_request_prepare(void)
{
	struct sigaction action = {.sa_handler = ignore_signal};

	/* libfcgi sets handlers of its own where it finds the default */
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	FCGX_Init();
}

struct acp_request *
acp_request_new_fastcgi(int take_fd)
{
	struct acp_request *request = acp_memory_new(1, sizeof(*request));

	FCGX_InitRequest(&request->fcgx, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	request->fcgx.ipcFd = take_fd;
	/* or it would close the descriptor before it reads from it */
	request->fcgx.keepConnection = 1;
	if (FCGX_Accept_r(&request->fcgx)) {
		free(request);
		return NULL;
	}
	/* no body is ever read: 8 KiB less while the request is held */
	FCGX_FreeStream(&request->fcgx.in);
	return request;
}

struct acp_request *
acp_request_new_cgi(void)
{
	struct acp_request *request = acp_memory_new(1, sizeof(*request));

	request->fcgx.ipcFd = -1;
	request->is_cgi = true;
	return request;
}

/* On a unix socket with no body to come nothing can be lost by a close. */
static bool
may_close_at_once(const struct acp_request *request)
{
	const char *length = acp_request_peek(request, "CONTENT_LENGTH");
	int domain = AF_UNSPEC;
	socklen_t size = sizeof(domain);

	if (length && *length && strcmp(length, "0") != 0)
		return false;
	return getsockopt(request->fcgx.ipcFd, SOL_SOCKET, SO_DOMAIN, &domain,
		       &size) == 0 &&
		domain == AF_UNIX;
}

/*
 * Reads away what the peer still sends, so that it does not turn into a reset
 * that overtakes the answer. libfcgi's close does this for as long as bytes
 * go on coming, and so lets a dripping peer keep the thread for ever.
 */
static void
linger(int fd)
{
	int64_t end_ms = acp_clock_now_ms() + ACP_LINGER_MS;
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	char rest[ACP_LINGER_READ];
	int64_t left_ms = ACP_LINGER_MS;

	shutdown(fd, SHUT_WR);
	while (left_ms > 0 && poll(&readable, 1, (int)left_ms) == 1 &&
		recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
		left_ms = end_ms - acp_clock_now_ms();
}

void
acp_request_free(struct acp_request **request)
{
	struct acp_request *old = *request;

	*request = NULL;
	if (!old)
		return;
	if (!old->is_cgi && old->fcgx.ipcFd >= 0) {
		if (!may_close_at_once(old))
			linger(old->fcgx.ipcFd);
		/* to libfcgi: close without a look at the peer */
		old->fcgx.detached = 1;
		FCGX_Free(&old->fcgx, 1);
	}
	free(old);
}

static const char *
find_only(char *const *params, const char *name)
{
	size_t size = strlen(name);
	const char *found = NULL;

	for (; *params; params++) {
		if (strncmp(*params, name, size) != 0 || (*params)[size] != '=')
			continue;
		if (found)
			return NULL;
		found = *params + size + 1;
	}
	return found;
}

const char *
acp_request_peek(const struct acp_request *request, const char *name)
{
	if (request->is_cgi)
		return getenv(name);
	return find_only(request->fcgx.envp, name);
}

size_t
acp_request_get_memory(const struct acp_request *request)
{
	size_t memory = sizeof(*request) + PIECE_MEMORY + STREAMS_MEMORY;

	if (request->is_cgi)
		return memory;
	/* its piece, and its pointer in an array that grows by doubling */
	for (char *const *param = request->fcgx.envp; *param; param++)
		memory +=
			strlen(*param) + 1 + PIECE_MEMORY + 2 * sizeof(*param);
	return memory;
}

int
acp_request_get_fd(const struct acp_request *request)
{
	return request->fcgx.ipcFd;
}

static bool
write_all(const char *bytes, size_t size)
{
	ssize_t written;

	while (size > 0) {
		written = write(STDOUT_FILENO, bytes, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		size -= (size_t)written;
	}
	return true;
}

bool
acp_request_send(struct acp_request *request, const char *head,
	size_t head_size, const char *body, size_t body_size)
{
	FCGX_Stream *out = request->fcgx.out;

	if (request->is_cgi)
		return write_all(head, head_size) && write_all(body, body_size);
	if (FCGX_PutStr(head, (int)head_size, out) < 0 ||
		FCGX_PutStr(body, (int)body_size, out) < 0)
		return false;
	/* the last record goes out here; the descriptor stays open */
	FCGX_FClose(request->fcgx.err);
	return FCGX_FClose(out) == 0;
}
