/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each mode takes before it works: the lock of the host, the Lease, or
 * neither. Turns errors into exit statuses.
 */
#include <config.h>

#include "reconciler/cluster.h"

#include "lib/auto.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "reconciler/cluster_check.h"
#include "reconciler/controller.h"
#include "reconciler/lock_file.h"
#include "reconciler/loop.h"
#include "reconciler/pass.h"

#include <string.h>

/* What a mode works with. */
struct command {
	const struct acp_reconciler_options *options;
	struct acp_controller *controller;
	struct acp_buffer *output;
	struct acp_buffer *why;
};

/* A message for each line of the reason. */
static enum acp_exit_code
fail(const struct command *command, const char *event, enum acp_exit_code code)
{
	const char *line = acp_buffer_peek(command->why);
	size_t size;

	for (; *line; line += size + (line[size] == '\n')) {
		size = strcspn(line, "\n");
		acp_log_message(ACP_LOG_ERROR, event, "%.*s", (int)size, line);
	}
	return code;
}

/* Names the place: the reason may be no more than what curl says. */
static enum acp_exit_code
fail_lease(const struct command *command, enum acp_error error)
{
	const struct acp_controller *controller = command->controller;
	ACP_AUTO(buffer) struct acp_buffer access;

	acp_buffer_init(&access, command->why->limit);
	if (error == ACP_RETRY_LATER)
		return fail(command, "lease_not_held", ACP_EXIT_LOCKED);
	acp_kube_access_describe(controller->clients.access, &access);
	acp_log_message(ACP_LOG_ERROR, "lease_not_held",
		"cannot hold the Lease %s/%s (%s): %s; --check looks at all "
		"that is needed",
		controller->settings.site.runtime_namespace, ACP_LEASE_NAME,
		acp_buffer_peek(&access), acp_buffer_peek(command->why));
	return ACP_EXIT_NOTHING_DONE;
}

static void
describe_pass(const struct command *command, const struct acp_pass *pass)
{
	if (!command->options->is_json) {
		acp_plan_describe(&pass->plan, command->output);
		acp_summary_describe(&pass->summary, command->output);
		return;
	}
	acp_buffer_append(command->output, "{\"plan\":");
	acp_plan_describe_json(&pass->plan, command->output);
	acp_buffer_append(command->output, ",\"summary\":{");
	acp_summary_describe_json(&pass->summary, command->output);
	acp_buffer_append(command->output, "}}\n");
}

static enum acp_exit_code
run_once(const struct command *command)
{
	struct acp_lease *lease = command->controller->clients.lease;
	ACP_AUTO(pass) struct acp_pass pass;
	enum acp_error error;

	acp_pass_init(&pass);
	error = acp_lease_acquire(lease, ACP_LEASE_ONCE, command->why);
	if (error)
		return fail_lease(command, error);
	acp_pass_run(command->controller, &pass);
	describe_pass(command, &pass);
	return acp_summary_exit_code(&pass.summary);
}

static enum acp_exit_code
run_dry(const struct command *command)
{
	struct acp_lease *lease = command->controller->clients.lease;
	ACP_AUTO(pass) struct acp_pass pass;

	acp_pass_init(&pass);
	/* for the notes on it, which a plan depends on */
	if (acp_lease_look(lease, command->why))
		acp_log_message(ACP_LOG_WARN, "lease_not_read", "%s",
			acp_buffer_peek(command->why));
	/* and without the keys nothing is known to be ours */
	if (acp_key_sync_look(command->controller->keys, command->why))
		acp_log_message(ACP_LOG_WARN, "key_not_read", "%s",
			acp_buffer_peek(command->why));
	acp_pass_plan(command->controller, &pass);
	describe_pass(command, &pass);
	return acp_summary_exit_code(&pass.summary);
}

/* What became of a key: "next", "revoked", and what follows for people. */
static void
describe_key(const struct command *command, const char *key_id,
	const char *state, const char *outlook)
{
	if (command->options->is_json)
		acp_buffer_printf(command->output,
			"{\"key_id\":\"%s\",\"state\":\"%s\"}\n", key_id,
			state);
	else
		acp_buffer_printf(command->output, "key %s is %s%s\n", key_id,
			state, outlook);
}

