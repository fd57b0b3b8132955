/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps 6 and 7 of a token request: open, then check the id. Called by the
 * workers and by the CGI program.
 */
#include <config.h>

#include "fcgi/unsealed.h"

#include "fcgi/unseal.h"
#include "lib/secret.h"
#include "lib/session_id.h"

#include <stdio.h>
#include <string.h>

void
acp_unsealed_init(struct acp_unsealed *unsealed,
	const struct acp_keyset *keyset,
	const struct acp_ciphertext *ciphertext)
{
	uint8_t plain[ACP_UNSEAL_PLAIN_MAX] = {0};
	size_t size = 0;
	const char *key_id = "";
	uint32_t is_open, is_session;

	is_open = acp_keyset_open(keyset, ciphertext, plain, &size, &key_id);
	is_session = acp_session_id_check(plain, size);

	memset(unsealed, 0, sizeof(*unsealed));
	unsealed->verdict = ACP_UNSEALED_DENIED;
	if (is_open && is_session) {
		unsealed->verdict = ACP_UNSEALED_SESSION;
		memcpy(unsealed->session, plain, size);
		snprintf(unsealed->key_id, sizeof(unsealed->key_id), "%s",
			key_id);
	} else if (is_open) {
		unsealed->verdict = ACP_UNSEALED_FORBIDDEN;
	}
	acp_secret_wipe(plain, sizeof(plain));
}
