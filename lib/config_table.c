/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks up keys and reads the words of their values. Holds no state and does
 * no I/O.
 */
#include <config.h>

#include "lib/config_table.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_SIZE = 64, QUOTE_MAX = 80, NEAR_ENOUGH = 3 };

static const char path_suffix[] = "_file";

static const struct acp_config_row rows[] = {
#define ROW(symbol, key, variable, kind, preset, allowed, owner, sentence) \
	[ACP_CONFIG_##symbol] = {.name = (key), \
		.environment = (variable), \
		.type = ACP_CONFIG_##kind, \
		.value = (preset), \
		.words = (allowed), \
		.program = ACP_CONFIG_FOR_##owner, \
		.text = (sentence)},
	ACP_CONFIG_KEYS(ROW)
#undef ROW
};

const struct acp_config_row *
acp_config_peek_row(enum acp_config_key key)
{
	assert(key < ACP_CONFIG_KEY__MAX);
	return &rows[key];
}

/* True when name is the key's, or the path form of a secret's. */
static bool
is_named(const struct acp_config_row *row, const char *name, bool *is_path)
{
	size_t size = strlen(row->name);

	if (strncmp(name, row->name, size) != 0)
		return false;
	*is_path = row->type == ACP_CONFIG_SECRET &&
		strcmp(name + size, path_suffix) == 0;
	return *is_path || name[size] == '\0';
}

bool
acp_config_find(const char *name, enum acp_config_key *key, bool *is_path)
{
	for (int i = 0; i < ACP_CONFIG_KEY__MAX; i++)
		if (is_named(&rows[i], name, is_path)) {
			*key = (enum acp_config_key)i;
			return true;
		}
	return false;
}

static size_t
get_least(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein distance of two names of at most NAME_MAX_SIZE bytes. */
static size_t
measure_distance(const char *left, const char *right)
{
	size_t row[NAME_MAX_SIZE + 1];
	size_t size = strlen(right);

	for (size_t j = 0; j <= size; j++)
		row[j] = j;
	for (size_t i = 0; left[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < size; j++) {
			size_t above = row[j + 1];

			row[j + 1] = get_least(above + 1, row[j] + 1,
				diagonal + (left[i] != right[j]));
			diagonal = above;
		}
	}
	return row[size];
}

void
acp_config_explain_unknown(const char *name, struct acp_buffer *why)
{
	const char *nearest = NULL;
	size_t least = NEAR_ENOUGH + 1;
	size_t size = strlen(name);

	/* a mangled line may be half a secret: only names are repeated */
	if (size == 0 || size > NAME_MAX_SIZE ||
		strspn(name,
			"abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != size) {
		acp_buffer_append(why, "not the name of a key");
		return;
	}
	for (int i = 0; i < ACP_CONFIG_KEY__MAX; i++) {
		size_t distance = measure_distance(name, rows[i].name);

		if (distance < least && distance * 2 < size) {
			least = distance;
			nearest = rows[i].name;
		}
	}
	acp_buffer_printf(why, "unknown key '%s'", name);
	if (nearest)
		acp_buffer_printf(why, ", did you mean '%s'?", nearest);
}

void
acp_config_quote(struct acp_buffer *buffer, const char *text)
{
	acp_buffer_append(buffer, "'");
	for (size_t i = 0; text[i] && i < QUOTE_MAX; i++) {
		bool is_printable = text[i] >= 0x20 && text[i] < 0x7f;

		acp_buffer_append_bytes(
			buffer, is_printable ? &text[i] : "?", 1);
	}
	acp_buffer_append(
		buffer, strnlen(text, QUOTE_MAX + 1) > QUOTE_MAX ? "…'" : "'");
}

/* Reads the digits at *text, and moves it behind them. */
static bool
read_digits(const char **text, int64_t *number)
{
	int64_t sum = 0;
	const char *at = *text;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(sum, 10, &sum) ||
			__builtin_add_overflow(sum, *at - '0', &sum))
			return false;
	if (at == *text)
		return false;
	*text = at;
	*number = sum;
	return true;
}

static bool
read_number(const char *text, int64_t *number)
{
	return read_digits(&text, number) && *text == '\0';
}

static bool
read_duration(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{"ms", 1},
		{"s", 1000},
		{"min", 60 * 1000},
		{"h", 60 * 60 * 1000},
		{"d", 24 * 60 * 60 * 1000},
	};
	int64_t count;

	if (!read_digits(&text, &count))
		return false;
	text += strspn(text, " ");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text, units[i].unit) == 0)
			return !__builtin_mul_overflow(count, units[i].ms, ms);
	return false;
}

