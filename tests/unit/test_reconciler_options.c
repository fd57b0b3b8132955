/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/options.c and the refusals of reconciler/run.c: one mode a run,
 * and a clear word for those that are not there yet.
 */
#include <config.h>

#include "reconciler/options.h"

#include "reconciler/run.h"
#include "tests/unit/unit.h"

#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct acp_reconciler_options options;
static struct acp_buffer why;

static void
start(void)
{
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	acp_reconciler_options_clear(&options);
	acp_buffer_clear(&why);
}

static enum acp_error
read_line(const char *const *words)
{
	char *argv[8] = {(char *)(uintptr_t) "ambient-cp-reconciler"};
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return acp_reconciler_options_read(&options, argc, argv, &why);
}

static const struct {
	const char *words[5];
	enum acp_mode mode;
	const char *refusal; /* NULL: it is good */
} modes[] = {
	{{NULL}, ACP_MODE_LOOP, NULL},
	{{"--check"}, ACP_MODE_LOOP, NULL},
	{{"--interval=5s", "--resync", "60s"}, ACP_MODE_LOOP, NULL},
	{{"--once"}, ACP_MODE_ONCE, NULL},
	{{"--once", "--check"}, ACP_MODE_ONCE,
		"--check and --once exclude each other"},
	{{"--dry-run"}, ACP_MODE_DRY_RUN, NULL},
	{{"--rotate-key"}, ACP_MODE_ROTATE_KEY, NULL},
	{{"--revoke-key", "ab"}, ACP_MODE_REVOKE_KEY, NULL},
	{{"--allow-mass-delete=ab"}, ACP_MODE_ALLOW_MASS_DELETE, NULL},
	{{"--local"}, ACP_MODE_LOCAL, NULL},
	{{"--local", "--json", "--key-file", "/k"}, ACP_MODE_LOCAL, NULL},
	{{"--local", "--check"}, ACP_MODE_LOCAL, NULL},
	{{"--local", "--print-url", "a-session"}, ACP_MODE_LOCAL, NULL},
	{{"--print-url", "a-session"}, ACP_MODE_LOOP,
		"--print-url goes with --local only"},
	{{"--local", "--print-url=a-session", "--check"}, ACP_MODE_LOCAL,
		"--print-url and --check exclude each other"},
};

START_TEST(a_mode_is_read_and_refused_with_what_does_not_go_with_it)
{
	ck_assert_int_eq(read_line(modes[_i].words), ACP_OK);
	ck_assert_int_eq(options.mode, modes[_i].mode);
	ck_assert_int_eq(acp_run_check_mode(&options, &why),
		modes[_i].refusal ? ACP_BAD_REQUEST : ACP_OK);
	ck_assert_msg(!modes[_i].refusal ||
			strstr(acp_buffer_peek(&why), modes[_i].refusal),
		"%s", acp_buffer_peek(&why));
}
END_TEST

static const char *const clashes[][3] = {{"--once", "--local"},
	{"--local", "--rotate-key"}, {"--dry-run", "--once"},
	{"--revoke-key=a", "--allow-mass-delete=b"}};

START_TEST(two_modes_exclude_each_other)
{
	ck_assert_int_eq(read_line(clashes[_i]), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), "exclude each other"));
}
END_TEST

START_TEST(values_of_the_modes_are_kept)
{
	static const char *const words[] = {
		"--revoke-key", "ab", "--json", "--print-url=x", NULL};

	ck_assert_int_eq(read_line(words), ACP_OK);
	ck_assert_str_eq(options.revoked_key_id, "ab");
	ck_assert_str_eq(options.bound_session, "x");
	ck_assert(options.is_json);
}
END_TEST

static Suite *
options_suite(void)
{
	Suite *suite = suite_create("reconciler_options");
	TCase *tcase = tcase_create("reconciler_options");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase,
		a_mode_is_read_and_refused_with_what_does_not_go_with_it, 0,
		COUNT(modes));
	tcase_add_loop_test(
		tcase, two_modes_exclude_each_other, 0, COUNT(clashes));
	tcase_add_test(tcase, values_of_the_modes_are_kept);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(options_suite)
