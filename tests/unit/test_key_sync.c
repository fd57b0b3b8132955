/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/key_sync.c: the key Secret and the key file agree after each
 * step, from whatever state a crash or a hand left them in.
 */
#include <config.h>

#include "reconciler/key_sync.h"

#include "lib/json.h"
#include "lib/keyfile.h"
#include "reconciler/key_secret.h"
#include "tests/unit/fake_kube.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <json-c/json_tokener.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BITS = 2048, KEY_COUNT = 4 };

static struct acp_key *keys[KEY_COUNT];
static unsigned int made; /* keys that key_sync asked for */
static bool is_disk_full;
static char folder[32];
static char path[64];
static struct acp_buffer why;
static struct acp_key_sync *sync_ours;

enum acp_error __real_acp_key_new(unsigned int bits, struct acp_key **key);
enum acp_error __wrap_acp_key_new(unsigned int bits, struct acp_key **key);
enum acp_error __real_acp_file_replace(const char *name, mode_t mode,
	const void *bytes, size_t size, struct acp_buffer *said);
enum acp_error __wrap_acp_file_replace(const char *name, mode_t mode,
	const void *bytes, size_t size, struct acp_buffer *said);

/* Keys take long to make: the first that is asked for is keys[0], and so on. */
enum acp_error
__wrap_acp_key_new(unsigned int bits, struct acp_key **key)
{
	ck_assert_uint_eq(bits, BITS);
	ck_assert_uint_lt(made, KEY_COUNT);
	*key = acp_key_dup(keys[made++]);
	return ACP_OK;
}

enum acp_error
__wrap_acp_file_replace(const char *name, mode_t mode, const void *bytes,
	size_t size, struct acp_buffer *said)
{
	if (!is_disk_full)
		return __real_acp_file_replace(name, mode, bytes, size, said);
	acp_buffer_append(said, "the disk is full");
	return ACP_FAULT;
}

static void
make_keys(void)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		ck_assert_int_eq(__real_acp_key_new(BITS, &keys[i]), ACP_OK);
}

static void
drop_keys(void)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		acp_key_free(&keys[i]);
}

static struct acp_key_sync *
make_sync(const char *owner)
{
	const struct acp_key_sync_settings settings = {
		.namespace = "runtime",
		.instance = "inst",
		.key_file = path,
		.owner = owner,
		.bits = BITS,
	};

	return acp_key_sync_new(&settings);
}

static void
start(void)
{
	made = 0;
	is_disk_full = false;
	snprintf(folder, sizeof(folder), "/tmp/acp-sync-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key.pem", folder);
	acp_buffer_init(&why, 10000);
	fake_kube_start();
	sync_ours = make_sync(NULL);
}

static void
stop(void)
{
	char lock[80];

	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	unlink(path);
	rmdir(folder);
	acp_buffer_clear(&why);
	acp_key_sync_free(&sync_ours);
	fake_kube_stop();
}

static struct json_object *
peek_secret(void)
{
	return fake_kube_peek(ACP_KIND_SECRET, ACP_KEY_SECRET_NAME);
}

static enum acp_error
step(bool may_create)
{
	acp_buffer_clear(&why);
	return acp_key_sync_step(sync_ours, may_create, &why);
}

/* Keys by their digits ("01"), as ring and as file. */
static void
check_ring(const struct acp_keyring *ring, const char *digits)
{
	ck_assert_uint_eq(ring->count, strlen(digits));
	for (size_t i = 0; i < ring->count; i++)
		ck_assert_str_eq(acp_key_peek_id(ring->keys[i]),
			acp_key_peek_id(keys[digits[i] - '0']));
}

static void
check_file(const char *digits)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	struct acp_keyfile_stamp stamp;
	const char *name = path;
	struct stat status;

	acp_keyring_init(&ring);
	ck_assert_int_eq(
		acp_keyfile_read(&name, 1, &ring, &stamp, &why), ACP_OK);
	check_ring(&ring, digits);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFREG | 0640);
}

static void
check_secret(const char *digits)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(key_secret) struct acp_key_secret secret;

	acp_keyring_init(&ring);
	acp_key_secret_init(&secret);
	ck_assert_ptr_nonnull(peek_secret());
	ck_assert_int_eq(
		acp_key_secret_read(peek_secret(), &secret, &why), ACP_OK);
	acp_key_secret_list(&secret, &ring);
	check_ring(&ring, digits);
}

