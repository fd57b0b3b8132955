/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig files, good and bad: what is taken from them, and what is said
 * of those that cannot be used.
 */
#include <config.h>

#include "reconciler/kubeconfig.h"

#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>

#define CONTEXT \
	"current-context: c\n" \
	"contexts: [{name: c, context: {cluster: k, user: u}}]\n"
#define CLUSTER "clusters: [{name: k, cluster: {server: \"https://h\"}}]\n"
#define USER "users: [{name: u, user: {token: t}}]\n"
/* "-----BEGIN X", and something that is no PEM */
#define PEM "LS0tLS1CRUdJTiBY"
#define NO_PEM "bm8gUEVN"

static struct acp_kubeconfig config;
static struct acp_buffer why;
static char folder[32];

static void
enter(void)
{
	acp_kubeconfig_init(&config);
	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	memcpy(folder, "/tmp/acp-config-XXXXXX", 23);
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
leave(void)
{
	acp_kubeconfig_clear(&config);
	acp_buffer_clear(&why);
	rmdir(folder);
}

static enum acp_error
parse(const char *text)
{
	acp_kubeconfig_clear(&config);
	acp_buffer_clear(&why);
	return acp_kubeconfig_parse(
		text, strlen(text), "/etc/kube/config", &config, &why);
}

START_TEST(the_current_context_is_taken_with_cluster_and_user)
{
	ck_assert_int_eq(
		parse("apiVersion: v1\nkind: Config\ncurrent-context: two\n"
		      "preferences: {}\n"
		      "contexts:\n"
		      "- name: one\n  context: {cluster: none, user: none}\n"
		      "- context:\n    cluster: k\n    user: u\n"
		      "    namespace: ns\n  name: two\n"
		      "clusters:\n"
		      "- name: k\n  cluster:\n"
		      "    server: https://host:6443/prefix/\n"
		      "    certificate-authority: pki/ca.crt\n"
		      "    tls-server-name: kubernetes\n"
		      "    proxy-url: socks5://proxy:1080\n"
		      "    insecure-skip-tls-verify: false\n"
		      "users:\n"
		      "- name: u\n  user:\n"
		      "    client-certificate-data: " PEM "\n"
		      "    client-key: /abs/key\n"
		      "    tokenFile: ../token\n"
		      "    token: word\n"),
		ACP_OK);
	ck_assert_str_eq(config.file, "/etc/kube/config");
	ck_assert_str_eq(config.context, "two");
	ck_assert_str_eq(config.namespace, "ns");
	ck_assert_str_eq(config.cluster.server, "https://host:6443/prefix");
	ck_assert_str_eq(config.cluster.ca_file, "/etc/kube/pki/ca.crt");
	ck_assert_str_eq(config.cluster.tls_server_name, "kubernetes");
	ck_assert_str_eq(config.cluster.proxy, "socks5://proxy:1080");
	ck_assert(!config.cluster.is_unverified);
	ck_assert_str_eq(
		acp_secret_peek(&config.user.certificate_pem), "-----BEGIN X");
	ck_assert_ptr_null(config.user.certificate_file);
	ck_assert_str_eq(config.user.key_file, "/abs/key");
	ck_assert_str_eq(config.user.token_file, "/etc/kube/../token");
	ck_assert_str_eq(acp_secret_peek(&config.user.token), "word");
	ck_assert_ptr_null(config.user.exec.command);
}
END_TEST

START_TEST(json_is_a_kubeconfig_too)
{
	ck_assert_int_eq(
		parse("{\"current-context\":\"c\",\"contexts\":[{\"name\":"
		      "\"c\",\"context\":{\"cluster\":\"k\",\"user\":\"u\"}}],"
		      "\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":"
		      "\"https://h\",\"certificate-authority-data\":\"" PEM
		      "\",\"proxy-url\":null}}],\"users\":[{\"name\":\"u\","
		      "\"user\":{\"token\":\"t\"}}]}"),
		ACP_OK);
	ck_assert_str_eq(
		acp_secret_peek(&config.cluster.ca_pem), "-----BEGIN X");
	ck_assert_ptr_null(config.cluster.proxy);
	ck_assert_ptr_null(config.namespace);
}
END_TEST

START_TEST(a_plugin_is_read_with_arguments_and_environment)
{
	ck_assert_int_eq(
		parse(CONTEXT CLUSTER
			"users:\n- name: u\n  user:\n    exec:\n"
			"      apiVersion: client.authentication.k8s.io/v1beta1\n"
			"      command: bin/plugin\n"
			"      args: [a b, \"\", --c]\n"
			"      env:\n"
			"      - {name: A, value: \"1=2\"}\n"
			"      - {name: B, value: \"\"}\n"
			"      provideClusterInfo: true\n"
			"      interactiveMode: IfAvailable\n"),
		ACP_OK);
	ck_assert_str_eq(config.user.exec.command, "/etc/kube/bin/plugin");
	ck_assert_uint_eq(config.user.exec.argument_count, 3);
	ck_assert_str_eq(config.user.exec.arguments[0], "a b");
	ck_assert_str_eq(config.user.exec.arguments[1], "");
	ck_assert_str_eq(config.user.exec.arguments[2], "--c");
	ck_assert_uint_eq(config.user.exec.variable_count, 2);
	ck_assert_str_eq(config.user.exec.variables[0], "A=1=2");
	ck_assert_str_eq(config.user.exec.variables[1], "B=");
	ck_assert(config.user.exec.wants_cluster);
}
END_TEST

#define EXEC(rest) \
	CONTEXT CLUSTER "users: [{name: u, user: {exec: {apiVersion: " \
			"client.authentication.k8s.io/v1, " rest "}}}]\n"

static const struct {
	const char *text;
	const char *why; /* a part of it */
} bad[] = {
	{"", "no current-context is set"},
	{"null", "no current-context is set"},
	{"text", "not a kubeconfig: no mapping"},
	{"[a, b]", "not a kubeconfig: no mapping"},
	{"a: [b", "not YAML"},
	{"a: \"b", "/etc/kube/config: line 1: not YAML"},
	{"a: *none", "not YAML"},
	{"\xff\xfe\xff", "not YAML"},
	{CLUSTER USER, "no current-context is set"},
	{"current-context: [c]\n", "line 1: current-context is not a text"},
	{"current-context: \"a\\0b\"\n", "has a NUL in it"},
	{"current-context: d\n", "there is no context \"d\""},
	{"current-context: c\ncontexts: {c: 1}\n",
		"line 2: contexts is not a list"},
	{"current-context: c\ncontexts: [{name: c}]\n",
		"names no cluster or no user"},
	{"current-context: c\ncontexts: [{name: c, context: x}]\n",
		"context is not a mapping"},
	{CONTEXT "contexts: []\n" USER, "there is no cluster \"k\""},
	{CONTEXT CLUSTER, "there is no user \"u\""},
	{"current-context: c\ncontexts:\n"
	 "- {name: c, context: {cluster: k, user: u}}\n"
	 "- {name: c, context: {cluster: k, user: u}}\n" CLUSTER USER,
		"line 4: context has the name of another one"},
	{CONTEXT "clusters: [{name: k, cluster: {}}]\n" USER,
		"server is missing"},
	{CONTEXT "clusters: [{name: k, cluster: {server: {}}}]\n" USER,
		"server is not a text"},
	{CONTEXT
		"clusters: [{name: k, cluster: {server: \"http://h\"}}]\n" USER,
		"server is http to another host"},
	{CONTEXT
		"clusters: [{name: k, cluster: {server: \"https://a:b@h\"}}]\n" USER,
		"has a user or password"},
	{CONTEXT "clusters: [{name: k, cluster: {server: \"ftp://h\"}}]\n" USER,
		"neither https nor http"},
	{CONTEXT "clusters: [{name: k, cluster: {server: \"https://h\", "
		 "proxy-url: \"ftp://p\"}}]\n" USER,
		"proxy-url is none of"},
	{CONTEXT "clusters: [{name: k, cluster: {server: \"https://h\", "
		 "insecure-skip-tls-verify: maybe}}]\n" USER,
		"is not true or false"},
	{CONTEXT
		"clusters: [{name: k, cluster: {server: \"https://h\", "
		"insecure-skip-tls-verify: true, certificate-authority: f}}]\n" USER,
		"exclude each other"},
	{CONTEXT "clusters: [{name: k, cluster: {server: \"https://h\", "
		 "certificate-authority-data: \"*\"}}]\n" USER,
		"is not base64"},
	{CONTEXT "clusters: [{name: k, cluster: {server: \"https://h\", "
		 "certificate-authority-data: " NO_PEM "}}]\n" USER,
		"is not PEM in base64"},
	{CONTEXT "x: &x {server: \"https://h\"}\n"
		 "clusters: [{name: k, cluster: {<<: *x}}]\n" USER,
		"merge key"},
	{CONTEXT CLUSTER "users: [{name: u, user: {username: a}}]\n",
		"username is not supported"},
	{CONTEXT CLUSTER "users: [{name: u, user: {auth-provider: {}}}]\n",
		"auth-provider is not supported"},
	{CONTEXT CLUSTER "users: [{name: u, user: {token: t, as: root}}]\n",
		"as is not supported"},
	{CONTEXT CLUSTER "users: [{name: u, user: {client-key: f}}]\n",
		"without the other"},
	{CONTEXT CLUSTER
		"users: [{name: u, user: {client-certificate-data: " PEM
		"}}]\n",
		"without the other"},
	{EXEC("args: [a]"), "command is missing"},
	{EXEC("command: x, args: a"), "args is not a list"},
	{EXEC("command: x, args: [[a]]"), "args is not a text"},
	{EXEC("command: x, env: [{value: a}]"), "env has no good name"},
	{EXEC("command: x, env: [{name: A=B}]"), "env has no good name"},
	{EXEC("command: x, env: [A]"), "env has no good name"},
	{EXEC("command: x, interactiveMode: Always"), "is Always"},
	{CONTEXT CLUSTER "users: [{name: u, user: {exec: {command: x, "
			 "apiVersion: client.authentication.k8s.io/v1alpha1}}}]"
			 "\n",
		"exec has an apiVersion other than"},
	{CONTEXT CLUSTER "users: [{name: u, user: {exec: {command: x}}}]\n",
		"exec has an apiVersion other than"},
};

START_TEST(what_cannot_be_used_is_refused_with_place_and_reason)
{
	ck_assert_int_eq(parse(bad[_i].text), ACP_BAD_REQUEST);
	ck_assert_msg(strstr(acp_buffer_peek(&why), bad[_i].why), "%s",
		acp_buffer_peek(&why));
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), "/etc/kube/config"));
}
END_TEST

