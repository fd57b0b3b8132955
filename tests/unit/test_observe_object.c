/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/observe_object.c: what is read of an object, whatever its owner
 * wrote into it.
 */
#include <config.h>

#include "reconciler/observe_object.h"

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <json-c/json_tokener.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define IDENTITY \
	"\"name\":\"n\",\"namespace\":\"p\",\"uid\":\"u\"," \
	"\"resourceVersion\":\"7\""

static struct acp_arena *arena;

static void
set_up(void)
{
	arena = acp_arena_new();
}

static void
tear_down(void)
{
	acp_arena_free(&arena);
}

static bool
read_object(enum acp_kind kind, const char *text, struct acp_object *object)
{
	ACP_AUTO(json) struct json_object *json = json_tokener_parse(text);

	ck_assert_ptr_nonnull(json);
	return acp_observe_object(kind, json, arena, object);
}

START_TEST(all_that_is_planned_by_is_read)
{
	struct acp_object object;

	ck_assert(read_object(ACP_KIND_POD,
		"{\"metadata\":{" IDENTITY ",\"creationTimestamp\":"
		"\"2027-01-15T08:00:00Z\",\"deletionTimestamp\":"
		"\"2027-01-15T08:00:01Z\",\"labels\":{"
		"\"ambient-code.io/managed\":\"true\","
		"\"ambient-code.io/instance\":\"i\","
		"\"ambient-code.io/project-id\":\"P\","
		"\"ambient-code.io/session-id\":\"S\"},\"annotations\":{"
		"\"ambient-code.io/token-key-id\":\"k\"},"
		"\"ownerReferences\":[{\"uid\":\"o\"}]}}",
		&object));
	ck_assert_str_eq(object.name, "n");
	ck_assert_str_eq(object.namespace, "p");
	ck_assert_str_eq(object.uid, "u");
	ck_assert_str_eq(object.resource_version, "7");
	ck_assert_int_eq(object.created_s, 1800000000);
	ck_assert_int_eq(object.deleted_s, 1800000001);
	ck_assert_str_eq(object.managed, "true");
	ck_assert_str_eq(object.instance, "i");
	ck_assert_str_eq(object.project_id, "P");
	ck_assert_str_eq(object.session_id, "S");
	ck_assert_str_eq(object.marks[ACP_MARK_TOKEN_KEY_ID], "k");
	ck_assert_ptr_null(object.marks[ACP_MARK_ABSENT_SINCE]);
	ck_assert_str_eq(object.owner_uid, "o");
}
END_TEST

/* The texts that tenants choose, each of that many bytes. */
static bool
read_long(enum acp_kind kind, size_t size, struct acp_object *object)
{
	ACP_AUTO(free) char *text = acp_memory_new(size + 1, 1);
	ACP_AUTO(buffer) struct acp_buffer json;

	memset(text, 'x', size);
	acp_buffer_init(&json, SIZE_MAX);
	acp_buffer_printf(&json,
		"{\"metadata\":{" IDENTITY ",\"annotations\":{"
		"\"ambient-code.io/anchor\":\"%s\"},"
		"\"ownerReferences\":[{\"uid\":\"%s\"}]},"
		"\"roleRef\":{\"kind\":\"Role\",\"name\":\"%s\"},"
		"\"subjects\":[{\"kind\":\"User\",\"name\":\"%s\"}]}",
		text, text, text, text);
	return read_object(kind, acp_buffer_peek(&json), object);
}

START_TEST(a_text_is_kept_up_to_its_bound)
{
	struct acp_object object;

	ck_assert(read_long(ACP_KIND_ROLE_BINDING,
		ACP_OBJECT_TEXT_MAX - strlen("Role/"), &object));
	ck_assert_ptr_nonnull(object.role);
	ck_assert_ptr_nonnull(object.subject);
	ck_assert(read_long(
		ACP_KIND_SERVICE_ACCOUNT, ACP_OBJECT_TEXT_MAX, &object));
	ck_assert_uint_eq(
		strlen(object.marks[ACP_MARK_ANCHOR]), ACP_OBJECT_TEXT_MAX);
	ck_assert_ptr_nonnull(object.owner_uid);
}
END_TEST

START_TEST(of_a_text_beyond_its_bound_nothing_is_kept)
{
	struct acp_object object;

	ck_assert(read_long(
		ACP_KIND_ROLE_BINDING, ACP_OBJECT_TEXT_MAX + 1, &object));
	/* a mark that is spoilt is another thing than none */
	ck_assert_str_eq(object.marks[ACP_MARK_ANCHOR], "");
	ck_assert_ptr_null(object.owner_uid);
	ck_assert_ptr_null(object.role);
	ck_assert_ptr_null(object.subject);
}
END_TEST

