/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/handle.c and fcgi/aead.c: which words are handles of ours, how long
 * they and their chains live, and that no two share a salt.
 */
#include <config.h>

#include "fcgi/handle.h"

#include "fcgi/aead.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"
#include "tests/unit/vector_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define HOUR_MS INT64_C(3600000)
#define NOW_MS VECTOR_ISSUED_MS
#define ALPHABET \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

enum { KEY_COUNT = 3, MANY = 100000, PREFIX_SIZE = 5 };

static struct acp_keyring ring;

static void
make_keys(void)
{
	acp_keyring_init(&ring);
	vector_key_add(&ring);
	while (ring.count < KEY_COUNT)
		vector_key_add_other(&ring);
}

static void
drop_keys(void)
{
	acp_keyring_clear(&ring);
}

/* The keys of the ring in another order, or fewer of them. */
static struct acp_keyring
pick_keys(size_t count, size_t first, size_t second)
{
	return (struct acp_keyring){
		.keys = {ring.keys[first], ring.keys[second]}, .count = count};
}

static struct acp_handle
make_handle(const char *session)
{
	struct acp_handle handle = {.issued_ms = NOW_MS,
		.expires_ms = NOW_MS + HOUR_MS,
		.is_bound = true};

	snprintf(handle.session, sizeof(handle.session), "%s", session);
	return handle;
}

static enum acp_error
read_with(const struct acp_keyring *keys, const char *word)
{
	struct acp_handle handle;
	const struct acp_key *key = NULL;

	return acp_handle_read(keys, word, &handle, &key);
}

START_TEST(the_handle_of_another_implementation_is_read)
{
	struct acp_handle handle;
	const struct acp_key *key = NULL;

	ck_assert_int_eq(
		acp_handle_read(&ring, VECTOR_HANDLE, &handle, &key), ACP_OK);
	ck_assert_ptr_eq(key, ring.keys[0]);
	ck_assert_str_eq(handle.session, VECTOR_SESSION);
	ck_assert_int_eq(handle.issued_ms, VECTOR_ISSUED_MS);
	ck_assert_int_eq(handle.expires_ms, VECTOR_EXPIRES_MS);
	ck_assert(handle.is_bound);
}
END_TEST

START_TEST(what_was_written_is_read_back)
{
	char session[ACP_SESSION_ID_MAX + 1] = "", text[ACP_HANDLE_TEXT_SIZE];
	struct acp_handle wanted, found;
	const struct acp_key *key = NULL;

	for (size_t size = 8; size <= ACP_SESSION_ID_MAX; size++) {
		memset(session, 'a', size);
		wanted = make_handle(session);
		wanted.is_bound = size % 2;
		acp_handle_write(ring.keys[size % KEY_COUNT], &wanted, text);
		ck_assert(acp_handle_is_claimed(text));
		ck_assert_uint_lt(strlen(text), ACP_HANDLE_TEXT_SIZE);
		ck_assert_int_eq(
			acp_handle_read(&ring, text, &found, &key), ACP_OK);
		ck_assert_ptr_eq(key, ring.keys[size % KEY_COUNT]);
		ck_assert_str_eq(found.session, session);
		ck_assert_int_eq(found.issued_ms, wanted.issued_ms);
		ck_assert_int_eq(found.expires_ms, wanted.expires_ms);
		ck_assert_int_eq(found.is_bound, wanted.is_bound);
	}
	ck_assert_uint_eq(strlen(text), ACP_HANDLE_TEXT_SIZE - 1);
}
END_TEST

START_TEST(a_rotation_keeps_a_handle_and_a_removal_ends_it)
{
	struct acp_handle handle = make_handle(VECTOR_SESSION);
	struct acp_keyring rotated = pick_keys(2, 1, 0);
	struct acp_keyring removed = pick_keys(1, 1, 1);
	struct acp_keyring none = {.count = 0};
	char text[ACP_HANDLE_TEXT_SIZE];

	acp_handle_write(ring.keys[0], &handle, text);
	ck_assert_int_eq(read_with(&rotated, text), ACP_OK);
	ck_assert_int_eq(read_with(&removed, text), ACP_DENIED);
	ck_assert_int_eq(read_with(&none, text), ACP_DENIED);
}
END_TEST

