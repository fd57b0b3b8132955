/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions over random histories: users create, start, stop and delete, pods
 * end and vanish, lists fail and passes are broken off. What must never be is
 * looked at in each pass; after the last fault both sides agree.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "lib/json.h"
#include "reconciler/anchor.h"
#include "reconciler/observe_object.h"
#include "tests/unit/chance.h"
#include "tests/unit/json_peek.h"
#include "tests/unit/model_world.h"
#include "tests/unit/unit.h"
#include "tests/unit/vector_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORIES = 300, STEPS = 60, IDS = 40, RESTS = 40, PARTS = 10 };

static const char *const projects[] = {"p1", "p2", "p3"};

static struct model model;
static struct acp_keyring keys;
static char ids[IDS][32];
static int id_count;

static bool
is_terminal(enum acp_phase phase)
{
	return phase == ACP_PHASE_STOPPED || phase == ACP_PHASE_COMPLETED ||
		phase == ACP_PHASE_FAILED;
}

/* What must never be */

/* What tenants put there bears this, and nothing else does. */
static const char foreign[] = "test/foreign";

static void
check_deletion(const struct acp_action *action)
{
	struct json_object *json = model_find(&model, action->ref.kind,
		action->ref.namespace, action->ref.name);

	ck_assert_ptr_nonnull(action->uid);
	ck_assert_ptr_nonnull(json);
	ck_assert_str_eq(action->uid, peek_meta(json, "uid"));
	ck_assert(!peek(peek(peek(json, "metadata"), "annotations"), foreign));
}

/* Only what is said to be running, or is to run, is given a pod. */
static void
check_provision(const struct acp_action *action)
{
	const struct acp_session_order *order = action->session;
	const struct model_session *session =
		model_find_session(&model, order->session_id);

	ck_assert_ptr_nonnull(session);
	ck_assert_int_eq(session->row.phase, order->expected);
	ck_assert(!is_terminal(order->expected));
	ck_assert_int_ne(order->expected, ACP_PHASE_STOPPING);
	/* one for the start, and one for a pod that was lost */
	ck_assert_uint_lt(session->pods, 2);
}

/* Nothing is said to be running but what has a pod that may run. */
static void
check_phase(const struct acp_action *action)
{
	const struct acp_session_order *order = action->session;
	struct json_object *pod =
		model_find_of_session(&model, ACP_KIND_POD, order->session_id);

	if (order->phase == ACP_PHASE_RUNNING) {
		ck_assert_ptr_nonnull(pod);
		ck_assert_ptr_null(peek_meta(pod, "deletionTimestamp"));
	}
	/* nobody has asked for a stop but the user */
	if (order->phase == ACP_PHASE_STOPPED)
		ck_assert_int_eq(order->expected, ACP_PHASE_STOPPING);
	ck_assert(!is_terminal(order->expected));
}

static void
check_plan(const struct acp_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct acp_action *action = &plan->actions[i];

		if (action->verb == ACP_VERB_DELETE)
			check_deletion(action);
		else if (action->verb == ACP_VERB_PROVISION)
			check_provision(action);
		else if (action->verb == ACP_VERB_PHASE)
			check_phase(action);
	}
}

/* The operator lets pass what the gate holds, where there is one. */
static size_t
pass(bool is_released)
{
	ACP_AUTO(world) struct acp_world world;
	ACP_AUTO(plan) struct acp_plan plan;

	acp_world_init(&world);
	acp_plan_init(&plan);
	model_plan(&model, &world, &plan);
	for (size_t i = 0; is_released && i < plan.count; i++)
		plan.actions[i].is_held = false;
	check_plan(&plan);
	model_apply(&model, &plan);
	return model_count_writes(&plan);
}

/* Users */

static struct model_session *
draw_session(void)
{
	return model.session_count
		? &model.sessions[draw((unsigned int)model.session_count)]
		: NULL;
}

