/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fast pass: sessions that changed and wait for something, project by
 * project. For the loop, beside full passes and beside itself: one that hangs
 * does not keep the next from what is new elsewhere.
 */
#ifndef ACP_RECONCILER_FAST_PASS_H
#define ACP_RECONCILER_FAST_PASS_H

#include "reconciler/controller.h"

/* Blocks until all that it found is done. Any thread, several at a time. */
void acp_fast_pass_run(struct acp_controller *controller);

#endif
