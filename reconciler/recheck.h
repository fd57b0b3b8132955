/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an action may still be done: asked just before it, where a list
 * cannot tell or where much depends on it. Reads only.
 */
#ifndef ACP_RECONCILER_RECHECK_H
#define ACP_RECONCILER_RECHECK_H

#include "lib/buffer.h"
#include "reconciler/apply.h"
#include "reconciler/kube.h"
#include "reconciler/summary.h"

#include <json-c/json_object.h>

/*
 * ACP_RESULT_DONE: go on. Else with the reason in why: WAITING when the row
 * says otherwise now, FAILED when nobody answers, and as acp_recheck_name.
 */
enum acp_result acp_recheck(const struct acp_applier *applier,
	const struct acp_action *action, struct acp_buffer *why);

/*
 * Is the name of body free for it, that is: not there, or ours by its labels?
 * ACP_RESULT_FOREIGN when somebody else has it. What differs from body in
 * nothing but missing labels was ours, and may have them back; what bears no
 * instance at all may be had under --adopt. FAILED when nobody answers.
 */
enum acp_result acp_recheck_name(struct acp_kube *kube,
	const struct acp_site *site, const struct acp_ref *ref,
	struct json_object *body, struct acp_buffer *why);

#endif
