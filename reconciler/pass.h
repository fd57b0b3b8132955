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
#include "reconciler/session_inputs.h"
#include "reconciler/summary.h"
#include "reconciler/world.h"

#include <stdbool.h>

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
 * Part of a fast pass, into an initialised one whose world has the sessions of
 * one project, which borrow their texts. Does nothing because something is
 * absent. False when a question had no answer, so that nothing was done.
 */
bool acp_pass_run_part(struct acp_controller *controller,
	const struct acp_clients *clients, struct acp_credential_lists *lists,
	struct acp_pass *pass);

/* Only observes and plans: what a pass would do. */
void acp_pass_plan(struct acp_controller *controller, struct acp_pass *pass);

ACP_AUTO_DEFINE(pass, struct acp_pass, acp_pass_clear)

#endif
