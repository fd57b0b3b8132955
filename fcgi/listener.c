/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes or checks the socket that web servers connect to. Called by main
 * before there are threads (the umask is the process's), and at the end.
 */
#include <config.h>

#include "fcgi/listener.h"

#include "lib/auto.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { FIRST_PASSED_FD = 3 };

static bool
is_listening(int fd)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 &&
		value;
}

int
acp_listener_find_inherited(void)
{
	const char *count = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");

	if (count && pid && strcmp(count, "0") != 0 &&
		strtol(pid, NULL, 10) == (long)getpid() &&
		is_listening(FIRST_PASSED_FD))
		return FIRST_PASSED_FD;
	return is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
}

static bool
is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address->ss_family == AF_INET6 &&
		IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

enum acp_error
acp_listener_open_inherited(
	int fd, struct acp_listener *listener, struct acp_buffer *why)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	*listener = (struct acp_listener){.fd = fd};
	if (getsockname(fd, (struct sockaddr *)&address, &size)) {
		acp_buffer_printf(
			why, "inherited socket %d: %s", fd, strerror(errno));
		return ACP_FAULT;
	}
	if (address.ss_family == AF_UNIX || is_loopback(&address))
		return ACP_OK;
	acp_buffer_append(why,
		"the inherited socket listens beyond this host; FastCGI peers "
		"are not authenticated: use a unix socket or a loopback "
		"address");
	return ACP_DENIED;
}

/* "127.0.0.1:9000" or "[::1]:9000" into an address; false when malformed. */
static bool
parse_loopback(
	const char *text, struct sockaddr_storage *address, socklen_t *size)
{
	ACP_AUTO(free) char *host = acp_memory_dup_text(text);
	char *colon = strrchr(host, ':');
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	char *name = host;

	if (!colon)
		return false;
	*colon = '\0';
	if (name[0] == '[' && colon > host + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		name++;
	}
	if (getaddrinfo(name, colon + 1, &hints, &found))
		return false;
	memcpy(address, found->ai_addr, found->ai_addrlen);
	*size = found->ai_addrlen;
	freeaddrinfo(found);
	return is_loopback(address);
}

static enum acp_error
fail(struct acp_buffer *why, const char *what, const char *name)
{
	int code = errno;

	acp_buffer_printf(why, "%s %s: %s", what, name, strerror(code));
	return code == EACCES || code == EPERM || code == EADDRINUSE
		? ACP_DENIED
		: ACP_FAULT;
}

static enum acp_error
open_tcp(
	const char *text, struct acp_listener *listener, struct acp_buffer *why)
{
	struct sockaddr_storage address = {0};
	const int on = 1;
	socklen_t size;

	if (!parse_loopback(text, &address, &size)) {
		acp_buffer_printf(why,
			"socket %s: neither an absolute path nor a loopback "
			"address and port such as 127.0.0.1:9000",
			text);
		return ACP_BAD_REQUEST;
	}
	listener->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return fail(why, "socket", text);
	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener->fd, (struct sockaddr *)&address, size) ||
		listen(listener->fd, ACP_SOCKET_BACKLOG))
		return fail(why, "listen on", text);
	return ACP_OK;
}

/* True when the path is free to take: nothing there, or a dead socket. */
static enum acp_error
check_path(const struct sockaddr_un *address, struct acp_buffer *why)
{
	const char *path = address->sun_path;
	ACP_AUTO(fd) int fd = -1;
	struct stat status;

	if (lstat(path, &status))
		return errno == ENOENT ? ACP_OK : fail(why, "socket", path);
	if (!S_ISSOCK(status.st_mode)) {
		acp_buffer_printf(why,
			"%s is there and is not a socket: remove it or choose "
			"another path",
			path);
		return ACP_DENIED;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(why, "socket", path);
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
		errno == ECONNREFUSED)
		return ACP_OK;
	acp_buffer_printf(
		why, "%s is in use: another responder listens on it", path);
	return ACP_DENIED;
}

