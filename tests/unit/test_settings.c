/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/settings.c and lib/url.c: which token source is chosen, what does
 * not go together, and what is warned about.
 */
#include <config.h>

#include "fcgi/settings.h"

#include "lib/url.h"
#include "tests/unit/config_lines.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define SOCKET_PATH_104 \
	"/a23456789b123456789c123456789d123456789e123456789" \
	"f123456789g123456789h123456789i123456789j123456789k123"

static struct acp_settings *settings;
static struct acp_buffer why;

static void
start(void)
{
	ck_assert_int_eq(clearenv(), 0);
	settings = NULL;
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	acp_settings_free(&settings);
	acp_buffer_clear(&why);
}

/* Makes settings from lines of the file. */
static enum acp_error
make_settings(const char *lines)
{
	return acp_settings_new(
		config_of_lines(ACP_CONFIG_FOR_TOKEN, lines), &settings, &why);
}

#define OIDC \
	"oidc_token_url = https://idp.example/token\n" \
	"oidc_client_id = cp\n" \
	"oidc_client_secret = hush\n"

static const struct {
	const char *lines;
	enum acp_source_kind kind;
} sources[] = {
	{OIDC, ACP_SOURCE_OIDC},
	{"api_token = hush\n", ACP_SOURCE_STATIC},
	{"api_token_file = /not/there\n", ACP_SOURCE_STATIC},
	{OIDC "api_token = hush\n", ACP_SOURCE_OIDC},
	{OIDC "api_token = hush\ntoken_source = static\n", ACP_SOURCE_STATIC},
	{OIDC "token_source = oidc\n", ACP_SOURCE_OIDC},
	{"oidc_token_url = https://idp.example/token\n"
	 "token_oidc_client_id = runners\n"
	 "token_oidc_client_secret = hush\n",
		ACP_SOURCE_OIDC},
};

START_TEST(the_source_is_oidc_when_a_client_is_named)
{
	ck_assert_msg(make_settings(sources[_i].lines) == ACP_OK, "%s",
		acp_buffer_peek(&why));
	ck_assert_int_eq(settings->source.kind, sources[_i].kind);
}
END_TEST

START_TEST(runners_get_the_client_of_their_own)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	ck_assert_int_eq(make_settings(OIDC "token_oidc_client_id = runners\n"
					    "token_oidc_client_secret = own\n"
					    "binding = required\n"),
		ACP_OK);
	ck_assert_str_eq(settings->source.client_id, "runners");
	ck_assert_str_eq(
		acp_secret_peek(settings->source.client_secret), "own");
	ck_assert(!settings->source.is_shared_identity);
	acp_buffer_init(&text, 10000);
	acp_settings_warn(settings, &text);
	ck_assert_str_eq(acp_buffer_peek(&text), "");
}
END_TEST

static const struct {
	const char *lines;
	const char *warning;
} warnings[] = {
	{OIDC, "the control plane's own client"},
	{OIDC "token_oidc_client_id = cp\ntoken_oidc_client_secret = x\n",
		"the control plane's own client"},
	{OIDC "api_token = x\n", "api_token is set but not used"},
	{OIDC "allow_http = on\n", "allow_http is on"},
	{"api_token = x\nallow_cluster_token = on\n",
		"allow_cluster_token is on"},
	{"api_token = x\n", "binding is optional, which protects nothing"},
	{"api_token = x\nbinding = off\n", "binding is off"},
	{"api_token = x\nsocket_group = www\n", "socket_group is not used"},
	{"api_token = x\nsocket_group = www\nsocket = 127.0.0.1:1\n",
		"socket_group is not used"},
};

START_TEST(what_an_operator_should_know_is_said)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, 10000);
	ck_assert_int_eq(make_settings(warnings[_i].lines), ACP_OK);
	acp_settings_warn(settings, &text);
	ck_assert_msg(
		strstr(acp_buffer_peek(&text), warnings[_i].warning) != NULL,
		"%s", acp_buffer_peek(&text));
}
END_TEST

