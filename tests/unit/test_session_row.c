/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/session_row.c: what is read of a session that is to be started,
 * and that every value out of bounds makes it bad with a reason.
 */
#include <config.h>

#include "reconciler/session_row.h"

#include "lib/buffer.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct acp_arena *arena;
static struct json_object *object;
static struct acp_session_detail detail;

static void
start(void)
{
	arena = acp_arena_new();
	object = json_object_new_object();
	json_object_object_add(
		object, "id", json_object_new_string("session1"));
}

static void
stop(void)
{
	acp_json_free(&object);
	acp_arena_free(&arena);
}

static void
set(const char *name, const char *value)
{
	json_object_object_add(object, name, json_object_new_string(value));
}

static void
read_row(void)
{
	ck_assert(acp_session_row_read(object, arena, &detail));
}

static void
parse(const char *text)
{
	acp_json_free(&object);
	object = acp_json_new(text, strlen(text));
	ck_assert_msg(object != NULL, "%s", text);
	read_row();
}

static void
expect_good(void)
{
	ck_assert_msg(!detail.bad, "%s", detail.bad ? detail.bad : "");
}

START_TEST(a_whole_row_is_read)
{
	parse("{\"id\":\"session1\",\"project_id\":\"p1\",\"name\":\"N\","
	      "\"agent_id\":\"a1\",\"prompt\":\"do\\n\\tit\","
	      "\"llm_model\":\"sonnet\",\"llm_temperature\":0.7,"
	      "\"llm_max_tokens\":4000,\"timeout\":300,"
	      "\"repo_url\":\"https://g/a\","
	      "\"repos\":\"[{\\\"url\\\":\\\"https://g/b\\\","
	      "\\\"branch\\\":\\\"main\\\",\\\"name\\\":\\\"b\\\"}]\","
	      "\"environment_variables\":\"{\\\"A\\\":\\\"1\\\","
	      "\\\"_b2\\\":\\\"\\\"}\",\"resource_overrides\":"
	      "\"{\\\"cpu\\\":\\\"1\\\",\\\"memory\\\":\\\"1Gi\\\"}\"}");
	expect_good();
	ck_assert_str_eq(detail.row.id, "session1");
	ck_assert_str_eq(detail.row.project_id, "p1");
	ck_assert_str_eq(detail.name, "N");
	ck_assert_str_eq(detail.agent_id, "a1");
	ck_assert_str_eq(detail.prompt, "do\n\tit");
	ck_assert_str_eq(detail.model, "sonnet");
	ck_assert_str_eq(detail.temperature, "0.7");
	ck_assert_str_eq(detail.max_tokens, "4000");
	ck_assert(detail.has_timeout);
	ck_assert_int_eq(detail.timeout_s, 300);
	ck_assert_uint_eq(detail.repo_count, 2);
	ck_assert_str_eq(detail.repos[0].url, "https://g/a");
	ck_assert_ptr_null(detail.repos[0].branch);
	ck_assert_str_eq(detail.repos[1].branch, "main");
	ck_assert_uint_eq(detail.variable_count, 2);
	ck_assert_str_eq(detail.variables[0].value, "1");
	ck_assert_str_eq(detail.variables[1].name, "_b2");
	ck_assert_str_eq(detail.variables[1].value, "");
	ck_assert_str_eq(detail.cpu, "1");
	ck_assert_str_eq(detail.memory, "1Gi");
}
END_TEST

START_TEST(a_row_with_an_id_alone_is_good)
{
	read_row();
	expect_good();
	ck_assert_ptr_null(detail.prompt);
	ck_assert_ptr_null(detail.temperature);
	ck_assert(!detail.has_timeout);
	ck_assert_uint_eq(detail.repo_count, 0);
	ck_assert_uint_eq(detail.variable_count, 0);
}
END_TEST

START_TEST(h53_a_zero_is_a_number)
{
	parse("{\"id\":\"session1\",\"llm_temperature\":0,"
	      "\"llm_max_tokens\":0,\"timeout\":0}");
	expect_good();
	ck_assert_str_eq(detail.temperature, "0");
	ck_assert_str_eq(detail.max_tokens, "0");
	ck_assert(detail.has_timeout);
	ck_assert_int_eq(detail.timeout_s, 0);
}
END_TEST

static const char *const nothings[] = {"", "null", "[]"};

START_TEST(no_repositories_are_none)
{
	set("repos", nothings[_i]);
	read_row();
	expect_good();
	ck_assert_uint_eq(detail.repo_count, 0);
}
END_TEST

START_TEST(h52_a_repository_that_is_named_twice_is_cloned_once)
{
	set("repo_url", "https://g/a");
	set("repos", "[{\"url\":\"https://g/a\",\"branch\":\"x\"}]");
	read_row();
	expect_good();
	ck_assert_uint_eq(detail.repo_count, 1);
	ck_assert_str_eq(detail.repos[0].branch, "x");
}
END_TEST

