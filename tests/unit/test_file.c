/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/file.c in a scratch folder. write, fsync, fchmod and renameat are
 * wrapped by the linker, so that each can be made to fail.
 */
#include <config.h>

#include "lib/file.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Which call fails, counted from 1; 0 is none. */
static int write_fails_at, fsync_fails_at, rename_fails, chmod_fails;
static int writes_are_short;
static int fail_with = EIO;
static mode_t widest_mode;

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from, const char *old, int to, const char *new);
int __wrap_renameat(int from, const char *old, int to, const char *new);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);

static int
raise_fault(void)
{
	errno = fail_with;
	return -1;
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t size)
{
	struct stat status;

	if (write_fails_at && --write_fails_at == 0)
		return raise_fault();
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		widest_mode |= status.st_mode & 07777;
	return __real_write(fd, bytes, writes_are_short && size > 1 ? 1 : size);
}

int
__wrap_fsync(int fd)
{
	return fsync_fails_at && --fsync_fails_at == 0 ? raise_fault()
						       : __real_fsync(fd);
}

int
__wrap_renameat(int from, const char *old, int to, const char *new)
{
	return rename_fails ? raise_fault()
			    : __real_renameat(from, old, to, new);
}

int
__wrap_fchmod(int fd, mode_t mode)
{
	struct stat status;

	if (fstat(fd, &status) == 0)
		widest_mode |= status.st_mode & 07777;
	return chmod_fails ? raise_fault() : __real_fchmod(fd, mode);
}

static char folder[32];
static char path[64];
static struct acp_buffer why;
static struct acp_secret content;

static void
set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/acp-test-file-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	write_fails_at = fsync_fails_at = rename_fails = chmod_fails = 0;
	writes_are_short = 0;
	fail_with = EIO;
	widest_mode = 0;
	acp_buffer_init(&why, 1000);
	acp_secret_init(&content);
}

static size_t
count_entries(void)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void
tear_down(void)
{
	unlink(path);
	rmdir(path);
	ck_assert_int_eq(rmdir(folder), 0);
	acp_buffer_clear(&why);
	acp_secret_clear(&content);
}

static void
write_file(const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(__real_write(fd, text, size), (ssize_t)size);
	close(fd);
}

static void
check_content(const char *text)
{
	ck_assert_int_eq(acp_file_read(path, 100000, &content, &why), ACP_OK);
	ck_assert_uint_eq(content.size, strlen(text));
	ck_assert_str_eq(acp_secret_peek(&content), text);
	ck_assert_str_eq(acp_buffer_peek(&why), "");
}

static void
check_refused(size_t max, enum acp_error error, const char *words)
{
	acp_secret_set(&content, "before", 6);
	ck_assert_int_eq(acp_file_read(path, max, &content, &why), error);
	ck_assert_str_eq(acp_secret_peek(&content), "before");
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), path));
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), words));
}

START_TEST(a_file_of_just_the_bound_is_read_and_one_over_is_not)
{
	static char text[10001];

	memset(text, 'x', sizeof(text) - 1);
	write_file(text, 10000);
	ck_assert_int_eq(acp_file_read(path, 10000, &content, &why), ACP_OK);
	ck_assert_uint_eq(content.size, 10000);
	check_refused(9999, ACP_BAD_REQUEST, "larger than 9999 bytes");
}
END_TEST

START_TEST(a_file_whose_size_is_not_told_is_bounded_too)
{
	enum acp_error error =
		acp_file_read("/proc/self/status", 10, &content, &why);

	ck_assert_int_eq(error, ACP_BAD_REQUEST);
	acp_buffer_clear(&why);
	error = acp_file_read("/proc/self/status", 100000, &content, &why);
	ck_assert_int_eq(error, ACP_OK);
	ck_assert_uint_gt(content.size, 10);
}
END_TEST

