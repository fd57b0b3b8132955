/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derives the names of a session's objects. Must never cut an id: two that
 * begin alike would share everything.
 */
#include <config.h>

#include "reconciler/session_name.h"

#include "lib/hash.h"
#include "lib/limits.h"

#include <stdio.h>
#include <string.h>

enum {
	HASH_BYTES = 3, /* 63 characters leave no room for more */
	HASH_ROOM = 1 + 2 * HASH_BYTES + 1 /* "-", digits, NUL */
};

static bool
is_upper(char character)
{
	return character >= 'A' && character <= 'Z';
}

static bool
is_letter_or_digit(char character)
{
	return is_upper(character) || (character >= 'a' && character <= 'z') ||
		(character >= '0' && character <= '9');
}

static bool
is_legal(const char *id, size_t size)
{
	if (size < ACP_SESSION_ID_MIN || size > ACP_SESSION_NAMED_MAX ||
		!is_letter_or_digit(id[0]) || !is_letter_or_digit(id[size - 1]))
		return false;
	for (size_t i = 0; i < size; i++)
		if (!is_letter_or_digit(id[i]) && id[i] != '-')
			return false;
	return true;
}

/* Copies id in lower case; true when that changed it. */
static bool
is_changed_by_lowering(const char *id, char *text)
{
	bool is_changed = false;

	for (; *id; id++) {
		is_changed |= is_upper(*id);
		*text++ = (char)(is_upper(*id) ? *id - 'A' + 'a' : *id);
	}
	*text = '\0';
	return is_changed;
}

/* "-" and digits of the id's hash. */
static void
write_suffix(const char *id, char suffix[static HASH_ROOM])
{
	struct acp_hash hash;

	suffix[0] = '-';
	acp_hash_init(&hash);
	acp_hash_add_text(&hash, id);
	acp_hash_finish_hex(&hash, HASH_BYTES, suffix + 1);
}

enum acp_error
acp_session_names_write(
	const char *id, struct acp_session_names *names, struct acp_buffer *why)
{
	char text[ACP_SESSION_NAMED_MAX + 1], suffix[HASH_ROOM] = "";

	if (!is_legal(id, strlen(id))) {
		acp_buffer_printf(why,
			"a session with this id cannot be started: the id must "
			"have %d to %d characters of A-Z a-z 0-9 and \"-\", "
			"with a letter or digit at both ends",
			ACP_SESSION_ID_MIN, ACP_SESSION_NAMED_MAX);
		return ACP_BAD_REQUEST;
	}
	if (is_changed_by_lowering(id, text))
		write_suffix(id, suffix);
	snprintf(names->service, ACP_NAME_SIZE, "session-%s", text);
	snprintf(
		names->pod, ACP_NAME_SIZE, "session-%s%s-runner", text, suffix);
	snprintf(
		names->account, ACP_NAME_SIZE, "session-%s%s-sa", text, suffix);
	snprintf(
		names->secret, ACP_NAME_SIZE, "session-%s%s-env", text, suffix);
	return ACP_OK;
}