/* Changes the keys while the Lease is held, and Secret and file are in step. */
static enum acp_exit_code
change_keys(const struct command *command, const char *failure,
	enum acp_error (*change)(const struct command *command))
{
	struct acp_controller *controller = command->controller;
	enum acp_error error;

	error = acp_lease_acquire(
		controller->clients.lease, ACP_LEASE_ASK, command->why);
	if (error)
		return fail_lease(command, error);
	error = acp_key_sync_step(controller->keys, true, command->why);
	if (!error)
		error = change(command);
	return error ? fail(command, failure, ACP_EXIT_NOTHING_DONE)
		     : ACP_EXIT_CONVERGED;
}

static enum acp_error
rotate_key(const struct command *command)
{
	char key_id[ACP_KEY_ID_SIZE];
	enum acp_error error = acp_key_sync_add_next(
		command->controller->keys, key_id, command->why);

	if (!error)
		describe_key(command, key_id, "next",
			"; the holder of the Lease makes it current in two "
			"minutes");
	return error;
}

static enum acp_error
revoke_key(const struct command *command)
{
	const char *key_id = command->options->revoked_key_id;
	enum acp_error error = acp_key_sync_revoke(
		command->controller->keys, key_id, command->why);

	if (!error)
		describe_key(command, key_id, "revoked", "");
	return error;
}

static void
describe_allowed(const struct command *command, const char *digest)
{
	if (command->options->is_json)
		acp_buffer_printf(command->output,
			"{\"allowed_digest\":\"%s\",\"seconds\":%d}\n", digest,
			ACP_LEASE_ALLOWED_S);
	else
		acp_buffer_printf(command->output,
			"deletions with digest %s are let go for an hour\n",
			digest);
}

static enum acp_exit_code
allow_mass_delete(const struct command *command)
{
	const char *digest = command->options->allowed_digest;
	enum acp_error error = acp_lease_allow_mass_delete(
		command->controller->clients.lease, digest, command->why);

	if (error)
		return fail(command, "not_allowed",
			error == ACP_BAD_REQUEST ? ACP_EXIT_USAGE
						 : ACP_EXIT_NOTHING_DONE);
	describe_allowed(command, digest);
	return ACP_EXIT_CONVERGED;
}

static enum acp_exit_code
run_locked(const struct command *command)
{
	ACP_AUTO(fd) int lock = -1;
	enum acp_error error;

	error = acp_lock_file_open(
		command->controller->settings.lock_file, &lock, command->why);
	if (error)
		return fail(command, "locked",
			error == ACP_RETRY_LATER ? ACP_EXIT_LOCKED
						 : ACP_EXIT_NOTHING_DONE);
	if (command->options->mode == ACP_MODE_ONCE)
		return run_once(command);
	acp_cluster_check_rights(command->controller);
	return acp_loop_run(command->controller);
}

static enum acp_exit_code
run_mode(const struct command *command)
{
	if (command->options->line.is_check)
		return acp_cluster_check(command->controller,
			command->options->is_json, command->output);
	switch (command->options->mode) {
	case ACP_MODE_LOOP:
	case ACP_MODE_ONCE:
		return run_locked(command);
	case ACP_MODE_DRY_RUN:
		return run_dry(command);
	case ACP_MODE_ROTATE_KEY:
		return change_keys(command, "rotation_refused", rotate_key);
	case ACP_MODE_REVOKE_KEY:
		return change_keys(command, "revocation_refused", revoke_key);
	case ACP_MODE_ALLOW_MASS_DELETE:
		return allow_mass_delete(command);
	case ACP_MODE_LOCAL: /* not here */
	case ACP_MODE__MAX:
		break;
	}
	return ACP_EXIT_USAGE;
}

enum acp_exit_code
acp_cluster_run(const struct acp_reconciler_options *options,
	const struct acp_config *config, struct acp_buffer *output)
{
	ACP_AUTO(controller) struct acp_controller controller;
	ACP_AUTO(buffer) struct acp_buffer why;
	const struct command command = {.options = options,
		.controller = &controller,
		.output = output,
		.why = &why};

	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	/* elsewhere they end the process, which is safe at any moment */
	if (options->mode == ACP_MODE_LOOP && !options->line.is_check)
		acp_loop_block_signals();
	if (acp_controller_open(&controller, config, &why))
		return fail(&command, "configuration", ACP_EXIT_USAGE);
	return run_mode(&command);
}
