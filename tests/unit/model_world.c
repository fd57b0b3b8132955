/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of both servers for the planner's tests. Follows what a
 * kube-apiserver does as far as plans touch it, and must never call the
 * planner's own judgement of what is whose.
 */
#include <config.h>

#include "tests/unit/model_world.h"

#include "lib/json.h"
#include "reconciler/anchor.h"
#include "reconciler/desired.h"
#include "reconciler/desired_build.h"
#include "reconciler/observe_object.h"
#include "tests/unit/json_peek.h"

#include <check.h>
#include <json-c/json_tokener.h>
#include <json-c/linkhash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
model_init(struct model *model)
{
	memset(model, 0, sizeof(*model));
	model->site = (struct acp_site){
		.platform = ACP_PLATFORM_STANDARD,
		.instance = "ambient-code",
		.runtime_namespace = "ambient-code",
		.config_namespace = "ambient-code--config",
		.image_namespace = "images",
		.service_account = "ambient-control-plane",
		.token_service_app = "ambient-cp-token",
		.token_service_port = 8080,
		.deletes_namespaces = true,
	};
	model->runner = (struct acp_runner_site){
		.token_url = "http://t/token", .retention_ms = INT64_C(900000)};
	model->actions_left = SIZE_MAX;
	model->now_s = 1800000000;
	model_put_namespace(model, "ambient-code");
	model_put_namespace(model, "images");
}

void
model_clear(struct model *model)
{
	for (size_t i = 0; i < model->count; i++)
		json_object_put(model->objects[i].json);
	model->count = 0;
}

static bool
is_same(const char *left, const char *right)
{
	return strcmp(left ? left : "", right ? right : "") == 0;
}

static void
set_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void
touch(struct model *model, struct json_object *json)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", ++model->serial);
	set_text(peek(json, "metadata"), "resourceVersion", text);
}

void
model_add_project(struct model *model, const char *id, const char *created_by)
{
	ck_assert_uint_lt(model->project_count, MODEL_ROWS);
	model->projects[model->project_count++] =
		(struct acp_project_row){id, created_by, NULL};
}

void
model_drop_project(
	struct model *model, const char *id, enum acp_presence answer)
{
	for (size_t i = 0; i < model->project_count; i++)
		if (strcmp(model->projects[i].id, id) == 0)
			model->projects[i--] =
				model->projects[--model->project_count];
	model->answers[model->answer_count++] = (struct acp_answer){id, answer};
}

struct model_settings *
model_add_settings(struct model *model, const char *project_id)
{
	struct model_settings *settings =
		&model->settings[model->settings_count++];

	*settings = (struct model_settings){.project_id = project_id};
	return settings;
}

void
model_add_group(
	struct model_settings *settings, const char *name, const char *role)
{
	settings->groups[settings->count++] = (struct acp_group){name, role};
}

static struct model_object *
find(const struct model *model, enum acp_kind kind, const char *namespace,
	const char *name)
{
	for (size_t i = 0; i < model->count; i++) {
		const struct model_object *object = &model->objects[i];

		if (object->kind == kind && is_same(object->name, name) &&
			is_same(object->namespace, namespace))
			return (struct model_object *)object;
	}
	return NULL;
}

struct json_object *
model_find(const struct model *model, enum acp_kind kind, const char *namespace,
	const char *name)
{
	struct model_object *object = find(model, kind, namespace, name);

	return object ? object->json : NULL;
}

struct json_object *
model_put(struct model *model, enum acp_kind kind, struct json_object *json)
{
	const char *namespace = peek_meta(json, "namespace");
	struct model_object *object = &model->objects[model->count++];
	char text[16];

	ck_assert_uint_le(model->count, MODEL_OBJECTS);
	object->kind = kind;
	object->json = json;
	snprintf(object->namespace, sizeof(object->namespace), "%s",
		namespace ? namespace : "");
	snprintf(object->name, sizeof(object->name), "%s",
		peek_meta(json, "name"));
	snprintf(text, sizeof(text), "uid-%u", ++model->serial);
	set_text(peek(json, "metadata"), "uid", text);
	touch(model, json);
	if (kind == ACP_KIND_NAMESPACE)
		set_text(acp_desired_add_object(json, "status"), "phase",
			"Active");
	return json;
}

void
model_remove(struct model *model, enum acp_kind kind, const char *namespace,
	const char *name)
{
	struct model_object *object = find(model, kind, namespace, name);

	ck_assert_ptr_nonnull(object);
	json_object_put(object->json);
	*object = model->objects[--model->count];
}