static const struct {
	const char *lines;
	struct acp_rules rules;
} rules[] = {
	{"", {ACP_BINDING_OPTIONAL, 3600000, 86400000}},
	{"binding = off\n", {ACP_BINDING_OFF, 3600000, 86400000}},
	{"binding = required\nrenewal_ttl = 5min\nrenewal_max_age = 2d\n",
		{ACP_BINDING_REQUIRED, 300000, 172800000}},
};

START_TEST(rules_are_read)
{
	char lines[1000];

	snprintf(lines, sizeof(lines), "api_token = x\n%s", rules[_i].lines);
	ck_assert_int_eq(make_settings(lines), ACP_OK);
	ck_assert_int_eq(settings->rules.binding, rules[_i].rules.binding);
	ck_assert_int_eq(
		settings->rules.renewal_ttl_ms, rules[_i].rules.renewal_ttl_ms);
	ck_assert_int_eq(settings->rules.renewal_max_age_ms,
		rules[_i].rules.renewal_max_age_ms);
}
END_TEST

static const struct {
	const char *lines;
	const char *fault;
} faults[] = {
	{"", "no token source: set oidc_token_url"},
	{"token_source = static\n", "neither api_token nor api_token_file"},
	{"token_source = oidc\noidc_token_url = https://a/\n",
		"neither oidc_client_id nor"},
	{"oidc_client_id = x\noidc_client_secret = y\n",
		"oidc_token_url (OIDC_TOKEN_URL) is not set"},
	{"oidc_client_id = x\noidc_token_url = https://a/\n",
		"neither oidc_client_secret nor oidc_client_secret_file"},
	{OIDC "token_oidc_client_id = x\n",
		"neither token_oidc_client_secret nor"},
	{OIDC "token_oidc_client_secret = x\n",
		"token_oidc_client_secret is set without"},
	{"oidc_client_id = x\noidc_client_secret = y\n"
	 "oidc_token_url = http://idp.example/t\n",
		"oidc_token_url is http to another host"},
	{"api_token = x\nhttps_proxy = ftp://proxy/\n",
		"https_proxy is none of http, https"},
	{"api_token = x\nca_file = /not/there\n",
		"ca_file /not/there cannot be read"},
	{"api_token = x\ncache_dir = cache\n",
		"cache_dir is not an absolute path"},
	{"api_token = x\nsocket = run.sock\n", "socket is neither"},
	{"api_token = x\nsocket = 0.0.0.0:9000\n", "socket is neither"},
	{"api_token = x\nsocket = 10.0.0.1:9000\n", "socket is neither"},
	{"api_token = x\nsocket = 126.255.255.255:9000\n", "socket is neither"},
	{"api_token = x\nsocket = 128.0.0.1:9000\n", "socket is neither"},
	{"api_token = x\nsocket = localhost:9000\n", "socket is neither"},
	{"api_token = x\nsocket = :9000\n", "socket is neither"},
	{"api_token = x\nsocket = [::]:9000\n", "socket is neither"},
	{"api_token = x\nsocket = ::1:9000\n", "socket is neither"},
	{"api_token = x\nsocket = 127.0.0.1\n", "socket is neither"},
	{"api_token = x\nsocket = 127.0.0.1:0\n", "socket is neither"},
	{"api_token = x\nsocket = 127.0.0.1:65536\n", "socket is neither"},
	{"api_token = x\nsocket = 127.0.0.1:+80\n", "socket is neither"},
	{"api_token = x\nsocket = 127.0.0.1:80x\n", "socket is neither"},
	{"api_token = x\nsocket = " SOCKET_PATH_104 "4567\n",
		"socket is longer than the 107 bytes"},
};

START_TEST(what_does_not_go_together_is_refused)
{
	ck_assert_int_eq(make_settings(faults[_i].lines), ACP_BAD_REQUEST);
	ck_assert_ptr_null(settings);
	ck_assert_msg(strstr(acp_buffer_peek(&why), faults[_i].fault) != NULL,
		"%s", acp_buffer_peek(&why));
	ck_assert_msg(
		strchr(acp_buffer_peek(&why), '\n') == why.text + why.size - 1,
		"more than one fault: %s", acp_buffer_peek(&why));
}
END_TEST

