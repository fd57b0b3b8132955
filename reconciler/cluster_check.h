/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check: configuration, reachability and permissions.
 */
#ifndef ACP_RECONCILER_CLUSTER_CHECK_H
#define ACP_RECONCILER_CLUSTER_CHECK_H

#include "lib/buffer.h"
#include "reconciler/controller.h"
#include "reconciler/exit_code.h"

#include <stdbool.h>

/* Appends what was found, as lines or as JSON; writes nothing anywhere. */
enum acp_exit_code acp_cluster_check(struct acp_controller *controller,
	bool is_json, struct acp_buffer *text);

/* At the start of the loop: logs the permissions that are missing. */
void acp_cluster_check_rights(struct acp_controller *controller);

#endif
