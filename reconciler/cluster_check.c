/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at everything that a pass would need, in the order in which it would
 * fail. Goes on behind a failure, so that one look shows all.
 */
#include <config.h>

#include "reconciler/cluster_check.h"

#include "lib/config.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "reconciler/key_secret.h"
#include "reconciler/local.h"
#include "reconciler/self_check.h"

enum { HTTP_UNAUTHORIZED = 401, HTTP_NOT_FOUND = 404 };

/* What is looked at, and whether all was well so far. */
struct look {
	struct acp_controller *controller;
	struct acp_buffer *text;
	bool is_bad;
};

static void
look_at_key_file(struct look *look)
{
	const char *key_file = look->controller->settings.key_file;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_local_result result;

	acp_buffer_init(&why, look->text->limit);
	if (acp_local_look(key_file, &result, &why)) {
		acp_buffer_printf(look->text, "key file: bad: %s\n",
			acp_buffer_peek(&why));
		look->is_bad = true;
	} else if (*result.key_id) {
		acp_buffer_printf(look->text, "key file: good, key id %s\n",
			result.key_id);
	} else {
		acp_buffer_append(look->text,
			"key file: not there, a pass will make it\n");
	}
}

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
look_at_key_secret(struct look *look)
{
	ACP_AUTO(buffer) struct acp_buffer said;
	enum acp_error error;

	acp_buffer_init(&said, look->text->limit);
	error = read_key_secret(look->controller, &said);
	acp_buffer_printf(look->text, "key Secret: %s%s\n",
		error ? "bad: " : "", acp_buffer_peek(&said));
	look->is_bad |= error != ACP_OK;
}

/* What did not work, and which keys to look at. */
static void
blame_api(struct look *look, const struct acp_api_reply *reply)
{
	struct acp_buffer *text = look->text;
	const char *advice = "";

	acp_buffer_printf(text, "API server: bad: %s ",
		look->controller->settings.api_url);
	if (reply->code)
		acp_buffer_printf(text, "answered %ld", reply->code);
	else
		acp_buffer_append(text, "was not asked or did not answer");
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
	acp_buffer_append(text, "\n");
}

static void
look_at_api(struct look *look)
{
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	enum acp_error error;

	acp_api_reply_init(&reply);
	error = acp_api_get(
		look->controller->clients.api, "/projects?size=0", &reply);
	if (error)
		blame_api(look, &reply);
	else
		acp_buffer_printf(look->text, "API server: good, %s\n",
			look->controller->settings.api_url);
	look->is_bad |= error != ACP_OK;
}

static void
check_rights(struct look *look, struct acp_kube *kube,
	enum acp_self_check_part part, const char *name)
{
	const struct acp_reconciler_settings *settings =
		&look->controller->settings;
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
	enum acp_error error;

	acp_buffer_init(&lines, look->text->limit);
	error = acp_self_check_run(kube, &scope, part, &lines, &missing);
	if (!error && !missing)
		acp_buffer_printf(
			look->text, "permissions%s: all there\n", name);
	else
		acp_buffer_printf(look->text, "permissions%s: bad:\n%s", name,
			acp_buffer_peek(&lines));
	look->is_bad |= error || missing;
}

static void
look_at_rights(struct look *look)
{
	const struct acp_clients *clients = &look->controller->clients;

	if (clients->project_kube == clients->kube) {
		check_rights(look, clients->kube, ACP_SELF_CHECK_WHOLE, "");
		return;
	}
	check_rights(look, clients->kube, ACP_SELF_CHECK_RUNTIME,
		" outside of projects");
	check_rights(look, clients->project_kube, ACP_SELF_CHECK_PROJECTS,
		" in projects");
}

void
acp_cluster_check_rights(struct acp_controller *controller)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	struct look look = {.controller = controller, .text = &text};

	acp_buffer_init(&text, ACP_LOG_MESSAGE_MAX);
	look_at_rights(&look);
	if (look.is_bad)
		acp_log_message(ACP_LOG_WARN, "permissions_missing", "%s",
			acp_buffer_peek(&text));
}

enum acp_exit_code
acp_cluster_check(struct acp_controller *controller, struct acp_buffer *text)
{
	struct look look = {.controller = controller, .text = text};

	acp_config_describe(controller->settings.config, text);
	acp_buffer_append(text, "Kubernetes: ");
	acp_kube_access_describe(controller->clients.access, text);
	acp_buffer_printf(text, "\nruntime namespace: %s, instance: %s\n",
		controller->settings.site.runtime_namespace,
		controller->settings.site.instance);
	look_at_key_file(&look);
	look_at_key_secret(&look);
	look_at_rights(&look);
	look_at_api(&look);
	return look.is_bad ? ACP_EXIT_NOTHING_DONE : ACP_EXIT_CONVERGED;
}
