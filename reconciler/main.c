/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ambient-cp-reconciler: the order in which it starts. Holds private keys,
 * so it gives up what it does not need before it reads anything.
 */
#include <config.h>

#include "lib/confine.h"
#include "lib/config.h"
#include "lib/log.h"
#include "reconciler/exit_code.h"
#include "reconciler/options.h"
#include "reconciler/run.h"

#include <stdio.h>

enum { MESSAGE_MAX = 64 * 1024 };

static int
fail_usage(const struct acp_buffer *why)
{
	fprintf(stderr, "%s: %s\n", acp_reconciler_spec.program,
		acp_buffer_peek(why));
	return ACP_EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	ACP_AUTO(reconciler_options) struct acp_reconciler_options options;
	ACP_AUTO(config) struct acp_config *config = NULL;
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_confine_streams();
	acp_confine_process();
	acp_buffer_init(&text, MESSAGE_MAX);
	if (acp_reconciler_options_read(&options, argc, argv, &text))
		return fail_usage(&text);
	if (options.line.is_help || options.line.is_version)
		return (int)acp_run_describe(&options);
	if (acp_run_check_mode(&options, &text))
		return fail_usage(&text);
	if (acp_options_load(&options.line, &config, &text))
		return fail_usage(&text);
	acp_log_configure((enum acp_log_level)acp_config_get_choice(
				  config, ACP_CONFIG_LOG_LEVEL),
		(enum acp_log_format)acp_config_get_choice(
			config, ACP_CONFIG_LOG_FORMAT));
	return (int)acp_run(&options, config);
}