struct json_object *
model_put_namespace(struct model *model, const char *name)
{
	struct json_object *json = json_object_new_object();

	set_text(acp_desired_add_object(json, "metadata"), "name", name);
	return model_put(model, ACP_KIND_NAMESPACE, json);
}

void
model_set_meta(struct json_object *json, const char *where, const char *key,
	const char *value)
{
	struct json_object *metadata = peek(json, "metadata");
	struct json_object *object = peek(metadata, where);

	if (!object)
		object = acp_desired_add_object(metadata, where);
	if (value)
		set_text(object, key, value);
	else
		json_object_object_del(object, key);
}

void
model_terminate(struct model *model, struct json_object *json)
{
	set_text(peek(json, "metadata"), "deletionTimestamp",
		"2027-01-15T08:00:00Z");
	touch(model, json);
	if (peek(json, "status"))
		set_text(peek(json, "status"), "phase", "Terminating");
}

/* What a list by our selector would have. */
static bool
is_selected(const struct model *model, struct json_object *json)
{
	const char *instance = peek_label(json, ACP_LABEL_INSTANCE);

	if (!is_same(peek_label(json, ACP_LABEL_MANAGED), "true"))
		return false;
	if (!instance)
		return model->site.adopts;
	return strcmp(instance, model->site.instance) == 0;
}

static void
observe_into(const struct model_object *object, struct acp_world *world,
	struct acp_objects *objects)
{
	ck_assert(acp_observe_object(object->kind, object->json, world->arena,
		acp_world_add_object(objects)));
}

static bool
is_listed(enum acp_kind kind)
{
	return kind == ACP_KIND_NAMESPACE ||
		kind == ACP_KIND_TENANT_NAMESPACE || kind == ACP_KIND_ROLE ||
		kind == ACP_KIND_ROLE_BINDING ||
		kind == ACP_KIND_NETWORK_POLICY ||
		kind == ACP_KIND_PROJECT_SETTINGS ||
		kind == ACP_KIND_SERVICE_ACCOUNT || kind == ACP_KIND_SERVICE ||
		kind == ACP_KIND_POD;
}

static void
observe_objects(const struct model *model, struct acp_world *world)
{
	for (size_t i = 0; i < ACP_KIND__MAX; i++) {
		world->objects[i].is_known = !model->is_unknown[i];
		world->objects[i].is_served = !model->is_unserved[i];
	}
	world->objects[ACP_KIND_TENANT_NAMESPACE].is_served =
		model->site.platform == ACP_PLATFORM_MPP;
	world->foreign_namespaces.is_known = !model->are_foreign_unknown;
	for (size_t i = 0; i < model->count; i++) {
		const struct model_object *object = &model->objects[i];

		if (is_listed(object->kind) &&
			is_selected(model, object->json)) {
			if (!model->is_unknown[object->kind])
				observe_into(object, world,
					&world->objects[object->kind]);
		} else if (!model->are_foreign_unknown &&
			(object->kind == ACP_KIND_NAMESPACE ||
				object->kind == ACP_KIND_TENANT_NAMESPACE)) {
			observe_into(object, world, &world->foreign_namespaces);
		}
	}
}

static void
observe_settings(const struct model_settings *settings, struct acp_world *world)
{
	*acp_world_add_settings(world) = (struct acp_settings_row){
		.id = settings->project_id,
		.project_id = settings->project_id,
		.groups = settings->groups,
		.group_count = settings->count,
		.bad = settings->bad,
	};
}

void
model_observe(const struct model *model, struct acp_world *world)
{
	world->are_projects_known = !model->are_projects_unknown;
	world->are_settings_known = !model->are_settings_unknown;
	world->kube_now_s = model->now_s;
	world->api_now_s = model->now_s + model->api_ahead_s;
	world->is_secret_sweep = model->is_secret_sweep;
	for (size_t i = 0; i < model->project_count; i++)
		*acp_world_add_project(world) = model->projects[i];
	for (size_t i = 0; i < model->settings_count; i++)
		observe_settings(&model->settings[i], world);
	for (size_t i = 0; i < model->answer_count; i++)
		acp_world_add_project_answer(world, model->answers[i].id,
			model->answers[i].presence);
	observe_objects(model, world);
	world->keys = model->keys;
	world->are_keys_current = model->are_keys_current;
	acp_world_sort(world);
	acp_anchor_judge(world, &model->site);
	model_observe_sessions(model, world);
	acp_world_sort(world);
}