START_TEST(aliases_that_loop_or_multiply_cost_nothing)
{
	ck_assert_int_eq(
		parse("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b, *c]\n"
		      "d: &d {d: *d}\n" CONTEXT
		      "clusters: [{name: k, cluster: &k {server: "
		      "\"https://h\", extra: *k}}]\n" USER),
		ACP_OK);
	ck_assert_str_eq(config.cluster.server, "https://h");
}
END_TEST

static const struct {
	size_t count;
	enum acp_error error;
} lengths[] = {
	{ACP_KUBECONFIG_ENTRIES_MAX, ACP_OK},
	{ACP_KUBECONFIG_ENTRIES_MAX + 1, ACP_BAD_REQUEST},
};

START_TEST(a_list_of_the_limit_is_taken_and_one_longer_is_not)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, ACP_KUBECONFIG_FILE_MAX);
	acp_buffer_append(&text, CONTEXT CLUSTER "users:\n");
	for (size_t i = 1; i < lengths[_i].count; i++)
		acp_buffer_printf(&text, "- {name: u%zu}\n", i);
	acp_buffer_append(&text, "- {name: u, user: {token: t}}\n");
	ck_assert_int_eq(parse(acp_buffer_peek(&text)), lengths[_i].error);
}
END_TEST

/* Files */

