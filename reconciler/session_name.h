/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the objects of a session are called. Ids differ in case and names in
 * Kubernetes do not, so most names carry a hash of the id; the Service has
 * none, for the API server derives its name too.
 */
#ifndef ACP_RECONCILER_SESSION_NAME_H
#define ACP_RECONCILER_SESSION_NAME_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/desired.h"

/* The longest id of a session that is started. */
#define ACP_SESSION_NAMED_MAX 40

struct acp_session_names {
	char service[ACP_NAME_SIZE]; /* session-ID */
	char pod[ACP_NAME_SIZE]; /* session-ID[-HASH]-runner */
	char account[ACP_NAME_SIZE]; /* session-ID[-HASH]-sa */
	char secret[ACP_NAME_SIZE]; /* session-ID[-HASH]-env */
};

/*
 * Writes the names for an id: in lower case, with a hash of the id where that
 * changed it. Two ids that differ in case only still share the Service's
 * name, so whoever finds a Service must compare its session-id label.
 * ACP_BAD_REQUEST with the reason in why when the id is no label value, or
 * no name can be made of it: 8 to 40 of A-Z a-z 0-9 and "-", a letter or
 * digit at both ends.
 */
ACP_MUST_CHECK enum acp_error acp_session_names_write(const char *id,
	struct acp_session_names *names, struct acp_buffer *why);

#endif
