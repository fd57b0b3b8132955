/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line an event on stderr, JSON or text. An event has a fixed word for a
 * name and typed fields; values are escaped and cut at ACP_LOG_VALUE_MAX.
 * Never pass a token, ciphertext, proof, handle, key, header or raw session
 * id, at any level. Thread-safe: a line is one write(2).
 */
#ifndef ACP_LIB_LOG_H
#define ACP_LIB_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum acp_log_level {
	ACP_LOG_DEBUG,
	ACP_LOG_INFO,
	ACP_LOG_WARN,
	ACP_LOG_ERROR,
	ACP_LOG_LEVEL__MAX
};

enum acp_log_format {
	ACP_LOG_FORMAT_AUTO, /* text on a terminal, else JSON */
	ACP_LOG_FORMAT_JSON,
	ACP_LOG_FORMAT_TEXT,
	ACP_LOG_FORMAT__MAX
};

enum acp_log_kind {
	ACP_LOG_END,
	ACP_LOG_TEXT, /* left out when the text is NULL */
	ACP_LOG_INTEGER,
	ACP_LOG_SECONDS, /* given in microseconds, printed in seconds */
};

struct acp_log_field {
	enum acp_log_kind kind;
	const char *name;
	const char *text;
	int64_t integer;
};

#define ACP_F_TEXT(field, value) \
	{ \
		.kind = ACP_LOG_TEXT, .name = (field), .text = (value) \
	}
#define ACP_F_INT(field, value) \
	{ \
		.kind = ACP_LOG_INTEGER, .name = (field), \
		.integer = (int64_t)(value) \
	}
#define ACP_F_SECONDS(field, microseconds) \
	{ \
		.kind = ACP_LOG_SECONDS, .name = (field), \
		.integer = (microseconds) \
	}

/* acp_log(ACP_LOG_INFO, "key_loaded", ACP_F_TEXT("key_id", id), ...); */
#define acp_log(level, event, ...) \
	acp_log_write((level), (event), \
		(const struct acp_log_field[]){ \
			__VA_ARGS__ __VA_OPT__(, ){.kind = ACP_LOG_END}})

/* Before any thread; level and format may be changed again at a reload. */
void acp_log_configure(enum acp_log_level level, enum acp_log_format format);

/* True when a line of that level would be written. */
bool acp_log_is_on(enum acp_log_level level);

/*
 * Use the macro. fields ends with kind ACP_LOG_END. When nobody reads standard
 * error it waits for that ACP_LOG_WAIT_MS once, then drops lines until somebody
 * does, and tells how many.
 */
void acp_log_write(enum acp_log_level level, const char *event,
	const struct acp_log_field *fields);

/*
 * A line with a "message" field, for what a human must read whole. The text
 * should name the thing that is wrong and what to do.
 */
void acp_log_message(enum acp_log_level level, const char *event,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
