/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges and cleans foreign text for lib/buffer.c and for the parsers of what
 * other servers say. Must never trust a NUL to end it.
 */
#include <config.h>

#include "lib/utf8.h"

#include <string.h>

/* Length by the first byte alone, 0 for one that starts no character. */
static size_t
guess_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/* No overlong forms, no surrogates, nothing past U+10FFFF. */
static bool
is_second_good(unsigned char first, unsigned char second)
{
	unsigned char low = 0x80, high = 0xbf;

	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	return second >= low && second <= high;
}

size_t
acp_utf8_measure(const char *text, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = guess_length(bytes[0]);

	if (length <= 1)
		return length;
	if (length > size || !is_second_good(bytes[0], bytes[1]))
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* C0, DEL and C1 (which UTF-8 writes as C2 80 to C2 9F). */
static bool
is_control(const char *text, size_t length)
{
	unsigned char first = (unsigned char)text[0];

	if (length == 1)
		return first < 0x20 || first == 0x7f;
	return first == 0xc2 && (unsigned char)text[1] < 0xa0;
}

bool
acp_utf8_is_printable(const char *text, size_t size)
{
	for (size_t i = 0, length; i < size; i += length) {
		length = acp_utf8_measure(text + i, size - i);
		if (length == 0 || is_control(text + i, length))
			return false;
	}
	return true;
}

void
acp_utf8_write_printable(const char *text, size_t size, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0, length; i < size; i += length) {
		const char *from = text + i;
		size_t count;

		length = acp_utf8_measure(from, size - i);
		count = length;
		if (length == 0 || is_control(from, length)) {
			from = "?";
			count = 1;
		}
		if (count >= room - used)
			break;
		memcpy(out + used, from, count);
		used += count;
		length = length ? length : 1;
	}
	out[used] = '\0';
}
