/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a credential plugin and reads what it prints. The plugin is in a
 * process group of its own, which is killed when its time is over and when
 * it has ended. Its standard error is thrown away: it may hold anything.
 */
#include <config.h>

#include "reconciler/kube_exec.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/token.h"
#include "reconciler/rfc3339.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

extern char **environ;

enum { READ_SIZE = 4096, FIRST_INHERITED_FD = 3 };

static const char info_name[] = "KUBERNETES_EXEC_INFO=";

/* A plugin that was started. */
struct child {
	pid_t pid;
	int out; /* its standard output; -1 once at the end */
	int ended; /* a descriptor of the process */
	int64_t deadline_ms;
	bool is_over; /* it has exited */
};

void
acp_kube_exec_clear(struct acp_kube_exec *exec)
{
	for (size_t i = 0; i < exec->argument_count; i++)
		free(exec->arguments[i]);
	for (size_t i = 0; i < exec->variable_count; i++)
		free(exec->variables[i]);
	free(exec->arguments);
	free(exec->variables);
	free(exec->command);
	free(exec->api_version);
	*exec = (struct acp_kube_exec){0};
}

void
acp_kube_exec_result_clear(struct acp_kube_exec_result *result)
{
	acp_secret_clear(&result->token);
	acp_secret_clear(&result->certificate);
	acp_secret_clear(&result->key);
	*result = (struct acp_kube_exec_result){0};
}

bool
acp_kube_exec_has_version(const char *api_version)
{
	return strcmp(api_version, "client.authentication.k8s.io/v1") == 0 ||
		strcmp(api_version, "client.authentication.k8s.io/v1beta1") ==
		0;
}

static enum acp_error
refuse(const char *command, const char *reason, struct acp_buffer *why)
{
	acp_buffer_printf(why, "exec plugin %s %s", command, reason);
	return ACP_DENIED;
}

/* Its environment */

static bool
is_same_variable(const char *left, const char *right)
{
	size_t size = strcspn(left, "=") + 1;

	return strncmp(left, right, size) == 0;
}

static bool
is_replaced(const struct acp_kube_exec *exec, const char *variable)
{
	if (is_same_variable(info_name, variable))
		return true;
	for (size_t i = 0; i < exec->variable_count; i++)
		if (is_same_variable(exec->variables[i], variable))
			return true;
	return false;
}

/* Our own secrets are none of the plugin's business. */
static bool
is_ours(const char *variable)
{
	static const char *const names[] = {"OIDC_CLIENT_SECRET=",
		"CP_TOKEN_OIDC_CLIENT_SECRET=", "AMBIENT_API_TOKEN="};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_same_variable(names[i], variable))
			return true;
	return false;
}

/* The texts are borrowed; the array is the caller's. */
static char **
make_environment(const struct acp_kube_exec *exec, char *info)
{
	size_t count = 0;
	char **environment;

	while (environ && environ[count])
		count++;
	environment = acp_memory_new(
		count + exec->variable_count + 2, sizeof(char *));
	count = 0;
	for (char **entry = environ; entry && *entry; entry++)
		if (!is_replaced(exec, *entry) && !is_ours(*entry))
			environment[count++] = *entry;
	for (size_t i = 0; i < exec->variable_count; i++)
		environment[count++] = exec->variables[i];
	environment[count] = info;
	return environment;
}

static char *
make_info(const struct acp_kube_exec *exec, const char *cluster)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, 4 * ACP_KUBECONFIG_FILE_MAX);
	acp_buffer_append(&text, info_name);
	acp_buffer_append(&text, "{\"apiVersion\":");
	acp_buffer_append_json(
		&text, exec->api_version, strlen(exec->api_version));
	acp_buffer_append(&text, ",\"kind\":\"ExecCredential\",\"spec\":{");
	if (cluster && exec->wants_cluster)
		acp_buffer_printf(&text, "\"cluster\":%s,", cluster);
	acp_buffer_append(&text, "\"interactive\":false}}");
	return acp_buffer_steal(&text);
}

static char **
make_arguments(const struct acp_kube_exec *exec)
{
	char **arguments =
		acp_memory_new(exec->argument_count + 2, sizeof(char *));

	arguments[0] = exec->command;
	for (size_t i = 0; i < exec->argument_count; i++)
		arguments[i + 1] = exec->arguments[i];
	return arguments;
}

