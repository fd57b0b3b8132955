/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/plan_projects.c and what it calls: what is planned for projects,
 * in a model of both servers. A number in a name is that of a fault of the
 * reference implementation which the test would show.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "reconciler/desired.h"
#include "tests/unit/json_peek.h"
#include "tests/unit/model_world.h"
#include "tests/unit/unit.h"

#include <json-c/json_tokener.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct model model;
static struct acp_world world;
static struct acp_plan plan;

static void
set_up(void)
{
	model_init(&model);
	acp_world_init(&world);
	acp_plan_init(&plan);
}

static void
tear_down(void)
{
	acp_plan_clear(&plan);
	acp_world_clear(&world);
	model_clear(&model);
}

/* Plans anew, and keeps the plan to be looked at. */
static void
plan_again(void)
{
	acp_plan_clear(&plan);
	acp_world_clear(&world);
	acp_world_init(&world);
	acp_plan_init(&plan);
	model_plan(&model, &world, &plan);
}

static const struct acp_action *
find_action(enum acp_verb verb, enum acp_kind kind, const char *name)
{
	return model_find_action(&plan, verb, kind, name);
}

/* The project has a namespace with everything in it. */
static void
settle(const char *id)
{
	model_add_project(&model, id, NULL);
	model_pass(&model);
	ck_assert_uint_eq(model_pass(&model), 0);
}

static size_t
count_kind(enum acp_kind kind, const char *namespace)
{
	size_t count = 0;

	for (size_t i = 0; i < model.count; i++) {
		const char *place = json_object_get_string(peek(
			peek(model.objects[i].json, "metadata"), "namespace"));

		count += model.objects[i].kind == kind && place &&
			strcmp(place, namespace) == 0;
	}
	return count;
}

START_TEST(from_nothing_one_pass_makes_all_and_the_next_nothing)
{
	static const struct acp_ref made[] = {
		{ACP_KIND_NAMESPACE, NULL, "p1"},
		{ACP_KIND_SECRET, "p1", ACP_RUNNER_SECRET},
		{ACP_KIND_ROLE, "p1", ACP_CONTROL_ROLE},
		{ACP_KIND_ROLE_BINDING, "p1", ACP_CONTROL_ROLE},
		{ACP_KIND_NETWORK_POLICY, "p1", ACP_API_SERVER_POLICY},
		{ACP_KIND_NETWORK_POLICY, "ambient-code",
			ACP_TOKEN_FETCH_POLICY},
	};

	model_add_project(&model, "p1", NULL);
	/* these, and the leave to pull images */
	ck_assert_uint_eq(model_pass(&model), 7);
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		ck_assert_ptr_nonnull(model_find(
			&model, made[i].kind, made[i].namespace, made[i].name));
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "images"), 1);
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

START_TEST(the_namespace_comes_first_and_holds_up_the_rest)
{
	model_add_project(&model, "p1", NULL);
	plan_again();
	/* plan.actions[0] is the cluster's own policy */
	ck_assert_str_eq(plan.actions[1].unit, "project/p1");
	ck_assert_int_eq(plan.actions[1].ref.kind, ACP_KIND_NAMESPACE);
	ck_assert_int_eq(plan.actions[1].verb, ACP_VERB_CREATE);
	ck_assert(plan.actions[1].is_required);
	ck_assert(plan.actions[1].must_be_new);
	for (size_t i = 1; i < plan.count; i++)
		ck_assert_str_eq(plan.actions[i].unit, "project/p1");
}
END_TEST

/* A namespace that somebody made since we looked is not moved into. */
START_TEST(h24_a_namespace_that_appears_meanwhile_is_left_alone)
{
	model_add_project(&model, "p1", NULL);
	plan_again();
	model_put_namespace(&model, "p1");
	model_apply(&model, &plan);
	ck_assert_uint_eq(count_kind(ACP_KIND_SECRET, "p1"), 0);
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE, "p1"), 0);
}
END_TEST

START_TEST(h24_a_namespace_of_somebody_else_is_refused_and_reported_once)
{
	const struct acp_action *report;
	char *first;

	model_put_namespace(&model, "p1");
	model_pass(&model); /* the cluster's own policy */
	model_add_project(&model, "p1", NULL);
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 0);
	ck_assert_uint_eq(plan.refusal_count, 1);
	ck_assert_str_eq(plan.refusals[0].project, "p1");
	report = find_action(ACP_VERB_REPORT, ACP_KIND_EVENT, NULL);
	ck_assert_ptr_nonnull(report);
	ck_assert_str_eq(report->ref.namespace, "ambient-code");
	/* the next report has the same name, so it is none */
	first = strdup(report->ref.name);
	model.now_s += 1000;
	plan_again();
	report = find_action(ACP_VERB_REPORT, ACP_KIND_EVENT, NULL);
	ck_assert_str_eq(report->ref.name, first);
	free(first);
}
END_TEST

struct refused_name {
	enum acp_platform platform;
	const char *id;
};

static const struct refused_name refused_names[] = {
	{ACP_PLATFORM_STANDARD, "default"},
	{ACP_PLATFORM_STANDARD, "kube-system"},
	{ACP_PLATFORM_STANDARD, "kube-anything"},
	{ACP_PLATFORM_STANDARD, "openshift-monitoring"},
	{ACP_PLATFORM_STANDARD, "ambient-code"},
	{ACP_PLATFORM_STANDARD, "ambient-code--config"},
	{ACP_PLATFORM_STANDARD, "images"},
	{ACP_PLATFORM_STANDARD, "vertex"},
	{ACP_PLATFORM_STANDARD, "Default"},
	{ACP_PLATFORM_STANDARD,
		"a123456789a123456789a123456789a123456789a123456789a123456789"
		"1234"},
	{ACP_PLATFORM_MPP, "config"},
	{ACP_PLATFORM_MPP, "runtime-int"},
	{ACP_PLATFORM_MPP,
		"a123456789a123456789a123456789a123456789a123456789"},
};

