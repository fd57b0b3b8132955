/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/keyfile.c in a scratch folder: modes, absent files, the symlinks of a
 * Secret volume, and what counts as a change.
 */
#include <config.h>

#include "lib/keyfile.h"

#include "lib/file.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PEM_COUNT = 2 };

static struct acp_secret pems[PEM_COUNT];
static char folder[32];
static char first[64], second[64], third[64];
static const char *paths[] = {first, second, third};
static struct acp_keyring ring;
static struct acp_keyfile_stamp stamp;
static struct acp_buffer why;

/* Keys take long to make: once, before the tests fork. */
static void
make_keys(void)
{
	for (size_t i = 0; i < PEM_COUNT; i++) {
		ACP_AUTO(key) struct acp_key *key = NULL;

		ck_assert_int_eq(acp_key_new(2048, &key), ACP_OK);
		acp_secret_init(&pems[i]);
		acp_key_write_private(key, &pems[i]);
	}
}

static void
drop_keys(void)
{
	for (size_t i = 0; i < PEM_COUNT; i++)
		acp_secret_clear(&pems[i]);
}

static void
set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/acp-test-keyfile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(first, sizeof(first), "%s/private.pem", folder);
	snprintf(second, sizeof(second), "%s/next.pem", folder);
	snprintf(third, sizeof(third), "%s/previous.pem", folder);
	acp_buffer_init(&why, 1000);
	acp_keyring_init(&ring);
}

static void
tear_down(void)
{
	for (size_t i = 0; i < 3; i++) {
		unlink(paths[i]);
		rmdir(paths[i]);
	}
	ck_assert_int_eq(rmdir(folder), 0);
	acp_buffer_clear(&why);
	acp_keyring_clear(&ring);
}

static void
put_key(const char *path, size_t i, mode_t mode)
{
	ck_assert_int_eq(
		acp_file_replace(path, mode, pems[i].bytes, pems[i].size, &why),
		ACP_OK);
}

static void
check_read(enum acp_error error, size_t count, const char *words)
{
	acp_keyring_clear(&ring);
	acp_buffer_clear(&why);
	ck_assert_int_eq(
		acp_keyfile_read(paths, 3, &ring, &stamp, &why), error);
	ck_assert_uint_eq(ring.count, count);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), words));
	if (!error)
		ck_assert_str_eq(acp_buffer_peek(&why), "");
	/* whatever came out, it is not read again before it changes */
	ck_assert(!acp_keyfile_has_changed(paths, 3, &stamp));
}

static const struct {
	mode_t mode;
	enum acp_error error;
	const char *words;
} mode_cases[] = {
	{0600, ACP_OK, ""},
	{0640, ACP_OK, ""},
	{0440, ACP_OK, ""},
	{0660, ACP_OK, ""},
	{0644, ACP_DENIED, "mode 0644"},
	{0642, ACP_DENIED, "mode 0642"},
	{0641, ACP_DENIED, "mode 0641"},
	{0444, ACP_DENIED, "mode 0444"},
	{0666, ACP_DENIED, "make it 0640"},
};

START_TEST(a_file_that_others_may_touch_is_refused)
{
	put_key(first, 0, mode_cases[_i].mode);
	check_read(mode_cases[_i].error, mode_cases[_i].error ? 0 : 1,
		mode_cases[_i].words);
}
END_TEST

START_TEST(a_refused_file_is_looked_at_again_when_its_mode_is_mended)
{
	put_key(first, 0, 0644);
	check_read(ACP_DENIED, 0, first);
	ck_assert_int_eq(chmod(first, 0640), 0);
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
	check_read(ACP_OK, 1, "");
}
END_TEST

START_TEST(a_later_file_that_others_may_touch_spoils_all)
{
	put_key(first, 0, 0600);
	put_key(third, 1, 0604);
	check_read(ACP_DENIED, 0, third);
}
END_TEST

START_TEST(only_the_first_file_must_be_there)
{
	check_read(ACP_GONE, 0, first);
	put_key(second, 0, 0600);
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
	check_read(ACP_GONE, 0, first);
	put_key(first, 1, 0600);
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
	check_read(ACP_OK, 2, "");
	ck_assert_int_eq(unlink(second), 0);
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
	check_read(ACP_OK, 1, "");
}
END_TEST

START_TEST(files_are_read_in_order_and_the_same_key_once)
{
	char id[ACP_KEY_ID_SIZE];

	put_key(first, 0, 0600);
	check_read(ACP_OK, 1, "");
	snprintf(id, sizeof(id), "%s", acp_key_peek_id(ring.keys[0]));
	put_key(second, 1, 0600);
	put_key(third, 0, 0600);
	check_read(ACP_OK, 2, "");
	ck_assert_str_eq(acp_key_peek_id(ring.keys[0]), id);
	put_key(first, 1, 0600);
	check_read(ACP_OK, 2, "");
	ck_assert_str_eq(acp_key_peek_id(ring.keys[1]), id);
}
END_TEST

