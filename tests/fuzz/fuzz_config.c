/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/config.h: any bytes as a configuration file, for either program. A
 * refusal says why; what was read can be described and asked for. Files
 * that keys name are not read: their paths would be foreign too.
 */
#include <config.h>

#include "lib/config.h"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_MAX ((size_t)1024 * 1024)

/* Puts the bytes into a file in memory and its name into path. */
static int
open_file(const uint8_t *data, size_t size, char *path, size_t path_size)
{
	int fd = memfd_create("config", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600) < 0)
		abort();
	while (size) {
		ssize_t count = write(fd, data, size);

		if (count <= 0)
			abort();
		data += count;
		size -= (size_t)count;
	}
	snprintf(path, path_size, "/proc/self/fd/%d", fd);
	return fd;
}

static void
expect_described(const struct acp_config *config)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, WORDS_MAX);
	acp_config_describe(config, &text);
	if (text.is_failed || !text.size)
		abort();
}

static void
expect_values(const struct acp_config *config)
{
	size_t count = 0;
	size_t bits = acp_config_get_number(config, ACP_CONFIG_KEY_BITS);
	int64_t wait =
		acp_config_get_duration_ms(config, ACP_CONFIG_QUEUE_WAIT);
	int level = acp_config_get_choice(config, ACP_CONFIG_LOG_LEVEL);

	if (bits < 2048 || bits > 8192)
		abort();
	if (wait < 1000 || wait > 600000)
		abort();
	if (level < 0 || level > 3)
		abort();
	if (!acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count) ||
		!count)
		abort();
}

static void
read_as(enum acp_config_program program, const char *path)
{
	struct acp_config *config = acp_config_new(program);
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error;

	acp_buffer_init(&why, WORDS_MAX);
	error = acp_config_read_file(config, path, &why);
	if (error != ACP_OK && error != ACP_BAD_REQUEST)
		abort();
	if ((error == ACP_OK) != (why.size == 0) || why.is_failed)
		abort();
	if (error == ACP_OK) {
		expect_described(config);
		expect_values(config);
	}
	acp_config_free(&config);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	ACP_AUTO(fd) int fd = -1;

	fd = open_file(data, size, path, sizeof(path));

	read_as(ACP_CONFIG_FOR_TOKEN, path);
	read_as(ACP_CONFIG_FOR_RECONCILER, path);
	return 0;
}
