/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Randomness. Going on without it would be worse than to end, so nobody has
 * to check.
 */
#include <config.h>

#include "lib/random.h"

#include "lib/log.h"

#include <gnutls/crypto.h>
#include <stdlib.h>

void
acp_random_fill(void *bytes, size_t size)
{
	if (gnutls_rnd(GNUTLS_RND_KEY, bytes, size) == 0)
		return;
	acp_log_message(ACP_LOG_ERROR, "no_randomness",
		"the system gives no random bytes");
	abort();
}
