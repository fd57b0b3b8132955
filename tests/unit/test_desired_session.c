/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/desired_session.h: the objects of a session compared as a whole
 * with the files tests/data/session-*.json, a file a switch; and what must
 * hold of every pod. With ACP_MAKE_GOLDEN=1 each file is written anew, and
 * its test fails, for people to read the difference.
 */
#include <config.h>

#include "reconciler/desired_session.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "reconciler/desired.h"
#include "reconciler/desired_session_build.h"
#include "tests/unit/json_peek.h"
#include "tests/unit/unit.h"
#include "tests/unit/vector_key.h"

#include <json-c/json_tokener.h>
#include <json-c/json_util.h>
#include <stdio.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define HOSTILE \
	"$(ANTHROPIC_API_KEY) $$(HOME) $$$ $x ${Y} \"q\" \\ <&> " \
	"\xc3\xa9 ] } '"

static const struct acp_site site = {
	.instance = "ambient-code",
	.runtime_namespace = "ambient-code",
	.service_account = "ambient-control-plane",
};
static struct acp_runner_site choices;
static struct acp_session_detail detail;
static struct acp_session_names names;
static struct acp_session_want want;
static struct acp_keyring ring;
static struct acp_buffer why;
static struct json_object *made;

static void
set_defaults(void)
{
	choices = (struct acp_runner_site){
		.image = "quay.io/ambient_code/vteam_claude_runner:latest",
		.token_url = "http://cp.ambient-code.svc:8080/token",
		.backend_url = "http://api.ambient-code.svc:8000",
		.grpc_address = "api.ambient-code.svc:9000",
		.api_key = "sk-test",
		.vertex_region = "us-east5",
		.vertex_key_path = "/app/vertex/ambient-code-key.json",
		.vertex_secret = "ambient-vertex",
		.mcp_api_url = "http://api.ambient-code.svc:8000",
		.log_level = "info",
		.ca_key = "service-ca.crt",
		.cpu_request = "500m",
		.cpu_limit = "2",
		.memory_request = "512Mi",
		.memory_limit = "4Gi",
		.workspace_limit = "10Gi",
	};
	detail = (struct acp_session_detail){
		.row = {.id = VECTOR_SESSION, .project_id = "p1"},
		.name = "A session",
		.prompt = "do it",
		.model = "sonnet",
		.temperature = "0.7",
		.max_tokens = "4000",
	};
}

static void
start(void)
{
	acp_keyring_init(&ring);
	vector_key_add(&ring);
	acp_buffer_init(&why, 10000);
	set_defaults();
	ck_assert_int_eq(
		acp_session_names_write(VECTOR_SESSION, &names, &why), ACP_OK);
	want = (struct acp_session_want){
		.site = &site,
		.runner = &choices,
		.key = ring.keys[0],
		.detail = &detail,
		.names = &names,
		.namespace = "p1",
		.account_uid = "11111111-2222-3333-4444-555555555555",
	};
	made = NULL;
}

static void
stop(void)
{
	acp_keyring_clear(&ring);
	acp_buffer_clear(&why);
	json_object_put(made);
}

/* Switches */

static void
use_plain(void)
{
}

static void
use_vertex(void)
{
	choices.has_vertex = true;
	choices.vertex_project = "a-project";
	choices.api_key = "";
}

static void
use_mcp(void)
{
	choices.mcp_image = "localhost/ambient-mcp:1";
}

static void
use_pull_secret(void)
{
	choices.pull_secret = "pull";
	choices.pull = ACP_PULL_IF_NOT_PRESENT;
}

static void
use_restricted(void)
{
	choices.is_restricted = true;
	use_mcp();
}

static void
use_proxies(void)
{
	choices.http_proxy = "http://proxy.example:3128";
	choices.https_proxy = "http://proxy.example:3129";
	choices.no_proxy = ".svc,.cluster.local";
	use_mcp();
}

