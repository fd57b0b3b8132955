/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/options.c: what is an option, what is refused, and that flags win over
 * environment and file each time the configuration is loaded.
 */
#include <config.h>

#include "lib/options.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { OWN_ONCE, OWN_INTERVAL };

static const struct acp_option own[] = {
	[OWN_ONCE] = {"once", NULL, "One pass."},
	[OWN_INTERVAL] = {"interval", "DURATION", "Time between passes."},
	{NULL, NULL, NULL},
};

static const struct acp_options_spec spec = {
	.program = "a-program",
	.purpose = "Does something.",
	.kind = ACP_CONFIG_FOR_TOKEN,
	.own = own,
};

static struct acp_options options;
static struct acp_buffer why;

static void
start(void)
{
	ck_assert_int_eq(clearenv(), 0);
	acp_options_init(&options, &spec);
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	acp_options_clear(&options);
	acp_buffer_clear(&why);
}

static enum acp_error
read_line(const char *const *words)
{
	char *argv[12] = {(char *)(uintptr_t) "a-program"};
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	acp_options_clear(&options);
	return acp_options_read(&options, &spec, argc, argv, &why);
}

#define READ(...) read_line((const char *const[]){__VA_ARGS__, NULL})

START_TEST(no_argument_is_a_good_line)
{
	ck_assert_int_eq(read_line((const char *const[]){NULL}), ACP_OK);
	ck_assert_ptr_null(options.own[OWN_ONCE]);
	ck_assert(!options.is_check && !options.is_help);
	ck_assert_str_eq(
		acp_options_peek_config_path(&options), ACP_CONFIG_FILE);
}
END_TEST

START_TEST(shared_and_own_options_are_read)
{
	ck_assert_int_eq(READ("--config", "/c", "--check", "--help",
				 "--version", "--once", "--interval=5s"),
		ACP_OK);
	ck_assert(options.is_check);
	ck_assert(options.is_help);
	ck_assert(options.is_version);
	ck_assert_str_eq(options.own[OWN_ONCE], "");
	ck_assert_str_eq(options.own[OWN_INTERVAL], "5s");
	ck_assert_str_eq(acp_options_peek_config_path(&options), "/c");
}
END_TEST

static const struct {
	const char *words[4];
	const char *message;
} bad_lines[] = {
	{{"--nonsense=hush"},
		"--nonsense is not an option (or not a whole name); --help "
		"lists all"},
	{{"--check", "--onc"},
		"--onc is not an option (or not a whole name); --help lists "
		"all"},
	{{"--api-token=hush"},
		"--api-token is not an option (or not a whole name); --help "
		"lists all"},
	{{"--key-bits=4096"},
		"--key-bits is not an option (or not a whole name); --help "
		"lists all"},
	{{"-x"}, "-x is not an option (or not a whole name); --help lists all"},
	{{"-xyz"},
		"-xyz is not an option (or not a whole name); --help lists "
		"all"},
	{{"--once=hush"}, "--once takes no value; --help lists all"},
	{{"--once", "--interval"},
		"--interval needs a value; --help lists all"},
	{{"--once", "hush"}, "an argument that is not an option"},
	{{"--", "hush"}, "an argument that is not an option"},
	{{"--allow-http", "off"}, "an argument that is not an option"},
};

START_TEST(a_bad_line_is_refused_without_repeating_values)
{
	ck_assert_int_eq(read_line(bad_lines[_i].words), ACP_BAD_REQUEST);
	ck_assert_str_eq(acp_buffer_peek(&why), bad_lines[_i].message);
}
END_TEST

START_TEST(flags_win_each_time_the_configuration_is_loaded)
{
	char path[] = "/tmp/acp-options-XXXXXX";
	ACP_AUTO(fd) int fd = mkstemp(path);
	static const char text[] = "drain = 1s\nmin_ttl = 1s\n"
				   "log_format = text\n";

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	setenv("CP_LOG_FORMAT", "json", 1);
	ck_assert_int_eq(READ("--config", path, "--drain=2s", "--allow-http",
				 "--key-file=/a", "--key-file", "/b"),
		ACP_OK);
	for (int i = 0; i < 2; i++) {
		ACP_AUTO(config) struct acp_config *config = NULL;
		size_t count;

		ck_assert_int_eq(
			acp_options_load(&options, &config, &why), ACP_OK);
		ck_assert_int_eq(
			acp_config_get_duration_ms(config, ACP_CONFIG_DRAIN),
			2000);
		ck_assert_int_eq(
			acp_config_get_duration_ms(config, ACP_CONFIG_MIN_TTL),
			1000);
		ck_assert_int_eq(
			acp_config_get_choice(config, ACP_CONFIG_LOG_FORMAT),
			1);
		ck_assert(acp_config_get_bool(config, ACP_CONFIG_ALLOW_HTTP));
		acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count);
		ck_assert_uint_eq(count, 2);
	}
	unlink(path);
}
END_TEST

START_TEST(a_named_file_must_exist)
{
	struct acp_config *config = NULL;

	ck_assert_int_eq(READ("--config", "/not/there"), ACP_OK);
	ck_assert_int_eq(
		acp_options_load(&options, &config, &why), ACP_BAD_REQUEST);
	ck_assert_ptr_null(config);
	ck_assert_str_eq(
		acp_buffer_peek(&why), "/not/there: No such file or directory");
}
END_TEST

START_TEST(help_names_every_option)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, 100000);
	acp_options_describe(&spec, &text);
	ck_assert_ptr_nonnull(strstr(text.text, "Usage: a-program"));
	ck_assert_ptr_nonnull(strstr(text.text, "  --once\n"));
	ck_assert_ptr_nonnull(strstr(text.text, "  --interval DURATION\n"));
	ck_assert_ptr_nonnull(strstr(text.text, "  --config PATH\n"));
	ck_assert_ptr_nonnull(strstr(text.text, "  --key-file PATH\n"));
	ck_assert_ptr_nonnull(strstr(text.text, "  --api-token-file PATH\n"));
	ck_assert_ptr_null(strstr(text.text, "--key-bits"));
}
END_TEST

static Suite *
options_suite(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("options");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, no_argument_is_a_good_line);
	tcase_add_test(tcase, shared_and_own_options_are_read);
	tcase_add_loop_test(tcase,
		a_bad_line_is_refused_without_repeating_values, 0,
		COUNT(bad_lines));
	tcase_add_test(tcase, flags_win_each_time_the_configuration_is_loaded);
	tcase_add_test(tcase, a_named_file_must_exist);
	tcase_add_test(tcase, help_names_every_option);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(options_suite)
