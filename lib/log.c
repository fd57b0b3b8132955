/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log writer of all programs. Owns the level and the format, nothing
 * else. A reader of stderr that has stopped must not stop the program: once
 * it was waited for in vain, lines are dropped, and counted, until it reads.
 */
#include <config.h>

#include "lib/log.h"

#include "lib/buffer.h"
#include "lib/clock.h"
#include "lib/limits.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

static _Atomic enum acp_log_level threshold = ACP_LOG_INFO;
static atomic_bool is_json = true;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static bool is_stalled; /* stderr was waited for in vain; while writing */
static atomic_uint dropped; /* lines since then */

void
acp_log_configure(enum acp_log_level level, enum acp_log_format format)
{
	threshold = level;
	is_json = format == ACP_LOG_FORMAT_JSON ||
		(format == ACP_LOG_FORMAT_AUTO && !isatty(STDERR_FILENO));
}

bool
acp_log_is_on(enum acp_log_level level)
{
	return level >= threshold;
}

static const char *
name_level(enum acp_log_level level)
{
	switch (level) {
	case ACP_LOG_DEBUG:
		return "debug";
	case ACP_LOG_INFO:
		return "info";
	case ACP_LOG_WARN:
		return "warn";
	case ACP_LOG_ERROR:
	case ACP_LOG_LEVEL__MAX:
		break;
	}
	return "error";
}

static void
append_text(struct acp_buffer *line, const char *text)
{
	acp_buffer_append_json(line, text, strnlen(text, ACP_LOG_VALUE_MAX));
}

static void
append_field(struct acp_buffer *line, const struct acp_log_field *field)
{
	if (field->kind == ACP_LOG_TEXT && !field->text)
		return;
	acp_buffer_append(line, is_json ? ",\"" : " ");
	acp_buffer_append(line, field->name);
	acp_buffer_append(line, is_json ? "\":" : "=");
	switch (field->kind) {
	case ACP_LOG_TEXT:
		append_text(line, field->text);
		break;
	case ACP_LOG_INTEGER:
		acp_buffer_printf(line, "%lld", (long long)field->integer);
		break;
	case ACP_LOG_SECONDS:
		acp_buffer_printf(line, "%.6f", (double)field->integer / 1e6);
		break;
	case ACP_LOG_END:
		break;
	}
}

static void
append_start(
	struct acp_buffer *line, enum acp_log_level level, const char *event)
{
	char now[ACP_CLOCK_TEXT_SIZE];

	acp_clock_format(acp_clock_wall_ms(), 3, now);
	if (is_json)
		acp_buffer_printf(line,
			"{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"",
			now, name_level(level), event);
	else
		acp_buffer_printf(
			line, "%s %-5s %s", now, name_level(level), event);
}

/* False when nobody reads: waits for that once, then not until it works. */
static bool
may_write(void)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&out, 1, is_stalled ? 0 : ACP_LOG_WAIT_MS) == 0) {
		is_stalled = true;
		return false;
	}
	is_stalled = false;
	return true;
}

static bool
has_written(const struct acp_buffer *line)
{
	size_t written = 0;
	ssize_t n;

	while (written < line->size) {
		if (!may_write())
			return false;
		/* a pipe that is ready takes this much without a wait */
		n = write(STDERR_FILENO, line->text + written,
			line->size - written < PIPE_BUF ? line->size - written
							: PIPE_BUF);
		if (n <= 0)
			return false;
		written += (size_t)n;
	}
	return true;
}

static void
write_line(const struct acp_buffer *line)
{
	unsigned int lost;
	bool is_written;

	/* or two writers find room for one, and the other has to wait */
	pthread_mutex_lock(&writing);
	is_written = has_written(line);
	pthread_mutex_unlock(&writing);
	if (!is_written) {
		dropped++;
		return;
	}
	lost = atomic_exchange(&dropped, 0);
	if (lost > 0)
		acp_log(ACP_LOG_WARN, "log_lines_dropped",
			ACP_F_INT("lines", lost));
}

void
acp_log_write(enum acp_log_level level, const char *event,
	const struct acp_log_field *fields)
{
	ACP_AUTO(buffer) struct acp_buffer line;

	acp_buffer_init(&line, ACP_LOG_LINE_MAX);
	if (!acp_log_is_on(level))
		return;
	append_start(&line, level, event);
	for (; fields->kind != ACP_LOG_END; fields++)
		append_field(&line, fields);
	/* room for these two bytes is left even by a line that was cut */
	line.is_failed = false;
	line.limit += 2;
	acp_buffer_append(&line, is_json ? "}\n" : "\n");
	write_line(&line);
}

void
acp_log_message(
	enum acp_log_level level, const char *event, const char *format, ...)
{
	char message[ACP_LOG_VALUE_MAX];
	va_list arguments;

	if (!acp_log_is_on(level))
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	acp_log(level, event, ACP_F_TEXT("message", message));
}
