/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of every program: --config, --check, --help, --version,
 * a flag for each configuration key, and what a program has of its own. The
 * line is read once; the configuration may be loaded from it again and again
 * (start, reload). Only main reads it, before there are threads.
 */
#ifndef ACP_LIB_OPTIONS_H
#define ACP_LIB_OPTIONS_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

#define ACP_OPTIONS_OWN_MAX 32

/* An option of one program; texts are static. */
struct acp_option {
	const char *name; /* without dashes */
	const char *argument; /* its word in --help; NULL: takes no argument */
	const char *text; /* one sentence for --help */
};

/* A program's command line; own ends with a NULL name, and is indexed. */
struct acp_options_spec {
	const char *program; /* "ambient-cp-token" */
	const char *purpose; /* one sentence for --help */
	enum acp_config_program kind;
	const struct acp_option *own; /* at most ACP_OPTIONS_OWN_MAX */
};

struct acp_options {
	const struct acp_options_spec *spec;
	const char
		*config_path; /* NULL: ACP_CONFIG_FILE, which may be absent */
	bool is_check;
	bool is_help;
	bool is_version;
	/* by index into spec->own: NULL not given, "" when it takes none */
	const char *own[ACP_OPTIONS_OWN_MAX];
	/* the rest is for lib/options.c */
	struct acp_options_flag *flags;
	size_t flag_count;
};

/*
 * Reads the line; argv must outlive options, and is not reordered for good:
 * an argument that is not an option is an error. An own option given again
 * replaces the one before. ACP_BAD_REQUEST with a reason in why (never the
 * value of an option that is not known: it could be a secret). options is to
 * be cleared in both cases.
 */
ACP_MUST_CHECK enum acp_error acp_options_read(struct acp_options *options,
	const struct acp_options_spec *spec, int argc, char **argv,
	struct acp_buffer *why);
void acp_options_clear(struct acp_options *options);

/*
 * Options as if no argument had been given, for CGI (RFC 3875 §4.4: argv
 * may be the query).
 */
void acp_options_init(
	struct acp_options *options, const struct acp_options_spec *spec);

/*
 * Makes a finished configuration: file, environment, flags. A file that was
 * named by --config must exist. Caller owns *config. ACP_BAD_REQUEST with a
 * reason in why.
 */
ACP_MUST_CHECK enum acp_error acp_options_load(
	const struct acp_options *options, struct acp_config **config,
	struct acp_buffer *why);

/* The file that acp_options_load reads; never NULL. */
const char *acp_options_peek_config_path(const struct acp_options *options);

/* Appends the answer to --help, and to --version. */
void acp_options_describe(
	const struct acp_options_spec *spec, struct acp_buffer *text);
void acp_options_describe_version(
	const struct acp_options_spec *spec, struct acp_buffer *text);

ACP_AUTO_DEFINE(options, struct acp_options, acp_options_clear)

#endif
