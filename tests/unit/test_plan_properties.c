/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of the planner over random worlds: planning and doing comes to
 * rest, and no plan ever deletes what is not ours by every sign. Which object
 * was made by whom is known here from how it got there, not from its looks.
 */
#include <config.h>

#include "reconciler/plan.h"

#include "lib/json.h"
#include "reconciler/desired.h"
#include "tests/unit/chance.h"
#include "tests/unit/json_peek.h"
#include "tests/unit/model_world.h"
#include "tests/unit/unit.h"

#include <json-c/json_tokener.h>
#include <json-c/linkhash.h>
#include <stdio.h>
#include <string.h>

enum { WORLDS = 1500, PASSES = 6, IDS = 8 };

/* Some are refused, some contested, one is 64 characters in mpp. */
static const char *const ids[IDS] = {"p1", "P1", "p2", "kube-system",
	"runtime-int", "team",
	"a123456789a123456789a123456789a123456789a123456789", "gone"};
static const char *const people[] = {NULL, "ann", "a.b@x", "a-b@x",
	"system:serviceaccount:ns:robot", "system:serviceaccount:x"};
static const char *const groups[] = {
	"team", "a-b", "a", "system:masters", "x/y"};
static const char *const roles[] = {"admin", "edit", "view", "owner"};

static struct model model;

/* What the tests put there themselves bears this, and nothing else does. */
static const char foreign[] = "test/foreign";

static bool
is_foreign(struct json_object *json)
{
	return peek(peek(peek(json, "metadata"), "annotations"), foreign);
}

static void
change_rows(void)
{
	model.project_count = 0;
	model.settings_count = 0;
	model.answer_count = 0;
	for (size_t i = 0; i < IDS; i++) {
		struct model_settings *settings;

		if (draw(3))
			model_add_project(&model, ids[i], PICK(people));
		else
			model_drop_project(&model, ids[i],
				(enum acp_presence)draw(ACP_PRESENCE__MAX));
		if (!draw(3))
			continue;
		settings = model_add_settings(&model, ids[i]);
		settings->bad = draw(5) ? NULL : "no JSON";
		for (unsigned int n = draw(4); n; n--)
			model_add_group(settings, PICK(groups), PICK(roles));
	}
	model.site.has_creator_binding = draw(2);
	model.site.deletes_namespaces = draw(3);
}

static void
change_knowledge(void)
{
	for (size_t i = 0; i < ACP_KIND__MAX; i++)
		model.is_unknown[i] = !draw(8);
	model.are_settings_unknown = !draw(6);
	model.are_foreign_unknown = !draw(6);
	model.is_secret_sweep = !draw(6);
}

static void
know_all(void)
{
	memset(model.is_unknown, 0, sizeof(model.is_unknown));
	model.are_settings_unknown = false;
	model.are_foreign_unknown = false;
	model.is_secret_sweep = false;
}

/* An object of a tenant: as much like ours as chance will have it. */
static void
put_lookalike(const char *namespace)
{
	static const enum acp_kind kinds[] = {ACP_KIND_ROLE,
		ACP_KIND_ROLE_BINDING, ACP_KIND_NETWORK_POLICY,
		ACP_KIND_PROJECT_SETTINGS};
	static const char *const names[] = {"mine", "ambient-admin-ann",
		"ambient-group-view-team-0123456789abcdef",
		"ambient-image-puller"};
	enum acp_kind kind = PICK(kinds);
	const char *name = PICK(names);
	struct json_object *json, *metadata;

	if (model_find(&model, kind, namespace, name) ||
		model.count + 64 > MODEL_OBJECTS)
		return;
	json = json_tokener_parse(
		"{\"metadata\":{},\"roleRef\":{\"kind\":\"ClusterRole\","
		"\"name\":\"ambient-project-view\"},\"subjects\":"
		"[{\"kind\":\"Group\",\"name\":\"team\"}]}");
	metadata = peek(json, "metadata");
	json_object_object_add(metadata, "name", json_object_new_string(name));
	json_object_object_add(
		metadata, "namespace", json_object_new_string(namespace));
	model_set_meta(json, "annotations", foreign, "yes");
	model_set_meta(json, "labels", "ambient-code.io/managed", "true");
	model_set_meta(json, "labels", "ambient-code.io/instance",
		draw(4) ? "ambient-code" : "other");
	model_set_meta(json, "labels", "ambient-code.io/project-id", PICK(ids));
	model_put(&model, kind, json);
}

static void
alter(struct json_object *json)
{
	static const char *const labels[] = {"ambient-code.io/managed",
		"ambient-code.io/instance", "ambient-code.io/project-id",
		"ambient-code.io/managed-by", "ambient-code.io/session-id"};
	static const char *const values[] = {NULL, "x", "p1", "true"};

	if (peek(peek(json, "metadata"), "labels") && draw(2))
		model_set_meta(json, "labels", PICK(labels), PICK(values));
	else if (peek(json, "subjects"))
		json_object_object_del(json, "subjects");
	else if (peek(json, "rules"))
		json_object_object_del(json, "rules");
}