static void
check_published(const char *digits)
{
	ACP_AUTO(keyring) struct acp_keyring ring;

	acp_keyring_init(&ring);
	ck_assert_int_eq(
		acp_key_sync_dup_ring(sync_ours, &ring), *digits != '\0');
	check_ring(&ring, digits);
}

/* Everywhere the same. */
static void
check_all(const char *digits)
{
	check_secret(digits);
	check_file(digits);
	check_published(digits);
}

static void
write_file(const char *digits, mode_t mode)
{
	ACP_AUTO(secret) struct acp_secret pem;

	acp_secret_init(&pem);
	for (; *digits; digits++)
		acp_key_write_private(keys[*digits - '0'], &pem);
	ck_assert_int_eq(
		__real_acp_file_replace(path, mode, pem.bytes, pem.size, &why),
		ACP_OK);
}

static void
put_secret(size_t index)
{
	const struct acp_key_secret_place place = {
		.namespace = "runtime", .instance = "theirs"};
	ACP_AUTO(key_secret) struct acp_key_secret secret;

	acp_key_secret_init(&secret);
	secret.current = acp_key_dup(keys[index]);
	fake_kube_put(ACP_KIND_SECRET, ACP_KEY_SECRET_NAME,
		acp_key_secret_write(&secret, &place));
}

static struct json_object *
peek_data(void)
{
	struct json_object *data = NULL;

	ck_assert(json_object_object_get_ex(peek_secret(), "data", &data));
	return data;
}

START_TEST(from_nothing_a_key_is_made_for_both)
{
	ck_assert_int_eq(step(true), ACP_OK);
	check_all("0");
	ck_assert_uint_eq(fake_kube.writes, 1);
	/* and then nothing is left to do */
	ck_assert_int_eq(step(true), ACP_OK);
	ck_assert_uint_eq(fake_kube.writes, 1);
	ck_assert_uint_eq(made, 1);
}
END_TEST

START_TEST(who_may_not_create_makes_nothing)
{
	ck_assert_int_eq(step(false), ACP_GONE);
	ck_assert_uint_eq(made, 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	check_published("");
	put_secret(1);
	ck_assert_int_eq(step(false), ACP_OK);
	check_all("1");
}
END_TEST

START_TEST(the_guard_has_the_last_word)
{
	fake_kube.is_read_only = true;
	ck_assert_int_eq(step(true), ACP_RETRY_LATER);
	ck_assert_ptr_null(peek_secret());
	ck_assert_int_ne(access(path, F_OK), 0);
	check_published("");
}
END_TEST

START_TEST(a_deleted_secret_is_made_again_from_the_file)
{
	write_file("21", 0640);
	ck_assert_int_eq(step(true), ACP_OK);
	check_all("21");
	ck_assert_uint_eq(made, 0);
}
END_TEST

static void
put_theirs(void)
{
	put_secret(3);
}

START_TEST(of_two_that_create_the_first_wins)
{
	fake_kube.before_write = put_theirs;
	ck_assert_int_eq(step(true), ACP_OK);
	check_all("3");
	ck_assert_uint_eq(fake_kube.writes, 0);
}
END_TEST

START_TEST(a_crash_before_the_file_is_written_loses_nothing)
{
	is_disk_full = true;
	ck_assert_int_eq(step(true), ACP_FAULT);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "disk is full"));
	check_secret("0");
	/* no pod is made with a key that the token service cannot have */
	check_published("");
	is_disk_full = false;
	ck_assert_int_eq(step(false), ACP_OK);
	check_all("0");
	ck_assert_uint_eq(made, 1);
}
END_TEST

START_TEST(a_lost_answer_to_the_creation_makes_no_second_key)
{
	fake_kube.fault = ACP_KUBE_UNREACHABLE;
	fake_kube.is_fault_for_writes = true;
	fake_kube.is_done_first = true;
	ck_assert_int_eq(step(true), ACP_RETRY_LATER);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(step(true), ACP_OK);
	check_all("0");
	ck_assert_uint_eq(made, 1);
}
END_TEST

