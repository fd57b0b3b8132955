/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/plan_session*.c where tenants alter what a session has: accounts
 * that drift, labels that are taken off, names that are taken, keys that
 * change, and namespaces of which a list was refused. Against the model.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "reconciler/anchor.h"
#include "reconciler/ownership.h"
#include "reconciler/rotation.h"
#include "reconciler/session_name.h"
#include "tests/unit/json_peek.h"
#include "tests/unit/model_world.h"
#include "tests/unit/unit.h"
#include "tests/unit/vector_key.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ID "Session0001"
#define PREFIX "ambient-code.io/"
#define NAME_TAKEN \
	"[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"X\"," \
	"\"message\":\"y\"}]"

static struct model model;
static struct acp_keyring keys;
static struct model_session *session;
static struct json_object *account, *service, *pod;
static struct acp_session_names names;

static const char *
peek_mark(struct json_object *json, enum acp_mark mark)
{
	return json_object_get_string(
		peek(peek(peek(json, "metadata"), "annotations"),
			acp_mark_name(mark)));
}

static void
find_objects(void)
{
	account = model_find_of_session(&model, ACP_KIND_SERVICE_ACCOUNT, ID);
	service = model_find_of_session(&model, ACP_KIND_SERVICE, ID);
	pod = model_find_of_session(&model, ACP_KIND_POD, ID);
}

/* One session that runs, in one project. */
static void
set_up(void)
{
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, 1000);
	ck_assert_int_eq(acp_session_names_write(ID, &names, &why), ACP_OK);
	acp_keyring_init(&keys);
	vector_key_add(&keys);
	model_init(&model);
	model.keys = &keys;
	model_add_project(&model, "p1", NULL);
	session = model_add_session(&model, ID, "p1");
	session->row.phase = ACP_PHASE_PENDING;
	model_pass(&model);
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_RUNNING);
	ck_assert_uint_eq(model_pass(&model), 0);
	find_objects();
	model_run_pod(&model, ID);
}

static void
tear_down(void)
{
	model_clear(&model);
	acp_keyring_clear(&keys);
}

static void
strip(struct json_object *json)
{
	static const char *const labels[] = {PREFIX "managed",
		PREFIX "instance", PREFIX "session-id", PREFIX "project-id"};

	for (size_t i = 0; i < COUNT(labels); i++)
		model_set_meta(json, "labels", labels[i], NULL);
}

/* Passes till nothing is planned any more. */
static void
come_to_rest(void)
{
	for (int i = 0; i < 5; i++)
		model_pass(&model);
	ck_assert_uint_eq(model_pass(&model), 0);
	find_objects();
}

static size_t
count_pods(void)
{
	size_t count = 0;

	for (size_t i = 0; i < model.count; i++)
		count += model.objects[i].kind == ACP_KIND_POD;
	return count;
}

/* The reason of the first order; "": there is none. */
static const char *
plan_reason(void)
{
	static char reason[64];
	ACP_AUTO(world) struct acp_world world;
	ACP_AUTO(plan) struct acp_plan plan;

	*reason = '\0';
	acp_world_init(&world);
	acp_plan_init(&plan);
	model_plan(&model, &world, &plan);
	for (size_t i = 0; i < plan.count && !*reason; i++)
		if (plan.actions[i].session && plan.actions[i].session->reason)
			snprintf(reason, sizeof(reason), "%s",
				plan.actions[i].session->reason);
	return reason;
}

/* Drift */

static void
drift(int how)
{
	switch (how) {
	case 0:
		strip(account);
		break;
	case 1:
		model_set_meta(account, "annotations",
			acp_mark_name(ACP_MARK_ANCHOR), NULL);
		break;
	case 2:
		model_set_meta(account, "labels", PREFIX "session-id",
			"somebody-elses");
		break;
	case 3:
		model_set_meta(account, "labels", PREFIX "instance", "other");
		break;
	case 4:
		model_set_meta(account, "labels", PREFIX "project-id", "p2");
		break;
	case 5:
		json_object_object_add(account, "automountServiceAccountToken",
			json_object_new_boolean(true));
		break;
	case 6:
		model_set_meta(account, "annotations",
			acp_mark_name(ACP_MARK_ANCHOR),
			"1800000000."
			"aZUN1U7eC9EkmJwIG5qIsu5lDed-BxBxT_zLzIaou_8");
		break;
	default:
		strip(account);
		model_set_meta(account, "annotations",
			acp_mark_name(ACP_MARK_ANCHOR), NULL);
		break;
	}
}