static void
use_authorities(void)
{
	choices.ca_config_map = "trusted";
	choices.ca_key = "ca-bundle.crt";
	use_mcp();
}

static void
use_resume(void)
{
	want.is_resume = true;
	choices.has_account_token = true;
	choices.grpc_address = NULL;
	detail.prompt = NULL;
	detail.model = NULL;
	detail.temperature = "0";
	detail.max_tokens = NULL;
}

/* Everything that users write, at its worst. */
static void
use_hostile(void)
{
	static const struct acp_repo repos[] = {
		{HOSTILE, NULL, NULL},
		{"https://git.example/a", HOSTILE, "a\"b"},
	};
	static const struct acp_variable variables[] = {
		{"MINE", HOSTILE "\n"}, {"_2", ""}};

	detail.name = HOSTILE;
	detail.prompt = HOSTILE "\n\tline";
	detail.agent_id = HOSTILE;
	detail.model = HOSTILE;
	detail.repos = repos;
	detail.repo_count = COUNT(repos);
	detail.variables = variables;
	detail.variable_count = COUNT(variables);
}

static void
use_all_of_a_row(void)
{
	static const char *const messages[] = {"first", "", "second"};
	static const struct acp_credential credentials[] = {
		{"cred1", "github"}, {"cred2", "jira"}};

	want.project_prompt = "project";
	want.agent_prompt = "agent";
	want.messages = messages;
	want.message_count = COUNT(messages);
	want.credentials = credentials;
	want.credential_count = COUNT(credentials);
	detail.has_timeout = true;
	detail.timeout_s = 3600;
	detail.cpu = "250m";
	detail.memory = "64Gi";
}

/* What an operator can switch on at once. */
static void
use_everything(void)
{
	use_resume();
	use_vertex();
	use_pull_secret();
	use_proxies();
	use_authorities();
	use_restricted();
}

static const struct {
	const char *name;
	void (*use)(void);
} cases[] = {
	{"plain", use_plain},
	{"vertex", use_vertex},
	{"mcp", use_mcp},
	{"pull-secret", use_pull_secret},
	{"restricted", use_restricted},
	{"proxies", use_proxies},
	{"authorities", use_authorities},
	{"resume", use_resume},
	{"hostile", use_hostile},
	{"row", use_all_of_a_row},
	{"everything", use_everything},
};

static void
make(int number)
{
	struct json_object *items = json_object_new_array();

	cases[number].use();
	ck_assert_msg(acp_session_check(&want, &why) == ACP_OK, "%s",
		acp_buffer_peek(&why));
	json_object_array_add(items, acp_desired_session_account(&want));
	json_object_array_add(items, acp_desired_session_secret(&want));
	json_object_array_add(items, acp_desired_session_pod(&want));
	json_object_array_add(items, acp_desired_session_service(&want));
	made = json_object_new_object();
	json_object_object_add(
		made, "apiVersion", json_object_new_string("v1"));
	json_object_object_add(made, "kind", json_object_new_string("List"));
	json_object_object_add(made, "items", items);
}

static const char *
peek_text(struct json_object *object, const char *name)
{
	return json_object_get_string(peek(object, name));
}

static struct json_object *
peek_item(int number)
{
	return json_object_array_get_idx(peek(made, "items"), (size_t)number);
}

static struct json_object *
peek_spec(void)
{
	return peek(peek_item(2), "spec");
}

static struct json_object *
peek_container(size_t number)
{
	return json_object_array_get_idx(
		peek(peek_spec(), "containers"), number);
}

/* The variable of that name of a container, NULL when there is none. */
static struct json_object *
peek_variable(size_t container, const char *name)
{
	struct json_object *all = peek(peek_container(container), "env");

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *each = json_object_array_get_idx(all, i);

		if (strcmp(peek_text(each, "name"), name) == 0)
			return each;
	}
	return NULL;
}

