/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/rows.c: what is read of good rows, and that every odd value
 * makes a row bad with a reason, or gives the answer up.
 */
#include <config.h>

#include "reconciler/rows.h"

#include "lib/buffer.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct acp_arena *arena;
static struct json_object *object;

static void
start(void)
{
	arena = acp_arena_new();
	object = NULL;
}

static void
stop(void)
{
	acp_json_free(&object);
	acp_arena_free(&arena);
}

static struct json_object *
parse(const char *text)
{
	acp_json_free(&object);
	object = acp_json_new(text, strlen(text));
	ck_assert_msg(object != NULL, "%s", text);
	return object;
}

static void
expect_bad(const char *bad, const char *reason)
{
	ck_assert_msg(bad && strstr(bad, reason), "%s, not %s",
		bad ? bad : "(good)", reason);
}

/* An object whose member of that name is count times "x". */
static struct json_object *
make_long(const char *name, size_t count)
{
	char *text = acp_memory_new(count + 1, 1);

	acp_json_free(&object);
	memset(text, 'x', count);
	object = json_object_new_object();
	json_object_object_add(object, "id", json_object_new_string("i1"));
	json_object_object_add(
		object, "project_id", json_object_new_string("p1"));
	json_object_object_add(object, name, json_object_new_string(text));
	free(text);
	return object;
}

/* Projects */

static const struct {
	const char *annotations;
	const char *created_by;
} creators[] = {
	{"", NULL},
	{",\"annotations\":null", NULL},
	{",\"annotations\":\"\"", NULL},
	{",\"annotations\":\"null\"", NULL},
	{",\"annotations\":\"{}\"", NULL},
	{",\"annotations\":\"[1]\"", NULL},
	{",\"annotations\":\"{broken\"", NULL},
	{",\"annotations\":\"{\\\"ambient-code.io/created-by\\\":\\\"\\\"}\"",
		NULL},
	{",\"annotations\":\"{\\\"ambient-code.io/created-by\\\":"
	 "\\\"J\xc3\xbcrgen@example.org\\\",\\\"x\\\":1}\"",
		"J\xc3\xbcrgen@example.org"},
};

START_TEST(a_project_names_its_creator)
{
	struct acp_project_row row;
	char text[1000];

	snprintf(text, sizeof(text), "{\"id\":\"p1\"%s}",
		creators[_i].annotations);
	ck_assert(acp_rows_read_project(parse(text), arena, &row));
	ck_assert_str_eq(row.id, "p1");
	ck_assert_ptr_null(row.bad);
	ck_assert_pstr_eq(row.created_by, creators[_i].created_by);
}
END_TEST

static const struct {
	const char *text;
	const char *reason;
} bad_projects[] = {
	{"{\"id\":\"p1\",\"annotations\":{}}", "annotations is not a text"},
	{"{\"id\":\"p1\",\"annotations\":"
	 "\"{\\\"ambient-code.io/created-by\\\":7}\"}",
		"annotation ambient-code.io/created-by is not a text"},
	{"{\"id\":\"p1\",\"annotations\":"
	 "\"{\\\"ambient-code.io/created-by\\\":\\\"a\\\\nb\\\"}\"}",
		"has a control character"},
};

START_TEST(a_project_with_odd_annotations_is_bad)
{
	struct acp_project_row row;

	ck_assert(acp_rows_read_project(
		parse(bad_projects[_i].text), arena, &row));
	expect_bad(row.bad, bad_projects[_i].reason);
	ck_assert_ptr_null(row.created_by);
}
END_TEST

static const char *const without_id[] = {
	"{}",
	"{\"id\":null}",
	"{\"id\":\"\"}",
	"{\"id\":7}",
	"{\"id\":[\"p1\"]}",
	"{\"id\":\"a\\u0000b\"}",
	"{\"id\":\"a\\u001bb\"}",
	"{\"id\":\"a\\u0085b\"}",
};

START_TEST(a_row_without_a_usable_id_is_none)
{
	struct acp_project_row project;
	struct acp_settings_row settings;
	struct acp_session_row session;

	parse(without_id[_i]);
	ck_assert(!acp_rows_read_project(object, arena, &project));
	ck_assert(!acp_rows_read_settings(object, arena, &settings));
	ck_assert(!acp_rows_read_session(object, arena, &session));
}
END_TEST

START_TEST(what_is_no_object_is_no_row)
{
	struct acp_project_row project;
	struct json_object *array = json_object_new_array();

	ck_assert(!acp_rows_read_project(NULL, arena, &project));
	ck_assert(!acp_rows_read_project(array, arena, &project));
	json_object_put(array);
}
END_TEST

