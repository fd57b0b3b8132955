/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at everything that a pass would need, in the order in which it would
 * fail. Goes on behind a failure, so that one look shows all.
 */
#include <config.h>

#include "reconciler/cluster_check.h"

#include "lib/limits.h"
#include "lib/log.h"
#include "reconciler/findings.h"
#include "reconciler/key_secret.h"
#include "reconciler/self_check.h"

enum { HTTP_UNAUTHORIZED = 401, HTTP_NOT_FOUND = 404 };

/* Reads the Secret, and writes what there is to say of it into said. */
static enum acp_error
read_key_secret(struct acp_controller *controller, struct acp_buffer *said)
{
	const struct acp_ref ref = {.kind = ACP_KIND_SECRET,
		.namespace = controller->settings.site.runtime_namespace,
		.name = ACP_KEY_SECRET_NAME};
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	ACP_AUTO(key_secret) struct acp_key_secret secret;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	acp_key_secret_init(&secret);
	error = acp_kube_get(controller->clients.kube, &ref, &reply);
	if (error == ACP_GONE) {
		acp_buffer_append(said, "not there, a pass will make it");
		return ACP_OK;
	}
	if (error) {
		acp_buffer_printf(said, "%s: %s",
			acp_kube_reason_name(reply.reason), reply.message);
		return error;
	}
	error = acp_key_secret_read(reply.body, &secret, said);
	acp_key_secret_wipe(reply.body);
	if (!error)
		acp_buffer_printf(said, "good, key id %s, keys %zu",
			acp_key_peek_id(secret.current),
			acp_key_secret_get_count(&secret));
	return error;
}

static void
look_at_key_secret(
	struct acp_findings *findings, struct acp_controller *controller)
{
	ACP_AUTO(buffer) struct acp_buffer said;
	enum acp_error error;

	acp_buffer_init(&said, findings->text->limit);
	error = read_key_secret(controller, &said);
	acp_findings_add(
		findings, "key Secret", !error, acp_buffer_peek(&said));
}

/* What did not work, and which keys to look at. */
static void
blame_api(const struct acp_api_reply *reply, struct acp_buffer *text)
{
	const char *advice = "";

	if (reply->code)
		acp_buffer_printf(text, " answered %ld", reply->code);
	else
		acp_buffer_append(text, " was not asked or did not answer");
	if (*reply->message)
		acp_buffer_printf(text, ": %s", reply->message);
	if (!reply->code)
		advice = "api_server_url (AMBIENT_API_SERVER_URL)";
	else if (reply->code == HTTP_UNAUTHORIZED)
		advice = "the identity: oidc_client_id or api_token";
	else if (reply->code == HTTP_NOT_FOUND)
		advice = "api_server_url: scheme, host and port, and no path";
	if (*advice)
		acp_buffer_printf(text, "; look at %s", advice);
}

static void
look_at_api(struct acp_findings *findings, struct acp_controller *controller)
{
	const char *url = controller->settings.api_url;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	ACP_AUTO(buffer) struct acp_buffer said;
	enum acp_error error;

	acp_api_reply_init(&reply);
	acp_buffer_init(&said, findings->text->limit);
	error = acp_api_get(
		controller->clients.api, "/projects?size=0", &reply);
	acp_buffer_printf(&said, "%s%s", error ? "" : "good, ", url);
	if (error)
		blame_api(&reply, &said);
	acp_findings_add(
		findings, "API server", !error, acp_buffer_peek(&said));
}

/* name: what the rights are for. */
static void
check_rights(struct acp_findings *findings, struct acp_controller *controller,
	enum acp_self_check_part part, const char *name)
{
	const struct acp_reconciler_settings *settings = &controller->settings;
	const struct acp_site *site = &settings->site;
	const struct acp_self_check_scope scope = {
		.runtime_namespace = site->runtime_namespace,
		.config_namespace = site->config_namespace,
		.image_namespace = site->image_namespace,
		.is_mpp = site->platform == ACP_PLATFORM_MPP,
		.has_keypair_owner = settings->keypair_owner,
		.retains_namespaces = !site->deletes_namespaces};
	ACP_AUTO(buffer) struct acp_buffer lines;
	size_t missing = 0;
	bool is_good;

	acp_buffer_init(&lines, findings->text->limit);
	acp_buffer_append(&lines, "\n");
	is_good = !acp_self_check_run(part == ACP_SELF_CHECK_PROJECTS
				  ? controller->clients.project_kube
				  : controller->clients.kube,
			  &scope, part, &lines, &missing) &&
		!missing;
	acp_findings_add(findings, name, is_good,
		is_good ? "all there" : acp_buffer_peek(&lines));
}

static void
look_at_rights(struct acp_findings *findings, struct acp_controller *controller)
{
	const struct acp_clients *clients = &controller->clients;

	if (clients->project_kube == clients->kube) {
		check_rights(findings, controller, ACP_SELF_CHECK_WHOLE,
			"permissions");
		return;
	}
	check_rights(findings, controller, ACP_SELF_CHECK_RUNTIME,
		"permissions outside of projects");
	check_rights(findings, controller, ACP_SELF_CHECK_PROJECTS,
		"permissions in projects");
}

void
acp_cluster_check_rights(struct acp_controller *controller)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	struct acp_findings findings = {.text = &text};

	acp_buffer_init(&text, ACP_LOG_MESSAGE_MAX);
	look_at_rights(&findings, controller);
	if (findings.is_bad)
		acp_log_message(ACP_LOG_WARN, "permissions_missing", "%s",
			acp_buffer_peek(&text));
}

static void
describe_site(struct acp_findings *findings, struct acp_controller *controller)
{
	const struct acp_site *site = &controller->settings.site;
	ACP_AUTO(buffer) struct acp_buffer access;
	ACP_AUTO(buffer) struct acp_buffer place;

	acp_buffer_init(&access, findings->text->limit);
	acp_buffer_init(&place, findings->text->limit);
	acp_kube_access_describe(controller->clients.access, &access);
	acp_findings_add(
		findings, "Kubernetes", true, acp_buffer_peek(&access));
	acp_buffer_printf(&place, "%s, instance: %s", site->runtime_namespace,
		site->instance);
	acp_findings_add(
		findings, "runtime namespace", true, acp_buffer_peek(&place));
}

enum acp_exit_code
acp_cluster_check(struct acp_controller *controller, bool is_json,
	struct acp_buffer *text)
{
	struct acp_findings findings = {.text = text, .is_json = is_json};

	acp_findings_begin(&findings, controller->settings.config);
	describe_site(&findings, controller);
	acp_findings_add_key_file(
		&findings, controller->settings.key_file, "a pass");
	look_at_key_secret(&findings, controller);
	look_at_rights(&findings, controller);
	look_at_api(&findings, controller);
	acp_findings_end(&findings);
	return findings.is_bad ? ACP_EXIT_NOTHING_DONE : ACP_EXIT_CONVERGED;
}
