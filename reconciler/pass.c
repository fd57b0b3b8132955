/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a full pass. The key comes first and does not depend on the
 * API server: the token service must not wait for it.
 */
#include <config.h>

#include "reconciler/pass.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "reconciler/apply.h"
#include "reconciler/observe.h"
#include "reconciler/rotation.h"
#include "reconciler/vertex_copy.h"

#include <string.h>

enum { MS_PER_S = 1000 };

static void
rotate_keys(struct acp_controller *controller, const struct acp_world *world,
	struct acp_summary *summary)
{
	const struct acp_key_marks marks = acp_rotation_collect(world);
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error;

	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	pthread_mutex_lock(&controller->keys_lock);
	error = acp_key_sync_rotate(controller->keys, &marks, &why);
	pthread_mutex_unlock(&controller->keys_lock);
	if (!error)
		return;
	summary->is_key_failed = true;
	acp_log_message(ACP_LOG_ERROR, "key_rotation_failed", "%s",
		acp_buffer_peek(&why));
}

static bool
is_anything_known(const struct acp_world *world)
{
	if (world->are_projects_known || world->are_sessions_known)
		return true;
	for (int i = 0; i < ACP_KIND__MAX; i++)
		if (world->objects[i].is_known)
			return true;
	return false;
}

void
acp_pass_init(struct acp_pass *pass)
{
	*pass = (struct acp_pass){0};
	acp_keyring_init(&pass->keys);
	acp_world_init(&pass->world);
	acp_plan_init(&pass->plan);
}

void
acp_pass_clear(struct acp_pass *pass)
{
	acp_plan_clear(&pass->plan);
	acp_world_clear(&pass->world);
	acp_keyring_clear(&pass->keys);
}

/* Without keys nothing is known to be ours by its anchor alone. */
static void
take_keys(struct acp_controller *controller, struct acp_pass *pass)
{
	if (acp_key_sync_dup_ring(controller->keys, &pass->keys))
		pass->world.keys = &pass->keys;
}

void
acp_pass_plan(struct acp_controller *controller, struct acp_pass *pass)
{
	const struct acp_site *site = &controller->settings.site;
	struct acp_lease *lease = controller->clients.lease;
	struct acp_summary *summary = &pass->summary;
	char allowed[ACP_LEASE_DIGEST_SIZE];

	take_keys(controller, pass);
	acp_observe(&controller->clients, site, acp_lease_get_swept_s(lease),
		&pass->world);
	acp_plan_projects(&pass->world, site, &pass->plan);
	acp_plan_sessions(
		&pass->world, site, &controller->settings.runner, &pass->plan);
	acp_lease_read_allowed(lease, pass->world.kube_now_s, allowed);
	acp_plan_gate(&pass->world, &pass->plan, *allowed ? allowed : NULL);
	summary->unknown_lists = pass->world.unknown_lists;
	summary->is_nothing_known = !is_anything_known(&pass->world);
	summary->refused = pass->plan.refusal_count;
	summary->foreign_objects = pass->plan.foreign_objects;
	for (size_t i = 0; i < pass->world.session_count; i++)
		summary->sessions[pass->world.sessions[i].phase]++;
	memcpy(summary->held_digest, pass->plan.held_digest,
		sizeof(summary->held_digest));
}

/* Are they others than those of the last pass? */
static bool
are_refusals_new(struct acp_controller *controller, const struct acp_plan *plan)
{
	uint8_t digest[ACP_HASH_SIZE] = {0};
	struct acp_hash hash;
	bool is_new;

	acp_hash_init(&hash);
	for (size_t i = 0; i < plan->refusal_count; i++) {
		acp_hash_add_text(&hash, plan->refusals[i].project);
		acp_hash_add_text(&hash, plan->refusals[i].reason);
	}
	acp_hash_finish(&hash, digest);
	is_new = memcmp(digest, controller->refusals, sizeof(digest)) != 0;
	memcpy(controller->refusals, digest, sizeof(digest));
	return is_new;
}

static void
log_refusals(struct acp_controller *controller, const struct acp_plan *plan)
{
	if (!are_refusals_new(controller, plan))
		return;
	for (size_t i = 0; i < plan->refusal_count; i++)
		acp_log(ACP_LOG_WARN, "project_refused",
			ACP_F_TEXT("project", plan->refusals[i].project),
			ACP_F_TEXT("message", plan->refusals[i].reason));
}

/* Notes that Secrets were looked at, so that the next passes need not. */
static void
note_sweep(struct acp_controller *controller, const struct acp_world *world)
{
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	if (!world->is_secret_sweep ||
		!world->objects[ACP_KIND_SECRET].is_known)
		return;
	if (acp_lease_set_swept_s(
		    controller->clients.lease, world->kube_now_s, &why))
		acp_log_message(ACP_LOG_WARN, "sweep_not_noted", "%s",
			acp_buffer_peek(&why));
}