START_TEST(an_id_has_a_longest_length)
{
	struct acp_project_row row;

	make_long("id", ACP_ROW_ID_MAX);
	ck_assert(acp_rows_read_project(object, arena, &row));
	make_long("id", ACP_ROW_ID_MAX + 1);
	ck_assert(!acp_rows_read_project(object, arena, &row));
}
END_TEST

/* Settings */

static void
read_groups(const char *access, struct acp_settings_row *row)
{
	acp_json_free(&object);
	object = json_object_new_object();
	json_object_object_add(object, "id", json_object_new_string("s1"));
	json_object_object_add(
		object, "project_id", json_object_new_string("p1"));
	if (access)
		json_object_object_add(
			object, "group_access", json_object_new_string(access));
	ck_assert(acp_rows_read_settings(object, arena, row));
}

START_TEST(groups_come_with_their_roles)
{
	struct acp_settings_row row;

	read_groups("[{\"groupName\":\"dev\",\"role\":\"edit\"},"
		    "{\"role\":\"\xc3\xb6\",\"groupName\":\"a:b c\",\"x\":{}}]",
		&row);
	ck_assert_ptr_null(row.bad);
	ck_assert_str_eq(row.id, "s1");
	ck_assert_str_eq(row.project_id, "p1");
	ck_assert_uint_eq(row.group_count, 2);
	ck_assert_str_eq(row.groups[0].name, "dev");
	ck_assert_str_eq(row.groups[0].role, "edit");
	ck_assert_str_eq(row.groups[1].name, "a:b c");
	ck_assert_str_eq(row.groups[1].role, "\xc3\xb6");
}
END_TEST

static const char *const no_groups[] = {NULL, "", "null", "[]", " [ ] "};

START_TEST(no_groups_are_written_in_many_ways)
{
	struct acp_settings_row row;

	read_groups(no_groups[_i], &row);
	ck_assert_ptr_null(row.bad);
	ck_assert_uint_eq(row.group_count, 0);
}
END_TEST

#define GOOD "{\"groupName\":\"dev\",\"role\":\"edit\"}"

static const struct {
	const char *access;
	const char *reason;
} bad_groups[] = {
	{"{}", "not a JSON array"},
	{"[", "not a JSON array"},
	{"[] []", "not a JSON array"},
	{"[" GOOD ",7]", "an entry that is no object"},
	{"[" GOOD ",null]", "an entry that is no object"},
	{"[" GOOD ",{}]", "an entry without groupName"},
	{"[" GOOD ",{\"groupName\":\"x\"}]", "an entry without role"},
	{"[" GOOD ",{\"groupName\":\"\",\"role\":\"view\"}]",
		"an entry without groupName"},
	{"[" GOOD ",{\"groupName\":7,\"role\":\"view\"}]",
		"group_access: groupName is not a text"},
	{"[" GOOD ",{\"groupName\":\"a\\u0007\",\"role\":\"view\"}]",
		"groupName has a control character"},
	{"[" GOOD ",{\"groupName\":\"a\",\"role\":\"\\u007f\"}]",
		"role has a control character"},
};

START_TEST(one_odd_group_makes_all_of_them_unknown)
{
	struct acp_settings_row row;

	read_groups(bad_groups[_i].access, &row);
	expect_bad(row.bad, bad_groups[_i].reason);
	ck_assert_uint_eq(row.group_count, 0);
}
END_TEST

START_TEST(groups_are_bounded_in_number)
{
	struct acp_settings_row row;
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, ACP_ROW_JSON_MAX);
	acp_buffer_append(&text, "[" GOOD);
	for (int i = 1; i < ACP_ROW_GROUPS_MAX; i++)
		acp_buffer_append(&text, "," GOOD);
	acp_buffer_append(&text, "]");
	ck_assert(!text.is_failed);
	read_groups(acp_buffer_peek(&text), &row);
	ck_assert_ptr_null(row.bad);
	ck_assert_uint_eq(row.group_count, ACP_ROW_GROUPS_MAX);
	text.text[--text.size] = '\0';
	acp_buffer_append(&text, "," GOOD "]");
	read_groups(acp_buffer_peek(&text), &row);
	expect_bad(row.bad, "more than 500 entries");
}
END_TEST

START_TEST(json_as_text_is_bounded_in_size)
{
	struct acp_settings_row row;

	make_long("group_access", ACP_ROW_JSON_MAX);
	ck_assert(acp_rows_read_settings(object, arena, &row));
	expect_bad(row.bad, "not a JSON array");
	make_long("group_access", ACP_ROW_JSON_MAX + 1);
	ck_assert(acp_rows_read_settings(object, arena, &row));
	expect_bad(row.bad, "group_access is longer than 65536 bytes");
}
END_TEST

