/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds encoded messages (RFC 8017 §7.1.1 step 2), linked into the tests of
 * OAEP. Never calls the code that those tests look at.
 */
#include <config.h>

/* the mask function alone is only to be had under its old name */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tests/unit/encoded.h"

#include "lib/limits.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 20240229 };

uint64_t
encoded_seed(void)
{
	const char *text = getenv("ACP_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : SEED;

	printf("# ACP_TEST_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

/* splitmix64: any state is a good one. */
uint64_t
encoded_random(uint64_t *state)
{
	uint64_t value = (*state += 0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

size_t
encoded_random_below(uint64_t *state, size_t limit)
{
	return (size_t)(encoded_random(state) % limit);
}

void
encoded_fill(uint64_t *state, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)encoded_random(state);
}

bool
encoded_is_valid(enum encoded_fault fault)
{
	return fault == ENCODED_GOOD || fault == ENCODED_SEPARATOR_FIRST ||
		fault == ENCODED_SEPARATOR_LAST;
}

static void
apply_mask(const uint8_t *seed, size_t seed_size, uint8_t *target, size_t size,
	const EVP_MD *hash)
{
	uint8_t mask[ACP_KEY_MODULUS_MAX];

	if (PKCS1_MGF1(mask, (long)size, seed, (long)seed_size, hash))
		abort();
	for (size_t i = 0; i < size; i++)
		target[i] ^= mask[i];
}

/* Length of the message in a block with room for that many bytes. */
static size_t
choose_length(uint64_t *state, enum encoded_fault fault, size_t room)
{
	switch (fault) {
	case ENCODED_SEPARATOR_FIRST:
		return room;
	case ENCODED_SEPARATOR_LAST:
	case ENCODED_NO_SEPARATOR:
		return 0;
	default:
		/* at least one byte of padding, for the fault in it */
		return room ? encoded_random_below(state, room) : 0;
	}
}

/* Label hash, padding, separator and message, before any mask. */
static void
fill_block(uint64_t *state, enum encoded_fault fault, uint8_t *block,
	size_t size, const EVP_MD *hash)
{
	const char *label = fault == ENCODED_OTHER_LABEL ? "label" : "";
	size_t hash_size = (size_t)EVP_MD_get_size(hash), length, separator;

	if (!EVP_Digest(label, strlen(label), block, NULL, hash, NULL))
		abort();
	length = choose_length(state, fault, size - hash_size - 1);
	separator = size - length - 1;
	memset(block + hash_size, 0, separator - hash_size);
	block[separator] = fault == ENCODED_NO_SEPARATOR ? 0 : 1;
	encoded_fill(state, block + separator + 1, length);
	if (fault == ENCODED_LABEL_HASH)
		block[encoded_random_below(state, hash_size)] ^=
			(uint8_t)(1 << encoded_random_below(state, 8));
	if (fault == ENCODED_PADDING)
		block[hash_size +
			encoded_random_below(state, separator - hash_size)] =
			(uint8_t)(2 + encoded_random_below(state, 254));
	if (fault == ENCODED_OTHER_SEPARATOR)
		block[separator] =
			(uint8_t)(2 + encoded_random_below(state, 254));
}

void
encoded_build(uint64_t *state, enum encoded_fault fault, uint8_t *encoded,
	size_t size)
{
	const EVP_MD *hash =
		fault == ENCODED_SHA1_HASH ? EVP_sha1() : EVP_sha256();
	const EVP_MD *mask_hash =
		fault == ENCODED_SHA1_HASH || fault == ENCODED_SHA1_MASK
		? EVP_sha1()
		: EVP_sha256();
	size_t hash_size = (size_t)EVP_MD_get_size(hash), bit;
	uint8_t *seed = encoded + 1, *block = seed + hash_size;
	size_t block_size = size - 1 - hash_size;

	encoded[0] = 0;
	encoded_fill(state, seed, hash_size);
	fill_block(state, fault, block, block_size, hash);
	apply_mask(seed, hash_size, block, block_size, mask_hash);
	apply_mask(block, block_size, seed, hash_size, mask_hash);
	if (fault == ENCODED_FIRST_BYTE)
		encoded[0] = (uint8_t)(1 + encoded_random_below(state, 127));
	if (fault == ENCODED_NOISE)
		encoded_fill(state, encoded + 1, size - 1);
	if (fault == ENCODED_FLIPPED_BIT) {
		bit = 1 + encoded_random_below(state, size * 8 - 1);
		encoded[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}