START_TEST(the_file_follows_the_secret)
{
	put_secret(1);
	switch (_i) {
	case 0:
		write_file("23", 0640);
		break;
	case 1: /* others may read it */
		write_file("1", 0644);
		break;
	case 2:
		ck_assert_int_eq(symlink("/not/there", path), 0);
		break;
	default:
		ck_assert_int_eq(
			__real_acp_file_replace(path, 0640, "no key", 6, &why),
			ACP_OK);
	}
	ck_assert_int_eq(step(false), ACP_OK);
	check_all("1");
	ck_assert_uint_eq(fake_kube.writes, 0);
}
END_TEST

START_TEST(a_file_that_agrees_is_not_written_again)
{
	struct stat before, after;

	put_secret(1);
	ck_assert_int_eq(step(false), ACP_OK);
	ck_assert_int_eq(stat(path, &before), 0);
	ck_assert_int_eq(step(false), ACP_OK);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

START_TEST(a_damaged_secret_is_left_alone)
{
	char *before, *after;

	put_secret(1);
	ck_assert_int_eq(step(true), ACP_OK);
	json_object_object_add(
		peek_data(), "public.pem", json_object_new_string("?"));
	before = strdup(json_object_to_json_string(peek_secret()));
	ck_assert_int_eq(step(true), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why),
		"Secret runtime/ambient-cp-token-keypair: public.pem is not "
		"base64"));
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "mend the Secret"));
	after = strdup(json_object_to_json_string(peek_secret()));
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(fake_kube.writes, 0);
	check_file("1");
	check_published("");
	free(before);
	free(after);
	/* once it is mended all goes on */
	put_secret(1);
	ck_assert_int_eq(step(true), ACP_OK);
	check_all("1");
}
END_TEST

START_TEST(no_key_is_made_while_the_file_cannot_be_read)
{
	write_file("1", 0644);
	ck_assert_int_eq(step(true), ACP_DENIED);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "0644"));
	ck_assert_ptr_null(peek_secret());
	ck_assert_uint_eq(made, 0);
}
END_TEST

START_TEST(a_file_that_holds_no_key_gives_way)
{
	ck_assert_int_eq(
		__real_acp_file_replace(path, 0640, "no key", 6, &why), ACP_OK);
	ck_assert_int_eq(step(true), ACP_OK);
	check_all("0");
}
END_TEST

static const struct {
	enum acp_kube_reason fault;
	enum acp_error error;
} failures[] = {
	{ACP_KUBE_UNREACHABLE, ACP_RETRY_LATER},
	{ACP_KUBE_SERVER, ACP_RETRY_LATER},
	{ACP_KUBE_FORBIDDEN, ACP_DENIED},
};

START_TEST(a_secret_that_cannot_be_read_changes_nothing)
{
	put_secret(1);
	ck_assert_int_eq(step(true), ACP_OK);
	fake_kube.fault = failures[_i].fault;
	ck_assert_int_eq(step(true), failures[_i].error);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why),
		"cannot read Secret runtime/ambient-cp-token-keypair: "));
	check_all("1");
	ck_assert_uint_eq(fake_kube.writes, 0);
}
END_TEST

START_TEST(a_runtime_namespace_that_is_missing_is_told) /* H-09 */
{
	fake_kube.fault = ACP_KUBE_NOT_FOUND;
	fake_kube.is_fault_for_writes = true;
	ck_assert_int_eq(step(true), ACP_DENIED);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why),
		"cannot create Secret runtime/ambient-cp-token-keypair: "));
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_missing_folder_makes_no_secret)
{
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_eq(step(true), ACP_DENIED);
	ck_assert_ptr_null(peek_secret());
	put_secret(1);
	ck_assert_int_eq(step(true), ACP_DENIED);
	check_published("");
}
END_TEST

static const char *
peek_owner(const char *name)
{
	struct json_object *metadata, *owners;
	size_t size;

	ck_assert(json_object_object_get_ex(
		peek_secret(), "metadata", &metadata));
	if (!json_object_object_get_ex(metadata, "ownerReferences", &owners))
		return NULL;
	return acp_json_peek_text(
		json_object_array_get_idx(owners, 0), name, &size);
}

