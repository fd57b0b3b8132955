/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of all programs: flags over environment over file. The
 * keys are in lib/config_keys.h, the only place where one is described; the
 * manual page and the annotated file are checked against it.
 */
#ifndef ACP_LIB_CONFIG_H
#define ACP_LIB_CONFIG_H

#include "lib/buffer.h"
#include "lib/config_keys.h"
#include "lib/error.h"
#include "lib/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum acp_config_key {
#define ACP_CONFIG_ENUM(symbol, ...) ACP_CONFIG_##symbol,
	ACP_CONFIG_KEYS(ACP_CONFIG_ENUM)
#undef ACP_CONFIG_ENUM
		ACP_CONFIG_KEY__MAX
};

enum acp_config_program {
	ACP_CONFIG_FOR_TOKEN = 1, /* ambient-cp-token */
	ACP_CONFIG_FOR_RECONCILER = 2,
	ACP_CONFIG_FOR_BOTH = 3
};

struct acp_config;

/* Every key at its default; caller owns. */
struct acp_config *acp_config_new(enum acp_config_program program);
void acp_config_free(struct acp_config **config);

/*
 * Later sources win; call them in this order. Each fails with
 * ACP_BAD_REQUEST (ACP_GONE: no such file) and says in why what is wrong,
 * where ("FILE:LINE", "environment NAME", "--flag") and what is allowed. A
 * key that belongs to the other program is checked and otherwise ignored; a
 * key given twice in one source is an error unless it is a list. A file with
 * a secret in it that others may read is refused; /dev/null is an empty one.
 * Secrets are never flags.
 */
ACP_MUST_CHECK enum acp_error acp_config_read_file(
	struct acp_config *config, const char *path, struct acp_buffer *why);
ACP_MUST_CHECK enum acp_error acp_config_read_environment(
	struct acp_config *config, struct acp_buffer *why);
/*
 * One flag: name without dashes ("key-file"), value as given, NULL for a
 * BOOL without one ("on"). A secret's flag is its path: "api-token-file".
 */
ACP_MUST_CHECK enum acp_error acp_config_set_flag(struct acp_config *config,
	const char *name, const char *value, struct acp_buffer *why);

/*
 * Reads what the …_file keys name; call last. api_token_file alone is left
 * to who uses it, because it changes while the program runs.
 */
ACP_MUST_CHECK enum acp_error acp_config_finish(
	struct acp_config *config, struct acp_buffer *why);

/* True when the key was given by file, environment or flag. */
bool acp_config_is_set(
	const struct acp_config *config, enum acp_config_key key);

/*
 * Values by the type of the key; asking for another type is a bug (assert).
 * Texts and secrets live as the config; a text that is not set and has no
 * default is NULL, such a secret is empty.
 */
const char *acp_config_peek_text(
	const struct acp_config *config, enum acp_config_key key);
const struct acp_secret *acp_config_peek_secret(
	const struct acp_config *config, enum acp_config_key key);
/* Where a secret was said to be, NULL when it was not given as a file. */
const char *acp_config_peek_secret_file(
	const struct acp_config *config, enum acp_config_key key);
/* A list: count values, current first; borrowed. */
const char *const *acp_config_peek_list(const struct acp_config *config,
	enum acp_config_key key, size_t *count);
int64_t acp_config_get_duration_ms(
	const struct acp_config *config, enum acp_config_key key);
size_t acp_config_get_number(
	const struct acp_config *config, enum acp_config_key key);
bool acp_config_get_bool(
	const struct acp_config *config, enum acp_config_key key);
/* Index of the word in the key's list of words. */
int acp_config_get_choice(
	const struct acp_config *config, enum acp_config_key key);

/*
 * Appends a line for each key of this program: "name = value  (origin)",
 * a secret as "set" or "not set", the password of a URL as "***".
 */
void acp_config_describe(
	const struct acp_config *config, struct acp_buffer *text);

/* Appends two lines for each flag of this program, for --help. */
void acp_config_describe_flags(
	enum acp_config_program program, struct acp_buffer *text);

struct acp_config_flag {
	char name[64]; /* as acp_config_set_flag takes it */
	bool is_bool; /* its value may be left out */
};

/*
 * Gives the flags of a program one after the other: *position starts at 0;
 * false at the end.
 */
bool acp_config_next_flag(enum acp_config_program program, size_t *position,
	struct acp_config_flag *flag);

ACP_AUTO_DEFINE(config, struct acp_config *, acp_config_free)

#endif
