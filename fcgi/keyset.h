/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that the responder serves with: a bundle, and for each key what
 * opens ciphertexts. Shared by reference count and never changed; a reload
 * makes a new one.
 */
#ifndef ACP_FCGI_KEYSET_H
#define ACP_FCGI_KEYSET_H

#include "fcgi/bearer.h"
#include "lib/auto.h"
#include "lib/error.h"
#include "lib/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_keyset;

/* Takes the keys out of the ring, which is empty afterwards. */
ACP_MUST_CHECK enum acp_error acp_keyset_new(
	struct acp_keyring *take_ring, struct acp_keyset **keyset);
struct acp_keyset *acp_keyset_dup(struct acp_keyset *keyset);
void acp_keyset_free(struct acp_keyset **keyset);

/* The bundle; lives as the keyset. */
const struct acp_keyring *acp_keyset_peek_ring(const struct acp_keyset *keyset);

/* True when a key of that id is in the set. */
bool acp_keyset_has_key(const struct acp_keyset *keyset, const char *id);

/* That key, or NULL; lives as the keyset. */
const struct acp_key *acp_keyset_peek_key(
	const struct acp_keyset *keyset, const char *id);

/*
 * True when a ciphertext of that size and value could be opened by a key:
 * its size is a key's, its value below that key's modulus.
 */
bool acp_keyset_may_open(
	const struct acp_keyset *keyset, const uint8_t *sealed, size_t size);

/*
 * Tries the keys that acp_keyset_may_open speaks of: that of proof_key_id
 * first, the others in order. Returns all ones when one opened it, else 0;
 * plain and plain_size as acp_unseal_open has them; *key_id names the key
 * that opened it (a string that lives as the keyset), else the last one
 * tried.
 */
uint32_t acp_keyset_open(const struct acp_keyset *keyset,
	const struct acp_ciphertext *ciphertext, uint8_t *plain,
	size_t *plain_size, const char **key_id);

ACP_AUTO_DEFINE(keyset, struct acp_keyset *, acp_keyset_free)

#endif
