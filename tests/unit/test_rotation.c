/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/rotation.c: which step is due when, and that no key goes while
 * a pod may need it.
 */
#include <config.h>

#include "reconciler/rotation.h"

#include "tests/unit/four_keys.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum {
	NOW_S = 1780000000,
	NEXT_S = ACP_ROTATION_NEXT_S,
	OLD_S = ACP_ROTATION_PREVIOUS_S,
	AHEAD_S = ACP_ROTATION_AHEAD_S,
	NEVER = -1, /* no such key */
	UNNOTED = -2, /* a key without a time */
};

static struct acp_key_secret secret;
static struct acp_buffer why;

static void
start(void)
{
	acp_buffer_init(&why, 10000);
	acp_key_secret_init(&secret);
	secret.current = acp_key_dup(keys[0]);
}

static void
stop(void)
{
	acp_buffer_clear(&why);
	acp_key_secret_clear(&secret);
}

/* A key in a role for so many seconds at NOW_S. */
static struct acp_aged_key
age(size_t index, int64_t age_s)
{
	return (struct acp_aged_key){
		.key = acp_key_dup(keys[index]),
		.since_s = age_s == UNNOTED ? 0 : NOW_S - age_s,
	};
}

/* Ages: next is key 1, previous ones are keys 2 and 3, newest first. */
static void
fill(int64_t next, int64_t newer, int64_t older)
{
	if (next != NEVER)
		secret.next = age(1, next);
	if (newer != NEVER)
		secret.previous[secret.previous_count++] = age(2, newer);
	if (older != NEVER)
		secret.previous[secret.previous_count++] = age(3, older);
}

/* Pods by letters: 0 to 3 made under that key, "-" unmarked, "x" unknown. */
static struct acp_key_marks
read_pods(const char *pods)
{
	static const char *ids[16];
	struct acp_key_marks marks = {.is_known = pods, .ids = ids};

	for (; pods && *pods; pods++) {
		ids[marks.count] = *pods == '-' ? NULL
			: *pods == 'x'		? "0000000000000000"
				       : acp_key_peek_id(keys[*pods - '0']);
		marks.count++;
	}
	return marks;
}

static const struct {
	int64_t next, newer, older; /* ages */
	const char *pods; /* NULL: the list is not known */
	enum acp_rotation_step step;
	int key; /* that it is about */
} plans[] = {
	/* nothing to do */
	{NEVER, NEVER, NEVER, "", ACP_ROTATION_NOTHING, -1},
	{NEVER, NEVER, NEVER, "0-x", ACP_ROTATION_NOTHING, -1},
	/* the next key becomes current two minutes after it was added */
	{0, NEVER, NEVER, "", ACP_ROTATION_NOTHING, -1},
	{NEXT_S - 1, NEVER, NEVER, "", ACP_ROTATION_NOTHING, -1},
	{NEXT_S, NEVER, NEVER, "", ACP_ROTATION_PROMOTE, 1},
	{NEXT_S, NEVER, NEVER, NULL, ACP_ROTATION_PROMOTE, 1},
	{NEXT_S, OLD_S, NEVER, "", ACP_ROTATION_PROMOTE, 1},
	/* a time that is missing, or lies far ahead, is noted first */
	{UNNOTED, NEVER, NEVER, "", ACP_ROTATION_STAMP, -1},
	{-AHEAD_S, NEVER, NEVER, "", ACP_ROTATION_NOTHING, -1},
	{-AHEAD_S - 1, NEVER, NEVER, "", ACP_ROTATION_STAMP, -1},
	{NEXT_S, UNNOTED, NEVER, "", ACP_ROTATION_STAMP, -1},
	{NEVER, OLD_S, UNNOTED, "", ACP_ROTATION_STAMP, -1},
	{NEVER, OLD_S, -OLD_S, "", ACP_ROTATION_STAMP, -1},
	/* a previous key goes after a day, when no pod was made under it */
	{NEVER, OLD_S - 1, NEVER, "", ACP_ROTATION_NOTHING, -1},
	{NEVER, OLD_S, NEVER, "", ACP_ROTATION_DROP, 2},
	{NEVER, OLD_S, NEVER, "0x", ACP_ROTATION_DROP, 2},
	{NEVER, OLD_S, NEVER, "02", ACP_ROTATION_NOTHING, -1},
	{NEVER, OLD_S, NEVER, NULL, ACP_ROTATION_NOTHING, -1},
	/* an unmarked pod counts for the oldest */
	{NEVER, OLD_S, NEVER, "0-", ACP_ROTATION_NOTHING, -1},
	{NEVER, OLD_S, OLD_S, "-", ACP_ROTATION_DROP, 2},
	{NEVER, OLD_S, OLD_S, "2", ACP_ROTATION_DROP, 3},
	{NEVER, OLD_S, OLD_S, "", ACP_ROTATION_DROP, 3},
	{NEVER, OLD_S, OLD_S, "2-", ACP_ROTATION_NOTHING, -1},
	{NEVER, OLD_S, OLD_S, "23", ACP_ROTATION_NOTHING, -1},
	{NEVER, 60, OLD_S, "2", ACP_ROTATION_DROP, 3},
	{NEVER, 60, OLD_S, "3", ACP_ROTATION_NOTHING, -1},
	/* one that waits for promotion does not keep an old one */
	{1, OLD_S, NEVER, "", ACP_ROTATION_DROP, 2},
};