START_TEST(all_faults_are_told_at_once)
{
	ck_assert_int_eq(make_settings("oidc_client_id = x\n"
				       "socket = here\n"
				       "https_proxy = ftp://proxy\n"),
		ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(why.text, "oidc_client_secret"));
	ck_assert_ptr_nonnull(strstr(why.text, "oidc_token_url"));
	ck_assert_ptr_nonnull(strstr(why.text, "\nsocket "));
	ck_assert_ptr_nonnull(strstr(why.text, "\nhttps_proxy "));
}
END_TEST

static const char *const sockets[] = {"/run/x.sock", "127.0.0.1:1",
	"127.1.2.3:65535", "[::1]:9000", SOCKET_PATH_104 "456"};

START_TEST(paths_and_loopback_addresses_are_sockets)
{
	char lines[200];

	snprintf(lines, sizeof(lines), "api_token = x\nsocket = %s\n",
		sockets[_i]);
	ck_assert_msg(
		make_settings(lines) == ACP_OK, "%s", acp_buffer_peek(&why));
	ck_assert_str_eq(settings->socket, sockets[_i]);
}
END_TEST

static const struct {
	const char *url;
	const char *fault; /* NULL: good */
} urls[] = {
	{"https://idp.example/realms/x/token?a=b", NULL},
	{"HTTPS://idp.example:8443/", NULL},
	{"http://localhost:8080/t", NULL},
	{"http://127.0.0.1/t", NULL},
	{"http://127.9.8.7:1/t", NULL},
	{"http://[::1]:1/t", NULL},
	{"http://idp.example/t", "is http to another host"},
	{"http://localhost.example/t", "is http to another host"},
	{"http://127.0.0.1.example/t", "is http to another host"},
	{"http://128.0.0.1/t", "is http to another host"},
	{"http://126.255.255.255/t", "is http to another host"},
	{"http://[::2]/t", "is http to another host"},
	{"http://127.0.0.1@idp.example/t", "has a user or password"},
	{"https://me:hush@idp.example/t", "has a user or password"},
	{"https://me@idp.example/t", "has a user or password"},
	{"https://idp.example/t#x", "has a fragment"},
	{"ftp://localhost/t", "is neither https nor http"},
	{"file:///etc/passwd", "is not a whole URL"},
	{"idp.example/t", "is not a whole URL"},
	{"https://", "is not a whole URL"},
	{"https://a b/", "is not a whole URL"},
};

START_TEST(a_secret_goes_only_to_https_or_this_host)
{
	enum acp_error error =
		acp_url_check_provider(urls[_i].url, false, &why);
	const char *said = acp_buffer_peek(&why);

	ck_assert_int_eq(error, urls[_i].fault ? ACP_BAD_REQUEST : ACP_OK);
	ck_assert_msg(
		strncmp(said, urls[_i].fault ? urls[_i].fault : "",
			strlen(urls[_i].fault ? urls[_i].fault : "")) == 0,
		"%s", said);
	ck_assert_ptr_null(strstr(said, "idp.example"));
	ck_assert_ptr_null(strstr(said, "hush"));
}
END_TEST

START_TEST(allow_http_lets_a_secret_go_anywhere)
{
	ck_assert_int_eq(
		acp_url_check_provider("http://idp.example/t", true, &why),
		ACP_OK);
	ck_assert_int_eq(acp_url_check_provider("ftp://a/", true, &why),
		ACP_BAD_REQUEST);
}
END_TEST

static const char *const proxies[] = {"http://proxy:3128",
	"https://me:hush@proxy", "socks5://proxy", "socks5h://proxy:1080"};

START_TEST(four_kinds_of_proxies_are_known)
{
	ck_assert_int_eq(acp_url_check_proxy(proxies[_i], &why), ACP_OK);
}
END_TEST