START_TEST(replacing_touching_and_growing_are_changes)
{
	const struct timespec times[2] = {{1, 0}, {1, 1}};
	int fd;

	put_key(first, 0, 0600);
	check_read(ACP_OK, 1, "");
	put_key(first, 0, 0600); /* the same bytes, another inode */
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
	check_read(ACP_OK, 1, "");
	ck_assert_int_eq(utimensat(AT_FDCWD, first, times, 0), 0);
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
	check_read(ACP_OK, 1, "");
	fd = open(first, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "\n", 1), 1);
	close(fd);
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
}
END_TEST

/* FOLDER/..data -> NAME, as the kubelet swaps it. */
static void
swap_data(const char *name)
{
	char new[80], link[80];

	snprintf(new, sizeof(new), "%s/..data_tmp", folder);
	snprintf(link, sizeof(link), "%s/..data", folder);
	ck_assert_int_eq(symlink(name, new), 0);
	ck_assert_int_eq(rename(new, link), 0);
}

static void
put_volume_key(const char *name, size_t i)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/%s/private.pem", folder, name);
	put_key(path, i, 0440);
}

static void
drop_volume_key(const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/%s/private.pem", folder, name);
	ck_assert_int_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert_int_eq(rmdir(path), 0);
}

START_TEST(a_secret_volume_is_followed_when_its_symlink_swaps)
{
	char id[ACP_KEY_ID_SIZE], link[80];

	put_volume_key("..1", 0);
	swap_data("..1");
	ck_assert_int_eq(symlink("..data/private.pem", first), 0);
	check_read(ACP_OK, 1, "");
	snprintf(id, sizeof(id), "%s", acp_key_peek_id(ring.keys[0]));
	put_volume_key("..2", 1);
	ck_assert(!acp_keyfile_has_changed(paths, 3, &stamp));
	swap_data("..2");
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
	drop_volume_key("..1");
	check_read(ACP_OK, 1, "");
	ck_assert_str_ne(acp_key_peek_id(ring.keys[0]), id);
	drop_volume_key("..2");
	ck_assert(acp_keyfile_has_changed(paths, 3, &stamp));
	check_read(ACP_GONE, 0, first);
	snprintf(link, sizeof(link), "%s/..data", folder);
	ck_assert_int_eq(unlink(link), 0);
}
END_TEST

START_TEST(a_folder_and_a_fifo_are_refused_at_once)
{
	ck_assert_int_eq(mkdir(first, 0755), 0);
	check_read(ACP_BAD_REQUEST, 0, "not a regular file");
	rmdir(first);
	put_key(first, 0, 0600);
	ck_assert_int_eq(mkfifo(second, 0600), 0);
	check_read(ACP_BAD_REQUEST, 0, second);
}
END_TEST

START_TEST(a_file_of_one_byte_over_the_bound_is_refused)
{
	ACP_AUTO(secret) struct acp_secret text;

	acp_secret_init(&text);
	acp_secret_set(&text, pems[0].bytes, pems[0].size);
	while (text.size < ACP_KEY_FILE_MAX)
		acp_secret_append(&text, "\n", 1);
	ck_assert_int_eq(
		acp_file_replace(first, 0600, text.bytes, text.size, &why),
		ACP_OK);
	check_read(ACP_OK, 1, "");
	acp_secret_append(&text, "\n", 1);
	ck_assert_int_eq(
		acp_file_replace(first, 0600, text.bytes, text.size, &why),
		ACP_OK);
	check_read(ACP_BAD_REQUEST, 0, "larger than 65536 bytes");
}
END_TEST

START_TEST(a_damaged_later_file_spoils_all)
{
	put_key(first, 0, 0600);
	ck_assert_int_eq(
		acp_file_replace(second, 0600, "no key", 6, &why), ACP_OK);
	check_read(ACP_BAD_REQUEST, 0, second);
}
END_TEST

START_TEST(an_unreadable_file_is_denied)
{
	put_key(first, 0, 0600);
	ck_assert_int_eq(chmod(first, 0), 0);
	/* permissions do not hold root back: become somebody else */
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(folder, 0711), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	check_read(ACP_DENIED, 0, "Permission denied");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

static Suite *
keyfile_suite(void)
{
	Suite *suite = suite_create("keyfile");
	TCase *tcase = tcase_create("keyfile");

	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_file_that_others_may_touch_is_refused, 0,
		sizeof(mode_cases) / sizeof(mode_cases[0]));
	tcase_add_test(tcase,
		a_refused_file_is_looked_at_again_when_its_mode_is_mended);
	tcase_add_test(tcase, a_later_file_that_others_may_touch_spoils_all);
	tcase_add_test(tcase, only_the_first_file_must_be_there);
	tcase_add_test(tcase, files_are_read_in_order_and_the_same_key_once);
	tcase_add_test(tcase, replacing_touching_and_growing_are_changes);
	tcase_add_test(
		tcase, a_secret_volume_is_followed_when_its_symlink_swaps);
	tcase_add_test(tcase, a_folder_and_a_fifo_are_refused_at_once);
	tcase_add_test(tcase, a_file_of_one_byte_over_the_bound_is_refused);
	tcase_add_test(tcase, a_damaged_later_file_spoils_all);
	tcase_add_test(tcase, an_unreadable_file_is_denied);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(keyfile_suite)