/* Somebody works in the namespaces, also on what is ours. */
static void
tamper(void)
{
	for (unsigned int n = draw(12); n && model.count; n--) {
		struct model_object *object =
			&model.objects[draw((unsigned int)model.count)];
		const char *namespace = peek_meta(object->json, "namespace");

		/* namespaces are not the tenants' to change */
		if (!namespace || object->kind == ACP_KIND_TENANT_NAMESPACE)
			continue;
		if (draw(3) == 0) {
			json_object_put(object->json);
			*object = model.objects[--model.count];
		} else if (draw(2)) {
			alter(object->json);
		} else {
			put_lookalike(namespace);
		}
	}
}

static void
put_foreign_namespaces(void)
{
	for (size_t i = 0; i < IDS; i++) {
		if (draw(6) ||
			model_find(&model, ACP_KIND_NAMESPACE, NULL, ids[i]))
			continue;
		model_set_meta(model_put_namespace(&model, ids[i]),
			"annotations", foreign, "yes");
		put_lookalike(ids[i]);
	}
}

static void
check_deletions(const struct acp_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct acp_action *action = &plan->actions[i];
		struct json_object *json;

		if (action->verb != ACP_VERB_DELETE)
			continue;
		ck_assert_ptr_nonnull(action->uid);
		ck_assert_ptr_nonnull(action->resource_version);
		json = model_find(&model, action->ref.kind,
			action->ref.namespace, action->ref.name);
		ck_assert_ptr_nonnull(json);
		ck_assert_msg(!is_foreign(json), "%s %s/%s is not ours",
			acp_kind_name(action->ref.kind), action->ref.namespace,
			action->ref.name);
	}
}

/* Nothing goes into a namespace that somebody else made. */
static void
check_places(const struct acp_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct acp_action *action = &plan->actions[i];
		const char *namespace = action->ref.kind == ACP_KIND_NAMESPACE
			? action->ref.name
			: action->ref.namespace;
		struct json_object *json =
			model_find(&model, ACP_KIND_NAMESPACE, NULL, namespace);

		ck_assert_msg(!json || !is_foreign(json),
			"%s in %s, which is not ours",
			acp_verb_name(action->verb), namespace);
	}
}

static size_t
plan_and_apply(void)
{
	ACP_AUTO(world) struct acp_world world;
	ACP_AUTO(plan) struct acp_plan plan;

	acp_world_init(&world);
	acp_plan_init(&plan);
	model_plan(&model, &world, &plan);
	check_deletions(&plan);
	check_places(&plan);
	model_apply(&model, &plan);
	return model_count_writes(&plan) - plan.held - model.left;
}

static void
begin_world(int seed)
{
	seed_chance(seed);
	model_init(&model);
	if (draw(3) == 0) {
		model.site.platform = ACP_PLATFORM_MPP;
		model.site.runtime_namespace = "ambient-code--runtime-int";
		model_put_namespace(&model, "ambient-code--runtime-int");
	}
	if (draw(4) == 0)
		model.site.image_namespace = NULL;
	put_foreign_namespaces();
}

static void
live_through(void)
{
	for (int pass = 0; pass < PASSES; pass++) {
		if (draw(2))
			change_rows();
		change_knowledge();
		tamper();
		model.now_s += draw(900);
		plan_and_apply();
	}
}

/* Ages apart: marks that ripen are waited for. */
static bool
comes_to_rest(void)
{
	know_all();
	for (int pass = 0; pass < 8; pass++) {
		model.now_s += 601;
		if (!plan_and_apply())
			return true;
	}
	return false;
}

START_TEST(random_worlds_come_to_rest_and_only_ours_is_deleted)
{
	int first = _i * WORLDS / 10;

	for (int n = 0; n < unit_rounds(WORLDS / 10); n++) {
		int seed = first + n;

		begin_world(seed);
		change_rows();
		live_through();
		ck_assert_msg(comes_to_rest(), "world %d never rests:\n%s",
			seed, model_describe(&model));
		model_clear(&model);
	}
}
END_TEST

START_TEST(an_undisturbed_world_is_done_in_one_pass)
{
	for (int seed = 0; seed < 3 * unit_rounds(WORLDS / 3); seed += 3) {
		begin_world(seed);
		model.site.platform = ACP_PLATFORM_STANDARD;
		change_rows();
		plan_and_apply();
		ck_assert_msg(!plan_and_apply(),
			"world %d takes two passes:\n%s", seed,
			model_describe(&model));
		model_clear(&model);
	}
}
END_TEST

static Suite *
plan_properties_suite(void)
{
	Suite *suite = suite_create("plan_properties");
	TCase *tcase = tcase_create("plan_properties");

	/* a bound against endless loops, not on speed */
	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase,
		random_worlds_come_to_rest_and_only_ours_is_deleted, 0, 10);
	tcase_add_test(tcase, an_undisturbed_world_is_done_in_one_pass);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(plan_properties_suite)
