/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/log.c before a reader that has stopped. Standard error is a pipe here
 * while a test runs; nothing is judged by time, a writer that waits for ever
 * runs into the time limit of check.
 */
#include <config.h>

#include "lib/log.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { READ_END, WRITE_END, ENDS };

static int ends[ENDS];
static int before;

static void
set_up(void)
{
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	before = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(ends[WRITE_END], STDERR_FILENO), STDERR_FILENO);
	acp_log_configure(ACP_LOG_INFO, ACP_LOG_FORMAT_JSON);
}

static void
tear_down(void)
{
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[READ_END]);
	close(ends[WRITE_END]);
}

/* Until a write would have to wait. */
static void
fill(void)
{
	static const char bytes[4096];
	int flags = fcntl(STDERR_FILENO, F_GETFL);

	fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
	while (write(STDERR_FILENO, bytes, sizeof(bytes)) > 0)
		continue;
	fcntl(STDERR_FILENO, F_SETFL, flags);
}

/* Empties the pipe; whether what was in it at last holds a text. */
static bool
has_read(const char *text)
{
	static char bytes[1 << 20];
	ssize_t size, all = 0;

	fcntl(ends[READ_END], F_SETFL, O_NONBLOCK);
	while ((size = read(ends[READ_END], bytes + all,
			sizeof(bytes) - (size_t)all)) > 0)
		all += size;
	return memmem(bytes, (size_t)all, text, strlen(text)) != NULL;
}

START_TEST(a_line_goes_out_whole)
{
	acp_log(ACP_LOG_INFO, "event", ACP_F_INT("number", 12));
	ck_assert(has_read("\"event\":\"event\",\"number\":12}\n"));
}
END_TEST

START_TEST(a_reader_that_stopped_does_not_stop_the_program)
{
	fill();
	for (int i = 0; i < 1000; i++)
		acp_log(ACP_LOG_INFO, "lost");
	ck_assert(!has_read("lost"));
}
END_TEST

START_TEST(lines_that_were_dropped_are_told_of)
{
	fill();
	for (int i = 0; i < 7; i++)
		acp_log(ACP_LOG_INFO, "lost");
	ck_assert(!has_read("lost"));
	acp_log(ACP_LOG_INFO, "found");
	ck_assert(has_read("\"event\":\"log_lines_dropped\",\"lines\":7}"));
	acp_log(ACP_LOG_INFO, "found");
	ck_assert(!has_read("log_lines_dropped"));
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *cases = tcase_create("log");

	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(cases, a_line_goes_out_whole);
	tcase_add_test(cases, a_reader_that_stopped_does_not_stop_the_program);
	tcase_add_test(cases, lines_that_were_dropped_are_told_of);
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(make_suite)
