/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text: is it UTF-8 (RFC 3629), and may it be shown to people? No
 * locale, no allocation.
 */
#ifndef ACP_LIB_UTF8_H
#define ACP_LIB_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes of the character at text, 0 when it is not one: cut, overlong, a
 * surrogate, past U+10FFFF. size is at least 1.
 */
size_t acp_utf8_measure(const char *text, size_t size);

/* True when size bytes are UTF-8 without NUL and other control characters. */
bool acp_utf8_is_printable(const char *text, size_t size);

/*
 * Copies into room bytes of out, with a NUL, what fits of whole characters;
 * controls and bytes that are no character become "?". room is at least 1.
 */
void acp_utf8_write_printable(
	const char *text, size_t size, char *out, size_t room);

#endif
