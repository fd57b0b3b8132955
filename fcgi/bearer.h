/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the value of an Authorization header to the bytes of a ciphertext
 * (RFC 6750 §2.1, RFC 4648 §4). Pure: no state, no logging.
 */
#ifndef ACP_FCGI_BEARER_H
#define ACP_FCGI_BEARER_H

#include "lib/error.h"
#include "lib/key.h"
#include "lib/limits.h"

#include <stddef.h>
#include <stdint.h>

struct acp_ciphertext {
	uint8_t bytes[ACP_KEY_MODULUS_MAX];
	size_t size;
	/*
	 * The key that verified the caller's proof, "" without one: tried
	 * first, and such work is done first. Not a part of what is opened.
	 */
	char proof_key_id[ACP_KEY_ID_SIZE];
};

/*
 * Finds the word behind "Bearer " (this case, one space) in a header value;
 * NULL when value is NULL, of another scheme, empty, or holds anything behind
 * it that is no character of a b64token (RFC 6750). Lives as value.
 */
const char *acp_bearer_find(const char *value);

/*
 * Decodes standard base64 with exact padding and zero trailing bits, at most
 * ACP_KEY_MODULUS_MAX bytes, with no proof_key_id; ACP_DENIED for anything
 * else, also for nothing.
 */
ACP_MUST_CHECK enum acp_error acp_bearer_decode(
	const char *word, struct acp_ciphertext *ciphertext);

#endif
