/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the modes of the reconciler do and print: results on stdout, failures
 * as log lines. Called by main, once.
 */
#ifndef ACP_RECONCILER_RUN_H
#define ACP_RECONCILER_RUN_H

#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/error.h"
#include "reconciler/exit_code.h"
#include "reconciler/options.h"

#include <stdbool.h>

/* Prints the answer to --help or --version. */
enum acp_exit_code acp_run_describe(
	const struct acp_reconciler_options *options);

/*
 * ACP_BAD_REQUEST with a reason in why for a mode that is not there yet, and
 * for options that do not go together.
 */
ACP_MUST_CHECK enum acp_error acp_run_check_mode(
	const struct acp_reconciler_options *options, struct acp_buffer *why);

/* --local: a line that says which key there is, or that as JSON. */
enum acp_exit_code acp_run_local(const struct acp_config *config, bool is_json);

/*
 * --local --print-url: the token URL bound to that session, under the current
 * key, or an object with key id and URL; changes nothing. It is a secret.
 */
enum acp_exit_code acp_run_print_url(
	const struct acp_config *config, const char *session, bool is_json);

/* --local --check: the configuration and the key file; changes nothing. */
enum acp_exit_code acp_run_check(const struct acp_config *config);

#endif
