/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a session id. The responder calls it on whatever came out of a
 * ciphertext, opened or not, so the check must neither branch nor index on
 * what it looks at; the reconciler on what it puts into a URL.
 */
#include <config.h>

#include "lib/session_id.h"

#include "lib/limits.h"
#include "lib/mask.h"

static uint32_t
is_alphanumeric(uint32_t c)
{
	return acp_mask_is_between(c, 'a', 'z') |
		acp_mask_is_between(c, 'A', 'Z') |
		acp_mask_is_between(c, '0', '9');
}

static uint32_t
is_mark(uint32_t c)
{
	return acp_mask_is_equal(c, '.') | acp_mask_is_equal(c, '_') |
		acp_mask_is_equal(c, '-');
}

uint32_t
acp_session_id_check(const uint8_t *text, size_t size)
{
	/* any size that does not fit is as wrong as one over the longest */
	uint32_t length =
		(uint32_t)(size & 0xffff) | (uint32_t)(size >> 16 != 0) << 16;
	uint32_t good = acp_mask_is_between(
		length, ACP_SESSION_ID_MIN, ACP_SESSION_ID_MAX);

	good &= is_alphanumeric(text[0]);
	for (uint32_t i = 0; i < ACP_SESSION_ID_MAX; i++)
		good &= is_alphanumeric(text[i]) | is_mark(text[i]) |
			~acp_mask_is_less(i, length);
	return good;
}

bool
acp_session_id_is_legal(const char *text, size_t size)
{
	uint32_t good = UINT32_MAX;

	if (size < ACP_SESSION_ID_MIN || size > ACP_SESSION_ID_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		good &= is_alphanumeric((uint8_t)text[i]) |
			is_mark((uint8_t)text[i]);
	return (good & is_alphanumeric((uint8_t)text[0])) != 0;
}
