/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of those who write the key file, and the sweep of what one of them
 * left when it was killed. Must never touch the key file itself.
 */
#include <config.h>

#include "reconciler/key_file_lock.h"

#include "lib/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCK_FILE_MODE = 0600, SUFFIX_SIZE = 16 };

/* Opens the folder that path is in; *name is the rest of path. */
static enum acp_error
open_folder(const char *path, int *folder, const char **name,
	struct acp_buffer *why)
{
	const char *slash = strrchr(path, '/');
	char text[PATH_MAX] = ".";
	int size = slash ? (int)(slash - path) : 1;

	*name = slash ? slash + 1 : path;
	if (slash)
		snprintf(text, sizeof(text), "%.*s", size ? size : 1, path);
	*folder = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*folder >= 0)
		return ACP_OK;
	acp_buffer_printf(why, "folder %s: %s", text, strerror(errno));
	if (errno != ENOENT && errno != ENOTDIR)
		return errno == EACCES ? ACP_DENIED : ACP_FAULT;
	acp_buffer_append(why,
		"; make it, for this user alone and the token service's "
		"group (mode 0750), or name another with key_file");
	return ACP_GONE;
}

/* Locks PATH.lock in folder, and waits while another process holds it. */
static enum acp_error
take_lock(int folder, const char *name, int *lock, struct acp_buffer *why)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	char lock_name[NAME_MAX + 1];

	if (snprintf(lock_name, sizeof(lock_name), "%s.lock", name) >=
		(int)sizeof(lock_name)) {
		acp_buffer_append(why, "the name of the key file is too long");
		return ACP_BAD_REQUEST;
	}
	*lock = openat(folder, lock_name, flags, LOCK_FILE_MODE);
	if (*lock >= 0 && flock(*lock, LOCK_EX) == 0)
		return ACP_OK;
	acp_buffer_printf(why,
		"cannot lock %s beside the key file: %s; this user must be "
		"able to write in its folder",
		lock_name, strerror(errno));
	return errno == EACCES || errno == EPERM || errno == EROFS ? ACP_DENIED
								   : ACP_FAULT;
}

/* True for ".NAME." and 16 hex digits: a temporary file of lib/file.c. */
static bool
is_temporary(const char *entry, const char *name)
{
	size_t size = strlen(name);

	return entry[0] == '.' && strncmp(entry + 1, name, size) == 0 &&
		entry[1 + size] == '.' &&
		strlen(entry + size + 2) == SUFFIX_SIZE &&
		strspn(entry + size + 2, "0123456789abcdef") == SUFFIX_SIZE;
}

/* Under the lock nobody else is writing, so what is there is left over. */
static void
sweep_temporaries(int folder, const char *name)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!entries)
		return;
	while ((entry = readdir(entries)))
		if (is_temporary(entry->d_name, name) &&
			unlinkat(folder, entry->d_name, 0) == 0)
			acp_log(ACP_LOG_WARN, "key_file_swept",
				ACP_F_TEXT("file", entry->d_name));
	closedir(entries);
}

void
acp_key_file_lock_init(struct acp_key_file_lock *lock)
{
	*lock = (struct acp_key_file_lock){.folder = -1, .lock = -1};
}

void
acp_key_file_lock_close(struct acp_key_file_lock *lock)
{
	if (lock->lock >= 0)
		close(lock->lock);
	if (lock->folder >= 0)
		close(lock->folder);
	acp_key_file_lock_init(lock);
}

enum acp_error
acp_key_file_lock_look(const char *path, struct acp_buffer *why)
{
	ACP_AUTO(fd) int folder = -1;
	const char *name;

	return open_folder(path, &folder, &name, why);
}

enum acp_error
acp_key_file_lock_open(const char *path, struct acp_key_file_lock *lock,
	struct acp_buffer *why)
{
	ACP_AUTO(key_file_lock) struct acp_key_file_lock opened;
	enum acp_error error;

	acp_key_file_lock_init(&opened);
	error = open_folder(path, &opened.folder, &opened.name, why);
	if (!error)
		error = take_lock(
			opened.folder, opened.name, &opened.lock, why);
	if (error)
		return error;
	sweep_temporaries(opened.folder, opened.name);
	*lock = opened;
	acp_key_file_lock_init(&opened);
	return ACP_OK;
}