START_TEST(settings_without_a_project_are_bad)
{
	struct acp_settings_row row;

	ck_assert(acp_rows_read_settings(
		parse("{\"id\":\"s1\",\"group_access\":\"[]\"}"), arena, &row));
	expect_bad(row.bad, "project_id is missing");
}
END_TEST

/* Sessions */

START_TEST(a_session_is_read_whole)
{
	struct acp_session_row row;

	ck_assert(acp_rows_read_session(
		parse("{\"id\":\"2abc\",\"project_id\":\"p1\","
		      "\"kube_namespace\":\"ns\",\"phase\":\"Running\","
		      "\"created_at\":\"2026-11-22T10:20:30.5Z\","
		      "\"updated_at\":\"2026-11-22T10:20:31Z\","
		      "\"start_time\":\"2026-11-22T10:20:32Z\","
		      "\"completion_time\":\"2026-11-22T12:20:33+02:00\","
		      "\"conditions\":\"[\\n]\",\"name\":7}"),
		arena, &row));
	ck_assert_ptr_null(row.bad);
	ck_assert_str_eq(row.id, "2abc");
	ck_assert_str_eq(row.project_id, "p1");
	ck_assert_str_eq(row.kube_namespace, "ns");
	ck_assert_int_eq(row.phase, ACP_PHASE_RUNNING);
	ck_assert_int_eq(row.created_us, 1795342830500000);
	ck_assert_int_eq(row.updated_us, 1795342831000000);
	ck_assert_int_eq(row.start_us, 1795342832000000);
	ck_assert_int_eq(row.completion_us, 1795342833000000);
	ck_assert_str_eq(row.conditions, "[\n]");
}
END_TEST

static const char *const empty_sessions[] = {
	"{\"id\":\"s\"}",
	"{\"id\":\"s\",\"phase\":null,\"project_id\":null,"
	"\"kube_namespace\":null,\"start_time\":null,\"conditions\":null}",
	"{\"id\":\"s\",\"phase\":\"\",\"project_id\":\"\","
	"\"kube_namespace\":\"\",\"start_time\":\"\",\"conditions\":\"\"}",
	"{\"id\":\"s\",\"start_time\":\"0001-01-01T00:00:00Z\"}",
};

START_TEST(absent_null_and_empty_are_the_same)
{
	struct acp_session_row row;

	ck_assert(
		acp_rows_read_session(parse(empty_sessions[_i]), arena, &row));
	ck_assert_ptr_null(row.bad);
	ck_assert_int_eq(row.phase, ACP_PHASE_EMPTY);
	ck_assert_ptr_null(row.project_id);
	ck_assert_ptr_null(row.kube_namespace);
	ck_assert_int_eq(row.start_us, 0);
	ck_assert_ptr_null(row.conditions);
}
END_TEST

START_TEST(every_phase_has_its_name)
{
	struct acp_session_row row;
	char text[100];

	snprintf(text, sizeof(text), "{\"id\":\"s\",\"phase\":\"%s\"}",
		acp_phase_name((enum acp_phase)_i));
	ck_assert(acp_rows_read_session(parse(text), arena, &row));
	ck_assert_int_eq(row.phase, _i);
	ck_assert_ptr_null(row.bad);
}
END_TEST

static const char *const unknown_phases[] = {
	"running", "Runnin", "Runnings", "Paused", "Run\\u0000ning", "unknown"};

START_TEST(another_word_is_an_unknown_phase)
{
	struct acp_session_row row;
	char text[100];

	snprintf(text, sizeof(text), "{\"id\":\"s\",\"phase\":\"%s\"}",
		unknown_phases[_i]);
	ck_assert(acp_rows_read_session(parse(text), arena, &row));
	ck_assert_int_eq(row.phase, ACP_PHASE_UNKNOWN);
	ck_assert_ptr_null(row.bad);
}
END_TEST

static const struct {
	const char *member;
	const char *reason;
} bad_sessions[] = {
	{"\"phase\":7", "phase is not a text"},
	{"\"project_id\":{}", "project_id is not a text"},
	{"\"project_id\":\"a\\tb\"", "project_id has a control character"},
	{"\"kube_namespace\":\"\\u0000\"",
		"kube_namespace has a control character"},
	{"\"created_at\":\"yesterday\"", "created_at is not a time"},
	{"\"updated_at\":1795342830", "updated_at is not a text"},
	{"\"start_time\":\"2026-11-22\"", "start_time is not a time"},
	{"\"completion_time\":\"2026-11-22T10:20:60Z\"",
		"completion_time is not a time"},
};