static bool
read_bool(const char *text, int64_t *number)
{
	static const char *const words[] = {
		"off", "on", "false", "true", "no", "yes", "0", "1"};

	for (int i = 0; i < 8; i++)
		if (strcasecmp(text, words[i]) == 0) {
			*number = i & 1;
			return true;
		}
	return false;
}

/* Index of text among words that are separated by "|". */
static bool
read_choice(const char *words, const char *text, int64_t *number)
{
	size_t size = strlen(text);

	for (int64_t i = 0; *words; i++) {
		size_t length = strcspn(words, "|");

		if (length == size && strncmp(words, text, size) == 0) {
			*number = i;
			return true;
		}
		words += length + (words[length] == '|');
	}
	return false;
}

static bool
read_value(const struct acp_config_row *row, const char *text, int64_t *number)
{
	switch (row->type) {
	case ACP_CONFIG_DURATION:
		return read_duration(text, number);
	case ACP_CONFIG_NUMBER:
		return read_number(text, number);
	case ACP_CONFIG_BOOL:
		return read_bool(text, number);
	case ACP_CONFIG_CHOICE:
		return read_choice(row->words, text, number);
	case ACP_CONFIG_TEXT:
	case ACP_CONFIG_LIST:
	case ACP_CONFIG_SECRET:
		break;
	}
	*number = 0;
	return true;
}

/* True when number is inside "least..most" of its row. */
static bool
is_in_range(const struct acp_config_row *row, int64_t number)
{
	char least_text[NAME_MAX_SIZE] = "";
	int64_t least = 0, most = 0;
	size_t size;

	if (!row->words ||
		(row->type != ACP_CONFIG_DURATION &&
			row->type != ACP_CONFIG_NUMBER))
		return true;
	size = strcspn(row->words, ".");
	assert(size < sizeof(least_text));
	memcpy(least_text, row->words, size);
	if (!read_value(row, least_text, &least) ||
		!read_value(row, row->words + size + 2, &most))
		assert(false && "a range of the table is not least..most");
	return number >= least && number <= most;
}

static void
explain_value(const struct acp_config_row *row, const char *text,
	struct acp_buffer *why)
{
	acp_config_quote(why, text);
	switch (row->type) {
	case ACP_CONFIG_DURATION:
		acp_buffer_append(why,
			" is not a duration: a whole number and one of"
			" ms s min h d, for instance 30s");
		break;
	case ACP_CONFIG_NUMBER:
		acp_buffer_append(why, " is not a whole number");
		break;
	case ACP_CONFIG_BOOL:
		acp_buffer_append(why, " is neither on nor off");
		break;
	case ACP_CONFIG_CHOICE:
		acp_buffer_printf(why, " is not one of %s", row->words);
		break;
	case ACP_CONFIG_TEXT:
	case ACP_CONFIG_LIST:
	case ACP_CONFIG_SECRET:
		break;
	}
}

enum acp_error
acp_config_parse(const struct acp_config_row *row, const char *text,
	int64_t *number, struct acp_buffer *why)
{
	int64_t value;

	if (!read_value(row, text, &value)) {
		explain_value(row, text, why);
		return ACP_BAD_REQUEST;
	}
	if (!is_in_range(row, value)) {
		acp_config_quote(why, text);
		acp_buffer_printf(why, " is not in the range %s", row->words);
		return ACP_BAD_REQUEST;
	}
	*number = value;
	return ACP_OK;
}
