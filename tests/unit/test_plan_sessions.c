/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/plan_session*.c: the phase table row by row, and what must never
 * be done. A plan is compared as a line of text, an action after the other.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "reconciler/desired_session.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ID "Session0001"

enum { NOW = 1800000000, MADE = NOW - 7200, US = 1000000 };

static struct acp_site site;
static struct acp_runner_site choices;
static struct acp_world world;
static struct acp_session_names names;
static struct acp_session_row row;
static struct acp_pod_state state;
/* what of the session is there; the pod with state */
static struct acp_object account, service, pod;
static bool has_account, has_service, has_pod;

static void
write_names(const char *id)
{
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, 1000);
	ck_assert_int_eq(acp_session_names_write(id, &names, &why), ACP_OK);
}

static struct acp_object
make_object(enum acp_kind kind, const char *namespace, const char *name)
{
	return (struct acp_object){.kind = kind,
		.namespace = namespace,
		.name = name,
		.uid = acp_kind_name(kind),
		.resource_version = "7",
		.created_s = MADE,
		.managed = "true",
		.instance = "main",
		.project_id = "p1",
		.session_id = namespace ? ID : NULL,
		.owner_uid = kind == ACP_KIND_POD || kind == ACP_KIND_SERVICE
			? "ServiceAccount"
			: NULL,
		.anchor_key_id =
			kind == ACP_KIND_SERVICE_ACCOUNT ? "key" : NULL};
}

static void
note_service_content(void)
{
	const struct acp_session_detail detail = {.row = row};
	const struct acp_session_want want = {.site = &site,
		.runner = &choices,
		.detail = &detail,
		.names = &names,
		.namespace = "p1",
		.account_uid = account.uid};
	struct json_object *body = acp_desired_session_service(&want);

	acp_desired_content(ACP_KIND_SERVICE, body, service.content);
	json_object_put(body);
}

static void
add_namespace(const char *name, const char *project)
{
	struct acp_object *object =
		acp_world_add_object(&world.objects[ACP_KIND_NAMESPACE]);

	*object = make_object(ACP_KIND_NAMESPACE, NULL, name);
	object->project_id = project;
	object->is_active = true;
}

static void
set_up_world(void)
{
	acp_world_init(&world);
	world.kube_now_s = NOW;
	world.api_now_s = NOW;
	world.are_projects_known = true;
	world.are_sessions_known = true;
	world.foreign_namespaces.is_known = true;
	for (int i = 0; i < ACP_KIND__MAX; i++) {
		world.objects[i].is_known = true;
		world.objects[i].is_served = true;
	}
	add_namespace("p1", "p1");
	acp_world_add_project(&world)->id = "p1";
}

static void
set_up(void)
{
	site = (struct acp_site){.platform = ACP_PLATFORM_STANDARD,
		.instance = "main",
		.runtime_namespace = "runtime",
		.config_namespace = "settings"};
	choices = (struct acp_runner_site){
		.token_url = "http://t/token", .retention_ms = INT64_C(900000)};
	write_names(ID);
	row = (struct acp_session_row){.id = ID,
		.project_id = "p1",
		.kube_namespace = "p1",
		.phase = ACP_PHASE_PENDING,
		.created_us = INT64_C(1) * MADE * US,
		.updated_us = INT64_C(1) * MADE * US};
	state = (struct acp_pod_state){
		.phase = ACP_POD_RUNNING, .start_s = MADE};
	account = make_object(ACP_KIND_SERVICE_ACCOUNT, "p1", names.account);
	service = make_object(ACP_KIND_SERVICE, "p1", names.service);
	pod = make_object(ACP_KIND_POD, "p1", names.pod);
	pod.pod = &state;
	has_account = has_service = has_pod = false;
	note_service_content();
	set_up_world();
}

static void
tear_down(void)
{
	acp_world_clear(&world);
}

static void
add(const struct acp_object *object)
{
	*acp_world_add_object(&world.objects[object->kind]) = *object;
}

static void
make_all(void)
{
	has_account = has_service = has_pod = true;
}

/* The pod's row says that it is of this run. */
static void
note_start(void)
{
	row.start_us = INT64_C(1) * MADE * US;
}

static void
render_order(const struct acp_action *action, struct acp_buffer *text)
{
	const struct acp_session_order *order = action->session;

	ck_assert_str_eq(order->session_id, row.id);
	ck_assert_int_eq(order->expected, row.phase);
	if (action->verb == ACP_VERB_PROVISION)
		acp_buffer_printf(text, "provision%s%s",
			order->is_resume ? " resume" : "",
			order->reprovisions ? " again" : "");
	else if (order->phase == ACP_PHASE_UNKNOWN)
		acp_buffer_printf(text, "tell %s", order->reason);
	else
		acp_buffer_printf(text, "%s%s%s%s%s",
			acp_phase_name(order->phase),
			order->start_s ? " start" : "",
			order->completion_s ? " end" : "",
			order->kube_namespace ? " place" : "",
			action->is_absence ? " absence" : "");
}