START_TEST(an_empty_file_and_bytes_of_any_value_are_read)
{
	write_file("", 0);
	check_content("");
	write_file("a\0b", 3);
	ck_assert_int_eq(acp_file_read(path, 3, &content, &why), ACP_OK);
	ck_assert_uint_eq(content.size, 3);
	ck_assert_mem_eq(content.bytes, "a\0b", 4);
}
END_TEST

START_TEST(a_missing_file_is_gone)
{
	check_refused(10, ACP_GONE, "No such file");
}
END_TEST

START_TEST(a_folder_and_a_fifo_are_not_read)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	check_refused(10, ACP_BAD_REQUEST, "not a regular file");
	rmdir(path);
	acp_buffer_clear(&why);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	check_refused(10, ACP_BAD_REQUEST, "not a regular file");
}
END_TEST

START_TEST(a_socket_is_not_read)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(
		bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	check_refused(10, ACP_BAD_REQUEST, "");
}
END_TEST

START_TEST(a_file_without_permission_is_denied)
{
	write_file("secret", 6);
	ck_assert_int_eq(chmod(path, 0), 0);
	/* permissions do not hold root back: become somebody else */
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(folder, 0711), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	check_refused(10, ACP_DENIED, "Permission denied");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(a_descriptor_stays_open_after_reading)
{
	int fd;

	write_file("text", 4);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(
		acp_file_read_fd(fd, "name", 4, &content, &why), ACP_OK);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(acp_file_read_fd(fd, "name", 3, &content, &why),
		ACP_BAD_REQUEST);
	ck_assert_str_eq(acp_buffer_peek(&why), "name: larger than 3 bytes");
	close(fd);
}
END_TEST

static const struct {
	mode_t umask, mode;
} mode_cases[] = {{0, 0640}, {0, 0600}, {0, 0440}, {022, 0666}, {077, 0640},
	{0777, 0640}, {0777, 0400}};

START_TEST(a_new_file_has_its_exact_mode_under_any_umask)
{
	mode_t before = umask(mode_cases[_i].umask);
	struct stat status;

	ck_assert_int_eq(
		acp_file_replace(path, mode_cases[_i].mode, "new", 3, &why),
		ACP_OK);
	umask(before);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, mode_cases[_i].mode);
	ck_assert_uint_eq(widest_mode & ~mode_cases[_i].mode, 0);
	check_content("new");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(a_file_is_replaced_by_another_inode)
{
	struct stat before, after;

	write_file("old", 3);
	ck_assert_int_eq(stat(path, &before), 0);
	writes_are_short = 1;
	ck_assert_int_eq(
		acp_file_replace(path, 0600, "new text", 8, &why), ACP_OK);
	writes_are_short = 0;
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_ne(before.st_ino, after.st_ino);
	check_content("new text");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(a_path_without_a_folder_is_in_the_current_one)
{
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(acp_file_replace("file", 0600, "x", 1, &why), ACP_OK);
	check_content("x");
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

static const struct {
	int write_at, fsync_at, rename, chmod, reason;
	enum acp_error error;
	const char *words;
} fault_cases[] = {
	{1, 0, 0, 0, ENOSPC, ACP_FAULT, "write: No space left"},
	{2, 0, 0, 0, EIO, ACP_FAULT, "write: Input/output"},
	{0, 1, 0, 0, EIO, ACP_FAULT, "sync: Input/output"},
	{0, 0, 1, 0, EACCES, ACP_DENIED, "rename into place: Permission"},
	{0, 0, 0, 1, EPERM, ACP_DENIED, "set the mode: Operation not"},
};

START_TEST(a_device_is_never_replaced)
{
	char name[sizeof(path) + 8];
	struct stat status;

	snprintf(name, sizeof(name), "%s.link", path);
	ck_assert_int_eq(symlink("/dev/null", name), 0);
	ck_assert_int_eq(
		acp_file_replace(name, 0600, "new", 3, &why), ACP_FAULT);
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), "not a regular file"));
	ck_assert_int_eq(lstat(name, &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
	ck_assert_int_eq(unlink(name), 0);
}
END_TEST

START_TEST(a_failed_replacement_leaves_the_old_file_and_nothing_else)
{
	enum acp_error error;

	write_file("old", 3);
	writes_are_short = 1;
	write_fails_at = fault_cases[_i].write_at;
	fsync_fails_at = fault_cases[_i].fsync_at;
	rename_fails = fault_cases[_i].rename;
	chmod_fails = fault_cases[_i].chmod;
	fail_with = fault_cases[_i].reason;
	error = acp_file_replace(path, 0600, "new", 3, &why);
	write_fails_at = 0;
	ck_assert_int_eq(error, fault_cases[_i].error);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), path));
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), fault_cases[_i].words));
	acp_buffer_clear(&why);
	check_content("old");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(a_folder_that_fails_to_sync_is_told_but_one_that_cannot_is_not)
{
	fsync_fails_at = 2;
	ck_assert_int_eq(
		acp_file_replace(path, 0600, "new", 3, &why), ACP_FAULT);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "sync the folder"));
	acp_buffer_clear(&why);
	fsync_fails_at = 2;
	fail_with = EINVAL;
	ck_assert_int_eq(acp_file_replace(path, 0600, "new", 3, &why), ACP_OK);
	check_content("new");
}
END_TEST