START_TEST(h24_h34_reserved_and_long_names_are_refused_and_touched_nowhere)
{
	const struct refused_name *row = &refused_names[_i];

	model.site.platform = row->platform;
	model.site.vertex_namespace = "vertex";
	model_put_namespace(&model, "default");
	model_put_namespace(&model, "kube-system");
	/* even with our labels on it */
	model_set_meta(model_put_namespace(&model, "kube-anything"), "labels",
		"ambient-code.io/managed", "true");
	model_pass(&model); /* the cluster's own policy */
	model_add_project(&model, row->id, NULL);
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 0);
	ck_assert_uint_eq(plan.refusal_count, 1);
	ck_assert_ptr_nonnull(
		find_action(ACP_VERB_REPORT, ACP_KIND_EVENT, NULL));
}
END_TEST

START_TEST(h24_a_namespace_of_another_instance_is_refused)
{
	settle("p1");
	model.site.instance = "second";
	plan_again();
	ck_assert_ptr_null(
		find_action(ACP_VERB_APPLY, ACP_KIND_NAMESPACE, NULL));
	ck_assert_ptr_null(find_action(ACP_VERB_APPLY, ACP_KIND_ROLE, NULL));
	ck_assert_uint_eq(plan.refusal_count, 1);
	ck_assert_ptr_nonnull(
		strstr(plan.refusals[0].reason, "instance \"ambient-code\""));
}
END_TEST

/* As the reference leaves them: its labels, and no instance. */
static void
strip_instance(void)
{
	for (size_t i = 0; i < model.count; i++)
		if (peek(peek(model.objects[i].json, "metadata"), "labels"))
			model_set_meta(model.objects[i].json, "labels",
				"ambient-code.io/instance", NULL);
}

START_TEST(h24_what_the_reference_made_is_taken_over_only_when_asked_to)
{
	settle("p1");
	strip_instance();
	plan_again();
	ck_assert_uint_eq(plan.refusal_count, 1);
	ck_assert_ptr_nonnull(strstr(plan.refusals[0].reason, "--adopt"));
	ck_assert_ptr_null(
		find_action(ACP_VERB_APPLY, ACP_KIND_NAMESPACE, NULL));
	model.site.adopts = true;
	ck_assert_uint_gt(model_pass(&model), 0);
	model.site.adopts = false;
	ck_assert_uint_eq(model_pass(&model), 0);
	plan_again();
	ck_assert_uint_eq(plan.refusal_count, 0);
}
END_TEST

START_TEST(h31_ids_that_differ_only_in_case_do_not_share_a_namespace)
{
	model_add_project(&model, "p1", NULL);
	model_add_project(&model, "P1", NULL);
	plan_again();
	ck_assert_uint_eq(plan.refusal_count, 2);
	ck_assert_ptr_null(
		find_action(ACP_VERB_CREATE, ACP_KIND_NAMESPACE, NULL));
}
END_TEST

START_TEST(h31_who_has_the_namespace_keeps_it)
{
	settle("p1");
	model_add_project(&model, "P1", NULL);
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 0);
	ck_assert_uint_eq(plan.refusal_count, 1);
	ck_assert_str_eq(plan.refusals[0].project, "P1");
}
END_TEST

START_TEST(a_row_that_will_not_do_is_refused_with_its_reason)
{
	model_pass(&model); /* the cluster's own policy */
	model_add_project(&model, "p1", NULL);
	model.projects[0].bad = "its name is a number";
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 0);
	ck_assert_str_eq(plan.refusals[0].reason, "its name is a number");
}
END_TEST

/* H-15: the reference gives up after a minute. */
START_TEST(h15_a_namespace_in_deletion_is_waited_for_as_long_as_it_takes)
{
	settle("p1");
	model_terminate(
		&model, model_find(&model, ACP_KIND_NAMESPACE, NULL, "p1"));
	ck_assert_uint_eq(model_pass(&model), 0);
	plan_again();
	ck_assert_uint_eq(plan.refusal_count, 0);
	model_remove(&model, ACP_KIND_NAMESPACE, NULL, "p1");
	ck_assert_uint_gt(model_pass(&model), 0);
}
END_TEST

START_TEST(h17_one_project_that_waits_holds_up_no_other)
{
	settle("p1");
	model_terminate(
		&model, model_find(&model, ACP_KIND_NAMESPACE, NULL, "p1"));
	model_add_project(&model, "kube-system", NULL);
	model_add_project(&model, "p2", NULL);
	model_pass(&model);
	ck_assert_ptr_nonnull(
		model_find(&model, ACP_KIND_ROLE, "p2", ACP_CONTROL_ROLE));
}
END_TEST

