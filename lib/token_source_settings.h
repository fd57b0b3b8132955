/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads from the configuration where an identity's tokens come from: for the
 * token service the one that runners get, for the reconciler its own. No I/O.
 */
#ifndef ACP_LIB_TOKEN_SOURCE_SETTINGS_H
#define ACP_LIB_TOKEN_SOURCE_SETTINGS_H

#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/token_source.h"

#include <stdbool.h>

enum acp_source_owner {
	/* by token_source; token_oidc_… go before oidc_… */
	ACP_SOURCE_OF_RUNNERS,
	/*
	 * oidc when oidc_client_id is set, else api_token; what is said for
	 * runners alone is not looked at. A cluster token is good here: it
	 * is the control plane's own.
	 */
	ACP_SOURCE_OF_CONTROL_PLANE,
	ACP_SOURCE_OWNER__MAX
};

/* Fills source with values that live as config; judges nothing. */
void acp_token_source_settings_read(const struct acp_config *config,
	enum acp_source_owner owner, struct acp_source_settings *source);

/*
 * Appends a line for each thing that is missing or does not go together: no
 * source at all, oidc without URL or secret, http to another host …
 */
void acp_token_source_settings_check(const struct acp_config *config,
	enum acp_source_owner owner, const struct acp_source_settings *source,
	struct acp_buffer *why);

#endif
