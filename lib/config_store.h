/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a configuration and the one way into them, for the readers
 * of the sources: lib/config*.c alone. Programs ask lib/config.h.
 */
#ifndef ACP_LIB_CONFIG_STORE_H
#define ACP_LIB_CONFIG_STORE_H

#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/config_table.h"
#include "lib/limits.h"
#include "lib/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of their precedence. */
enum acp_config_source {
	ACP_CONFIG_FROM_DEFAULT,
	ACP_CONFIG_FROM_FILE,
	ACP_CONFIG_FROM_ENVIRONMENT,
	ACP_CONFIG_FROM_FLAG
};

struct acp_config_value {
	enum acp_config_source source;
	char *origin; /* NULL: default */
	char *items[ACP_CONFIG_LIST_MAX]; /* LIST, and TEXT and words in [0] */
	size_t count;
	int64_t number; /* DURATION in ms, NUMBER, BOOL, CHOICE */
	struct acp_secret secret;
	char *secret_file; /* NULL: not given as a file */
};

struct acp_config {
	enum acp_config_program program;
	struct acp_config_value values[ACP_CONFIG_KEY__MAX];
};

/* One key as a source gives it; texts are borrowed. */
struct acp_config_setting {
	enum acp_config_source source;
	const char *origin; /* "FILE:LINE", "environment NAME", "--flag" */
	enum acp_config_key key;
	bool is_path; /* text is where the secret is, not the secret */
	const char *text;
};

/* Checks and stores one; ACP_BAD_REQUEST with origin and key in why. */
ACP_MUST_CHECK enum acp_error acp_config_store(struct acp_config *config,
	const struct acp_config_setting *setting, struct acp_buffer *why);

#endif
