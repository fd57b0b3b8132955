/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session that a caller proved to belong to: parameters s and p of the
 * query, as they were sent, nothing decoded. Pure but for the proof's HMAC.
 */
#ifndef ACP_FCGI_BINDING_H
#define ACP_FCGI_BINDING_H

#include "fcgi/rules.h"
#include "lib/error.h"
#include "lib/key.h"
#include "lib/limits.h"

#include <stdbool.h>

struct acp_binding {
	bool is_proved; /* the rest is empty when not */
	bool is_enforced; /* false while binding is off */
	char session[ACP_SESSION_ID_MAX + 1];
	char key_id[ACP_KEY_ID_SIZE]; /* the key that verified the proof */
};

/*
 * Step 4 of a token request. uri: REQUEST_URI, or NULL. ACP_DENIED for a
 * wrong proof, for half a pair or a repeated parameter, and for none at all
 * where one is required; never when the mode is ACP_BINDING_OFF. Else
 * *binding is written.
 */
ACP_MUST_CHECK enum acp_error acp_binding_read(enum acp_binding_mode mode,
	const char *uri, const struct acp_keyring *ring,
	struct acp_binding *binding);

/*
 * As much of it as can be said without a key: false where it would be
 * ACP_DENIED with any.
 */
bool acp_binding_is_well_formed(enum acp_binding_mode mode, const char *uri);

/*
 * Step 8: true when a caller with that binding may get the token of session.
 * needs_proof: it renews by a handle that was issued with a proof.
 */
bool acp_binding_may_serve(const struct acp_binding *binding,
	const char *session, bool needs_proof);

#endif