static char *
write_file(const char *name, const char *text, size_t size)
{
	char *path = NULL;
	FILE *file;

	ck_assert_int_gt(asprintf(&path, "%s/%s", folder, name), 0);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

static enum acp_error
read_two(const char *first, const char *second)
{
	ACP_AUTO(free) char *one = write_file("one", first, strlen(first));
	ACP_AUTO(free) char *two = write_file("two", second, strlen(second));
	ACP_AUTO(free) char *list = NULL;
	enum acp_error error;

	ck_assert_int_gt(
		asprintf(&list, ":/nowhere/config:%s::%s:", one, two), 0);
	error = acp_kubeconfig_read(list, &config, &why);
	remove(one);
	remove(two);
	return error;
}

START_TEST(of_several_files_the_first_to_say_something_holds)
{
	ck_assert_int_eq(
		read_two("users: [{name: u, user: {tokenFile: t}}]\n"
			 "current-context: c\n",
			"current-context: d\n"
			"contexts: [{name: c, context: {cluster: k, user: u}}]"
			"\n" CLUSTER
			"users: [{name: u, user: {token: other, client-key: "
			"k}}]\n"),
		ACP_OK);
	ck_assert_str_eq(config.context, "c");
	ck_assert_ptr_nonnull(strstr(config.file, "/two"));
	/* of the whole entry nothing is mixed in */
	ck_assert_uint_eq(config.user.token.size, 0);
	ck_assert_ptr_null(config.user.key_file);
	ck_assert_int_eq(
		strncmp(config.user.token_file, folder, strlen(folder)), 0);
}
END_TEST

START_TEST(a_file_of_several_that_is_broken_is_told)
{
	ck_assert_int_eq(
		read_two(CONTEXT CLUSTER USER, "a: [b"), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "/two: line"));
}
END_TEST