START_TEST(h21_an_object_that_is_as_it_should_be_is_left_alone)
{
	settle("p1");
	/* others may add what is theirs */
	for (size_t i = 0; i < model.count; i++) {
		model_set_meta(model.objects[i].json, "labels",
			"example.com/team", "blue");
		model_set_meta(model.objects[i].json, "annotations",
			"ambient-code.io/note", "x");
	}
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

/* Each object but the Secret, deleted, altered or stripped. */
static const struct acp_ref drifting[] = {
	{ACP_KIND_ROLE, "p1", ACP_CONTROL_ROLE},
	{ACP_KIND_ROLE_BINDING, "p1", ACP_CONTROL_ROLE},
	{ACP_KIND_NETWORK_POLICY, "p1", ACP_API_SERVER_POLICY},
	{ACP_KIND_NETWORK_POLICY, "ambient-code", ACP_TOKEN_FETCH_POLICY},
	{ACP_KIND_ROLE_BINDING, "images", NULL},
	{ACP_KIND_ROLE_BINDING, "p1", "ambient-admin-"},
	{ACP_KIND_ROLE_BINDING, "p1", "ambient-group-"},
	{ACP_KIND_PROJECT_SETTINGS, "p1", ACP_SETTINGS_NAME},
};

static struct json_object *
find_drifting(const struct acp_ref *ref)
{
	size_t size = ref->name ? strlen(ref->name) : 0;

	for (size_t i = 0; i < model.count; i++) {
		struct json_object *json = model.objects[i].json;
		struct json_object *metadata = peek(json, "metadata");
		const char *place =
			json_object_get_string(peek(metadata, "namespace"));
		const char *name =
			json_object_get_string(peek(metadata, "name"));

		if (model.objects[i].kind == ref->kind && place &&
			strcmp(place, ref->namespace) == 0 &&
			strncmp(name, ref->name ? ref->name : "", size) == 0)
			return json;
	}
	ck_abort_msg("no such object");
	return NULL;
}

static void
settle_whole(void)
{
	model.site.has_creator_binding = true;
	model_add_group(model_add_settings(&model, "p1"), "team", "edit");
	model_add_project(&model, "p1", "ann@example.com");
	model_pass(&model);
	ck_assert_uint_eq(model_pass(&model), 0);
}

/* All of them, so that it can be compared: sorted by no one but the model. */
static char *
print_all(void)
{
	struct acp_buffer text;

	acp_buffer_init(&text, SIZE_MAX);
	acp_world_clear(&world);
	acp_world_init(&world);
	model_observe(&model, &world);
	for (size_t kind = 0; kind < ACP_KIND__MAX; kind++)
		for (size_t i = 0; i < world.objects[kind].count; i++) {
			const struct acp_object *object =
				&world.objects[kind].items[i];

			acp_buffer_printf(&text, "%zu %s %s ", kind,
				object->namespace ? object->namespace : "",
				object->name);
			for (size_t at = 0; at < ACP_CONTENT_SIZE; at++)
				acp_buffer_printf(
					&text, "%02x", object->content[at]);
			acp_buffer_append(&text, "\n");
		}
	return acp_buffer_steal(&text);
}

START_TEST(h43_what_was_deleted_is_made_again)
{
	struct json_object *json;
	char *before, *after;

	settle_whole();
	before = print_all();
	json = find_drifting(&drifting[_i]);
	model_remove(&model, drifting[_i].kind, drifting[_i].namespace,
		json_object_get_string(peek(peek(json, "metadata"), "name")));
	ck_assert_uint_gt(model_pass(&model), 0);
	ck_assert_uint_eq(model_pass(&model), 0);
	after = print_all();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

static void
alter(enum acp_kind kind, struct json_object *json)
{
	struct json_object *spec = peek(json, "spec");

	switch ((int)kind) {
	case ACP_KIND_ROLE:
		json_object_object_add(json, "rules", json_object_new_array());
		break;
	case ACP_KIND_ROLE_BINDING:
		json_object_object_del(json, "subjects");
		break;
	case ACP_KIND_NETWORK_POLICY:
		/* a key that no apply of ours takes away */
		json_object_object_add(
			peek(peek(spec, "podSelector"), "matchLabels"), "x",
			json_object_new_string("y"));
		break;
	case ACP_KIND_PROJECT_SETTINGS:
		json_object_object_add(
			spec, "groupAccess", json_object_new_array());
		break;
	default:
		ck_abort_msg("no such kind");
	}
}

START_TEST(h43_h45_what_was_altered_is_repaired)
{
	char *before, *after;

	settle_whole();
	before = print_all();
	alter(drifting[_i].kind, find_drifting(&drifting[_i]));
	ck_assert_uint_gt(model_pass(&model), 0);
	ck_assert_uint_eq(model_pass(&model), 0);
	after = print_all();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

static const char *const labels_of_ours[] = {"ambient-code.io/managed",
	"ambient-code.io/instance", "ambient-code.io/project-id"};

START_TEST(what_was_stripped_of_our_labels_gets_them_again)
{
	char *before, *after;

	settle_whole();
	before = print_all();
	model_set_meta(find_drifting(&drifting[_i]), "labels",
		"ambient-code.io/managed", NULL);
	ck_assert_uint_gt(model_pass(&model), 0);
	ck_assert_uint_eq(model_pass(&model), 0);
	after = print_all();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(what_has_our_name_and_is_not_ours_is_left_alone)
{
	struct json_object *json, *copy = NULL;

	settle_whole();
	json = find_drifting(&drifting[_i]);
	model_set_meta(json, "labels", "ambient-code.io/instance", "another");
	ck_assert_int_eq(json_object_deep_copy(json, &copy, NULL), 0);
	ck_assert_uint_eq(model_pass(&model), 0);
	ck_assert_uint_ge(model.left, 1);
	ck_assert(json_object_equal(json, copy));
	json_object_put(copy);
	/* its owner takes it away: ours takes its place */
	model_remove(&model, drifting[_i].kind, drifting[_i].namespace,
		json_object_get_string(peek(peek(json, "metadata"), "name")));
	ck_assert_uint_gt(model_pass(&model), 0);
	ck_assert_uint_eq(model_pass(&model), 0);
	ck_assert_uint_eq(model.left, 0);
}
END_TEST

START_TEST(a_binding_of_another_role_and_without_our_labels_is_left_alone)
{
	struct json_object *json;

	settle_whole();
	json = find_drifting(&(struct acp_ref){
		ACP_KIND_ROLE_BINDING, "p1", "ambient-group-"});
	json_object_object_add(peek(json, "roleRef"), "name",
		json_object_new_string("cluster-admin"));
	model_set_meta(json, "labels", labels_of_ours[_i], NULL);
	plan_again();
	ck_assert_ptr_null(
		find_action(ACP_VERB_DELETE, ACP_KIND_ROLE_BINDING, NULL));
	model_apply(&model, &plan);
	ck_assert_uint_eq(model.left, 1);
}
END_TEST

START_TEST(a_binding_with_another_role_is_deleted_and_made_anew)
{
	struct json_object *json;
	const struct acp_action *delete;

	settle("p1");
	json = model_find(
		&model, ACP_KIND_ROLE_BINDING, "p1", ACP_CONTROL_ROLE);
	json_object_object_add(peek(json, "roleRef"), "name",
		json_object_new_string("cluster-admin"));
	plan_again();
	delete = find_action(
		ACP_VERB_DELETE, ACP_KIND_ROLE_BINDING, ACP_CONTROL_ROLE);
	ck_assert_ptr_nonnull(delete);
	ck_assert_ptr_nonnull(delete->uid);
	ck_assert_ptr_nonnull(delete->resource_version);
	ck_assert_int_eq(delete[1].verb, ACP_VERB_APPLY);
	model_apply(&model, &plan);
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

START_TEST(an_update_carries_the_uid_of_what_was_seen)
{
	const struct acp_action *apply;
	char text[64];

	settle("p1");
	alter(ACP_KIND_ROLE,
		model_find(&model, ACP_KIND_ROLE, "p1", ACP_CONTROL_ROLE));
	plan_again();
	apply = find_action(ACP_VERB_APPLY, ACP_KIND_ROLE, ACP_CONTROL_ROLE);
	ck_assert_ptr_nonnull(apply->uid);
	snprintf(text, sizeof(text), "\"uid\":\"%s\"", apply->uid);
	ck_assert_ptr_nonnull(strstr(apply->body, text));
}
END_TEST

/* The reference makes the binding only when the Role was missing. */
START_TEST(h43_a_binding_missing_beside_its_role_is_made)
{
	settle("p1");
	model_remove(&model, ACP_KIND_ROLE_BINDING, "p1", ACP_CONTROL_ROLE);
	ck_assert_uint_eq(model_pass(&model), 1);
	ck_assert_ptr_nonnull(model_find(
		&model, ACP_KIND_ROLE_BINDING, "p1", ACP_CONTROL_ROLE));
}
END_TEST

START_TEST(the_runner_secret_is_only_ever_created)
{
	const struct acp_action *create;

	settle("p1");
	plan_again();
	ck_assert_ptr_null(find_action(ACP_VERB_CREATE, ACP_KIND_SECRET, NULL));
	/* the Role is made after it, so a missing Role raises the question */
	model_remove(&model, ACP_KIND_ROLE, "p1", ACP_CONTROL_ROLE);
	plan_again();
	create = find_action(
		ACP_VERB_CREATE, ACP_KIND_SECRET, ACP_RUNNER_SECRET);
	ck_assert_ptr_nonnull(create);
	ck_assert(create->is_required);
	ck_assert(!create->must_be_new);
	ck_assert_int_eq(create[1].ref.kind, ACP_KIND_ROLE);
	ck_assert_ptr_null(find_action(ACP_VERB_APPLY, ACP_KIND_SECRET, NULL));
	model_pass(&model);
	model.is_secret_sweep = true;
	plan_again();
	ck_assert_ptr_nonnull(
		find_action(ACP_VERB_CREATE, ACP_KIND_SECRET, NULL));
}
END_TEST

START_TEST(h35_each_project_has_its_own_image_puller)
{
	settle("p1");
	settle("p2");
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "images"), 2);
}
END_TEST

START_TEST(h36_creators_whose_names_look_alike_each_get_a_binding)
{
	model.site.has_creator_binding = true;
	model_add_project(&model, "p1", "a.b@x");
	model_pass(&model);
	/* the annotation changes to one that sanitises to the same */
	model.projects[0].created_by = "a-b@x";
	plan_again();
	ck_assert_ptr_nonnull(
		find_action(ACP_VERB_APPLY, ACP_KIND_ROLE_BINDING, NULL));
	ck_assert_ptr_nonnull(
		find_action(ACP_VERB_DELETE, ACP_KIND_ROLE_BINDING, NULL));
}
END_TEST

START_TEST(h37_groups_and_roles_whose_names_run_together_are_kept_apart)
{
	struct model_settings *settings = model_add_settings(&model, "p1");

	model_add_group(settings, "a-b", "edit");
	model_add_group(settings, "a", "edit");
	model_add_group(settings, "a/b", "edit");
	model_add_group(settings, "a%b", "view");
	model_add_group(settings, "ambient-admin-x", "admin");
	settle("p1");
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "p1"), 1 + 5);
}
END_TEST

START_TEST(h38_in_mpp_settings_go_into_the_projects_own_namespace)
{
	model.site.platform = ACP_PLATFORM_MPP;
	model_add_group(model_add_settings(&model, "p1"), "team", "view");
	model_add_project(&model, "p1", NULL);
	while (model_pass(&model))
		;
	ck_assert_uint_eq(
		count_kind(ACP_KIND_PROJECT_SETTINGS, "ambient-code--p1"), 1);
	ck_assert_uint_eq(
		count_kind(ACP_KIND_ROLE_BINDING, "ambient-code--p1"), 2);
	ck_assert_uint_eq(count_kind(ACP_KIND_PROJECT_SETTINGS, "p1"), 0);
}
END_TEST

START_TEST(h39_in_mpp_the_tenant_namespace_carries_our_labels)
{
	struct json_object *json, *labels;

	model.site.platform = ACP_PLATFORM_MPP;
	model_add_project(&model, "p1", NULL);
	model_pass(&model);
	json = model_find(&model, ACP_KIND_TENANT_NAMESPACE,
		"ambient-code--config", "p1");
	labels = peek(peek(json, "metadata"), "labels");
	ck_assert_str_eq(json_object_get_string(
				 peek(labels, "ambient-code.io/project-id")),
		"p1");
	ck_assert_str_eq(
		json_object_get_string(peek(labels, "ambient-code.io/managed")),
		"true");
	ck_assert_str_eq(json_object_get_string(
				 peek(labels, "tenant.paas.redhat.com/tenant")),
		"ambient-code");
	ck_assert_str_eq(json_object_to_json_string_ext(
				 peek(json, "spec"), JSON_C_TO_STRING_PLAIN),
		"{\"type\":\"runtime\",\"network\":"
		"{\"security-zone\":\"internal\"}}");
}
END_TEST

START_TEST(h17_in_mpp_nothing_goes_into_a_namespace_that_is_not_active)
{
	model.site.platform = ACP_PLATFORM_MPP;
	model_add_project(&model, "p1", NULL);
	plan_again();
	/* the namespace is the other operator's to make */
	ck_assert_ptr_null(find_action(ACP_VERB_APPLY, ACP_KIND_ROLE, NULL));
	model_apply(&model, &plan);
	model_set_meta(model_find(&model, ACP_KIND_NAMESPACE, NULL,
			       "ambient-code--p1"),
		"labels", "x", "y");
	json_object_object_del(model_find(&model, ACP_KIND_NAMESPACE, NULL,
				       "ambient-code--p1"),
		"status");
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

START_TEST(h24_in_mpp_a_namespace_without_its_tenant_object_is_not_ours)
{
	model.site.platform = ACP_PLATFORM_MPP;
	model_put_namespace(&model, "ambient-code--p1");
	model_pass(&model); /* the cluster's own policy */
	model_add_project(&model, "p1", NULL);
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 0);
	ck_assert_uint_eq(plan.refusal_count, 1);
}
END_TEST

START_TEST(h40_the_creator_gets_nothing_unless_the_operator_trusts_the_name)
{
	model_add_project(&model, "p1", "mallory");
	model_pass(&model);
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "p1"), 1);
	model.site.has_creator_binding = true;
	ck_assert_uint_eq(model_pass(&model), 1);
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "p1"), 2);
}
END_TEST

