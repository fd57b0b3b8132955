/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts processors. Called once when settings are read. What cannot be read
 * limits nothing: too many workers cost little.
 */
#include <config.h>

#include "fcgi/processors.h"

#include "lib/buffer.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/secret.h"

#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t
acp_processors_parse_quota(const char *text)
{
	unsigned long long quota, period;
	char *end;

	/* no sign and no space, which strtoull would take */
	if (*text < '0' || *text > '9')
		return SIZE_MAX;
	quota = strtoull(text, &end, 10);
	if (*end != ' ' || end[1] < '0' || end[1] > '9')
		return SIZE_MAX;
	period = strtoull(end + 1, &end, 10);
	if ((*end != '\n' && *end != '\0') || period == 0 || quota == 0 ||
		quota == ULLONG_MAX)
		return SIZE_MAX;
	return (size_t)((quota - 1) / period + 1);
}

/* The text of a file; "" when it cannot be read. */
static const char *
read_text(const char *path, struct acp_secret *content)
{
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	if (acp_file_read(path, ACP_CGROUP_FILE_MAX, content, &why))
		return "";
	return acp_secret_peek(content);
}

static size_t
read_quota(const char *root, const char *group)
{
	ACP_AUTO(secret) struct acp_secret content;
	ACP_AUTO(buffer) struct acp_buffer path;

	acp_secret_init(&content);
	acp_buffer_init(&path, PATH_MAX);
	acp_buffer_printf(&path, "%s%s/cpu.max", root, group);
	if (path.is_failed)
		return SIZE_MAX;
	return acp_processors_parse_quota(read_text(path.text, &content));
}

/* The path of the v2 group in such a list, caller frees; NULL without one. */
static char *
find_group(const char *list)
{
	static const char start[] = "0::/";
	ACP_AUTO(secret) struct acp_secret content;
	const char *line;

	acp_secret_init(&content);
	line = read_text(list, &content);
	while (line && strncmp(line, start, strlen(start)) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return NULL;
	line += strlen(start) - 1;
	return acp_memory_dup_bytes(line, strcspn(line, "\n"));
}

size_t
acp_processors_find_quota(const char *list, const char *root)
{
	ACP_AUTO(free) char *group = find_group(list);
	size_t least = SIZE_MAX;
	char *end = group;

	while (end) {
		size_t quota = read_quota(root, group);

		if (quota < least)
			least = quota;
		end = strrchr(group, '/');
		if (end)
			*end = '\0';
	}
	return least;
}

size_t
acp_processors_count(void)
{
	size_t quota = acp_processors_find_quota(
		"/proc/self/cgroup", "/sys/fs/cgroup");
	cpu_set_t set;
	size_t count = 1;

	/* what this process may run on, not what the machine has */
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = (size_t)CPU_COUNT(&set);
	return quota < count ? quota : count;
}
