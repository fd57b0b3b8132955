/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening socket: inherited from systemd (sd_listen_fds(3)), from
 * spawn-fcgi or a web server (descriptor 0), or our own. Unix sockets have
 * mode 0660; TCP is only ever served on loopback, for FastCGI peers are not
 * authenticated.
 */
#ifndef ACP_FCGI_LISTENER_H
#define ACP_FCGI_LISTENER_H

#include "lib/buffer.h"
#include "lib/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Room for a socket path in a sockaddr_un, with its NUL. */
#define ACP_LISTENER_PATH_SIZE 108

struct acp_listener {
	int fd;
	/* only of a unix socket that we made: removed at close */
	char path[ACP_LISTENER_PATH_SIZE];
	dev_t device;
	ino_t inode;
};

/* The inherited listening descriptor, or −1 when there is none. */
int acp_listener_find_inherited(void);

/*
 * Uses an inherited descriptor. ACP_DENIED, with the reason in why, when it
 * is a TCP socket that others than this host can reach.
 */
ACP_MUST_CHECK enum acp_error acp_listener_open_inherited(
	int fd, struct acp_listener *listener, struct acp_buffer *why);

/*
 * Makes a socket: an absolute path, or "127.0.0.1:PORT" or "[::1]:PORT".
 * group (may be NULL) owns the path. The path appears at once with its final
 * mode and owner; a dead socket there is replaced, anything else is not.
 * ACP_DENIED: in use, no permission; ACP_BAD_REQUEST: no such group or
 * address; ACP_FAULT. The reason is in why.
 */
ACP_MUST_CHECK enum acp_error acp_listener_open(const char *address,
	const char *group, struct acp_listener *listener,
	struct acp_buffer *why);

/* Closes; removes the path while it is still the socket made here. */
void acp_listener_close(struct acp_listener *listener);

#endif
