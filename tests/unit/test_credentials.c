/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/credentials.c: which credentials a session gets by which
 * bindings (H-46), and which bindings give it nothing.
 */
#include <config.h>

#include "reconciler/credentials.h"

#include "lib/json.h"
#include "tests/unit/unit.h"

#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct acp_arena *arena;

static const struct acp_credential credentials[] = {
	{"gh1", "github"},
	{"gh2", "github"},
	{"gh3", "github"},
	{"ji1", "jira"},
	{"gl1", "gitlab"},
};

static void
start(void)
{
	arena = acp_arena_new();
}

static void
stop(void)
{
	acp_arena_free(&arena);
}

/* The choice for project p1 and agent a1, as "provider=id …". */
static const char *
choose(const struct acp_credential_binding *bindings, size_t count)
{
	static char text[200];
	const struct acp_credential_choice choice = {
		.credentials = credentials,
		.credential_count = COUNT(credentials),
		.bindings = bindings,
		.binding_count = count,
		.owner_role_id = "owner",
		.project_id = "p1",
		.agent_id = "a1",
	};
	const struct acp_credential *chosen;
	size_t chosen_count, size = 0;

	chosen = acp_credentials_choose(&choice, arena, &chosen_count);
	text[0] = '\0';
	for (size_t i = 0; i < chosen_count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size,
			"%s%s=%s", i ? " " : "", chosen[i].provider,
			chosen[i].id);
	return text;
}

static const struct {
	struct acp_credential_binding bindings[4];
	const char *chosen;
} cases[] = {
	{.chosen = ""},
	/* each tier by itself */
	{{{.id = "1", .credential_id = "gh1"}}, "github=gh1"},
	{{{.id = "1", .credential_id = "gh1", .project_id = "p1"}},
		"github=gh1"},
	{{{.id = "1", .credential_id = "gh1", .agent_id = "a1"}}, "github=gh1"},
	{{{.id = "1",
		 .credential_id = "gh1",
		 .project_id = "p1",
		 .agent_id = "a1"}},
		"github=gh1"},
	/* a later tier wins, whatever its age and place */
	{{{.id = "1", .credential_id = "gh1", .created_us = 1},
		 {.id = "2",
			 .credential_id = "gh2",
			 .project_id = "p1",
			 .created_us = 2},
		 {.id = "3",
			 .credential_id = "gh3",
			 .agent_id = "a1",
			 .created_us = 3}},
		"github=gh3"},
	{{{.id = "3",
		  .credential_id = "gh3",
		  .project_id = "p1",
		  .created_us = 3},
		 {.id = "1", .credential_id = "gh1", .created_us = 1}},
		"github=gh3"},
	/* the oldest within a tier, then the smaller id */
	{{{.id = "1",
		  .credential_id = "gh1",
		  .project_id = "p1",
		  .created_us = 9},
		 {.id = "2",
			 .credential_id = "gh2",
			 .project_id = "p1",
			 .created_us = 8}},
		"github=gh2"},
	{{{.id = "2", .credential_id = "gh1"},
		 {.id = "1", .credential_id = "gh2"}},
		"github=gh2"},
	/* one a provider, sorted */
	{{{.id = "1", .credential_id = "ji1"},
		 {.id = "2", .credential_id = "gl1"},
		 {.id = "3", .credential_id = "gh1", .project_id = "p1"},
		 {.id = "4", .credential_id = "ji1", .agent_id = "a1"}},
		"github=gh1 gitlab=gl1 jira=ji1"},
	/* not for this session */
	{{{.id = "1", .credential_id = "gh1", .project_id = "p2"},
		 {.id = "2", .credential_id = "gh1", .agent_id = "a2"},
		 {.id = "3",
			 .credential_id = "gh1",
			 .project_id = "p2",
			 .agent_id = "a1"}},
		""},
	/* people's, other sessions', owners' */
	{{{.id = "1", .credential_id = "gh1", .user_id = "u"},
		 {.id = "2", .credential_id = "gh1", .session_id = "s"},
		 {.id = "3",
			 .credential_id = "gh1",
			 .project_id = "p1",
			 .role_id = "owner"}},
		""},
	/* of a credential that is gone */
	{{{.id = "1", .credential_id = "gone"}}, ""},
};

