/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys in use and the files they come from. One thread refreshes, any
 * thread takes the present set. A file that turns bad never replaces good
 * keys: it is logged, counted, and looked at again when it changes.
 */
#ifndef ACP_FCGI_KEYSTORE_H
#define ACP_FCGI_KEYSTORE_H

#include "fcgi/keyset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_keystore;

struct acp_keystore_status {
	size_t keys; /* 0: none loaded yet */
	int64_t loaded_wall_ms;
	uint64_t failures; /* refused reloads since start */
};

/* Copies the paths; reads nothing yet. */
struct acp_keystore *acp_keystore_new(const char *const *paths, size_t count);
void acp_keystore_free(struct acp_keystore **store);

/* At a reload of the configuration: other paths. Refreshing thread only. */
void acp_keystore_set_paths(
	struct acp_keystore *store, const char *const *paths, size_t count);

/*
 * Reads the files when they changed since the last look, or is_forced. True
 * when good files were read; the set in use is another one only when the keys
 * or their order are. Logs what it did. Refreshing thread only.
 */
bool acp_keystore_refresh(struct acp_keystore *store, bool is_forced);

/* The present set, NULL before the first; caller owns the reference. */
struct acp_keyset *acp_keystore_dup_current(struct acp_keystore *store);

void acp_keystore_get_status(
	struct acp_keystore *store, struct acp_keystore_status *status);

#endif