START_TEST(h40_a_creator_who_is_named_no_more_loses_the_right)
{
	model.site.has_creator_binding = true;
	settle("p1");
	model.projects[0].created_by = "system:serviceaccount:ns:robot";
	model_pass(&model);
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "p1"), 2);
	model.projects[0].created_by = NULL;
	ck_assert_uint_eq(model_pass(&model), 1);
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "p1"), 1);
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

START_TEST(h41_a_group_that_was_removed_or_got_another_role_loses_the_old)
{
	struct model_settings *settings = model_add_settings(&model, "p1");
	char name[ACP_NAME_SIZE];

	model_add_group(settings, "team", "admin");
	model_add_group(settings, "guests", "view");
	settle("p1");
	settings->groups[0].role = "view";
	settings->count = 1;
	/* the old binding of each goes, and one comes */
	ck_assert_uint_eq(model_pass(&model), 4);
	acp_desired_group_name("admin", "team", name);
	ck_assert_ptr_null(
		model_find(&model, ACP_KIND_ROLE_BINDING, "p1", name));
	acp_desired_group_name("view", "team", name);
	ck_assert_ptr_nonnull(
		model_find(&model, ACP_KIND_ROLE_BINDING, "p1", name));
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

START_TEST(h41_groups_are_removed_only_when_their_settings_were_read)
{
	struct model_settings *settings = model_add_settings(&model, "p1");

	model_add_group(settings, "team", "admin");
	settle("p1");
	settings->bad = "group_access is no JSON";
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 0);
	ck_assert_uint_eq(plan.refusal_count, 1);
	settings->bad = NULL;
	settings->count = 0;
	model.are_settings_unknown = true;
	ck_assert_uint_eq(model_pass(&model), 0);
	model.are_settings_unknown = false;
	model.settings_count = 0;
	ck_assert_uint_eq(model_pass(&model), 0);
	model.settings_count = 1;
	ck_assert_uint_eq(model_pass(&model), 2);
}
END_TEST

