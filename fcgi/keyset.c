/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys in service. Made by the keeper at start and at each reload, held
 * by acceptors and workers for as long as one request takes, so that keys
 * are never freed under them.
 */
#include <config.h>

#include "fcgi/keyset.h"

#include "fcgi/unseal.h"
#include "lib/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct acp_keyset {
	atomic_size_t holders;
	struct acp_keyring ring;
	struct acp_unseal *unseals[ACP_KEY_COUNT_MAX];
};

enum acp_error
acp_keyset_new(struct acp_keyring *take_ring, struct acp_keyset **keyset)
{
	ACP_AUTO(keyset)
	struct acp_keyset *made = acp_memory_new(1, sizeof(*made));
	enum acp_error error = take_ring->count ? ACP_OK : ACP_BAD_REQUEST;

	atomic_init(&made->holders, 1);
	made->ring = *take_ring;
	acp_keyring_init(take_ring);
	for (size_t i = 0; i < made->ring.count && !error; i++)
		error = acp_unseal_new(made->ring.keys[i], &made->unseals[i]);
	if (error)
		return error;
	*keyset = made;
	made = NULL;
	return ACP_OK;
}

struct acp_keyset *
acp_keyset_dup(struct acp_keyset *keyset)
{
	atomic_fetch_add(&keyset->holders, 1);
	return keyset;
}

void
acp_keyset_free(struct acp_keyset **keyset)
{
	struct acp_keyset *old = *keyset;

	*keyset = NULL;
	if (!old || atomic_fetch_sub(&old->holders, 1) != 1)
		return;
	for (size_t i = 0; i < old->ring.count; i++)
		acp_unseal_free(&old->unseals[i]);
	acp_keyring_clear(&old->ring);
	free(old);
}

const struct acp_keyring *
acp_keyset_peek_ring(const struct acp_keyset *keyset)
{
	return &keyset->ring;
}

/* The key's place in the ring, or the number of keys when it is not there. */
static size_t
find_place(const struct acp_keyset *keyset, const char *id)
{
	size_t i = 0;

	while (i < keyset->ring.count &&
		strcmp(acp_key_peek_id(keyset->ring.keys[i]), id) != 0)
		i++;
	return i;
}

bool
acp_keyset_has_key(const struct acp_keyset *keyset, const char *id)
{
	return find_place(keyset, id) < keyset->ring.count;
}

const struct acp_key *
acp_keyset_peek_key(const struct acp_keyset *keyset, const char *id)
{
	size_t place = find_place(keyset, id);

	return place < keyset->ring.count ? keyset->ring.keys[place] : NULL;
}

/* What a stranger sends is no secret: plain comparison will do. */
static bool
may_key_open(const struct acp_key *key, const uint8_t *sealed, size_t size)
{
	return size == acp_key_get_size(key) &&
		memcmp(sealed, acp_key_peek_modulus(key), size) < 0;
}

bool
acp_keyset_may_open(
	const struct acp_keyset *keyset, const uint8_t *sealed, size_t size)
{
	for (size_t i = 0; i < keyset->ring.count; i++)
		if (may_key_open(keyset->ring.keys[i], sealed, size))
			return true;
	return false;
}

/* The turn-th place when that of first goes ahead of the others. */
static size_t
choose_place(size_t turn, size_t first)
{
	if (turn == 0)
		return first;
	return turn <= first ? turn - 1 : turn;
}

uint32_t
acp_keyset_open(const struct acp_keyset *keyset,
	const struct acp_ciphertext *ciphertext, uint8_t *plain,
	size_t *plain_size, const char **key_id)
{
	const struct acp_keyring *ring = &keyset->ring;
	size_t first = find_place(keyset, ciphertext->proof_key_id);
	uint32_t good = 0;

	if (first == ring->count)
		first = 0;

	memset(plain, 0, ACP_UNSEAL_PLAIN_MAX);
	*plain_size = 0;
	*key_id = "";
	/*
	 * Going on to the next key shows only that this one did not open it,
	 * which the answer shows anyway, and not why.
	 */
	for (size_t turn = 0; turn < ring->count && !good; turn++) {
		size_t i = choose_place(turn, first);

		if (!may_key_open(
			    ring->keys[i], ciphertext->bytes, ciphertext->size))
			continue;
		good = acp_unseal_open(keyset->unseals[i], ciphertext->bytes,
			ciphertext->size, plain, plain_size);
		*key_id = acp_key_peek_id(ring->keys[i]);
	}
	return good;
}
