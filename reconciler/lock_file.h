/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock file that keeps two passes on one host apart. The file itself
 * stays: removing it would let two processes lock two files of one name.
 */
#ifndef ACP_RECONCILER_LOCK_FILE_H
#define ACP_RECONCILER_LOCK_FILE_H

#include "lib/buffer.h"
#include "lib/error.h"

/*
 * Locks path, which is made (mode 0600) where it is missing, without waiting.
 * *fd holds the lock until it is closed (or the process ends), and is the
 * caller's. On failure why says what to do: ACP_RETRY_LATER another process
 * has it (exit 75), ACP_GONE no such folder, ACP_DENIED no permission,
 * ACP_BAD_REQUEST it is no regular file, ACP_FAULT.
 */
ACP_MUST_CHECK enum acp_error acp_lock_file_open(
	const char *path, int *fd, struct acp_buffer *why);

#endif