START_TEST(h46_a_session_gets_what_a_binding_gives_it)
{
	size_t count = 0;

	while (count < 4 && cases[_i].bindings[count].id)
		count++;
	ck_assert_str_eq(choose(cases[_i].bindings, count), cases[_i].chosen);
}
END_TEST

START_TEST(h46_a_session_without_an_agent_gets_nothing_of_agents)
{
	const struct acp_credential_binding binding = {
		.id = "1", .credential_id = "gh1", .agent_id = "a1"};
	const struct acp_credential_choice choice = {
		.credentials = credentials,
		.credential_count = COUNT(credentials),
		.bindings = &binding,
		.binding_count = 1,
		.project_id = "p1",
	};
	size_t count = 7;

	acp_credentials_choose(&choice, arena, &count);
	ck_assert_uint_eq(count, 0);
}
END_TEST

static const struct {
	const char *text;
	bool is_good;
} rows[] = {
	{"{\"id\":\"b\",\"scope\":\"credential\",\"credential_id\":\"c\","
	 "\"project_id\":null,\"created_at\":\"2026-01-01T00:00:00Z\"}",
		true},
	{"{\"id\":\"b\",\"scope\":\"project\",\"credential_id\":\"c\"}", false},
	{"{\"id\":\"b\",\"scope\":\"credential\"}", false},
	{"{\"scope\":\"credential\",\"credential_id\":\"c\"}", false},
	{"{\"id\":\"b\",\"credential_id\":\"c\"}", false},
	/* a project that cannot be read must not widen it to everybody */
	{"{\"id\":\"b\",\"scope\":\"credential\",\"credential_id\":\"c\","
	 "\"project_id\":7}",
		false},
	{"{\"id\":\"b\",\"scope\":\"credential\",\"credential_id\":\"c\","
	 "\"user_id\":\"a\\u0001\"}",
		false},
};

START_TEST(a_binding_that_is_not_understood_is_left_out)
{
	ACP_AUTO(json)
	struct json_object *object =
		acp_json_new(rows[_i].text, strlen(rows[_i].text));
	struct acp_credential_binding binding;

	ck_assert_ptr_nonnull(object);
	ck_assert_int_eq(acp_credentials_read_binding(object, arena, &binding),
		rows[_i].is_good);
	if (!rows[_i].is_good)
		return;
	ck_assert_str_eq(binding.credential_id, "c");
	ck_assert_ptr_null(binding.project_id);
	ck_assert_int_gt(binding.created_us, 0);
}
END_TEST

START_TEST(a_credential_has_an_id_and_a_provider)
{
	static const char good[] = "{\"id\":\"c\",\"provider\":\"github\"}";
	static const char bad[] = "{\"id\":\"c\"}";
	struct json_object *object = acp_json_new(good, sizeof(good) - 1);
	struct acp_credential credential;

	ck_assert(acp_credentials_read(object, arena, &credential));
	ck_assert_str_eq(credential.provider, "github");
	acp_json_free(&object);
	object = acp_json_new(bad, sizeof(bad) - 1);
	ck_assert(!acp_credentials_read(object, arena, &credential));
	acp_json_free(&object);
}
END_TEST

static Suite *
credentials_suite(void)
{
	Suite *suite = suite_create("credentials");
	TCase *tcase = tcase_create("credentials");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, h46_a_session_gets_what_a_binding_gives_it,
		0, COUNT(cases));
	tcase_add_test(
		tcase, h46_a_session_without_an_agent_gets_nothing_of_agents);
	tcase_add_loop_test(tcase, a_binding_that_is_not_understood_is_left_out,
		0, COUNT(rows));
	tcase_add_test(tcase, a_credential_has_an_id_and_a_provider);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(credentials_suite)
