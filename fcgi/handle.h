/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal handles: what a client may send next time instead of a ciphertext,
 * so that a renewal costs no private key operation. "acp1." and base64url of
 * a sealed text that only holders of the key can make; nothing is kept of it
 * here. Times are of the wall clock, which replicas share.
 */
#ifndef ACP_FCGI_HANDLE_H
#define ACP_FCGI_HANDLE_H

#include "lib/base64url.h"
#include "lib/error.h"
#include "lib/key.h"
#include "lib/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* The longest handle and NUL. */
#define ACP_HANDLE_TEXT_SIZE \
	(sizeof("acp1.") + ACP_BASE64URL_LENGTH(ACP_HANDLE_SEALED_MAX))

struct acp_handle {
	char session[ACP_SESSION_ID_MAX + 1];
	int64_t issued_ms; /* the first of the chain: by a ciphertext */
	int64_t expires_ms;
	bool is_bound; /* was issued with a proof, and needs it again */
};

/* True when a Bearer word claims to be a handle; no ciphertext does. */
bool acp_handle_is_claimed(const char *word);

/* True when it could be one: size and spelling are right. */
bool acp_handle_is_well_formed(const char *word);

/*
 * Writes the handle under a key of the service, with fresh salt; text has
 * ACP_HANDLE_TEXT_SIZE bytes.
 */
void acp_handle_write(
	const struct acp_key *key, const struct acp_handle *handle, char *text);

/*
 * Opens a word with the keys of the ring in order. ACP_DENIED when it is no
 * handle of theirs, ACP_BAD_REQUEST when what it names is no session id. Else
 * *handle and *key, the one that opened it (lives as the ring), are written;
 * whether it is over is another question.
 */
ACP_MUST_CHECK enum acp_error acp_handle_read(const struct acp_keyring *ring,
	const char *word, struct acp_handle *handle,
	const struct acp_key **key);

/*
 * True once it has expired, or its first issue is max_age_ms ago, or so far
 * ahead that a wrong clock must have made it.
 */
bool acp_handle_is_over(
	const struct acp_handle *handle, int64_t now_ms, int64_t max_age_ms);

/*
 * Sets the expiry: ttl_ms from now, but not later than max_age_ms after the
 * first issue.
 */
void acp_handle_extend(struct acp_handle *handle, int64_t now_ms,
	int64_t ttl_ms, int64_t max_age_ms);

#endif
