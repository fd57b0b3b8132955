/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding proofs. Called by the reconciler for each pod's URL and by the
 * responder for each request that brings one. Must never log a proof.
 */
#include <config.h>

#include "lib/proof.h"

#include "lib/secret.h"

#include <string.h>

void
acp_proof_write(const struct acp_key *key, const char *session, char *proof)
{
	uint8_t mac[ACP_HMAC_SIZE];

	acp_hmac_compute(acp_key_peek_subkey(key, ACP_KEY_USE_BINDING),
		ACP_KEY_SUBKEY_SIZE, session, strlen(session), mac);
	acp_base64url_write(mac, sizeof(mac), proof);
	acp_secret_wipe(mac, sizeof(mac));
}

const struct acp_key *
acp_proof_find_key(const struct acp_keyring *ring, const char *session,
	const char *proof, size_t size)
{
	const struct acp_key *found = NULL;
	char expected[ACP_PROOF_SIZE];

	if (size != ACP_PROOF_SIZE - 1)
		return NULL;
	for (size_t i = 0; i < ring->count; i++) {
		acp_proof_write(ring->keys[i], session, expected);
		if (acp_secret_is_same(expected, proof, size) && !found)
			found = ring->keys[i];
	}
	acp_secret_wipe(expected, sizeof(expected));
	return found;
}
