/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/findings.c: what --check says, for people and for programs.
 */
#include <config.h>

#include "reconciler/findings.h"

#include "lib/json.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct acp_buffer text;
static struct acp_config *config;

static void
start(void)
{
	acp_buffer_init(&text, 100000);
	config = acp_config_new(ACP_CONFIG_FOR_RECONCILER);
}

static void
stop(void)
{
	acp_buffer_clear(&text);
	acp_config_free(&config);
}

static void
find(bool is_json)
{
	struct acp_findings findings = {.text = &text, .is_json = is_json};

	acp_findings_begin(&findings, config);
	acp_findings_add(&findings, "one", true, "all there");
	ck_assert(!findings.is_bad);
	acp_findings_add(
		&findings, "two", false, "\nno \"first\"\nno second\n");
	acp_findings_add(&findings, "three", false, "gone");
	acp_findings_add_key_file(
		&findings, "/nonexistent/key.pem", "somebody");
	ck_assert(findings.is_bad);
	acp_findings_end(&findings);
}

START_TEST(people_get_a_line_each)
{
	find(false);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&text),
		"\none: all there\ntwo: bad:\nno \"first\"\nno second\n"
		"three: bad: gone\nkey file: bad: "));
	ck_assert_int_eq(acp_buffer_peek(&text)[text.size - 1], '\n');
}
END_TEST

static struct json_object *
peek(struct json_object *object, const char *key)
{
	struct json_object *member = NULL;

	ck_assert(json_object_object_get_ex(object, key, &member));
	return member;
}

static void
check_finding(struct json_object *findings, size_t at, const char *name,
	bool is_good, const char *messages)
{
	struct json_object *finding = json_object_array_get_idx(findings, at);

	ck_assert_str_eq(json_object_get_string(peek(finding, "name")), name);
	ck_assert_int_eq(
		json_object_get_boolean(peek(finding, "good")), is_good);
	ck_assert_str_eq(
		json_object_to_json_string_ext(peek(finding, "messages"), 0),
		messages);
}

START_TEST(programs_get_one_object_in_a_line)
{
	struct json_object *json, *findings;

	find(true);
	ck_assert_ptr_eq(strchr(acp_buffer_peek(&text), '\n'),
		acp_buffer_peek(&text) + text.size - 1);
	json = acp_json_new(acp_buffer_peek(&text), text.size);
	ck_assert_ptr_nonnull(json);
	ck_assert(!json_object_get_boolean(peek(json, "good")));
	ck_assert_uint_gt(
		json_object_array_length(peek(json, "configuration")), 10);
	findings = peek(json, "findings");
	ck_assert_uint_eq(json_object_array_length(findings), 4);
	check_finding(findings, 0, "one", true, "[\"all there\"]");
	check_finding(findings, 1, "two", false,
		"[\"no \\\"first\\\"\",\"no second\"]");
	check_finding(findings, 2, "three", false, "[\"gone\"]");
	json_object_put(json);
}
END_TEST

START_TEST(all_good_is_said_so)
{
	struct acp_findings findings = {.text = &text, .is_json = true};

	acp_findings_begin(&findings, config);
	acp_findings_end(&findings);
	ck_assert_ptr_nonnull(strstr(
		acp_buffer_peek(&text), "],\"findings\":[],\"good\":true}\n"));
}
END_TEST

static Suite *
findings_suite(void)
{
	Suite *suite = suite_create("findings");
	TCase *tests = tcase_create("findings");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, people_get_a_line_each);
	tcase_add_test(tests, programs_get_one_object_in_a_line);
	tcase_add_test(tests, all_good_is_said_so);
	suite_add_tcase(suite, tests);
	return suite;
}

ACP_UNIT_MAIN(findings_suite)
