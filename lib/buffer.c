/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing text: used for replies, log lines, messages and metrics.
 */
#include <config.h>

#include "lib/buffer.h"

#include "lib/memory.h"
#include "lib/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

enum { FIRST_ROOM = 256, PIECE_ROOM = 256 };

void
acp_buffer_init(struct acp_buffer *buffer, size_t limit)
{
	*buffer = (struct acp_buffer){.limit = limit};
}

void
acp_buffer_clear(struct acp_buffer *buffer)
{
	free(buffer->text);
	acp_buffer_init(buffer, buffer->limit);
}

/* Makes room for more bytes and a NUL; false when the limit is passed. */
static bool
make_room(struct acp_buffer *buffer, size_t more)
{
	size_t room = buffer->room ? buffer->room : FIRST_ROOM;

	if (buffer->is_failed || more > buffer->limit - buffer->size) {
		buffer->is_failed = true;
		return false;
	}
	while (room < buffer->size + more + 1)
		room *= 2;
	if (room != buffer->room)
		buffer->text = acp_memory_resize(buffer->text, room, 1);
	buffer->room = room;
	return true;
}

void
acp_buffer_append_bytes(
	struct acp_buffer *buffer, const void *bytes, size_t size)
{
	if (!make_room(buffer, size))
		return;
	if (size)
		memcpy(buffer->text + buffer->size, bytes, size);
	buffer->size += size;
	buffer->text[buffer->size] = '\0';
}

void
acp_buffer_append(struct acp_buffer *buffer, const char *text)
{
	acp_buffer_append_bytes(buffer, text, strlen(text));
}

void
acp_buffer_printf(struct acp_buffer *buffer, const char *format, ...)
{
	char piece[PIECE_ROOM];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(piece, sizeof(piece), format, arguments);
	va_end(arguments);
	if (size < 0) {
		buffer->is_failed = true;
		return;
	}
	/* mostly: to format it twice would cost more than to copy it */
	if ((size_t)size < sizeof(piece)) {
		acp_buffer_append_bytes(buffer, piece, (size_t)size);
		return;
	}
	if (!make_room(buffer, (size_t)size))
		return;
	va_start(arguments, format);
	vsnprintf(buffer->text + buffer->size, (size_t)size + 1, format,
		arguments);
	va_end(arguments);
	buffer->size += (size_t)size;
}

/* How many of the next bytes are ASCII that stands for itself in JSON. */
static size_t
measure_plain_json(const unsigned char *bytes, size_t size)
{
	size_t i = 0;

	while (i < size && bytes[i] >= 0x20 && bytes[i] < 0x7f &&
		!strchr("\"\\<>&", bytes[i]))
		i++;
	return i;
}

void
acp_buffer_append_json(struct acp_buffer *buffer, const char *text, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)text;

	acp_buffer_append(buffer, "\"");
	for (size_t i = 0, length; i < size; i += length ? length : 1) {
		size_t plain = measure_plain_json(bytes + i, size - i);

		length = plain ? plain : acp_utf8_measure(text + i, size - i);
		if (length == 0)
			acp_buffer_append(buffer, "\\ufffd");
		else if (plain || length > 1)
			acp_buffer_append_bytes(buffer, bytes + i, length);
		else if (bytes[i] == '"' || bytes[i] == '\\')
			acp_buffer_printf(buffer, "\\%c", bytes[i]);
		else
			acp_buffer_printf(buffer, "\\u%04x", bytes[i]);
	}
	acp_buffer_append(buffer, "\"");
}

const char *
acp_buffer_peek(const struct acp_buffer *buffer)
{
	return buffer->text ? buffer->text : "";
}

char *
acp_buffer_steal(struct acp_buffer *buffer)
{
	char *text = buffer->text ? buffer->text : acp_memory_dup_text("");

	buffer->text = NULL;
	acp_buffer_clear(buffer);
	return text;
}