void
model_observe_unlisted(const struct model *model, struct acp_world *world,
	const struct acp_ref *ref)
{
	const struct model_object *object =
		find(model, ref->kind, ref->namespace, ref->name);

	if (object && !is_selected(model, object->json) &&
		!model->is_unknown[ref->kind])
		observe_into(object, world, &world->objects[ref->kind]);
}

void
model_plan(const struct model *model, struct acp_world *world,
	struct acp_plan *plan)
{
	model_observe(model, world);
	acp_plan_projects(world, &model->site, plan);
	acp_plan_sessions(world, &model->site, &model->runner, plan);
	acp_plan_gate(world, plan, NULL);
}

static bool
has_namespace(const struct model *model, const struct acp_ref *ref)
{
	struct json_object *json;

	if (!ref->namespace || ref->kind == ACP_KIND_TENANT_NAMESPACE)
		return true;
	json = model_find(model, ACP_KIND_NAMESPACE, NULL, ref->namespace);
	return json && !peek(peek(json, "metadata"), "deletionTimestamp");
}

static void
make_tenant(struct model *model, const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), "ambient-code--%s", name);
	model_put_namespace(model, text);
}

static bool
create(struct model *model, const struct acp_action *action)
{
	if (!has_namespace(model, &action->ref))
		return false;
	if (model_find(model, action->ref.kind, action->ref.namespace,
		    action->ref.name)) {
		model->left++;
		return !action->must_be_new;
	}
	model_put(model, action->ref.kind, json_tokener_parse(action->body));
	if (action->ref.kind == ACP_KIND_TENANT_NAMESPACE)
		make_tenant(model, action->ref.name);
	return true;
}

/* Maps are merged, and lists and all else replaced. */
static void
merge(struct json_object *into, struct json_object *from)
{
	json_object_object_foreach(from, key, value)
	{
		struct json_object *old = peek(into, key);

		if (json_object_is_type(value, json_type_object) &&
			json_object_is_type(old, json_type_object))
			merge(old, value);
		else if (value)
			json_object_object_add(
				into, key, json_object_get(value));
		else
			json_object_object_del(into, key);
	}
}

static bool
is_role_changed(struct json_object *old, struct json_object *body)
{
	struct json_object *before = peek(old, "roleRef");

	return before && !json_object_equal(before, peek(body, "roleRef"));
}

static bool
has_same(struct json_object *old, struct json_object *body, const char *key)
{
	return json_object_equal(peek(old, key), peek(body, key));
}

/* Not labelled as body is, and more than that: other contents or owners. */
static bool
is_of_somebody_else(struct json_object *old, struct json_object *body)
{
	static const char *const labels[] = {ACP_LABEL_MANAGED,
		ACP_LABEL_INSTANCE, ACP_LABEL_PROJECT_ID, ACP_LABEL_SESSION_ID};
	const char *instance = peek_label(old, ACP_LABEL_INSTANCE);
	bool is_labelled = true;

	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		is_labelled = is_labelled &&
			is_same(peek_label(old, labels[i]),
				peek_label(body, labels[i]));
	if (is_labelled)
		return false;
	if (instance && !is_same(instance, peek_label(body, labels[1])))
		return true;
	return !has_same(old, body, "roleRef") ||
		!has_same(old, body, "subjects") ||
		!has_same(old, body, "rules") || !has_same(old, body, "spec");
}

static bool
apply(struct model *model, const struct acp_action *action)
{
	ACP_AUTO(json)
	struct json_object *body = json_tokener_parse(action->body);
	struct json_object *old = model_find(model, action->ref.kind,
		action->ref.namespace, action->ref.name);
	const char *uid = peek_meta(body, "uid");

	if (!has_namespace(model, &action->ref))
		return false;
	if (!old && uid)
		return false;
	if (!old) {
		model_put(model, action->ref.kind, json_object_get(body));
		return true;
	}
	if (action->recheck == ACP_RECHECK_NAME &&
		is_of_somebody_else(old, body)) {
		model->left++;
		return true;
	}
	if (is_role_changed(old, body) ||
		(uid && !is_same(uid, peek_meta(old, "uid"))))
		return false;
	/* what only we have put there goes when we apply it no more */
	if (action->ref.kind == ACP_KIND_SERVICE_ACCOUNT)
		json_object_object_del(peek(old, "metadata"), "annotations");
	merge(old, body);
	touch(model, old);
	return true;
}

static struct json_object *
find_exact(const struct model *model, const struct acp_action *action)
{
	struct json_object *json = model_find(model, action->ref.kind,
		action->ref.namespace, action->ref.name);

	if (!json || !is_same(peek_meta(json, "uid"), action->uid) ||
		(action->resource_version &&
			!is_same(peek_meta(json, "resourceVersion"),
				action->resource_version)))
		return NULL;
	return json;
}

