/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole small files. Reading serves every program (keys, secrets, the cached
 * token); replacing serves the reconciler's key file and the token cache.
 * Must never wait for a FIFO, leave a temporary file behind, or show a new
 * file under wider permissions than its last ones.
 */
#include <config.h>

#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 4096, NAME_TRIES = 8 };

static enum acp_error
blame_open(const char *path, struct acp_buffer *why)
{
	int reason = errno;

	acp_buffer_printf(why, "%s: %s", path, strerror(reason));
	switch (reason) {
	case ENOENT:
	case ENOTDIR:
		return ACP_GONE;
	case EACCES:
	case EPERM:
		return ACP_DENIED;
	case ENXIO: /* a socket, or a device without one */
		return ACP_BAD_REQUEST;
	default:
		return ACP_FAULT;
	}
}

static enum acp_error
check_regular(int fd, const char *name, size_t max, struct acp_buffer *why)
{
	struct stat status;

	if (fstat(fd, &status)) {
		acp_buffer_printf(why, "%s: %s", name, strerror(errno));
		return ACP_FAULT;
	}
	if (!S_ISREG(status.st_mode)) {
		acp_buffer_printf(why, "%s: not a regular file", name);
		return ACP_BAD_REQUEST;
	}
	if (status.st_size > 0 && (uintmax_t)status.st_size > max) {
		acp_buffer_printf(why, "%s: larger than %zu bytes", name, max);
		return ACP_BAD_REQUEST;
	}
	return ACP_OK;
}

/* Reads to the end; the file may have grown since it was looked at. */
static enum acp_error
read_all(int fd, const char *name, size_t max, struct acp_secret *content,
	struct acp_buffer *why)
{
	char chunk[CHUNK];
	enum acp_error error = ACP_OK;
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			acp_buffer_printf(why, "%s: %s", name, strerror(errno));
			error = ACP_FAULT;
			break;
		}
		if ((size_t)got > max - content->size) {
			acp_buffer_printf(
				why, "%s: larger than %zu bytes", name, max);
			error = ACP_BAD_REQUEST;
			break;
		}
		acp_secret_append(content, chunk, (size_t)got);
	}
	acp_secret_wipe(chunk, sizeof(chunk));
	return error;
}

enum acp_error
acp_file_read_fd(int fd, const char *name, size_t max,
	struct acp_secret *content, struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret all;
	enum acp_error error;

	acp_secret_init(&all);
	error = check_regular(fd, name, max, why);
	if (!error)
		error = read_all(fd, name, max, &all, why);
	if (error)
		return error;
	acp_secret_clear(content);
	*content = all;
	acp_secret_init(&all);
	return ACP_OK;
}

enum acp_error
acp_file_open(const char *path, int *fd, struct acp_buffer *why)
{
	/* without O_NONBLOCK a FIFO in the file's place would hold us */
	int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (opened < 0)
		return blame_open(path, why);
	*fd = opened;
	return ACP_OK;
}

enum acp_error
acp_file_read(const char *path, size_t max, struct acp_secret *content,
	struct acp_buffer *why)
{
	ACP_AUTO(fd) int fd = -1;
	enum acp_error error = acp_file_open(path, &fd, why);

	if (error)
		return error;
	return acp_file_read_fd(fd, path, max, content, why);
}

/* Where a file is being made: an open folder and two names in it. */
struct place {
	int folder;
	const char *name; /* borrowed: the end of the path */
	char temporary[NAME_MAX + 1]; /* "" while there is none */
};

static enum acp_error
blame_replace(const char *path, const char *step, struct acp_buffer *why)
{
	int reason = errno;

	acp_buffer_printf(
		why, "%s: cannot %s: %s", path, step, strerror(reason));
	if (reason == EACCES || reason == EPERM || reason == EROFS)
		return ACP_DENIED;
	return ACP_FAULT;
}

/* Opens the folder that path lies in; false, with errno, when it cannot. */
static bool
open_place(struct place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	size_t size = slash ? (size_t)(slash - path) : 0;

	*place = (struct place){.folder = -1};
	place->name = slash ? slash + 1 : path;
	if (size >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", size ? (int)size : 1,
			path);
	place->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place->folder >= 0;
}

static void
close_place(struct place *place)
{
	if (place->folder < 0)
		return;
	if (place->temporary[0])
		unlinkat(place->folder, place->temporary, 0);
	close(place->folder);
}

ACP_AUTO_DEFINE(place, struct place, close_place)

/* Makes the temporary file under a name of its own; -1 with errno. */
static int
open_temporary(struct place *place, mode_t mode)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	char name[NAME_MAX + 1];
	uint64_t number;
	int size, fd = -1;

	for (int i = 0; i < NAME_TRIES && fd < 0; i++) {
		if (getrandom(&number, sizeof(number), 0) < 0)
			return -1;
		size = snprintf(name, sizeof(name), ".%s.%016llx", place->name,
			(unsigned long long)number);
		if (size < 0 || (size_t)size >= sizeof(name)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		/* the umask can only take away from mode, never add to it */
		fd = openat(place->folder, name, flags, mode);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	if (fd >= 0)
		memcpy(place->temporary, name, sizeof(name));
	return fd;
}

static bool
write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;
	ssize_t put;

	while (size > 0) {
		put = write(fd, next, size);
		if (put < 0 && errno != EINTR)
			return false;
		if (put > 0) {
			next += put;
			size -= (size_t)put;
		}
	}
	return true;
}

/* Some file systems cannot sync a folder and say so; that is no failure. */
static bool
sync_folder(int folder)
{
	return fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP;
}

/* The words of the step that failed, or NULL. */
static const char *
fill_place(struct place *place, mode_t mode, const void *bytes, size_t size)
{
	ACP_AUTO(fd) int fd = open_temporary(place, mode);

	if (fd < 0)
		return "create a temporary file beside it";
	if (!write_all(fd, bytes, size))
		return "write";
	if (fchmod(fd, mode))
		return "set the mode";
	if (fsync(fd))
		return "sync";
	return NULL;
}

/*
 * A device, and what a link leads to that is no file: /dev/null, /dev/stdout.
 * A pipe that lies in the place of a file is no loss.
 */
static bool
is_something_else(const struct place *place)
{
	struct stat status, itself;

	if (fstatat(place->folder, place->name, &status, 0) ||
		S_ISREG(status.st_mode) ||
		fstatat(place->folder, place->name, &itself,
			AT_SYMLINK_NOFOLLOW))
		return false;
	return !S_ISFIFO(itself.st_mode) && !S_ISSOCK(itself.st_mode);
}

enum acp_error
acp_file_replace(const char *path, mode_t mode, const void *bytes, size_t size,
	struct acp_buffer *why)
{
	ACP_AUTO(place) struct place place;
	const char *failed_step;

	if (!open_place(&place, path))
		return blame_replace(path, "open the folder", why);
	if (is_something_else(&place)) {
		acp_buffer_printf(why,
			"%s: not a regular file, so it is not replaced", path);
		return ACP_FAULT;
	}
	failed_step = fill_place(&place, mode, bytes, size);
	if (failed_step)
		return blame_replace(path, failed_step, why);
	if (renameat(place.folder, place.temporary, place.folder, place.name))
		return blame_replace(path, "rename into place", why);
	place.temporary[0] = '\0';
	if (!sync_folder(place.folder))
		return blame_replace(path, "sync the folder", why);
	return ACP_OK;
}
