/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says what a configuration is, for --check and --help. Must never print a
 * secret.
 */
#include <config.h>

#include "lib/config_store.h"

#include <stdio.h>
#include <string.h>

/* Appends a text, with the user and password of a URL as "***". */
static void
append_masked(struct acp_buffer *text, const char *value)
{
	const char *scheme = strstr(value, "://");
	const char *authority = scheme ? scheme + 3 : value;
	const char *at = memrchr(authority, '@', strcspn(authority, "/?#"));

	if (scheme && at)
		acp_buffer_printf(
			text, "%.*s***%s", (int)(authority - value), value, at);
	else
		acp_buffer_append(text, value);
}

static void
append_origin(struct acp_buffer *text, const struct acp_config_value *value)
{
	if (value->secret_file)
		acp_buffer_printf(text, "  (file %s, %s)\n", value->secret_file,
			value->origin);
	else
		acp_buffer_printf(text, "  (%s)\n",
			value->origin ? value->origin : "default");
}

static void
describe_value(struct acp_buffer *text, const struct acp_config_row *row,
	const struct acp_config_value *value)
{
	bool is_set = value->source != ACP_CONFIG_FROM_DEFAULT;

	if (row->type == ACP_CONFIG_SECRET || value->count == 0) {
		acp_buffer_printf(
			text, "%s = %s", row->name, is_set ? "set" : "not set");
		append_origin(text, value);
		return;
	}
	for (size_t i = 0; i < value->count; i++) {
		acp_buffer_printf(text, "%s = ", row->name);
		append_masked(text, value->items[i]);
		append_origin(text, value);
	}
}

void
acp_config_describe(const struct acp_config *config, struct acp_buffer *text)
{
	for (enum acp_config_key key = 0; key < ACP_CONFIG_KEY__MAX; key++) {
		const struct acp_config_row *row = acp_config_peek_row(key);

		if (row->program & config->program)
			describe_value(text, row, &config->values[key]);
	}
}

bool
acp_config_next_flag(enum acp_config_program program, size_t *position,
	struct acp_config_flag *flag)
{
	const struct acp_config_row *row;

	do {
		if (*position >= ACP_CONFIG_KEY__MAX)
			return false;
		row = acp_config_peek_row((enum acp_config_key)(*position)++);
	} while (!(row->program & program));
	snprintf(flag->name, sizeof(flag->name), "%s%s", row->name,
		row->type == ACP_CONFIG_SECRET ? "_file" : "");
	for (char *at = flag->name; *at; at++)
		if (*at == '_')
			*at = '-';
	flag->is_bool = row->type == ACP_CONFIG_BOOL;
	return true;
}

/* The word for a value in --help. */
static const char *
name_argument(const struct acp_config_row *row)
{
	switch (row->type) {
	case ACP_CONFIG_TEXT:
		return " TEXT";
	case ACP_CONFIG_LIST:
	case ACP_CONFIG_SECRET:
		return " PATH";
	case ACP_CONFIG_DURATION:
		return " DURATION";
	case ACP_CONFIG_NUMBER:
		return " NUMBER";
	case ACP_CONFIG_BOOL:
		return "[=on|off]";
	case ACP_CONFIG_CHOICE:
		return " WORD";
	}
	return "";
}

void
acp_config_describe_flags(
	enum acp_config_program program, struct acp_buffer *text)
{
	struct acp_config_flag flag;
	size_t position = 0;

	while (acp_config_next_flag(program, &position, &flag)) {
		const struct acp_config_row *row = acp_config_peek_row(
			(enum acp_config_key)(position - 1));

		acp_buffer_printf(text, "  --%s%s\n        %s", flag.name,
			name_argument(row), row->text);
		if (row->words)
			acp_buffer_printf(text, " (%s)", row->words);
		if (row->value)
			acp_buffer_printf(text, " Default: %s.", row->value);
		acp_buffer_append(text, "\n");
	}
}
