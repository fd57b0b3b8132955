/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How members of a row are read, for the files that read rows. The first
 * fault is kept, and says which member it was; a bad member is as absent.
 */
#ifndef ACP_RECONCILER_ROW_READER_H
#define ACP_RECONCILER_ROW_READER_H

#include "reconciler/arena.h"

#include <json-c/json_object.h>
#include <stddef.h>
#include <stdint.h>

struct acp_row_reader {
	const struct json_object *object; /* borrowed */
	struct acp_arena *arena; /* of every copy */
	const char *bad; /* the first fault, NULL: none */
};

/* printf of a fault, unless there was one before. */
void acp_row_refuse(struct acp_row_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Borrowed text of a member; NULL for absent and null, and for bad ones. */
const char *acp_row_peek_text(struct acp_row_reader *reader, const char *name,
	size_t max, size_t *size);

/* A copy of a printable member, NULL when it is absent, empty or bad. */
const char *acp_row_read_name(
	struct acp_row_reader *reader, const char *name, size_t max);

/* The same for a member that may also have line breaks and tabs. */
const char *acp_row_read_text(
	struct acp_row_reader *reader, const char *name, size_t max);

/*
 * Microseconds since 1970; 0 when it is absent, and for year 1, which is Go's
 * word for that.
 */
int64_t acp_row_read_time(struct acp_row_reader *reader, const char *name);

#endif
