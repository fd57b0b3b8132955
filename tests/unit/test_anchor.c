/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/anchor.c: the sign of another implementation, which key proves
 * what, and that no sign of one account does for another.
 */
#include <config.h>

#include "reconciler/anchor.h"

#include "reconciler/session_name.h"
#include "tests/unit/unit.h"
#include "tests/unit/vector_key.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ID "Session0001"

enum { MADE = 1800000000 };

/* By python3-cryptography, from the key of tests/data. */
static const char vector[] =
	"1800000000.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8";

static const struct acp_anchor anchor = {.instance = "main",
	.namespace = "p1",
	.namespace_uid = "uid-of-p1",
	.session_id = ID,
	.created_s = MADE};

static struct acp_keyring ring;

static void
set_up(void)
{
	acp_keyring_init(&ring);
	vector_key_add(&ring);
}

static void
tear_down(void)
{
	acp_keyring_clear(&ring);
}

START_TEST(the_sign_is_that_of_another_implementation)
{
	char mark[ACP_ANCHOR_SIZE];

	acp_anchor_write(ring.keys[0], &anchor, mark);
	ck_assert_str_eq(mark, vector);
	ck_assert_ptr_eq(
		acp_anchor_find_key(&ring, &anchor, vector), ring.keys[0]);
}
END_TEST

START_TEST(every_key_of_the_ring_proves_and_no_other_does)
{
	struct acp_keyring old = {.count = 0};
	char mark[ACP_ANCHOR_SIZE];

	for (int i = 0; i < 2; i++)
		vector_key_add_other(&ring);
	for (size_t i = 0; i < ring.count; i++) {
		acp_anchor_write(ring.keys[i], &anchor, mark);
		ck_assert_ptr_eq(acp_anchor_find_key(&ring, &anchor, mark),
			ring.keys[i]);
	}
	old.keys[old.count++] = ring.keys[0];
	ck_assert_ptr_null(acp_anchor_find_key(&old, &anchor, mark));
	old.count = 0;
	ck_assert_ptr_null(acp_anchor_find_key(&old, &anchor, vector));
}
END_TEST

static const struct acp_anchor others[] = {
	{"other", "p1", "uid-of-p1", ID, MADE},
	{"main", "p2", "uid-of-p1", ID, MADE},
	{"main", "p1", "uid-of-p2", ID, MADE},
	{"main", "p1", "uid-of-p1", "Session0002", MADE},
	{"main", "p1", "uid-of-p1", "session0001", MADE},
	/* the parts may not flow into each other */
	{"mainp1", "", "uid-of-p1", ID, MADE},
	{"main", "p1uid-of-p1", "", ID, MADE},
	/* made again, perhaps by somebody else */
	{"main", "p1", "uid-of-p1", ID, MADE + ACP_ANCHOR_APART_S + 1},
	{"main", "p1", "uid-of-p1", ID, MADE - ACP_ANCHOR_APART_S - 1},
	{"main", "p1", "uid-of-p1", ID, 0},
};

START_TEST(a_sign_proves_nothing_of_another_account)
{
	ck_assert_ptr_null(acp_anchor_find_key(&ring, &others[_i], vector));
}
END_TEST

START_TEST(the_time_may_be_a_little_off)
{
	struct acp_anchor seen = anchor;

	seen.created_s = MADE + ACP_ANCHOR_APART_S;
	ck_assert_ptr_nonnull(acp_anchor_find_key(&ring, &seen, vector));
	seen.created_s = MADE - ACP_ANCHOR_APART_S;
	ck_assert_ptr_nonnull(acp_anchor_find_key(&ring, &seen, vector));
}
END_TEST

static const char *const forgeries[] = {NULL, "", ".", "1800000000",
	"1800000000.", "1800000000.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_",
	"1800000000.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_9",
	"1800000000.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8=",
	"1800000000.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8 ",
	"1800000001.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8",
	"+1800000000.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8",
	"01800000000.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8",
	"-1.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8",
	"99999999999999999999.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8",
	"9223372036854775807.aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8",
	"999999999999999999999999999999999999999999999999999999999999999999999"
	"99999999999999999999999999999999999999999999999999999999999999999999"};

START_TEST(what_was_altered_or_made_up_proves_nothing)
{
	ck_assert_ptr_null(acp_anchor_find_key(&ring, &anchor, forgeries[_i]));
}
END_TEST

START_TEST(an_account_is_judged_by_its_place_and_name)
{
	struct acp_world world;
	const struct acp_site site = {.instance = "main"};
	struct acp_session_names names;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_object *namespace, *account;

	acp_buffer_init(&why, 1000);
	ck_assert_int_eq(acp_session_names_write(ID, &names, &why), ACP_OK);
	acp_world_init(&world);
	namespace = acp_world_add_object(&world.objects[ACP_KIND_NAMESPACE]);
	*namespace = (struct acp_object){
		.kind = ACP_KIND_NAMESPACE, .name = "p1", .uid = "uid-of-p1"};
	account =
		acp_world_add_object(&world.objects[ACP_KIND_SERVICE_ACCOUNT]);
	*account = (struct acp_object){.kind = ACP_KIND_SERVICE_ACCOUNT,
		.namespace = "p1",
		.name = names.account,
		.session_id = ID,
		.created_s = MADE,
		.marks = {[ACP_MARK_ANCHOR] = vector}};
	acp_world_sort(&world);
	acp_anchor_judge(&world, &site);
	ck_assert_ptr_null(account->anchor_key_id);
	world.keys = &ring;
	acp_anchor_judge(&world, &site);
	ck_assert_str_eq(account->anchor_key_id, acp_key_peek_id(ring.keys[0]));
	account->name = names.pod;
	acp_anchor_judge(&world, &site);
	ck_assert_ptr_null(account->anchor_key_id);
	account->name = names.account;
	account->session_id = NULL;
	acp_anchor_judge(&world, &site);
	ck_assert_ptr_null(account->anchor_key_id);
	/* by its name, whatever its labels say now */
	ck_assert_ptr_eq(
		acp_anchor_find_account_key(&world, &site, account, ID),
		ring.keys[0]);
	namespace->uid = "of the namespace that was made again";
	account->session_id = ID;
	acp_anchor_judge(&world, &site);
	ck_assert_ptr_null(account->anchor_key_id);
	acp_world_clear(&world);
}
END_TEST

static Suite *
anchor_suite(void)
{
	Suite *suite = suite_create("anchor");
	TCase *tcase = tcase_create("anchor");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	/* keys of 2048 bits take their time under memcheck */
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, the_sign_is_that_of_another_implementation);
	tcase_add_test(tcase, every_key_of_the_ring_proves_and_no_other_does);
	tcase_add_loop_test(tcase, a_sign_proves_nothing_of_another_account, 0,
		COUNT(others));
	tcase_add_test(tcase, the_time_may_be_a_little_off);
	tcase_add_loop_test(tcase, what_was_altered_or_made_up_proves_nothing,
		0, COUNT(forgeries));
	tcase_add_test(tcase, an_account_is_judged_by_its_place_and_name);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(anchor_suite)
