/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a runner: its contract with the control plane. Values
 * that users wrote are among them, so every one goes through one function;
 * and nothing secret is in a value, but in the session's Secret.
 */
#include <config.h>

#include "reconciler/desired_session_build.h"

#include "lib/memory.h"
#include "reconciler/desired_build.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void
append_doubled(struct acp_buffer *text, const char *value)
{
	for (; *value; value++) {
		acp_buffer_append_bytes(text, value, 1);
		if (*value == '$')
			acp_buffer_append_bytes(text, value, 1);
	}
}

void
acp_environment_add(
	struct json_object *environment, const char *name, const char *value)
{
	struct json_object *variable = acp_desired_push_object(environment);
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, SIZE_MAX);
	append_doubled(&text, value);
	acp_desired_add_text(variable, "name", name);
	acp_desired_add_text(variable, "value", acp_buffer_peek(&text));
}

void
acp_environment_add_some(
	struct json_object *environment, const char *name, const char *value)
{
	if (value)
		acp_environment_add(environment, name, value);
}

void
acp_environment_add_secret(struct json_object *environment, const char *name,
	const struct acp_session_names *names)
{
	struct json_object *variable = acp_desired_push_object(environment);
	struct json_object *reference;

	acp_desired_add_text(variable, "name", name);
	reference = acp_desired_add_object(
		acp_desired_add_object(variable, "valueFrom"), "secretKeyRef");
	acp_desired_add_text(reference, "name", names->secret);
	acp_desired_add_text(reference, "key", name);
}

bool
acp_environment_has(const struct json_object *environment, const char *name)
{
	size_t count = json_object_array_length(environment);

	for (size_t i = 0; i < count; i++) {
		struct json_object *each = NULL;

		json_object_object_get_ex(
			json_object_array_get_idx(environment, i), "name",
			&each);
		if (strcmp(json_object_get_string(each), name) == 0)
			return true;
	}
	return false;
}

