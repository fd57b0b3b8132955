/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actions that are more than one request: making a session, and writing
 * its phase. Both read the row again first, because its owner may have
 * stopped it meanwhile.
 */
#ifndef ACP_RECONCILER_APPLY_SESSION_H
#define ACP_RECONCILER_APPLY_SESSION_H

#include "lib/buffer.h"
#include "reconciler/apply.h"
#include "reconciler/plan.h"
#include "reconciler/summary.h"

/* Both append to why what went wrong, for the log. */
enum acp_result acp_apply_provision(const struct acp_applier *applier,
	const struct acp_action *action, struct acp_buffer *why);
enum acp_result acp_apply_phase(const struct acp_applier *applier,
	const struct acp_action *action, struct acp_buffer *why);

#endif
