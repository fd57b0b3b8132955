/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/recheck.c: what is still so just before an action, and whose an
 * object is that has the name of one of ours.
 */
#include <config.h>

#include "reconciler/recheck.h"

#include "lib/json.h"
#include "reconciler/desired.h"
#include "reconciler/desired_build.h"
#include "tests/unit/fake_kube.h"
#include "tests/unit/json_peek.h"
#include "tests/unit/unit.h"

#include <json-c/json_tokener.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct acp_site site;
static struct acp_clients clients;
static struct acp_applier applier;
static struct acp_buffer why;

/* The API server: how it answers, and what it was asked for. */
static enum acp_error api_error;
static const char *api_phase;
static char api_path[64];

enum acp_error __wrap_acp_api_get(
	struct acp_api *api, const char *path, struct acp_api_reply *reply);

enum acp_error
__wrap_acp_api_get(
	struct acp_api *api, const char *path, struct acp_api_reply *reply)
{
	(void)api;
	snprintf(api_path, sizeof(api_path), "%s", path);
	if (api_error)
		return api_error;
	reply->body = json_tokener_parse("{\"id\":\"s1\"}");
	if (api_phase)
		json_object_object_add(reply->body, "phase",
			json_object_new_string(api_phase));
	return ACP_OK;
}

static void
start(void)
{
	fake_kube_start();
	acp_buffer_init(&why, 1000);
	site = (struct acp_site){
		.instance = "one", .runtime_namespace = "ambient-code"};
	applier = (struct acp_applier){.clients = &clients, .site = &site};
	api_error = ACP_OK;
	api_phase = NULL;
}

static void
stop(void)
{
	fake_kube_stop();
	acp_buffer_clear(&why);
}

/* Rows */

static const struct {
	enum acp_recheck recheck;
	const char *subject;
	const char *path;
	enum acp_error error;
	const char *phase;
	enum acp_result result;
} rows[] = {
	{ACP_RECHECK_PROJECT_GONE, "project/p1", "/projects/p1", ACP_GONE, NULL,
		ACP_RESULT_DONE},
	{ACP_RECHECK_PROJECT_GONE, "project/p1", "/projects/p1", ACP_OK, NULL,
		ACP_RESULT_WAITING},
	{ACP_RECHECK_PROJECT_GONE, "project/p1", "/projects/p1",
		ACP_RETRY_LATER, NULL, ACP_RESULT_FAILED},
	{ACP_RECHECK_PROJECT_GONE, "project/p1", "/projects/p1", ACP_DENIED,
		NULL, ACP_RESULT_FAILED},
	/* a project has no phase that could end it */
	{ACP_RECHECK_PROJECT_GONE, "project/p1", "/projects/p1", ACP_OK,
		"Stopped", ACP_RESULT_WAITING},
	{ACP_RECHECK_SESSION_ENDED, "session/s1", "/sessions/s1", ACP_GONE,
		NULL, ACP_RESULT_DONE},
	{ACP_RECHECK_SESSION_ENDED, "session/s1", "/sessions/s1", ACP_OK,
		"Stopped", ACP_RESULT_DONE},
	{ACP_RECHECK_SESSION_ENDED, "session/s1", "/sessions/s1", ACP_OK,
		"Completed", ACP_RESULT_DONE},
	{ACP_RECHECK_SESSION_ENDED, "session/s1", "/sessions/s1", ACP_OK,
		"Failed", ACP_RESULT_DONE},
	{ACP_RECHECK_SESSION_ENDED, "session/s1", "/sessions/s1", ACP_OK,
		"Pending", ACP_RESULT_WAITING},
	{ACP_RECHECK_SESSION_ENDED, "session/s1", "/sessions/s1", ACP_OK, NULL,
		ACP_RESULT_WAITING},
	{ACP_RECHECK_SESSION_ENDED, "session/s1", "/sessions/s1",
		ACP_RETRY_LATER, NULL, ACP_RESULT_FAILED},
	{ACP_RECHECK_SESSION_ENDED, "session/s1", "/sessions/s1", ACP_OK,
		"Stopping", ACP_RESULT_WAITING},
	{ACP_RECHECK_SESSION_STOPS, "session/s1", "/sessions/s1", ACP_OK,
		"Stopping", ACP_RESULT_DONE},
	{ACP_RECHECK_SESSION_STOPS, "session/s1", "/sessions/s1", ACP_OK,
		"Stopped", ACP_RESULT_DONE},
	{ACP_RECHECK_SESSION_STOPS, "session/s1", "/sessions/s1", ACP_GONE,
		NULL, ACP_RESULT_DONE},
	{ACP_RECHECK_SESSION_STOPS, "session/s1", "/sessions/s1", ACP_OK,
		"Running", ACP_RESULT_WAITING},
	{ACP_RECHECK_SESSION_STOPS, "session/s1", "/sessions/s1",
		ACP_RETRY_LATER, NULL, ACP_RESULT_FAILED},
};

START_TEST(a_row_must_still_be_gone_or_ended)
{
	const struct acp_action action = {
		.recheck = rows[_i].recheck, .subject = rows[_i].subject};

	api_error = rows[_i].error;
	api_phase = rows[_i].phase;
	ck_assert_int_eq(acp_recheck(&applier, &action, &why), rows[_i].result);
	ck_assert_ptr_nonnull(strstr(api_path, rows[_i].path));
	ck_assert_int_eq(why.size == 0, rows[_i].result == ACP_RESULT_DONE);
}
END_TEST

START_TEST(what_needs_no_second_look_asks_nobody)
{
	const struct acp_action action = {.recheck = ACP_RECHECK_NOTHING};

	ck_assert_int_eq(acp_recheck(&applier, &action, &why), ACP_RESULT_DONE);
	ck_assert_uint_eq(fake_kube.reads, 0);
}
END_TEST

