/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/keystore.c with real key files in a folder of its own: which set is in
 * use after which change.
 */
#include <config.h>

#include "fcgi/keystore.h"

#include "lib/key.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BITS = 2048, PATH_ROOM = 64 };

static char folder[] = "/tmp/acp-keystore-XXXXXX";
static char path[PATH_ROOM];
static struct acp_secret pems[2];
static struct acp_keystore *store;

/* Once for all tests, for keys take long to make. */
static void
make_keys(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key.pem", folder);
	for (int i = 0; i < 2; i++) {
		ACP_AUTO(key) struct acp_key *key = NULL;

		ck_assert_int_eq(acp_key_new(BITS, &key), ACP_OK);
		acp_key_write_private(key, &pems[i]);
	}
}

static void
drop_keys(void)
{
	unlink(path);
	rmdir(folder);
	for (int i = 0; i < 2; i++)
		acp_secret_clear(&pems[i]);
}

static void
write_key(const struct acp_secret *pem, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
		write(fd, acp_secret_peek(pem), pem->size), (int)pem->size);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void
set_up(void)
{
	const char *const paths[] = {path};

	write_key(&pems[0], 0640);
	store = acp_keystore_new(paths, 1);
	ck_assert(acp_keystore_refresh(store, false));
}

static void
tear_down(void)
{
	acp_keystore_free(&store);
}

/* Whether the set in use is still that one. */
static bool
is_in_use(const struct acp_keyset *keyset)
{
	ACP_AUTO(keyset)
	struct acp_keyset *present = acp_keystore_dup_current(store);

	return present == keyset;
}

START_TEST(the_same_keys_stay_the_same_set)
{
	ACP_AUTO(keyset)
	struct acp_keyset *keyset = acp_keystore_dup_current(store);

	ck_assert(acp_keystore_refresh(store, true));
	ck_assert(is_in_use(keyset));
}
END_TEST

START_TEST(another_key_is_another_set)
{
	ACP_AUTO(keyset)
	struct acp_keyset *keyset = acp_keystore_dup_current(store);

	write_key(&pems[1], 0640);
	ck_assert(acp_keystore_refresh(store, true));
	ck_assert(!is_in_use(keyset));
}
END_TEST

START_TEST(nothing_is_read_while_nothing_changes)
{
	ck_assert(!acp_keystore_refresh(store, false));
}
END_TEST

START_TEST(a_refused_file_leaves_the_keys_and_counts)
{
	ACP_AUTO(keyset)
	struct acp_keyset *keyset = acp_keystore_dup_current(store);
	struct acp_keystore_status status;

	write_key(&pems[1], 0644);
	ck_assert(!acp_keystore_refresh(store, true));
	ck_assert(is_in_use(keyset));
	acp_keystore_get_status(store, &status);
	ck_assert_uint_eq(status.failures, 1);
	ck_assert_uint_eq(status.keys, 1);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *suite = suite_create("keystore");
	TCase *cases = tcase_create("keystore");

	tcase_add_unchecked_fixture(cases, make_keys, drop_keys);
	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, the_same_keys_stay_the_same_set);
	tcase_add_test(cases, another_key_is_another_set);
	tcase_add_test(cases, nothing_is_read_while_nothing_changes);
	tcase_add_test(cases, a_refused_file_leaves_the_keys_and_counts);
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(make_suite)