START_TEST(the_step_that_is_due_is_planned)
{
	struct acp_key_marks marks = read_pods(plans[_i].pods);
	struct acp_rotation rotation;

	fill(plans[_i].next, plans[_i].newer, plans[_i].older);
	rotation = acp_rotation_plan(&secret, NOW_S, &marks);
	ck_assert_int_eq(rotation.step, plans[_i].step);
	ck_assert_str_eq(rotation.key_id,
		plans[_i].key < 0 ? "" : acp_key_peek_id(keys[plans[_i].key]));
}
END_TEST

START_TEST(nothing_is_due_while_the_time_is_unknown)
{
	struct acp_key_marks marks = read_pods("");

	fill(NEXT_S, OLD_S, NEVER);
	ck_assert_int_eq(acp_rotation_plan(&secret, 0, &marks).step,
		ACP_ROTATION_NOTHING);
}
END_TEST

static void
check_id(const struct acp_key *key, size_t index)
{
	ck_assert_ptr_nonnull(key);
	ck_assert_str_eq(acp_key_peek_id(key), acp_key_peek_id(keys[index]));
}

START_TEST(a_promotion_moves_every_key_by_one)
{
	struct acp_key_marks marks = read_pods("");
	struct acp_rotation rotation;

	fill(NEXT_S, 60, NEVER);
	rotation = acp_rotation_plan(&secret, NOW_S, &marks);
	acp_rotation_apply(&secret, &rotation, NOW_S);
	check_id(secret.current, 1);
	ck_assert_ptr_null(secret.next.key);
	ck_assert_uint_eq(secret.previous_count, 2);
	check_id(secret.previous[0].key, 0);
	ck_assert_int_eq(secret.previous[0].since_s, NOW_S);
	check_id(secret.previous[1].key, 2);
	ck_assert_int_eq(secret.previous[1].since_s, NOW_S - 60);
	rotation = acp_rotation_plan(&secret, NOW_S, &marks);
	ck_assert_int_eq(rotation.step, ACP_ROTATION_NOTHING);
}
END_TEST

START_TEST(times_are_noted_where_they_are_missing)
{
	struct acp_key_marks marks = read_pods("");
	struct acp_rotation rotation;

	fill(-OLD_S, UNNOTED, NEVER);
	rotation = acp_rotation_plan(&secret, NOW_S, &marks);
	acp_rotation_apply(&secret, &rotation, NOW_S);
	ck_assert_int_eq(secret.next.since_s, NOW_S);
	ck_assert_int_eq(secret.previous[0].since_s, NOW_S);
	rotation = acp_rotation_plan(&secret, NOW_S, &marks);
	ck_assert_int_eq(rotation.step, ACP_ROTATION_NOTHING);
}
END_TEST

START_TEST(a_drop_takes_one_key)
{
	struct acp_key_marks marks = read_pods("-");
	struct acp_rotation rotation;

	fill(NEVER, OLD_S, OLD_S + 1);
	rotation = acp_rotation_plan(&secret, NOW_S, &marks);
	acp_rotation_apply(&secret, &rotation, NOW_S);
	check_id(secret.current, 0);
	ck_assert_uint_eq(secret.previous_count, 1);
	check_id(secret.previous[0].key, 3);
	ck_assert_int_eq(secret.previous[0].since_s, NOW_S - OLD_S - 1);
}
END_TEST

static const struct {
	int64_t next, newer, older, now_s;
	const char *said; /* NULL: a key may be added */
} additions[] = {
	{NEVER, NEVER, NEVER, NOW_S, NULL},
	{NEVER, 60, NEVER, NOW_S, NULL},
	{1, NEVER, NEVER, NOW_S, "under way already"},
	{1, 60, NEVER, NOW_S, "under way already"},
	{NEVER, 60, 90, NOW_S, "there are 3 keys"},
	{NEVER, NEVER, NEVER, 0, "did not tell its time"},
};

START_TEST(a_next_key_is_added_where_there_is_room)
{
	fill(additions[_i].next, additions[_i].newer, additions[_i].older);
	if (additions[_i].said) {
		ck_assert_int_eq(acp_rotation_may_add(
					 &secret, additions[_i].now_s, &why),
			ACP_DENIED);
		ck_assert_ptr_nonnull(
			strstr(acp_buffer_peek(&why), additions[_i].said));
		return;
	}
	ck_assert_int_eq(acp_rotation_may_add(&secret, NOW_S, &why), ACP_OK);
	acp_rotation_take_next(&secret, acp_key_dup(keys[1]), NOW_S);
	check_id(secret.current, 0);
	check_id(secret.next.key, 1);
	ck_assert_int_eq(secret.next.since_s, NOW_S);
}
END_TEST