START_TEST(the_owner_is_entered_when_it_is_there)
{
	struct acp_key_sync *sync = make_sync("control-plane");

	if (_i == 0)
		fake_kube_put(ACP_KIND_DEPLOYMENT, "control-plane",
			json_tokener_parse("{\"metadata\":{\"uid\":\"u-9\"}}"));
	ck_assert_int_eq(acp_key_sync_step(sync, true, &why), ACP_OK);
	acp_key_sync_free(&sync);
	if (_i == 0) {
		ck_assert_str_eq(peek_owner("name"), "control-plane");
		ck_assert_str_eq(peek_owner("uid"), "u-9");
	} else {
		ck_assert_ptr_null(peek_owner("name"));
	}
}
END_TEST

static const struct acp_key_marks no_pods = {.is_known = true};

static void
rotate(void)
{
	acp_buffer_clear(&why);
	ck_assert_int_eq(
		acp_key_sync_rotate(sync_ours, &no_pods, &why), ACP_OK);
}

START_TEST(a_whole_rotation)
{
	char id[ACP_KEY_ID_SIZE];
	unsigned int writes;

	ck_assert_int_eq(step(true), ACP_OK);
	ck_assert_int_eq(acp_key_sync_add_next(sync_ours, id, &why), ACP_OK);
	ck_assert_str_eq(id, acp_key_peek_id(keys[1]));
	check_all("01");
	writes = fake_kube.writes;
	fake_kube.now_s += ACP_ROTATION_NEXT_S - 1;
	rotate();
	check_all("01");
	ck_assert_uint_eq(fake_kube.writes, writes);
	fake_kube.now_s += 1;
	rotate();
	check_all("10");
	fake_kube.now_s += ACP_ROTATION_PREVIOUS_S - 1;
	rotate();
	check_all("10");
	fake_kube.now_s += 1;
	rotate();
	check_all("1");
}
END_TEST

START_TEST(a_key_alone_is_read_once_a_pass)
{
	unsigned int reads;

	ck_assert_int_eq(step(true), ACP_OK);
	reads = fake_kube.reads;
	ck_assert_int_eq(step(true), ACP_OK);
	rotate();
	ck_assert_uint_eq(fake_kube.reads, reads + 1);
}
END_TEST

START_TEST(a_second_rotation_waits_for_the_first)
{
	char id[ACP_KEY_ID_SIZE] = "";

	ck_assert_int_eq(step(true), ACP_OK);
	ck_assert_int_eq(acp_key_sync_add_next(sync_ours, id, &why), ACP_OK);
	id[0] = '\0';
	ck_assert_int_eq(
		acp_key_sync_add_next(sync_ours, id, &why), ACP_DENIED);
	ck_assert_str_eq(id, "");
	/* no key was made in vain */
	ck_assert_uint_eq(made, 2);
	check_all("01");
}
END_TEST

static void
touch_secret(void)
{
	struct json_object *copy = NULL;

	json_object_deep_copy(peek_secret(), &copy, NULL);
	fake_kube_put(ACP_KIND_SECRET, ACP_KEY_SECRET_NAME, copy);
}

START_TEST(a_conflict_is_read_again)
{
	char id[ACP_KEY_ID_SIZE];

	ck_assert_int_eq(step(true), ACP_OK);
	fake_kube.before_write = touch_secret;
	ck_assert_int_eq(acp_key_sync_add_next(sync_ours, id, &why), ACP_OK);
	check_all("01");
	ck_assert_uint_eq(made, 2);
}
END_TEST

START_TEST(a_rotation_of_another_is_followed)
{
	char id[ACP_KEY_ID_SIZE];
	ACP_AUTO(key_sync) struct acp_key_sync *other = make_sync(NULL);

	ck_assert_int_eq(step(true), ACP_OK);
	ck_assert_int_eq(acp_key_sync_add_next(other, id, &why), ACP_OK);
	check_published("0");
	ck_assert_int_eq(step(false), ACP_OK);
	check_all("01");
}
END_TEST

