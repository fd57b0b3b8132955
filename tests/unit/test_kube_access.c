/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the server is and who we are: which credential holds, what is read
 * again and when, and the pod's own files.
 * valgrind: no, it knows no pidfd_open, by which plugins are waited for
 */
#include <config.h>

#include "reconciler/kube_access.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>

static char folder[32];
static struct acp_kube_access *made;
static struct acp_buffer why;

/* The clock of the tests, in place of the machine's. */
static int64_t now_ms;

int64_t __wrap_acp_clock_now_ms(void);

int64_t
__wrap_acp_clock_now_ms(void)
{
	return now_ms;
}

static void
enter(void)
{
	memcpy(folder, "/tmp/acp-access-XXXXXX", 23);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	made = NULL;
	now_ms = 1000000;
	setenv("HOME", folder, 1);
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
}

static char *
find(const char *name)
{
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/%s", folder, name), 0);
	return path;
}

static void
leave(void)
{
	static const char *const names[] = {"token", "config", "ca.crt",
		"namespace", "plugin", "count", "cert", "key", ".kube/config",
		".kube"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = find(names[i]);

		remove(path);
		free(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
	acp_kube_access_free(&made);
	acp_buffer_clear(&why);
}

static void
write_file(const char *name, const char *text)
{
	char *path = find(name);
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0700), 0);
	free(path);
}

#define CONFIG(user) \
	"current-context: c\n" \
	"contexts: [{name: c, context: {cluster: k, user: u, namespace: n}}]\n" \
	"clusters: [{name: k, cluster: {server: \"https://h\"}}]\n" \
	"users: [{name: u, user: {" user "}}]\n"

static enum acp_error
open_access(const char *text)
{
	char *path = find("config");
	enum acp_error error;

	write_file("config", text);
	error = acp_kube_access_new(path, &made, &why);
	free(path);
	return error;
}

static void
expect_token(const char *wanted)
{
	ACP_AUTO(secret) struct acp_secret token = {0};

	ck_assert_msg(!acp_kube_access_read_token(made, &token, &why), "%s",
		acp_buffer_peek(&why));
	ck_assert_str_eq(acp_secret_peek(&token), wanted);
}

static void
expect_no_token(const char *part)
{
	ACP_AUTO(secret) struct acp_secret token = {0};

	acp_buffer_clear(&why);
	ck_assert_int_eq(
		acp_kube_access_read_token(made, &token, &why), ACP_DENIED);
	ck_assert_msg(strstr(acp_buffer_peek(&why), part), "%s",
		acp_buffer_peek(&why));
}

START_TEST(a_token_stands_in_the_kubeconfig)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, ACP_LOG_VALUE_MAX);
	ck_assert_int_eq(open_access(CONFIG("token: word")), ACP_OK);
	expect_token("word");
	ck_assert_str_eq(acp_kube_access_peek_namespace(made), "n");
	ck_assert_str_eq(
		acp_kube_access_peek_server(made)->base_url, "https://h");
	acp_kube_access_describe(made, &text);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&text), "context c of "));
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&text), ", server https://h"));
	ck_assert_ptr_null(strstr(acp_buffer_peek(&text), "word"));
}
END_TEST

START_TEST(h22_a_token_file_is_read_again_each_minute)
{
	write_file("token", "one\r\n");
	ck_assert_int_eq(
		open_access(CONFIG("token: word, tokenFile: token")), ACP_OK);
	expect_token("one");
	write_file("token", "two");
	now_ms += ACP_KUBE_TOKEN_AGE_MS - 1;
	expect_token("one");
	now_ms += 1;
	expect_token("two");
	write_file("token", "three");
	acp_kube_access_forget_token(made);
	expect_token("three");
	write_file("token", "no token\nat all");
	acp_kube_access_forget_token(made);
	expect_no_token("not a token on one line");
	write_file("token", "four");
	expect_token("four");
}
END_TEST

#define V1 "client.authentication.k8s.io/v1"
#define EXEC CONFIG("exec: {apiVersion: " V1 ", command: ./plugin}")

