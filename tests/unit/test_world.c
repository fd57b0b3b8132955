/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/world.c: whatever order things were added in, they are found,
 * and only they.
 */
#include <config.h>

#include "reconciler/world.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 1000 };

static struct acp_world world;

static void
set_up(void)
{
	acp_world_init(&world);
}

static void
tear_down(void)
{
	acp_world_clear(&world);
}

static const char *
name(const char *form, int number)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%d", form, number);
	return acp_arena_dup(world.arena, text);
}

static void
add_role(const char *namespace, const char *role)
{
	struct acp_object *object =
		acp_world_add_object(&world.objects[ACP_KIND_ROLE]);

	object->kind = ACP_KIND_ROLE;
	object->namespace = namespace;
	object->name = role;
}

START_TEST(nothing_is_found_in_an_empty_world)
{
	const struct acp_ref ref = {ACP_KIND_ROLE, "n", "r"};
	size_t count = 1;

	acp_world_sort(&world);
	ck_assert_ptr_null(acp_world_find_project(&world, "p"));
	ck_assert_ptr_null(acp_world_find_settings(&world, "p"));
	ck_assert_ptr_null(acp_world_find_session(&world, "s"));
	ck_assert_ptr_null(acp_world_find_object(&world, &ref));
	ck_assert_ptr_null(acp_world_find_foreign(&world, &ref));
	ck_assert_ptr_null(
		acp_world_find_in(&world, ACP_KIND_ROLE, "n", &count));
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(
		acp_world_find_answer(NULL, 0, "p"), ACP_PRESENCE_UNKNOWN);
}
END_TEST

START_TEST(rows_are_found_by_id_whatever_their_order)
{
	for (int i = 0; i < MANY; i++) {
		int number = i * 7 % MANY;

		acp_world_add_project(&world)->id = name("p", number);
		acp_world_add_settings(&world)->project_id = name("p", number);
		acp_world_add_session(&world)->id = name("s", number);
		acp_world_add_project_answer(
			&world, name("a", number), ACP_PRESENCE_GONE);
		acp_world_add_session_answer(
			&world, name("b", number), ACP_PRESENCE_THERE);
	}
	acp_world_sort(&world);
	for (int i = 0; i < MANY; i++) {
		ck_assert_str_eq(
			acp_world_find_project(&world, name("p", i))->id,
			name("p", i));
		ck_assert_str_eq(acp_world_find_settings(&world, name("p", i))
					 ->project_id,
			name("p", i));
		ck_assert_str_eq(
			acp_world_find_session(&world, name("s", i))->id,
			name("s", i));
		ck_assert_int_eq(
			acp_world_find_answer(world.asked_projects,
				world.asked_project_count, name("a", i)),
			ACP_PRESENCE_GONE);
		ck_assert_int_eq(
			acp_world_find_answer(world.asked_sessions,
				world.asked_session_count, name("b", i)),
			ACP_PRESENCE_THERE);
	}
	ck_assert_ptr_null(acp_world_find_project(&world, "P1"));
	ck_assert_ptr_null(acp_world_find_project(&world, ""));
}
END_TEST

START_TEST(objects_are_found_by_namespace_and_name)
{
	struct acp_ref ref = {ACP_KIND_ROLE, NULL, "r3"};
	size_t count;

	for (int i = MANY; i > 0; i--)
		add_role(name("n", i % 10), name("r", i));
	add_role(NULL, "r3");
	acp_world_sort(&world);
	ck_assert_ptr_null(acp_world_find_object(&world, &ref)->namespace);
	ref.namespace = "n3";
	ck_assert_str_eq(acp_world_find_object(&world, &ref)->namespace, "n3");
	ref.namespace = "n4";
	ck_assert_ptr_null(acp_world_find_object(&world, &ref));
	ref = (struct acp_ref){ACP_KIND_ROLE_BINDING, "n3", "r3"};
	ck_assert_ptr_null(acp_world_find_object(&world, &ref));
	for (int i = 0; i < 10; i++) {
		const struct acp_object *first = acp_world_find_in(
			&world, ACP_KIND_ROLE, name("n", i), &count);

		ck_assert_uint_eq(count, MANY / 10);
		for (size_t at = 0; at < count; at++)
			ck_assert_str_eq(first[at].namespace, name("n", i));
	}
	ck_assert_ptr_null(
		acp_world_find_in(&world, ACP_KIND_ROLE, "n", &count));
	ck_assert_ptr_null(
		acp_world_find_in(&world, ACP_KIND_ROLE, "z", &count));
}
END_TEST

START_TEST(foreign_namespaces_of_two_kinds_are_told_apart)
{
	struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL, "p1"};
	struct acp_object *object;

	object = acp_world_add_object(&world.foreign_namespaces);
	object->kind = ACP_KIND_TENANT_NAMESPACE;
	object->namespace = "config";
	object->name = "p1";
	acp_world_sort(&world);
	ck_assert_ptr_null(acp_world_find_foreign(&world, &ref));
	ref = (struct acp_ref){ACP_KIND_TENANT_NAMESPACE, "config", "p1"};
	ck_assert_ptr_nonnull(acp_world_find_foreign(&world, &ref));
	ck_assert_ptr_null(acp_world_find_object(&world, &ref));
}
END_TEST

static Suite *
world_suite(void)
{
	Suite *suite = suite_create("world");
	TCase *tcase = tcase_create("world");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, nothing_is_found_in_an_empty_world);
	tcase_add_test(tcase, rows_are_found_by_id_whatever_their_order);
	tcase_add_test(tcase, objects_are_found_by_namespace_and_name);
	tcase_add_test(tcase, foreign_namespaces_of_two_kinds_are_told_apart);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(world_suite)
