/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/plan_describe.c: the lines of --dry-run and the JSON of --json.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "lib/json.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct acp_plan plan;

static void
set_up(void)
{
	const struct acp_ref role = {ACP_KIND_ROLE, "p1", "r"};
	const struct acp_ref namespace = {ACP_KIND_NAMESPACE, NULL, "p2"};

	acp_plan_init(&plan);
	acp_plan_add(&plan, ACP_VERB_APPLY, &role, "project/p1", "missing");
	acp_plan_add(
		&plan, ACP_VERB_DELETE, &namespace, "project/p2", "gone\x1b[2J")
		->is_held = true;
	plan.held = 1;
	memcpy(plan.held_digest, "0123456789abcdef", 17);
	acp_plan_refuse(&plan, "p\n3", "no \"name\"");
	acp_plan_refuse(&plan, "p\n3", "no \"name\"");
}

static void
tear_down(void)
{
	acp_plan_clear(&plan);
}

START_TEST(each_action_and_refusal_is_a_line_that_steers_no_terminal)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, 10000);
	acp_plan_describe(&plan, &text);
	ck_assert_str_eq(acp_buffer_peek(&text),
		"apply Role p1/r (missing)\n"
		"held: delete Namespace p2 (gone?[2J)\n"
		"refused: project p?3 (no \"name\")\n"
		"held back: 1 deletions; --allow-mass-delete=0123456789abcdef "
		"lets them pass\n");
}
END_TEST

START_TEST(the_json_is_one_object_in_a_line)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	ACP_AUTO(json) struct json_object *object = NULL;
	const char *newline;

	acp_buffer_init(&text, 10000);
	acp_plan_describe_json(&plan, &text);
	object = acp_json_new(acp_buffer_peek(&text), text.size);
	ck_assert_ptr_nonnull(object);
	newline = strchr(acp_buffer_peek(&text), '\n');
	ck_assert_ptr_eq(newline, acp_buffer_peek(&text) + text.size - 1);
	ck_assert_str_eq(
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
		"{\"actions\":[{\"verb\":\"apply\",\"kind\":\"Role\","
		"\"namespace\":\"p1\",\"name\":\"r\","
		"\"unit\":\"project\\/p1\",\"reason\":\"missing\","
		"\"held\":false},"
		"{\"verb\":\"delete\",\"kind\":\"Namespace\","
		"\"namespace\":null,\"name\":\"p2\","
		"\"unit\":\"project\\/p2\",\"reason\":\"gone\\u001b[2J\","
		"\"held\":true}],"
		"\"refusals\":[{\"project\":\"p\\n3\","
		"\"reason\":\"no \\\"name\\\"\"}],"
		"\"foreign_objects\":0,\"held\":1,"
		"\"held_digest\":\"0123456789abcdef\"}");
}
END_TEST

START_TEST(an_empty_plan_is_no_line)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, 10000);
	acp_plan_clear(&plan);
	acp_plan_init(&plan);
	acp_plan_describe(&plan, &text);
	ck_assert_str_eq(acp_buffer_peek(&text), "");
}
END_TEST

static Suite *
plan_describe_suite(void)
{
	Suite *suite = suite_create("plan_describe");
	TCase *tcase = tcase_create("plan_describe");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase,
		each_action_and_refusal_is_a_line_that_steers_no_terminal);
	tcase_add_test(tcase, the_json_is_one_object_in_a_line);
	tcase_add_test(tcase, an_empty_plan_is_no_line);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(plan_describe_suite)