static const char *
peek_value(size_t container, const char *name)
{
	struct json_object *variable = peek_variable(container, name);

	return variable ? peek_text(variable, "value") : NULL;
}

static void
write_made(const char *path)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "%s\n",
		json_object_to_json_string_ext(made,
			JSON_C_TO_STRING_PRETTY |
				JSON_C_TO_STRING_NOSLASHESCAPE));
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(the_objects_of_a_session_are_those_of_the_file)
{
	const char *source = getenv("ACP_SRCDIR");
	struct json_object *expected;
	char path[1000];

	ck_assert_msg(source != NULL, "ACP_SRCDIR is not set");
	make(_i);
	snprintf(path, sizeof(path), "%s/tests/data/session-%s.json", source,
		cases[_i].name);
	if (getenv("ACP_MAKE_GOLDEN")) {
		write_made(path);
		ck_abort_msg("%s was written", path);
	}
	expected = json_object_from_file(path);
	ck_assert_msg(expected && json_object_equal(made, expected),
		"%s differs: look at what ACP_MAKE_GOLDEN=1 makes of it", path);
	json_object_put(expected);
}
END_TEST

/* Pod Security Standards, as far as a pod of ours could break them */

static const char *const baseline_forbids[] = {
	"hostNetwork", "hostPID", "hostIPC"};

static bool
is_volume_restricted(struct json_object *volume)
{
	return peek(volume, "emptyDir") || peek(volume, "secret") ||
		peek(volume, "configMap");
}

static void
expect_baseline_container(struct json_object *container)
{
	struct json_object *security = peek(container, "securityContext");
	struct json_object *ports = peek(container, "ports");

	ck_assert_ptr_nonnull(security);
	ck_assert_ptr_null(peek(security, "privileged"));
	ck_assert_ptr_null(peek(security, "procMount"));
	ck_assert_ptr_null(peek(peek(security, "capabilities"), "add"));
	for (size_t i = 0; i < json_object_array_length(ports); i++)
		ck_assert_ptr_null(
			peek(json_object_array_get_idx(ports, i), "hostPort"));
}

START_TEST(h51_every_pod_meets_the_baseline_standard)
{
	struct json_object *volumes, *security;

	make(_i);
	for (int i = 0; i < COUNT(baseline_forbids); i++)
		ck_assert_ptr_null(peek(peek_spec(), baseline_forbids[i]));
	security = peek(peek_spec(), "securityContext");
	ck_assert_ptr_null(peek(security, "sysctls"));
	ck_assert_str_eq(peek_text(peek(security, "seccompProfile"), "type"),
		"RuntimeDefault");
	volumes = peek(peek_spec(), "volumes");
	for (size_t i = 0; i < json_object_array_length(volumes); i++)
		ck_assert(is_volume_restricted(
			json_object_array_get_idx(volumes, i)));
	for (size_t i = 0; peek_container(i); i++)
		expect_baseline_container(peek_container(i));
}
END_TEST

START_TEST(h51_a_restricted_pod_meets_the_restricted_standard)
{
	cases[_i].use();
	use_restricted();
	make(_i);
	ck_assert(json_object_get_boolean(
		peek(peek(peek_spec(), "securityContext"), "runAsNonRoot")));
	for (size_t i = 0; peek_container(i); i++) {
		struct json_object *security =
			peek(peek_container(i), "securityContext");
		struct json_object *drop =
			peek(peek(security, "capabilities"), "drop");

		ck_assert_str_eq(json_object_to_json_string_ext(
					 drop, JSON_C_TO_STRING_PLAIN),
			"[\"ALL\"]");
		ck_assert(json_object_is_type(
			peek(security, "allowPrivilegeEscalation"),
			json_type_boolean));
		ck_assert(!json_object_get_boolean(
			peek(security, "allowPrivilegeEscalation")));
		ck_assert(json_object_get_boolean(
			peek(security, "readOnlyRootFilesystem")));
	}
}
END_TEST