/* A plugin that counts its runs in its token. */
#define COUNTING(more) \
	"#!/bin/sh\ncd $(dirname $0)\necho x >>count\n" \
	"n=$(grep -c x count)\n" \
	"echo '{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\"," \
	"\"status\":{" more "\"token\":\"run-'$n'\"}}'\n"

START_TEST(a_plugin_runs_once_for_a_token_without_end)
{
	write_file("plugin", COUNTING(""));
	ck_assert_int_eq(open_access(EXEC), ACP_OK);
	expect_token("run-1");
	now_ms += 10000000;
	expect_token("run-1");
	acp_kube_access_forget_token(made);
	expect_token("run-2");
	/* many are answered 401 at once; one run is enough for them */
	acp_kube_access_forget_token(made);
	expect_token("run-2");
	now_ms += ACP_KUBE_EXEC_PAUSE_MS;
	acp_kube_access_forget_token(made);
	expect_token("run-3");
}
END_TEST

START_TEST(a_token_of_a_plugin_is_renewed_before_it_ends)
{
	char script[1000];
	char end[ACP_CLOCK_TEXT_SIZE];

	acp_clock_format(acp_clock_wall_ms() + 3600000, 0, end);
	snprintf(script, sizeof(script),
		COUNTING("\"expirationTimestamp\":\"%s\","), end);
	write_file("plugin", script);
	ck_assert_int_eq(open_access(EXEC), ACP_OK);
	expect_token("run-1");
	now_ms += 3600000 - ACP_TOKEN_MARGIN_MS - 60000;
	expect_token("run-1");
	now_ms += 60000;
	expect_token("run-2");
}
END_TEST

START_TEST(a_plugin_that_failed_rests_a_while)
{
	write_file(
		"plugin", "#!/bin/sh\necho x >>$(dirname $0)/count; exit 1\n");
	ck_assert_int_eq(open_access(EXEC), ACP_OK);
	expect_no_token("failed: run it by hand");
	write_file("plugin", COUNTING(""));
	now_ms += ACP_KUBE_EXEC_PAUSE_MS - 1;
	expect_no_token("failed: run it by hand");
	now_ms += 1;
	expect_token("run-2");
}
END_TEST

START_TEST(a_certificate_that_was_renewed_makes_another_server)
{
	const struct acp_http_server *first;
	const struct acp_http_server *second;

	write_file("cert", "CERT-1");
	write_file("key", "KEY-1");
	ck_assert_int_eq(open_access(CONFIG("client-certificate: cert, "
					    "client-key: key")),
		ACP_OK);
	expect_token("");
	first = acp_kube_access_peek_server(made);
	ck_assert_str_eq(acp_secret_peek(first->client_pem), "CERT-1");
	ck_assert_str_eq(acp_secret_peek(first->client_key_pem), "KEY-1");
	write_file("cert", "CERT-2");
	expect_token("");
	ck_assert_ptr_eq(acp_kube_access_peek_server(made), first);
	now_ms += ACP_KUBE_TOKEN_AGE_MS;
	expect_token("");
	second = acp_kube_access_peek_server(made);
	ck_assert_str_eq(acp_secret_peek(second->client_pem), "CERT-2");
	/* for a request that is under way */
	ck_assert_str_eq(acp_secret_peek(first->client_pem), "CERT-1");
}
END_TEST

static const struct {
	const char *user;
	const char *why;
} refused[] = {
	{"", "has no credentials"},
	{"token: \"a b\"", "not one that a header may carry"},
};

START_TEST(a_user_that_cannot_log_in_is_refused)
{
	char text[1000];

	snprintf(text, sizeof(text), CONFIG("%s"), refused[_i].user);
	ck_assert_int_eq(open_access(text), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), refused[_i].why));
	ck_assert_ptr_null(strstr(acp_buffer_peek(&why), "a b"));
}
END_TEST

