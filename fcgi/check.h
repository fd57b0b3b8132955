/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the responder prints for an operator instead of serving.
 */
#ifndef ACP_FCGI_CHECK_H
#define ACP_FCGI_CHECK_H

#include "lib/options.h"

/*
 * --check: reads configuration and key files, and prints on standard output
 * what would be used, a line each, and what is wrong. Returns the exit
 * status: 0 when it would serve, 2 when not.
 */
int acp_check_print(const struct acp_options *options);

/*
 * --log-id: prints the name of a session in the log under the current key.
 * Returns the exit status: 0, or 2 with the reason on standard error.
 */
int acp_check_print_log_id(
	const struct acp_options *options, const char *session);

#endif
