/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a configuration: stored with where they came from, so that
 * a later source overrides an earlier one and a message can say who did.
 * Reads the environment, flags and secret files; lib/config_file.c reads the
 * file. Must never put a secret into a message.
 */
#include <config.h>

#include "lib/config_store.h"

#include "lib/file.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_ROOM = 80 };

static void
clear_value(struct acp_config_value *value)
{
	for (size_t i = 0; i < value->count; i++)
		free(value->items[i]);
	free(value->origin);
	free(value->secret_file);
	acp_secret_clear(&value->secret);
	*value = (struct acp_config_value){0};
}

static void
set_default(struct acp_config_value *value, const struct acp_config_row *row)
{
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, ACP_CONFIG_LINE_MAX);
	if (!row->value)
		return;
	value->items[value->count++] = acp_memory_dup_text(row->value);
	if (acp_config_parse(row, row->value, &value->number, &why))
		assert(false && "a default of the table is wrong");
}

struct acp_config *
acp_config_new(enum acp_config_program program)
{
	struct acp_config *config = acp_memory_new(1, sizeof(*config));

	config->program = program;
	for (enum acp_config_key key = 0; key < ACP_CONFIG_KEY__MAX; key++)
		set_default(&config->values[key], acp_config_peek_row(key));
	return config;
}

void
acp_config_free(struct acp_config **config)
{
	if (!*config)
		return;
	for (enum acp_config_key key = 0; key < ACP_CONFIG_KEY__MAX; key++)
		clear_value(&(*config)->values[key]);
	free(*config);
	*config = NULL;
}

static enum acp_error
fail_setting(const struct acp_config_setting *setting, const char *what,
	struct acp_buffer *why)
{
	acp_buffer_printf(why, "%s: %s%s %s", setting->origin,
		acp_config_peek_row(setting->key)->name,
		setting->is_path ? "_file" : "", what);
	return ACP_BAD_REQUEST;
}

static bool
has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* True when text has what looks like a comment behind a value. */
static bool
has_comment(const char *text)
{
	return strstr(text, " #") || strstr(text, " ;");
}

/* What every value must keep to, whatever its type. */
static enum acp_error
check_text(const struct acp_config_setting *setting, struct acp_buffer *why)
{
	bool is_secret = !setting->is_path &&
		acp_config_peek_row(setting->key)->type == ACP_CONFIG_SECRET;
	size_t most = is_secret ? ACP_SECRET_FILE_MAX : ACP_CONFIG_LINE_MAX;
	char message[64];

	if (!*setting->text)
		return fail_setting(setting, "has no value", why);
	if (strnlen(setting->text, most + 1) > most) {
		snprintf(message, sizeof(message), "is longer than %zu bytes",
			most);
		return fail_setting(setting, message, why);
	}
	if (has_control(setting->text))
		return fail_setting(setting,
			"holds a control character (a line end or tab?)", why);
	if (!is_secret && has_comment(setting->text))
		return fail_setting(setting,
			"is followed by a comment; put it on a line of its own",
			why);
	return ACP_OK;
}

/* May this source set the key (again)? */
static enum acp_error
check_repeat(const struct acp_config_value *value,
	const struct acp_config_setting *setting, struct acp_buffer *why)
{
	const struct acp_config_row *row = acp_config_peek_row(setting->key);
	bool was_path = value->secret_file;
	char message[3 * NAME_ROOM];

	if (value->source != setting->source)
		return ACP_OK;
	if (row->type == ACP_CONFIG_LIST) {
		if (value->count < ACP_CONFIG_LIST_MAX)
			return ACP_OK;
		snprintf(message, sizeof(message),
			"is given more than %d times", ACP_CONFIG_LIST_MAX);
		return fail_setting(setting, message, why);
	}
	if (row->type == ACP_CONFIG_SECRET && was_path != setting->is_path) {
		snprintf(message, sizeof(message),
			"and %s%s are both given, decide for one", row->name,
			was_path ? "_file" : "");
		return fail_setting(setting, message, why);
	}
	acp_buffer_printf(why, "%s: %s%s is given twice, first in %s",
		setting->origin, row->name, setting->is_path ? "_file" : "",
		value->origin);
	return ACP_BAD_REQUEST;
}

static void
replace_origin(struct acp_config_value *value, const char *origin)
{
	free(value->origin);
	value->origin = acp_memory_dup_text(origin);
}

