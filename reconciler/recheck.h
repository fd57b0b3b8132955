/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an action may still be done: asked just before it, where a list
 * cannot tell or where much depends on it. Reads only.
 */
#ifndef ACP_RECONCILER_RECHECK_H
#define ACP_RECONCILER_RECHECK_H

#include "lib/buffer.h"
#include "reconciler/apply.h"
#include "reconciler/summary.h"

/*
 * ACP_RESULT_DONE: go on. Else with the reason in why: WAITING when the row
 * says otherwise now, FOREIGN when somebody else has the name, FAILED when
 * nobody answers. A name is ours by the object's labels; what differs from
 * the action's body in nothing but missing labels was ours, and may have them
 * back; what bears no instance at all may be had under --adopt.
 */
enum acp_result acp_recheck(const struct acp_applier *applier,
	const struct acp_action *action, struct acp_buffer *why);

#endif
