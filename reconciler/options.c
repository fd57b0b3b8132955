/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the reconciler's own options into one mode. For main alone.
 */
#include <config.h>

#include "reconciler/options.h"

#include <stddef.h>

/* The modes that are words come first, in the order of enum acp_mode. */
enum {
	OWN_ONCE,
	OWN_DRY_RUN,
	OWN_LOCAL,
	OWN_ROTATE_KEY,
	OWN_REVOKE_KEY,
	OWN_ALLOW_MASS_DELETE,
	OWN_MODES,
	OWN_JSON = OWN_MODES,
	OWN_PRINT_URL
};

static const struct acp_option own[] = {
	[OWN_ONCE] = {"once", NULL, "One full pass, then exit."},
	[OWN_DRY_RUN] = {"dry-run", NULL,
		"Print the plan, an action a line, and apply nothing."},
	[OWN_LOCAL] = {"local", NULL,
		"Without Kubernetes or API server: only make sure that there "
		"is a key file."},
	[OWN_ROTATE_KEY] = {"rotate-key", NULL, "Prepare the next key."},
	[OWN_REVOKE_KEY] = {"revoke-key", "ID", "Drop a key now."},
	[OWN_ALLOW_MASS_DELETE] = {"allow-mass-delete", "DIGEST",
		"Let go what was held by the gate under that digest."},
	[OWN_JSON] = {"json", NULL, "Print results as JSON."},
	[OWN_PRINT_URL] = {"print-url", "SESSION",
		"With --local: print the token URL that is bound to a session, "
		"and change nothing."},
	{NULL, NULL, NULL},
};

const struct acp_options_spec acp_reconciler_spec = {
	.program = "ambient-cp-reconciler",
	.purpose = "Makes Kubernetes agree with the Ambient API server, and "
		   "the key file with the key Secret.",
	.kind = ACP_CONFIG_FOR_RECONCILER,
	.own = own,
};

_Static_assert((int)OWN_ONCE + 1 == (int)ACP_MODE_ONCE &&
		(int)OWN_MODES + 1 == (int)ACP_MODE__MAX,
	"options and modes are in the same order");

const char *
acp_mode_name(enum acp_mode mode)
{
	switch (mode) {
	case ACP_MODE_ONCE:
		return "--once";
	case ACP_MODE_DRY_RUN:
		return "--dry-run";
	case ACP_MODE_LOCAL:
		return "--local";
	case ACP_MODE_ROTATE_KEY:
		return "--rotate-key";
	case ACP_MODE_REVOKE_KEY:
		return "--revoke-key";
	case ACP_MODE_ALLOW_MASS_DELETE:
		return "--allow-mass-delete";
	case ACP_MODE_LOOP:
	case ACP_MODE__MAX:
		break;
	}
	return "the loop";
}

static enum acp_error
choose_mode(struct acp_reconciler_options *options, struct acp_buffer *why)
{
	options->mode = ACP_MODE_LOOP;
	for (int i = 0; i < OWN_MODES; i++) {
		enum acp_mode mode = (enum acp_mode)(i + 1);

		if (!options->line.own[i])
			continue;
		if (options->mode != ACP_MODE_LOOP) {
			acp_buffer_printf(why,
				"%s and %s exclude each other; --help lists "
				"all",
				acp_mode_name(options->mode),
				acp_mode_name(mode));
			return ACP_BAD_REQUEST;
		}
		options->mode = mode;
	}
	return ACP_OK;
}

enum acp_error
acp_reconciler_options_read(struct acp_reconciler_options *options, int argc,
	char **argv, struct acp_buffer *why)
{
	const char *const *given = options->line.own;

	*options = (struct acp_reconciler_options){.mode = ACP_MODE_LOOP};
	if (acp_options_read(
		    &options->line, &acp_reconciler_spec, argc, argv, why))
		return ACP_BAD_REQUEST;
	options->is_json = given[OWN_JSON];
	options->revoked_key_id = given[OWN_REVOKE_KEY];
	options->allowed_digest = given[OWN_ALLOW_MASS_DELETE];
	options->bound_session = given[OWN_PRINT_URL];
	return choose_mode(options, why);
}

void
acp_reconciler_options_clear(struct acp_reconciler_options *options)
{
	acp_options_clear(&options->line);
}