static void
render_action(const struct acp_action *action, struct acp_buffer *text)
{
	if (text->size)
		acp_buffer_append(text, "; ");
	if (action->session) {
		render_order(action, text);
		return;
	}
	acp_buffer_printf(text, "%s %s%s", acp_verb_name(action->verb),
		acp_kind_name(action->ref.kind),
		action->is_absence ? " absence" : "");
	if (action->verb == ACP_VERB_CREATE)
		return;
	ck_assert_ptr_nonnull(action->uid);
	ck_assert_ptr_nonnull(action->resource_version);
}

/* Plans what is there now, and says so in the plan. */
static void
make_plan(struct acp_plan *plan)
{
	if (row.id)
		*acp_world_add_session(&world) = row;
	if (has_account)
		add(&account);
	if (has_service)
		add(&service);
	if (has_pod)
		add(&pod);
	acp_world_sort(&world);
	acp_plan_sessions(&world, &site, &choices, plan);
}

static const char *
plan_line(void)
{
	static char line[1000];
	ACP_AUTO(plan) struct acp_plan plan;
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_plan_init(&plan);
	acp_buffer_init(&text, sizeof(line));
	make_plan(&plan);
	for (size_t i = 0; i < plan.count; i++)
		render_action(&plan.actions[i], &text);
	snprintf(line, sizeof(line), "%s", acp_buffer_peek(&text));
	return line;
}

/* The phase table */

enum seen {
	NO_POD,
	LIVE, /* created at the time that the row does not know */
	OLD, /* created at the row's start_time */
	OLD_LIVE,
	GOING, /* of this run, being deleted */
	GOING_DONE, /* the same, and its runner has exited 0 */
	LATE, /* being deleted, 30 s behind its time */
	EXIT_0,
	EXIT_1,
	EVICTED,
	SUCCEEDED,
	EXIT_0_LONG_AGO,
	NO_PULL_5, /* the image, for 5 minutes */
	NO_PULL_4,
	NO_NODE_10,
	NO_NODE_9,
	WAITING_10,
	WAITING_9,
	LOST, /* by the row, and by a GET */
	UNASKED, /* by the row, and nobody knows */
	LISTED_NOT /* by the list, but a GET finds it */
};

struct phase_row {
	enum acp_phase phase;
	enum seen seen;
	const char *plan;
};

static void
end_runner(int exit_code, int64_t end_s)
{
	state.has_ended = true;
	state.exit_code = exit_code;
	state.end_s = end_s;
}

static void
wait_for(const char *waiting, int64_t since_s)
{
	state.phase = ACP_POD_PENDING;
	state.waiting = waiting;
	state.start_s = since_s;
}

static void
answer_pod(enum acp_presence presence)
{
	acp_world_add_pod_answer(&world, ID, presence);
	has_pod = false;
}

/* Pods that have not started, and those that are not listed. */
static void
see_no_runner(enum seen seen)
{
	switch (seen) {
	case NO_PULL_5:
		wait_for("ImagePullBackOff", NOW - 300);
		break;
	case NO_PULL_4:
		wait_for("ErrImagePull", NOW - 299);
		break;
	case NO_NODE_10:
	case NO_NODE_9:
		state.phase = ACP_POD_PENDING;
		state.start_s = 0;
		state.unscheduled_s = NOW - (seen == NO_NODE_10 ? 600 : 599);
		break;
	case WAITING_10:
		wait_for("CreateContainerConfigError", NOW - 600);
		break;
	case WAITING_9:
		wait_for("ContainerCreating", NOW - 599);
		break;
	case LOST:
		answer_pod(ACP_PRESENCE_GONE);
		break;
	case UNASKED:
		has_pod = false;
		break;
	case LISTED_NOT:
		answer_pod(ACP_PRESENCE_THERE);
		break;
	default:
		break;
	}
}

