/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for tests with random worlds, the same on every machine: a failure
 * names the seed, and the seed brings it back. Include it once a program.
 */
#ifndef ACP_TESTS_UNIT_CHANCE_H
#define ACP_TESTS_UNIT_CHANCE_H

#include <stdint.h>

static uint64_t chance;

static inline void
seed_chance(int seed)
{
	chance = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* Below below, by xorshift64*. */
static inline unsigned int
draw(unsigned int below)
{
	chance ^= chance >> 12;
	chance ^= chance << 25;
	chance ^= chance >> 27;
	return (unsigned int)((chance * UINT64_C(2685821657736338717)) >> 33) %
		below;
}

#define PICK(array) ((array)[draw(sizeof(array) / sizeof(*(array)))])

#endif
