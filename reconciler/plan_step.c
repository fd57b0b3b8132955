/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one wanted object, and what was seen of it, to actions. The only place
 * that decides between leaving alone, applying, and making anew. Must never
 * take an unknown list for an empty one.
 */
#include <config.h>

#include "reconciler/plan_step.h"

#include "lib/json.h"

#include <string.h>

static const char *
peek_text(struct json_object *object, const char *key)
{
	struct json_object *member = NULL;

	json_object_object_get_ex(object, key, &member);
	return member ? json_object_get_string(member) : NULL;
}

/* Texts live as body. */
static struct acp_ref
read_ref(enum acp_kind kind, struct json_object *body)
{
	struct json_object *metadata = acp_json_peek_object(body, "metadata");

	return (struct acp_ref){kind, peek_text(metadata, "namespace"),
		peek_text(metadata, "name")};
}

static const char *
write_body(struct acp_plan *plan, struct json_object *body)
{
	return acp_arena_dup(plan->arena,
		json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN));
}

bool
acp_step_knows(
	const struct acp_step *step, enum acp_kind kind, const char *namespace)
{
	return step->world->objects[kind].is_served &&
		acp_world_knows_in(step->world, kind, namespace);
}

static bool
is_inside_new_namespace(const struct acp_step *step, const struct acp_ref *ref)
{
	return step->is_new && ref->namespace &&
		strcmp(ref->namespace, step->namespace) == 0;
}

static const char *
dup_or_null(const struct acp_step *step, const char *text)
{
	return text ? acp_arena_dup(step->plan->arena, text) : NULL;
}

struct acp_action *
acp_step_delete(const struct acp_step *step, const struct acp_object *object,
	const char *reason)
{
	const struct acp_ref ref = {
		object->kind, object->namespace, object->name};
	struct acp_action *action = acp_plan_add(
		step->plan, ACP_VERB_DELETE, &ref, step->unit, reason);

	action->uid = object->uid;
	action->resource_version = object->resource_version;
	return action;
}

struct acp_action *
acp_step_create(const struct acp_step *step, enum acp_kind kind,
	struct json_object *body, const char *reason)
{
	ACP_AUTO(json) struct json_object *owned = body;
	const struct acp_ref ref = read_ref(kind, owned);
	struct acp_action *action = acp_plan_add(
		step->plan, ACP_VERB_CREATE, &ref, step->unit, reason);

	action->body = write_body(step->plan, owned);
	return action;
}

/* With the uid of what was seen, so that nothing just deleted is made anew. */
static struct acp_action *
apply(const struct acp_step *step, const struct acp_ref *ref,
	struct json_object *body, const char *uid, const char *reason)
{
	struct acp_action *action = acp_plan_add(
		step->plan, ACP_VERB_APPLY, ref, step->unit, reason);

	if (uid) {
		json_object_object_add(acp_json_peek_object(body, "metadata"),
			"uid", json_object_new_string(uid));
		action->uid = dup_or_null(step, uid);
	}
	action->body = write_body(step->plan, body);
	return action;
}

/* No list shows what has the name and not our labels. */
static struct acp_action *
apply_unless_taken(const struct acp_step *step, const struct acp_ref *ref,
	struct json_object *body, const char *uid, const char *reason)
{
	struct acp_action *action = apply(step, ref, body, uid, reason);

	action->recheck = ACP_RECHECK_NAME;
	return action;
}

/* A roleRef cannot be changed; the server answers 422. */
static bool
has_other_role(const struct acp_object *seen, struct json_object *body)
{
	struct json_object *role = acp_json_peek_object(body, "roleRef");
	const char *kind = peek_text(role, "kind");
	size_t size = strlen(kind);

	return !seen->role || strncmp(seen->role, kind, size) != 0 ||
		seen->role[size] != '/' ||
		strcmp(seen->role + size + 1, peek_text(role, "name")) != 0;
}

/*
 * Can applying not repair it? Keys that others added to a selector stay when
 * ours are applied, at least on older servers.
 */
static bool
must_be_made_anew(const struct acp_object *seen, struct json_object *body)
{
	if (seen->kind == ACP_KIND_ROLE_BINDING)
		return has_other_role(seen, body);
	return seen->kind == ACP_KIND_NETWORK_POLICY;
}

