/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes through a file, for that is the only way in; it is gone at once.
 */
#include <config.h>

#include "tests/unit/config_lines.h"

#include "lib/auto.h"
#include "lib/file.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct acp_config *
config_of_lines(enum acp_config_program program, const char *lines)
{
	char path[] = "/tmp/acp-config-XXXXXX";
	struct acp_config *config = NULL;
	ACP_AUTO(fd) int fd = mkstemp(path);
	ACP_AUTO(buffer) struct acp_buffer why;
	ssize_t size = (ssize_t)strlen(lines);
	enum acp_error error;

	acp_buffer_init(&why, 10000);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, lines, strlen(lines)), size);
	config = acp_config_new(program);
	error = acp_config_read_file(config, path, &why);
	unlink(path);
	ck_assert_msg(error == ACP_OK, "%s", acp_buffer_peek(&why));
	ck_assert_int_eq(acp_config_finish(config, &why), ACP_OK);
	return config;
}
