/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof that binds a caller to its session: HMAC-SHA-256 over the session
 * id under the binding subkey of a key, in unpadded base64url. The reconciler
 * writes it into a pod's token URL, the responder checks it. A secret.
 */
#ifndef ACP_LIB_PROOF_H
#define ACP_LIB_PROOF_H

#include "lib/base64url.h"
#include "lib/hmac.h"
#include "lib/key.h"

#include <stddef.h>

/* 43 characters and NUL. */
#define ACP_PROOF_SIZE (ACP_BASE64URL_LENGTH(ACP_HMAC_SIZE) + 1)

/* Writes the proof of a session under a key, ACP_PROOF_SIZE bytes. */
void acp_proof_write(
	const struct acp_key *key, const char *session, char *proof);

/*
 * The key of the ring under which these size bytes are the session's proof,
 * or NULL; lives as the ring. Compares as text, in constant time, and always
 * with all keys: the time tells nothing about how near a wrong one comes.
 */
const struct acp_key *acp_proof_find_key(const struct acp_keyring *ring,
	const char *session, const char *proof, size_t size);

#endif