START_TEST(a_session_with_an_odd_value_is_bad)
{
	struct acp_session_row row;
	char text[200];

	snprintf(text, sizeof(text), "{\"id\":\"s\",%s}",
		bad_sessions[_i].member);
	ck_assert(acp_rows_read_session(parse(text), arena, &row));
	ck_assert_str_eq(row.id, "s");
	expect_bad(row.bad, bad_sessions[_i].reason);
}
END_TEST

START_TEST(an_odd_phase_is_never_taken_for_none)
{
	struct acp_session_row row;

	ck_assert(acp_rows_read_session(
		parse("{\"id\":\"s\",\"phase\":7}"), arena, &row));
	ck_assert_int_eq(row.phase, ACP_PHASE_UNKNOWN);
	make_long("phase", ACP_ROW_NAME_MAX + 1);
	ck_assert(acp_rows_read_session(object, arena, &row));
	ck_assert_int_eq(row.phase, ACP_PHASE_UNKNOWN);
	expect_bad(row.bad, "phase is longer than");
}
END_TEST

START_TEST(short_texts_have_a_longest_length)
{
	struct acp_session_row row;

	make_long("kube_namespace", ACP_ROW_NAME_MAX);
	ck_assert(acp_rows_read_session(object, arena, &row));
	ck_assert_ptr_null(row.bad);
	ck_assert_uint_eq(strlen(row.kube_namespace), ACP_ROW_NAME_MAX);
	make_long("kube_namespace", ACP_ROW_NAME_MAX + 1);
	ck_assert(acp_rows_read_session(object, arena, &row));
	expect_bad(row.bad, "kube_namespace is longer than 253 bytes");
	ck_assert_ptr_null(row.kube_namespace);
}
END_TEST

START_TEST(conditions_that_cannot_be_read_are_none)
{
	struct acp_session_row row;

	make_long("conditions", ACP_ROW_JSON_MAX);
	ck_assert(acp_rows_read_session(object, arena, &row));
	ck_assert_ptr_nonnull(row.conditions);
	make_long("conditions", ACP_ROW_JSON_MAX + 1);
	ck_assert(acp_rows_read_session(object, arena, &row));
	ck_assert_ptr_null(row.conditions);
	ck_assert_ptr_null(row.bad);
	ck_assert(acp_rows_read_session(
		parse("{\"id\":\"s\",\"conditions\":[]}"), arena, &row));
	ck_assert_ptr_null(row.conditions);
	ck_assert_ptr_null(row.bad);
}
END_TEST

START_TEST(rows_outlive_the_answer)
{
	struct acp_session_row row;

	ck_assert(acp_rows_read_session(
		parse("{\"id\":\"s1\",\"project_id\":\"p1\"}"), arena, &row));
	acp_json_free(&object);
	ck_assert_str_eq(row.id, "s1");
	ck_assert_str_eq(row.project_id, "p1");
}
END_TEST

static void
add_session_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_session_is_read_whole);
	tcase_add_loop_test(tcase, absent_null_and_empty_are_the_same, 0,
		COUNT(empty_sessions));
	tcase_add_loop_test(
		tcase, every_phase_has_its_name, 0, ACP_PHASE_UNKNOWN);
	tcase_add_loop_test(tcase, another_word_is_an_unknown_phase, 0,
		COUNT(unknown_phases));
	tcase_add_loop_test(tcase, a_session_with_an_odd_value_is_bad, 0,
		COUNT(bad_sessions));
	tcase_add_test(tcase, an_odd_phase_is_never_taken_for_none);
	tcase_add_test(tcase, short_texts_have_a_longest_length);
	tcase_add_test(tcase, conditions_that_cannot_be_read_are_none);
	tcase_add_test(tcase, rows_outlive_the_answer);
}

static Suite *
rows_suite(void)
{
	Suite *suite = suite_create("rows");
	TCase *tcase = tcase_create("rows");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(
		tcase, a_project_names_its_creator, 0, COUNT(creators));
	tcase_add_loop_test(tcase, a_project_with_odd_annotations_is_bad, 0,
		COUNT(bad_projects));
	tcase_add_loop_test(
		tcase, a_row_without_a_usable_id_is_none, 0, COUNT(without_id));
	tcase_add_test(tcase, what_is_no_object_is_no_row);
	tcase_add_test(tcase, an_id_has_a_longest_length);
	tcase_add_test(tcase, groups_come_with_their_roles);
	tcase_add_loop_test(
		tcase, no_groups_are_written_in_many_ways, 0, COUNT(no_groups));
	tcase_add_loop_test(tcase, one_odd_group_makes_all_of_them_unknown, 0,
		COUNT(bad_groups));
	tcase_add_test(tcase, groups_are_bounded_in_number);
	tcase_add_test(tcase, json_as_text_is_bounded_in_size);
	tcase_add_test(tcase, settings_without_a_project_are_bad);
	add_session_tests(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(rows_suite)
