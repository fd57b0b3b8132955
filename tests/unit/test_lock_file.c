/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/lock_file.c: one holder at a time, and the file stays.
 */
#include <config.h>

#include "reconciler/lock_file.h"

#include "lib/auto.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[32];
static char path[64];
static struct acp_buffer why;

static void
start(void)
{
	snprintf(folder, sizeof(folder), "/tmp/acp-lock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/lock", folder);
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	if (unlink(path))
		rmdir(path);
	rmdir(folder);
	acp_buffer_clear(&why);
}

START_TEST(a_second_holder_is_told_to_come_again)
{
	int first = -1, second = -1;
	struct stat status;

	ck_assert_int_eq(acp_lock_file_open(path, &first, &why), ACP_OK);
	ck_assert_int_eq(
		acp_lock_file_open(path, &second, &why), ACP_RETRY_LATER);
	ck_assert_int_eq(second, -1);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), path));
	close(first);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(acp_lock_file_open(path, &second, &why), ACP_OK);
	close(second);
}
END_TEST

START_TEST(the_lock_of_a_process_that_died_is_free)
{
	int fd = -1;
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(acp_lock_file_open(path, &fd, &why) ? 1 : 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(acp_lock_file_open(path, &fd, &why), ACP_OK);
	close(fd);
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
	int fd = -1;

	ck_assert_int_eq(
		acp_lock_file_open("/not/there/lock", &fd, &why), ACP_GONE);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "/not/there/lock"));
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	int fd = -1;

	switch (_i) {
	case 0:
		ck_assert_int_eq(mkdir(path, 0700), 0);
		break;
	case 1:
		ck_assert_int_eq(mkfifo(path, 0600), 0);
		break;
	default:
		ck_assert_int_eq(symlink("/dev/null", path), 0);
	}
	ck_assert_int_eq(acp_lock_file_open(path, &fd, &why), ACP_BAD_REQUEST);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(what_is_in_the_file_stays)
{
	ACP_AUTO(fd) int fd = open(path, O_RDWR | O_CREAT, 0640);
	char text[8] = "";
	int lock = -1;

	ck_assert_int_eq(write(fd, "mine", 4), 4);
	ck_assert_int_eq(acp_lock_file_open(path, &lock, &why), ACP_OK);
	close(lock);
	ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 4);
	ck_assert_str_eq(text, "mine");
}
END_TEST

static Suite *
lock_file_suite(void)
{
	Suite *suite = suite_create("lock_file");
	TCase *tcase = tcase_create("lock_file");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_second_holder_is_told_to_come_again);
	tcase_add_test(tcase, the_lock_of_a_process_that_died_is_free);
	tcase_add_test(tcase, a_missing_folder_is_named);
	tcase_add_loop_test(tcase, what_is_no_file_is_refused, 0, 3);
	tcase_add_test(tcase, what_is_in_the_file_stays);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(lock_file_suite)
