/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a configuration into what the reconciler runs with. All faults are
 * told at once. Must never put a secret, or a URL, into a message.
 */
#include <config.h>

#include "reconciler/settings.h"

#include "lib/token_source_settings.h"
#include "lib/url.h"

#include <string.h>

enum { LABEL_MAX = 63, RETAIN = 1 };

static const char default_namespace[] = "ambient-code";

bool
acp_is_dns_label(const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size <= LABEL_MAX && text[0] != '-' &&
		text[size - 1] != '-' &&
		strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

static void
check_label(const char *name, const char *text, struct acp_buffer *why)
{
	if (text && !acp_is_dns_label(text))
		acp_buffer_printf(why,
			"%s is no name that Kubernetes takes: at most 63 of "
			"a-z 0-9 -, with none of - at the ends\n",
			name);
}

static void
check_names(const struct acp_site *site, struct acp_buffer *why)
{
	check_label("runtime_namespace", site->runtime_namespace, why);
	check_label("instance", site->instance, why);
	check_label("config_namespace", site->config_namespace, why);
	check_label("image_namespace", site->image_namespace, why);
	check_label("vertex_namespace", site->vertex_namespace, why);
	check_label("service_account", site->service_account, why);
	check_label("token_service_app", site->token_service_app, why);
}

static void
read_site(const struct acp_config *config, struct acp_site *site)
{
	*site = (struct acp_site){
		.platform = (enum acp_platform)acp_config_get_choice(
			config, ACP_CONFIG_PLATFORM_MODE),
		.instance = acp_config_peek_text(config, ACP_CONFIG_INSTANCE),
		.runtime_namespace = acp_config_peek_text(
			config, ACP_CONFIG_RUNTIME_NAMESPACE),
		.config_namespace = acp_config_peek_text(
			config, ACP_CONFIG_CONFIG_NAMESPACE),
		.image_namespace = acp_config_peek_text(
			config, ACP_CONFIG_IMAGE_NAMESPACE),
		.vertex_namespace = acp_config_peek_text(
			config, ACP_CONFIG_VERTEX_NAMESPACE),
		.service_account = acp_config_peek_text(
			config, ACP_CONFIG_SERVICE_ACCOUNT),
		.token_service_app = acp_config_peek_text(
			config, ACP_CONFIG_TOKEN_SERVICE_APP),
		.token_service_port = (int)acp_config_get_number(
			config, ACP_CONFIG_TOKEN_SERVICE_PORT),
		.has_creator_binding =
			acp_config_get_bool(config, ACP_CONFIG_CREATOR_BINDING),
		.deletes_namespaces =
			acp_config_get_choice(config,
				ACP_CONFIG_PROJECT_NAMESPACES) != RETAIN,
		.adopts = acp_config_get_bool(config, ACP_CONFIG_ADOPT),
	};
}

static void
read_running(const struct acp_config *config,
	struct acp_reconciler_settings *settings)
{
	settings->interval_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_INTERVAL);
	settings->resync_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_RESYNC);
	settings->pass_timeout_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_PASS_TIMEOUT);
	settings->in_flight =
		acp_config_get_number(config, ACP_CONFIG_IN_FLIGHT);
	settings->lock_file =
		acp_config_peek_text(config, ACP_CONFIG_LOCK_FILE);
	settings->metrics_file =
		acp_config_peek_text(config, ACP_CONFIG_METRICS_FILE);
	settings->heartbeat_file =
		acp_config_peek_text(config, ACP_CONFIG_HEARTBEAT_FILE);
}

static void
read_servers(const struct acp_config *config,
	struct acp_reconciler_settings *settings)
{
	size_t count;

	settings->api_url =
		acp_config_peek_text(config, ACP_CONFIG_API_SERVER_URL);
	settings->api_ca_file =
		acp_config_peek_text(config, ACP_CONFIG_API_CA_FILE);
	settings->kubeconfig =
		acp_config_peek_text(config, ACP_CONFIG_KUBECONFIG);
	settings->project_token_file = acp_config_peek_text(
		config, ACP_CONFIG_PROJECT_KUBE_TOKEN_FILE);
	settings->key_file =
		acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count)[0];
	settings->key_bits = (unsigned int)acp_config_get_number(
		config, ACP_CONFIG_KEY_BITS);
	settings->keypair_owner =
		acp_config_peek_text(config, ACP_CONFIG_KEYPAIR_OWNER);
}

static void
check_api_url(
	const struct acp_reconciler_settings *settings, struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer said;

	acp_buffer_init(&said, why->limit);
	if (acp_url_check_provider(
		    settings->api_url, settings->source.may_use_http, &said))
		acp_buffer_printf(
			why, "api_server_url %s\n", acp_buffer_peek(&said));
}

enum acp_error
acp_reconciler_settings_read(struct acp_reconciler_settings *settings,
	const struct acp_config *config, struct acp_buffer *why)
{
	size_t before = why->size;

	*settings = (struct acp_reconciler_settings){.config = config};
	read_site(config, &settings->site);
	read_servers(config, settings);
	read_running(config, settings);
	acp_runner_site_read(config, &settings->runner);
	acp_token_source_settings_read(
		config, ACP_SOURCE_OF_CONTROL_PLANE, &settings->source);
	acp_token_source_settings_check(
		config, ACP_SOURCE_OF_CONTROL_PLANE, &settings->source, why);
	check_names(&settings->site, why);
	check_label("keypair_owner", settings->keypair_owner, why);
	check_api_url(settings, why);
	if (acp_runner_site_check(&settings->runner, why))
		return ACP_BAD_REQUEST;
	return why->size > before ? ACP_BAD_REQUEST : ACP_OK;
}

void
acp_reconciler_settings_complete(
	struct acp_reconciler_settings *settings, const char *namespace)
{
	struct acp_site *site = &settings->site;

	if (!site->runtime_namespace)
		site->runtime_namespace =
			namespace && acp_is_dns_label(namespace)
			? namespace
			: default_namespace;
	if (!site->instance)
		site->instance = site->runtime_namespace;
}