START_TEST(h51_nothing_that_a_pod_writes_or_takes_is_without_a_limit)
{
	static const char *const limits[] = {"cpu", "memory"};
	struct json_object *volumes, *resources;

	make(_i);
	volumes = peek(peek_spec(), "volumes");
	for (size_t i = 0; i < json_object_array_length(volumes); i++) {
		struct json_object *empty =
			peek(json_object_array_get_idx(volumes, i), "emptyDir");

		ck_assert(!empty || peek_text(empty, "sizeLimit"));
	}
	for (size_t i = 0; peek_container(i); i++) {
		resources = peek(peek_container(i), "resources");
		for (int j = 0; j < COUNT(limits); j++)
			ck_assert_ptr_nonnull(
				peek(peek(resources, "limits"), limits[j]));
	}
}
END_TEST

/* In the account too, for whoever makes pods by hand with it. */
START_TEST(h50_an_accounts_token_is_in_no_pod_that_need_not_have_it)
{
	static const char name[] = "automountServiceAccountToken";

	make(_i);
	ck_assert(json_object_is_type(
		peek(peek_item(0), name), json_type_boolean));
	ck_assert_int_eq(json_object_get_boolean(peek(peek_item(0), name)),
		choices.has_account_token);
	ck_assert(json_object_is_type(
		peek(peek_spec(), name), json_type_boolean));
	ck_assert_int_eq(json_object_get_boolean(peek(peek_spec(), name)),
		choices.has_account_token);
}
END_TEST

/* What the kubelet makes of a value, when every name has a value "KEY". */
static void
expand(const char *value, char *text)
{
	while (*value) {
		const char *end = NULL;

		if (value[0] == '$' && value[1] == '(')
			end = strchr(value, ')');
		if (end) {
			memcpy(text, "KEY", 3);
			text += 3;
			value = end + 1;
		} else {
			value += value[0] == '$' && value[1] == '$';
			*text++ = *value++;
		}
	}
	*text = '\0';
}

static const char *const user_values[] = {
	"AGENTIC_SESSION_NAME", "AGENT_ID", "LLM_MODEL"};

START_TEST(h47_the_kubelet_gives_back_what_the_user_wrote)
{
	char text[1000];

	make(8);
	expand(peek_value(0, user_values[_i]), text);
	ck_assert_str_eq(text, HOSTILE);
}
END_TEST

START_TEST(h47_h52_repositories_are_json_that_nothing_expands)
{
	struct json_object *repos;
	char text[2000];

	make(8);
	expand(peek_value(0, "REPOS_JSON"), text);
	ck_assert_ptr_null(strstr(text, "KEY "));
	repos = acp_json_new_array(text, strlen(text));
	ck_assert_ptr_nonnull(repos);
	ck_assert_str_eq(
		peek_text(json_object_array_get_idx(repos, 0), "url"), HOSTILE);
	ck_assert_str_eq(
		peek_text(json_object_array_get_idx(repos, 1), "branch"),
		HOSTILE);
	json_object_put(repos);
}
END_TEST

START_TEST(what_is_in_the_secret_is_not_escaped)
{
	struct json_object *data;

	make(8);
	data = peek(peek_item(1), "stringData");
	ck_assert_str_eq(peek_text(data, "INITIAL_PROMPT"), HOSTILE "\n\tline");
	ck_assert_str_eq(peek_text(data, "MINE"), HOSTILE "\n");
	ck_assert_str_eq(peek_text(data, "_2"), "");
}
END_TEST

START_TEST(h48_no_pod_has_a_key_a_proof_or_a_prompt_in_it)
{
	const char *text;

	make(_i);
	text = json_object_to_json_string_ext(
		peek_item(2), JSON_C_TO_STRING_NOSLASHESCAPE);
	ck_assert_ptr_null(strstr(text, "sk-test"));
	ck_assert_ptr_null(strstr(text, VECTOR_PROOF));
	ck_assert_ptr_null(strstr(text, "do it"));
	ck_assert_ptr_null(strstr(text, choices.token_url));
}
END_TEST