/* Another replica, or the same one after a restart: nothing is shared. */
START_TEST(another_process_with_the_key_reads_a_handle)
{
	struct acp_handle handle = make_handle(VECTOR_SESSION);
	struct acp_keyring fresh;
	char text[ACP_HANDLE_TEXT_SIZE] = "";
	int status, ends[2];
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		acp_handle_write(ring.keys[0], &handle, text);
		_exit(write(ends[1], text, sizeof(text)) !=
			(ssize_t)sizeof(text));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(
		read(ends[0], text, sizeof(text)), (ssize_t)sizeof(text));
	close(ends[0]);
	close(ends[1]);
	acp_keyring_init(&fresh);
	vector_key_add(&fresh);
	ck_assert_int_eq(read_with(&fresh, text), ACP_OK);
	acp_keyring_clear(&fresh);
}
END_TEST

START_TEST(every_flipped_bit_is_seen)
{
	uint8_t sealed[ACP_HANDLE_SEALED_MAX];
	const char *word = &VECTOR_HANDLE[PREFIX_SIZE];
	size_t size = ACP_BASE64URL_BYTES(strlen(word));
	char text[ACP_HANDLE_TEXT_SIZE] = "acp1.";

	ck_assert_int_eq(
		acp_base64url_read(word, strlen(word), sealed), ACP_OK);
	for (size_t bit = 0; bit < size * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		acp_base64url_write(sealed, size, text + PREFIX_SIZE);
		ck_assert_int_eq(read_with(&ring, text), ACP_DENIED);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	acp_base64url_write(sealed, size, text + PREFIX_SIZE);
	ck_assert_int_eq(read_with(&ring, text), ACP_OK);
}
END_TEST

START_TEST(every_other_character_is_seen)
{
	char text[] = VECTOR_HANDLE;

	for (size_t i = 0; text[i]; i++)
		for (int c = 1; c < 128; c++) {
			text[i] = (char)c;
			ck_assert_int_eq(read_with(&ring, text),
				c == VECTOR_HANDLE[i] ? ACP_OK : ACP_DENIED);
			text[i] = VECTOR_HANDLE[i];
		}
}
END_TEST

START_TEST(a_truncated_or_extended_handle_is_denied)
{
	char text[sizeof(VECTOR_HANDLE) + 300] = "";

	for (size_t size = 0; size < strlen(VECTOR_HANDLE); size++) {
		memcpy(text, VECTOR_HANDLE, size);
		text[size] = '\0';
		ck_assert_int_eq(read_with(&ring, text), ACP_DENIED);
	}
	for (size_t more = 1; more < 300; more++) {
		memcpy(text, VECTOR_HANDLE, strlen(VECTOR_HANDLE));
		memset(text + strlen(VECTOR_HANDLE), 'A', more);
		ck_assert_int_eq(read_with(&ring, text), ACP_DENIED);
	}
}
END_TEST

START_TEST(one_byte_over_the_bound_is_denied)
{
	uint8_t plain[ACP_HANDLE_PLAIN_MAX + 1] = {0};
	uint8_t sealed[ACP_HANDLE_SEALED_MAX + 1];
	char text[ACP_HANDLE_TEXT_SIZE + 2] = "acp1.";
	const uint8_t *key =
		acp_key_peek_subkey(ring.keys[0], ACP_KEY_USE_RENEWAL);

	memset(plain + 17, 'a', sizeof(plain) - 17);
	acp_aead_seal(key, "acp1", plain, sizeof(plain) - 1, sealed);
	acp_base64url_write(sealed, sizeof(sealed) - 1, text + PREFIX_SIZE);
	ck_assert_int_eq(read_with(&ring, text), ACP_OK);
	acp_aead_seal(key, "acp1", plain, sizeof(plain), sealed);
	acp_base64url_write(sealed, sizeof(sealed), text + PREFIX_SIZE);
	ck_assert_int_eq(read_with(&ring, text), ACP_DENIED);
}
END_TEST

/* long enough for one */
#define NO_HANDLE \
	"acp1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const char *const forged[] = {"", "acp1", "acp1.", "acp2.AAAA",
	"ACP1.AAAA", "acp1.AAAA", "acp1.====", "acp1..", NO_HANDLE};

START_TEST(forged_words_are_denied)
{
	ck_assert_int_eq(read_with(&ring, forged[_i]), ACP_DENIED);
}
END_TEST