/* Plans use no more of the row's start than whether it is the pod's. */
static void
see(enum seen seen)
{
	make_all();
	note_start();
	switch (seen) {
	case NO_POD:
		has_service = has_account = false;
		row.start_us = 0;
		if (row.phase == ACP_PHASE_STOPPING)
			answer_pod(ACP_PRESENCE_GONE);
		has_pod = false;
		break;
	case LIVE:
		row.start_us = 0;
		break;
	case OLD:
		end_runner(0, NOW - 60);
		break;
	case OLD_LIVE:
		break;
	case GOING:
		pod.deleted_s = NOW - 29;
		break;
	case GOING_DONE:
		pod.deleted_s = NOW - 29;
		end_runner(0, NOW - 60);
		break;
	case LATE:
		pod.deleted_s = NOW - 30;
		break;
	case EXIT_0:
		end_runner(0, NOW - 60);
		break;
	case EXIT_1:
		end_runner(1, NOW - 60);
		break;
	case EVICTED:
		state.phase = ACP_POD_FAILED;
		state.reason = "Evicted";
		break;
	case SUCCEEDED:
		state.phase = ACP_POD_SUCCEEDED;
		break;
	case EXIT_0_LONG_AGO:
		end_runner(0, NOW - 900);
		break;
	default:
		see_no_runner(seen);
	}
}

static const struct phase_row table[] = {
	{ACP_PHASE_EMPTY, NO_POD, "provision"},
	{ACP_PHASE_PENDING, NO_POD, "provision"},
	/* H-26: the pod of an earlier run has to go first */
	{ACP_PHASE_PENDING, OLD, "delete Pod; tell PreviousPodTerminating"},
	{ACP_PHASE_PENDING, OLD_LIVE,
		"delete Pod; tell PreviousPodTerminating"},
	{ACP_PHASE_EMPTY, OLD, "delete Pod; tell PreviousPodTerminating"},
	{ACP_PHASE_PENDING, GOING, "tell PreviousPodTerminating"},
	{ACP_PHASE_PENDING, UNASKED, "provision resume"},
	/* of this run: its phase is written */
	{ACP_PHASE_PENDING, LIVE, "Running start"},
	{ACP_PHASE_EMPTY, LIVE, "Running start"},
	{ACP_PHASE_CREATING, OLD_LIVE, "Running"},
	{ACP_PHASE_RUNNING, OLD_LIVE, ""},
	{ACP_PHASE_RUNNING, LIVE, "Running start"},
	{ACP_PHASE_RUNNING, GOING, ""},
	{ACP_PHASE_RUNNING, GOING_DONE, "Completed end"},
	{ACP_PHASE_RUNNING, LOST, "provision resume again"},
	{ACP_PHASE_CREATING, LOST, "provision resume again"},
	{ACP_PHASE_RUNNING, UNASKED, ""},
	{ACP_PHASE_RUNNING, LISTED_NOT, ""},
	{ACP_PHASE_RUNNING, EXIT_0, "Completed end"},
	{ACP_PHASE_CREATING, EXIT_0, "Completed end"},
	{ACP_PHASE_RUNNING, EXIT_1, "Failed end"},
	{ACP_PHASE_RUNNING, EVICTED, "Failed end"},
	{ACP_PHASE_RUNNING, SUCCEEDED, "Completed end"},
	{ACP_PHASE_RUNNING, NO_PULL_5, "Failed end"},
	{ACP_PHASE_RUNNING, NO_PULL_4, ""},
	{ACP_PHASE_RUNNING, NO_NODE_10, "Failed end"},
	{ACP_PHASE_RUNNING, NO_NODE_9, ""},
	{ACP_PHASE_RUNNING, WAITING_10, "Failed end"},
	{ACP_PHASE_RUNNING, WAITING_9, ""},
	/* H-25: Stopped when the pod has gone, or is overdue */
	{ACP_PHASE_STOPPING, OLD_LIVE, "delete Service; delete Pod"},
	{ACP_PHASE_STOPPING, EXIT_0, "delete Service; delete Pod"},
	{ACP_PHASE_STOPPING, GOING, "delete Service"},
	{ACP_PHASE_STOPPING, LATE, "delete Service; Stopped end"},
	{ACP_PHASE_STOPPING, UNASKED, "delete Service"},
	{ACP_PHASE_STOPPING, NO_POD, "Stopped end"},
	{ACP_PHASE_STOPPED, OLD_LIVE, "delete Service; delete Pod"},
	{ACP_PHASE_COMPLETED, OLD_LIVE, "delete Service; delete Pod"},
	{ACP_PHASE_FAILED, NO_PULL_5, "delete Service; delete Pod"},
	{ACP_PHASE_FAILED, GOING, "delete Service"},
	{ACP_PHASE_COMPLETED, EXIT_0, "delete Service"},
	{ACP_PHASE_FAILED, EXIT_1, "delete Service"},
	{ACP_PHASE_STOPPED, EXIT_1, "delete Service"},
	{ACP_PHASE_COMPLETED, EXIT_0_LONG_AGO, "delete Service; delete Pod"},
	{ACP_PHASE_COMPLETED, UNASKED, "delete Service; delete ServiceAccount"},
	{ACP_PHASE_STOPPED, NO_POD, ""},
	{ACP_PHASE_UNKNOWN, OLD_LIVE, ""},
	{ACP_PHASE_UNKNOWN, NO_POD, ""},
};

