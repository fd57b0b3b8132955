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

/* A row of a session; texts borrowed. */
struct model_session {
	struct acp_session_row row;
	unsigned int pods; /* made since it was last started */
};

struct model {
	struct acp_site site;
	struct acp_runner_site runner;
	const struct acp_keyring *keys; /* NULL: none; borrowed */
	bool are_keys_current;
	struct model_object objects[MODEL_OBJECTS];
	size_t count;
	struct acp_project_row projects[MODEL_ROWS];
	size_t project_count;
	struct model_settings settings[MODEL_ROWS];
	size_t settings_count;
	struct acp_answer answers[MODEL_ROWS];
	size_t answer_count;
	struct model_session sessions[MODEL_ROWS];
	size_t session_count;
	/* what observing is to say */
	bool are_sessions_unknown;
	bool are_answers_unknown; /* of single rows and pods of sessions */
	bool is_unknown[ACP_KIND__MAX];
	bool is_unserved[ACP_KIND__MAX];
	bool are_projects_unknown;
	bool are_settings_unknown;
	bool are_foreign_unknown;
	bool is_secret_sweep;
	int64_t now_s; /* by the cluster's clock … */
	int64_t api_ahead_s; /* … before which the API server's is so much */
	/* after so many actions each one fails, as when a pass is broken off */
	size_t actions_left;
	unsigned int serial; /* of uids and versions */
	/* actions of the last apply that changed nothing: the name was had */
	size_t left;
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

/* Sessions; in model_sessions.c */

struct model_session *model_add_session(
	struct model *model, const char *id, const char *project_id);
void model_drop_session(struct model *model, const char *id);
struct model_session *model_find_session(struct model *model, const char *id);
/* What the API server does when its users say so; false: 409. */
bool model_start_session(struct model_session *session);
bool model_stop_session(struct model_session *session);
/* The first object of a kind that bears the session's id; NULL: none. */
struct json_object *model_find_of_session(
	const struct model *model, enum acp_kind kind, const char *id);
/* Makes the runner's container run, or end; nothing without a pod. */
void model_run_pod(struct model *model, const char *id);
void model_end_pod(struct model *model, const char *id, int exit_code);
/* A pod is gone, without anybody having asked for it. */
void model_lose_pod(struct model *model, const char *id);
/* Pods that are being deleted are gone. */
void model_end_deletions(struct model *model);
/* What has that name, though no list has it. */
void model_observe_unlisted(const struct model *model, struct acp_world *world,
	const struct acp_ref *ref);
/* For model_world.c. */
void model_observe_sessions(const struct model *model, struct acp_world *world);
bool model_do_order(struct model *model, const struct acp_action *action);
bool model_delete_pod(struct model *model, struct json_object *pod);
void model_collect_garbage(struct model *model, const char *uid);

/* Plans and applies, and forgets both; number of writes that were tried. */
size_t model_pass(struct model *model);

/* What would still be planned, for the message of a test that fails; static. */
const char *model_describe(const struct model *model);

/* The first action on such an object; NULL when there is none. */
const struct acp_action *model_find_action(const struct acp_plan *plan,
	enum acp_verb verb, enum acp_kind kind, const char *name);
/* Actions but reports. */
size_t model_count_writes(const struct acp_plan *plan);

#endif
