/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One full pass: the key, then observe, plan, apply. Holds the Lease already;
 * a dry run needs none and writes nothing.
 */
#ifndef ACP_RECONCILER_PASS_H
#define ACP_RECONCILER_PASS_H

#include "lib/auto.h"
#include "lib/key.h"
#include "reconciler/controller.h"
#include "reconciler/plan.h"
#include "reconciler/summary.h"
#include "reconciler/world.h"

/* A pass: what was seen, what is to be done, what became of it. */
struct acp_pass {
	struct acp_keyring keys; /* those that the world is judged by */
	struct acp_world world;
	struct acp_plan plan;
	struct acp_summary summary;
};

void acp_pass_init(struct acp_pass *pass);
void acp_pass_clear(struct acp_pass *pass);

/* Runs an initialised pass; logs, and saves the metrics. */
void acp_pass_run(struct acp_controller *controller, struct acp_pass *pass);

/*
 * A fast pass, into an initialised one: sessions that changed and wait, and
 * nothing that is done because something is absent. For the loop, beside full
 * passes.
 */
void acp_pass_run_fast(
	struct acp_controller *controller, struct acp_pass *pass);

/* Only observes and plans: what a pass would do. */
void acp_pass_plan(struct acp_controller *controller, struct acp_pass *pass);

ACP_AUTO_DEFINE(pass, struct acp_pass, acp_pass_clear)

#endif
