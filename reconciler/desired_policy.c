/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network policies. Each selects our own pods only: a policy that selected
 * all pods would shut off what users run in the same namespace (H-45).
 */
#include <config.h>

#include "reconciler/desired.h"

#include "reconciler/desired_build.h"

enum { RUNNER_PORT = 8001 };

/* spec with podSelector and policyTypes; its one rule is given to be filled. */
static struct json_object *
add_spec(struct json_object *object, struct json_object **selector)
{
	static const char *const types[] = {"Ingress", NULL};
	struct json_object *spec = acp_desired_add_object(object, "spec");

	*selector = acp_desired_add_object(
		acp_desired_add_object(spec, "podSelector"), "matchLabels");
	acp_desired_push_texts(
		acp_desired_add_array(spec, "policyTypes"), types);
	return acp_desired_push_object(acp_desired_add_array(spec, "ingress"));
}

/* from: namespaces with the labels that the caller adds to the result. */
static struct json_object *
add_peer(struct json_object *rule)
{
	struct json_object *peer =
		acp_desired_push_object(acp_desired_add_array(rule, "from"));

	return acp_desired_add_object(
		acp_desired_add_object(peer, "namespaceSelector"),
		"matchLabels");
}

static void
add_port(struct json_object *rule, int number)
{
	struct json_object *port =
		acp_desired_push_object(acp_desired_add_array(rule, "ports"));

	acp_desired_add_text(port, "protocol", "TCP");
	acp_desired_add_number(port, "port", number);
}

struct json_object *
acp_desired_api_server_policy(const struct acp_site *site,
	const char *namespace, const char *project_id)
{
	const struct acp_ref ref = {
		ACP_KIND_NETWORK_POLICY, namespace, ACP_API_SERVER_POLICY};
	struct json_object *object = acp_desired_new(site, &ref, project_id);
	struct json_object *selector, *rule = add_spec(object, &selector);

	acp_desired_add_text(selector, ACP_LABEL_MANAGED, "true");
	acp_desired_add_text(selector, ACP_LABEL_INSTANCE, site->instance);
	acp_desired_add_text(add_peer(rule), "kubernetes.io/metadata.name",
		site->runtime_namespace);
	add_port(rule, RUNNER_PORT);
	return object;
}

struct json_object *
acp_desired_token_fetch_policy(const struct acp_site *site)
{
	const struct acp_ref ref = {ACP_KIND_NETWORK_POLICY,
		site->runtime_namespace, ACP_TOKEN_FETCH_POLICY};
	struct json_object *object = acp_desired_new(site, &ref, NULL);
	struct json_object *selector, *rule = add_spec(object, &selector);
	struct json_object *from = add_peer(rule);

	acp_desired_add_text(selector, "app", site->token_service_app);
	if (site->platform == ACP_PLATFORM_MPP) {
		acp_desired_add_text(from, ACP_LABEL_TENANT, ACP_TENANT);
	} else {
		acp_desired_add_text(from, ACP_LABEL_MANAGED, "true");
		acp_desired_add_text(from, ACP_LABEL_INSTANCE, site->instance);
	}
	add_port(rule, site->token_service_port);
	return object;
}
