/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FastCGI process: puts the parts together, looks after key file and
 * signals, reloads, drains.
 */
#ifndef ACP_FCGI_RESPONDER_H
#define ACP_FCGI_RESPONDER_H

#include "fcgi/listener.h"
#include "fcgi/settings.h"
#include "lib/error.h"
#include "lib/options.h"

/*
 * Serves until SIGTERM or SIGINT, then drains. SIGHUP loads the configuration
 * again from options: a bad one changes nothing. Takes settings, borrows the
 * rest. ACP_OK after a drain; ACP_FAULT, logged, when it could not start.
 */
ACP_MUST_CHECK enum acp_error acp_responder_run(
	const struct acp_options *options, struct acp_settings *take_settings,
	const struct acp_listener *listener);

#endif