START_TEST(the_token_url_of_a_session_is_bound_to_it)
{
	make(0);
	ck_assert_str_eq(peek_text(peek(peek_item(1), "stringData"),
				 "AMBIENT_CP_TOKEN_URL"),
		"http://cp.ambient-code.svc:8080/token?s=" VECTOR_SESSION
		"&p=" VECTOR_PROOF);
}
END_TEST

START_TEST(h59_the_mcp_server_listens_on_loopback_alone)
{
	make(2);
	ck_assert_str_eq(peek_value(1, "MCP_BIND_ADDR"), "127.0.0.1:8090");
	ck_assert_str_eq(peek_value(1, "SESSION_ID"), VECTOR_SESSION);
	ck_assert_ptr_nonnull(peek_variable(1, "AMBIENT_CP_TOKEN_URL"));
	ck_assert_ptr_nonnull(peek_value(1, "AMBIENT_CP_TOKEN_PUBLIC_KEY"));
	ck_assert_ptr_null(peek_variable(1, "ANTHROPIC_API_KEY"));
}
END_TEST

START_TEST(h56_no_authorities_are_named_unless_they_are_configured)
{
	make(0);
	ck_assert_ptr_null(peek_variable(0, "SSL_CERT_FILE"));
	ck_assert_ptr_null(peek_variable(0, "REQUESTS_CA_BUNDLE"));
	ck_assert_ptr_null(peek_variable(0, "AMBIENT_GRPC_CA_CERT_FILE"));
}
END_TEST

/* The config map's key by name: a missing file would become a folder. */
START_TEST(h56_authorities_are_the_file_of_the_config_map)
{
	static const char path[] = "/etc/pki/ca-trust/extracted/pem/"
				   "service-ca.crt";
	struct json_object *volume, *item;

	make(6);
	ck_assert_str_eq(peek_value(0, "SSL_CERT_FILE"), path);
	ck_assert_str_eq(peek_value(0, "REQUESTS_CA_BUNDLE"), path);
	volume =
		peek(json_object_array_get_idx(peek(peek_spec(), "volumes"), 1),
			"configMap");
	ck_assert_str_eq(peek_text(volume, "name"), "trusted");
	ck_assert(!json_object_get_boolean(peek(volume, "optional")));
	item = json_object_array_get_idx(peek(volume, "items"), 0);
	ck_assert_str_eq(peek_text(item, "key"), "ca-bundle.crt");
	ck_assert_str_eq(peek_text(item, "path"), "service-ca.crt");
}
END_TEST

START_TEST(h46_without_a_binding_no_credential_is_named)
{
	make(0);
	ck_assert_ptr_null(peek_variable(0, "CREDENTIAL_IDS"));
}
END_TEST

START_TEST(h62_a_sidecar_keeps_no_credential_from_the_runner)
{
	use_mcp();
	make(9);
	ck_assert_str_eq(peek_value(0, "CREDENTIAL_IDS"),
		"{\"github\":\"cred1\",\"jira\":\"cred2\"}");
	ck_assert_ptr_null(peek_variable(1, "CREDENTIAL_IDS"));
}
END_TEST

START_TEST(h54_an_agent_is_named_and_its_prompt_is_there)
{
	detail.agent_id = "agent1";
	make(9);
	ck_assert_str_eq(peek_value(0, "AGENT_ID"), "agent1");
	ck_assert_ptr_nonnull(strstr(
		peek_text(peek(peek_item(1), "stringData"), "INITIAL_PROMPT"),
		"agent\n"));
}
END_TEST

