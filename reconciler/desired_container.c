/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all containers of a session's pod have in common: pull policy,
 * resources and security. Must never give one a right to escalate.
 */
#include <config.h>

#include "reconciler/desired_build.h"
#include "reconciler/desired_session_build.h"

#include <string.h>

/* Images that cannot change under their name need not be asked for again. */
static const char *
find_policy(enum acp_pull pull, const char *image)
{
	switch (pull) {
	case ACP_PULL_ALWAYS:
		return "Always";
	case ACP_PULL_IF_NOT_PRESENT:
		return "IfNotPresent";
	case ACP_PULL_NEVER:
		return "Never";
	case ACP_PULL_AUTO:
	case ACP_PULL__MAX:
		break;
	}
	return strncmp(image, "localhost/", 10) == 0 || strchr(image, '@')
		? "IfNotPresent"
		: "Always";
}

static void
add_security(
	struct json_object *container, const struct acp_runner_site *runner)
{
	static const char *const all[] = {"ALL", NULL};
	struct json_object *security =
		acp_desired_add_object(container, "securityContext");

	acp_desired_add_bool(security, "allowPrivilegeEscalation", false);
	acp_desired_push_texts(
		acp_desired_add_array(
			acp_desired_add_object(security, "capabilities"),
			"drop"),
		all);
	if (runner->is_restricted)
		acp_desired_add_bool(security, "readOnlyRootFilesystem", true);
}

static void
add_amounts(struct json_object *resources, const char *key, const char *cpu,
	const char *memory)
{
	struct json_object *amounts = acp_desired_add_object(resources, key);

	acp_desired_add_text(amounts, "cpu", cpu);
	acp_desired_add_text(amounts, "memory", memory);
}

struct json_object *
acp_session_push_container(struct json_object *containers,
	const struct acp_session_want *want,
	const struct acp_session_container *container)
{
	struct json_object *object = acp_desired_push_object(containers);
	struct json_object *port, *resources;

	acp_desired_add_text(object, "name", container->name);
	acp_desired_add_text(object, "image", container->image);
	acp_desired_add_text(object, "imagePullPolicy",
		find_policy(want->runner->pull, container->image));
	port = acp_desired_push_object(acp_desired_add_array(object, "ports"));
	acp_desired_add_text(port, "name", container->port_name);
	acp_desired_add_number(port, "containerPort", container->port);
	acp_desired_add_text(port, "protocol", "TCP");
	resources = acp_desired_add_object(object, "resources");
	add_amounts(resources, "requests", container->cpu_request,
		container->memory_request);
	add_amounts(resources, "limits", container->cpu_limit,
		container->memory_limit);
	add_security(object, want->runner);
	acp_desired_add_array(object, "volumeMounts");
	return object;
}

void
acp_session_add_mount(struct json_object *container, const char *volume,
	const char *path, const char *sub_path, bool is_read_only)
{
	struct json_object *mounts = NULL, *mount;

	json_object_object_get_ex(container, "volumeMounts", &mounts);
	mount = acp_desired_push_object(mounts);
	acp_desired_add_text(mount, "name", volume);
	acp_desired_add_text(mount, "mountPath", path);
	if (sub_path)
		acp_desired_add_text(mount, "subPath", sub_path);
	if (is_read_only)
		acp_desired_add_bool(mount, "readOnly", true);
}