START_TEST(values_are_taken_over)
{
	ck_assert_int_eq(make_settings(OIDC "key_file = /a\nkey_file = /b\n"
					    "mint_wait = 1s\nmin_ttl = 2s\n"
					    "queue_wait = 3s\ndrain = 4s\n"
					    "cache_ttl = 5s\nacceptors = 6\n"
					    "workers = 7\nqueue_length = 8\n"
					    "cache_entries = 9\n"
					    "queue_memory_mib = 10\n"
					    "cache_dir = /c\n"
					    "oidc_scope = s\n"
					    "oidc_audience = a\n"
					    "https_proxy = http://p\n"
					    "ca_file = /dev/null\n"
					    "log_level = error\n"
					    "log_format = text\n"),
		ACP_OK);
	ck_assert_uint_eq(settings->key_file_count, 2);
	ck_assert_str_eq(settings->key_files[1], "/b");
	ck_assert_int_eq(settings->mint_wait_ms, 1000);
	ck_assert_int_eq(settings->min_ttl_ms, 2000);
	ck_assert_int_eq(settings->queue_wait_ms, 3000);
	ck_assert_int_eq(settings->drain_ms, 4000);
	ck_assert_int_eq(settings->cache_ttl_ms, 5000);
	ck_assert_uint_eq(settings->acceptors, 6);
	ck_assert_uint_eq(settings->workers, 7);
	ck_assert_uint_eq(settings->queue_length, 8);
	ck_assert_uint_eq(settings->queue_bytes, 10 * 1024 * 1024);
	ck_assert_uint_eq(settings->cache_entries, 9);
	ck_assert_str_eq(settings->cache_dir, "/c");
	ck_assert_str_eq(settings->source.scope, "s");
	ck_assert_str_eq(settings->source.audience, "a");
	ck_assert_str_eq(settings->source.https_proxy, "http://p");
	ck_assert_str_eq(settings->source.ca_file, "/dev/null");
	ck_assert_int_eq(settings->log_level, ACP_LOG_ERROR);
	ck_assert_int_eq(settings->log_format, ACP_LOG_FORMAT_TEXT);
}
END_TEST

START_TEST(no_workers_means_one_a_processor)
{
	ck_assert_int_eq(make_settings("api_token = x\n"), ACP_OK);
	ck_assert_uint_ge(settings->workers, 1);
	ck_assert_uint_le(settings->workers, 256);
	ck_assert_int_eq(settings->log_level, ACP_LOG_INFO);
	ck_assert_int_eq(settings->log_format, ACP_LOG_FORMAT_AUTO);
	ck_assert_ptr_null(settings->socket);
}
END_TEST

START_TEST(a_static_token_is_a_text_or_a_file)
{
	ck_assert_int_eq(make_settings("api_token_file = /t\n"), ACP_OK);
	ck_assert_str_eq(settings->source.api_token_file, "/t");
	ck_assert(acp_secret_is_empty(settings->source.api_token));
	acp_settings_free(&settings);
	ck_assert_int_eq(make_settings("api_token = t\n"), ACP_OK);
	ck_assert_ptr_null(settings->source.api_token_file);
	ck_assert_str_eq(acp_secret_peek(settings->source.api_token), "t");
}
END_TEST

static Suite *
settings_suite(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, the_source_is_oidc_when_a_client_is_named, 0,
		COUNT(sources));
	tcase_add_test(tcase, runners_get_the_client_of_their_own);
	tcase_add_loop_test(tcase, rules_are_read, 0, COUNT(rules));
	tcase_add_loop_test(tcase, rules_are_read, 0, COUNT(rules));
	tcase_add_loop_test(tcase, what_an_operator_should_know_is_said, 0,
		COUNT(warnings));
	tcase_add_loop_test(
		tcase, what_does_not_go_together_is_refused, 0, COUNT(faults));
	tcase_add_test(tcase, all_faults_are_told_at_once);
	tcase_add_loop_test(tcase, paths_and_loopback_addresses_are_sockets, 0,
		COUNT(sockets));
	tcase_add_loop_test(tcase, a_secret_goes_only_to_https_or_this_host, 0,
		COUNT(urls));
	tcase_add_test(tcase, allow_http_lets_a_secret_go_anywhere);
	tcase_add_loop_test(
		tcase, four_kinds_of_proxies_are_known, 0, COUNT(proxies));
	tcase_add_test(tcase, values_are_taken_over);
	tcase_add_test(tcase, no_workers_means_one_a_processor);
	tcase_add_test(tcase, a_static_token_is_a_text_or_a_file);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(settings_suite)
