/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of lib/config_keys.h as data, and the words a value may have.
 * For lib/config*.c alone: programs ask lib/config.h.
 */
#ifndef ACP_LIB_CONFIG_TABLE_H
#define ACP_LIB_CONFIG_TABLE_H

#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum acp_config_type {
	ACP_CONFIG_TEXT,
	ACP_CONFIG_LIST,
	ACP_CONFIG_SECRET,
	ACP_CONFIG_DURATION,
	ACP_CONFIG_NUMBER,
	ACP_CONFIG_BOOL,
	ACP_CONFIG_CHOICE
};

/* A row; texts are static, NULL where the table has NULL. */
struct acp_config_row {
	const char *name;
	const char *environment;
	enum acp_config_type type;
	const char *value; /* default */
	const char *words;
	enum acp_config_program program;
	const char *text;
};

/* Lives as the program; never NULL. */
const struct acp_config_row *acp_config_peek_row(enum acp_config_key key);

/*
 * Finds a key by its name in the file; name_file of a SECRET finds it too,
 * with *is_path true.
 */
bool acp_config_find(const char *name, enum acp_config_key *key, bool *is_path);

/*
 * Appends what is wrong with a name that is no key, with the nearest one if
 * one is close. A name that could be anything but a key is not repeated.
 */
void acp_config_explain_unknown(const char *name, struct acp_buffer *why);

/*
 * Turns the text of a DURATION (milliseconds), NUMBER, BOOL (0, 1) or CHOICE
 * (index of the word) into a number and checks its range. ACP_BAD_REQUEST
 * with what is allowed in why.
 */
ACP_MUST_CHECK enum acp_error acp_config_parse(const struct acp_config_row *row,
	const char *text, int64_t *number, struct acp_buffer *why);

/* Appends at most 80 bytes of text in quotes, what is not printable as "?". */
void acp_config_quote(struct acp_buffer *buffer, const char *text);

#endif
