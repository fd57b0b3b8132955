/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups the sessions by project, and works on projects side by side. What
 * another fast pass has in hand, perhaps in vain, is left to that; a project
 * that did not answer is left alone for a while.
 */
#include <config.h>

#include "reconciler/fast_pass.h"

#include "lib/buffer.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/parallel.h"
#include "reconciler/pass.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* of the requests in flight, what a single project may have */
	SHARE = 4,
	/*
	 * Fast passes that may work on one project: a herd, or a session that
	 * hangs, is not to keep those that come later.
	 */
	PROJECT_PASSES = 2,
	/* sessions of a project that do not go before all else any more */
	HERD = 8,
	NAME_TEXT_MAX = 1024
};

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

/* Claims are by text: '0' and '1' before a project, 's' before a session. */
static bool
take_name(const struct fast *fast, char tag, const char *name)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, NAME_TEXT_MAX);
	acp_buffer_printf(&text, "%c/%s", tag, name);
	return acp_claims_take(fast->controller->looks, acp_buffer_peek(&text));
}

static void
release_name(const struct fast *fast, char tag, const char *name)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, NAME_TEXT_MAX);
	acp_buffer_printf(&text, "%c/%s", tag, name);
	acp_claims_release(fast->controller->looks, acp_buffer_peek(&text));
}

/* The sessions of a part that no other pass has in hand. */
static void
take_sessions(const struct fast *fast, size_t index, struct acp_world *world)
{
	const struct acp_session_row *rows = fast->seen.sessions;

	world->api_now_s = fast->seen.api_now_s;
	for (size_t i = fast->starts[index]; i < fast->starts[index + 1]; i++)
		if (take_name(fast, 's', rows[i].id))
			*acp_world_add_session(world) = rows[i];
}

static void
release_sessions(const struct fast *fast, const struct acp_world *world)
{
	for (size_t i = 0; i < world->session_count; i++)
		release_name(fast, 's', world->sessions[i].id);
}

/* A herd does not go before those who come alone. */
static struct acp_clients
choose_clients(const struct fast *fast, const struct acp_world *world)
{
	struct acp_clients clients = fast->clients;

	if (world->session_count < HERD)
		return clients;
	clients = fast->controller->clients;
	clients.in_flight = fast->clients.in_flight;
	return clients;
}

static void
run_part(struct fast *fast, struct acp_pass *pass, const struct acp_ref *ref)
{
	struct acp_controller *controller = fast->controller;
	const struct acp_clients clients = choose_clients(fast, &pass->world);
	bool is_clear =
		acp_pass_run_part(controller, &clients, &fast->lists, pass);

	acp_backoff_note(
		controller->resting, ref, is_clear, acp_clock_now_ms());
	if (!is_clear)
		acp_log(ACP_LOG_WARN, "fast_pass_failed",
			ACP_F_TEXT("project", ref->name),
			ACP_F_TEXT("message",
				"its objects could not be looked at"));
}

static void
run_sessions(struct fast *fast, size_t index, const struct acp_ref *ref)
{
	ACP_AUTO(pass) struct acp_pass pass;

	acp_pass_init(&pass);
	take_sessions(fast, index, &pass.world);
	if (pass.world.session_count > 0)
		run_part(fast, &pass, ref);
	release_sessions(fast, &pass.world);
}

static void
take_part(void *context, size_t index)
{
	struct fast *fast = context;
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL,
		fast->seen.sessions[fast->starts[index]].project_id};
	char tag = '0';

	if (!acp_backoff_is_due(
		    fast->controller->resting, &ref, acp_clock_now_ms()))
		return;
	while (tag < '0' + PROJECT_PASSES && !take_name(fast, tag, ref.name))
		tag++;
	if (tag == '0' + PROJECT_PASSES)
		return;
	run_sessions(fast, index, &ref);
	release_name(fast, tag, ref.name);
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
