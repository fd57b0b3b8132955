/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks a file by flock(2), for the passes of one host. Must never remove or
 * cut the file, which may be anybody's when the name is wrong.
 */
#include <config.h>

#include "reconciler/lock_file.h"

#include "lib/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { LOCK_FILE_MODE = 0600 };

static enum acp_error
blame_open(const char *path, int reason, struct acp_buffer *why)
{
	acp_buffer_printf(why, "lock file %s: %s", path, strerror(reason));
	switch (reason) {
	case ENOENT:
	case ENOTDIR:
		acp_buffer_append(why,
			"; make its folder, or name another with lock_file");
		return ACP_GONE;
	case EACCES:
	case EPERM:
	case EROFS:
		acp_buffer_append(
			why, "; this user must be able to write to it");
		return ACP_DENIED;
	case ELOOP:
	case EISDIR:
	case ENXIO:
		return ACP_BAD_REQUEST;
	default:
		return ACP_FAULT;
	}
}

static enum acp_error
lock(const char *path, int fd, struct acp_buffer *why)
{
	struct stat status;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		acp_buffer_printf(
			why, "lock file %s: not a regular file", path);
		return ACP_BAD_REQUEST;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return ACP_OK;
	if (errno != EWOULDBLOCK) {
		acp_buffer_printf(why, "lock file %s: cannot lock it: %s", path,
			strerror(errno));
		return ACP_FAULT;
	}
	acp_buffer_printf(why,
		"another pass on this host holds the lock file %s; it ends by "
		"itself",
		path);
	return ACP_RETRY_LATER;
}

enum acp_error
acp_lock_file_open(const char *path, int *fd, struct acp_buffer *why)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
		O_NONBLOCK;
	ACP_AUTO(fd) int opened = open(path, flags, LOCK_FILE_MODE);
	enum acp_error error;

	if (opened < 0)
		return blame_open(path, errno, why);
	error = lock(path, opened, why);
	if (error)
		return error;
	*fd = opened;
	opened = -1;
	return ACP_OK;
}