START_TEST(a_previous_key_is_revoked_at_once)
{
	fill(1, 60, NEVER);
	ck_assert_int_eq(
		acp_rotation_revoke(&secret, acp_key_peek_id(keys[2]), &why),
		ACP_OK);
	check_id(secret.current, 0);
	check_id(secret.next.key, 1);
	ck_assert_uint_eq(secret.previous_count, 0);
}
END_TEST

START_TEST(a_next_key_is_revoked_at_once)
{
	fill(1, 60, NEVER);
	ck_assert_int_eq(
		acp_rotation_revoke(&secret, acp_key_peek_id(keys[1]), &why),
		ACP_OK);
	check_id(secret.current, 0);
	ck_assert_ptr_null(secret.next.key);
	ck_assert_uint_eq(secret.previous_count, 1);
}
END_TEST

START_TEST(the_current_key_is_revoked_when_another_takes_its_place)
{
	const char *id = acp_key_peek_id(keys[0]);

	ck_assert_int_eq(acp_rotation_revoke(&secret, id, &why), ACP_DENIED);
	ck_assert_ptr_nonnull(
		strstr(acp_buffer_peek(&why), "give --rotate-key first"));
	check_id(secret.current, 0);
	fill(0, 60, NEVER);
	ck_assert_int_eq(acp_rotation_revoke(&secret, id, &why), ACP_OK);
	check_id(secret.current, 1);
	ck_assert_ptr_null(secret.next.key);
	ck_assert_uint_eq(secret.previous_count, 1);
	check_id(secret.previous[0].key, 2);
}
END_TEST

START_TEST(an_unknown_key_cannot_be_revoked)
{
	fill(1, 60, NEVER);
	ck_assert_int_eq(
		acp_rotation_revoke(&secret, acp_key_peek_id(keys[3]), &why),
		ACP_GONE);
	ck_assert_uint_eq(acp_key_secret_get_count(&secret), 3);
}
END_TEST

START_TEST(pods_of_a_revoked_key_are_known)
{
	struct acp_keyring ring = {.keys = {keys[0], keys[1]}, .count = 2};

	ck_assert(!acp_rotation_is_revoked(&ring, acp_key_peek_id(keys[0])));
	ck_assert(!acp_rotation_is_revoked(&ring, acp_key_peek_id(keys[1])));
	ck_assert(acp_rotation_is_revoked(&ring, acp_key_peek_id(keys[2])));
	/* nothing is known of a pod without a mark */
	ck_assert(!acp_rotation_is_revoked(&ring, NULL));
}
END_TEST

START_TEST(the_marks_of_a_world_are_collected)
{
	struct acp_world world;
	struct acp_object pods[2] = {
		{.marks = {[ACP_MARK_TOKEN_KEY_ID] = "0123456789abcdef"}}};
	struct acp_object accounts[3] = {{.anchor_key_id = NULL},
		{.anchor_key_id = "fedcba9876543210"},
		{.anchor_key_id = "0123456789abcdef", .deleted_s = 1}};
	struct acp_key_marks marks;

	memset(&world, 0, sizeof(world));
	world.arena = acp_arena_new();
	marks = acp_rotation_collect(&world);
	ck_assert(!marks.is_known);
	world.objects[ACP_KIND_POD] = (struct acp_objects){
		.items = pods, .count = 2, .is_known = true};
	marks = acp_rotation_collect(&world);
	ck_assert(!marks.is_known);
	world.objects[ACP_KIND_SERVICE_ACCOUNT] = (struct acp_objects){
		.items = accounts, .count = 3, .is_known = true};
	marks = acp_rotation_collect(&world);
	ck_assert(marks.is_known);
	ck_assert_uint_eq(marks.count, 3);
	ck_assert_str_eq(marks.ids[0], "0123456789abcdef");
	ck_assert_ptr_null(marks.ids[1]);
	ck_assert_str_eq(marks.ids[2], "fedcba9876543210");
	acp_arena_free(&world.arena);
}
END_TEST

static Suite *
rotation_suite(void)
{
	Suite *suite = suite_create("rotation");
	TCase *tcase = tcase_create("rotation");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, the_step_that_is_due_is_planned, 0,
		(int)(sizeof(plans) / sizeof(plans[0])));
	tcase_add_test(tcase, nothing_is_due_while_the_time_is_unknown);
	tcase_add_test(tcase, a_promotion_moves_every_key_by_one);
	tcase_add_test(tcase, times_are_noted_where_they_are_missing);
	tcase_add_test(tcase, a_drop_takes_one_key);
	tcase_add_loop_test(tcase, a_next_key_is_added_where_there_is_room, 0,
		(int)(sizeof(additions) / sizeof(additions[0])));
	tcase_add_test(tcase, a_previous_key_is_revoked_at_once);
	tcase_add_test(tcase, a_next_key_is_revoked_at_once);
	tcase_add_test(
		tcase, the_current_key_is_revoked_when_another_takes_its_place);
	tcase_add_test(tcase, an_unknown_key_cannot_be_revoked);
	tcase_add_test(tcase, pods_of_a_revoked_key_are_known);
	tcase_add_test(tcase, the_marks_of_a_world_are_collected);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(rotation_suite)