START_TEST(a_prompt_has_its_parts_in_order)
{
	make(9);
	ck_assert_str_eq(
		peek_text(peek(peek_item(1), "stringData"), "INITIAL_PROMPT"),
		"project\n\nagent\n\nfirst\n\nsecond\n\ndo it");
}
END_TEST

START_TEST(h51_the_timeout_is_a_deadline_and_overrides_only_lower_a_limit)
{
	struct json_object *resources;

	make(9);
	ck_assert_int_eq(
		json_object_get_int(peek(peek_spec(), "activeDeadlineSeconds")),
		3600);
	resources = peek(peek_container(0), "resources");
	ck_assert_str_eq(peek_text(peek(resources, "limits"), "cpu"), "250m");
	ck_assert_str_eq(peek_text(peek(resources, "requests"), "cpu"), "250m");
	ck_assert_str_eq(peek_text(peek(resources, "limits"), "memory"), "4Gi");
	ck_assert_str_eq(
		peek_text(peek(resources, "requests"), "memory"), "512Mi");
}
END_TEST

START_TEST(h53_a_temperature_of_zero_is_passed)
{
	make(7);
	ck_assert_str_eq(peek_value(0, "LLM_TEMPERATURE"), "0");
	ck_assert_ptr_null(peek_variable(0, "LLM_MAX_TOKENS"));
	ck_assert_ptr_null(peek_variable(0, "INITIAL_PROMPT"));
	ck_assert_str_eq(peek_value(0, "IS_RESUME"), "true");
	ck_assert_str_eq(peek_value(0, "AMBIENT_GRPC_ENABLED"), "false");
}
END_TEST

/* Refusals */

static void
expect_refusal(const char *reason)
{
	ck_assert_int_eq(acp_session_check(&want, &why), ACP_BAD_REQUEST);
	ck_assert_msg(strstr(acp_buffer_peek(&why), reason) != NULL, "%s",
		acp_buffer_peek(&why));
}

START_TEST(a_bad_row_is_refused_with_its_own_reason)
{
	detail.bad = "the reason";
	expect_refusal("the reason");
}
END_TEST

START_TEST(without_a_token_url_no_session_is_made)
{
	choices.token_url = NULL;
	expect_refusal("token_url (CP_TOKEN_URL) is not set");
}
END_TEST

START_TEST(a_session_without_a_project_is_refused)
{
	detail.row.project_id = NULL;
	expect_refusal("has no project");
}
END_TEST

START_TEST(h49_parts_of_a_prompt_are_counted_together)
{
	static char text[ACP_ROW_PROMPT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1 - strlen("do it")] = '\0';
	want.project_prompt = text;
	/* a blank line between, and a byte is left */
	text[sizeof(text) - 1 - strlen("do it") - 1] = '\0';
	ck_assert_int_eq(acp_session_check(&want, &why), ACP_OK);
	text[sizeof(text) - 1 - strlen("do it") - 1] = 'x';
	ck_assert_uint_eq(
		strlen(text) + 2 + strlen("do it"), ACP_ROW_PROMPT_MAX + 1);
	expect_refusal("make them shorter");
}
END_TEST

static const char *const platform_names[] = {"SESSION_ID", "AMBIENT_GRPC_URL",
	"AMBIENT_CP_TOKEN_URL", "AMBIENT_ANYTHING", "CREDENTIAL_IDS",
	"BOT_TOKEN", "ANTHROPIC_API_KEY", "LLM_MODEL", "WORKSPACE_PATH",
	"INITIAL_PROMPT", "IS_RESUME", "KUBERNETES_SERVICE_HOST", "REPOS_JSON",
	"USE_VERTEX", "CLAUDE_CODE_USE_BEDROCK", "LOG_LEVEL"};

START_TEST(a_user_does_not_set_what_is_the_platforms)
{
	const struct acp_variable variable = {platform_names[_i], "x"};

	detail.variables = &variable;
	detail.variable_count = 1;
	expect_refusal(platform_names[_i]);
}
END_TEST

