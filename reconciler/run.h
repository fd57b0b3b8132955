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

/* Prints the answer to --help or --version. */
enum acp_exit_code acp_run_describe(
	const struct acp_reconciler_options *options);

/* ACP_BAD_REQUEST, with a reason in why, for options that do not go together. */
ACP_MUST_CHECK enum acp_error acp_run_check_mode(
	const struct acp_reconciler_options *options, struct acp_buffer *why);

/* Does what the options say, and returns when that is done. */
enum acp_exit_code acp_run(const struct acp_reconciler_options *options,
	const struct acp_config *config);

#endif
