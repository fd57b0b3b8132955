/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reconciler's command line: what it is asked to do, beside the options
 * that all programs share (lib/options.h).
 */
#ifndef ACP_RECONCILER_OPTIONS_H
#define ACP_RECONCILER_OPTIONS_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/options.h"

#include <stdbool.h>
#include <stdint.h>

enum acp_mode {
	ACP_MODE_LOOP, /* without a word: fast and full passes for ever */
	ACP_MODE_ONCE,
	ACP_MODE_DRY_RUN,
	ACP_MODE_LOCAL,
	ACP_MODE_ROTATE_KEY,
	ACP_MODE_REVOKE_KEY,
	ACP_MODE_ALLOW_MASS_DELETE,
	ACP_MODE__MAX
};

struct acp_reconciler_options {
	struct acp_options line; /* --config, --check, --help, --version */
	enum acp_mode mode;
	bool is_json;
	/* what belongs to a mode; borrowed from the line, NULL: not given */
	const char *revoked_key_id;
	const char *allowed_digest;
	const char *bound_session; /* --print-url */
};

extern const struct acp_options_spec acp_reconciler_spec;

/*
 * Reads the line; argv must outlive options, which are to be cleared in both
 * cases. ACP_BAD_REQUEST with a reason in why, also for two modes at once.
 */
ACP_MUST_CHECK enum acp_error acp_reconciler_options_read(
	struct acp_reconciler_options *options, int argc, char **argv,
	struct acp_buffer *why);
void acp_reconciler_options_clear(struct acp_reconciler_options *options);

/* The mode as it is written on the line ("--once"); static. */
const char *acp_mode_name(enum acp_mode mode);

ACP_AUTO_DEFINE(reconciler_options, struct acp_reconciler_options,
	acp_reconciler_options_clear)

#endif
