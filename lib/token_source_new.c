/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses the back end of a token source. A file of its own, so that what
 * plays a source in a test does not link the real ones.
 */
#include <config.h>

#include "lib/token_source.h"

#include "lib/token_source_backend.h"

#include <assert.h>
#include <stddef.h>

struct acp_token_source *
acp_token_source_new(const struct acp_source_settings *settings)
{
	switch (settings->kind) {
	case ACP_SOURCE_OIDC:
		return acp_token_source_new_oidc(settings);
	case ACP_SOURCE_STATIC:
		return acp_token_source_new_static(settings);
	case ACP_SOURCE__MAX:
		break;
	}
	assert(false && "a kind of source");
	return NULL;
}
