/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and judges what the operator wants of sessions. Must never put a
 * value into a message: there are keys and passwords of proxies among them.
 */
#include <config.h>

#include "reconciler/runner_site.h"

#include "lib/limits.h"
#include "lib/utf8.h"
#include "reconciler/desired.h"
#include "reconciler/quantity.h"
#include "reconciler/token_url.h"

#include <string.h>

static const char *
peek_or(const struct acp_config *config, enum acp_config_key key,
	enum acp_config_key other)
{
	const char *text = acp_config_peek_text(config, key);

	return text ? text : acp_config_peek_text(config, other);
}

static void
read_model(const struct acp_config *config, struct acp_runner_site *runner)
{
	runner->api_key = acp_secret_peek(
		acp_config_peek_secret(config, ACP_CONFIG_ANTHROPIC_API_KEY));
	runner->has_vertex = acp_config_get_bool(config, ACP_CONFIG_USE_VERTEX);
	runner->vertex_project = acp_config_peek_text(
		config, ACP_CONFIG_ANTHROPIC_VERTEX_PROJECT_ID);
	runner->vertex_region =
		acp_config_peek_text(config, ACP_CONFIG_CLOUD_ML_REGION);
	runner->vertex_key_path = acp_config_peek_text(
		config, ACP_CONFIG_GOOGLE_APPLICATION_CREDENTIALS);
	runner->copies_vertex =
		acp_config_get_bool(config, ACP_CONFIG_COPY_VERTEX_SECRET);
	runner->vertex_secret =
		acp_config_peek_text(config, ACP_CONFIG_VERTEX_SECRET);
}

static void
read_servers(const struct acp_config *config, struct acp_runner_site *runner)
{
	runner->token_url = acp_config_peek_text(config, ACP_CONFIG_TOKEN_URL);
	runner->backend_url = peek_or(
		config, ACP_CONFIG_BACKEND_API_URL, ACP_CONFIG_API_SERVER_URL);
	runner->grpc_address =
		acp_config_peek_text(config, ACP_CONFIG_GRPC_SERVER_ADDR);
	runner->has_grpc_tls =
		acp_config_get_bool(config, ACP_CONFIG_GRPC_USE_TLS);
	runner->mcp_image = acp_config_peek_text(config, ACP_CONFIG_MCP_IMAGE);
	runner->mcp_api_url = peek_or(config, ACP_CONFIG_MCP_API_SERVER_URL,
		ACP_CONFIG_API_SERVER_URL);
	runner->http_proxy =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_HTTP_PROXY);
	runner->https_proxy =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_HTTPS_PROXY);
	runner->no_proxy =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_NO_PROXY);
}

static void
read_pod(const struct acp_config *config, struct acp_runner_site *runner)
{
	runner->image = acp_config_peek_text(config, ACP_CONFIG_RUNNER_IMAGE);
	runner->pull = (enum acp_pull)acp_config_get_choice(
		config, ACP_CONFIG_IMAGE_PULL_POLICY);
	runner->pull_secret =
		acp_config_peek_text(config, ACP_CONFIG_IMAGE_PULL_SECRET);
	runner->log_level =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_LOG_LEVEL);
	runner->ca_config_map =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_CA_CONFIG_MAP);
	runner->ca_key = acp_config_peek_text(config, ACP_CONFIG_RUNNER_CA_KEY);
	runner->is_restricted =
		acp_config_get_bool(config, ACP_CONFIG_RUNNER_RESTRICTED);
	runner->has_account_token =
		acp_config_get_bool(config, ACP_CONFIG_AUTOMOUNT_SA_TOKEN);
	runner->retention_ms = acp_config_get_duration_ms(
		config, ACP_CONFIG_FINISHED_RETENTION);
}

static void
read_sizes(const struct acp_config *config, struct acp_runner_site *runner)
{
	runner->cpu_request =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_CPU_REQUEST);
	runner->cpu_limit =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_CPU_LIMIT);
	runner->memory_request =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_MEMORY_REQUEST);
	runner->memory_limit =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_MEMORY_LIMIT);
	runner->workspace_limit =
		acp_config_peek_text(config, ACP_CONFIG_RUNNER_WORKSPACE_LIMIT);
}

void
acp_runner_site_read(
	const struct acp_config *config, struct acp_runner_site *runner)
{
	*runner = (struct acp_runner_site){0};
	read_model(config, runner);
	read_servers(config, runner);
	read_pod(config, runner);
	read_sizes(config, runner);
}

/* An environment holds no control characters but by accident. */
static void
check_text(const char *name, const char *text, struct acp_buffer *why)
{
	if (text && !acp_utf8_is_printable(text, strlen(text)))
		acp_buffer_printf(why,
			"%s has a control character or is not UTF-8\n", name);
}