static const char *const nameless[] = {"{}", "{\"metadata\":[]}",
	"{\"metadata\":{\"name\":\"n\"}}",
	"{\"metadata\":{\"name\":1,\"namespace\":\"p\",\"uid\":\"u\","
	"\"resourceVersion\":\"7\"}}",
	"{\"metadata\":{\"name\":\"n\",\"namespace\":\"p\",\"uid\":null,"
	"\"resourceVersion\":\"7\"}}",
	"{\"metadata\":{\"name\":\"n\",\"uid\":\"u\","
	"\"resourceVersion\":\"7\"}}",
	"{\"metadata\":{\"name\":\"n\\u0000x\",\"namespace\":\"p\","
	"\"uid\":\"u\",\"resourceVersion\":\"7\"}}"};

START_TEST(an_object_without_identity_is_not_read)
{
	struct acp_object object;

	ck_assert(!read_object(ACP_KIND_ROLE, nameless[_i], &object));
}
END_TEST

START_TEST(a_namespace_is_active_by_its_phase)
{
	static const char form[] =
		"{\"metadata\":{\"name\":\"n\",\"uid\":\"u\","
		"\"resourceVersion\":\"7\"},\"status\":{\"phase\":\"Active\"}}";
	struct acp_object object;

	ck_assert(read_object(ACP_KIND_NAMESPACE, form, &object));
	ck_assert(object.is_active);
	ck_assert(!read_object(ACP_KIND_ROLE, form, &object));
	ck_assert(read_object(ACP_KIND_NAMESPACE,
		"{\"metadata\":{\"name\":\"n\",\"uid\":\"u\","
		"\"resourceVersion\":\"7\"},"
		"\"status\":{\"phase\":\"Terminating\"}}",
		&object));
	ck_assert(!object.is_active);
}
END_TEST

struct subject {
	const char *json;
	const char *text;
};

static const struct subject subjects[] = {
	{"[{\"kind\":\"User\",\"name\":\"a/b\"}]", "User/a/b"},
	{"[{\"kind\":\"ServiceAccount\",\"name\":\"a\",\"namespace\":\"n\"}]",
		"ServiceAccount/n/a"},
	{"[]", NULL},
	{"null", NULL},
	{"{}", NULL},
	{"[1]", NULL},
	{"[{\"kind\":\"User\"}]", NULL},
	{"[{\"kind\":\"User\",\"name\":\"a\"},"
	 "{\"kind\":\"User\",\"name\":\"b\"}]",
		NULL},
};

START_TEST(a_binding_has_a_role_and_at_most_one_subject_that_counts)
{
	struct acp_object object;
	char text[512];

	snprintf(text, sizeof(text),
		"{\"metadata\":{" IDENTITY "},\"roleRef\":{\"kind\":\"Role\","
		"\"name\":\"r\"},\"subjects\":%s}",
		subjects[_i].json);
	ck_assert(read_object(ACP_KIND_ROLE_BINDING, text, &object));
	ck_assert_str_eq(object.role, "Role/r");
	if (subjects[_i].text)
		ck_assert_str_eq(object.subject, subjects[_i].text);
	else
		ck_assert_ptr_null(object.subject);
}
END_TEST

/* Pods */

#define TIME "\"2027-01-15T08:00:00Z\""
#define OTHER \
	"{\"name\":\"ambient-mcp\",\"state\":{\"terminated\":{\"exitCode\":9}}}"
#define CONTAINERS(state) \
	"{\"phase\":\"Running\",\"containerStatuses\":[" OTHER \
	",{\"name\":\"ambient-code-runner\",\"state\":" state "}]}"

/* A status, and what is understood of it. */
struct status {
	const char *json;
	struct acp_pod_state state;
};