static const char *const free_names[] = {
	"MINE", "SESSION", "AMBIENT", "HTTP_PROXY", "HOME", "AGENT_IDS"};

START_TEST(a_user_sets_what_nobody_else_does)
{
	const struct acp_variable variable = {free_names[_i], "x"};

	detail.variables = &variable;
	detail.variable_count = 1;
	ck_assert_int_eq(acp_session_check(&want, &why), ACP_OK);
}
END_TEST

static const struct {
	enum acp_pull pull;
	const char *image;
	const char *policy;
} policies[] = {
	{ACP_PULL_AUTO, "quay.io/a/b:latest", "Always"},
	{ACP_PULL_AUTO, "localhost/b:1", "IfNotPresent"},
	{ACP_PULL_AUTO, "quay.io/a/b@sha256:00", "IfNotPresent"},
	{ACP_PULL_NEVER, "quay.io/a/b:latest", "Never"},
	{ACP_PULL_ALWAYS, "localhost/b:1", "Always"},
	{ACP_PULL_IF_NOT_PRESENT, "quay.io/a/b", "IfNotPresent"},
};

START_TEST(h57_the_policy_of_pulling_can_be_chosen)
{
	choices.pull = policies[_i].pull;
	choices.image = policies[_i].image;
	make(0);
	ck_assert_str_eq(peek_text(peek_container(0), "imagePullPolicy"),
		policies[_i].policy);
}
END_TEST

/* Drift */

static void
digest(uint8_t *content)
{
	acp_desired_content(ACP_KIND_SERVICE, peek_item(3), content);
}

/* Puts JSON into the spec of the Service. */
static void
alter(const char *name, const char *text)
{
	json_object_object_add(
		peek(peek_item(3), "spec"), name, json_tokener_parse(text));
}

static const struct {
	const char *name;
	const char *text;
	bool is_drift;
} changes[] = {
	{"clusterIP", "\"10.0.0.7\"", false},
	{"clusterIPs", "[\"10.0.0.7\"]", false},
	{"ipFamilies", "[\"IPv4\"]", false},
	{"ipFamilyPolicy", "\"SingleStack\"", false},
	{"internalTrafficPolicy", "\"Cluster\"", false},
	{"externalIPs", "[]", false},
	{"externalIPs", "[\"192.0.2.1\"]", true},
	{"externalName", "\"evil.example\"", true},
	{"type", "\"NodePort\"", true},
	{"selector", "{\"app\":\"mine\"}", true},
	{"ports", "[]", true},
	{"sessionAffinity", "\"ClientIP\"", true},
};

START_TEST(a_service_has_drifted_when_anything_but_its_address_is_new)
{
	uint8_t before[ACP_CONTENT_SIZE], after[ACP_CONTENT_SIZE];

	make(0);
	digest(before);
	alter(changes[_i].name, changes[_i].text);
	digest(after);
	ck_assert_int_eq(memcmp(before, after, sizeof(before)) != 0,
		changes[_i].is_drift);
}
END_TEST

START_TEST(a_service_that_is_repaired_keeps_its_address)
{
	static const char text[] =
		"{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\","
		"\"labels\":{}},\"spec\":{\"clusterIP\":\"10.0.0.7\","
		"\"clusterIPs\":[\"10.0.0.7\"],\"type\":\"NodePort\"}}";
	uint8_t before[ACP_CONTENT_SIZE], after[ACP_CONTENT_SIZE];
	struct json_object *seen = json_tokener_parse(text);
	struct json_object *spec;

	make(0);
	digest(before);
	acp_desired_service_keep(peek_item(3), seen);
	digest(after);
	json_object_put(seen);
	spec = peek(peek_item(3), "spec");
	ck_assert_str_eq(peek_text(spec, "clusterIP"), "10.0.0.7");
	ck_assert_str_eq(peek_text(spec, "type"), "ClusterIP");
	ck_assert_ptr_null(peek(spec, "ipFamilies"));
	ck_assert_str_eq(
		peek_text(peek(peek_item(3), "metadata"), "resourceVersion"),
		"7");
	ck_assert_mem_eq(before, after, sizeof(before));
}
END_TEST