static void
check_texts(const struct acp_runner_site *runner, struct acp_buffer *why)
{
	check_text("backend_api_url", runner->backend_url, why);
	check_text("grpc_server_addr", runner->grpc_address, why);
	check_text("anthropic_api_key", runner->api_key, why);
	check_text("anthropic_vertex_project_id", runner->vertex_project, why);
	check_text("cloud_ml_region", runner->vertex_region, why);
	check_text("mcp_api_server_url", runner->mcp_api_url, why);
	check_text("runner_log_level", runner->log_level, why);
	check_text("runner_http_proxy", runner->http_proxy, why);
	check_text("runner_https_proxy", runner->https_proxy, why);
	check_text("runner_no_proxy", runner->no_proxy, why);
}

static bool
is_label_end(const char *name, size_t at)
{
	return name[at] == '\0' || name[at] == '.' || name[at] == '-';
}

/* RFC 1123 subdomain, as Kubernetes wants it of a Secret. */
static bool
is_object_name(const char *name)
{
	size_t size = strlen(name);

	if (size == 0 || size > ACP_ROW_NAME_MAX || is_label_end(name, 0) ||
		is_label_end(name, size - 1) ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != size)
		return false;
	for (size_t i = 1; i < size; i++)
		if (name[i] == '.' &&
			(is_label_end(name, i - 1) ||
				is_label_end(name, i + 1)))
			return false;
	return true;
}

static void
check_object(const char *key, const char *name, struct acp_buffer *why)
{
	if (name && !is_object_name(name))
		acp_buffer_printf(why,
			"%s is no name that Kubernetes takes: a-z 0-9 . -, "
			"with a letter or digit at both ends\n",
			key);
}

static bool
is_data_key(const char *key)
{
	size_t size = strlen(key);

	return size > 0 && size <= ACP_ROW_NAME_MAX && key[0] != '.' &&
		strspn(key,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
			"uvwxyz0123456789._-") == size;
}

static void
check_objects(const struct acp_runner_site *runner, struct acp_buffer *why)
{
	check_object("image_pull_secret", runner->pull_secret, why);
	check_object("runner_ca_config_map", runner->ca_config_map, why);
	check_object("vertex_secret", runner->vertex_secret, why);
	if (!is_data_key(runner->ca_key))
		acp_buffer_append(why,
			"runner_ca_key is no key of a ConfigMap: A-Z a-z 0-9 "
			". _ -\n");
}

static void
check_image(const char *name, const char *image, struct acp_buffer *why)
{
	if (image &&
		(!*image || strchr(image, ' ') ||
			!acp_utf8_is_printable(image, strlen(image))))
		acp_buffer_printf(why, "%s is no name of an image\n", name);
}

static void
check_pair(const char *name, const char *request, const char *limit,
	struct acp_buffer *why)
{
	int64_t least, most;

	if (!acp_quantity_read(request, &least))
		acp_buffer_printf(why,
			"%s_request is no quantity such as 500m or 4Gi\n",
			name);
	else if (!acp_quantity_read(limit, &most))
		acp_buffer_printf(why,
			"%s_limit is no quantity such as 500m or 4Gi\n", name);
	else if (least > most)
		acp_buffer_printf(
			why, "%s_request is more than %s_limit\n", name, name);
}

static void
check_sizes(const struct acp_runner_site *runner, struct acp_buffer *why)
{
	int64_t size;

	check_pair("runner_cpu", runner->cpu_request, runner->cpu_limit, why);
	check_pair("runner_memory", runner->memory_request,
		runner->memory_limit, why);
	if (!acp_quantity_read(runner->workspace_limit, &size))
		acp_buffer_append(why,
			"runner_workspace_limit is no quantity such as "
			"10Gi\n");
}

/* The folder is mounted over, so it must be one that nothing else needs. */
static bool
is_key_path(const char *path)
{
	const char *name = strrchr(path, '/');

	return path[0] == '/' && name > path + 1 && name[1] &&
		!strstr(path, "/../") && !strchr(path, ':') &&
		acp_utf8_is_printable(path, strlen(path));
}

static void
check_vertex(const struct acp_runner_site *runner, struct acp_buffer *why)
{
	if (runner->has_vertex && !runner->vertex_project)
		acp_buffer_append(why,
			"use_vertex is on, and anthropic_vertex_project_id is "
			"not set\n");
	if (runner->vertex_secret &&
		strcmp(runner->vertex_secret, ACP_RUNNER_SECRET) == 0)
		acp_buffer_append(why,
			"vertex_secret is " ACP_RUNNER_SECRET
			", where users of a project put their keys\n");
	if (!is_key_path(runner->vertex_key_path))
		acp_buffer_append(why,
			"google_application_credentials is no path of a file "
			"in a folder of its own\n");
}

enum acp_error
acp_runner_site_check(
	const struct acp_runner_site *runner, struct acp_buffer *why)
{
	size_t before = why->size;

	if (runner->token_url && acp_token_url_check(runner->token_url, why))
		acp_buffer_append(why, "\n");
	check_image("runner_image", runner->image, why);
	check_image("mcp_image", runner->mcp_image, why);
	check_texts(runner, why);
	check_objects(runner, why);
	check_sizes(runner, why);
	check_vertex(runner, why);
	return why->size > before ? ACP_BAD_REQUEST : ACP_OK;
}