/* Seals with the right key what no handle of this kind holds. */
static enum acp_error
read_sealed(const char *label, enum acp_key_use use, uint8_t flags,
	const char *session)
{
	uint8_t plain[ACP_HANDLE_PLAIN_MAX] = {0};
	uint8_t sealed[ACP_HANDLE_SEALED_MAX];
	char text[ACP_HANDLE_TEXT_SIZE] = "acp1.";
	size_t size = 17 + strlen(session);

	plain[0] = flags;
	memcpy(plain + 17, session, strlen(session));
	acp_aead_seal(acp_key_peek_subkey(ring.keys[0], use), label, plain,
		size, sealed);
	acp_base64url_write(
		sealed, size + ACP_AEAD_OVERHEAD, text + PREFIX_SIZE);
	return read_with(&ring, text);
}

START_TEST(only_the_renewal_subkey_and_its_label_make_handles)
{
	ck_assert_int_eq(
		read_sealed("acp1", ACP_KEY_USE_RENEWAL, 1, "a-session"),
		ACP_OK);
	ck_assert_int_eq(
		read_sealed("acp2", ACP_KEY_USE_RENEWAL, 1, "a-session"),
		ACP_DENIED);
	ck_assert_int_eq(
		read_sealed("acp1", ACP_KEY_USE_BINDING, 1, "a-session"),
		ACP_DENIED);
	ck_assert_int_eq(read_sealed("acp1", ACP_KEY_USE_LOG, 1, "a-session"),
		ACP_DENIED);
	ck_assert_int_eq(
		read_sealed("acp1", ACP_KEY_USE_RENEWAL, 2, "a-session"),
		ACP_DENIED);
}
END_TEST

START_TEST(a_handle_that_names_no_session_is_told_apart)
{
	ck_assert_int_eq(
		read_sealed("acp1", ACP_KEY_USE_RENEWAL, 0, "-a-session"),
		ACP_BAD_REQUEST);
	ck_assert_int_eq(
		read_sealed("acp1", ACP_KEY_USE_RENEWAL, 0, "a session"),
		ACP_BAD_REQUEST);
}
END_TEST

START_TEST(a_ciphertext_is_never_taken_for_a_handle)
{
	ck_assert(!acp_handle_is_claimed("acp1"));
	ck_assert(!acp_handle_is_claimed("acp1/AAAA"));
	ck_assert(acp_handle_is_claimed("acp1."));
	/* and a handle never for a ciphertext */
	ck_assert_ptr_null(strchr(ALPHABET "+/=", '.'));
}
END_TEST

static const struct {
	int64_t issued_ms, expires_ms; /* from now */
	bool is_over;
} lives[] = {
	{0, HOUR_MS, false},
	{-HOUR_MS, 1, false},
	{-HOUR_MS, 0, true},
	{-HOUR_MS, -1, true},
	{-24 * HOUR_MS + 1, HOUR_MS, false},
	{-24 * HOUR_MS, HOUR_MS, true},
	{-25 * HOUR_MS, HOUR_MS, true},
	/* replicas' clocks differ a little */
	{1000, HOUR_MS, false},
	{ACP_HANDLE_AHEAD_MAX_MS, HOUR_MS, false},
	{ACP_HANDLE_AHEAD_MAX_MS + 1, HOUR_MS, true},
	{365 * 24 * HOUR_MS, 366 * 24 * HOUR_MS, true},
};

START_TEST(a_handle_ends_with_its_expiry_and_with_its_chain)
{
	struct acp_handle handle = {.issued_ms = NOW_MS + lives[_i].issued_ms,
		.expires_ms = NOW_MS + lives[_i].expires_ms};

	ck_assert_int_eq(acp_handle_is_over(&handle, NOW_MS, 24 * HOUR_MS),
		lives[_i].is_over);
}
END_TEST

START_TEST(renewals_go_on_until_the_chain_is_too_old)
{
	struct acp_handle handle = make_handle(VECTOR_SESSION);
	int64_t now_ms = NOW_MS;
	int renewals = 0;

	acp_handle_extend(&handle, now_ms, HOUR_MS, 24 * HOUR_MS);
	while (!acp_handle_is_over(&handle, now_ms, 24 * HOUR_MS)) {
		renewals++;
		acp_handle_extend(&handle, now_ms, HOUR_MS, 24 * HOUR_MS);
		ck_assert_int_le(handle.expires_ms, NOW_MS + 24 * HOUR_MS);
		ck_assert_int_le(handle.expires_ms, now_ms + HOUR_MS);
		now_ms += HOUR_MS / 2;
	}
	ck_assert_int_eq(now_ms, NOW_MS + 24 * HOUR_MS);
	ck_assert_int_eq(renewals, 48);
}
END_TEST