static bool
has_our_labels(const struct acp_step *step, const struct acp_object *seen)
{
	const char *project = step->project ? step->project->id : NULL;

	if (!seen->managed || strcmp(seen->managed, "true") != 0 ||
		!seen->instance ||
		strcmp(seen->instance, step->site->instance) != 0)
		return false;
	/* an object of the cluster names none, and no tenant can reach it */
	if (!project)
		return true;
	return seen->project_id && strcmp(project, seen->project_id) == 0;
}

static struct acp_action *
repair(const struct acp_step *step, const struct acp_object *seen,
	const struct acp_ref *ref, struct json_object *body, const char *what)
{
	/* deleted only when every sign says ours; the name is the wanted one */
	if (!has_our_labels(step, seen))
		return apply_unless_taken(step, ref, body, seen->uid, what);
	if (!must_be_made_anew(seen, body))
		return apply(step, ref, body, seen->uid, what);
	acp_step_delete(step, seen, what)->is_required = true;
	return apply(step, ref, body, NULL, what);
}

struct acp_action *
acp_step_want(const struct acp_step *step, enum acp_kind kind,
	struct json_object *body, const char *what)
{
	ACP_AUTO(json) struct json_object *owned = body;
	const struct acp_ref ref = read_ref(kind, owned);
	const struct acp_object *seen;
	uint8_t content[ACP_CONTENT_SIZE];

	if (is_inside_new_namespace(step, &ref))
		return apply(step, &ref, owned, NULL, "missing");
	if (!acp_step_knows(step, kind, ref.namespace))
		return NULL;
	seen = acp_world_find_object(step->world, &ref);
	if (!seen)
		return apply_unless_taken(step, &ref, owned, NULL, "missing");
	acp_desired_content(kind, owned, content);
	if (seen->deleted_s ||
		memcmp(content, seen->content, sizeof(content)) == 0)
		return NULL;
	return repair(step, seen, &ref, owned, what);
}

void
acp_step_adopt(const struct acp_step *step, const struct acp_object *seen,
	struct json_object *body, const char *what)
{
	ACP_AUTO(json) struct json_object *owned = body;
	const struct acp_ref ref = read_ref(seen->kind, owned);
	uint8_t content[ACP_CONTENT_SIZE];

	acp_desired_content(seen->kind, owned, content);
	if (memcmp(content, seen->content, sizeof(content)) != 0)
		apply(step, &ref, owned, seen->uid, what)->is_required = true;
}

void
acp_step_mark(const struct acp_step *step, const struct acp_object *object,
	enum acp_mark mark, const char *text, const char *reason)
{
	const struct acp_ref ref = {
		object->kind, object->namespace, object->name};
	ACP_AUTO(json) struct json_object *body = json_object_new_object();
	struct json_object *metadata = json_object_new_object();
	struct json_object *annotations = json_object_new_object();
	struct acp_action *action = acp_plan_add(
		step->plan, ACP_VERB_MARK, &ref, step->unit, reason);

	json_object_object_add(annotations, acp_mark_name(mark),
		text ? json_object_new_string(text) : NULL);
	json_object_object_add(
		metadata, "uid", json_object_new_string(object->uid));
	json_object_object_add(metadata, "resourceVersion",
		json_object_new_string(object->resource_version));
	json_object_object_add(metadata, "annotations", annotations);
	json_object_object_add(body, "metadata", metadata);
	action->uid = object->uid;
	action->resource_version = object->resource_version;
	action->body = write_body(step->plan, body);
}

void
acp_step_refuse(const struct acp_step *step, const char *namespace,
	const char *reason, const char *message)
{
	const struct acp_object about = {
		.kind = ACP_KIND_NAMESPACE, .name = namespace};
	const char *text = acp_arena_dup(step->plan->arena, message);
	ACP_AUTO(json)
	struct json_object *event = acp_desired_event(
		step->site, &about, reason, text, step->world->kube_now_s);
	const struct acp_ref ref = read_ref(ACP_KIND_EVENT, event);
	struct acp_action *action;

	acp_plan_refuse(step->plan, step->project->id, text);
	action = acp_plan_add(
		step->plan, ACP_VERB_REPORT, &ref, step->unit, text);
	action->body = write_body(step->plan, event);
}