START_TEST(an_interrupted_write_goes_on)
{
	write_fails_at = 1;
	fail_with = EINTR;
	ck_assert_int_eq(acp_file_replace(path, 0600, "new", 3, &why), ACP_OK);
	check_content("new");
}
END_TEST

START_TEST(a_missing_folder_and_an_overlong_name_are_faults)
{
	char name[400] = "", *end = name;

	end += snprintf(name, sizeof(name), "%s/none/file", folder);
	ck_assert_int_eq(acp_file_replace(name, 0600, "", 0, &why), ACP_FAULT);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "open the folder"));
	acp_buffer_clear(&why);
	snprintf(name, sizeof(name), "%s/", folder);
	end = name + strlen(name);
	memset(end, 'n', 250);
	end[250] = '\0';
	ck_assert_int_eq(acp_file_replace(name, 0600, "", 0, &why), ACP_FAULT);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "too long"));
	ck_assert_uint_eq(count_entries(), 0);
}
END_TEST

static Suite *
file_suite(void)
{
	Suite *suite = suite_create("file");
	TCase *tcase = tcase_create("file");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(
		tcase, a_file_of_just_the_bound_is_read_and_one_over_is_not);
	tcase_add_test(tcase, a_file_whose_size_is_not_told_is_bounded_too);
	tcase_add_test(tcase, an_empty_file_and_bytes_of_any_value_are_read);
	tcase_add_test(tcase, a_missing_file_is_gone);
	tcase_add_test(tcase, a_folder_and_a_fifo_are_not_read);
	tcase_add_test(tcase, a_socket_is_not_read);
	tcase_add_test(tcase, a_file_without_permission_is_denied);
	tcase_add_test(tcase, a_descriptor_stays_open_after_reading);
	tcase_add_loop_test(tcase,
		a_new_file_has_its_exact_mode_under_any_umask, 0,
		sizeof(mode_cases) / sizeof(mode_cases[0]));
	tcase_add_test(tcase, a_file_is_replaced_by_another_inode);
	tcase_add_test(tcase, a_device_is_never_replaced);
	tcase_add_test(tcase, a_path_without_a_folder_is_in_the_current_one);
	tcase_add_loop_test(tcase,
		a_failed_replacement_leaves_the_old_file_and_nothing_else, 0,
		sizeof(fault_cases) / sizeof(fault_cases[0]));
	tcase_add_test(tcase,
		a_folder_that_fails_to_sync_is_told_but_one_that_cannot_is_not);
	tcase_add_test(tcase, an_interrupted_write_goes_on);
	tcase_add_test(tcase, a_missing_folder_and_an_overlong_name_are_faults);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(file_suite)
