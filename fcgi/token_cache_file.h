/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the token cache: its folder, the record and the lock. Owner
 * and modes are checked, no symlink is followed.
 */
#ifndef ACP_FCGI_TOKEN_CACHE_FILE_H
#define ACP_FCGI_TOKEN_CACHE_FILE_H

#include "fcgi/mint_schedule.h"
#include "lib/auto.h"
#include "lib/error.h"
#include "lib/token.h"

#include <stdbool.h>
#include <stdint.h>

/* What one process leaves to the next. */
struct acp_cache_record {
	struct acp_token *token; /* NULL: none */
	struct acp_mint_schedule schedule;
};

void acp_cache_record_clear(struct acp_cache_record *record);

/*
 * Opens the folder into *fd, making it (mode 0700) when it is missing.
 * ACP_FAULT, logged, when that fails, or it is another user's, or others may
 * enter it.
 */
ACP_MUST_CHECK enum acp_error acp_cache_folder_open(const char *path, int *fd);

/*
 * Reads the record that was written under the same binding; an empty one,
 * due at once, when there is none. A file that is not ours, or is damaged,
 * counts as none and is logged. Replaces what record held.
 */
void acp_cache_record_read(
	int folder, const char *binding, struct acp_cache_record *record);

/* Replaces the record; a failure is logged and changes nothing else. */
void acp_cache_record_write(const char *path, const char *binding,
	const struct acp_cache_record *record);

/*
 * Locks out other processes until the descriptor is closed, waiting until
 * deadline_ms (acp_clock_now_ms) if that is in the future. ACP_RETRY_LATER
 * when another process holds the lock all that time; ACP_FAULT, logged.
 */
ACP_MUST_CHECK enum acp_error acp_cache_lock_open(
	int folder, int64_t deadline_ms, int *fd);

ACP_AUTO_DEFINE(cache_record, struct acp_cache_record, acp_cache_record_clear)

#endif
