/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/token_source_settings.c as the reconciler uses it: its own identity out
 * of a file that also speaks of runners. What is read for runners is tested
 * with fcgi/settings.c.
 */
#include <config.h>

#include "lib/token_source_settings.h"

#include "tests/unit/config_lines.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define OIDC \
	"oidc_token_url = https://idp.example/token\n" \
	"oidc_client_id = cp\n" \
	"oidc_client_secret = hush\n"
#define RUNNERS \
	"token_oidc_client_id = runners\n" \
	"token_oidc_client_secret = theirs\n"

static struct acp_config *config;
static struct acp_source_settings source;
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

/* Reads our own identity from lines of the file. */
static void
read_lines(const char *lines)
{
	acp_config_free(&config);
	config = config_of_lines(ACP_CONFIG_FOR_RECONCILER, lines);
	acp_token_source_settings_read(
		config, ACP_SOURCE_OF_CONTROL_PLANE, &source);
	acp_token_source_settings_check(
		config, ACP_SOURCE_OF_CONTROL_PLANE, &source, &why);
}

static const struct {
	const char *lines;
	enum acp_source_kind kind;
} kinds[] = {
	{OIDC, ACP_SOURCE_OIDC},
	{OIDC "api_token = x\n", ACP_SOURCE_OIDC},
	{OIDC "api_token = x\ntoken_source = static\n", ACP_SOURCE_OIDC},
	{"api_token = x\n", ACP_SOURCE_STATIC},
	{"api_token_file = /not/there\n", ACP_SOURCE_STATIC},
	{"api_token = x\ntoken_source = oidc\n", ACP_SOURCE_STATIC},
	{"api_token = x\n" RUNNERS, ACP_SOURCE_STATIC},
	{"api_token = x\ntoken_oidc_client_secret = lonely\n",
		ACP_SOURCE_STATIC},
};

START_TEST(oidc_wins_and_what_is_for_runners_does_not_count)
{
	read_lines(kinds[_i].lines);
	ck_assert_str_eq(acp_buffer_peek(&why), "");
	ck_assert_int_eq(source.kind, kinds[_i].kind);
	ck_assert(!source.is_shared_identity);
}
END_TEST

START_TEST(the_client_is_the_control_planes_own)
{
	read_lines(OIDC RUNNERS "oidc_scope = s\noidc_audience = a\n");
	ck_assert_str_eq(acp_buffer_peek(&why), "");
	ck_assert_str_eq(source.client_id, "cp");
	ck_assert_str_eq(acp_secret_peek(source.client_secret), "hush");
	ck_assert_str_eq(source.scope, "s");
	ck_assert_str_eq(source.audience, "a");
}
END_TEST

START_TEST(a_cluster_token_is_good_for_its_owner)
{
	read_lines("api_token = x\n");
	ck_assert(source.may_use_cluster_token);
	acp_token_source_settings_read(config, ACP_SOURCE_OF_RUNNERS, &source);
	ck_assert(!source.may_use_cluster_token);
}
END_TEST

static const struct {
	const char *lines;
	const char *fault;
} faults[] = {
	{"", "no identity for the Ambient API server: set oidc_token_url"},
	{RUNNERS, "no identity for the Ambient API server: set oidc_token_url"},
	{"oidc_client_id = cp\n",
		"oidc_client_id is set, but neither "
		"oidc_client_secret nor"},
	{"oidc_client_id = cp\noidc_client_secret = x\n",
		"oidc_token_url (OIDC_TOKEN_URL) is not set"},
	{"oidc_client_id = cp\noidc_client_secret = x\n"
	 "oidc_token_url = http://idp.example/token\n",
		"oidc_token_url is http to another host"},
	{"api_token = x\nhttps_proxy = ftp://proxy.example\n",
		"https_proxy is none of"},
	{"api_token = x\nca_file = /not/there\n",
		"ca_file /not/there cannot be read"},
};

START_TEST(what_is_missing_is_said)
{
	read_lines(faults[_i].lines);
	ck_assert_msg(strstr(acp_buffer_peek(&why), faults[_i].fault) != NULL,
		"%s", acp_buffer_peek(&why));
}
END_TEST

static Suite *
token_source_settings_suite(void)
{
	Suite *suite = suite_create("token_source_settings");
	TCase *tcase = tcase_create("token_source_settings");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase,
		oidc_wins_and_what_is_for_runners_does_not_count, 0,
		sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tcase, the_client_is_the_control_planes_own);
	tcase_add_test(tcase, a_cluster_token_is_good_for_its_owner);
	tcase_add_loop_test(tcase, what_is_missing_is_said, 0,
		sizeof(faults) / sizeof(faults[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(token_source_settings_suite)