START_TEST(a_second_identity_has_its_own_token_and_no_certificate)
{
	struct acp_kube_access *second = NULL;
	ACP_AUTO(secret) struct acp_secret token = {0};
	ACP_AUTO(free) char *path = find("token");

	write_file("cert", "CERT");
	write_file("key", "KEY");
	ck_assert_int_eq(open_access(CONFIG("token: word, client-certificate: "
					    "cert, client-key: key")),
		ACP_OK);
	ck_assert_int_eq(
		acp_kube_access_new_with_token(made, path, &second, &why),
		ACP_BAD_REQUEST);
	ck_assert_ptr_null(second);
	write_file("token", "second\n");
	acp_buffer_clear(&why);
	ck_assert_int_eq(
		acp_kube_access_new_with_token(made, path, &second, &why),
		ACP_OK);
	ck_assert_int_eq(
		acp_kube_access_read_token(second, &token, &why), ACP_OK);
	ck_assert_str_eq(acp_secret_peek(&token), "second");
	ck_assert_ptr_null(acp_kube_access_peek_server(second)->client_pem);
	ck_assert_str_eq(
		acp_kube_access_peek_server(second)->base_url, "https://h");
	acp_kube_access_free(&second);
}
END_TEST

static const struct {
	const char *host;
	const char *url;
} hosts[] = {
	{"10.0.0.1", "https://10.0.0.1:443"},
	{"fd00::1", "https://[fd00::1]:443"},
	{"kubernetes.default.svc", "https://kubernetes.default.svc:443"},
};

START_TEST(a_pod_finds_its_server_in_the_environment)
{
	ACP_AUTO(free) char *ca = find("ca.crt");

	write_file("token", "of-the-pod\n");
	write_file("namespace", "mine\n");
	setenv("KUBERNETES_SERVICE_HOST", hosts[_i].host, 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	ck_assert_int_eq(
		acp_kube_access_new_in_cluster(folder, &made, &why), ACP_OK);
	expect_token("of-the-pod");
	ck_assert_str_eq(
		acp_kube_access_peek_server(made)->base_url, hosts[_i].url);
	ck_assert_str_eq(acp_kube_access_peek_server(made)->ca_file, ca);
	ck_assert_str_eq(acp_kube_access_peek_namespace(made), "mine");
}
END_TEST

START_TEST(without_a_kubeconfig_home_is_looked_at_and_then_the_pod)
{
	ACP_AUTO(free) char *kube = find(".kube");

	ck_assert_int_eq(
		acp_kube_access_new(NULL, &made, &why), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(
		acp_buffer_peek(&why), "neither a kubeconfig nor a cluster"));
	setenv("KUBERNETES_SERVICE_HOST", "h", 1);
	setenv("KUBERNETES_SERVICE_PORT", "1", 1);
	ck_assert_int_eq(acp_kube_access_new("", &made, &why), ACP_OK);
	ck_assert_str_eq(
		acp_kube_access_peek_server(made)->base_url, "https://h:1");
	acp_kube_access_free(&made);
	ck_assert_int_eq(mkdir(kube, 0700), 0);
	write_file(".kube/config", CONFIG("token: word"));
	ck_assert_int_eq(acp_kube_access_new(NULL, &made, &why), ACP_OK);
	expect_token("word");
	/* one that is named must be there */
	acp_kube_access_free(&made);
	ck_assert_int_eq(acp_kube_access_new("/nowhere/config", &made, &why),
		ACP_BAD_REQUEST);
}
END_TEST

static Suite *
access_suite(void)
{
	Suite *suite = suite_create("kube_access");
	TCase *tcase = tcase_create("kube_access");

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_token_stands_in_the_kubeconfig);
	tcase_add_test(tcase, h22_a_token_file_is_read_again_each_minute);
	tcase_add_test(tcase, a_plugin_runs_once_for_a_token_without_end);
	tcase_add_test(tcase, a_token_of_a_plugin_is_renewed_before_it_ends);
	tcase_add_test(tcase, a_plugin_that_failed_rests_a_while);
	tcase_add_test(
		tcase, a_certificate_that_was_renewed_makes_another_server);
	tcase_add_loop_test(tcase, a_user_that_cannot_log_in_is_refused, 0,
		sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(
		tcase, a_second_identity_has_its_own_token_and_no_certificate);
	tcase_add_loop_test(tcase, a_pod_finds_its_server_in_the_environment, 0,
		sizeof(hosts) / sizeof(hosts[0]));
	tcase_add_test(
		tcase, without_a_kubeconfig_home_is_looked_at_and_then_the_pod);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(access_suite)
