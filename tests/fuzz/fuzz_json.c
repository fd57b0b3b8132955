/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/json.h: any bytes as the reply of an identity provider. What is taken
 * for an object ends where the bytes end, is no deeper than the bound, and
 * its members keep their types and ranges.
 */
#include <config.h>

#include "lib/json.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"

/* How deep brackets nest outside of strings, in text that is JSON. */
static size_t
measure_depth(const char *text, size_t size)
{
	size_t depth = 0;
	size_t deepest = 0;
	bool is_string = false;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '"')
			is_string = !is_string;
		else if (is_string && text[i] == '\\')
			i++;
		else if (!is_string && strchr("{[", text[i]) && text[i])
			depth++;
		else if (!is_string && strchr("}]", text[i]) && text[i])
			depth--;
		if (depth > deepest)
			deepest = depth;
	}
	return deepest;
}

static void
expect_members(const struct json_object *object)
{
	int64_t seconds = -7;
	size_t size = 0;
	const char *token = acp_json_peek_text(object, "access_token", &size);

	if (token && (memchr(token, '\0', size + 1) == NULL))
		abort();
	if (!acp_json_has_number(object, "expires_in", &seconds)) {
		if (seconds != -7)
			abort();
	} else if (seconds > ACP_JSON_NUMBER_MAX ||
		seconds < -ACP_JSON_NUMBER_MAX) {
		abort();
	}
	acp_json_wipe_text(object, "access_token");
	token = acp_json_peek_text(object, "access_token", &size);
	for (size_t i = 0; token && i < size; i++)
		if (token[i])
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(json) struct json_object *object = NULL;
	const char *text = (const char *)data;

	if (size > ACP_HTTP_BODY_MAX)
		return 0;
	object = acp_json_new(text, size);
	if (!object)
		return 0;
	if (measure_depth(text, size) > ACP_JSON_DEPTH_MAX)
		abort();
	if (memchr(text, '\0', size))
		abort();
	expect_members(object);
	return 0;
}