static void
create_session(void)
{
	if (id_count == IDS)
		return;
	snprintf(ids[id_count], sizeof(ids[0]), "%sSession%04d",
		draw(2) ? "" : "a", id_count);
	model_add_session(&model, ids[id_count], projects[draw(3)]);
	id_count++;
}

static void
act_as_user(void)
{
	struct model_session *session = draw_session();
	unsigned int choice = draw(8);

	if (choice < 3 || !session)
		create_session();
	else if (choice < 5)
		model_start_session(session);
	else if (choice < 7)
		model_stop_session(session);
	else
		model_drop_session(&model, session->row.id);
}

/* Kubelets, and whoever deletes pods */

static void
act_as_kubelet(void)
{
	const struct model_session *session = draw_session();

	if (draw(4) == 0)
		model_end_deletions(&model);
	if (!session)
		return;
	if (draw(2))
		model_run_pod(&model, session->row.id);
	if (draw(4) == 0)
		model_end_pod(&model, session->row.id, draw(2) ? 0 : 1);
	if (draw(8) == 0)
		model_lose_pod(&model, session->row.id);
}

static bool
is_full(void)
{
	return model.count + 64 > MODEL_OBJECTS;
}

/*
 * A copy of an account with all that it says, its sign too, for an id that
 * there never was.
 */
static void
make_up_account(void)
{
	const struct model_session *session = draw_session();
	struct json_object *like, *json = NULL;
	char id[32], name[64];

	like = session ? model_find_of_session(&model, ACP_KIND_SERVICE_ACCOUNT,
				 session->row.id)
		       : NULL;
	snprintf(id, sizeof(id), "made-up-%u", draw(20));
	snprintf(name, sizeof(name), "session-%s-sa", id);
	if (!like || is_full() ||
		model_find(&model, ACP_KIND_SERVICE_ACCOUNT,
			peek_meta(like, "namespace"), name))
		return;
	ck_assert_int_eq(json_object_deep_copy(like, &json, NULL), 0);
	json_object_object_add(
		peek(json, "metadata"), "name", json_object_new_string(name));
	model_set_meta(json, "labels", "ambient-code.io/session-id", id);
	model_set_meta(json, "annotations", foreign, "yes");
	model_put(&model, ACP_KIND_SERVICE_ACCOUNT, json);
}

/* A tenant's own, as much like ours as can be without its account. */
static void
act_as_tenant(void)
{
	const struct model_session *session = draw_session();
	struct json_object *like, *json = NULL;
	char name[64];

	like = session
		? model_find_of_session(&model, ACP_KIND_POD, session->row.id)
		: NULL;
	if (!like)
		return;
	ck_assert_int_eq(json_object_deep_copy(like, &json, NULL), 0);
	snprintf(name, sizeof(name), "session-mine-%u-runner", draw(3));
	json_object_object_add(
		peek(json, "metadata"), "name", json_object_new_string(name));
	json_object_object_del(peek(json, "metadata"), "deletionTimestamp");
	if (is_full() ||
		model_find(&model, ACP_KIND_POD, peek_meta(json, "namespace"),
			name)) {
		json_object_put(json);
		return;
	}
	json_object_object_del(peek(json, "metadata"), "ownerReferences");
	model_set_meta(json, "annotations", foreign, "yes");
	model_put(&model, ACP_KIND_POD, json);
}

static void
drop_project(void)
{
	const char *id = projects[draw(3)];

	for (size_t i = 0; i < model.project_count; i++)
		if (strcmp(model.projects[i].id, id) == 0) {
			model_drop_project(&model, id, ACP_PRESENCE_GONE);
			return;
		}
}

/* Faults */

static void
choose_faults(void)
{
	for (size_t i = 0; i < ACP_KIND__MAX; i++)
		model.is_unknown[i] = !draw(16);
	model.are_sessions_unknown = !draw(8);
	model.are_projects_unknown = false;
	model.are_answers_unknown = !draw(6);
	model.are_foreign_unknown = !draw(8);
	model.actions_left = draw(3) ? SIZE_MAX : draw(6);
}