static const struct {
	const char *name;
	const char *value;
	const char *reason;
} hostile[] = {
	{"name", "a\nb", "name has a control character"},
	{"name", "a\x1b[2J", "name has a control character"},
	{"name", "\xff\xfe", "name has a control character or is not UTF-8"},
	{"prompt", "a\x01", "prompt has a control character"},
	{"prompt", "a\x7f", "prompt has a control character"},
	{"prompt", "\xc3(", "prompt has a control character"},
	{"prompt", "\xed\xa0\x80", "prompt has a control character"},
	{"agent_id", "a\tb", "agent_id has a control character"},
	{"llm_model", "a\rb", "llm_model has a control character"},
	{"llm_temperature", "0.7", "llm_temperature is no number"},
	{"llm_max_tokens", "7", "llm_max_tokens is no whole number"},
	{"timeout", "7", "timeout is no whole number"},
	{"repo_url", "--upload-pack=x", "repo_url begins with \"-\""},
	{"repo_url", "https://g/\n", "repo_url has a control"},
	{"repos", "{}", "repos is not a JSON array"},
	{"repos", "[", "repos is not a JSON array"},
	{"repos", "[1]", "repos has an entry that is no object"},
	{"repos", "[{}]", "repos has an entry without url"},
	{"repos", "[{\"url\":1}]", "repos: url is not a text"},
	{"repos", "[{\"url\":\"-x\"}]", "repos: url begins with"},
	{"repos", "[{\"url\":\"a\",\"branch\":\"-x\"}]",
		"repos: branch begins with"},
	{"repos", "[{\"url\":\"a\\u0000b\"}]", "repos: url has a control"},
	{"environment_variables", "[]", "is not a JSON object"},
	{"environment_variables", "{\"A\":1}", ": A is not a text"},
	{"environment_variables", "{\"A\":\"x\\u0000\"}", ": A has a control"},
	{"environment_variables", "{\"\":\"x\"}", "has a name that is none"},
	{"environment_variables", "{\"1A\":\"x\"}", "has a name that is none"},
	{"environment_variables", "{\"A=B\":\"x\"}", "has a name that is none"},
	{"environment_variables", "{\"A B\":\"x\"}", "has a name that is none"},
	{"environment_variables", "{\"A\\n\":\"x\"}",
		"has a name that is none"},
	{"environment_variables", "{\"$(A)\":\"x\"}",
		"has a name that is none"},
	{"resource_overrides", "7", "is not a JSON object"},
	{"resource_overrides", "{\"cpu\":\"lots\"}", "cpu is no quantity"},
	{"resource_overrides", "{\"memory\":1}", "memory is no quantity"},
};

START_TEST(a_hostile_value_makes_the_row_bad)
{
	set(hostile[_i].name, hostile[_i].value);
	read_row();
	ck_assert_msg(detail.bad && strstr(detail.bad, hostile[_i].reason),
		"%s", detail.bad ? detail.bad : "(good)");
}
END_TEST

static const struct {
	const char *text;
	const char *reason;
} odd[] = {
	{"\"llm_temperature\":-1", "llm_temperature"},
	{"\"llm_temperature\":1e400", "llm_temperature"},
	{"\"llm_temperature\":true", "llm_temperature"},
	{"\"llm_max_tokens\":1.5", "llm_max_tokens"},
	{"\"timeout\":-1", "timeout"},
	{"\"timeout\":2147483648", "timeout"},
	{"\"timeout\":{}", "timeout"},
	{"\"prompt\":{}", "prompt is not a text"},
	{"\"name\":[]", "name is not a text"},
	{"\"environment_variables\":{\"A\":\"1\"}", "is not a text"},
};

START_TEST(a_value_of_another_type_makes_the_row_bad)
{
	char text[200];

	snprintf(text, sizeof(text), "{\"id\":\"session1\",%s}", odd[_i].text);
	parse(text);
	ck_assert_msg(detail.bad && strstr(detail.bad, odd[_i].reason), "%s",
		detail.bad ? detail.bad : "(good)");
}
END_TEST

static const struct {
	const char *name;
	size_t most;
} sizes[] = {
	{"prompt", ACP_ROW_PROMPT_MAX}, /* H-49 */
	{"name", ACP_ROW_TEXT_MAX},
	{"llm_model", ACP_ROW_TEXT_MAX},
	{"agent_id", ACP_ROW_ID_MAX},
	{"repo_url", ACP_ROW_URL_MAX},
};

START_TEST(h49_a_text_may_have_so_many_bytes_and_not_one_more)
{
	size_t size = sizes[_i].most;
	char *text = acp_memory_new(size + 2, 1);

	memset(text, 'x', size);
	set(sizes[_i].name, text);
	read_row();
	expect_good();
	text[size] = 'x';
	set(sizes[_i].name, text);
	read_row();
	ck_assert_ptr_nonnull(detail.bad);
	ck_assert_ptr_nonnull(strstr(detail.bad, "is longer than"));
	free(text);
}
END_TEST