START_TEST(a_crash_within_a_promotion_is_made_good)
{
	char id[ACP_KEY_ID_SIZE];

	ck_assert_int_eq(step(true), ACP_OK);
	ck_assert_int_eq(acp_key_sync_add_next(sync_ours, id, &why), ACP_OK);
	fake_kube.now_s += ACP_ROTATION_NEXT_S;
	is_disk_full = true;
	ck_assert_int_eq(
		acp_key_sync_rotate(sync_ours, &no_pods, &why), ACP_FAULT);
	check_secret("10");
	check_file("01"); /* which honours the new key too */
	check_published("01");
	is_disk_full = false;
	ck_assert_int_eq(step(false), ACP_OK);
	check_all("10");
}
END_TEST

START_TEST(a_key_is_revoked)
{
	char id[ACP_KEY_ID_SIZE];

	ck_assert_int_eq(step(true), ACP_OK);
	ck_assert_int_eq(
		acp_key_sync_revoke(sync_ours, acp_key_peek_id(keys[0]), &why),
		ACP_DENIED);
	ck_assert_int_eq(acp_key_sync_add_next(sync_ours, id, &why), ACP_OK);
	ck_assert_int_eq(
		acp_key_sync_revoke(sync_ours, acp_key_peek_id(keys[0]), &why),
		ACP_OK);
	check_all("1");
	ck_assert_int_eq(
		acp_key_sync_revoke(sync_ours, acp_key_peek_id(keys[0]), &why),
		ACP_GONE);
}
END_TEST

START_TEST(a_damaged_secret_is_not_rotated)
{
	char id[ACP_KEY_ID_SIZE];

	put_secret(1);
	json_object_object_del(peek_data(), "public.pem");
	ck_assert_int_eq(
		acp_key_sync_add_next(sync_ours, id, &why), ACP_BAD_REQUEST);
	ck_assert_int_eq(acp_key_sync_rotate(sync_ours, &no_pods, &why),
		ACP_BAD_REQUEST);
	ck_assert_uint_eq(fake_kube.writes, 0);
	ck_assert_uint_eq(made, 0);
}
END_TEST

static void
add_steps(TCase *tcase)
{
	tcase_add_test(tcase, from_nothing_a_key_is_made_for_both);
	tcase_add_test(tcase, who_may_not_create_makes_nothing);
	tcase_add_test(tcase, the_guard_has_the_last_word);
	tcase_add_test(tcase, a_deleted_secret_is_made_again_from_the_file);
	tcase_add_test(tcase, of_two_that_create_the_first_wins);
	tcase_add_test(tcase, a_crash_before_the_file_is_written_loses_nothing);
	tcase_add_test(
		tcase, a_lost_answer_to_the_creation_makes_no_second_key);
	tcase_add_loop_test(tcase, the_file_follows_the_secret, 0, 4);
	tcase_add_test(tcase, a_file_that_agrees_is_not_written_again);
	tcase_add_test(tcase, a_damaged_secret_is_left_alone);
	tcase_add_test(tcase, no_key_is_made_while_the_file_cannot_be_read);
	tcase_add_test(tcase, a_file_that_holds_no_key_gives_way);
	tcase_add_loop_test(tcase, a_secret_that_cannot_be_read_changes_nothing,
		0, (int)(sizeof(failures) / sizeof(failures[0])));
	tcase_add_test(tcase, a_runtime_namespace_that_is_missing_is_told);
	tcase_add_test(tcase, a_missing_folder_makes_no_secret);
	tcase_add_loop_test(tcase, the_owner_is_entered_when_it_is_there, 0, 2);
}

static void
add_rotations(TCase *tcase)
{
	tcase_add_test(tcase, a_whole_rotation);
	tcase_add_test(tcase, a_key_alone_is_read_once_a_pass);
	tcase_add_test(tcase, a_second_rotation_waits_for_the_first);
	tcase_add_test(tcase, a_conflict_is_read_again);
	tcase_add_test(tcase, a_rotation_of_another_is_followed);
	tcase_add_test(tcase, a_crash_within_a_promotion_is_made_good);
	tcase_add_test(tcase, a_key_is_revoked);
	tcase_add_test(tcase, a_damaged_secret_is_not_rotated);
}

static Suite *
key_sync_suite(void)
{
	Suite *suite = suite_create("key_sync");
	TCase *tcase = tcase_create("key_sync");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_checked_fixture(tcase, start, stop);
	add_steps(tcase);
	add_rotations(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(key_sync_suite)