bool
acp_environment_is_reserved(const char *name)
{
	static const char *const prefixes[] = {"AMBIENT_", "AGENTIC_",
		"CREDENTIAL_", "KUBERNETES_", "CLAUDE_CODE_USE_"};
	static const char *const words[] = {ACP_PROMPT_VARIABLE, "AGENT_ID",
		"BACKEND_API_URL", "BOT_TOKEN", "IS_RESUME", "PROJECT_NAME",
		"REPOS_JSON", "SESSION_ID", "TIMEOUT", "USE_VERTEX"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	return false;
}

/* JSON as the value of a variable; takes object. */
static void
add_json(struct json_object *environment, const char *name,
	struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		acp_memory_exhausted();
	acp_environment_add(environment, name, text);
	json_object_put(object);
}

static void
add_repos(struct json_object *environment,
	const struct acp_session_detail *detail)
{
	struct json_object *array;

	if (!detail->repo_count)
		return;
	array = json_object_new_array();
	if (!array)
		acp_memory_exhausted();
	for (size_t i = 0; i < detail->repo_count; i++) {
		const struct acp_repo *repo = &detail->repos[i];
		struct json_object *object = acp_desired_push_object(array);

		acp_desired_add_text(object, "url", repo->url);
		if (repo->branch)
			acp_desired_add_text(object, "branch", repo->branch);
		if (repo->name)
			acp_desired_add_text(object, "name", repo->name);
	}
	add_json(environment, "REPOS_JSON", array);
}

static void
add_credentials(
	struct json_object *environment, const struct acp_session_want *want)
{
	struct json_object *object;

	if (!want->credential_count)
		return;
	object = json_object_new_object();
	if (!object)
		acp_memory_exhausted();
	for (size_t i = 0; i < want->credential_count; i++)
		acp_desired_add_text(object, want->credentials[i].provider,
			want->credentials[i].id);
	add_json(environment, "CREDENTIAL_IDS", object);
}

static void
add_identity(
	struct json_object *environment, const struct acp_session_want *want)
{
	const struct acp_session_detail *detail = want->detail;

	acp_environment_add(environment, "SESSION_ID", detail->row.id);
	acp_environment_add(environment, "AGENTIC_SESSION_NAME",
		detail->name ? detail->name : "");
	acp_environment_add(
		environment, "AGENTIC_SESSION_NAMESPACE", want->namespace);
	acp_environment_add(
		environment, "PROJECT_NAME", detail->row.project_id);
	acp_environment_add(environment, "WORKSPACE_PATH", "/workspace");
	acp_environment_add(environment, "ARTIFACTS_DIR", "artifacts");
	acp_environment_add(environment, "AGUI_PORT", "8001");
	acp_environment_add(environment, "USE_AGUI", "true");
	acp_environment_add(environment, "DEBUG", "true");
	acp_environment_add(environment, "LOG_LEVEL", want->runner->log_level);
}

static const char *
digit(bool is_on)
{
	return is_on ? "1" : "0";
}

static const char *
word(bool is_on)
{
	return is_on ? "true" : "false";
}

static void
add_servers(
	struct json_object *environment, const struct acp_session_want *want)
{
	const struct acp_runner_site *runner = want->runner;

	acp_environment_add(
		environment, "BACKEND_API_URL", runner->backend_url);
	acp_environment_add(
		environment, "USE_VERTEX", digit(runner->has_vertex));
	acp_environment_add(environment, "CLAUDE_CODE_USE_VERTEX",
		digit(runner->has_vertex));
	acp_environment_add_token(environment, want);
	acp_environment_add_some(
		environment, "AMBIENT_GRPC_URL", runner->grpc_address);
	acp_environment_add(environment, "AMBIENT_GRPC_ENABLED",
		word(runner->grpc_address));
	acp_environment_add(environment, "AMBIENT_GRPC_USE_TLS",
		word(runner->has_grpc_tls));
	acp_environment_add_some(
		environment, "AGENT_ID", want->detail->agent_id);
}

/* Without a config map the image knows best whom to trust. */
static void
add_authorities(
	struct json_object *environment, const struct acp_session_want *want)
{
	static const char *const names[] = {"AMBIENT_GRPC_CA_CERT_FILE",
		"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"};

	if (!want->runner->ca_config_map)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		acp_environment_add(
			environment, names[i], ACP_CA_FOLDER "/" ACP_CA_NAME);
}

/* The metadata server of the cloud must not be asked for other credentials. */
static void
add_vertex(
	struct json_object *environment, const struct acp_runner_site *runner)
{
	if (!runner->has_vertex)
		return;
	acp_environment_add_some(environment, "ANTHROPIC_VERTEX_PROJECT_ID",
		runner->vertex_project);
	acp_environment_add(
		environment, "CLOUD_ML_REGION", runner->vertex_region);
	acp_environment_add(environment, "GOOGLE_APPLICATION_CREDENTIALS",
		runner->vertex_key_path);
	acp_environment_add(
		environment, "GCE_METADATA_HOST", "metadata.invalid");
	acp_environment_add(environment, "GCE_METADATA_TIMEOUT", "1");
}

static bool
has_prompt(const struct acp_session_want *want)
{
	ACP_AUTO(buffer) struct acp_buffer prompt;

	acp_buffer_init(&prompt, SIZE_MAX);
	acp_session_write_prompt(want, &prompt);
	return prompt.size > 0;
}

/* What the session itself asks for; numbers also when they are 0. */
static void
add_work(struct json_object *environment, const struct acp_session_want *want)
{
	const struct acp_session_detail *detail = want->detail;
	char seconds[16];

	if (has_prompt(want))
		acp_environment_add_secret(
			environment, ACP_PROMPT_VARIABLE, want->names);
	acp_environment_add_some(environment, "LLM_MODEL", detail->model);
	acp_environment_add_some(
		environment, "LLM_TEMPERATURE", detail->temperature);
	acp_environment_add_some(
		environment, "LLM_MAX_TOKENS", detail->max_tokens);
	if (detail->has_timeout) {
		snprintf(
			seconds, sizeof(seconds), "%d", (int)detail->timeout_s);
		acp_environment_add(environment, "TIMEOUT", seconds);
	}
	add_repos(environment, detail);
	add_credentials(environment, want);
	if (want->is_resume)
		acp_environment_add(environment, "IS_RESUME", "true");
}

void
acp_environment_add_token(
	struct json_object *environment, const struct acp_session_want *want)
{
	ACP_AUTO(buffer) struct acp_buffer pem;

	acp_environment_add_secret(
		environment, ACP_TOKEN_URL_VARIABLE, want->names);
	acp_buffer_init(&pem, SIZE_MAX);
	acp_key_write_public(want->key, &pem);
	acp_environment_add(environment, "AMBIENT_CP_TOKEN_PUBLIC_KEY",
		acp_buffer_peek(&pem));
}

void
acp_environment_add_proxies(
	struct json_object *environment, const struct acp_session_want *want)
{
	const struct acp_runner_site *runner = want->runner;

	acp_environment_add_some(environment, "HTTP_PROXY", runner->http_proxy);
	acp_environment_add_some(
		environment, "HTTPS_PROXY", runner->https_proxy);
	acp_environment_add_some(environment, "NO_PROXY", runner->no_proxy);
}

void
acp_environment_add_runner(
	struct json_object *environment, const struct acp_session_want *want)
{
	add_identity(environment, want);
	add_servers(environment, want);
	add_authorities(environment, want);
	if (*want->runner->api_key)
		acp_environment_add_secret(
			environment, ACP_API_KEY_VARIABLE, want->names);
	if (want->runner->mcp_image)
		acp_environment_add(environment, "AMBIENT_MCP_URL",
			"http://localhost:8090");
	add_vertex(environment, want->runner);
	acp_environment_add_proxies(environment, want);
	if (want->runner->is_restricted)
		acp_environment_add(environment, "HOME", ACP_HOME_FOLDER);
	add_work(environment, want);
}

void
acp_environment_add_users(
	struct json_object *environment, const struct acp_session_want *want)
{
	const struct acp_session_detail *detail = want->detail;

	for (size_t i = 0; i < detail->variable_count; i++)
		acp_environment_add_secret(
			environment, detail->variables[i].name, want->names);
}
