/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a back end of lib/token_source.h provides: a struct whose first
 * member is a struct acp_token_source. For token_source_*.c and for tests
 * that play a source; everybody else uses lib/token_source.h.
 */
#ifndef ACP_LIB_TOKEN_SOURCE_BACKEND_H
#define ACP_LIB_TOKEN_SOURCE_BACKEND_H

#include "lib/error.h"
#include "lib/token.h"
#include "lib/token_source.h"

#include <stdbool.h>
#include <stdint.h>

/* Contracts as of the functions of the same name in lib/token_source.h. */
struct acp_token_source_ops {
	enum acp_error (*fetch)(struct acp_token_source *source,
		struct acp_token **token, int64_t *retry_after_ms);
	bool (*has_changed)(struct acp_token_source *source);
	void (*cancel)(struct acp_token_source *source);
	void (*free)(struct acp_token_source *source);
};

struct acp_token_source {
	const struct acp_token_source_ops *ops; /* static */
};

/* settings must outlive the source; caller owns it. Never does I/O. */
struct acp_token_source *acp_token_source_new_oidc(
	const struct acp_source_settings *settings);
struct acp_token_source *acp_token_source_new_static(
	const struct acp_source_settings *settings);

#endif