/* Sets a member to JSON with count entries that are made from a format. */
static void
set_many(const char *name, const char *frame, const char *format, int count)
{
	struct acp_buffer text;

	acp_buffer_init(&text, ACP_ROW_JSON_MAX);
	acp_buffer_append_bytes(&text, frame, 1);
	for (int i = 0; i < count; i++) {
		acp_buffer_append(&text, i ? "," : "");
		acp_buffer_printf(&text,
			format[0] == 'v' ? "\"A%d\":\"1\""
					 : "{\"url\":\"https://g/%d\"}",
			i);
	}
	acp_buffer_append_bytes(&text, frame + 1, 1);
	ck_assert(!text.is_failed);
	set(name, acp_buffer_peek(&text));
	acp_buffer_clear(&text);
}

START_TEST(there_may_be_so_many_repositories_and_not_one_more)
{
	set_many("repos", "[]", "repo", ACP_ROW_REPOS_MAX);
	read_row();
	expect_good();
	ck_assert_uint_eq(detail.repo_count, ACP_ROW_REPOS_MAX);
	set_many("repos", "[]", "repo", ACP_ROW_REPOS_MAX + 1);
	read_row();
	ck_assert_ptr_nonnull(strstr(detail.bad, "repos has more than"));
	ck_assert_uint_eq(detail.repo_count, 0);
}
END_TEST

START_TEST(there_may_be_so_many_variables_and_not_one_more)
{
	set_many("environment_variables", "{}", "variable",
		ACP_ROW_VARIABLES_MAX);
	read_row();
	expect_good();
	ck_assert_uint_eq(detail.variable_count, ACP_ROW_VARIABLES_MAX);
	set_many("environment_variables", "{}", "variable",
		ACP_ROW_VARIABLES_MAX + 1);
	read_row();
	ck_assert_ptr_nonnull(strstr(detail.bad, "has more than"));
	ck_assert_uint_eq(detail.variable_count, 0);
}
END_TEST

START_TEST(a_row_without_an_id_is_no_answer)
{
	acp_json_free(&object);
	object = acp_json_new("{\"name\":\"x\"}", 12);
	ck_assert(!acp_session_row_read(object, arena, &detail));
}
END_TEST

START_TEST(messages_that_were_read_are_left_out)
{
	const char *bad = NULL;

	set("body", "hello\nyou");
	ck_assert_str_eq(acp_session_row_read_message(object, arena, &bad),
		"hello\nyou");
	json_object_object_add(object, "read", json_object_new_boolean(false));
	ck_assert_ptr_nonnull(
		acp_session_row_read_message(object, arena, &bad));
	json_object_object_add(object, "read", json_object_new_boolean(true));
	ck_assert_ptr_null(acp_session_row_read_message(object, arena, &bad));
	ck_assert_ptr_null(bad);
}
END_TEST

START_TEST(a_prompt_of_a_project_is_judged_too)
{
	const char *bad = NULL;

	ck_assert_ptr_null(acp_session_row_read_prompt(object, arena, &bad));
	ck_assert_ptr_null(bad);
	set("prompt", "be kind");
	ck_assert_str_eq(
		acp_session_row_read_prompt(object, arena, &bad), "be kind");
	set("prompt", "be \x02");
	ck_assert_ptr_null(acp_session_row_read_prompt(object, arena, &bad));
	ck_assert_ptr_nonnull(bad);
}
END_TEST

static void
add_bounds(TCase *tcase)
{
	tcase_add_loop_test(
		tcase, a_hostile_value_makes_the_row_bad, 0, COUNT(hostile));
	tcase_add_loop_test(tcase, a_value_of_another_type_makes_the_row_bad, 0,
		COUNT(odd));
	tcase_add_loop_test(tcase,
		h49_a_text_may_have_so_many_bytes_and_not_one_more, 0,
		COUNT(sizes));
	tcase_add_test(
		tcase, there_may_be_so_many_repositories_and_not_one_more);
	tcase_add_test(tcase, there_may_be_so_many_variables_and_not_one_more);
}

static Suite *
session_row_suite(void)
{
	Suite *suite = suite_create("session_row");
	TCase *tcase = tcase_create("session_row");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_whole_row_is_read);
	tcase_add_test(tcase, a_row_with_an_id_alone_is_good);
	tcase_add_test(tcase, h53_a_zero_is_a_number);
	tcase_add_loop_test(
		tcase, no_repositories_are_none, 0, COUNT(nothings));
	tcase_add_test(
		tcase, h52_a_repository_that_is_named_twice_is_cloned_once);
	add_bounds(tcase);
	tcase_add_test(tcase, a_row_without_an_id_is_no_answer);
	tcase_add_test(tcase, messages_that_were_read_are_left_out);
	tcase_add_test(tcase, a_prompt_of_a_project_is_judged_too);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(session_row_suite)
