/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands the calls of lib/token_source.h to the back end. Knows nothing of
 * what a back end does.
 */
#include <config.h>

#include "lib/token_source.h"

#include "lib/token_source_backend.h"

#include <stddef.h>

void
acp_token_source_free(struct acp_token_source **source)
{
	if (*source)
		(*source)->ops->free(*source);
	*source = NULL;
}

enum acp_error
acp_token_source_fetch(struct acp_token_source *source,
	struct acp_token **token, int64_t *retry_after_ms)
{
	*retry_after_ms = 0;
	return source->ops->fetch(source, token, retry_after_ms);
}

bool
acp_token_source_has_changed(struct acp_token_source *source)
{
	return source->ops->has_changed(source);
}

void
acp_token_source_cancel(struct acp_token_source *source)
{
	source->ops->cancel(source);
}
