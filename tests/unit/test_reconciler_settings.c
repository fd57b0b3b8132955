/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/settings.c: what the reconciler refuses to start with, and where
 * the runtime namespace comes from.
 */
#include <config.h>

#include "reconciler/settings.h"

#include "tests/unit/config_lines.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define TOKEN "api_token = a-token-for-the-api-server\n"

static struct acp_config *config;
static struct acp_reconciler_settings settings;
static struct acp_buffer why;

static void
start(void)
{
	ck_assert_int_eq(clearenv(), 0);
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	acp_config_free(&config);
	acp_buffer_clear(&why);
}

static enum acp_error
read_settings(const char *lines)
{
	acp_config_free(&config);
	config = config_of_lines(ACP_CONFIG_FOR_RECONCILER, lines);
	return acp_reconciler_settings_read(&settings, config, &why);
}

START_TEST(defaults_and_an_identity_are_enough)
{
	ck_assert_msg(
		read_settings(TOKEN) == ACP_OK, "%s", acp_buffer_peek(&why));
	ck_assert_str_eq(settings.api_url, "http://localhost:8000");
	ck_assert_int_eq(settings.site.platform, ACP_PLATFORM_STANDARD);
	ck_assert(settings.site.deletes_namespaces);
	ck_assert(!settings.site.has_creator_binding);
	ck_assert(!settings.site.adopts);
	ck_assert_uint_eq(settings.in_flight, 16);
	ck_assert_int_eq(settings.resync_ms, 60000);
	ck_assert_str_eq(settings.runner.cpu_limit, "2");
}
END_TEST

static const struct {
	const char *lines;
	const char *said;
} faults[] = {
	{"", "api_token"},
	{TOKEN "runtime_namespace = Ambient\n", "runtime_namespace"},
	{TOKEN "instance = -x\n", "instance"},
	{TOKEN "image_namespace = a.b\n", "image_namespace"},
	{TOKEN "config_namespace = "
	       "a234567890b234567890c234567890d234567890"
	       "e234567890f234567890g234\n",
		"config_namespace"},
	{TOKEN "service_account = a/b\n", "service_account"},
	{TOKEN "token_service_app = x,y\n", "token_service_app"},
	{TOKEN "keypair_owner = deploy/x\n", "keypair_owner"},
	{TOKEN "api_server_url = http://api.example:8000\n", "allow_http"},
	{TOKEN "api_server_url = api.example\n", "api_server_url"},
	{TOKEN "token_url = ftp://cp/token\n", "token_url"},
	{TOKEN "runner_cpu_limit = all\n", "runner_cpu_limit"},
};

START_TEST(what_kubernetes_would_not_take_is_named)
{
	ck_assert_int_eq(read_settings(faults[_i].lines), ACP_BAD_REQUEST);
	ck_assert_msg(strstr(acp_buffer_peek(&why), faults[_i].said), "%s",
		acp_buffer_peek(&why));
}
END_TEST

START_TEST(plain_http_to_another_host_has_to_be_allowed)
{
	ck_assert_int_eq(
		read_settings(TOKEN "api_server_url = http://api.svc:8000\n"
				    "allow_http = on\n"),
		ACP_OK);
}
END_TEST

static const struct {
	const char *lines;
	const char *known; /* by the access to the cluster */
	const char *namespace;
	const char *instance;
} namespaces[] = {
	{TOKEN, NULL, "ambient-code", "ambient-code"},
	{TOKEN, "pods-own", "pods-own", "pods-own"},
	{TOKEN, "Not A Name", "ambient-code", "ambient-code"},
	{TOKEN "runtime_namespace = rt\n", "pods-own", "rt", "rt"},
	{TOKEN "instance = one\n", "pods-own", "pods-own", "one"},
};

START_TEST(h09_the_runtime_namespace_is_the_pods_own_by_default)
{
	ck_assert_int_eq(read_settings(namespaces[_i].lines), ACP_OK);
	acp_reconciler_settings_complete(&settings, namespaces[_i].known);
	ck_assert_str_eq(
		settings.site.runtime_namespace, namespaces[_i].namespace);
	ck_assert_str_eq(settings.site.instance, namespaces[_i].instance);
}
END_TEST

static Suite *
settings_suite(void)
{
	Suite *suite = suite_create("reconciler_settings");
	TCase *tests = tcase_create("settings");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, defaults_and_an_identity_are_enough);
	tcase_add_loop_test(tests, what_kubernetes_would_not_take_is_named, 0,
		COUNT(faults));
	tcase_add_test(tests, plain_http_to_another_host_has_to_be_allowed);
	tcase_add_loop_test(tests,
		h09_the_runtime_namespace_is_the_pods_own_by_default, 0,
		COUNT(namespaces));
	suite_add_tcase(suite, tests);
	return suite;
}

ACP_UNIT_MAIN(settings_suite)
