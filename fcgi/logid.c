/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session names for logs. Called for every answer that concerns a session,
 * and by --log-id.
 */
#include <config.h>

#include "fcgi/logid.h"

#include "lib/hmac.h"

#include <stdio.h>
#include <string.h>

void
acp_logid_write(const struct acp_key *key, const char *session, char *text)
{
	uint8_t mac[ACP_HMAC_SIZE];

	acp_hmac_compute(acp_key_peek_subkey(key, ACP_KEY_USE_LOG),
		ACP_KEY_SUBKEY_SIZE, session, strlen(session), mac);
	for (size_t i = 0; i < ACP_LOGID_SIZE / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", mac[i]);
}