static bool
mark(struct model *model, const struct acp_action *action)
{
	ACP_AUTO(json)
	struct json_object *body = json_tokener_parse(action->body);
	struct json_object *json = find_exact(model, action);

	if (!json)
		return false;
	if (!peek(peek(json, "metadata"), "annotations"))
		acp_desired_add_object(peek(json, "metadata"), "annotations");
	merge(json, body);
	touch(model, json);
	return true;
}

static void
empty_namespace(struct model *model, const char *name)
{
	for (size_t i = 0; i < model->count; i++) {
		struct model_object *object = &model->objects[i];

		if (object->kind == ACP_KIND_TENANT_NAMESPACE ||
			!is_same(object->namespace, name))
			continue;
		json_object_put(object->json);
		*object = model->objects[--model->count];
		i--;
	}
}

static bool delete (struct model *model, const struct acp_action *action)
{
	struct json_object *json = find_exact(model, action);
	char text[128];

	if (!json)
		return false;
	if (action->ref.kind == ACP_KIND_POD && model_delete_pod(model, json))
		return true;
	if (action->ref.kind == ACP_KIND_SERVICE_ACCOUNT)
		model_collect_garbage(model, action->uid);
	model_remove(model, action->ref.kind, action->ref.namespace,
		action->ref.name);
	if (action->ref.kind == ACP_KIND_NAMESPACE)
		empty_namespace(model, action->ref.name);
	if (action->ref.kind != ACP_KIND_TENANT_NAMESPACE)
		return true;
	snprintf(text, sizeof(text), "ambient-code--%s", action->ref.name);
	if (model_find(model, ACP_KIND_NAMESPACE, NULL, text)) {
		model_remove(model, ACP_KIND_NAMESPACE, NULL, text);
		empty_namespace(model, text);
	}
	return true;
}

static bool
do_action(struct model *model, const struct acp_action *action)
{
	if (!model->actions_left)
		return false;
	model->actions_left -= model->actions_left != SIZE_MAX;
	switch (action->verb) {
	case ACP_VERB_CREATE:
		return create(model, action);
	case ACP_VERB_APPLY:
		return apply(model, action);
	case ACP_VERB_MARK:
		return mark(model, action);
	case ACP_VERB_DELETE:
		return delete (model, action);
	case ACP_VERB_REPORT:
		return true;
	case ACP_VERB_PROVISION:
	case ACP_VERB_PHASE:
		return model_do_order(model, action);
	case ACP_VERB__MAX:
		break;
	}
	ck_abort_msg("no such verb");
	return false;
}

void
model_apply(struct model *model, const struct acp_plan *plan)
{
	const char *stopped = NULL;

	model->left = 0;
	for (size_t i = 0; i < plan->count; i++) {
		const struct acp_action *action = &plan->actions[i];

		if (action->is_held ||
			(stopped && strcmp(stopped, action->unit) == 0))
			continue;
		if (!do_action(model, action) && action->is_required)
			stopped = action->unit;
	}
}

size_t
model_pass(struct model *model)
{
	ACP_AUTO(world) struct acp_world world;
	ACP_AUTO(plan) struct acp_plan plan;

	acp_world_init(&world);
	acp_plan_init(&plan);
	model_plan(model, &world, &plan);
	model_apply(model, &plan);
	return model_count_writes(&plan) - model->left;
}

const char *
model_describe(const struct model *model)
{
	static char text[4000];
	ACP_AUTO(world) struct acp_world world;
	ACP_AUTO(plan) struct acp_plan plan;
	ACP_AUTO(buffer) struct acp_buffer lines;

	acp_world_init(&world);
	acp_plan_init(&plan);
	acp_buffer_init(&lines, 100000);
	model_plan(model, &world, &plan);
	acp_plan_describe(&plan, &lines);
	snprintf(text, sizeof(text), "%s", acp_buffer_peek(&lines));
	return text;
}

const struct acp_action *
model_find_action(const struct acp_plan *plan, enum acp_verb verb,
	enum acp_kind kind, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->actions[i].verb == verb &&
			plan->actions[i].ref.kind == kind &&
			(!name || strcmp(plan->actions[i].ref.name, name) == 0))
			return &plan->actions[i];
	return NULL;
}

size_t
model_count_writes(const struct acp_plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += plan->actions[i].verb != ACP_VERB_REPORT;
	return count;
}
