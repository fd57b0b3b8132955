/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the key file, or leaves it alone. Must never replace a file that is
 * there, good or bad: every pod holds the public half of its key.
 */
#include <config.h>

#include "reconciler/local.h"

#include "lib/file.h"
#include "lib/keyfile.h"
#include "lib/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FILE_MODE = 0640, LOCK_FILE_MODE = 0600, SUFFIX_SIZE = 16 };

static void
set_result(struct acp_local_result *result, const struct acp_key *key,
	bool is_created)
{
	snprintf(result->key_id, sizeof(result->key_id), "%s",
		acp_key_peek_id(key));
	result->is_created = is_created;
}

/* ACP_GONE only when nothing at all, not even a dangling link, is there. */
static enum acp_error
look_at(const char *path, struct acp_local_result *result,
	struct acp_buffer *why)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer said;
	struct acp_keyfile_stamp stamp;
	struct stat status;
	enum acp_error error;

	acp_keyring_init(&ring);
	acp_buffer_init(&said, why->limit);
	error = acp_keyfile_read(&path, 1, &ring, &stamp, &said);
	if (!error) {
		set_result(result, ring.keys[0], false);
		return ACP_OK;
	}
	if (error == ACP_GONE && lstat(path, &status) != 0)
		return ACP_GONE;
	acp_buffer_printf(why,
		"%s; the file was left alone: mend it, or move it away to "
		"have a new key made (running sessions then lose their "
		"access)",
		acp_buffer_peek(&said));
	return error == ACP_GONE ? ACP_BAD_REQUEST : error;
}

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

/*
 * Removes what a process that was killed left behind, which may be half a
 * key; under the lock nobody else is writing.
 */
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

static enum acp_error
make_key(const char *path, unsigned int bits, struct acp_local_result *result,
	struct acp_buffer *why)
{
	ACP_AUTO(key) struct acp_key *key = NULL;
	ACP_AUTO(secret) struct acp_secret pem;
	enum acp_error error;

	acp_secret_init(&pem);
	error = acp_key_new(bits, &key);
	if (error) {
		acp_buffer_printf(
			why, "cannot make an RSA key of %u bits", bits);
		return error;
	}
	acp_key_write_private(key, &pem);
	error = acp_file_replace(path, KEY_FILE_MODE, pem.bytes, pem.size, why);
	if (!error)
		set_result(result, key, true);
	return error;
}

enum acp_error
acp_local_look(const char *path, struct acp_local_result *result,
	struct acp_buffer *why)
{
	ACP_AUTO(fd) int folder = -1;
	const char *name;
	enum acp_error error;

	*result = (struct acp_local_result){0};
	error = look_at(path, result, why);
	if (error == ACP_GONE)
		error = open_folder(path, &folder, &name, why);
	return error;
}

enum acp_error
acp_local_ensure(const char *path, unsigned int bits,
	struct acp_local_result *result, struct acp_buffer *why)
{
	ACP_AUTO(fd) int folder = -1;
	ACP_AUTO(fd) int lock = -1;
	const char *name;
	enum acp_error error;

	*result = (struct acp_local_result){0};
	/* a good file needs neither lock nor a folder that may be written */
	error = look_at(path, result, why);
	if (error != ACP_GONE)
		return error;
	error = open_folder(path, &folder, &name, why);
	if (!error)
		error = take_lock(folder, name, &lock, why);
	if (error)
		return error;
	error = look_at(path, result, why);
	if (error != ACP_GONE)
		return error;
	sweep_temporaries(folder, name);
	return make_key(path, bits, result, why);
}
