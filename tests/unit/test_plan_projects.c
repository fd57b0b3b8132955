/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/plan_projects.c and what it calls: what is planned for projects,
 * in a model of both servers. A number in a name is that of a fault of the
 * reference implementation which the test would show.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "reconciler/desired.h"
#include "tests/unit/model_world.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct model model;
static struct acp_world world;
static struct acp_plan plan;

static void
set_up(void)
{
	model_init(&model);
	acp_world_init(&world);
	acp_plan_init(&plan);
}

static void
tear_down(void)
{
	acp_plan_clear(&plan);
	acp_world_clear(&world);
	model_clear(&model);
}

START_TEST(from_nothing_one_pass_makes_all_and_the_next_nothing)
{
	model_add_project(&model, "p1", NULL);
	ck_assert_uint_eq(model_pass(&model), 7);
	ck_assert_ptr_nonnull(
		model_find(&model, ACP_KIND_NAMESPACE, NULL, "p1"));
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

static Suite *
plan_projects_suite(void)
{
	Suite *suite = suite_create("plan_projects");
	TCase *tcase = tcase_create("plan_projects");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(
		tcase, from_nothing_one_pass_makes_all_and_the_next_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(plan_projects_suite)
