/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential plugins: what they are given, what is taken from them, and how
 * those end that misbehave.
 * valgrind: no, it knows no pidfd_open, by which plugins are waited for
 */
#include <config.h>

#include "reconciler/kube_exec.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define V1 "client.authentication.k8s.io/v1"
#define CREDENTIAL(status) \
	"{\"apiVersion\":\"" V1 \
	"\",\"kind\":\"ExecCredential\",\"status\":{" status "}}"

enum { LONG_MS = 60000 };

static struct acp_kube_exec exec_;
static struct acp_kube_exec_result result;
static struct acp_buffer why;
static char folder[32];
static char *seen; /* where a plugin leaves what it saw */

static void
enter(void)
{
	exec_ = (struct acp_kube_exec){0};
	result = (struct acp_kube_exec_result){0};
	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	memcpy(folder, "/tmp/acp-plugin-XXXXXX", 23);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_gt(asprintf(&seen, "%s/seen", folder), 0);
	setenv("SEEN", seen, 1);
}

static void
leave(void)
{
	if (exec_.command)
		remove(exec_.command);
	remove(seen);
	free(seen);
	ck_assert_int_eq(rmdir(folder), 0);
	acp_kube_exec_clear(&exec_);
	acp_kube_exec_result_clear(&result);
	acp_buffer_clear(&why);
}

/* A plugin that is a shell script. */
static void
write_plugin(const char *script)
{
	FILE *file;

	ck_assert_int_gt(asprintf(&exec_.command, "%s/plugin", folder), 0);
	exec_.api_version = acp_memory_dup_text(V1);
	file = fopen(exec_.command, "we");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(exec_.command, 0700), 0);
}

static enum acp_error
run(int64_t time_ms)
{
	return acp_kube_exec_run(
		&exec_, "{\"server\":\"https://h\"}", time_ms, &result, &why);
}

static void
expect_why(const char *part)
{
	ck_assert_msg(strstr(acp_buffer_peek(&why), part), "%s",
		acp_buffer_peek(&why));
}

static char *
read_seen(void)
{
	char *text = acp_memory_new(65536, 1);
	FILE *file = fopen(seen, "r");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_lt(fread(text, 1, 65535, file), 65535);
	fclose(file);
	return text;
}

START_TEST(a_token_is_taken)
{
	write_plugin("echo '" CREDENTIAL("\"token\":\"word\"") "'");
	ck_assert_int_eq(run(LONG_MS), ACP_OK);
	ck_assert_str_eq(acp_secret_peek(&result.token), "word");
	ck_assert_int_eq(result.left_ms, -1);
}
END_TEST

START_TEST(it_is_given_its_arguments_and_environment_and_nothing_else)
{
	ACP_AUTO(free) char *text = NULL;
	int leaked = open("/dev/null", 0);

	ck_assert_int_gt(leaked, 2);
	setenv("OIDC_CLIENT_SECRET", "SECRET-1", 1);
	setenv("AMBIENT_API_TOKEN", "SECRET-2", 1);
	setenv("KUBERNETES_EXEC_INFO", "stale", 1);
	setenv("KEPT", "kept", 1);
	setenv("REPLACED", "old", 1);
	write_plugin("{ echo \"args:$*:$#\"; env; ls /proc/self/fd | wc -w;"
		     "cat; echo \"read:$?\"; } >\"$SEEN\" 2>&1\n"
		     "echo '" CREDENTIAL("\"token\":\"word\"") "'");
	exec_.arguments = acp_memory_new(2, sizeof(char *));
	exec_.arguments[0] = acp_memory_dup_text("$(id) `id`");
	exec_.arguments[1] = acp_memory_dup_text("b");
	exec_.argument_count = 2;
	exec_.variables = acp_memory_new(1, sizeof(char *));
	exec_.variables[0] = acp_memory_dup_text("REPLACED=new");
	exec_.variable_count = 1;
	exec_.wants_cluster = true;
	ck_assert_int_eq(run(LONG_MS), ACP_OK);
	text = read_seen();
	ck_assert_ptr_nonnull(strstr(text, "args:$(id) `id` b:2\n"));
	ck_assert_ptr_nonnull(strstr(text,
		"KUBERNETES_EXEC_INFO={\"apiVersion\":\"" V1
		"\",\"kind\":\"ExecCredential\",\"spec\":{\"cluster\":"
		"{\"server\":\"https://h\"},\"interactive\":false}}\n"));
	ck_assert_ptr_nonnull(strstr(text, "KEPT=kept\n"));
	ck_assert_ptr_nonnull(strstr(text, "REPLACED=new\n"));
	ck_assert_ptr_null(strstr(text, "REPLACED=old"));
	ck_assert_ptr_null(strstr(text, "stale"));
	ck_assert_ptr_null(strstr(text, "SECRET-"));
	/* 0, 1, 2 and the one with which ls reads the folder */
	ck_assert_ptr_nonnull(strstr(text, "\n4\nread:0\n"));
}
END_TEST