enum acp_error
acp_config_store(struct acp_config *config,
	const struct acp_config_setting *setting, struct acp_buffer *why)
{
	const struct acp_config_row *row = acp_config_peek_row(setting->key);
	struct acp_config_value *value = &config->values[setting->key];
	ACP_AUTO(buffer) struct acp_buffer said;
	int64_t number = 0;

	acp_buffer_init(&said, why->limit);
	if (check_text(setting, why) || check_repeat(value, setting, why))
		return ACP_BAD_REQUEST;
	if (acp_config_parse(row, setting->text, &number, &said)) {
		acp_buffer_printf(why, "%s: %s: %s", setting->origin, row->name,
			acp_buffer_peek(&said));
		return ACP_BAD_REQUEST;
	}
	if (value->source != setting->source)
		clear_value(value);
	value->source = setting->source;
	value->number = number;
	replace_origin(value, setting->origin);
	if (setting->is_path)
		value->secret_file = acp_memory_dup_text(setting->text);
	else if (row->type == ACP_CONFIG_SECRET)
		acp_secret_set(
			&value->secret, setting->text, strlen(setting->text));
	else
		value->items[value->count++] =
			acp_memory_dup_text(setting->text);
	return ACP_OK;
}

/*
 * The reference's levels are zerolog's: its other words mean the nearest of
 * ours, and a word that it does not know means info.
 */
static const char *
map_level(const char *word)
{
	static const struct {
		const char *word;
		const char *level;
	} levels[] = {
		{"trace", "debug"},
		{"debug", "debug"},
		{"info", "info"},
		{"warn", "warn"},
		{"warning", "warn"},
		{"error", "error"},
		{"fatal", "error"},
		{"panic", "error"},
	};
	ACP_AUTO(buffer) struct acp_buffer quoted;

	acp_buffer_init(&quoted, ACP_LOG_VALUE_MAX);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcasecmp(word, levels[i].word) == 0)
			return levels[i].level;
	acp_config_quote(&quoted, word);
	acp_log_message(ACP_LOG_WARN, "config_log_level",
		"environment LOG_LEVEL: %s is not a level, using info",
		acp_buffer_peek(&quoted));
	return "info";
}

static enum acp_error
read_variable(struct acp_config *config, enum acp_config_key key, bool is_path,
	struct acp_buffer *why)
{
	const char *variable = acp_config_peek_row(key)->environment;
	char name[NAME_ROOM];
	char origin[NAME_ROOM + 16];
	struct acp_config_setting setting = {
		.source = ACP_CONFIG_FROM_ENVIRONMENT,
		.origin = origin,
		.key = key,
		.is_path = is_path};

	snprintf(name, sizeof(name), "%s%s", variable, is_path ? "_FILE" : "");
	snprintf(origin, sizeof(origin), "environment %s", name);
	setting.text = getenv(name);
	if (!setting.text || !*setting.text)
		return ACP_OK;
	if (key == ACP_CONFIG_LOG_LEVEL)
		setting.text = map_level(setting.text);
	return acp_config_store(config, &setting, why);
}

enum acp_error
acp_config_read_environment(struct acp_config *config, struct acp_buffer *why)
{
	for (enum acp_config_key key = 0; key < ACP_CONFIG_KEY__MAX; key++) {
		const struct acp_config_row *row = acp_config_peek_row(key);

		if (!row->environment)
			continue;
		if (read_variable(config, key, false, why))
			return ACP_BAD_REQUEST;
		if (row->type == ACP_CONFIG_SECRET &&
			read_variable(config, key, true, why))
			return ACP_BAD_REQUEST;
	}
	return ACP_OK;
}

/* The name of a flag as the file has it: underscores for dashes. */
static bool
turn_dashes(const char *flag, char *name, size_t room)
{
	size_t size = strlen(flag);

	if (size >= room || strchr(flag, '_'))
		return false;
	for (size_t i = 0; i <= size; i++)
		name[i] = flag[i] == '-' ? '_' : flag[i];
	return true;
}

enum acp_error
acp_config_set_flag(struct acp_config *config, const char *name,
	const char *value, struct acp_buffer *why)
{
	char key_name[NAME_ROOM];
	char origin[NAME_ROOM + 4];
	struct acp_config_setting setting = {.source = ACP_CONFIG_FROM_FLAG,
		.origin = origin,
		.text = value};
	const struct acp_config_row *row;

	if (!turn_dashes(name, key_name, sizeof(key_name)) ||
		!acp_config_find(key_name, &setting.key, &setting.is_path)) {
		acp_buffer_append(why, "unknown flag");
		return ACP_BAD_REQUEST;
	}
	row = acp_config_peek_row(setting.key);
	snprintf(origin, sizeof(origin), "--%s", name);
	if (!(row->program & config->program))
		return fail_setting(
			&setting, "belongs to the other program", why);
	if (row->type == ACP_CONFIG_SECRET && !setting.is_path)
		return fail_setting(&setting,
			"is a secret, and flags are seen by everybody on this "
			"host; name its file instead",
			why);
	if (!value)
		setting.text = row->type == ACP_CONFIG_BOOL ? "on" : "";
	return acp_config_store(config, &setting, why);
}

