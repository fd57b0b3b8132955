/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a session id: ACP_SESSION_ID_MIN to ACP_SESSION_ID_MAX
 * characters of [A-Za-z0-9._-], the first a letter or digit.
 */
#ifndef ACP_LIB_SESSION_ID_H
#define ACP_LIB_SESSION_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All ones when the size bytes are such an id, else 0. text must have at
 * least ACP_SESSION_ID_MAX readable bytes, whatever size says: all of them
 * are looked at, and the time depends on nothing.
 */
uint32_t acp_session_id_check(const uint8_t *text, size_t size);

/* The same for a text that is not secret: size bytes, any number of them. */
bool acp_session_id_is_legal(const char *text, size_t size);

#endif
