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

/*
 * Makes a Service be as body by a GET and a PUT: applying would leave foreign
 * selector keys and ports, and the addresses that the server chose must stay.
 * seen: a newer version than in this action is a conflict; NULL: none is.
 */
ACP_MUST_CHECK enum acp_error acp_apply_service(struct acp_kube *kube,
	const struct acp_ref *ref, const struct acp_action *seen,
	struct json_object *body, struct acp_kube_reply *reply);

#endif
