/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/plan_gate.c: what is too much, what does not count, and how a
 * held set is told and released.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct acp_world world;
static struct acp_plan plan;

static void
set_up(void)
{
	acp_world_init(&world);
	acp_plan_init(&plan);
}

static void
tear_down(void)
{
	acp_plan_clear(&plan);
	acp_world_clear(&world);
}

static const char *
name(const char *form, int number)
{
	return acp_plan_text(&plan, "%s%d", form, number);
}

/* Accounts of sessions in one project; those below rows have a row. */
static void
add_sessions(int count, int rows)
{
	for (int i = 0; i < count; i++) {
		struct acp_object *object = acp_world_add_object(
			&world.objects[ACP_KIND_SERVICE_ACCOUNT]);

		object->kind = ACP_KIND_SERVICE_ACCOUNT;
		object->namespace = "p";
		object->session_id = name("session-", i);
		object->name = acp_plan_text(&plan, "session-session-%d-sa", i);
		object->anchor_key_id = "key";
		if (i < rows)
			*acp_world_add_session(&world) =
				(struct acp_session_row){
					.id = object->session_id};
	}
}

static void
add_project(const char *id, bool has_row)
{
	struct acp_object *object =
		acp_world_add_object(&world.objects[ACP_KIND_NAMESPACE]);

	object->kind = ACP_KIND_NAMESPACE;
	object->name = id;
	object->project_id = id;
	if (has_row)
		*acp_world_add_project(&world) =
			(struct acp_project_row){.id = id};
}

static void
add_candidate(enum acp_verb verb, const char *subject)
{
	const struct acp_ref ref = {ACP_KIND_SERVICE_ACCOUNT, "p", "x"};
	struct acp_action *action =
		acp_plan_add(&plan, verb, &ref, subject, "it is absent");

	action->subject = subject;
	action->is_absence = true;
}

static void
add_absence(const char *subject)
{
	add_candidate(ACP_VERB_DELETE, subject);
}

struct limit {
	int sessions; /* managed ones, all with a row but the absent */
	int absent;
	int namespaces; /* absent ones, beside one that is there */
	bool is_held;
};

static const struct limit limits[] = {
	{100, 0, 0, false},
	{100, 20, 0, false},
	{100, 21, 0, true},
	{10, 5, 0, false},
	{10, 6, 0, true},
	{30, 6, 0, false},
	{29, 6, 0, true},
	{1, 1, 0, false}, /* the one session there is */
	{2, 2, 0, true}, /* all of two */
	{3, 3, 0, true},
	{3, 2, 0, false},
	{0, 0, 1, false},
	{0, 0, 2, false},
	{0, 0, 3, true},
	{100, 20, 2, false},
	{100, 1, 3, true},
};

START_TEST(more_than_the_limits_is_held_and_as_much_is_not)
{
	const struct limit *row = &limits[_i];

	add_project("there", true);
	add_sessions(row->sessions, row->sessions - row->absent);
	for (int i = row->sessions - row->absent; i < row->sessions; i++)
		add_absence(name("session/session-", i));
	for (int i = 0; i < row->namespaces; i++) {
		add_project(name("gone", i), false);
		add_absence(name("project/gone", i));
	}
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, row->is_held ? plan.count : 0);
	ck_assert_int_eq(plan.held_digest[0] != '\0', row->is_held);
	for (size_t i = 0; i < plan.count; i++)
		ck_assert_int_eq(plan.actions[i].is_held, row->is_held);
}
END_TEST

START_TEST(any_deletion_is_held_while_no_managed_row_could_be_read)
{
	add_project("p1", false);
	add_absence("project/p1");
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, 1);
}
END_TEST

START_TEST(a_row_of_something_that_is_not_managed_does_not_open_the_gate)
{
	add_project("p1", false);
	add_absence("project/p1");
	*acp_world_add_project(&world) = (struct acp_project_row){.id = "new"};
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, 1);
}
END_TEST

START_TEST(stops_and_repairs_never_count_and_are_never_held)
{
	add_project("there", true);
	for (int i = 0; i < 50; i++) {
		add_absence(name("session/session-", i));
		plan.actions[plan.count - 1].is_absence = i < 3;
	}
	add_sessions(60, 0);
	acp_world_sort(&world);
	add_absence("session/session-50");
	add_absence("session/session-51");
	add_absence("session/session-52");
	acp_plan_gate(&world, &plan, NULL);
	/* six, and none has a row */
	ck_assert_uint_eq(plan.held, 6);
	ck_assert(plan.actions[0].is_held);
	ck_assert(!plan.actions[10].is_held);
}
END_TEST

/* Thirty real ones, six absent: held or not is not for tenants to say. */
START_TEST(accounts_that_a_tenant_made_up_do_not_dilute_the_share)
{
	add_project("there", true);
	add_sessions(200, 23);
	for (int i = 23; i < 29; i++)
		add_absence(name("session/session-", i));
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, 6);
}
END_TEST

/* The same by accounts of sessions that a tenant has, or had long ago. */
START_TEST(accounts_that_have_no_anchor_do_not_count)
{
	add_project("there", true);
	add_sessions(60, 60);
	for (size_t i = 20; i < 60; i++)
		world.objects[ACP_KIND_SERVICE_ACCOUNT].items[i].anchor_key_id =
			NULL;
	for (int i = 60; i < 66; i++)
		add_absence(name("session/session-", i));
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, 6);
}
END_TEST

