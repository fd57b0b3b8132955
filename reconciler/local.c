/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the key file, or leaves it alone. Must never replace a file that is
 * there, good or bad: every pod holds the public half of its key.
 */
#include <config.h>

#include "reconciler/local.h"

#include "lib/file.h"
#include "lib/keyfile.h"
#include "reconciler/key_file_lock.h"

#include <stdio.h>
#include <sys/stat.h>

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
	error = acp_file_replace(
		path, ACP_KEY_FILE_MODE, pem.bytes, pem.size, why);
	if (!error)
		set_result(result, key, true);
	return error;
}

enum acp_error
acp_local_look(const char *path, struct acp_local_result *result,
	struct acp_buffer *why)
{
	enum acp_error error;

	*result = (struct acp_local_result){0};
	error = look_at(path, result, why);
	if (error == ACP_GONE)
		error = acp_key_file_lock_look(path, why);
	return error;
}

enum acp_error
acp_local_ensure(const char *path, unsigned int bits,
	struct acp_local_result *result, struct acp_buffer *why)
{
	ACP_AUTO(key_file_lock) struct acp_key_file_lock lock;
	enum acp_error error;

	acp_key_file_lock_init(&lock);
	*result = (struct acp_local_result){0};
	/* a good file needs neither lock nor a folder that may be written */
	error = look_at(path, result, why);
	if (error != ACP_GONE)
		return error;
	error = acp_key_file_lock_open(path, &lock, why);
	if (error)
		return error;
	error = look_at(path, result, why);
	if (error != ACP_GONE)
		return error;
	return make_key(path, bits, result, why);
}