/* Names */

static const struct acp_group team = {"team", "edit"};

/* The binding that is wanted, as the cluster would have it. */
static struct json_object *
new_binding(void)
{
	return acp_desired_group_binding(&site, "p1", "p1", &team, &why);
}

static void
set(struct json_object *object, const char *key, const char *text)
{
	json_object_object_del(object, key);
	if (text)
		acp_desired_add_text(object, key, text);
}

/* Puts another there: its role and two labels; "": as in ours. */
static void
put(const char *role, const char *managed, const char *instance)
{
	struct json_object *json = new_binding();
	struct json_object *labels = acp_desired_peek_labels(json);

	if (*role)
		set(peek(json, "roleRef"), "name", role);
	if (!managed || *managed)
		set(labels, ACP_LABEL_MANAGED, managed);
	if (!instance || *instance)
		set(labels, ACP_LABEL_INSTANCE, instance);
	fake_kube_put(ACP_KIND_ROLE_BINDING, "b", json);
}

/* As the planner asks, by an action. */
static enum acp_result
ask(void)
{
	ACP_AUTO(json) struct json_object *body = new_binding();
	const struct acp_action action = {
		.ref = {ACP_KIND_ROLE_BINDING, "p1", "b"},
		.recheck = ACP_RECHECK_NAME,
		.body = json_object_to_json_string(body)};

	acp_buffer_clear(&why);
	return acp_recheck(&applier, &action, &why);
}

static const struct {
	const char *role, *managed, *instance;
	enum acp_result result, adopting;
} names[] = {
	{"", "", "", ACP_RESULT_DONE, ACP_RESULT_DONE},
	/* ours by every label, whatever became of it */
	{"x", "", "", ACP_RESULT_DONE, ACP_RESULT_DONE},
	/* stripped, and else as it was */
	{"", NULL, "", ACP_RESULT_DONE, ACP_RESULT_DONE},
	{"", NULL, NULL, ACP_RESULT_DONE, ACP_RESULT_DONE},
	{"", "", NULL, ACP_RESULT_DONE, ACP_RESULT_DONE},
	/* and altered, or never ours; a role cannot be taken over */
	{"x", NULL, "", ACP_RESULT_FOREIGN, ACP_RESULT_FOREIGN},
	{"x", NULL, NULL, ACP_RESULT_FOREIGN, ACP_RESULT_FOREIGN},
	{"x", "", NULL, ACP_RESULT_FOREIGN, ACP_RESULT_FOREIGN},
	/* another control plane's */
	{"", "", "two", ACP_RESULT_FOREIGN, ACP_RESULT_FOREIGN},
	{"x", "", "two", ACP_RESULT_FOREIGN, ACP_RESULT_FOREIGN},
};

START_TEST(an_object_without_our_labels_is_left_to_its_owner)
{
	put(names[_i].role, names[_i].managed, names[_i].instance);
	ck_assert_int_eq(ask(), names[_i].result);
	ck_assert_int_eq(why.size == 0, names[_i].result != ACP_RESULT_FOREIGN);
	site.adopts = true;
	ck_assert_int_eq(ask(), names[_i].adopting);
}
END_TEST

START_TEST(what_bears_no_instance_is_taken_over_when_asked_to)
{
	struct json_object *json = new_binding();

	/* as the reference made it: no labels, and other subjects */
	json_object_object_del(peek(json, "metadata"), "labels");
	json_object_object_del(json, "subjects");
	fake_kube_put(ACP_KIND_ROLE_BINDING, "b", json);
	ck_assert_int_eq(ask(), ACP_RESULT_FOREIGN);
	site.adopts = true;
	ck_assert_int_eq(ask(), ACP_RESULT_DONE);
}
END_TEST

START_TEST(an_object_of_another_project_or_session_is_left_alone)
{
	static const char *const labels[] = {
		ACP_LABEL_PROJECT_ID, ACP_LABEL_SESSION_ID};
	struct json_object *json = new_binding();

	set(acp_desired_peek_labels(json), labels[_i], "other");
	set(peek(json, "roleRef"), "name", "x");
	fake_kube_put(ACP_KIND_ROLE_BINDING, "b", json);
	ck_assert_int_eq(ask(), ACP_RESULT_FOREIGN);
}
END_TEST

START_TEST(a_free_name_is_free_and_silence_is_no_answer)
{
	ck_assert_int_eq(ask(), ACP_RESULT_DONE);
	ck_assert_uint_eq(fake_kube.reads, 1);
	fake_kube.fault = ACP_KUBE_FORBIDDEN;
	ck_assert_int_eq(ask(), ACP_RESULT_FAILED);
	ck_assert_uint_gt(why.size, 0);
}
END_TEST

static Suite *
recheck_suite(void)
{
	Suite *suite = suite_create("recheck");
	TCase *tests = tcase_create("recheck");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_loop_test(
		tests, a_row_must_still_be_gone_or_ended, 0, COUNT(rows));
	tcase_add_test(tests, what_needs_no_second_look_asks_nobody);
	tcase_add_loop_test(tests,
		an_object_without_our_labels_is_left_to_its_owner, 0,
		COUNT(names));
	tcase_add_test(
		tests, what_bears_no_instance_is_taken_over_when_asked_to);
	tcase_add_loop_test(tests,
		an_object_of_another_project_or_session_is_left_alone, 0, 2);
	tcase_add_test(tests, a_free_name_is_free_and_silence_is_no_answer);
	suite_add_tcase(suite, tests);
	return suite;
}

ACP_UNIT_MAIN(recheck_suite)