enum { DRIFTS = 8 };

START_TEST(h43_an_account_that_drifts_is_repaired_and_nothing_else_is_done)
{
	struct json_object *before = account;
	char uid[32];

	snprintf(uid, sizeof(uid), "%s",
		json_object_get_string(peek(peek(account, "metadata"), "uid")));
	drift(_i);
	ck_assert_uint_ge(model_pass(&model), 1);
	come_to_rest();
	ck_assert_ptr_eq(account, before);
	ck_assert_str_eq(
		json_object_get_string(peek(peek(account, "metadata"), "uid")),
		uid);
	ck_assert_str_eq(peek_label(account, PREFIX "managed"), "true");
	ck_assert_str_eq(peek_label(account, PREFIX "project-id"), "p1");
	ck_assert_ptr_nonnull(peek_mark(account, ACP_MARK_ANCHOR));
	ck_assert(!json_object_get_boolean(
		peek(account, "automountServiceAccountToken")));
	ck_assert_int_eq(session->row.phase, ACP_PHASE_RUNNING);
	ck_assert_uint_eq(session->pods, 1);
}
END_TEST

START_TEST(a_repair_keeps_the_count_of_lost_pods)
{
	model_set_meta(account, "annotations",
		acp_mark_name(ACP_MARK_REPROVISIONS), "1");
	drift(0);
	come_to_rest();
	ck_assert_str_eq(peek_mark(account, ACP_MARK_REPROVISIONS), "1");
}
END_TEST

START_TEST(without_keys_no_account_loses_its_anchor)
{
	model.keys = NULL;
	drift(_i);
	model_pass(&model);
	ck_assert_uint_eq(model_pass(&model), 0);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_RUNNING);
	ck_assert_uint_eq(session->pods, 1);
}
END_TEST

/* Keys */

START_TEST(accounts_are_signed_anew_before_a_key_goes)
{
	struct acp_keyring both = {.count = 0};
	ACP_AUTO(world) struct acp_world world;
	struct acp_key_marks marks;

	vector_key_add_other(&both);
	both.keys[both.count++] = keys.keys[0];
	model.keys = &both;
	acp_world_init(&world);
	model_observe(&model, &world);
	marks = acp_rotation_collect(&world);
	ck_assert_str_eq(
		marks.ids[marks.count - 1], acp_key_peek_id(both.keys[1]));
	ck_assert_uint_eq(model_pass(&model), 1);
	ck_assert_uint_eq(model_pass(&model), 0);
	/* and when it has gone it is not missed */
	both.count = 1;
	ck_assert_uint_eq(model_pass(&model), 0);
	model_drop_session(&model, ID);
	come_to_rest();
	ck_assert_ptr_null(account);
	acp_key_free(&both.keys[0]);
}
END_TEST

START_TEST(after_the_loss_of_all_keys_the_accounts_of_sessions_are_ours_still)
{
	struct acp_keyring fresh = {.count = 0};

	vector_key_add_other(&fresh);
	model.keys = &fresh;
	if (_i) {
		session->row.phase = ACP_PHASE_STOPPING;
		model_pass(&model);
		model_end_deletions(&model);
		model_pass(&model);
		ck_assert_int_eq(session->row.phase, ACP_PHASE_STOPPED);
	} else {
		ck_assert_uint_eq(model_pass(&model), 1);
		model_drop_session(&model, ID);
	}
	come_to_rest();
	ck_assert_ptr_null(account);
	acp_key_free(&fresh.keys[0]);
}
END_TEST