static TCase *
add_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, start, stop);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static void
add_objects(TCase *tcase)
{
	tcase_add_loop_test(tcase,
		the_objects_of_a_session_are_those_of_the_file, 0,
		COUNT(cases));
	tcase_add_loop_test(tcase, h51_every_pod_meets_the_baseline_standard, 0,
		COUNT(cases));
	tcase_add_loop_test(tcase,
		h51_a_restricted_pod_meets_the_restricted_standard, 0,
		COUNT(cases));
	tcase_add_loop_test(tcase,
		h48_no_pod_has_a_key_a_proof_or_a_prompt_in_it, 0,
		COUNT(cases));
	tcase_add_loop_test(tcase,
		h51_nothing_that_a_pod_writes_or_takes_is_without_a_limit, 0,
		COUNT(cases));
	tcase_add_loop_test(tcase,
		h50_an_accounts_token_is_in_no_pod_that_need_not_have_it, 0,
		COUNT(cases));
	tcase_add_test(tcase, the_token_url_of_a_session_is_bound_to_it);
	tcase_add_test(tcase, h59_the_mcp_server_listens_on_loopback_alone);
	tcase_add_test(
		tcase, h56_no_authorities_are_named_unless_they_are_configured);
	tcase_add_test(tcase, h56_authorities_are_the_file_of_the_config_map);
	tcase_add_loop_test(tcase, h57_the_policy_of_pulling_can_be_chosen, 0,
		COUNT(policies));
	tcase_add_loop_test(tcase,
		a_service_has_drifted_when_anything_but_its_address_is_new, 0,
		COUNT(changes));
	tcase_add_test(tcase, a_service_that_is_repaired_keeps_its_address);
}

static void
add_values(TCase *tcase)
{
	tcase_add_loop_test(tcase,
		h47_the_kubelet_gives_back_what_the_user_wrote, 0,
		COUNT(user_values));
	tcase_add_test(
		tcase, h47_h52_repositories_are_json_that_nothing_expands);
	tcase_add_test(tcase, what_is_in_the_secret_is_not_escaped);
	tcase_add_test(tcase, h46_without_a_binding_no_credential_is_named);
	tcase_add_test(
		tcase, h62_a_sidecar_keeps_no_credential_from_the_runner);
	tcase_add_test(tcase, h54_an_agent_is_named_and_its_prompt_is_there);
	tcase_add_test(tcase, a_prompt_has_its_parts_in_order);
	tcase_add_test(tcase,
		h51_the_timeout_is_a_deadline_and_overrides_only_lower_a_limit);
	tcase_add_test(tcase, h53_a_temperature_of_zero_is_passed);
}

static void
add_refusals(TCase *tcase)
{
	tcase_add_test(tcase, a_bad_row_is_refused_with_its_own_reason);
	tcase_add_test(tcase, without_a_token_url_no_session_is_made);
	tcase_add_test(tcase, a_session_without_a_project_is_refused);
	tcase_add_test(tcase, h49_parts_of_a_prompt_are_counted_together);
	tcase_add_loop_test(tcase, a_user_does_not_set_what_is_the_platforms, 0,
		COUNT(platform_names));
	tcase_add_loop_test(
		tcase, a_user_sets_what_nobody_else_does, 0, COUNT(free_names));
}

static Suite *
desired_session_suite(void)
{
	Suite *suite = suite_create("desired_session");

	add_objects(add_case(suite, "objects"));
	add_values(add_case(suite, "values"));
	add_refusals(add_case(suite, "refusals"));
	return suite;
}

ACP_UNIT_MAIN(desired_session_suite)
