/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster and an API server as plain data, for the tests of the planner:
 * objects are kept as the JSON that a server would give back, a plan is
 * applied to them as the real servers would, and a world is observed of them.
 */
#ifndef ACP_TESTS_UNIT_MODEL_WORLD_H
#define ACP_TESTS_UNIT_MODEL_WORLD_H

#include "reconciler/plan.h"
#include "reconciler/site.h"
#include "reconciler/world.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_OBJECTS = 512, MODEL_ROWS = 64, MODEL_GROUPS = 8 };

struct model_object {
	enum acp_kind kind;
	char namespace[64]; /* "": none */
	char name[80];
	struct json_object *json; /* as a GET gives it; owned */
};

struct model_settings {
	const char *project_id;
	struct acp_group groups[MODEL_GROUPS];
	size_t count;
	const char *bad;
};

struct model {
	struct acp_site site;
	struct model_object objects[MODEL_OBJECTS];
	size_t count;
	struct acp_project_row projects[MODEL_ROWS];
	size_t project_count;
	struct model_settings settings[MODEL_ROWS];
	size_t settings_count;
	struct acp_answer answers[MODEL_ROWS];
	size_t answer_count;
	/* what observing is to say */
	bool is_unknown[ACP_KIND__MAX];
	bool is_unserved[ACP_KIND__MAX];
	bool are_projects_unknown;
	bool are_settings_unknown;
	bool are_foreign_unknown;
	bool is_secret_sweep;
	int64_t now_s;
	unsigned int serial; /* of uids and versions */
	size_t writes;
};

/* A standard site with image pullers, and nothing in it but our namespaces. */
void model_init(struct model *model);
void model_clear(struct model *model);

void model_add_project(
	struct model *model, const char *id, const char *created_by);
/* Without a row; and answered so when it is asked for. */
void model_drop_project(
	struct model *model, const char *id, enum acp_presence answer);
struct model_settings *model_add_settings(
	struct model *model, const char *project_id);
void model_add_group(
	struct model_settings *settings, const char *name, const char *role);

/* The object's JSON, borrowed; NULL when there is none. */
struct json_object *model_find(const struct model *model, enum acp_kind kind,
	const char *namespace, const char *name);
/* Puts json (taken) there as a new object, with uid, version and status. */
struct json_object *model_put(
	struct model *model, enum acp_kind kind, struct json_object *json);
void model_remove(struct model *model, enum acp_kind kind,
	const char *namespace, const char *name);
/* A Namespace of somebody else. */
struct json_object *model_put_namespace(struct model *model, const char *name);
/* Sets (or with NULL takes off) a label or annotation. */
void model_set_meta(struct json_object *json, const char *where,
	const char *key, const char *value);
/* Makes it be in deletion. */
void model_terminate(struct model *model, struct json_object *json);

/* What a pass would see. Fills an empty world, and sorts it. */
void model_observe(const struct model *model, struct acp_world *world);

/* Observes and plans, gate included; world and plan are empty before. */
void model_plan(const struct model *model, struct acp_world *world,
	struct acp_plan *plan);

/*
 * Does what the plan says, as a server would; stops a unit where a required
 * action fails, and skips what is held. Deleted namespaces are gone at once,
 * with all that is in them. In mpp a TenantNamespace brings its Namespace.
 */
void model_apply(struct model *model, const struct acp_plan *plan);

/* Plans and applies, and forgets both; number of writes. */
size_t model_pass(struct model *model);

/* The first action on such an object; NULL when there is none. */
const struct acp_action *model_find_action(const struct acp_plan *plan,
	enum acp_verb verb, enum acp_kind kind, const char *name);
/* Actions but reports. */
size_t model_count_writes(const struct acp_plan *plan);

#endif
