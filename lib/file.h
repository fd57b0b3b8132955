/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole small files: read with a bound, replaced atomically.
 */
#ifndef ACP_LIB_FILE_H
#define ACP_LIB_FILE_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/secret.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a regular file (symlinks are followed) of at most max bytes. On
 * failure why names path and reason: ACP_GONE not there, ACP_DENIED no
 * permission, ACP_BAD_REQUEST too large or not a regular file, ACP_FAULT.
 */
ACP_MUST_CHECK enum acp_error acp_file_read(const char *path, size_t max,
	struct acp_secret *content, struct acp_buffer *why);

/*
 * Opens for reading, without ever waiting for a FIFO; *fd is the caller's.
 * On failure why names path and reason: ACP_GONE not there, ACP_DENIED no
 * permission, ACP_BAD_REQUEST nothing that can be read, ACP_FAULT.
 */
ACP_MUST_CHECK enum acp_error acp_file_open(
	const char *path, int *fd, struct acp_buffer *why);

/* As acp_file_read from an open descriptor, which stays open. */
ACP_MUST_CHECK enum acp_error acp_file_read_fd(int fd, const char *name,
	size_t max, struct acp_secret *content, struct acp_buffer *why);

/*
 * Replaces path by size bytes: temporary file in the same folder, created
 * with mode (never wider for a moment, whatever the umask), fsync, rename,
 * fsync of the folder. On failure the old file is untouched (but when only
 * the last step failed: then the new one is there, perhaps not durable), no
 * temporary is left, and why names path and reason: ACP_DENIED, or ACP_FAULT
 * (full disk, or a device or a folder in its place).
 */
ACP_MUST_CHECK enum acp_error acp_file_replace(const char *path, mode_t mode,
	const void *bytes, size_t size, struct acp_buffer *why);

#endif