static int
compare_salts(const void *left, const void *right)
{
	return memcmp(left, right, ACP_AEAD_SALT_SIZE);
}

START_TEST(no_two_handles_share_a_salt)
{
	uint8_t(*salts)[ACP_AEAD_SALT_SIZE] =
		acp_memory_new(MANY, sizeof(*salts));
	int count = unit_rounds(MANY);
	struct acp_handle handle = make_handle(VECTOR_SESSION);
	uint8_t sealed[ACP_HANDLE_SEALED_MAX];
	char text[ACP_HANDLE_TEXT_SIZE];

	for (int i = 0; i < count; i++) {
		acp_handle_write(ring.keys[0], &handle, text);
		ck_assert_int_eq(acp_base64url_read(text + PREFIX_SIZE,
					 strlen(text) - PREFIX_SIZE, sealed),
			ACP_OK);
		memcpy(salts[i], sealed, ACP_AEAD_SALT_SIZE);
	}
	qsort(salts, (size_t)count, sizeof(*salts), compare_salts);
	for (int i = 1; i < count; i++)
		ck_assert_int_ne(compare_salts(salts[i - 1], salts[i]), 0);
	free(salts);
}
END_TEST

/* Same text, other salt: nothing that is sealed with may be the same. */
START_TEST(the_salt_decides_key_and_nonce)
{
	static const uint8_t plain[64];
	uint8_t key[ACP_AEAD_KEY_SIZE] = {1};
	uint8_t one[sizeof(plain) + ACP_AEAD_OVERHEAD], two[sizeof(one)];
	uint8_t opened[sizeof(plain)];

	acp_aead_seal(key, "acp1", plain, sizeof(plain), one);
	acp_aead_seal(key, "acp1", plain, sizeof(plain), two);
	ck_assert_mem_ne(one + ACP_AEAD_SALT_SIZE, two + ACP_AEAD_SALT_SIZE,
		sizeof(plain));
	memcpy(one, two, ACP_AEAD_SALT_SIZE);
	ck_assert_int_eq(acp_aead_open(key, "acp1", one, sizeof(one), opened),
		ACP_DENIED);
	ck_assert_int_eq(
		acp_aead_open(key, "acp1", two, ACP_AEAD_OVERHEAD - 1, opened),
		ACP_DENIED);
	ck_assert_int_eq(
		acp_aead_open(key, "acp1", two, sizeof(two), opened), ACP_OK);
	ck_assert_mem_eq(opened, plain, sizeof(plain));
}
END_TEST

static void
add_life_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase,
		a_handle_ends_with_its_expiry_and_with_its_chain, 0,
		sizeof(lives) / sizeof(lives[0]));
	tcase_add_test(tcase, renewals_go_on_until_the_chain_is_too_old);
	tcase_add_test(tcase, no_two_handles_share_a_salt);
	tcase_add_test(tcase, the_salt_decides_key_and_nonce);
}

static Suite *
handle_suite(void)
{
	Suite *suite = suite_create("handle");
	TCase *tcase = tcase_create("handle");

	tcase_set_timeout(tcase, 300);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_test(tcase, the_handle_of_another_implementation_is_read);
	tcase_add_test(tcase, what_was_written_is_read_back);
	tcase_add_test(tcase, a_rotation_keeps_a_handle_and_a_removal_ends_it);
	tcase_add_test(tcase, another_process_with_the_key_reads_a_handle);
	tcase_add_test(tcase, every_flipped_bit_is_seen);
	tcase_add_test(tcase, every_other_character_is_seen);
	tcase_add_test(tcase, a_truncated_or_extended_handle_is_denied);
	tcase_add_test(tcase, one_byte_over_the_bound_is_denied);
	tcase_add_loop_test(tcase, forged_words_are_denied, 0,
		sizeof(forged) / sizeof(forged[0]));
	tcase_add_test(
		tcase, only_the_renewal_subkey_and_its_label_make_handles);
	tcase_add_test(tcase, a_handle_that_names_no_session_is_told_apart);
	tcase_add_test(tcase, a_ciphertext_is_never_taken_for_a_handle);
	add_life_tests(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(handle_suite)
