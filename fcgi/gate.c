/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FastCGI record checker. Called by the acceptor with what it peeked at;
 * keeps nothing between calls.
 */
#include <config.h>

#include "fcgi/gate.h"

#include "lib/limits.h"

#include <stdbool.h>
#include <string.h>

/* FastCGI 1.0 §8 */
enum {
	FCGI_1 = 1,
	TYPE_BEGIN_REQUEST = 1,
	TYPE_PARAMS = 4,
	ROLE_RESPONDER = 1,
	HEADER_SIZE = 8,
	BEGIN_BODY_SIZE = 8,
};

struct record {
	uint8_t type;
	unsigned int id;
	const uint8_t *content;
	size_t size;
	size_t padding;
};

/* The bytes yet to be read. */
struct cursor {
	const uint8_t *next;
	size_t left;
};

static unsigned int
read_u16(const uint8_t *bytes)
{
	return (unsigned int)(bytes[0] << 8 | bytes[1]);
}

static enum acp_gate_verdict
read_record(struct cursor *cursor, struct record *record)
{
	size_t whole;

	if (cursor->left > 0 && cursor->next[0] != FCGI_1)
		return ACP_GATE_REFUSED;
	if (cursor->left < HEADER_SIZE)
		return ACP_GATE_INCOMPLETE;
	record->type = cursor->next[1];
	record->id = read_u16(cursor->next + 2);
	record->size = read_u16(cursor->next + 4);
	record->content = cursor->next + HEADER_SIZE;
	record->padding = cursor->next[6];
	whole = HEADER_SIZE + record->size + record->padding;
	if (cursor->left < whole)
		return ACP_GATE_INCOMPLETE;
	cursor->next += whole;
	cursor->left -= whole;
	return ACP_GATE_WHOLE;
}

static enum acp_gate_verdict
read_begin(struct cursor *cursor, unsigned int *id)
{
	struct record record;
	enum acp_gate_verdict verdict;

	/* one byte of the type tells enough to refuse at once */
	if (cursor->left > 1 && cursor->next[1] != TYPE_BEGIN_REQUEST)
		return ACP_GATE_REFUSED;
	verdict = read_record(cursor, &record);
	if (verdict != ACP_GATE_WHOLE)
		return verdict;
	/* padding here is what libfcgi would read as the next record */
	if (record.id == 0 || record.size != BEGIN_BODY_SIZE ||
		record.padding > 0 ||
		read_u16(record.content) != ROLE_RESPONDER)
		return ACP_GATE_REFUSED;
	*id = record.id;
	return ACP_GATE_WHOLE;
}

/* A name or value length: one byte, or four with the top bit set (§3.4). */
static bool
read_length(struct cursor *cursor, size_t *length)
{
	const uint8_t *bytes = cursor->next;
	size_t size = cursor->left > 0 && bytes[0] & 0x80 ? 4 : 1;

	if (cursor->left < size)
		return false;
	*length = bytes[0];
	if (size == 4)
		*length = (size_t)(bytes[0] & 0x7f) << 24 |
			(size_t)bytes[1] << 16 | read_u16(bytes + 2);
	cursor->next += size;
	cursor->left -= size;
	return true;
}

/* True when the bytes are name-value pairs without a NUL, to the last one. */
static bool
has_whole_pairs(struct cursor pairs)
{
	size_t name, value;

	while (pairs.left > 0) {
		if (!read_length(&pairs, &name) || !read_length(&pairs, &value))
			return false;
		if (name > pairs.left || value > pairs.left - name)
			return false;
		if (memchr(pairs.next, '\0', name + value))
			return false;
		pairs.next += name + value;
		pairs.left -= name + value;
	}
	return true;
}

enum acp_gate_verdict
acp_gate_judge(const uint8_t *bytes, size_t size)
{
	uint8_t pairs[ACP_REQUEST_HEAD_MAX];
	struct cursor cursor = {bytes,
		size < ACP_REQUEST_HEAD_MAX ? size : ACP_REQUEST_HEAD_MAX};
	struct record record;
	size_t pairs_size = 0;
	unsigned int id = 0;
	enum acp_gate_verdict verdict = read_begin(&cursor, &id);

	while (verdict == ACP_GATE_WHOLE) {
		if (cursor.left > 1 && cursor.next[1] != TYPE_PARAMS)
			return ACP_GATE_REFUSED;
		verdict = read_record(&cursor, &record);
		if (verdict != ACP_GATE_WHOLE)
			break;
		if (record.id != id || record.size > sizeof(pairs) - pairs_size)
			return ACP_GATE_REFUSED;
		if (record.size == 0)
			return has_whole_pairs(
				       (struct cursor){pairs, pairs_size})
				? ACP_GATE_WHOLE
				: ACP_GATE_REFUSED;
		memcpy(pairs + pairs_size, record.content, record.size);
		pairs_size += record.size;
	}
	/* what is still incomplete at the bound will not become whole */
	if (verdict == ACP_GATE_INCOMPLETE && size >= ACP_REQUEST_HEAD_MAX)
		return ACP_GATE_REFUSED;
	return verdict;
}