START_TEST(the_cluster_is_told_only_to_who_wants_it)
{
	ACP_AUTO(free) char *text = NULL;

	write_plugin(
		"env >\"$SEEN\"; echo '" CREDENTIAL("\"token\":\"word\"") "'");
	ck_assert_int_eq(run(LONG_MS), ACP_OK);
	text = read_seen();
	ck_assert_ptr_nonnull(
		strstr(text, "\"spec\":{\"interactive\":false}}\n"));
}
END_TEST

START_TEST(a_slow_one_is_ended_with_all_that_it_started)
{
	ACP_AUTO(free) char *text = NULL;
	char path[64];

	write_plugin("sleep 1000 & echo $! >\"$SEEN\"; wait");
	ck_assert_int_eq(run(500), ACP_DENIED);
	expect_why("plugin took too long: run it by hand");
	text = read_seen();
	snprintf(path, sizeof(path), "/proc/%ld/cwd", strtol(text, NULL, 10));
	/* what was killed is soon no process, or one that nobody waited for */
	while (access(path, F_OK) == 0)
		;
}
END_TEST

START_TEST(what_keeps_its_output_open_is_not_waited_for)
{
	int64_t begun_ms = acp_clock_now_ms();

	write_plugin(
		"sleep 1000 &\necho '" CREDENTIAL("\"token\":\"word\"") "'");
	ck_assert_int_eq(run(LONG_MS), ACP_OK);
	ck_assert_int_lt(acp_clock_now_ms() - begun_ms, LONG_MS);
}
END_TEST

START_TEST(one_that_closes_its_output_is_waited_for)
{
	write_plugin("echo '" CREDENTIAL(
		"\"token\":\"word\"") "'\n"
				      "exec >&-; sleep 0.2; exit 7");
	ck_assert_int_eq(run(LONG_MS), ACP_DENIED);
	expect_why("failed");
}
END_TEST

START_TEST(one_that_prints_too_much_is_ended)
{
	write_plugin("yes");
	ck_assert_int_eq(run(LONG_MS), ACP_DENIED);
	expect_why("prints too much");
}
END_TEST

START_TEST(output_of_the_limit_is_taken_and_one_byte_more_is_not)
{
	ACP_AUTO(free) char *script = NULL;

	ck_assert_int_gt(asprintf(&script,
				 "printf '%%-%ds' '" CREDENTIAL(
					 "\"token\":\"word\"") "'",
				 ACP_KUBE_EXEC_OUTPUT_MAX + _i),
		0);
	write_plugin(script);
	ck_assert_int_eq(run(LONG_MS), _i ? ACP_DENIED : ACP_OK);
}
END_TEST

static const struct {
	const char *script;
	const char *why;
} failing[] = {
	{"echo PLUGIN-WORDS >&2; exit 1", "failed: run it by hand"},
	{"kill -9 $$", "failed: run it by hand"},
	{"true", "did not print JSON"},
	{"echo PLUGIN-WORDS", "did not print JSON"},
	{"exec /nowhere/program", "failed"},
};

START_TEST(one_that_fails_is_told_without_its_words)
{
	write_plugin(failing[_i].script);
	ck_assert_int_eq(run(LONG_MS), ACP_DENIED);
	expect_why(failing[_i].why);
	ck_assert_ptr_null(strstr(acp_buffer_peek(&why), "PLUGIN-WORDS"));
	ck_assert_uint_eq(result.token.size, 0);
}
END_TEST