static enum acp_error
find_group(const char *name, gid_t *gid, struct acp_buffer *why)
{
	const struct group *group;

	*gid = (gid_t)-1;
	if (!name)
		return ACP_OK;
	group = getgrnam(name);
	if (!group) {
		acp_buffer_printf(
			why, "socket_group %s: there is no such group", name);
		return ACP_BAD_REQUEST;
	}
	*gid = group->gr_gid;
	return ACP_OK;
}

/* Binds and listens on address with mode 0660 from the first moment. */
static enum acp_error
bind_unix(struct acp_listener *listener, const struct sockaddr_un *address,
	gid_t gid, struct acp_buffer *why)
{
	mode_t umask_before;
	int failed;

	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return fail(why, "socket", address->sun_path);
	umask_before = umask(0117);
	failed = bind(listener->fd, (const struct sockaddr *)address,
		sizeof(*address));
	umask(umask_before);
	if (failed)
		return fail(why, "bind", address->sun_path);
	if (gid != (gid_t)-1 && lchown(address->sun_path, (uid_t)-1, gid))
		return fail(
			why, "give to its socket_group:", address->sun_path);
	if (listen(listener->fd, ACP_SOCKET_BACKLOG))
		return fail(why, "listen on", address->sun_path);
	return ACP_OK;
}

/*
 * A name of our own beside path, cut to fit; false when path is too long for
 * a socket, or its folder so long that no such name fits.
 */
static bool
name_aside(const char *path, struct sockaddr_un *aside)
{
	const size_t most = sizeof(aside->sun_path) - 1;
	size_t folder = (size_t)(strrchr(path, '/') + 1 - path);
	size_t size = strlen(path);
	char end[24];
	size_t kept;

	snprintf(end, sizeof(end), ".%ld", (long)getpid());
	kept = size < most - strlen(end) ? size : most - strlen(end);
	if (size > most || kept < folder)
		return false;
	snprintf(aside->sun_path, sizeof(aside->sun_path), "%.*s%s", (int)kept,
		path, end);
	return true;
}

/* Binds beside the path and renames, so that it is never half made. */
static enum acp_error
open_unix(const char *path, gid_t gid, struct acp_listener *listener,
	struct acp_buffer *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sockaddr_un aside = {.sun_family = AF_UNIX};
	struct stat status;
	enum acp_error error;

	if (!name_aside(path, &aside)) {
		acp_buffer_printf(why, "socket %s: the path is too long", path);
		return ACP_BAD_REQUEST;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	error = check_path(&address, why);
	if (error)
		return error;
	unlink(aside.sun_path);
	error = bind_unix(listener, &aside, gid, why);
	if (!error && rename(aside.sun_path, path))
		error = fail(why, "rename to", path);
	if (error) {
		unlink(aside.sun_path);
		return error;
	}
	memcpy(listener->path, address.sun_path, sizeof(listener->path));
	if (lstat(path, &status) == 0) {
		listener->device = status.st_dev;
		listener->inode = status.st_ino;
	}
	return ACP_OK;
}

static void
warn_backlog(void)
{
	ACP_AUTO(file) FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
	int most = 0;

	if (file && fscanf(file, "%d", &most) == 1 && most < ACP_SOCKET_BACKLOG)
		acp_log_message(ACP_LOG_WARN, "small_backlog",
			"net.core.somaxconn is %d; raise it to %d, or many "
			"runners that start at once get 502",
			most, ACP_SOCKET_BACKLOG);
}

enum acp_error
acp_listener_open(const char *address, const char *group,
	struct acp_listener *listener, struct acp_buffer *why)
{
	enum acp_error error;
	gid_t gid;

	*listener = (struct acp_listener){.fd = -1};
	error = find_group(group, &gid, why);
	if (!error && address[0] == '/')
		error = open_unix(address, gid, listener, why);
	else if (!error)
		error = open_tcp(address, listener, why);
	if (error)
		acp_listener_close(listener);
	else
		warn_backlog();
	return error;
}

void
acp_listener_close(struct acp_listener *listener)
{
	struct stat status;

	if (listener->path[0] && lstat(listener->path, &status) == 0 &&
		status.st_dev == listener->device &&
		status.st_ino == listener->inode)
		unlink(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	*listener = (struct acp_listener){.fd = -1};
}