/* Cuts one line end; ACP_BAD_REQUEST unless one line of text remains. */
static enum acp_error
trim_secret(struct acp_secret *secret, const char *path, struct acp_buffer *why)
{
	size_t size = secret->size;

	if (size > 0 && secret->bytes[size - 1] == '\n')
		size--;
	if (size > 0 && secret->bytes[size - 1] == '\r')
		size--;
	acp_secret_cut(secret, size);
	if (size > 0 && strlen(acp_secret_peek(secret)) == size &&
		!has_control(acp_secret_peek(secret)))
		return ACP_OK;
	acp_buffer_printf(why, "%s: %s", path,
		size == 0 ? "empty"
			  : "holds a control character or a second line");
	return ACP_BAD_REQUEST;
}

static enum acp_error
read_secret(struct acp_config_value *value, struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret secret;
	ACP_AUTO(buffer) struct acp_buffer said;

	acp_secret_init(&secret);
	acp_buffer_init(&said, why->limit);
	if (acp_file_read(
		    value->secret_file, ACP_SECRET_FILE_MAX, &secret, &said) ||
		trim_secret(&secret, value->secret_file, &said)) {
		acp_buffer_printf(
			why, "%s: %s", value->origin, acp_buffer_peek(&said));
		return ACP_BAD_REQUEST;
	}
	acp_secret_set(&value->secret, secret.bytes, secret.size);
	return ACP_OK;
}

enum acp_error
acp_config_finish(struct acp_config *config, struct acp_buffer *why)
{
	for (enum acp_config_key key = 0; key < ACP_CONFIG_KEY__MAX; key++) {
		struct acp_config_value *value = &config->values[key];

		if (!value->secret_file || key == ACP_CONFIG_API_TOKEN ||
			!(acp_config_peek_row(key)->program & config->program))
			continue;
		if (read_secret(value, why))
			return ACP_BAD_REQUEST;
	}
	return ACP_OK;
}

static const struct acp_config_value *
peek_value(const struct acp_config *config, enum acp_config_key key,
	enum acp_config_type type)
{
	assert(acp_config_peek_row(key)->type == type);
	return &config->values[key];
}

bool
acp_config_is_set(const struct acp_config *config, enum acp_config_key key)
{
	return config->values[key].source != ACP_CONFIG_FROM_DEFAULT;
}

const char *
acp_config_peek_text(const struct acp_config *config, enum acp_config_key key)
{
	return peek_value(config, key, ACP_CONFIG_TEXT)->items[0];
}

const struct acp_secret *
acp_config_peek_secret(const struct acp_config *config, enum acp_config_key key)
{
	return &peek_value(config, key, ACP_CONFIG_SECRET)->secret;
}

const char *
acp_config_peek_secret_file(
	const struct acp_config *config, enum acp_config_key key)
{
	return peek_value(config, key, ACP_CONFIG_SECRET)->secret_file;
}

const char *const *
acp_config_peek_list(
	const struct acp_config *config, enum acp_config_key key, size_t *count)
{
	const struct acp_config_value *value =
		peek_value(config, key, ACP_CONFIG_LIST);

	*count = value->count;
	return (const char *const *)value->items;
}

int64_t
acp_config_get_duration_ms(
	const struct acp_config *config, enum acp_config_key key)
{
	return peek_value(config, key, ACP_CONFIG_DURATION)->number;
}

size_t
acp_config_get_number(const struct acp_config *config, enum acp_config_key key)
{
	return (size_t)peek_value(config, key, ACP_CONFIG_NUMBER)->number;
}

bool
acp_config_get_bool(const struct acp_config *config, enum acp_config_key key)
{
	return peek_value(config, key, ACP_CONFIG_BOOL)->number != 0;
}

int
acp_config_get_choice(const struct acp_config *config, enum acp_config_key key)
{
	return (int)peek_value(config, key, ACP_CONFIG_CHOICE)->number;
}
