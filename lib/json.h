/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON objects from strangers (RFC 8259), as strict as json-c gets, bounded
 * in depth, with values read by type. Sizes are bounded by whoever received the bytes.
 */
#ifndef ACP_LIB_JSON_H
#define ACP_LIB_JSON_H

#include "lib/auto.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An object with nothing but white space around it, nested at most
 * ACP_JSON_DEPTH_MAX deep; caller owns. NULL when the text is anything else.
 */
struct json_object *acp_json_new(const char *text, size_t size);

/* The same for an array. */
struct json_object *acp_json_new_array(const char *text, size_t size);

/* The same with another bound of depth, for what nests deeper. */
struct json_object *acp_json_new_deep(const char *text, size_t size, int depth);
void acp_json_free(struct json_object **object);

/* A member of any kind, borrowed; NULL for null, none, and of no object. */
struct json_object *acp_json_peek(
	const struct json_object *object, const char *name);

/* A member that is a string, borrowed, with its size; NULL for all else. */
const char *acp_json_peek_text(
	const struct json_object *object, const char *name, size_t *size);

/* A member that is an object, borrowed; NULL for all else, and of NULL. */
struct json_object *acp_json_peek_object(
	const struct json_object *object, const char *name);

/*
 * Reads a member that is a whole number (of seconds, mostly): an integer, a
 * fraction (cut), or, as some providers send it, a string of decimal digits
 * with an optional minus. Values beyond ± ACP_JSON_NUMBER_MAX become that
 * bound. False when there is no such member; *number is then unchanged.
 */
bool acp_json_has_number(
	const struct json_object *object, const char *name, int64_t *number);

/* Overwrites the bytes of a string member, before the object is freed. */
void acp_json_wipe_text(const struct json_object *object, const char *name);

ACP_AUTO_DEFINE(json, struct json_object *, acp_json_free)

#endif