static void
end_faults(void)
{
	memset(model.is_unknown, 0, sizeof(model.is_unknown));
	model.are_sessions_unknown = false;
	model.are_answers_unknown = false;
	model.are_foreign_unknown = false;
	model.actions_left = SIZE_MAX;
}

static void
live_through(void)
{
	for (int step = 0; step < STEPS; step++) {
		if (draw(2))
			act_as_user();
		act_as_kubelet();
		if (draw(6) == 0)
			act_as_tenant();
		if (draw(6) == 0)
			make_up_account();
		if (draw(STEPS) == 0)
			drop_project();
		model.now_s += draw(30);
		if (draw(20) == 0)
			model.now_s += draw(1200);
		choose_faults();
		pass(false);
	}
}

/* Agreement */

static bool
comes_to_rest(void)
{
	end_faults();
	for (int i = 0; i < RESTS; i++) {
		size_t writes;

		model_end_deletions(&model);
		model.now_s += 601;
		writes = pass(true);
		if (!writes && i > 4)
			return true;
	}
	return false;
}

static bool
has(enum acp_kind kind, const char *id)
{
	return model_find_of_session(&model, kind, id) != NULL;
}

static void
check_running(const struct model_session *session)
{
	const struct acp_session_row *row = &session->row;
	struct json_object *pod =
		model_find_of_session(&model, ACP_KIND_POD, row->id);

	ck_assert_ptr_nonnull(pod);
	ck_assert(has(ACP_KIND_SERVICE, row->id));
	ck_assert(has(ACP_KIND_SERVICE_ACCOUNT, row->id));
	ck_assert_str_eq(row->kube_namespace, peek_meta(pod, "namespace"));
	ck_assert_ptr_null(peek_meta(pod, "deletionTimestamp"));
}

/* A tenant's pods bear the id of a session too. */
static bool
has_pod_of_ours(const char *id)
{
	struct json_object *pod =
		model_find_of_session(&model, ACP_KIND_POD, id);

	return pod &&
		!peek(peek(peek(pod, "metadata"), "annotations"), foreign);
}

static void
check_nothing_left(const char *id)
{
	ck_assert(!has_pod_of_ours(id));
	ck_assert(!has(ACP_KIND_SERVICE, id));
	ck_assert(!has(ACP_KIND_SERVICE_ACCOUNT, id));
}

static void
check_agreement(int seed)
{
	for (int i = 0; i < id_count; i++) {
		struct model_session *session =
			model_find_session(&model, ids[i]);

		if (!session || is_terminal(session->row.phase)) {
			check_nothing_left(ids[i]);
			continue;
		}
		ck_assert_msg(session->row.phase == ACP_PHASE_RUNNING,
			"history %d: %s is %s", seed, ids[i],
			acp_phase_name(session->row.phase));
		check_running(session);
	}
}

static void
begin_history(int seed)
{
	seed_chance(seed);
	model_init(&model);
	if (!keys.count)
		vector_key_add(&keys);
	model.keys = &keys;
	id_count = 0;
	for (size_t i = 0; i < 3; i++)
		model_add_project(&model, projects[i], NULL);
}

START_TEST(after_the_last_fault_both_sides_agree)
{
	int first = _i * HISTORIES / PARTS;

	for (int n = 0; n < unit_rounds(HISTORIES / PARTS); n++) {
		int seed = first + n;

		begin_history(seed);
		live_through();
		ck_assert_msg(comes_to_rest(), "history %d never rests:\n%s",
			seed, model_describe(&model));
		check_agreement(seed);
		model_clear(&model);
	}
}
END_TEST

