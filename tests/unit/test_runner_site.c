/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/runner_site.c: what a configuration says of sessions, and which
 * of it is refused at start rather than in each pod.
 */
#include <config.h>

#include "reconciler/runner_site.h"

#include "tests/unit/unit.h"

#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct acp_config *config;
static struct acp_buffer why;
static struct acp_runner_site site;

static void
start(void)
{
	config = acp_config_new(ACP_CONFIG_FOR_RECONCILER);
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	acp_config_free(&config);
	acp_buffer_clear(&why);
}

static void
set(const char *name, const char *value)
{
	ck_assert_int_eq(
		acp_config_set_flag(config, name, value, &why), ACP_OK);
}

START_TEST(the_defaults_are_good)
{
	acp_runner_site_read(config, &site);
	ck_assert_msg(acp_runner_site_check(&site, &why) == ACP_OK, "%s",
		acp_buffer_peek(&why));
	ck_assert_str_eq(
		site.image, "quay.io/ambient_code/vteam_claude_runner:latest");
	ck_assert_str_eq(site.backend_url, "http://localhost:8000");
	ck_assert_str_eq(site.mcp_api_url, "http://localhost:8000");
	ck_assert_str_eq(site.cpu_request, "500m");
	ck_assert_str_eq(site.memory_limit, "4Gi");
	ck_assert_str_eq(site.api_key, "");
	ck_assert_int_eq(site.retention_ms, 15 * 60 * 1000);
	ck_assert_ptr_null(site.token_url);
	ck_assert_ptr_null(site.grpc_address);
	ck_assert_ptr_null(site.ca_config_map);
	ck_assert_ptr_null(site.mcp_image);
	ck_assert(!site.is_restricted && !site.has_account_token);
}
END_TEST

START_TEST(the_api_server_is_the_backend_unless_another_is_named)
{
	set("api-server-url", "https://api.example");
	set("mcp-api-server-url", "https://other.example");
	set("image-pull-policy", "Never");
	acp_runner_site_read(config, &site);
	ck_assert_str_eq(site.backend_url, "https://api.example");
	ck_assert_str_eq(site.mcp_api_url, "https://other.example");
	ck_assert_int_eq(site.pull, ACP_PULL_NEVER);
}
END_TEST

static const struct {
	const char *name;
	const char *value;
	const char *reason;
} faults[] = {
	{"token-url", "ftp://cp/token", "token_url is neither"},
	{"token-url", "https://u:p@cp/token", "token_url has a user"},
	{"runner-image", "a b", "runner_image is no name"},
	{"mcp-image", "a b", "mcp_image is no name"},
	{"runner-no-proxy", "a\x80", "runner_no_proxy has a control"},
	{"grpc-server-addr", "\xff", "grpc_server_addr has a control"},
	{"image-pull-secret", "Pull", "image_pull_secret is no name"},
	{"image-pull-secret", "a..b", "image_pull_secret is no name"},
	{"vertex-secret", "a/b", "vertex_secret is no name"},
	{"runner-ca-config-map", "-a", "runner_ca_config_map is no name"},
	{"runner-ca-key", "a/b", "runner_ca_key is no key"},
	{"runner-ca-key", "..", "runner_ca_key is no key"},
	{"runner-cpu-request", "lots", "runner_cpu_request is no quantity"},
	{"runner-cpu-request", "3", "runner_cpu_request is more than"},
	{"runner-memory-limit", "1GB", "runner_memory_limit is no quantity"},
	{"runner-memory-limit", "1Mi", "runner_memory_request is more than"},
	{"runner-workspace-limit", "0", "runner_workspace_limit is no"},
	{"vertex-secret", "ambient-runner-secrets",
		"vertex_secret is ambient-runner-secrets"},
	{"use-vertex", "on", "use_vertex is on, and anthropic_vertex_project"},
	{"google-application-credentials", "key.json",
		"google_application_credentials is no path"},
	{"google-application-credentials", "/key.json",
		"google_application_credentials is no path"},
	{"google-application-credentials", "/a/../key.json",
		"google_application_credentials is no path"},
};

START_TEST(what_every_pod_would_be_refused_for_is_refused_at_start)
{
	set(faults[_i].name, faults[_i].value);
	acp_runner_site_read(config, &site);
	ck_assert_int_eq(acp_runner_site_check(&site, &why), ACP_BAD_REQUEST);
	ck_assert_msg(strstr(acp_buffer_peek(&why), faults[_i].reason) ==
			acp_buffer_peek(&why),
		"%s", acp_buffer_peek(&why));
}
END_TEST

START_TEST(all_faults_are_told_and_no_value)
{
	set("token-url", "https://user:hunter2@cp/token");
	set("runner-https-proxy", "http://user:hunter2\x80@proxy");
	acp_runner_site_read(config, &site);
	ck_assert_int_eq(acp_runner_site_check(&site, &why), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "token_url"));
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "https_proxy"));
	ck_assert_ptr_null(strstr(acp_buffer_peek(&why), "hunter2"));
}
END_TEST

static Suite *
runner_site_suite(void)
{
	Suite *suite = suite_create("runner_site");
	TCase *tcase = tcase_create("runner_site");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, the_defaults_are_good);
	tcase_add_test(
		tcase, the_api_server_is_the_backend_unless_another_is_named);
	tcase_add_loop_test(tcase,
		what_every_pod_would_be_refused_for_is_refused_at_start, 0,
		COUNT(faults));
	tcase_add_test(tcase, all_faults_are_told_and_no_value);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(runner_site_suite)