START_TEST(one_that_is_not_there_is_told)
{
	exec_.command = acp_memory_dup_text("/nowhere/plugin");
	exec_.api_version = acp_memory_dup_text(V1);
	ck_assert_int_eq(run(LONG_MS), ACP_DENIED);
	expect_why("exec plugin /nowhere/plugin No such file or directory");
}
END_TEST

/* What they print */

enum { NOW_MS = 1000000 }; /* 00:16:40 */

static const struct {
	const char *text;
	const char *why; /* NULL: it is good */
	int64_t left_ms;
} printed[] = {
	{CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":"
		    "\"1970-01-01T00:17:40Z\""),
		NULL, 60000},
	{CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":"
		    "\"1970-01-01T01:17:40.5+01:00\""),
		NULL, 60500},
	{CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":null"), NULL, -1},
	{CREDENTIAL("\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\""),
		NULL, -1},
	{CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":"
		    "\"1970-01-01T00:16:40Z\""),
		"has expired", 0},
	{CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":\"soon\""),
		"is no time", 0},
	{CREDENTIAL(""), "neither a token nor a certificate", 0},
	{CREDENTIAL("\"token\":\"\""), "neither a token nor a certificate", 0},
	{CREDENTIAL("\"token\":7"), "neither a token nor a certificate", 0},
	{CREDENTIAL("\"token\":\"a b\""), "that no header may carry", 0},
	{CREDENTIAL("\"token\":\"a\\r\\nX: y\""), "that no header may carry",
		0},
	{CREDENTIAL("\"clientKeyData\":\"k\""), "without the other", 0},
	{CREDENTIAL("\"clientCertificateData\":\"c\",\"token\":\"t\""),
		"without the other", 0},
	{"{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\"}",
		"gave no status", 0},
	{"{\"apiVersion\":\"" V1 "\",\"kind\":\"Other\",\"status\":{}}",
		"did not print an ExecCredential", 0},
	{"{\"apiVersion\":\"" V1 "beta1\",\"kind\":\"ExecCredential\","
	 "\"status\":{\"token\":\"t\"}}",
		"another apiVersion", 0},
	{"[]", "did not print JSON", 0},
};

START_TEST(only_a_whole_credential_is_taken)
{
	enum acp_error error = acp_kube_exec_read(printed[_i].text,
		strlen(printed[_i].text), V1, NOW_MS, &result, &why);

	if (printed[_i].why) {
		ck_assert_int_eq(error, ACP_DENIED);
		expect_why(printed[_i].why);
		ck_assert_uint_eq(result.token.size, 0);
		ck_assert_uint_eq(result.key.size, 0);
	} else {
		ck_assert_int_eq(error, ACP_OK);
		ck_assert_int_eq(result.left_ms, printed[_i].left_ms);
	}
}
END_TEST

static void
add_run_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_token_is_taken);
	tcase_add_test(tcase,
		it_is_given_its_arguments_and_environment_and_nothing_else);
	tcase_add_test(tcase, the_cluster_is_told_only_to_who_wants_it);
	tcase_add_test(tcase, a_slow_one_is_ended_with_all_that_it_started);
	tcase_add_test(tcase, what_keeps_its_output_open_is_not_waited_for);
	tcase_add_test(tcase, one_that_closes_its_output_is_waited_for);
	tcase_add_test(tcase, one_that_prints_too_much_is_ended);
	tcase_add_loop_test(tcase,
		output_of_the_limit_is_taken_and_one_byte_more_is_not, 0, 2);
	tcase_add_loop_test(tcase, one_that_fails_is_told_without_its_words, 0,
		sizeof(failing) / sizeof(failing[0]));
	tcase_add_test(tcase, one_that_is_not_there_is_told);
}

static Suite *
exec_suite(void)
{
	Suite *suite = suite_create("kube_exec");
	TCase *tcase = tcase_create("kube_exec");

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_set_timeout(tcase, 120);
	add_run_tests(tcase);
	tcase_add_loop_test(tcase, only_a_whole_credential_is_taken, 0,
		sizeof(printed) / sizeof(printed[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(exec_suite)
