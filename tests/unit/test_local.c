/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/local.c: a key file is made once, and what is there is never
 * touched.
 */
#include <config.h>

#include "reconciler/local.h"

#include "lib/auto.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BITS = 2048 };

static char folder[32];
static char path[64];
static char other[96];
static struct acp_buffer why;
static struct acp_local_result result;

static void
start(void)
{
	snprintf(folder, sizeof(folder), "/tmp/acp-local-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key.pem", folder);
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	char lock[80];

	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	unlink(path);
	unlink(other);
	rmdir(folder);
	acp_buffer_clear(&why);
}

static void
write_text(const char *name, const char *text, mode_t mode)
{
	ACP_AUTO(fd) int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static size_t
read_text(char *text, size_t room)
{
	ACP_AUTO(fd) int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, text, room);

	ck_assert_int_ge(size, 0);
	return (size_t)size;
}

START_TEST(a_missing_key_is_made_and_then_left_alone)
{
	char id[ACP_KEY_ID_SIZE];
	char first[8192], second[8192];
	struct stat status;
	size_t size;

	ck_assert_int_eq(acp_local_ensure(path, BITS, &result, &why), ACP_OK);
	ck_assert(result.is_created);
	ck_assert_uint_eq(strlen(result.key_id), ACP_KEY_ID_SIZE - 1);
	snprintf(id, sizeof(id), "%s", result.key_id);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFREG | 0640);
	size = read_text(first, sizeof(first));
	ck_assert_int_eq(acp_local_ensure(path, BITS, &result, &why), ACP_OK);
	ck_assert(!result.is_created);
	ck_assert_str_eq(result.key_id, id);
	ck_assert_uint_eq(read_text(second, sizeof(second)), size);
	ck_assert_mem_eq(first, second, size);
}
END_TEST

START_TEST(a_bad_file_is_left_as_it_is)
{
	char text[64] = "";

	write_text(path, "no key\n", 0640);
	ck_assert_int_eq(
		acp_local_ensure(path, BITS, &result, &why), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), path));
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), "mend it, or move it away"));
	read_text(text, sizeof(text) - 1);
	ck_assert_str_eq(text, "no key\n");
	ck_assert_str_eq(result.key_id, "");
}
END_TEST

START_TEST(an_empty_file_is_not_a_missing_one)
{
	write_text(path, "", 0640);
	ck_assert_int_eq(
		acp_local_ensure(path, BITS, &result, &why), ACP_BAD_REQUEST);
}
END_TEST

START_TEST(a_key_that_others_may_read_is_refused)
{
	struct stat status;

	ck_assert_int_eq(acp_local_ensure(path, BITS, &result, &why), ACP_OK);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(
		acp_local_ensure(path, BITS, &result, &why), ACP_DENIED);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "0644"));
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & ALLPERMS, 0644);
}
END_TEST

START_TEST(a_dangling_link_is_not_replaced)
{
	struct stat status;

	ck_assert_int_eq(symlink("/not/there", path), 0);
	ck_assert_int_eq(
		acp_local_ensure(path, BITS, &result, &why), ACP_BAD_REQUEST);
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
	ck_assert_int_eq(
		acp_local_ensure("/not/there/key", BITS, &result, &why),
		ACP_GONE);
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), "folder /not/there: "));
}
END_TEST

START_TEST(what_a_killed_process_left_is_swept)
{
	snprintf(other, sizeof(other), "%s/.key.pem.0123456789abcdef", folder);
	write_text(other, "half a key", 0640);
	ck_assert_int_eq(acp_local_ensure(path, BITS, &result, &why), ACP_OK);
	ck_assert_int_ne(access(other, F_OK), 0);
}
END_TEST

static const char *const foreign[] = {".key.pem.0123456789abcde",
	".key.pem.0123456789abcdef0", ".key.pem.0123456789abcdef.bak",
	".key.pem.0123456789ABCDEF", "key.pem.0123456789abcdef",
	".key.pex.0123456789abcdef", ".key.pem"};

START_TEST(other_files_are_not_swept)
{
	snprintf(other, sizeof(other), "%s/%s", folder, foreign[_i]);
	write_text(other, "mine", 0640);
	ck_assert_int_eq(acp_local_ensure(path, BITS, &result, &why), ACP_OK);
	ck_assert_int_eq(access(other, F_OK), 0);
}
END_TEST

START_TEST(looking_changes_nothing)
{
	ck_assert_int_eq(acp_local_look(path, &result, &why), ACP_OK);
	ck_assert_str_eq(result.key_id, "");
	/* nothing was made, not even the lock */
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_eq(acp_local_look(path, &result, &why), ACP_GONE);
}
END_TEST

static Suite *
local_suite(void)
{
	Suite *suite = suite_create("local");
	TCase *tcase = tcase_create("local");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_missing_key_is_made_and_then_left_alone);
	tcase_add_test(tcase, a_bad_file_is_left_as_it_is);
	tcase_add_test(tcase, an_empty_file_is_not_a_missing_one);
	tcase_add_test(tcase, a_key_that_others_may_read_is_refused);
	tcase_add_test(tcase, a_dangling_link_is_not_replaced);
	tcase_add_test(tcase, a_missing_folder_is_named);
	tcase_add_test(tcase, what_a_killed_process_left_is_swept);
	tcase_add_loop_test(tcase, other_files_are_not_swept, 0,
		(int)(sizeof(foreign) / sizeof(foreign[0])));
	tcase_add_test(tcase, looking_changes_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(local_suite)
