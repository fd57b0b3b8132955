/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a row, each judged by type, size and form. Must never copy what
 * it has not judged.
 */
#include <config.h>

#include "reconciler/row_reader.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/utf8.h"
#include "reconciler/rfc3339.h"

#include <stdarg.h>
#include <stdio.h>

void
acp_row_refuse(struct acp_row_reader *reader, const char *format, ...)
{
	char text[256];
	va_list arguments;

	if (reader->bad)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	reader->bad = acp_arena_dup(reader->arena, text);
}

const char *
acp_row_peek_text(struct acp_row_reader *reader, const char *name, size_t max,
	size_t *size)
{
	struct json_object *member = NULL;
	const char *text;

	json_object_object_get_ex(reader->object, name, &member);
	if (!member)
		return NULL;
	text = acp_json_peek_text(reader->object, name, size);
	if (!text)
		acp_row_refuse(reader, "%s is not a text", name);
	else if (*size > max)
		acp_row_refuse(
			reader, "%s is longer than %zu bytes", name, max);
	else
		return text;
	return NULL;
}

const char *
acp_row_read_name(struct acp_row_reader *reader, const char *name, size_t max)
{
	size_t size = 0;
	const char *text = acp_row_peek_text(reader, name, max, &size);

	if (!text || size == 0)
		return NULL;
	if (acp_utf8_is_printable(text, size))
		return acp_arena_dup_sized(reader->arena, text, size);
	acp_row_refuse(
		reader, "%s has a control character or is not UTF-8", name);
	return NULL;
}

int64_t
acp_row_read_time(struct acp_row_reader *reader, const char *name)
{
	int64_t time_us = 0;
	size_t size = 0;
	const char *text =
		acp_row_peek_text(reader, name, ACP_ROW_NAME_MAX, &size);

	if (!text || size == 0)
		return 0;
	if (!acp_rfc3339_read(text, size, &time_us))
		acp_row_refuse(reader, "%s is not a time of RFC 3339", name);
	return time_us > 0 ? time_us : 0;
}

/* Line breaks and tabs, which a text of several lines may have. */
static bool
is_layout(char character)
{
	return character == '\n' || character == '\t' || character == '\r';
}

static bool
is_readable(const char *text, size_t size)
{
	size_t start = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && !is_layout(text[i]))
			continue;
		if (!acp_utf8_is_printable(text + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

const char *
acp_row_read_text(struct acp_row_reader *reader, const char *name, size_t max)
{
	size_t size = 0;
	const char *text = acp_row_peek_text(reader, name, max, &size);

	if (!text || size == 0)
		return NULL;
	if (is_readable(text, size))
		return acp_arena_dup_sized(reader->arena, text, size);
	acp_row_refuse(
		reader, "%s has a control character or is not UTF-8", name);
	return NULL;
}
