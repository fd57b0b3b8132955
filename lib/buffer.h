/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing text with a sticky failure flag: append freely, look once at the
 * end. The flag is set when the text would pass the limit given at init (or
 * a format fails); from then on appends do nothing. Not for secrets that
 * must be wiped: see lib/secret.h.
 */
#ifndef ACP_LIB_BUFFER_H
#define ACP_LIB_BUFFER_H

#include "lib/auto.h"

#include <stdbool.h>
#include <stddef.h>

struct acp_buffer {
	char *text; /* NUL behind size bytes; NULL while empty */
	size_t size; /* bytes, without the NUL */
	size_t room;
	size_t limit;
	bool is_failed;
};

/* Empty buffer that may hold up to limit bytes; nothing is allocated yet. */
void acp_buffer_init(struct acp_buffer *buffer, size_t limit);

/* Frees the text, ready for reuse with the same limit. */
void acp_buffer_clear(struct acp_buffer *buffer);

/* Appends; sets is_failed and appends nothing when the limit is passed. */
void acp_buffer_append(struct acp_buffer *buffer, const char *text);
void acp_buffer_append_bytes(
	struct acp_buffer *buffer, const void *bytes, size_t size);
void acp_buffer_printf(struct acp_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Appends text as a JSON string with its quotes (RFC 8259 §7): controls,
 * quote and backslash escaped, also < > & and DEL; bytes that are not UTF-8
 * become U+FFFD.
 */
void acp_buffer_append_json(
	struct acp_buffer *buffer, const char *text, size_t size);

/* The text so far, "" while empty; borrowed until the next append. */
const char *acp_buffer_peek(const struct acp_buffer *buffer);

/* Gives the text up to the caller, who frees it; never NULL. */
char *acp_buffer_steal(struct acp_buffer *buffer);

ACP_AUTO_DEFINE(buffer, struct acp_buffer, acp_buffer_clear)

#endif