START_TEST(without_any_file_there_is_none)
{
	ck_assert_int_eq(
		acp_kubeconfig_read("/nowhere/a:/nowhere/b", &config, &why),
		ACP_GONE);
}
END_TEST

START_TEST(a_file_of_the_limit_is_taken_and_one_byte_more_is_not)
{
	static const char text[] = CONTEXT CLUSTER USER "#";
	size_t size = ACP_KUBECONFIG_FILE_MAX + (size_t)_i;
	char *padded = acp_memory_new(size, 1);
	char *path;

	memset(padded, ' ', size);
	memcpy(padded, text, sizeof(text) - 1);
	path = write_file("large", padded, size);
	ck_assert_int_eq(acp_kubeconfig_read(path, &config, &why),
		_i ? ACP_BAD_REQUEST : ACP_OK);
	remove(path);
	free(path);
	free(padded);
}
END_TEST

static Suite *
kubeconfig_suite(void)
{
	Suite *suite = suite_create("kubeconfig");
	TCase *tcase = tcase_create("kubeconfig");

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_add_test(
		tcase, the_current_context_is_taken_with_cluster_and_user);
	tcase_add_test(tcase, json_is_a_kubeconfig_too);
	tcase_add_test(tcase, a_plugin_is_read_with_arguments_and_environment);
	tcase_add_loop_test(tcase,
		what_cannot_be_used_is_refused_with_place_and_reason, 0,
		sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, aliases_that_loop_or_multiply_cost_nothing);
	tcase_add_loop_test(tcase,
		a_list_of_the_limit_is_taken_and_one_longer_is_not, 0,
		sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(
		tcase, of_several_files_the_first_to_say_something_holds);
	tcase_add_test(tcase, a_file_of_several_that_is_broken_is_told);
	tcase_add_test(tcase, without_any_file_there_is_none);
	tcase_add_loop_test(tcase,
		a_file_of_the_limit_is_taken_and_one_byte_more_is_not, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(kubeconfig_suite)
