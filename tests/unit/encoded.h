/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded messages for the tests of OAEP, well formed and with one fault
 * each, built by hand with libcrypto; and random numbers from a seed.
 */
#ifndef ACP_TESTS_UNIT_ENCODED_H
#define ACP_TESTS_UNIT_ENCODED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong, or special, about an encoded message. */
enum encoded_fault {
	ENCODED_GOOD,
	ENCODED_FIRST_BYTE, /* not zero */
	ENCODED_LABEL_HASH, /* one bit of it */
	ENCODED_NO_SEPARATOR, /* zeros up to the end */
	ENCODED_SEPARATOR_FIRST, /* no padding at all: well formed */
	ENCODED_SEPARATOR_LAST, /* an empty message: well formed */
	ENCODED_PADDING, /* a byte of it that is neither 0 nor 1 */
	ENCODED_OTHER_SEPARATOR, /* a byte other than 1 in its place */
	ENCODED_OTHER_LABEL,
	ENCODED_SHA1_HASH,
	ENCODED_SHA1_MASK,
	ENCODED_FLIPPED_BIT, /* anywhere, after masking */
	ENCODED_NOISE, /* random but for a first byte of zero */
	ENCODED__MAX
};

/* The seed of this run, from ACP_TEST_SEED or fixed; says it as TAP. */
uint64_t encoded_seed(void);

/* Random numbers that follow from *state; the second one is below limit. */
uint64_t encoded_random(uint64_t *state);
size_t encoded_random_below(uint64_t *state, size_t limit);
void encoded_fill(uint64_t *state, uint8_t *bytes, size_t size);

/* True when a message with that fault is one all the same. */
bool encoded_is_valid(enum encoded_fault fault);

/*
 * Writes size bytes: a random message of random length with that fault. It
 * is below any modulus of that size, whose top bit is set.
 */
void encoded_build(uint64_t *state, enum encoded_fault fault, uint8_t *encoded,
	size_t size);

#endif
