/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the configuration file with inih. inih cuts long lines, joins
 * indented ones and drops what follows " ;", all in silence, so the lines
 * are handed to it one at a time by a reader that refuses or tidies such
 * lines first, and that knows the number of the line being handled.
 */
#include <config.h>

#include "lib/config_store.h"

#include "lib/file.h"
#include "lib/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* "\r", "\n" and NUL, which inih counts as part of a line */
enum { LINE_END_SIZE = 3 };

struct reading {
	struct acp_config *config;
	struct acp_buffer *why; /* of this file alone */
	const char *path;
	mode_t mode;
	const char *at; /* rest of the text */
	const char *end;
	int line; /* number of the line handed out last */
	enum acp_error error;
	int error_line;
};

static enum acp_error
fail_line(struct reading *reading, const char *what)
{
	if (!reading->error)
		acp_buffer_printf(reading->why, "%s:%d: %s", reading->path,
			reading->line, what);
	reading->error = ACP_BAD_REQUEST;
	reading->error_line = reading->line;
	return ACP_BAD_REQUEST;
}

/* True when inih would take " ;" for a comment and cut the value there. */
static bool
has_cut(const char *line, size_t size)
{
#if HAVE_DECL_INI_ALLOW_INLINE_COMMENTS
	(void)line;
	(void)size;
	return false;
#else
	for (size_t i = 1; i < size && line[0] != '#' && line[0] != ';'; i++)
		if (line[i] == ';' && strchr(" \t", line[i - 1]))
			return true;
	return false;
#endif
}

static enum acp_error
check_line(struct reading *reading, const char *line, size_t size, size_t room)
{
	char message[80];

	if (memchr(line, '\0', size))
		return fail_line(reading, "a NUL byte");
	if (size > ACP_CONFIG_LINE_MAX || size + LINE_END_SIZE > room) {
		room -= LINE_END_SIZE;
		snprintf(message, sizeof(message), "longer than %zu bytes",
			room < ACP_CONFIG_LINE_MAX ? room
						   : ACP_CONFIG_LINE_MAX);
		return fail_line(reading, message);
	}
	if (size > 0 && line[0] == '[')
		return fail_line(
			reading, "sections are not used, remove this line");
	if (has_cut(line, size))
		return fail_line(reading,
			"a ';' after a space is not possible here; put a "
			"secret that has one into a file of its own");
	return ACP_OK;
}

/* An ini_reader: one line into room bytes, or NULL at the end. */
static char *
read_line(char *text, int room, void *context)
{
	struct reading *reading = context;
	const char *line = reading->at;
	const char *end;
	size_t size;

	if (line == reading->end || reading->error) {
		/* the buffer may have held a secret */
		acp_secret_wipe(text, (size_t)room);
		return NULL;
	}
	end = memchr(line, '\n', (size_t)(reading->end - line));
	reading->at = end ? end + 1 : reading->end;
	reading->line++;
	if (!end)
		end = reading->end;
	if (end > line && end[-1] == '\r')
		end--;
	/* an indented line would continue the one before it */
	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	size = (size_t)(end - line);
	if (check_line(reading, line, size, (size_t)room)) {
		acp_secret_wipe(text, (size_t)room);
		return NULL;
	}
	memcpy(text, line, size);
	memcpy(text + size, "\n", 2);
	return text;
}

/* A file with a secret in it that others may read is refused. */
static enum acp_error
check_mode(struct reading *reading, const struct acp_config_setting *setting)
{
	char message[160];

	if (setting->is_path || !(reading->mode & S_IROTH) ||
		acp_config_peek_row(setting->key)->type != ACP_CONFIG_SECRET)
		return ACP_OK;
	snprintf(message, sizeof(message),
		"%s in a file of mode %04o, which others may read: chmod 0640 "
		"it, or use %s_file",
		acp_config_peek_row(setting->key)->name,
		reading->mode & ALLPERMS,
		acp_config_peek_row(setting->key)->name);
	return fail_line(reading, message);
}

/* An ini_handler: 0 on failure. */
static int
take_pair(
	void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	char origin[PATH_MAX + 16];
	struct acp_config_setting setting = {.source = ACP_CONFIG_FROM_FILE,
		.origin = origin,
		.text = value};

	if (reading->error)
		return 0;
	if (*section) /* behind a byte order mark */
		return !fail_line(reading, "sections are not used");
	snprintf(origin, sizeof(origin), "%s:%d", reading->path, reading->line);
	if (!acp_config_find(name, &setting.key, &setting.is_path)) {
		acp_buffer_printf(reading->why, "%s: ", origin);
		acp_config_explain_unknown(name, reading->why);
		reading->error = ACP_BAD_REQUEST;
	} else if (check_mode(reading, &setting) == ACP_OK) {
		reading->error = acp_config_store(
			reading->config, &setting, reading->why);
	}
	reading->error_line = reading->line;
	return !reading->error;
}

static enum acp_error
parse_text(struct reading *reading)
{
	int line;

#if HAVE_DECL_INI_MAX_LINE
	ini_max_line = ACP_CONFIG_LINE_MAX + LINE_END_SIZE;
#endif
#if HAVE_DECL_INI_ALLOW_INLINE_COMMENTS
	ini_allow_inline_comments = false;
#endif
	line = ini_parse_stream(read_line, reading, take_pair, reading);
	if (line < 0) {
		acp_buffer_printf(
			reading->why, "%s: out of memory", reading->path);
		return ACP_FAULT;
	}
	/* inih went on to later lines after one that it did not understand */
	if (line > 0 && (!reading->error || line < reading->error_line)) {
		acp_buffer_clear(reading->why);
		reading->error = ACP_OK;
		reading->line = line;
		fail_line(reading, "not of the form key = value");
	}
	return reading->error;
}

static enum acp_error
open_file(const char *path, int *fd, mode_t *mode, bool *is_null,
	struct acp_buffer *why)
{
	struct stat status;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0 || fstat(*fd, &status) < 0) {
		acp_buffer_printf(why, "%s: %s", path, strerror(errno));
		return errno == ENOENT ? ACP_GONE : ACP_BAD_REQUEST;
	}
	/* "--config /dev/null" is how one says: no file */
	if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))
		*is_null = true;
	*mode = status.st_mode;
	if (S_ISREG(status.st_mode) && status.st_mode & S_IWOTH) {
		acp_buffer_printf(why,
			"%s: mode %04o lets others write it: chmod 0640 it",
			path, status.st_mode & ALLPERMS);
		return ACP_BAD_REQUEST;
	}
	return ACP_OK;
}

enum acp_error
acp_config_read_file(
	struct acp_config *config, const char *path, struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret text;
	ACP_AUTO(fd) int fd = -1;
	ACP_AUTO(buffer) struct acp_buffer said;
	struct reading reading = {.config = config, .path = path, .why = &said};
	enum acp_error error;
	bool is_null = false;

	acp_secret_init(&text);
	acp_buffer_init(&said, why->limit);
	error = open_file(path, &fd, &reading.mode, &is_null, why);
	if (error || is_null)
		return error;
	if (acp_file_read_fd(fd, path, ACP_CONFIG_FILE_MAX, &text, why))
		return ACP_BAD_REQUEST;
	reading.at = acp_secret_peek(&text);
	reading.end = reading.at + text.size;
	error = parse_text(&reading);
	acp_buffer_append(why, acp_buffer_peek(&said));
	return error;
}