START_TEST(a_session_is_made_in_one_pass_and_then_costs_nothing)
{
	begin_history(1);
	ck_assert_uint_gt(pass(false), 0);
	for (int i = 0; i < 10; i++)
		create_session();
	model.now_s += 10;
	ck_assert_uint_eq(pass(false), 10);
	ck_assert_uint_eq(pass(false), 0);
	check_agreement(1);
	model_clear(&model);
}
END_TEST

START_TEST(a_runner_that_ends_at_once_runs_once)
{
	struct model_session *session;

	begin_history(1);
	pass(false);
	create_session();
	model_start_session(&model.sessions[0]);
	session = &model.sessions[0];
	/* the row was not written, and the runner has ended before the next */
	model.actions_left = 1;
	pass(false);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_PENDING);
	ck_assert_uint_eq(session->pods, 1);
	model_end_pod(&model, session->row.id, 0);
	end_faults();
	pass(false);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_COMPLETED);
	ck_assert_uint_eq(session->pods, 1);
	ck_assert(comes_to_rest());
	check_nothing_left(session->row.id);
	model_clear(&model);
}
END_TEST

START_TEST(h26_a_session_started_again_gets_a_new_pod_when_the_old_has_gone)
{
	struct model_session *session;
	const char *id;

	begin_history(1);
	pass(false);
	create_session();
	session = &model.sessions[0];
	id = session->row.id;
	model_start_session(session);
	pass(false);
	model_run_pod(&model, id);
	model_end_pod(&model, id, 0);
	pass(false);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_COMPLETED);
	model_start_session(session);
	model.now_s += 5;
	pass(false);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_PENDING);
	model_end_deletions(&model);
	pass(false);
	ck_assert_int_eq(session->row.phase, ACP_PHASE_RUNNING);
	ck_assert_uint_eq(session->pods, 1);
	check_running(session);
	model_clear(&model);
}
END_TEST

/* A steady world of many sessions, read out of JSON as a pass reads it. */

enum { MANY = 10000, MANY_PROJECTS = 50, MANY_BYTES_MAX = 64 << 20 };

static void
sign_copy(struct json_object *json, const char *project, const char *id)
{
	struct json_object *namespace =
		model_find(&model, ACP_KIND_NAMESPACE, NULL, project);
	const struct acp_anchor anchor = {.instance = model.site.instance,
		.namespace = project,
		.namespace_uid = peek_meta(namespace, "uid"),
		.session_id = id,
		/* the model's clock when the first one was made */
		.created_s = model.now_s};
	char mark[ACP_ANCHOR_SIZE];

	acp_anchor_write(keys.keys[0], &anchor, mark);
	model_set_meta(json, "annotations", "ambient-code.io/anchor", mark);
}

static void
observe_copy(struct acp_world *world, enum acp_kind kind,
	struct json_object *json, int number)
{
	const char *name = peek_meta(json, "name");
	struct json_object *metadata = peek(json, "metadata"), *labels, *owner;
	char text[128], id[32], project[16];

	snprintf(id, sizeof(id), "session-%05d", number);
	snprintf(project, sizeof(project), "p%d", number % MANY_PROJECTS);
	snprintf(text, sizeof(text), "session-%s%s", id,
		kind == ACP_KIND_POD		   ? "-runner"
			: kind == ACP_KIND_SERVICE ? ""
						   : "-sa");
	ck_assert_ptr_nonnull(name);
	json_object_object_add(metadata, "name", json_object_new_string(text));
	json_object_object_add(
		metadata, "namespace", json_object_new_string(project));
	labels = peek(metadata, "labels");
	json_object_object_add(labels, "ambient-code.io/session-id",
		json_object_new_string(id));
	json_object_object_add(labels, "ambient-code.io/project-id",
		json_object_new_string(project));
	snprintf(text, sizeof(text), "uid-of-%s", id);
	if (kind == ACP_KIND_SERVICE_ACCOUNT) {
		json_object_object_add(
			metadata, "uid", json_object_new_string(text));
		sign_copy(json, project, id);
	} else {
		owner = json_object_array_get_idx(
			peek(metadata, "ownerReferences"), 0);
		json_object_object_add(
			owner, "uid", json_object_new_string(text));
	}
	if (kind == ACP_KIND_SERVICE)
		json_object_object_add(peek(peek(json, "spec"), "selector"),
			"ambient-code.io/session-id",
			json_object_new_string(id));
	ck_assert(acp_observe_object(kind, json, world->arena,
		acp_world_add_object(&world->objects[kind])));
}

