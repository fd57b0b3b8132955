/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: passes while the Lease is held, the key file always. Ends by
 * SIGTERM, SIGINT or SIGHUP after the requests in flight.
 */
#ifndef ACP_RECONCILER_LOOP_H
#define ACP_RECONCILER_LOOP_H

#include "reconciler/controller.h"
#include "reconciler/exit_code.h"

/* Blocks the signals that end the loop; before any thread is made. */
void acp_loop_block_signals(void);

/* Runs until a signal. */
enum acp_exit_code acp_loop_run(struct acp_controller *controller);

#endif
