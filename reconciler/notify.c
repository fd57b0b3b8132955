/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datagram to the supervisor, and a touched file. Nothing depends on
 * whether either arrives.
 */
#include <config.h>

#include "reconciler/notify.h"

#include "lib/auto.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { HEARTBEAT_MODE = 0644 };

void
acp_notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = path ? strlen(path) : 0;
	ACP_AUTO(fd) int fd = -1;

	if (size == 0 || size >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, size);
	/* an abstract name begins with NUL, and is written with @ */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			(const struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				size)) < 0)
		acp_log(ACP_LOG_DEBUG, "notify_failed",
			ACP_F_TEXT("error", strerror(errno)));
}

void
acp_notify_touch(const char *path)
{
	const int flags =
		O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	ACP_AUTO(fd) int fd = -1;

	if (!path)
		return;
	fd = open(path, flags, HEARTBEAT_MODE);
	if (fd < 0 || futimens(fd, NULL) != 0)
		acp_log(ACP_LOG_WARN, "heartbeat_failed",
			ACP_F_TEXT("file", path),
			ACP_F_TEXT("error", strerror(errno)));
}