START_TEST(accounts_that_are_kept_from_going_do_not_dilute_the_share)
{
	struct acp_objects *accounts = &world.objects[ACP_KIND_SERVICE_ACCOUNT];

	add_sessions(100, 94);
	for (int i = 8; i < 94; i++)
		accounts->items[i].deleted_s = 1;
	for (int i = 94; i < 100; i++)
		add_absence(name("session/session-", i));
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, 6);
}
END_TEST

/* Rows of no project, or said to run, or whose pods their owner deleted. */
static void
add_brought_about(int count)
{
	for (int i = 0; i < count; i++)
		add_candidate(i % 2 ? ACP_VERB_PHASE : ACP_VERB_PROVISION,
			name("session/session-", i));
}

START_TEST(what_users_bring_about_holds_up_nothing_but_itself)
{
	add_sessions(10, 9);
	add_absence("session/session-9");
	add_brought_about(6);
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, 6);
	ck_assert(!plan.actions[0].is_held);
}
END_TEST

START_TEST(what_is_held_beside_it_is_released_without_it)
{
	char digest[sizeof(plan.held_digest)];

	add_sessions(12, 6);
	for (int i = 6; i < 12; i++)
		add_absence(name("session/session-", i));
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	memcpy(digest, plan.held_digest, sizeof(digest));
	plan.held = 0;
	add_brought_about(6);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, 12);
	ck_assert_str_eq(plan.held_digest, digest);
	plan.held = 0;
	acp_plan_gate(&world, &plan, digest);
	ck_assert_uint_eq(plan.held, 6);
	ck_assert(!plan.actions[0].is_held);
	ck_assert(plan.actions[6].is_held);
	ck_assert_str_ne(plan.held_digest, digest);
}
END_TEST

START_TEST(one_session_with_several_actions_counts_once)
{
	add_project("there", true);
	add_sessions(40, 38);
	for (int i = 0; i < 20; i++)
		add_absence(
			i % 2 ? "session/session-38" : "session/session-39");
	acp_world_sort(&world);
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_uint_eq(plan.held, 0);
}
END_TEST

START_TEST(the_digest_is_of_the_set_whatever_its_order)
{
	char digest[sizeof(plan.held_digest)];

	add_absence("project/a");
	add_absence("project/b");
	add_absence("session/c");
	acp_plan_gate(&world, &plan, NULL);
	memcpy(digest, plan.held_digest, sizeof(digest));
	/* SHA-256 of the texts in order, each with its NUL */
	ck_assert_str_eq(digest, "f65b388f7e394712");
	acp_plan_clear(&plan);
	acp_plan_init(&plan);
	add_absence("session/c");
	add_absence("project/b");
	add_absence("project/a");
	add_absence("project/b");
	acp_plan_gate(&world, &plan, NULL);
	ck_assert_str_eq(plan.held_digest, digest);
	ck_assert_uint_eq(plan.held, 4);
}
END_TEST

START_TEST(a_set_is_released_by_its_digest_and_no_other_set_is)
{
	char digest[sizeof(plan.held_digest)];

	add_absence("project/a");
	add_absence("project/b");
	add_absence("project/c");
	acp_plan_gate(&world, &plan, "0123456789abcdef");
	ck_assert_uint_eq(plan.held, 3);
	memcpy(digest, plan.held_digest, sizeof(digest));
	acp_plan_clear(&plan);
	acp_plan_init(&plan);
	add_absence("project/a");
	add_absence("project/b");
	add_absence("project/c");
	acp_plan_gate(&world, &plan, digest);
	ck_assert_uint_eq(plan.held, 0);
	ck_assert_str_eq(plan.held_digest, "");
	ck_assert(!plan.actions[0].is_held);
	add_absence("project/d");
	acp_plan_gate(&world, &plan, digest);
	ck_assert_uint_eq(plan.held, 4);
}
END_TEST

static Suite *
plan_gate_suite(void)
{
	Suite *suite = suite_create("plan_gate");
	TCase *tcase = tcase_create("plan_gate");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase,
		more_than_the_limits_is_held_and_as_much_is_not, 0,
		COUNT(limits));
	tcase_add_test(
		tcase, any_deletion_is_held_while_no_managed_row_could_be_read);
	tcase_add_test(tcase,
		a_row_of_something_that_is_not_managed_does_not_open_the_gate);
	tcase_add_test(tcase, stops_and_repairs_never_count_and_are_never_held);
	tcase_add_test(
		tcase, accounts_that_a_tenant_made_up_do_not_dilute_the_share);
	tcase_add_test(tcase, accounts_that_have_no_anchor_do_not_count);
	tcase_add_test(tcase,
		accounts_that_are_kept_from_going_do_not_dilute_the_share);
	tcase_add_test(
		tcase, what_users_bring_about_holds_up_nothing_but_itself);
	tcase_add_test(tcase, what_is_held_beside_it_is_released_without_it);
	tcase_add_test(tcase, one_session_with_several_actions_counts_once);
	tcase_add_test(tcase, the_digest_is_of_the_set_whatever_its_order);
	tcase_add_test(
		tcase, a_set_is_released_by_its_digest_and_no_other_set_is);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(plan_gate_suite)
