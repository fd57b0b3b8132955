/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions without branches: a mask is all ones for yes and 0 for no, and
 * is combined with & | ~. Used where a value is secret (fcgi/oaep.c,
 * lib/session_id.c, the back ends of fcgi/unseal.h). Every result passes
 * through acp_mask_hide, so that no compiler turns it back into a branch.
 */
#ifndef ACP_LIB_MASK_H
#define ACP_LIB_MASK_H

#include <stdint.h>

/* The same value, which the compiler knows nothing about any more. */
static inline uint32_t
acp_mask_hide(uint32_t value)
{
	__asm__("" : "+r"(value));
	return value;
}

/* All ones when the top bit of value is set. */
static inline uint32_t
acp_mask_from_top_bit(uint32_t value)
{
	return acp_mask_hide(0u - (value >> 31));
}

static inline uint32_t
acp_mask_is_zero(uint32_t value)
{
	return acp_mask_from_top_bit(~value & (value - 1u));
}

static inline uint32_t
acp_mask_is_equal(uint32_t left, uint32_t right)
{
	return acp_mask_is_zero(left ^ right);
}

/* left < right, for values below 2^31. */
static inline uint32_t
acp_mask_is_less(uint32_t left, uint32_t right)
{
	return acp_mask_from_top_bit(left - right);
}

/* least <= value <= most, for values below 2^31. */
static inline uint32_t
acp_mask_is_between(uint32_t value, uint32_t least, uint32_t most)
{
	return ~acp_mask_is_less(value, least) & ~acp_mask_is_less(most, value);
}

/* yes where mask is all ones, no where it is 0. */
static inline uint32_t
acp_mask_select(uint32_t mask, uint32_t yes, uint32_t no)
{
	return (mask & yes) | (~mask & no);
}

#endif
