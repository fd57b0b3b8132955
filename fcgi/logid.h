/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name by which a session appears in logs: one cannot get from it to the
 * session, but whoever knows the session can search for it.
 */
#ifndef ACP_FCGI_LOGID_H
#define ACP_FCGI_LOGID_H

#include "lib/key.h"

/* 12 lower-case hex digits and NUL. */
#define ACP_LOGID_SIZE 13

/*
 * Writes the first 12 hex digits of HMAC-SHA-256(log subkey of the key,
 * session) into text of ACP_LOGID_SIZE bytes.
 */
void acp_logid_write(
	const struct acp_key *key, const char *session, char *text);

#endif