START_TEST(an_account_of_no_session_that_no_key_proves_is_left_and_counted)
{
	struct acp_keyring fresh = {.count = 0};
	ACP_AUTO(world) struct acp_world world;

	vector_key_add_other(&fresh);
	model.keys = &fresh;
	model_drop_session(&model, ID);
	ck_assert_uint_eq(model_pass(&model), 0);
	acp_world_init(&world);
	model_observe(&model, &world);
	/* with the pod and the Service that it owns */
	ck_assert_uint_eq(acp_ownership_count_foreign(&world, &model.site), 3);
	acp_key_free(&fresh.keys[0]);
}
END_TEST

START_TEST(a_session_whose_key_was_revoked_fails)
{
	struct acp_keyring fresh = {.count = 0};

	model_set_meta(pod, "annotations", acp_mark_name(ACP_MARK_TOKEN_KEY_ID),
		acp_key_peek_id(keys.keys[0]));
	model.are_keys_current = true;
	ck_assert_str_eq(plan_reason(), "");
	vector_key_add_other(&fresh);
	model.keys = &fresh;
	ck_assert_str_eq(plan_reason(), "KeyRevoked");
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_FAILED);
	acp_key_free(&fresh.keys[0]);
}
END_TEST

START_TEST(no_session_fails_for_a_key_while_the_keys_are_uncertain)
{
	struct acp_keyring fresh = {.count = 0};

	model_set_meta(pod, "annotations", acp_mark_name(ACP_MARK_TOKEN_KEY_ID),
		acp_key_peek_id(keys.keys[0]));
	vector_key_add_other(&fresh);
	model.keys = &fresh;
	ck_assert_str_eq(plan_reason(), "");
	model.are_keys_current = true;
	model.keys = NULL;
	ck_assert_str_eq(plan_reason(), "");
	/* nothing is known of a pod without a mark */
	model.keys = &fresh;
	model_set_meta(
		pod, "annotations", acp_mark_name(ACP_MARK_TOKEN_KEY_ID), NULL);
	ck_assert_str_eq(plan_reason(), "");
	acp_key_free(&fresh.keys[0]);
}
END_TEST

/* Labels of a pod and a Service */

START_TEST(a_pod_without_labels_is_followed_by_name_and_owner)
{
	strip(pod);
	if (_i)
		strip(service);
	ck_assert_uint_eq(model_pass(&model), _i ? 1 : 0);
	come_to_rest();
	ck_assert_int_eq(session->row.phase, ACP_PHASE_RUNNING);
	ck_assert_uint_eq(count_pods(), 1);
	ck_assert_ptr_nonnull(service);
}
END_TEST

START_TEST(a_pod_without_labels_ends_its_session)
{
	model_end_pod(&model, ID, _i);
	strip(pod);
	model_pass(&model);
	ck_assert_int_eq(session->row.phase,
		_i ? ACP_PHASE_FAILED : ACP_PHASE_COMPLETED);
	ck_assert_uint_eq(count_pods(), 1);
}
END_TEST

START_TEST(a_pod_without_labels_is_stopped)
{
	strip(pod);
	if (_i)
		drift(DRIFTS - 1);
	session->row.phase = ACP_PHASE_STOPPING;
	model_pass(&model);
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_STOPPING);
	ck_assert_uint_eq(count_pods(), 1);
	model_end_deletions(&model);
	ck_assert_uint_eq(count_pods(), 0);
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_STOPPED);
}
END_TEST

START_TEST(a_session_started_again_waits_for_a_pod_without_labels)
{
	model_end_pod(&model, ID, 0);
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_COMPLETED);
	strip(pod);
	ck_assert(model_start_session(session));
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_PENDING);
	ck_assert_uint_eq(session->pods, 0);
	model_end_deletions(&model);
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_RUNNING);
	ck_assert_uint_eq(session->pods, 1);
}
END_TEST

/* Names that are taken */

START_TEST(a_pod_of_somebody_else_under_our_name_is_told_and_left)
{
	json_object_object_del(peek(pod, "metadata"), "ownerReferences");
	if (_i)
		strip(pod);
	ck_assert_str_eq(plan_reason(), "PodNotOurs");
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_RUNNING);
	ck_assert_uint_eq(session->pods, 1);
	ck_assert_uint_eq(count_pods(), 1);
}
END_TEST

START_TEST(a_service_of_somebody_else_under_our_name_is_told_and_left)
{
	json_object_object_del(peek(service, "metadata"), "ownerReferences");
	if (_i)
		strip(service);
	ck_assert_str_eq(plan_reason(), "NameTaken");
	model_pass(&model);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_RUNNING);
}
END_TEST

