/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/key_secret.c: what is written is read back, each damage is named
 * (H-08), and what is foreign in the object stays.
 */
#include <config.h>

#include "reconciler/key_secret.h"

#include "lib/base64.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/four_keys.h"
#include "tests/unit/unit.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

enum { SINCE_S = 1780000000 };

static const struct acp_key_secret_place place = {
	.namespace = "runtime",
	.instance = "inst",
};

static struct acp_key_secret secret;
static struct json_object *object;
static struct acp_buffer why;

static void
start(void)
{
	acp_buffer_init(&why, 10000);
	acp_key_secret_init(&secret);
	object = NULL;
}

static void
stop(void)
{
	acp_buffer_clear(&why);
	acp_key_secret_clear(&secret);
	acp_json_free(&object);
}

/* current 0, next 1, previous 2; as an object in `object` */
static void
write_three(void)
{
	secret.current = acp_key_dup(keys[0]);
	secret.next = (struct acp_aged_key){acp_key_dup(keys[1]), SINCE_S};
	secret.previous[0] =
		(struct acp_aged_key){acp_key_dup(keys[2]), SINCE_S - 7};
	secret.previous_count = 1;
	object = acp_key_secret_write(&secret, &place);
	acp_key_secret_clear(&secret);
}

static struct json_object *
member(struct json_object *parent, const char *name)
{
	struct json_object *found = NULL;

	ck_assert(json_object_object_get_ex(parent, name, &found));
	return found;
}

static const char *
text_of(struct json_object *parent, const char *name)
{
	return json_object_get_string(member(parent, name));
}

static void
set_bytes(const char *entry, const void *bytes, size_t size)
{
	ACP_AUTO(free)
	char *text = acp_memory_new(ACP_BASE64_LENGTH(size) + 1, 1);

	acp_base64_write(bytes, size, text);
	json_object_object_add(
		member(object, "data"), entry, json_object_new_string(text));
}

static void
set_keys(const char *entry, const size_t *indices, size_t count)
{
	ACP_AUTO(secret) struct acp_secret pem;

	acp_secret_init(&pem);
	for (size_t i = 0; i < count; i++)
		acp_key_write_private(keys[indices[i]], &pem);
	set_bytes(entry, pem.bytes, pem.size);
}

static void
check_id(const struct acp_key *key, size_t index)
{
	ck_assert_ptr_nonnull(key);
	ck_assert_str_eq(acp_key_peek_id(key), acp_key_peek_id(keys[index]));
}

START_TEST(what_is_written_is_read_back)
{
	write_three();
	ck_assert_int_eq(acp_key_secret_read(object, &secret, &why), ACP_OK);
	check_id(secret.current, 0);
	check_id(secret.next.key, 1);
	ck_assert_int_eq(secret.next.since_s, SINCE_S);
	ck_assert_uint_eq(secret.previous_count, 1);
	check_id(secret.previous[0].key, 2);
	ck_assert_int_eq(secret.previous[0].since_s, SINCE_S - 7);
	ck_assert_uint_eq(acp_key_secret_get_count(&secret), 3);
}
END_TEST

START_TEST(the_object_is_as_the_reference_has_it)
{
	struct json_object *metadata, *labels;
	uint8_t pem[8192];
	const char *text;
	size_t size;

	secret.current = acp_key_dup(keys[0]);
	object = acp_key_secret_write(&secret, &place);
	metadata = member(object, "metadata");
	labels = member(metadata, "labels");
	ck_assert_str_eq(text_of(object, "apiVersion"), "v1");
	ck_assert_str_eq(text_of(object, "kind"), "Secret");
	ck_assert_str_eq(text_of(object, "type"), "Opaque");
	ck_assert_str_eq(text_of(metadata, "name"), "ambient-cp-token-keypair");
	ck_assert_str_eq(text_of(metadata, "namespace"), "runtime");
	ck_assert_str_eq(text_of(labels, "app"), "ambient-control-plane");
	ck_assert_str_eq(text_of(labels, "ambient-code.io/managed-by"),
		"ambient-control-plane");
	ck_assert_str_eq(text_of(labels, "ambient-code.io/managed"), "true");
	ck_assert_str_eq(text_of(labels, "ambient-code.io/instance"), "inst");
	ck_assert(
		!json_object_object_get_ex(metadata, "ownerReferences", NULL));
	ck_assert_int_eq(json_object_object_length(member(object, "data")), 2);
	text = text_of(member(object, "data"), "private.pem");
	ck_assert_int_eq(
		acp_base64_read(text, strlen(text), pem, &size), ACP_OK);
	ck_assert_mem_eq(pem, "-----BEGIN RSA PRIVATE KEY-----\n", 32);
	text = text_of(member(object, "data"), "public.pem");
	ck_assert_int_eq(
		acp_base64_read(text, strlen(text), pem, &size), ACP_OK);
	ck_assert_mem_eq(pem, "-----BEGIN PUBLIC KEY-----\n", 27);
}
END_TEST