/* Starting it */

/* Nothing to read, output to us, and none of our descriptors. */
static int
set_files(posix_spawn_file_actions_t *actions, int out)
{
	int bad = 0;

	bad |= posix_spawn_file_actions_addopen(
		actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	bad |= posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
	bad |= posix_spawn_file_actions_addopen(
		actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	bad |= posix_spawn_file_actions_addclosefrom_np(
		actions, FIRST_INHERITED_FD);
	return bad;
}

/* A group of its own, and no signal blocked or ignored as in ours. */
static int
set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;
	int bad = 0;

	sigemptyset(&none);
	sigfillset(&all);
	bad |= posix_spawnattr_setpgroup(attributes, 0);
	bad |= posix_spawnattr_setsigmask(attributes, &none);
	bad |= posix_spawnattr_setsigdefault(attributes, &all);
	bad |= posix_spawnattr_setflags(attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
			POSIX_SPAWN_SETSIGDEF);
	return bad;
}

static int
spawn(const struct acp_kube_exec *exec, char **environment, int out, pid_t *pid)
{
	ACP_AUTO(free) char **arguments = make_arguments(exec);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	error = set_files(&actions, out) | set_signals(&attributes);
	if (!error)
		error = posix_spawnp(pid, exec->command, &actions, &attributes,
			arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static enum acp_error
start_child(const struct acp_kube_exec *exec, const char *cluster,
	struct child *child, struct acp_buffer *why)
{
	ACP_AUTO(free) char *info = make_info(exec, cluster);
	ACP_AUTO(free) char **environment = make_environment(exec, info);
	ACP_AUTO(fd) int in = -1;
	int pipes[2];
	int error;

	if (pipe2(pipes, O_CLOEXEC))
		return refuse(exec->command, strerror(errno), why);
	child->out = pipes[0];
	in = pipes[1];
	error = spawn(exec, environment, in, &child->pid);
	if (error) {
		child->pid = 0;
		return refuse(exec->command, strerror(error), why);
	}
	child->ended = pidfd_open(child->pid, 0);
	if (child->ended < 0 ||
		fcntl(child->out, F_SETFL, O_NONBLOCK | O_RDONLY))
		return refuse(exec->command, strerror(errno), why);
	return ACP_OK;
}

/* Ends it with all that it started; its exit status, or -1. */
static int
end_child(struct child *child)
{
	int status = -1;

	if (child->pid > 0) {
		/* not waited for yet, so the group's number is still its own */
		kill(-child->pid, SIGKILL);
		while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	acp_auto_fd(&child->out);
	acp_auto_fd(&child->ended);
	return child->pid > 0 && child->is_over && WIFEXITED(status)
		? WEXITSTATUS(status)
		: -1;
}

/* Reads what is there. False when it is too much. */
static bool
has_room_for_output(struct child *child, struct acp_secret *output)
{
	char bytes[READ_SIZE];
	ssize_t size = 1;

	while (size > 0 && output->size <= ACP_KUBE_EXEC_OUTPUT_MAX) {
		size = read(child->out, bytes, sizeof(bytes));
		if (size > 0)
			acp_secret_append(output, bytes, (size_t)size);
	}
	acp_secret_wipe(bytes, sizeof(bytes));
	if (size == 0) {
		close(child->out);
		child->out = -1; /* poll passes it over */
	}
	return output->size <= ACP_KUBE_EXEC_OUTPUT_MAX;
}

/* Until it has ended: what others hold its output open for is not ours. */
static enum acp_error
read_output(const struct acp_kube_exec *exec, struct child *child,
	struct acp_secret *output, struct acp_buffer *why)
{
	struct pollfd polled[2] = {
		{.fd = child->ended, .events = POLLIN},
		{.events = POLLIN},
	};
	int64_t left_ms;

	while (!child->is_over) {
		left_ms = child->deadline_ms - acp_clock_now_ms();
		if (left_ms <= 0)
			return refuse(exec->command,
				"took too long: run it by hand to see why",
				why);
		polled[1].fd = child->out;
		if (poll(polled, 2, (int)left_ms) < 0 && errno != EINTR)
			return refuse(exec->command, strerror(errno), why);
		child->is_over = polled[0].revents != 0;
		if (child->out >= 0 && !has_room_for_output(child, output))
			return refuse(exec->command, "prints too much", why);
	}
	return ACP_OK;
}

/* What it printed */

static void
take_text(
	struct json_object *object, const char *name, struct acp_secret *secret)
{
	size_t size;
	const char *text = acp_json_peek_text(object, name, &size);

	if (!text)
		return;
	acp_secret_set(secret, text, size);
	acp_json_wipe_text(object, name);
}

static const char *
judge_life(const struct json_object *status, int64_t wall_ms,
	struct acp_kube_exec_result *result)
{
	size_t size;
	const char *text =
		acp_json_peek_text(status, "expirationTimestamp", &size);
	int64_t end_us;

	result->left_ms = -1;
	if (!text || !*text)
		return NULL;
	if (!acp_rfc3339_read(text, size, &end_us))
		return "gave an expirationTimestamp that is no time";
	if (end_us / 1000 <= wall_ms)
		return "gave a credential that has expired";
	result->left_ms = end_us / 1000 - wall_ms;
	return NULL;
}

static const char *
judge_credential(const struct acp_kube_exec_result *result)
{
	bool has_certificate = !acp_secret_is_empty(&result->certificate);
	bool has_key = !acp_secret_is_empty(&result->key);

	if (has_certificate != has_key)
		return "gave a certificate or a key without the other";
	if (!has_certificate && acp_secret_is_empty(&result->token))
		return "gave neither a token nor a certificate";
	if (!acp_secret_is_empty(&result->token) &&
		!acp_token_is_legal(result->token.bytes, result->token.size))
		return "gave a token that no header may carry";
	return NULL;
}

static const char *
judge_output(struct json_object *object, const char *api_version,
	int64_t wall_ms, struct acp_kube_exec_result *result)
{
	struct json_object *status = acp_json_peek_object(object, "status");
	const char *bad;
	const char *text;
	size_t size;

	text = acp_json_peek_text(object, "kind", &size);
	if (!text || strcmp(text, "ExecCredential") != 0)
		return "did not print an ExecCredential";
	text = acp_json_peek_text(object, "apiVersion", &size);
	if (!text || strcmp(text, api_version) != 0)
		return "answered in another apiVersion";
	if (!status)
		return "gave no status";
	take_text(status, "token", &result->token);
	take_text(status, "clientCertificateData", &result->certificate);
	take_text(status, "clientKeyData", &result->key);
	bad = judge_life(status, wall_ms, result);
	return bad ? bad : judge_credential(result);
}

enum acp_error
acp_kube_exec_read(const char *text, size_t size, const char *api_version,
	int64_t wall_ms, struct acp_kube_exec_result *result,
	struct acp_buffer *why)
{
	ACP_AUTO(json) struct json_object *object = acp_json_new(text, size);
	const char *bad = object
		? judge_output(object, api_version, wall_ms, result)
		: "did not print JSON";

	if (!bad)
		return ACP_OK;
	acp_kube_exec_result_clear(result);
	acp_buffer_append(why, bad);
	return ACP_DENIED;
}

enum acp_error
acp_kube_exec_run(const struct acp_kube_exec *exec, const char *cluster,
	int64_t time_ms, struct acp_kube_exec_result *result,
	struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret output = {0};
	ACP_AUTO(buffer) struct acp_buffer bad;
	struct child child = {
		.out = -1,
		.ended = -1,
		.deadline_ms = acp_clock_now_ms() + time_ms,
	};
	enum acp_error error = start_child(exec, cluster, &child, why);
	int status;

	acp_buffer_init(&bad, ACP_LOG_VALUE_MAX);
	if (!error)
		error = read_output(exec, &child, &output, why);
	status = end_child(&child);
	if (error)
		return error;
	if (status != 0)
		return refuse(exec->command,
			"failed: run it by hand to see why", why);
	if (acp_kube_exec_read(acp_secret_peek(&output), output.size,
		    exec->api_version, acp_clock_wall_ms(), result, &bad))
		return refuse(exec->command, acp_buffer_peek(&bad), why);
	return ACP_OK;
}
