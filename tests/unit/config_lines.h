/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration of the lines of a file, for the tests of what is made of
 * it. Only lines count: the environment is not read.
 */
#ifndef ACP_TESTS_UNIT_CONFIG_LINES_H
#define ACP_TESTS_UNIT_CONFIG_LINES_H

#include "lib/config.h"

/* Read and finished; caller owns. The test fails where it cannot be. */
struct acp_config *config_of_lines(
	enum acp_config_program program, const char *lines);

#endif