START_TEST(an_owner_is_named_when_there_is_one)
{
	const struct acp_key_secret_place owned = {
		.namespace = "runtime",
		.instance = "inst",
		.owner_name = "control-plane",
		.owner_uid = "u-1",
	};
	struct json_object *owner;

	secret.current = acp_key_dup(keys[0]);
	object = acp_key_secret_write(&secret, &owned);
	owner = json_object_array_get_idx(
		member(member(object, "metadata"), "ownerReferences"), 0);
	ck_assert_str_eq(text_of(owner, "apiVersion"), "apps/v1");
	ck_assert_str_eq(text_of(owner, "kind"), "Deployment");
	ck_assert_str_eq(text_of(owner, "name"), "control-plane");
	ck_assert_str_eq(text_of(owner, "uid"), "u-1");
}
END_TEST

START_TEST(pkcs8_is_read_and_pkcs1_written)
{
	gnutls_datum_t pkcs8;

	write_three();
	ck_assert_int_ge(
		gnutls_x509_privkey_export2_pkcs8(acp_key_peek_private(keys[0]),
			GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pkcs8),
		0);
	set_bytes("private.pem", pkcs8.data, pkcs8.size);
	gnutls_free(pkcs8.data);
	ck_assert_int_eq(acp_key_secret_read(object, &secret, &why), ACP_OK);
	check_id(secret.current, 0);
}
END_TEST

START_TEST(what_is_foreign_in_it_stays)
{
	struct json_object *metadata;
	ACP_AUTO(json) struct json_object *again = NULL;

	write_three();
	metadata = member(object, "metadata");
	json_object_object_add(metadata, "uid", json_object_new_string("u-7"));
	json_object_object_add(
		metadata, "resourceVersion", json_object_new_string("41"));
	json_object_object_add(
		metadata, "managedFields", json_object_new_array());
	json_object_object_add(member(metadata, "labels"), "theirs",
		json_object_new_string("l"));
	json_object_object_add(member(metadata, "annotations"), "theirs",
		json_object_new_string("a"));
	json_object_object_add(member(object, "data"), "theirs",
		json_object_new_string("Zm9v"));
	ck_assert_int_eq(acp_key_secret_read(object, &secret, &why), ACP_OK);
	/* no key lives on in what is kept of it */
	ck_assert_int_eq(
		json_object_object_length(member(secret.seen, "data")), 1);
	acp_key_free(&secret.next.key);
	again = acp_key_secret_write(&secret, &place);
	metadata = member(again, "metadata");
	ck_assert_str_eq(text_of(metadata, "uid"), "u-7");
	ck_assert_str_eq(text_of(metadata, "resourceVersion"), "41");
	ck_assert(!json_object_object_get_ex(metadata, "managedFields", NULL));
	ck_assert_str_eq(text_of(member(metadata, "labels"), "theirs"), "l");
	ck_assert_str_eq(
		text_of(member(metadata, "annotations"), "theirs"), "a");
	ck_assert_str_eq(text_of(member(again, "data"), "theirs"), "Zm9v");
	/* but what was ours and is gone, goes */
	ck_assert(!json_object_object_get_ex(
		member(again, "data"), "next.pem", NULL));
	ck_assert(!json_object_object_get_ex(member(metadata, "annotations"),
		ACP_KEY_SECRET_NEXT_SINCE, NULL));
}
END_TEST

enum damage {
	REMOVED,
	A_NUMBER,
	NO_BASE64,
	EMPTY,
	NO_PEM,
	CUT,
	WEAK,
	TOO_LARGE,
	A_PUBLIC_KEY,
	KEY_0,
	KEY_1,
	KEY_3,
	KEYS_2_3,
};

