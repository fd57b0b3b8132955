/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups the sessions by project, and works on projects side by side. One that
 * another fast pass works on, perhaps in vain, is left to that; one that did
 * not answer is left alone for a while.
 */
#include <config.h>

#include "reconciler/fast_pass.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/parallel.h"
#include "reconciler/pass.h"

#include <stdlib.h>
#include <string.h>

/* Of the requests in flight, what a single project may have. */
enum { SHARE = 4 };

/* A fast pass under way. */
struct fast {
	struct acp_controller *controller;
	struct acp_clients clients; /* with the threads that a part has */
	struct acp_credential_lists lists;
	struct acp_world seen; /* its sessions, by project */
	size_t *starts; /* of each project, and the end */
	size_t count;
};

static int
compare_projects(const void *left, const void *right)
{
	return strcmp(((const struct acp_session_row *)left)->project_id,
		((const struct acp_session_row *)right)->project_id);
}

static void
find_parts(struct fast *fast)
{
	struct acp_world *seen = &fast->seen;

	qsort(seen->sessions, seen->session_count, sizeof(*seen->sessions),
		compare_projects);
	fast->starts =
		acp_memory_new(seen->session_count + 1, sizeof(*fast->starts));
	for (size_t i = 0; i < seen->session_count; i++)
		if (i == 0 ||
			compare_projects(&seen->sessions[i - 1],
				&seen->sessions[i]) != 0)
			fast->starts[fast->count++] = i;
	fast->starts[fast->count] = seen->session_count;
}

/* The threads of a pass are for all of its parts. */
static void
set_threads(struct fast *fast)
{
	size_t in_flight = fast->controller->urgent.in_flight;
	size_t threads = in_flight / fast->count;

	fast->clients = fast->controller->urgent;
	if (threads > in_flight / SHARE)
		threads = in_flight / SHARE;
	fast->clients.in_flight = threads ? threads : 1;
}

static void
run_part(struct fast *fast, size_t index, const struct acp_ref *ref)
{
	struct acp_controller *controller = fast->controller;
	ACP_AUTO(pass) struct acp_pass pass;
	bool is_clear;

	acp_pass_init(&pass);
	pass.world.api_now_s = fast->seen.api_now_s;
	for (size_t i = fast->starts[index]; i < fast->starts[index + 1]; i++)
		*acp_world_add_session(&pass.world) = fast->seen.sessions[i];
	is_clear = acp_pass_run_part(
		controller, &fast->clients, &fast->lists, &pass);
	acp_backoff_note(
		controller->resting, ref, is_clear, acp_clock_now_ms());
	if (!is_clear)
		acp_log(ACP_LOG_WARN, "fast_pass_failed",
			ACP_F_TEXT("project", ref->name),
			ACP_F_TEXT("message",
				"its objects could not be looked at"));
}

static void
take_part(void *context, size_t index)
{
	struct fast *fast = context;
	struct acp_controller *controller = fast->controller;
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL,
		fast->seen.sessions[fast->starts[index]].project_id};

	if (!acp_backoff_is_due(
		    controller->resting, &ref, acp_clock_now_ms()) ||
		!acp_claims_take(controller->looks, ref.name))
		return;
	run_part(fast, index, &ref);
	acp_claims_release(controller->looks, ref.name);
}

static void
run(struct fast *fast)
{
	struct acp_controller *controller = fast->controller;

	if (acp_observe_changed(&controller->urgent, &controller->settings.site,
		    &controller->changes, &fast->seen)) {
		acp_log(ACP_LOG_WARN, "fast_pass_failed");
		return;
	}
	if (fast->seen.session_count == 0)
		return;
	find_parts(fast);
	set_threads(fast);
	acp_parallel_run(
		controller->urgent.in_flight, fast->count, take_part, fast);
}

void
acp_fast_pass_run(struct acp_controller *controller)
{
	struct fast fast = {.controller = controller};

	acp_world_init(&fast.seen);
	acp_credential_lists_init(&fast.lists);
	run(&fast);
	free(fast.starts);
	acp_credential_lists_clear(&fast.lists);
	acp_world_clear(&fast.seen);
}