struct refused_person {
	const char *created_by;
	struct acp_group group;
	const char *reason;
};

static const struct refused_person refused_people[] = {
	{"system:serviceaccount:x", {NULL, NULL}, "service account"},
	{"system:serviceaccount::x", {NULL, NULL}, "service account"},
	{"system:serviceaccount:ns:", {NULL, NULL}, "service account"},
	{"system:serviceaccount:a:b:c", {NULL, NULL}, "service account"},
	{"system:admin", {NULL, NULL}, "users of the system"},
	{NULL, {"team", "owner"}, "\"owner\""},
	{NULL, {"team", "Admin"}, "\"Admin\""},
	{NULL, {"team", ""}, "role"},
	{NULL, {"system:authenticated", "view"}, "groups of the system"},
	{NULL, {"system:masters", "admin"}, "groups of the system"},
	{NULL, {"", "admin"}, "groups of the system"},
};

START_TEST(h42_whom_we_do_not_understand_gets_nothing_and_is_reported)
{
	const struct refused_person *row = &refused_people[_i];

	model.site.has_creator_binding = true;
	if (row->group.name)
		model_add_group(model_add_settings(&model, "p1"),
			row->group.name, row->group.role);
	model_add_project(&model, "p1", row->created_by);
	model_pass(&model);
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "p1"), 1);
	/* and the rest of the project is there */
	ck_assert_uint_eq(count_kind(ACP_KIND_NETWORK_POLICY, "p1"), 1);
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 0);
	ck_assert_uint_eq(plan.refusal_count, 1);
	ck_assert_ptr_nonnull(strstr(plan.refusals[0].reason, row->reason));
}
END_TEST

START_TEST(h45_policies_select_managed_pods_only)
{
	struct json_object *json;

	settle("p1");
	json = model_find(
		&model, ACP_KIND_NETWORK_POLICY, "p1", ACP_API_SERVER_POLICY);
	ck_assert_str_eq(json_object_to_json_string_ext(
				 peek(json, "spec"), JSON_C_TO_STRING_PLAIN),
		"{\"podSelector\":{\"matchLabels\":{"
		"\"ambient-code.io\\/managed\":\"true\","
		"\"ambient-code.io\\/instance\":\"ambient-code\"}},"
		"\"policyTypes\":[\"Ingress\"],\"ingress\":[{\"from\":[{"
		"\"namespaceSelector\":{\"matchLabels\":{"
		"\"kubernetes.io\\/metadata.name\":\"ambient-code\"}}}],"
		"\"ports\":[{\"protocol\":\"TCP\",\"port\":8001}]}]}");
}
END_TEST

