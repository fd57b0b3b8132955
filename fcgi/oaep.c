/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EME-OAEP decoding for back ends without it. The one input that strangers
 * choose and that meets the private key: whoever learns from a time or an
 * answer at which check it failed can decrypt (Manger 2001). So every byte
 * is looked at in every call, and all checks meet in one mask at the end.
 */
#include <config.h>

#include "fcgi/oaep.h"

#include "lib/limits.h"
#include "lib/mask.h"
#include "lib/secret.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

enum { HASH = 32, COUNTER = 4 };

/* SHA-256 of the empty label. */
static const uint8_t label_hash[HASH] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc,
	0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
	0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
	0xb8, 0x55};

/* MGF1-SHA-256 of seed (RFC 8017 B.2.1), combined into target by XOR. */
static void
apply_mask(const uint8_t *seed, size_t seed_size, uint8_t *target, size_t size)
{
	uint8_t input[ACP_KEY_MODULUS_MAX + COUNTER] = {0};
	uint8_t hash[HASH];

	memcpy(input, seed, seed_size);
	for (size_t done = 0; done < size; done += HASH) {
		size_t counter = done / HASH;

		/* at most 31 blocks: the upper counter bytes stay zero */
		input[seed_size + 3] = (uint8_t)counter;
		if (gnutls_hash_fast(GNUTLS_DIG_SHA256, input,
			    seed_size + COUNTER, hash) < 0)
			abort();
		for (size_t i = 0; i < HASH && done + i < size; i++)
			target[done + i] ^= hash[i];
	}
	acp_secret_wipe(input, sizeof(input));
	acp_secret_wipe(hash, sizeof(hash));
}

/*
 * Looks through padding and separator: zeros, one 0x01, the message. Returns
 * a mask; *start is where the message starts when it is all ones.
 */
static uint32_t
find_message(const uint8_t *block, size_t size, uint32_t *start)
{
	uint32_t is_padding = ~0u, good = 0;

	*start = 0;
	for (uint32_t i = HASH; i < size; i++) {
		uint32_t is_separator =
			is_padding & acp_mask_is_equal(block[i], 1);

		*start = acp_mask_select(is_separator, i + 1, *start);
		good |= is_separator;
		is_padding &= acp_mask_is_zero(block[i]);
	}
	return good;
}

static uint32_t
is_label_hash(const uint8_t *bytes)
{
	uint32_t difference = 0;

	for (size_t i = 0; i < HASH; i++)
		difference |= (uint32_t)(bytes[i] ^ label_hash[i]);
	return acp_mask_is_zero(difference);
}

/*
 * Moves the bytes of text down by distance, which is secret: one pass for
 * each bit of it, each over all bytes.
 */
static void
shift_down(uint8_t *text, size_t size, uint32_t distance)
{
	for (size_t step = 1; step < size; step *= 2) {
		uint32_t mask = ~acp_mask_is_zero(distance & (uint32_t)step);

		for (size_t i = 0; i < size; i++) {
			uint8_t next = i + step < size ? text[i + step] : 0;

			text[i] = (uint8_t)acp_mask_select(mask, next, text[i]);
		}
	}
}

uint32_t
acp_oaep_decode(
	uint8_t *encoded, size_t size, uint8_t *plain, size_t *plain_size)
{
	uint8_t *seed = encoded + 1, *block = encoded + 1 + HASH;
	size_t block_size = size - 1 - HASH;
	const uint32_t first = HASH + 1;
	uint32_t good, start;

	assert(size >= 2 * HASH + 2 && size <= ACP_KEY_MODULUS_MAX);
	apply_mask(block, block_size, seed, HASH);
	apply_mask(seed, HASH, block, block_size);
	good = find_message(block, block_size, &start);
	good &= is_label_hash(block);
	good &= acp_mask_is_zero(encoded[0]);
	start = acp_mask_select(good, start, first);
	memcpy(plain, block + first, block_size - first);
	shift_down(plain, block_size - first, start - first);
	*plain_size = block_size - start;
	acp_secret_wipe(encoded, size);
	return good;
}