START_TEST(each_row_of_the_phase_table)
{
	row.phase = table[_i].phase;
	see(table[_i].seen);
	ck_assert_str_eq(plan_line(), table[_i].plan);
}
END_TEST

/* Each row again, as it is when every write of the plan was done. */
START_TEST(a_running_session_that_is_as_it_should_be_costs_no_write)
{
	row.phase = ACP_PHASE_RUNNING;
	make_all();
	note_start();
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

/* Empty phases */

struct age {
	int64_t age_s;
	int64_t now_s;
	const char *plan;
};

static const struct age ages[] = {
	{9, NOW, ""},
	{10, NOW, "provision"},
	{10, 0, ""}, /* the server's time is not known */
	{-5, NOW, ""},
};

START_TEST(h20_an_empty_phase_waits_for_ten_seconds_by_the_servers_clock)
{
	row.phase = ACP_PHASE_EMPTY;
	world.api_now_s = ages[_i].now_s;
	row.created_us = (NOW - ages[_i].age_s) * US;
	ck_assert_str_eq(plan_line(), ages[_i].plan);
}
END_TEST

/* What a plan says beside its line */

static const struct acp_session_order *
find_order(const struct acp_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->actions[i].session)
			return plan->actions[i].session;
	ck_abort_msg("no order");
	return NULL;
}

START_TEST(an_order_is_about_the_pod_in_the_projects_namespace)
{
	ACP_AUTO(plan) struct acp_plan plan;

	acp_plan_init(&plan);
	make_plan(&plan);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.actions[0].ref.kind, ACP_KIND_POD);
	ck_assert_str_eq(plan.actions[0].ref.namespace, "p1");
	ck_assert_str_eq(plan.actions[0].ref.name, names.pod);
	ck_assert_str_eq(plan.actions[0].unit, "session/" ID);
	ck_assert(!plan.actions[0].is_absence);
}
END_TEST

START_TEST(h27_the_end_is_the_runners_own_and_the_start_is_the_pods)
{
	ACP_AUTO(plan) struct acp_plan plan;
	const struct acp_session_order *order;

	acp_plan_init(&plan);
	row.phase = ACP_PHASE_RUNNING;
	row.kube_namespace = NULL;
	make_all();
	end_runner(137, NOW - 60);
	state.end_reason = "OOMKilled";
	make_plan(&plan);
	order = find_order(&plan);
	ck_assert_int_eq(order->completion_s, NOW - 60);
	ck_assert_int_eq(order->start_s, MADE);
	ck_assert_str_eq(order->kube_namespace, "p1");
	ck_assert_str_eq(order->reason, "RunnerFailed");
	ck_assert_str_eq(order->message,
		"the runner ended with exit code 137: OOMKilled");
	ck_assert(!order->is_true);
}
END_TEST

START_TEST(h16_a_lost_pod_is_made_again_once)
{
	row.phase = ACP_PHASE_RUNNING;
	see(LOST);
	account.marks[ACP_MARK_REPROVISIONS] = _i ? "1" : "0";
	ck_assert_str_eq(plan_line(),
		_i ? "Failed end absence" : "provision resume again");
}
END_TEST

START_TEST(h16_a_spoilt_count_of_lost_pods_makes_no_endless_loop)
{
	row.phase = ACP_PHASE_RUNNING;
	see(LOST);
	account.marks[ACP_MARK_REPROVISIONS] = "-1";
	ck_assert_str_eq(plan_line(), "Failed end absence");
}
END_TEST

START_TEST(a_pod_made_again_is_a_matter_of_the_gate)
{
	ACP_AUTO(plan) struct acp_plan plan;

	acp_plan_init(&plan);
	row.phase = ACP_PHASE_RUNNING;
	see(LOST);
	make_plan(&plan);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert(plan.actions[0].is_absence);
	ck_assert_str_eq(plan.actions[0].subject, "session/" ID);
}
END_TEST

/* Namespaces that will not do */

enum trouble { NOT_THERE, NOT_OURS, NOT_ACTIVE, GOING_AWAY, TROUBLES };