static const struct {
	const char *entry;
	enum damage damage;
	const char *said;
} damages[] = {
	{"private.pem", REMOVED, "private.pem is missing"},
	{"private.pem", A_NUMBER, "private.pem is not a text"},
	{"private.pem", NO_BASE64, "private.pem is not base64"},
	{"private.pem", EMPTY, "private.pem"},
	{"private.pem", NO_PEM, "private.pem"},
	{"private.pem", CUT, "private.pem: PEM block 1 is cut short"},
	{"private.pem", WEAK, "less than 2048 bits"},
	{"private.pem", TOO_LARGE, "private.pem is too large"},
	{"private.pem", A_PUBLIC_KEY, "not a private key"},
	{"private.pem", KEY_3, "public.pem is not the public half"},
	{"private.pem", KEYS_2_3, "private.pem holds too many keys"},
	{"public.pem", REMOVED, "public.pem is missing"},
	{"public.pem", A_NUMBER, "public.pem is not a text"},
	{"public.pem", NO_BASE64, "public.pem is not base64"},
	{"public.pem", EMPTY, "public.pem is not a public key"},
	{"public.pem", NO_PEM, "public.pem is not a public key"},
	{"public.pem", KEY_0, "public.pem is not a public key"},
	{"public.pem", A_PUBLIC_KEY, "public.pem is not the public half"},
	{"next.pem", A_NUMBER, "next.pem is not a text"},
	{"next.pem", NO_BASE64, "next.pem is not base64"},
	{"next.pem", EMPTY, "next.pem"},
	{"next.pem", WEAK, "next.pem: PEM block 1 is an RSA key of less"},
	{"next.pem", KEY_0, "next.pem holds the key of private.pem"},
	{"next.pem", KEYS_2_3, "next.pem holds too many keys"},
	{"previous.pem", NO_PEM, "previous.pem"},
	{"previous.pem", CUT, "previous.pem: PEM block 1 is cut short"},
	{"previous.pem", KEY_0, "previous.pem holds the key of private.pem"},
	{"previous.pem", KEY_1, "previous.pem holds the key of next.pem"},
	{"previous.pem", KEYS_2_3, "previous.pem holds too many keys"},
};

static void
set_weak_key(const char *entry)
{
	gnutls_x509_privkey_t weak;
	gnutls_datum_t pem;

	ck_assert_int_eq(gnutls_x509_privkey_init(&weak), 0);
	ck_assert_int_eq(
		gnutls_x509_privkey_generate(weak, GNUTLS_PK_RSA, 1024, 0), 0);
	ck_assert_int_eq(
		gnutls_x509_privkey_export2(weak, GNUTLS_X509_FMT_PEM, &pem),
		0);
	set_bytes(entry, pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_privkey_deinit(weak);
}

static void
set_public_key(const char *entry)
{
	ACP_AUTO(buffer) struct acp_buffer pem;

	acp_buffer_init(&pem, 10000);
	acp_key_write_public(keys[3], &pem);
	set_bytes(entry, acp_buffer_peek(&pem), pem.size);
}

static void
set_json(const char *entry, struct json_object *value)
{
	json_object_object_add(member(object, "data"), entry, value);
}

/* One group of four digits over the bound. */
static void
set_large(const char *entry)
{
	size_t size =
		ACP_BASE64_BYTES_MAX(ACP_BASE64_LENGTH(ACP_KEY_FILE_MAX)) + 1;
	ACP_AUTO(free) char *bytes = acp_memory_new(size, 1);

	set_bytes(entry, bytes, size);
}

static void
do_damage(const char *entry, enum damage damage)
{
	switch (damage) {
	case REMOVED:
		json_object_object_del(member(object, "data"), entry);
		break;
	case A_NUMBER:
		set_json(entry, json_object_new_int(7));
		break;
	case NO_BASE64:
		set_json(entry, json_object_new_string("LS0t*S0="));
		break;
	case EMPTY:
		set_json(entry, json_object_new_string(""));
		break;
	case NO_PEM:
		set_bytes(entry, "hello\n", 6);
		break;
	case CUT:
		set_bytes(entry, "-----BEGIN RSA PRIVATE KEY-----\nMII", 35);
		break;
	case WEAK:
		set_weak_key(entry);
		break;
	case TOO_LARGE:
		set_large(entry);
		break;
	case A_PUBLIC_KEY:
		set_public_key(entry);
		break;
	case KEY_0:
		set_keys(entry, (const size_t[]){0}, 1);
		break;
	case KEY_1:
		set_keys(entry, (const size_t[]){1}, 1);
		break;
	case KEY_3:
		set_keys(entry, (const size_t[]){3}, 1);
		break;
	case KEYS_2_3:
		set_keys(entry, (const size_t[]){2, 3}, 2);
		break;
	}
}

START_TEST(each_damage_is_named)
{
	write_three();
	do_damage(damages[_i].entry, damages[_i].damage);
	ck_assert_int_eq(
		acp_key_secret_read(object, &secret, &why), ACP_BAD_REQUEST);
	ck_assert_msg(strstr(acp_buffer_peek(&why), damages[_i].said),
		"it said: %s", acp_buffer_peek(&why));
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why),
		"Secret runtime/ambient-cp-token-keypair: "));
	ck_assert_ptr_null(secret.current);
	ck_assert_ptr_null(secret.seen);
}
END_TEST

