/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modes that need the cluster: a pass, the loop, a dry run, the key
 * commands, the release of held deletions, the check.
 */
#ifndef ACP_RECONCILER_CLUSTER_H
#define ACP_RECONCILER_CLUSTER_H

#include "lib/buffer.h"
#include "lib/config.h"
#include "reconciler/exit_code.h"
#include "reconciler/options.h"

/*
 * Runs one of them. What is to be printed is appended to output; failures are
 * logged.
 */
enum acp_exit_code acp_cluster_run(const struct acp_reconciler_options *options,
	const struct acp_config *config, struct acp_buffer *output);

#endif
