/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod of a session: its runner, volumes and security. It must always meet
 * Kubernetes' baseline Pod Security Standard, and the restricted one where
 * the operator wants that; no value in it is a secret.
 */
#include <config.h>

#include "reconciler/desired_build.h"
#include "reconciler/desired_session_build.h"
#include "reconciler/quantity.h"

#include "lib/memory.h"

#include <stdlib.h>
#include <string.h>

enum { GRACE_S = 60, RUNNER_PORT = 8001 };

#define KEY_ID_ANNOTATION "ambient-code.io/token-key-id"
#define SESSION_ID_ANNOTATION "ambient-code.io/session-id"
#define SESSION_NAME_ANNOTATION "ambient-code.io/session-name"

/* The smaller of two amounts; NULL is no amount at all. */
static const char *
choose_less(const char *amount, const char *asked)
{
	int64_t most, wanted;

	if (!acp_quantity_read(asked, &wanted) ||
		(acp_quantity_read(amount, &most) && most <= wanted))
		return amount;
	return asked;
}

static void
mount_vertex(
	struct json_object *container, const struct acp_runner_site *runner)
{
	ACP_AUTO(free)
	char *folder = acp_memory_dup_text(runner->vertex_key_path);
	char *slash = strrchr(folder, '/');

	if (slash)
		*slash = '\0';
	acp_session_add_mount(container, "vertex", folder, NULL, true);
}

static void
mount_volumes(
	struct json_object *container, const struct acp_runner_site *runner)
{
	acp_session_add_mount(
		container, "workspace", "/workspace", NULL, false);
	if (runner->is_restricted) {
		acp_session_add_mount(
			container, "home", ACP_HOME_FOLDER, NULL, false);
		acp_session_add_mount(container, "tmp", "/tmp", NULL, false);
	}
	if (runner->ca_config_map)
		acp_session_add_mount(container, "service-ca",
			ACP_CA_FOLDER "/" ACP_CA_NAME, ACP_CA_NAME, true);
	if (runner->has_vertex)
		mount_vertex(container, runner);
}

/* A session may have less than the operator gives, and never more. */
static void
push_runner(struct json_object *containers, const struct acp_session_want *want)
{
	const struct acp_runner_site *runner = want->runner;
	const struct acp_session_detail *detail = want->detail;
	const struct acp_session_container container = {
		.name = ACP_RUNNER_CONTAINER,
		.image = runner->image,
		.port_name = "agui",
		.port = RUNNER_PORT,
		.cpu_request = choose_less(runner->cpu_request, detail->cpu),
		.cpu_limit = choose_less(runner->cpu_limit, detail->cpu),
		.memory_request =
			choose_less(runner->memory_request, detail->memory),
		.memory_limit =
			choose_less(runner->memory_limit, detail->memory),
	};
	struct json_object *object =
		acp_session_push_container(containers, want, &container);
	struct json_object *environment = acp_desired_add_array(object, "env");

	acp_environment_add_runner(environment, want);
	acp_environment_add_users(environment, want);
	mount_volumes(object, runner);
}

static struct json_object *
push_volume(struct json_object *volumes, const char *name, const char *source)
{
	struct json_object *volume = acp_desired_push_object(volumes);

	acp_desired_add_text(volume, "name", name);
	return acp_desired_add_object(volume, source);
}

static void
push_empty(struct json_object *volumes, const char *name, const char *limit)
{
	acp_desired_add_text(
		push_volume(volumes, name, "emptyDir"), "sizeLimit", limit);
}

/* The key is named, so that a ConfigMap without it fails and says so. */
static void
push_authorities(
	struct json_object *volumes, const struct acp_runner_site *runner)
{
	struct json_object *source =
		push_volume(volumes, "service-ca", "configMap");
	struct json_object *item;

	acp_desired_add_text(source, "name", runner->ca_config_map);
	item = acp_desired_push_object(acp_desired_add_array(source, "items"));
	acp_desired_add_text(item, "key", runner->ca_key);
	acp_desired_add_text(item, "path", ACP_CA_NAME);
}

static void
add_volumes(struct json_object *spec, const struct acp_runner_site *runner)
{
	struct json_object *volumes = acp_desired_add_array(spec, "volumes");

	push_empty(volumes, "workspace", runner->workspace_limit);
	if (runner->is_restricted) {
		push_empty(volumes, "home", runner->workspace_limit);
		push_empty(volumes, "tmp", runner->workspace_limit);
	}
	if (runner->ca_config_map)
		push_authorities(volumes, runner);
	if (runner->has_vertex)
		acp_desired_add_text(push_volume(volumes, "vertex", "secret"),
			"secretName", runner->vertex_secret);
}

static void
add_pod_security(struct json_object *spec, const struct acp_runner_site *runner)
{
	struct json_object *security =
		acp_desired_add_object(spec, "securityContext");

	acp_desired_add_text(acp_desired_add_object(security, "seccompProfile"),
		"type", "RuntimeDefault");
	if (runner->is_restricted)
		acp_desired_add_bool(security, "runAsNonRoot", true);
}

static void
add_pull_secret(struct json_object *spec, const struct acp_runner_site *runner)
{
	if (runner->pull_secret)
		acp_desired_add_text(
			acp_desired_push_object(acp_desired_add_array(
				spec, "imagePullSecrets")),
			"name", runner->pull_secret);
}

static void
add_running(struct json_object *spec, const struct acp_session_want *want)
{
	acp_desired_add_text(spec, "serviceAccountName", want->names->account);
	acp_desired_add_bool(spec, "automountServiceAccountToken",
		want->runner->has_account_token);
	acp_desired_add_bool(spec, "enableServiceLinks", false);
	acp_desired_add_text(spec, "restartPolicy", "Never");
	acp_desired_add_number(spec, "terminationGracePeriodSeconds", GRACE_S);
	if (want->detail->timeout_s > 0)
		acp_desired_add_number(
			spec, "activeDeadlineSeconds", want->detail->timeout_s);
}

static void
add_annotations(struct json_object *object, const struct acp_session_want *want)
{
	const struct acp_session_detail *detail = want->detail;
	struct json_object *annotations = acp_desired_peek_annotations(object);

	acp_desired_add_text(
		annotations, SESSION_ID_ANNOTATION, detail->row.id);
	if (detail->name)
		acp_desired_add_text(
			annotations, SESSION_NAME_ANNOTATION, detail->name);
	acp_desired_add_text(
		annotations, KEY_ID_ANNOTATION, acp_key_peek_id(want->key));
}

struct json_object *
acp_desired_session_pod(const struct acp_session_want *want)
{
	struct json_object *object =
		acp_session_new(want, ACP_KIND_POD, want->names->pod);
	struct json_object *spec, *containers;

	add_annotations(object, want);
	spec = acp_desired_add_object(object, "spec");
	add_running(spec, want);
	add_pull_secret(spec, want->runner);
	add_pod_security(spec, want->runner);
	containers = acp_desired_add_array(spec, "containers");
	push_runner(containers, want);
	if (want->runner->mcp_image)
		acp_session_push_mcp(containers, want);
	add_volumes(spec, want->runner);
	return object;
}