/* A list that was not read says nothing about what is missing. */
START_TEST(nothing_is_planned_for_kinds_whose_list_is_unknown)
{
	settle_whole();
	for (size_t i = model.count; i > 0; i--)
		if (model.objects[i - 1].kind == (enum acp_kind)_i) {
			json_object_put(model.objects[i - 1].json);
			model.objects[i - 1] = model.objects[--model.count];
		}
	model.is_unknown[_i] = true;
	plan_again();
	for (size_t i = 0; i < plan.count; i++)
		ck_assert_int_ne(plan.actions[i].ref.kind, _i);
	ck_assert_ptr_null(
		find_action(ACP_VERB_CREATE, ACP_KIND_NAMESPACE, NULL));
}
END_TEST

START_TEST(no_namespace_is_made_when_the_name_may_be_taken)
{
	model_add_project(&model, "p1", NULL);
	model.are_foreign_unknown = true;
	plan_again();
	ck_assert_ptr_null(
		find_action(ACP_VERB_CREATE, ACP_KIND_NAMESPACE, NULL));
}
END_TEST

/* Which of Namespace and TenantNamespace were asked for in vain. */
START_TEST(one_name_that_gets_no_answer_holds_up_no_other)
{
	const struct acp_ref refs[] = {
		{ACP_KIND_NAMESPACE, NULL, "ambient-code--p1"},
		{ACP_KIND_TENANT_NAMESPACE, "ambient-code--config", "p1"},
		{ACP_KIND_NAMESPACE, NULL, "ambient-code--p2"},
		{ACP_KIND_TENANT_NAMESPACE, "ambient-code--config", "p2"}};

	model.site.platform = ACP_PLATFORM_MPP;
	model_add_project(&model, "p1", NULL);
	model_add_project(&model, "p2", NULL);
	model.are_foreign_unknown = true;
	model_observe(&model, &world);
	for (int i = 0; i < 4; i++)
		if (i != _i)
			acp_world_add_foreign_read(&world, &refs[i]);
	acp_world_sort(&world);
	acp_plan_projects(&world, &model.site, &plan);
	ck_assert_int_eq(find_action(ACP_VERB_CREATE, ACP_KIND_TENANT_NAMESPACE,
				 "p1") != NULL,
		_i > 1);
	ck_assert_int_eq(find_action(ACP_VERB_CREATE, ACP_KIND_TENANT_NAMESPACE,
				 "p2") != NULL,
		_i < 2);
}
END_TEST

START_TEST(settings_objects_are_made_only_where_the_kind_is_served)
{
	model.is_unserved[ACP_KIND_PROJECT_SETTINGS] = true;
	model_add_group(model_add_settings(&model, "p1"), "team", "edit");
	settle("p1");
	ck_assert_uint_eq(count_kind(ACP_KIND_PROJECT_SETTINGS, "p1"), 0);
	model.is_unserved[ACP_KIND_PROJECT_SETTINGS] = false;
	ck_assert_uint_eq(model_pass(&model), 1);
}
END_TEST

static struct json_object *
find_namespace(const char *name)
{
	return model_find(&model, ACP_KIND_NAMESPACE, NULL, name);
}

/* p1 is gone; p2 is there, so that rows can be read. */
static void
settle_gone(enum acp_presence answer)
{
	settle("p2");
	settle("p1");
	model_drop_project(&model, "p1", answer);
}

START_TEST(h23_a_gone_project_is_marked_and_its_namespace_deleted_later)
{
	const struct acp_action *delete;

	settle_gone(ACP_PRESENCE_GONE);
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 1);
	ck_assert_ptr_nonnull(
		find_action(ACP_VERB_MARK, ACP_KIND_NAMESPACE, "p1"));
	model_apply(&model, &plan);
	model.now_s += 599;
	ck_assert_uint_eq(model_pass(&model), 0);
	model.now_s += 1;
	plan_again();
	delete = find_action(ACP_VERB_DELETE, ACP_KIND_NAMESPACE, "p1");
	ck_assert_ptr_nonnull(delete);
	ck_assert_ptr_nonnull(delete->uid);
	ck_assert_ptr_nonnull(delete->resource_version);
	ck_assert_int_eq(delete->recheck, ACP_RECHECK_PROJECT_GONE);
	ck_assert_str_eq(delete->subject, "project/p1");
	ck_assert(delete->is_absence);
	ck_assert(!delete->is_held);
	model_apply(&model, &plan);
	ck_assert_ptr_null(find_namespace("p1"));
	/* and then its leave to pull images */
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "images"), 2);
	ck_assert_uint_eq(model_pass(&model), 1);
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "images"), 1);
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

START_TEST(h23_in_mpp_the_tenant_namespace_is_marked_and_deleted)
{
	model.site.platform = ACP_PLATFORM_MPP;
	model_add_project(&model, "p1", NULL);
	model_add_project(&model, "p2", NULL);
	while (model_pass(&model))
		;
	model_drop_project(&model, "p1", ACP_PRESENCE_GONE);
	plan_again();
	ck_assert_ptr_nonnull(
		find_action(ACP_VERB_MARK, ACP_KIND_TENANT_NAMESPACE, "p1"));
	model_apply(&model, &plan);
	model.now_s += 600;
	model_pass(&model);
	ck_assert_ptr_null(find_namespace("ambient-code--p1"));
	ck_assert_ptr_nonnull(find_namespace("ambient-code--p2"));
	while (model_pass(&model))
		;
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "images"), 1);
}
END_TEST

START_TEST(absence_from_a_list_alone_deletes_nothing)
{
	settle_gone(ACP_PRESENCE_UNKNOWN);
	ck_assert_uint_eq(model_pass(&model), 0);
	model.are_projects_unknown = true;
	model.answer_count = 0;
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

START_TEST(a_project_that_is_seen_again_loses_its_mark)
{
	settle_gone(ACP_PRESENCE_GONE);
	model_pass(&model);
	model.answer_count = 0;
	model_add_project(&model, "p1", NULL);
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 1);
	ck_assert_ptr_nonnull(
		find_action(ACP_VERB_MARK, ACP_KIND_NAMESPACE, "p1"));
	model_apply(&model, &plan);
	/* gone once more: the ten minutes begin anew */
	model.now_s += 600;
	model_drop_project(&model, "p1", ACP_PRESENCE_GONE);
	plan_again();
	ck_assert_ptr_null(
		find_action(ACP_VERB_DELETE, ACP_KIND_NAMESPACE, "p1"));
}
END_TEST