START_TEST(what_was_wrong_and_is_not_any_more_is_taken_back)
{
	session->row.conditions = NAME_TAKEN;
	ck_assert_str_eq(plan_reason(), "PodCreated");
	session->row.conditions = "[]";
	ck_assert_str_eq(plan_reason(), "");
}
END_TEST

/* Namespaces of which a list was refused */

static const enum acp_kind kinds[] = {
	ACP_KIND_SERVICE_ACCOUNT, ACP_KIND_SERVICE, ACP_KIND_POD};

/* Reads every kind in p1 and not in p2, or the other way round. */
static void
plan_without(const char *read, struct acp_plan *plan)
{
	ACP_AUTO(world) struct acp_world world;

	acp_world_init(&world);
	model_observe(&model, &world);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		world.objects[kinds[i]].is_known = false;
		acp_world_add_read(&world.objects[kinds[i]], read);
	}
	acp_plan_sessions(&world, &model.site, &model.runner, plan);
}

START_TEST(a_namespace_that_cannot_be_read_stops_no_other)
{
	static const char *const read[] = {"p1", "p2"};
	ACP_AUTO(plan) struct acp_plan plan;

	acp_plan_init(&plan);
	model_add_project(&model, "p2", NULL);
	model_pass(&model);
	model_add_session(&model, "Session0002", "p2")->row.phase =
		ACP_PHASE_PENDING;
	session->row.phase = ACP_PHASE_STOPPING;
	plan_without(read[_i], &plan);
	if (_i) {
		ck_assert_uint_eq(plan.count, 1);
		ck_assert_int_eq(plan.actions[0].verb, ACP_VERB_PROVISION);
	} else {
		ck_assert_uint_eq(plan.count, 2);
		ck_assert_int_eq(plan.actions[0].verb, ACP_VERB_DELETE);
	}
}
END_TEST

static void
add_drifts(TCase *tcase)
{
	tcase_add_loop_test(tcase,
		h43_an_account_that_drifts_is_repaired_and_nothing_else_is_done,
		0, DRIFTS);
	tcase_add_test(tcase, a_repair_keeps_the_count_of_lost_pods);
	tcase_add_loop_test(
		tcase, without_keys_no_account_loses_its_anchor, 0, DRIFTS);
	tcase_add_test(tcase, accounts_are_signed_anew_before_a_key_goes);
	tcase_add_loop_test(tcase,
		after_the_loss_of_all_keys_the_accounts_of_sessions_are_ours_still,
		0, 2);
	tcase_add_test(tcase,
		an_account_of_no_session_that_no_key_proves_is_left_and_counted);
	tcase_add_test(tcase, a_session_whose_key_was_revoked_fails);
	tcase_add_test(
		tcase, no_session_fails_for_a_key_while_the_keys_are_uncertain);
}

static Suite *
plan_accounts_suite(void)
{
	Suite *suite = suite_create("plan_accounts");
	TCase *tcase = tcase_create("plan_accounts");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	/* keys of 2048 bits take their time under memcheck */
	tcase_set_timeout(tcase, 120);
	add_drifts(tcase);
	tcase_add_loop_test(tcase,
		a_pod_without_labels_is_followed_by_name_and_owner, 0, 2);
	tcase_add_loop_test(tcase, a_pod_without_labels_ends_its_session, 0, 2);
	tcase_add_loop_test(tcase, a_pod_without_labels_is_stopped, 0, 2);
	tcase_add_test(
		tcase, a_session_started_again_waits_for_a_pod_without_labels);
	tcase_add_loop_test(tcase,
		a_pod_of_somebody_else_under_our_name_is_told_and_left, 0, 2);
	tcase_add_loop_test(tcase,
		a_service_of_somebody_else_under_our_name_is_told_and_left, 0,
		2);
	tcase_add_test(tcase, what_was_wrong_and_is_not_any_more_is_taken_back);
	tcase_add_loop_test(
		tcase, a_namespace_that_cannot_be_read_stops_no_other, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(plan_accounts_suite)
