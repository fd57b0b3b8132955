/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the key bundle from one or several files, and sees when they change.
 * A Secret mounted as a volume (a symlink that is swapped) works. Never
 * writes: that is the reconciler's alone.
 */
#ifndef ACP_LIB_KEYFILE_H
#define ACP_LIB_KEYFILE_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/key.h"

#include <stdbool.h>
#include <sys/stat.h>

#define ACP_KEYFILE_COUNT_MAX 8

/* What stat said of each path when it was read; compared, never shown. */
struct acp_keyfile_stamp {
	struct {
		bool is_present;
		dev_t device;
		ino_t inode;
		off_t size;
		struct timespec modified;
		struct timespec changed; /* also by chmod and chown */
	} files[ACP_KEYFILE_COUNT_MAX];
};

/*
 * Reads count paths (1 to ACP_KEYFILE_COUNT_MAX) in order into an empty ring.
 * Only the first must exist. Stamp is written whatever the result, so that a
 * bad file is not read again before it changes; each file is opened once and
 * judged by what was opened. On failure why says which file and what to do:
 *   ACP_GONE         the first file is not there
 *   ACP_DENIED       others may read or write a file (mode & 0007), or it
 *                    cannot be opened
 *   ACP_BAD_REQUEST  not a regular file, over ACP_KEY_FILE_MAX, not keys
 *   ACP_FAULT        reading failed
 */
ACP_MUST_CHECK enum acp_error acp_keyfile_read(const char *const *paths,
	size_t count, struct acp_keyring *ring, struct acp_keyfile_stamp *stamp,
	struct acp_buffer *why);

/*
 * True when device, inode, size, mtime, ctime or presence of any path differ:
 * ctime, so that a file that was refused for its mode is read again once that
 * is mended.
 */
bool acp_keyfile_has_changed(const char *const *paths, size_t count,
	const struct acp_keyfile_stamp *stamp);

#endif