static void
save_metrics(
	struct acp_controller *controller, const struct acp_summary *summary)
{
	struct acp_pass_metrics *metrics = &controller->metrics;
	ACP_AUTO(keyring) struct acp_keyring ring;

	acp_keyring_init(&ring);
	metrics->keys =
		acp_key_sync_dup_ring(controller->keys, &ring) ? ring.count : 0;
	metrics->is_leader = acp_lease_is_held(controller->clients.lease);
	acp_metrics_note(metrics, summary, acp_clock_wall_ms() / MS_PER_S);
	acp_metrics_save(metrics, &controller->clients,
		controller->settings.metrics_file);
}

static void
log_summary(const struct acp_summary *summary)
{
	bool is_good = acp_summary_exit_code(summary) == ACP_EXIT_CONVERGED;

	acp_log(is_good ? ACP_LOG_INFO : ACP_LOG_WARN, "pass",
		ACP_F_INT("done", acp_summary_count(summary, ACP_RESULT_DONE)),
		ACP_F_INT("waiting",
			acp_summary_count(summary, ACP_RESULT_WAITING)),
		ACP_F_INT("failed",
			acp_summary_count(summary, ACP_RESULT_FAILED)),
		ACP_F_INT("held", acp_summary_count(summary, ACP_RESULT_HELD)),
		ACP_F_INT("unknown_lists", summary->unknown_lists),
		ACP_F_INT("stale_copies", summary->stale_copies),
		ACP_F_TEXT("held_digest",
			*summary->held_digest ? summary->held_digest : NULL),
		ACP_F_SECONDS("seconds", summary->duration_ms * MS_PER_S));
}

static struct acp_applier
make_applier(const struct acp_controller *controller,
	const struct acp_clients *clients, struct acp_credential_lists *lists)
{
	return (struct acp_applier){.clients = clients,
		.site = &controller->settings.site,
		.runner = &controller->settings.runner,
		.keys = controller->keys,
		.credential_lists = lists,
		.claims = controller->claims,
		.backoff = controller->backoff,
		.said = controller->said,
		.is_stopped = &controller->is_stopped,
		.deadline_ms = acp_clock_now_ms() +
			controller->settings.pass_timeout_ms};
}

/*
 * Sessions that waited for a namespace which was just made need not wait for
 * the next pass. One round: what is not Active by now does.
 */
static void
follow_up(const struct acp_applier *applier, struct acp_pass *pass)
{
	ACP_AUTO(world) struct acp_world made;
	struct acp_plan *plan = &pass->plan, rest;
	size_t done = plan->count;

	acp_world_init(&made);
	acp_observe_made(applier->clients, applier->site, &pass->world, &made);
	acp_plan_sessions(&made, applier->site, applier->runner, plan);
	rest = *plan;
	rest.actions += done;
	rest.count -= done;
	if (rest.count)
		acp_apply(applier, &rest, &pass->summary);
}

void
acp_pass_run(struct acp_controller *controller, struct acp_pass *pass)
{
	int64_t start_ms = acp_clock_now_ms();
	ACP_AUTO(credential_lists) struct acp_credential_lists lists;
	const struct acp_applier applier =
		make_applier(controller, &controller->clients, &lists);
	struct acp_summary *summary = &pass->summary;

	acp_credential_lists_init(&lists);
	summary->is_key_failed = !acp_controller_keep_keys(controller);
	pass->world.are_keys_current = !summary->is_key_failed;
	acp_pass_plan(controller, pass);
	log_refusals(controller, &pass->plan);
	rotate_keys(controller, &pass->world, summary);
	acp_apply(&applier, &pass->plan, summary);
	follow_up(&applier, pass);
	summary->stale_copies = acp_vertex_copy_refresh(&controller->clients,
		&controller->settings.site, &controller->settings.runner,
		&pass->world);
	/* what was not done is to be done soon */
	if (!summary->stale_copies)
		note_sweep(controller, &pass->world);
	summary->duration_ms = acp_clock_now_ms() - start_ms;
	save_metrics(controller, summary);
	log_summary(summary);
}

/* A small world cannot tell absence: that is for full passes. */
static void
hold_absences(struct acp_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->actions[i].is_absence)
			plan->actions[i].is_held = true;
}

bool
acp_pass_run_part(struct acp_controller *controller,
	const struct acp_clients *clients, struct acp_credential_lists *lists,
	struct acp_pass *pass)
{
	const struct acp_site *site = &controller->settings.site;
	const struct acp_applier applier =
		make_applier(controller, clients, lists);

	take_keys(controller, pass);
	if (!acp_observe_waiting(clients, site, &pass->world))
		return false;
	acp_plan_projects(&pass->world, site, &pass->plan);
	acp_plan_sessions(
		&pass->world, site, &controller->settings.runner, &pass->plan);
	hold_absences(&pass->plan);
	acp_apply(&applier, &pass->plan, &pass->summary);
	follow_up(&applier, pass);
	acp_metrics_add(&controller->metrics, &pass->summary);
	return true;
}
