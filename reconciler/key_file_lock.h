/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who writes the key file holds this lock: PATH.lock beside it, which stays.
 * For --local and for the key Secret's copy alike.
 */
#ifndef ACP_RECONCILER_KEY_FILE_LOCK_H
#define ACP_RECONCILER_KEY_FILE_LOCK_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"

/* The mode of every key file that we write. */
#define ACP_KEY_FILE_MODE 0640

struct acp_key_file_lock {
	int folder; /* -1: none */
	int lock;
	const char *name; /* the end of path, borrowed */
};

void acp_key_file_lock_init(struct acp_key_file_lock *lock);
void acp_key_file_lock_close(struct acp_key_file_lock *lock);

/*
 * Looks at the folder of path alone: ACP_OK when it can be opened, else as
 * acp_key_file_lock_open.
 */
ACP_MUST_CHECK enum acp_error acp_key_file_lock_look(
	const char *path, struct acp_buffer *why);

/*
 * Waits for the lock and then removes what a killed process left beside the
 * file, which may be half a key. path outlives the lock. ACP_GONE no such
 * folder, ACP_DENIED no permission, ACP_BAD_REQUEST the name is too long,
 * ACP_FAULT; with what to do in why.
 */
ACP_MUST_CHECK enum acp_error acp_key_file_lock_open(const char *path,
	struct acp_key_file_lock *lock, struct acp_buffer *why);

ACP_AUTO_DEFINE(
	key_file_lock, struct acp_key_file_lock, acp_key_file_lock_close)

#endif
