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
 * Holds back the signals that acp_responder_run looks for. Before the socket
 * is made: one that came later would end the process with the socket left
 * behind, or be lost.
 */
void acp_responder_hold_signals(void);

/*
 * After acp_responder_hold_signals. Serves until SIGTERM or SIGINT, then drains. SIGHUP loads the configuration
 * again from options: a bad one changes nothing. Takes settings, borrows the
 * rest; a unix socket that is ours is closed when the drain begins. ACP_OK after a drain; ACP_FAULT, logged, when it could not start.
 */
ACP_MUST_CHECK enum acp_error acp_responder_run(
	const struct acp_options *options, struct acp_settings *take_settings,
	struct acp_listener *listener);

#endif