static const struct status statuses[] = {
	{"{}", {.phase = ACP_POD_PENDING}},
	{"null", {.phase = ACP_POD_PENDING}},
	{"[]", {.phase = ACP_POD_PENDING}},
	{"{\"phase\":\"Pending\"}", {.phase = ACP_POD_PENDING}},
	{"{\"phase\":\"Succeeded\"}", {.phase = ACP_POD_SUCCEEDED}},
	{"{\"phase\":\"Unknown\"}", {.phase = ACP_POD_UNKNOWN}},
	{"{\"phase\":\"Odd\"}", {.phase = ACP_POD_UNKNOWN}},
	{"{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"startTime\":" TIME "}",
		{.phase = ACP_POD_FAILED,
			.reason = "Evicted",
			.start_s = 1800000000}},
	{"{\"phase\":\"Running\",\"containerStatuses\":[" OTHER "]}",
		{.phase = ACP_POD_RUNNING}},
	{"{\"phase\":\"Running\",\"containerStatuses\":[1,null,{}]}",
		{.phase = ACP_POD_RUNNING}},
	{CONTAINERS("{\"running\":{\"startedAt\":" TIME "}}"),
		{.phase = ACP_POD_RUNNING}},
	{CONTAINERS("null"), {.phase = ACP_POD_RUNNING}},
	{CONTAINERS("{\"waiting\":{\"reason\":\"ErrImagePull\"}}"),
		{.phase = ACP_POD_RUNNING, .waiting = "ErrImagePull"}},
	{CONTAINERS("{\"waiting\":{}}"),
		{.phase = ACP_POD_RUNNING, .waiting = ""}},
	{CONTAINERS("{\"terminated\":{\"exitCode\":0,\"finishedAt\":" TIME
		    ",\"reason\":\"Completed\"}}"),
		{.phase = ACP_POD_RUNNING,
			.has_ended = true,
			.end_reason = "Completed",
			.end_s = 1800000000}},
	{CONTAINERS("{\"terminated\":{\"exitCode\":137}}"),
		{.phase = ACP_POD_RUNNING,
			.has_ended = true,
			.exit_code = 137}},
	{CONTAINERS("{\"terminated\":{\"exitCode\":\"0\"}}"),
		{.phase = ACP_POD_RUNNING, .has_ended = true, .exit_code = -1}},
	{"{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"Ready\","
	 "\"status\":\"False\"},{\"type\":\"PodScheduled\",\"status\":"
	 "\"False\",\"lastTransitionTime\":" TIME "}]}",
		{.phase = ACP_POD_PENDING, .unscheduled_s = 1800000000}},
	{"{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\","
	 "\"status\":\"True\",\"lastTransitionTime\":" TIME "}]}",
		{.phase = ACP_POD_PENDING}},
};

static void
check_text(const char *seen, const char *wanted)
{
	if (wanted)
		ck_assert_str_eq(seen, wanted);
	else
		ck_assert_ptr_null(seen);
}

START_TEST(h58_a_pods_state_is_that_of_its_runners_container)
{
	const struct acp_pod_state *wanted = &statuses[_i].state, *seen;
	struct acp_object object;
	char text[1000];

	snprintf(text, sizeof(text),
		"{\"metadata\":{" IDENTITY "},\"status\":%s}",
		statuses[_i].json);
	ck_assert(read_object(ACP_KIND_POD, text, &object));
	seen = object.pod;
	ck_assert_ptr_nonnull(seen);
	ck_assert_int_eq(seen->phase, wanted->phase);
	check_text(seen->reason, wanted->reason);
	check_text(seen->waiting, wanted->waiting);
	check_text(seen->end_reason, wanted->end_reason);
	ck_assert_int_eq(seen->start_s, wanted->start_s);
	ck_assert_int_eq(seen->unscheduled_s, wanted->unscheduled_s);
	ck_assert_int_eq(seen->has_ended, wanted->has_ended);
	ck_assert_int_eq(seen->exit_code, wanted->exit_code);
	ck_assert_int_eq(seen->end_s, wanted->end_s);
}
END_TEST

START_TEST(only_pods_have_a_pods_state)
{
	struct acp_object object;

	ck_assert(read_object(ACP_KIND_SERVICE,
		"{\"metadata\":{" IDENTITY "},\"status\":{\"phase\":"
		"\"Running\"}}",
		&object));
	ck_assert_ptr_null(object.pod);
}
END_TEST

static Suite *
observe_object_suite(void)
{
	Suite *suite = suite_create("observe_object");
	TCase *tcase = tcase_create("observe_object");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, all_that_is_planned_by_is_read);
	tcase_add_test(tcase, a_text_is_kept_up_to_its_bound);
	tcase_add_test(tcase, of_a_text_beyond_its_bound_nothing_is_kept);
	tcase_add_loop_test(tcase, an_object_without_identity_is_not_read, 0,
		COUNT(nameless));
	tcase_add_test(tcase, a_namespace_is_active_by_its_phase);
	tcase_add_loop_test(tcase,
		a_binding_has_a_role_and_at_most_one_subject_that_counts, 0,
		COUNT(subjects));
	tcase_add_loop_test(tcase,
		h58_a_pods_state_is_that_of_its_runners_container, 0,
		COUNT(statuses));
	tcase_add_test(tcase, only_pods_have_a_pods_state);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(observe_object_suite)