static void
spoil_namespace(enum trouble trouble)
{
	struct acp_object *namespace =
		&world.objects[ACP_KIND_NAMESPACE].items[0];

	if (trouble == NOT_THERE)
		world.objects[ACP_KIND_NAMESPACE].count = 0;
	else if (trouble == NOT_OURS)
	namespace->instance = "other";
	else if (trouble == NOT_ACTIVE) namespace->is_active = false;
	else namespace->deleted_s = NOW;
}

START_TEST(h23_a_missing_pod_is_no_lost_one_where_the_namespace_is_not_ours)
{
	row.phase = ACP_PHASE_RUNNING;
	see(LOST);
	spoil_namespace((enum trouble)_i);
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

START_TEST(h24_nothing_is_started_where_the_namespace_is_not_ours)
{
	spoil_namespace((enum trouble)_i);
	ck_assert_str_eq(plan_line(), "tell NamespaceNotReady");
}
END_TEST

START_TEST(nobody_is_told_of_a_namespace_that_is_being_made)
{
	row.updated_us = INT64_C(1) * (NOW - 59) * US;
	spoil_namespace((enum trouble)_i);
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

START_TEST(a_refused_project_is_told_of_in_the_session_once)
{
	ACP_AUTO(plan) struct acp_plan plan;

	acp_plan_init(&plan);
	acp_plan_refuse(&plan, "p1", "the namespace p1 is taken");
	spoil_namespace(NOT_OURS);
	if (_i)
		row.conditions =
			"[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":"
			"\"ProjectRefused\",\"message\":"
			"\"the namespace p1 is taken\"}]";
	make_plan(&plan);
	ck_assert_uint_eq(plan.count, _i ? 0 : 1);
	if (!_i)
		ck_assert_str_eq(find_order(&plan)->message,
			"the namespace p1 is taken");
}
END_TEST

START_TEST(without_token_url_no_session_is_started_and_its_row_says_why)
{
	choices.token_url = NULL;
	if (_i) {
		row.phase = ACP_PHASE_RUNNING;
		see(LOST);
	}
	ck_assert_str_eq(plan_line(), "tell NoTokenService");
}
END_TEST

START_TEST(an_account_that_is_being_deleted_is_waited_for)
{
	has_account = true;
	account.deleted_s = NOW;
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

/* Lists that are not known */

static bool *const knowledge[] = {
	&world.are_sessions_known,
	&world.objects[ACP_KIND_POD].is_known,
	&world.objects[ACP_KIND_SERVICE].is_known,
	&world.objects[ACP_KIND_SERVICE_ACCOUNT].is_known,
};

START_TEST(what_is_unknown_is_never_taken_for_empty)
{
	*knowledge[_i] = false;
	row.phase = ACP_PHASE_STOPPING;
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

START_TEST(without_known_projects_nothing_starts_and_what_ends_goes_on)
{
	world.are_projects_known = false;
	world.project_count = 0;
	acp_world_add_project_answer(&world, "p1", ACP_PRESENCE_GONE);
	answer_pod(ACP_PRESENCE_GONE);
	if (_i)
		row.phase = ACP_PHASE_STOPPING;
	ck_assert_str_eq(plan_line(), _i ? "Stopped end" : "");
}
END_TEST

/* Rows that are gone, and their projects */

static const struct {
	enum acp_presence presence;
	const char *plan;
} absences[] = {
	{ACP_PRESENCE_UNKNOWN, ""},
	{ACP_PRESENCE_THERE, ""},
	{ACP_PRESENCE_GONE,
		"delete Service absence; delete Pod absence; "
		"delete ServiceAccount absence"},
};

START_TEST(h12_a_session_goes_when_its_row_is_told_to_be_gone)
{
	make_all();
	row.id = NULL;
	acp_world_add_session_answer(&world, ID, absences[_i].presence);
	ck_assert_str_eq(plan_line(), absences[_i].plan);
}
END_TEST

START_TEST(h30_what_is_gone_goes_from_every_managed_namespace)
{
	struct acp_object other =
		make_object(ACP_KIND_SERVICE_ACCOUNT, "p2", names.account);

	has_account = true;
	row.id = NULL;
	other.project_id = "p2";
	other.uid = "other";
	add(&other);
	acp_world_add_session_answer(&world, ID, ACP_PRESENCE_GONE);
	ck_assert_str_eq(plan_line(),
		"delete ServiceAccount absence; "
		"delete ServiceAccount absence");
}
END_TEST

static struct acp_object others[3];

/* All of the session again, in the namespace of the project p2. */
static void
add_others(void)
{
	others[0] = account;
	others[1] = service;
	others[2] = pod;
	for (size_t i = 0; i < COUNT(others); i++) {
		others[i].namespace = "p2";
		others[i].project_id = "p2";
		add(&others[i]);
	}
}

START_TEST(h30_a_session_that_changed_its_project_leaves_the_old_one_first)
{
	row.kube_namespace = "p2";
	add_others();
	ck_assert_str_eq(plan_line(),
		"delete Service; delete Pod; tell PreviousPodTerminating");
}
END_TEST

START_TEST(what_was_left_elsewhere_goes_and_holds_up_nothing)
{
	add_others();
	ck_assert_str_eq(plan_line(), "delete Service; delete Pod; provision");
}
END_TEST

START_TEST(what_a_tenant_made_up_elsewhere_is_left_alone)
{
	account.anchor_key_id = NULL;
	add_others();
	ck_assert_str_eq(plan_line(), "provision");
}
END_TEST

START_TEST(what_a_tenant_made_up_of_no_session_is_left_alone)
{
	make_all();
	account.anchor_key_id = NULL;
	row.id = NULL;
	acp_world_add_session_answer(&world, ID, ACP_PRESENCE_GONE);
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

START_TEST(h28_sessions_of_a_project_that_is_gone_fail_and_then_go)
{
	static const enum acp_phase phases[] = {ACP_PHASE_EMPTY,
		ACP_PHASE_PENDING, ACP_PHASE_CREATING, ACP_PHASE_RUNNING};

	world.project_count = 0;
	acp_world_add_project_answer(&world, "p1", ACP_PRESENCE_GONE);
	row.phase = phases[_i];
	ck_assert_str_eq(plan_line(), "Failed end absence");
}
END_TEST

START_TEST(a_project_that_was_not_told_gone_fails_nothing)
{
	world.project_count = 0;
	acp_world_add_project_answer(&world, "p1", (enum acp_presence)_i);
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

/* Ids and names */

static const char *const ids[] = {"short", "with space", "a,b=c,d=e,f",
	"session_with_underline", "-starts-with-a-dash", "ends-with-a-dash-",
	"a123456789a123456789a123456789a123456789a"};

START_TEST(h32_h33_a_session_whose_id_will_not_do_fails_visibly)
{
	row.id = ids[_i];
	ck_assert_str_eq(plan_line(), "Failed end");
}
END_TEST

START_TEST(h32_h33_a_session_whose_id_will_not_do_can_be_stopped)
{
	row.id = ids[_i];
	row.phase = ACP_PHASE_STOPPING;
	ck_assert_str_eq(plan_line(), "Stopped end");
}
END_TEST

START_TEST(a_row_that_cannot_be_used_fails_with_its_reason)
{
	ACP_AUTO(plan) struct acp_plan plan;

	acp_plan_init(&plan);
	row.bad = "start_time is no time";
	row.project_id = _i ? "p1" : NULL;
	make_plan(&plan);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(find_order(&plan)->phase, ACP_PHASE_FAILED);
	ck_assert_str_eq(find_order(&plan)->message, "start_time is no time");
}
END_TEST

START_TEST(h31_a_session_does_not_take_the_service_of_one_that_differs_in_case)
{
	static const char other[] = "sESSION0001";
	struct acp_session_names theirs;
	ACP_AUTO(buffer) struct acp_buffer why;
	ACP_AUTO(plan) struct acp_plan plan;

	acp_plan_init(&plan);
	acp_buffer_init(&why, 1000);
	ck_assert_int_eq(acp_session_names_write(other, &theirs, &why), ACP_OK);
	account.name = theirs.account;
	account.session_id = service.session_id = other;
	has_account = has_service = true;
	acp_world_add_session_answer(&world, other, ACP_PRESENCE_UNKNOWN);
	ck_assert_str_eq(plan_line(), "Failed end");
}
END_TEST

START_TEST(a_service_of_an_account_that_is_no_more_is_waited_for)
{
	service.owner_uid = "of the account before";
	has_account = has_service = true;
	ck_assert_str_eq(plan_line(), "tell NameTaken");
}
END_TEST

/* What may be that of a later run, and is not to go with this one. */
static const struct {
	enum acp_phase phase;
	bool has_pod;
	enum acp_recheck recheck;
} rechecks[] = {
	{ACP_PHASE_STOPPED, false, ACP_RECHECK_SESSION_ENDED},
	{ACP_PHASE_STOPPED, true, ACP_RECHECK_SESSION_ENDED},
	{ACP_PHASE_COMPLETED, true, ACP_RECHECK_SESSION_ENDED},
	{ACP_PHASE_FAILED, true, ACP_RECHECK_SESSION_ENDED},
	{ACP_PHASE_STOPPING, true, ACP_RECHECK_SESSION_STOPS},
};

START_TEST(what_a_restarted_session_would_use_again_goes_after_a_second_look)
{
	ACP_AUTO(plan) struct acp_plan plan;

	acp_plan_init(&plan);
	row.phase = rechecks[_i].phase;
	has_account = has_service = true;
	has_pod = rechecks[_i].has_pod;
	make_plan(&plan);
	ck_assert_uint_eq(plan.count, 2);
	for (size_t i = 0; i < plan.count; i++) {
		ck_assert_int_eq(plan.actions[i].recheck, rechecks[_i].recheck);
		ck_assert_str_eq(plan.actions[i].subject, "session/" ID);
	}
}
END_TEST

/* Services */

START_TEST(h43_a_service_is_repaired_when_it_drifts_or_is_missing)
{
	static const char *const plans[] = {
		"create Service", "apply Service", "", "Running"};

	row.phase = ACP_PHASE_RUNNING;
	make_all();
	note_start();
	if (_i == 0)
		has_service = false;
	else if (_i == 1)
		service.content[0] ^= 1;
	else if (_i == 2)
		service.deleted_s = NOW;
	else
		service.owner_uid = "somebody";
	ck_assert_str_eq(plan_line(), plans[_i]);
}
END_TEST

/* What is not ours */

static void
forge(int sign)
{
	struct acp_object *objects[] = {&account, &service, &pod};

	for (size_t i = 0; i < COUNT(objects); i++) {
		if (sign == 0)
			objects[i]->managed = NULL;
		else if (sign == 1)
			objects[i]->instance = "other";
		else if (sign == 2)
			objects[i]->name = "mine";
		else if (sign == 3)
			objects[i]->project_id = "p2";
		else
			objects[i]->namespace = "p3";
	}
}

START_TEST(what_lacks_one_sign_of_ours_is_never_deleted)
{
	static const enum acp_phase phases[] = {
		ACP_PHASE_STOPPED, ACP_PHASE_FAILED, ACP_PHASE_COMPLETED};

	make_all();
	forge(_i % 5);
	row.phase = phases[_i % 3];
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

START_TEST(what_lacks_one_sign_of_ours_is_not_deleted_when_the_row_is_gone)
{
	make_all();
	forge(_i);
	row.id = NULL;
	acp_world_add_session_answer(&world, ID, ACP_PRESENCE_GONE);
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

START_TEST(a_pod_that_names_another_owner_is_left_alone)
{
	make_all();
	pod.owner_uid = "other";
	row.phase = ACP_PHASE_STOPPING;
	acp_world_add_pod_answer(&world, ID, ACP_PRESENCE_THERE);
	ck_assert_str_eq(plan_line(), "delete Service; Stopped end");
}
END_TEST

/* H-58 */

START_TEST(h58_the_runners_container_decides_whatever_the_pod_says)
{
	row.phase = ACP_PHASE_RUNNING;
	make_all();
	note_start();
	state.phase = _i ? ACP_POD_FAILED : ACP_POD_RUNNING;
	end_runner(0, NOW);
	ck_assert_str_eq(plan_line(), "Completed end");
}
END_TEST

START_TEST(h58_without_the_servers_clock_nothing_fails_by_age)
{
	static const enum seen seen[] = {NO_PULL_5, NO_NODE_10, WAITING_10};

	row.phase = ACP_PHASE_RUNNING;
	see(seen[_i]);
	world.kube_now_s = 0;
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

START_TEST(without_the_servers_clock_a_finished_pod_is_kept)
{
	row.phase = ACP_PHASE_COMPLETED;
	see(EXIT_0_LONG_AGO);
	has_service = false;
	world.kube_now_s = 0;
	ck_assert_str_eq(plan_line(), "");
}
END_TEST

START_TEST(an_evicted_pod_is_kept_from_the_time_that_its_row_says)
{
	row.phase = ACP_PHASE_FAILED;
	see(EVICTED);
	has_service = false;
	row.completion_us = INT64_C(1) * (NOW - (_i ? 900 : 899)) * US;
	ck_assert_str_eq(plan_line(), _i ? "delete Pod" : "");
}
END_TEST

static void
add_phase_tests(TCase *tcase)
{
	tcase_add_loop_test(
		tcase, each_row_of_the_phase_table, 0, COUNT(table));
	tcase_add_test(tcase,
		a_running_session_that_is_as_it_should_be_costs_no_write);
	tcase_add_loop_test(tcase,
		h20_an_empty_phase_waits_for_ten_seconds_by_the_servers_clock,
		0, COUNT(ages));
	tcase_add_test(
		tcase, an_order_is_about_the_pod_in_the_projects_namespace);
	tcase_add_test(tcase,
		h27_the_end_is_the_runners_own_and_the_start_is_the_pods);
	tcase_add_loop_test(tcase, h16_a_lost_pod_is_made_again_once, 0, 2);
	tcase_add_test(
		tcase, h16_a_spoilt_count_of_lost_pods_makes_no_endless_loop);
	tcase_add_test(tcase, a_pod_made_again_is_a_matter_of_the_gate);
	tcase_add_loop_test(tcase,
		h58_the_runners_container_decides_whatever_the_pod_says, 0, 2);
	tcase_add_loop_test(tcase,
		h58_without_the_servers_clock_nothing_fails_by_age, 0, 3);
	tcase_add_test(tcase, without_the_servers_clock_a_finished_pod_is_kept);
	tcase_add_loop_test(tcase,
		an_evicted_pod_is_kept_from_the_time_that_its_row_says, 0, 2);
}

static void
add_place_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase,
		h23_a_missing_pod_is_no_lost_one_where_the_namespace_is_not_ours,
		0, TROUBLES);
	tcase_add_loop_test(tcase,
		h24_nothing_is_started_where_the_namespace_is_not_ours, 0,
		TROUBLES);
	tcase_add_loop_test(tcase,
		nobody_is_told_of_a_namespace_that_is_being_made, 0, TROUBLES);
	tcase_add_loop_test(
		tcase, a_refused_project_is_told_of_in_the_session_once, 0, 2);
	tcase_add_loop_test(tcase,
		without_token_url_no_session_is_started_and_its_row_says_why, 0,
		2);
	tcase_add_test(tcase, an_account_that_is_being_deleted_is_waited_for);
	tcase_add_loop_test(tcase, what_is_unknown_is_never_taken_for_empty, 0,
		COUNT(knowledge));
	tcase_add_loop_test(tcase,
		without_known_projects_nothing_starts_and_what_ends_goes_on, 0,
		2);
}

static void
add_absence_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase,
		h12_a_session_goes_when_its_row_is_told_to_be_gone, 0,
		COUNT(absences));
	tcase_add_test(
		tcase, h30_what_is_gone_goes_from_every_managed_namespace);
	tcase_add_test(tcase,
		h30_a_session_that_changed_its_project_leaves_the_old_one_first);
	tcase_add_test(
		tcase, what_was_left_elsewhere_goes_and_holds_up_nothing);
	tcase_add_test(tcase, what_a_tenant_made_up_elsewhere_is_left_alone);
	tcase_add_test(
		tcase, what_a_tenant_made_up_of_no_session_is_left_alone);
	tcase_add_loop_test(tcase,
		h28_sessions_of_a_project_that_is_gone_fail_and_then_go, 0, 4);
	tcase_add_loop_test(tcase,
		a_project_that_was_not_told_gone_fails_nothing,
		ACP_PRESENCE_UNKNOWN, ACP_PRESENCE_UNKNOWN + 1);
	tcase_add_loop_test(tcase,
		h32_h33_a_session_whose_id_will_not_do_fails_visibly, 0,
		COUNT(ids));
	tcase_add_loop_test(tcase,
		h32_h33_a_session_whose_id_will_not_do_can_be_stopped, 0,
		COUNT(ids));
	tcase_add_loop_test(
		tcase, a_row_that_cannot_be_used_fails_with_its_reason, 0, 2);
	tcase_add_test(tcase,
		h31_a_session_does_not_take_the_service_of_one_that_differs_in_case);
	tcase_add_test(
		tcase, a_service_of_an_account_that_is_no_more_is_waited_for);
	tcase_add_loop_test(tcase,
		what_a_restarted_session_would_use_again_goes_after_a_second_look,
		0, COUNT(rechecks));
	tcase_add_loop_test(tcase,
		h43_a_service_is_repaired_when_it_drifts_or_is_missing, 0, 4);
	tcase_add_loop_test(
		tcase, what_lacks_one_sign_of_ours_is_never_deleted, 0, 15);
	tcase_add_loop_test(tcase,
		what_lacks_one_sign_of_ours_is_not_deleted_when_the_row_is_gone,
		0, 5);
	tcase_add_test(tcase, a_pod_that_names_another_owner_is_left_alone);
}

static Suite *
plan_sessions_suite(void)
{
	Suite *suite = suite_create("plan_sessions");
	TCase *tcase = tcase_create("plan_sessions");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_phase_tests(tcase);
	add_place_tests(tcase);
	add_absence_tests(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(plan_sessions_suite)
