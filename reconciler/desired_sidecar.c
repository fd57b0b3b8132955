/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MCP server beside a runner. It asks nobody who he is, so it listens on
 * the pod's own loopback only; and it gets a token as the runner does, by the
 * session's bound URL. It has none of the runner's keys, and no volume.
 */
#include <config.h>

#include "reconciler/desired_build.h"
#include "reconciler/desired_session_build.h"

enum { MCP_PORT = 8090 };

static void
add_environment(
	struct json_object *container, const struct acp_session_want *want)
{
	struct json_object *environment =
		acp_desired_add_array(container, "env");

	acp_environment_add(environment, "SESSION_ID", want->detail->row.id);
	acp_environment_add(environment, "MCP_TRANSPORT", "sse");
	acp_environment_add(environment, "MCP_BIND_ADDR", "127.0.0.1:8090");
	acp_environment_add(
		environment, "AMBIENT_API_URL", want->runner->mcp_api_url);
	acp_environment_add_token(environment, want);
	if (want->runner->ca_config_map)
		acp_environment_add(environment, "SSL_CERT_FILE",
			ACP_CA_FOLDER "/" ACP_CA_NAME);
	acp_environment_add_proxies(environment, want);
}

void
acp_session_push_mcp(
	struct json_object *containers, const struct acp_session_want *want)
{
	const struct acp_session_container container = {
		.name = ACP_MCP_CONTAINER,
		.image = want->runner->mcp_image,
		.port_name = "mcp-sse",
		.port = MCP_PORT,
		.cpu_request = "100m",
		.cpu_limit = "500m",
		.memory_request = "128Mi",
		.memory_limit = "256Mi",
	};
	struct json_object *object =
		acp_session_push_container(containers, want, &container);

	add_environment(object, want);
	if (want->runner->ca_config_map)
		acp_session_add_mount(object, "service-ca",
			ACP_CA_FOLDER "/" ACP_CA_NAME, ACP_CA_NAME, true);
}
