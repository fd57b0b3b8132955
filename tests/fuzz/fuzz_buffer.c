/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/buffer.c: any bytes become one JSON string that a strict parser reads
 * to its last byte and that holds no byte a log could trip over.
 */
#include <config.h>

#include "lib/buffer.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include <json-c/json.h>

#define TEXT_MAX ((size_t)64 * 1024)

static void
expect_valid(const struct acp_buffer *buffer)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;

	json_tokener_set_flags(
		tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(
		tokener, acp_buffer_peek(buffer), (int)buffer->size);
	if (!json_object_is_type(object, json_type_string))
		abort();
	if (json_tokener_get_parse_end(tokener) != buffer->size)
		abort();
	json_object_put(object);
	json_tokener_free(tokener);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(buffer) struct acp_buffer buffer;

	acp_buffer_init(&buffer, 6 * TEXT_MAX + 2);
	acp_buffer_append_json(
		&buffer, (const char *)data, size < TEXT_MAX ? size : TEXT_MAX);
	if (buffer.is_failed)
		abort();
	for (size_t i = 0; i < buffer.size; i++)
		if ((unsigned char)buffer.text[i] < 0x20)
			abort();
	expect_valid(&buffer);
	return 0;
}
