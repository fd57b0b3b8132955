/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key bundle on disk, as its readers see it: the responder at start and
 * once a second, the reconciler before it writes. Must never write, wait for
 * a FIFO, or take a key from a file that others may touch.
 */
#include <config.h>

#include "lib/keyfile.h"

#include "lib/file.h"
#include "lib/limits.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void
set_stamp(struct acp_keyfile_stamp *stamp, size_t i, const struct stat *status)
{
	stamp->files[i].is_present = true;
	stamp->files[i].device = status->st_dev;
	stamp->files[i].inode = status->st_ino;
	stamp->files[i].size = status->st_size;
	stamp->files[i].modified = status->st_mtim;
	stamp->files[i].changed = status->st_ctim;
}

static void
take_stamp(
	const char *const *paths, size_t count, struct acp_keyfile_stamp *stamp)
{
	struct stat status;

	memset(stamp, 0, sizeof(*stamp));
	for (size_t i = 0; i < count; i++)
		if (stat(paths[i], &status) == 0)
			set_stamp(stamp, i, &status);
}

static bool
is_same_time(struct timespec left, struct timespec right)
{
	return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

bool
acp_keyfile_has_changed(const char *const *paths, size_t count,
	const struct acp_keyfile_stamp *stamp)
{
	struct acp_keyfile_stamp now;

	take_stamp(paths, count, &now);
	for (size_t i = 0; i < count; i++)
		if (now.files[i].is_present != stamp->files[i].is_present ||
			now.files[i].device != stamp->files[i].device ||
			now.files[i].inode != stamp->files[i].inode ||
			now.files[i].size != stamp->files[i].size ||
			!is_same_time(now.files[i].modified,
				stamp->files[i].modified) ||
			!is_same_time(
				now.files[i].changed, stamp->files[i].changed))
			return true;
	return false;
}

static enum acp_error
judge_status(
	const char *path, const struct stat *status, struct acp_buffer *why)
{
	if (!S_ISREG(status->st_mode)) {
		acp_buffer_printf(why, "%s: not a regular file", path);
		return ACP_BAD_REQUEST;
	}
	if (status->st_mode & S_IRWXO) {
		acp_buffer_printf(why,
			"%s: mode %04o lets others at the private keys: make "
			"it 0640 (in a Secret volume: defaultMode 0440 and an "
			"fsGroup)",
			path, (unsigned int)status->st_mode & 07777);
		return ACP_DENIED;
	}
	return ACP_OK;
}

/* Adds the keys of an open file, judged by what was opened. */
static enum acp_error
add_file(int fd, const char *path, struct acp_keyring *ring,
	struct stat *status, struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret pem;
	enum acp_error error;

	acp_secret_init(&pem);
	if (fstat(fd, status)) {
		acp_buffer_printf(why, "%s: %s", path, strerror(errno));
		return ACP_FAULT;
	}
	error = judge_status(path, status, why);
	if (!error)
		error = acp_file_read_fd(fd, path, ACP_KEY_FILE_MAX, &pem, why);
	if (!error)
		error = acp_keyring_add_pem(
			ring, acp_secret_peek(&pem), pem.size, path, why);
	return error;
}

/* Reads path i; the first must be there, a later one may be absent. */
static enum acp_error
read_path(const char *path, size_t i, struct acp_keyring *ring,
	struct acp_keyfile_stamp *stamp, struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer reason;
	ACP_AUTO(fd) int fd = -1;
	struct stat status = {0};
	enum acp_error error;

	acp_buffer_init(&reason, ACP_LOG_VALUE_MAX);
	error = acp_file_open(path, &fd, &reason);
	if (error == ACP_GONE && i > 0) {
		memset(&stamp->files[i], 0, sizeof(stamp->files[i]));
		return ACP_OK;
	}
	if (error) {
		acp_buffer_append(why, acp_buffer_peek(&reason));
		return error;
	}
	error = add_file(fd, path, ring, &status, why);
	set_stamp(stamp, i, &status);
	return error;
}

enum acp_error
acp_keyfile_read(const char *const *paths, size_t count,
	struct acp_keyring *ring, struct acp_keyfile_stamp *stamp,
	struct acp_buffer *why)
{
	enum acp_error error = ACP_OK;

	assert(count >= 1 && count <= ACP_KEYFILE_COUNT_MAX);
	assert(ring->count == 0);
	/* of all, for a fault in one must not have the rest read each second */
	take_stamp(paths, count, stamp);
	for (size_t i = 0; i < count && !error; i++)
		error = read_path(paths[i], i, ring, stamp, why);
	if (error)
		acp_keyring_clear(ring);
	return error;
}
