/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/keystore.c with files in a scratch folder: what replaces the keys in
 * use, what does not, and what is said about it.
 */
#include <config.h>

#include "fcgi/keystore.h"

#include "lib/file.h"
#include "lib/log.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEM_COUNT = 2, ROUNDS = 50 };

static struct acp_secret pems[PEM_COUNT];
static char ids[PEM_COUNT][32];
static char folder[64], first[128], second[128];
static const char *const paths[] = {first, second};
static struct acp_keystore *store;

/* Keys take long to make: once, before the tests fork. */
static void
make_keys(void)
{
	for (size_t i = 0; i < PEM_COUNT; i++) {
		ACP_AUTO(key) struct acp_key *key = NULL;

		ck_assert_int_eq(acp_key_new(2048, &key), ACP_OK);
		acp_secret_init(&pems[i]);
		acp_key_write_private(key, &pems[i]);
		snprintf(ids[i], sizeof(ids[i]), "%s", acp_key_peek_id(key));
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
	snprintf(folder, sizeof(folder), "/tmp/acp-test-keystore-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(first, sizeof(first), "%s/first.pem", folder);
	snprintf(second, sizeof(second), "%s/second.pem", folder);
	acp_log_configure(ACP_LOG_DEBUG, ACP_LOG_FORMAT_JSON);
	store = acp_keystore_new(paths, 1);
}

static void
tear_down(void)
{
	acp_keystore_free(&store);
	ck_assert_ptr_null(store);
	unlink(first);
	unlink(second);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void
put_text(const char *path, const void *text, size_t size)
{
	struct acp_buffer why;

	acp_buffer_init(&why, 1000);
	ck_assert_int_eq(
		acp_file_replace(path, 0640, text, size, &why), ACP_OK);
	acp_buffer_clear(&why);
}

static void
put_key(const char *path, size_t i)
{
	put_text(path, pems[i].bytes, pems[i].size);
}

/* The place of key i in the set in use; −1 when it is not there. */
static int
find_key(size_t i)
{
	ACP_AUTO(keyset)
	struct acp_keyset *keyset = acp_keystore_dup_current(store);
	const struct acp_keyring *ring;

	if (!keyset)
		return -1;
	ring = acp_keyset_peek_ring(keyset);
	for (size_t at = 0; at < ring->count; at++)
		if (strcmp(acp_key_peek_id(ring->keys[at]), ids[i]) == 0)
			return (int)at;
	return -1;
}

static struct acp_keystore_status
get_status(void)
{
	struct acp_keystore_status status;

	acp_keystore_get_status(store, &status);
	return status;
}

/* Refreshes, and counts the lines of the log that hold a word. */
static bool
refresh(bool is_forced, const char *word, int *lines)
{
	char line[4096];
	FILE *log = tmpfile();
	int kept = dup(STDERR_FILENO);
	bool has_changed;

	ck_assert_ptr_nonnull(log);
	ck_assert_int_ge(dup2(fileno(log), STDERR_FILENO), 0);
	has_changed = acp_keystore_refresh(store, is_forced);
	ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
	close(kept);
	rewind(log);
	*lines = 0;
	while (fgets(line, sizeof(line), log)) {
		*lines += strstr(line, word) != NULL;
		ck_assert_ptr_null(strstr(line, "PRIVATE KEY"));
	}
	fclose(log);
	return has_changed;
}

static void
ck_refresh(bool has_changed, const char *word, int lines)
{
	int found;

	ck_assert_int_eq(refresh(false, word, &found), has_changed);
	ck_assert_int_eq(found, lines);
}

START_TEST(before_the_first_look_there_are_no_keys)
{
	ck_assert_ptr_null(acp_keystore_dup_current(store));
	ck_assert_uint_eq(get_status().keys, 0);
	ck_assert_int_eq(get_status().loaded_wall_ms, 0);
}
END_TEST

START_TEST(a_missing_file_is_waited_for_and_named_once)
{
	ck_refresh(false, first, 1);
	ck_refresh(false, "key_refused", 0);
	ck_assert_ptr_null(acp_keystore_dup_current(store));
	put_key(first, 0);
	ck_refresh(true, ids[0], 1);
	ck_assert_int_eq(find_key(0), 0);
	ck_assert_uint_eq(get_status().keys, 1);
	ck_assert_int_gt(get_status().loaded_wall_ms, 0);
}
END_TEST

START_TEST(an_unchanged_file_is_not_read_again)
{
	put_key(first, 0);
	ck_refresh(true, "key_loaded", 1);
	ck_refresh(false, "key_", 0);
	ck_refresh(false, "key_", 0);
}
END_TEST

START_TEST(the_same_keys_stay_the_same_set_and_are_not_logged)
{
	struct acp_keyset *before, *after;
	int lines;

	put_key(first, 0);
	ck_refresh(true, "key_loaded", 1);
	before = acp_keystore_dup_current(store);
	ck_assert(refresh(true, "key_", &lines));
	ck_assert_int_eq(lines, 0);
	after = acp_keystore_dup_current(store);
	ck_assert_ptr_eq(after, before);
	acp_keyset_free(&before);
	acp_keyset_free(&after);
}
END_TEST

START_TEST(a_new_file_replaces_the_keys)
{
	put_key(first, 0);
	ck_refresh(true, ids[0], 1);
	put_key(first, 1);
	ck_refresh(true, ids[1], 1);
	ck_assert_int_eq(find_key(1), 0);
	ck_assert_int_eq(find_key(0), -1);
}
END_TEST

static void
put_garbage(void)
{
	put_text(first, "no key\n", 7);
}

static void
put_nothing(void)
{
	put_text(first, "", 0);
}

static void
put_half(void)
{
	put_text(first, pems[1].bytes, pems[1].size / 2);
}

static void
put_wide(void)
{
	ck_assert_int_eq(chmod(first, 0644), 0);
}

static void
put_away(void)
{
	ck_assert_int_eq(unlink(first), 0);
}

static void
put_folder(void)
{
	/* a folder cannot be renamed onto a file */
	ck_assert_int_eq(unlink(first), 0);
	ck_assert_int_eq(symlink("/tmp", first), 0);
}

static void (*const spoilers[])(void) = {
	put_garbage, put_nothing, put_half, put_wide, put_away, put_folder};

START_TEST(a_bad_file_never_replaces_good_keys)
{
	struct acp_keystore_status before;

	put_key(first, 0);
	ck_refresh(true, "key_loaded", 1);
	before = get_status();
	spoilers[_i]();
	ck_refresh(false, "key_refused", 1);
	ck_assert_int_eq(find_key(0), 0);
	ck_assert_uint_eq(get_status().failures, before.failures + 1);
	ck_assert_uint_eq(get_status().keys, 1);
	ck_assert_int_eq(get_status().loaded_wall_ms, before.loaded_wall_ms);
	/* once a change */
	ck_refresh(false, "key_", 0);
	ck_assert_uint_eq(get_status().failures, before.failures + 1);
	unlink(first);
	put_key(first, 1);
	ck_refresh(true, ids[1], 1);
	ck_assert_int_eq(find_key(0), -1);
}
END_TEST

START_TEST(a_mended_mode_is_seen)
{
	put_key(first, 0);
	ck_assert_int_eq(chmod(first, 0644), 0);
	ck_refresh(false, "0644", 1);
	ck_assert_int_eq(chmod(first, 0640), 0);
	ck_refresh(true, ids[0], 1);
}
END_TEST

START_TEST(later_files_come_and_go)
{
	acp_keystore_set_paths(store, paths, 2);
	put_key(first, 0);
	ck_refresh(true, "key_loaded", 1);
	put_key(second, 1);
	ck_refresh(true, "key_loaded", 2);
	ck_assert_int_eq(find_key(0), 0);
	ck_assert_int_eq(find_key(1), 1);
	ck_assert_uint_eq(get_status().keys, 2);
	ck_assert_int_eq(unlink(second), 0);
	ck_refresh(true, "key_loaded", 1);
	ck_assert_int_eq(find_key(1), -1);
}
END_TEST

START_TEST(other_paths_are_read_at_the_next_look)
{
	const char *const other[] = {second};

	put_key(first, 0);
	put_key(second, 1);
	ck_refresh(true, ids[0], 1);
	acp_keystore_set_paths(store, other, 1);
	ck_assert_int_eq(find_key(0), 0);
	ck_refresh(true, ids[1], 1);
	ck_assert_int_eq(find_key(0), -1);
}
END_TEST

START_TEST(who_holds_a_set_keeps_it)
{
	struct acp_keyset *held;

	put_key(first, 0);
	ck_refresh(true, "key_loaded", 1);
	held = acp_keystore_dup_current(store);
	put_key(first, 1);
	ck_refresh(true, "key_loaded", 1);
	ck_assert(acp_keyset_has_key(held, ids[0]));
	ck_assert(!acp_keyset_has_key(held, ids[1]));
	acp_keyset_free(&held);
}
END_TEST

static atomic_bool is_over;

static void *
look(void *argument)
{
	while (!is_over) {
		ACP_AUTO(keyset)
		struct acp_keyset *keyset = acp_keystore_dup_current(store);

		if (!keyset ||
			acp_keyset_has_key(keyset, ids[0]) ==
				acp_keyset_has_key(keyset, ids[1]) ||
			get_status().keys != 1)
			return NULL;
	}
	return argument;
}

START_TEST(other_threads_see_one_set_or_the_other)
{
	pthread_t thread;
	void *result;

	acp_log_configure(ACP_LOG_ERROR, ACP_LOG_FORMAT_JSON);
	put_key(first, 0);
	ck_assert(acp_keystore_refresh(store, true));
	ck_assert_int_eq(pthread_create(&thread, NULL, look, store), 0);
	for (size_t i = 0; i < ROUNDS; i++) {
		put_key(first, i % 2);
		ck_assert(acp_keystore_refresh(store, true));
	}
	is_over = true;
	pthread_join(thread, &result);
	ck_assert_ptr_eq(result, store);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *
keystore_suite(void)
{
	Suite *suite = suite_create("keystore");
	TCase *cases = tcase_create("keystore");

	tcase_add_unchecked_fixture(cases, make_keys, drop_keys);
	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, before_the_first_look_there_are_no_keys);
	tcase_add_test(cases, a_missing_file_is_waited_for_and_named_once);
	tcase_add_test(cases, an_unchanged_file_is_not_read_again);
	tcase_add_test(
		cases, the_same_keys_stay_the_same_set_and_are_not_logged);
	tcase_add_test(cases, a_new_file_replaces_the_keys);
	tcase_add_loop_test(
		cases, a_bad_file_never_replaces_good_keys, 0, COUNT(spoilers));
	tcase_add_test(cases, a_mended_mode_is_seen);
	tcase_add_test(cases, later_files_come_and_go);
	tcase_add_test(cases, other_paths_are_read_at_the_next_look);
	tcase_add_test(cases, who_holds_a_set_keeps_it);
	tcase_add_test(cases, other_threads_see_one_set_or_the_other);
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(keystore_suite)