static void
add_many_sessions(struct acp_world *world, const char *id)
{
	static const enum acp_kind kinds[] = {
		ACP_KIND_SERVICE_ACCOUNT, ACP_KIND_SERVICE, ACP_KIND_POD};
	struct acp_session_row row = model_find_session(&model, id)->row;

	for (size_t i = 0; i < 3; i++) {
		struct json_object *json =
			model_find_of_session(&model, kinds[i], id);

		for (int number = 0; number < MANY; number++)
			observe_copy(world, kinds[i], json, number);
	}
	for (int number = 0; number < MANY; number++) {
		char text[32];

		snprintf(text, sizeof(text), "session-%05d", number);
		row.id = acp_arena_dup(world->arena, text);
		snprintf(text, sizeof(text), "p%d", number % MANY_PROJECTS);
		row.project_id = acp_arena_dup(world->arena, text);
		row.kube_namespace = row.project_id;
		*acp_world_add_session(world) = row;
	}
}

START_TEST(ten_thousand_steady_sessions_cost_no_write_and_little_memory)
{
	ACP_AUTO(world) struct acp_world world;
	ACP_AUTO(plan) struct acp_plan plan;

	begin_history(1);
	for (int i = 0; i < MANY_PROJECTS; i++) {
		static char names[MANY_PROJECTS][16];

		snprintf(names[i], sizeof(names[i]), "p%d", i);
		if (i < 1 || i > 3)
			model_add_project(&model, names[i], NULL);
	}
	model_add_session(&model, "session-first", "p0");
	model.now_s += 60;
	pass(false);
	pass(false);
	acp_world_init(&world);
	acp_plan_init(&plan);
	model_observe(&model, &world);
	world.session_count = 0;
	world.objects[ACP_KIND_SERVICE_ACCOUNT].count = 0;
	world.objects[ACP_KIND_SERVICE].count = 0;
	world.objects[ACP_KIND_POD].count = 0;
	add_many_sessions(&world, "session-first");
	acp_world_sort(&world);
	acp_anchor_judge(&world, &model.site);
	acp_plan_projects(&world, &model.site, &plan);
	acp_plan_sessions(&world, &model.site, &model.runner, &plan);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_uint_eq(plan.foreign_objects, 0);
	ck_assert_uint_lt(acp_arena_get_size(world.arena) +
			acp_arena_get_size(plan.arena),
		MANY_BYTES_MAX);
	/* and it was all looked at */
	world.sessions[MANY - 1].phase = ACP_PHASE_STOPPING;
	acp_plan_sessions(&world, &model.site, &model.runner, &plan);
	ck_assert_uint_eq(plan.count, 2);
	model_clear(&model);
}
END_TEST

static Suite *
session_histories_suite(void)
{
	Suite *suite = suite_create("session_histories");
	TCase *tcase = tcase_create("session_histories");

	/* a bound against endless loops, not on speed */
	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(
		tcase, after_the_last_fault_both_sides_agree, 0, PARTS);
	tcase_add_test(
		tcase, a_session_is_made_in_one_pass_and_then_costs_nothing);
	tcase_add_test(tcase, a_runner_that_ends_at_once_runs_once);
	tcase_add_test(tcase,
		h26_a_session_started_again_gets_a_new_pod_when_the_old_has_gone);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("many");
	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase,
		ten_thousand_steady_sessions_cost_no_write_and_little_memory);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(session_histories_suite)