START_TEST(an_object_without_data_is_damaged)
{
	write_three();
	json_object_object_del(object, "data");
	ck_assert_int_eq(
		acp_key_secret_read(object, &secret, &why), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), "private.pem is missing"));
}
END_TEST

START_TEST(two_previous_keys_leave_no_room_for_a_next_one)
{
	write_three();
	json_object_object_del(member(object, "data"), "next.pem");
	set_keys("previous.pem", (const size_t[]){2, 3}, 2);
	ck_assert_int_eq(acp_key_secret_read(object, &secret, &why), ACP_OK);
	ck_assert_uint_eq(secret.previous_count, 2);
	check_id(secret.previous[0].key, 2);
	check_id(secret.previous[1].key, 3);
	/* nobody noted since when the second one is there */
	ck_assert_int_eq(secret.previous[0].since_s, SINCE_S - 7);
	ck_assert_int_eq(secret.previous[1].since_s, 0);
}
END_TEST

static const char *const bad_times[] = {"", "=", ",", ",,=,", "ID",
	"ID=", "ID=yesterday", "ID=2026-05-28", "IDx=2026-05-28T20:26:40Z",
	"0123456789abcdef=2026-05-28T20:26:40Z"};

START_TEST(a_time_that_cannot_be_read_is_missing)
{
	char note[100] = "";
	const char *text = bad_times[_i];

	write_three();
	if (strncmp(text, "ID", 2) == 0)
		snprintf(note, sizeof(note), "%s%s", acp_key_peek_id(keys[1]),
			text + 2);
	else
		snprintf(note, sizeof(note), "%s", text);
	json_object_object_add(
		member(member(object, "metadata"), "annotations"),
		ACP_KEY_SECRET_NEXT_SINCE, json_object_new_string(note));
	ck_assert_int_eq(acp_key_secret_read(object, &secret, &why), ACP_OK);
	ck_assert_int_eq(secret.next.since_s, 0);
	ck_assert_int_eq(secret.previous[0].since_s, SINCE_S - 7);
}
END_TEST

START_TEST(a_key_file_fills_a_secret)
{
	struct acp_keyring ring = {
		.keys = {keys[3], keys[2], keys[1], keys[0]}, .count = 4};
	struct acp_keyring listed;

	acp_key_secret_fill(&secret, &ring, SINCE_S);
	check_id(secret.current, 3);
	ck_assert_ptr_null(secret.next.key);
	/* three in all */
	ck_assert_uint_eq(secret.previous_count, 2);
	check_id(secret.previous[0].key, 2);
	check_id(secret.previous[1].key, 1);
	ck_assert_int_eq(secret.previous[1].since_s, SINCE_S);
	acp_keyring_init(&listed);
	acp_key_secret_list(&secret, &listed);
	ck_assert_uint_eq(listed.count, 3);
	check_id(listed.keys[0], 3);
	check_id(listed.keys[2], 1);
	acp_keyring_clear(&listed);
}
END_TEST

START_TEST(the_list_has_the_order_of_the_key_file)
{
	struct acp_keyring listed;

	write_three();
	ck_assert_int_eq(acp_key_secret_read(object, &secret, &why), ACP_OK);
	acp_keyring_init(&listed);
	acp_key_secret_list(&secret, &listed);
	ck_assert_uint_eq(listed.count, 3);
	for (size_t i = 0; i < 3; i++)
		check_id(listed.keys[i], i);
	acp_keyring_clear(&listed);
}
END_TEST

static Suite *
key_secret_suite(void)
{
	Suite *suite = suite_create("key_secret");
	TCase *tcase = tcase_create("key_secret");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, what_is_written_is_read_back);
	tcase_add_test(tcase, the_object_is_as_the_reference_has_it);
	tcase_add_test(tcase, an_owner_is_named_when_there_is_one);
	tcase_add_test(tcase, pkcs8_is_read_and_pkcs1_written);
	tcase_add_test(tcase, what_is_foreign_in_it_stays);
	tcase_add_loop_test(tcase, each_damage_is_named, 0,
		(int)(sizeof(damages) / sizeof(damages[0])));
	tcase_add_test(tcase, an_object_without_data_is_damaged);
	tcase_add_test(tcase, two_previous_keys_leave_no_room_for_a_next_one);
	tcase_add_loop_test(tcase, a_time_that_cannot_be_read_is_missing, 0,
		(int)(sizeof(bad_times) / sizeof(bad_times[0])));
	tcase_add_test(tcase, a_key_file_fills_a_secret);
	tcase_add_test(tcase, the_list_has_the_order_of_the_key_file);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(key_secret_suite)