START_TEST(a_project_that_only_the_list_lacked_loses_its_mark)
{
	settle_gone(ACP_PRESENCE_GONE);
	model_pass(&model);
	model.answers[0].presence = ACP_PRESENCE_THERE;
	ck_assert_uint_eq(model_pass(&model), 1);
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

static const char *const bad_marks[] = {
	"", "yesterday", "1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"};

START_TEST(a_mark_that_cannot_be_is_made_anew)
{
	settle_gone(ACP_PRESENCE_GONE);
	model_set_meta(find_namespace("p1"), "annotations",
		"ambient-code.io/absent-since", bad_marks[_i]);
	json_object_object_add(peek(find_namespace("p1"), "metadata"),
		"creationTimestamp",
		json_object_new_string("2026-01-01T00:00:00Z"));
	plan_again();
	ck_assert_ptr_nonnull(
		find_action(ACP_VERB_MARK, ACP_KIND_NAMESPACE, "p1"));
	ck_assert_ptr_null(
		find_action(ACP_VERB_DELETE, ACP_KIND_NAMESPACE, NULL));
	model_apply(&model, &plan);
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

/* The clocks of cluster and API server when marked and an hour later. */
static const struct {
	int64_t kube_then_s, api_then_s, kube_s, api_s;
	bool is_deleted;
} clocks[] = {
	{0, 0, 600, 600, true},
	{0, 0, 599, 600, false},
	{0, 0, 600, 599, false},
	/* one jumps ahead, and no time has passed */
	{0, 0, 3600, 1, false},
	{0, 0, 1, 3600, false},
	/* one was behind, and is put right */
	{-3600, 0, 1, 1, false},
	{0, -3600, 1, 1, false},
	/* always apart: later, but some time */
	{0, 3600, 600, 4200, false},
	{3600, 0, 4200, 600, false},
	{0, 3600, 4200, 7800, true},
	{3600, 0, 7800, 4200, true},
};

static void
set_clocks(int64_t start_s, int64_t kube_s, int64_t api_s)
{
	model.now_s = start_s + kube_s;
	model.api_ahead_s = api_s - kube_s;
}

START_TEST(one_clock_alone_makes_no_absence_old)
{
	int64_t start_s = model.now_s;

	settle_gone(ACP_PRESENCE_GONE);
	set_clocks(start_s, clocks[_i].kube_then_s, clocks[_i].api_then_s);
	ck_assert_uint_eq(model_pass(&model), 1);
	/* it is marked once, whatever the distance */
	ck_assert_uint_eq(model_pass(&model), 0);
	set_clocks(start_s, clocks[_i].kube_s, clocks[_i].api_s);
	plan_again();
	ck_assert_int_eq(
		find_action(ACP_VERB_DELETE, ACP_KIND_NAMESPACE, "p1") != NULL,
		clocks[_i].is_deleted);
}
END_TEST

START_TEST(nothing_is_done_by_age_without_the_clocks_of_both_servers)
{
	settle_gone(ACP_PRESENCE_GONE);
	if (_i % 2)
		model_pass(&model);
	if (_i / 2)
		model.api_ahead_s = -model.now_s;
	else
		set_clocks(0, 0, model.now_s);
	ck_assert_uint_eq(model_pass(&model), 0);
}
END_TEST

START_TEST(with_retain_the_namespace_of_a_gone_project_stays_as_it_is)
{
	settle_gone(ACP_PRESENCE_GONE);
	model.site.deletes_namespaces = false;
	ck_assert_uint_eq(model_pass(&model), 0);
	ck_assert_uint_eq(count_kind(ACP_KIND_ROLE_BINDING, "images"), 2);
}
END_TEST

START_TEST(h23_nothing_about_sessions_ever_deletes_a_namespace)
{
	struct json_object *json;

	settle("p1");
	/* an account of a session whose row is gone */
	json = acp_desired_control_binding(&model.site, "p1", "p1");
	model_set_meta(json, "labels", "ambient-code.io/session-id", "s1");
	model_put(&model, ACP_KIND_SERVICE_ACCOUNT, json);
	plan_again();
	ck_assert_ptr_null(
		find_action(ACP_VERB_DELETE, ACP_KIND_NAMESPACE, NULL));
}
END_TEST

static struct json_object *
new_impostor(const char *name, const char *group)
{
	static const char form[] =
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"p1\","
		"\"labels\":{\"ambient-code.io/managed\":\"true\","
		"\"ambient-code.io/instance\":\"ambient-code\","
		"\"ambient-code.io/project-id\":\"p1\"}},"
		"\"roleRef\":{\"kind\":\"ClusterRole\","
		"\"name\":\"ambient-project-edit\"},"
		"\"subjects\":[{\"kind\":\"Group\",\"name\":\"%s\"}]}";
	char text[sizeof(form) + 256];

	snprintf(text, sizeof(text), form, name, group);
	return json_tokener_parse(text);
}

/* A tenant's own binding, dressed as well as it can be. */
static void
put_impostor(const char *name, const char *group)
{
	struct json_object *json = new_impostor(name, group);

	model_put(&model, ACP_KIND_ROLE_BINDING, json);
}

START_TEST(objects_with_our_labels_and_no_name_of_ours_are_left_and_counted)
{
	struct model_settings *settings = model_add_settings(&model, "p1");
	char name[ACP_NAME_SIZE];

	model_add_group(settings, "team", "edit");
	settle("p1");
	put_impostor("my-own", "team");
	put_impostor("ambient-group-my-own-0123456789abcdef", "team");
	/* the name of one binding with the subject of another */
	acp_desired_group_name("edit", "others", name);
	put_impostor(name, "friends");
	plan_again();
	ck_assert_uint_eq(model_count_writes(&plan), 0);
	ck_assert_uint_eq(plan.foreign_objects, 3);
}
END_TEST

static void
add_namespace_tests(TCase *tcase)
{
	tcase_add_test(
		tcase, from_nothing_one_pass_makes_all_and_the_next_nothing);
	tcase_add_test(tcase, the_namespace_comes_first_and_holds_up_the_rest);
	tcase_add_test(
		tcase, h24_a_namespace_that_appears_meanwhile_is_left_alone);
	tcase_add_test(tcase,
		h24_a_namespace_of_somebody_else_is_refused_and_reported_once);
	tcase_add_loop_test(tcase,
		h24_h34_reserved_and_long_names_are_refused_and_touched_nowhere,
		0, COUNT(refused_names));
	tcase_add_test(tcase, h24_a_namespace_of_another_instance_is_refused);
	tcase_add_test(tcase,
		h24_what_the_reference_made_is_taken_over_only_when_asked_to);
	tcase_add_test(tcase,
		h31_ids_that_differ_only_in_case_do_not_share_a_namespace);
	tcase_add_test(tcase, h31_who_has_the_namespace_keeps_it);
	tcase_add_test(
		tcase, a_row_that_will_not_do_is_refused_with_its_reason);
	tcase_add_test(tcase,
		h15_a_namespace_in_deletion_is_waited_for_as_long_as_it_takes);
	tcase_add_test(tcase, h17_one_project_that_waits_holds_up_no_other);
	tcase_add_test(
		tcase, h21_an_object_that_is_as_it_should_be_is_left_alone);
	tcase_add_loop_test(
		tcase, h43_what_was_deleted_is_made_again, 0, COUNT(drifting));
	tcase_add_loop_test(tcase, h43_h45_what_was_altered_is_repaired, 0,
		COUNT(drifting));
	tcase_add_loop_test(tcase,
		what_was_stripped_of_our_labels_gets_them_again, 0,
		COUNT(drifting));
	tcase_add_loop_test(tcase,
		what_has_our_name_and_is_not_ours_is_left_alone, 0,
		COUNT(drifting));
	tcase_add_loop_test(tcase,
		a_binding_of_another_role_and_without_our_labels_is_left_alone,
		0, COUNT(labels_of_ours));
}

static void
add_object_tests(TCase *tcase)
{
	tcase_add_test(
		tcase, a_binding_with_another_role_is_deleted_and_made_anew);
	tcase_add_test(tcase, an_update_carries_the_uid_of_what_was_seen);
	tcase_add_test(tcase, h43_a_binding_missing_beside_its_role_is_made);
	tcase_add_test(tcase, the_runner_secret_is_only_ever_created);
	tcase_add_test(tcase, h35_each_project_has_its_own_image_puller);
	tcase_add_test(
		tcase, h36_creators_whose_names_look_alike_each_get_a_binding);
	tcase_add_test(tcase,
		h37_groups_and_roles_whose_names_run_together_are_kept_apart);
	tcase_add_test(
		tcase, h38_in_mpp_settings_go_into_the_projects_own_namespace);
	tcase_add_test(
		tcase, h39_in_mpp_the_tenant_namespace_carries_our_labels);
	tcase_add_test(tcase,
		h17_in_mpp_nothing_goes_into_a_namespace_that_is_not_active);
	tcase_add_test(tcase,
		h24_in_mpp_a_namespace_without_its_tenant_object_is_not_ours);
	tcase_add_test(tcase,
		h40_the_creator_gets_nothing_unless_the_operator_trusts_the_name);
	tcase_add_test(
		tcase, h40_a_creator_who_is_named_no_more_loses_the_right);
	tcase_add_test(tcase,
		h41_a_group_that_was_removed_or_got_another_role_loses_the_old);
	tcase_add_test(tcase,
		h41_groups_are_removed_only_when_their_settings_were_read);
	tcase_add_loop_test(tcase,
		h42_whom_we_do_not_understand_gets_nothing_and_is_reported, 0,
		COUNT(refused_people));
}

static void
add_gone_tests(TCase *tcase)
{
	tcase_add_test(tcase, h45_policies_select_managed_pods_only);
	tcase_add_loop_test(tcase,
		nothing_is_planned_for_kinds_whose_list_is_unknown, 0,
		ACP_KIND_SERVICE_ACCOUNT);
	tcase_add_test(tcase, no_namespace_is_made_when_the_name_may_be_taken);
	tcase_add_loop_test(
		tcase, one_name_that_gets_no_answer_holds_up_no_other, 0, 4);
	tcase_add_test(
		tcase, settings_objects_are_made_only_where_the_kind_is_served);
	tcase_add_test(tcase,
		h23_a_gone_project_is_marked_and_its_namespace_deleted_later);
	tcase_add_test(
		tcase, h23_in_mpp_the_tenant_namespace_is_marked_and_deleted);
	tcase_add_test(tcase, absence_from_a_list_alone_deletes_nothing);
	tcase_add_test(tcase, a_project_that_is_seen_again_loses_its_mark);
	tcase_add_test(
		tcase, a_project_that_only_the_list_lacked_loses_its_mark);
	tcase_add_loop_test(
		tcase, a_mark_that_cannot_be_is_made_anew, 0, COUNT(bad_marks));
	tcase_add_loop_test(
		tcase, one_clock_alone_makes_no_absence_old, 0, COUNT(clocks));
	tcase_add_loop_test(tcase,
		nothing_is_done_by_age_without_the_clocks_of_both_servers, 0,
		4);
	tcase_add_test(tcase,
		with_retain_the_namespace_of_a_gone_project_stays_as_it_is);
	tcase_add_test(
		tcase, h23_nothing_about_sessions_ever_deletes_a_namespace);
	tcase_add_test(tcase,
		objects_with_our_labels_and_no_name_of_ours_are_left_and_counted);
}

static Suite *
plan_projects_suite(void)
{
	Suite *suite = suite_create("plan_projects");
	TCase *tcase = tcase_create("plan_projects");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_namespace_tests(tcase);
	add_object_tests(tcase);
	add_gone_tests(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(plan_projects_suite)
