/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the planners of projects share, for the plan_*.c files alone: where
 * one project stands, and how one wanted object becomes actions.
 */
#ifndef ACP_RECONCILER_PLAN_STEP_H
#define ACP_RECONCILER_PLAN_STEP_H

#include "reconciler/desired.h"
#include "reconciler/plan.h"

/* One unit that is being planned. */
struct acp_step {
	const struct acp_world *world;
	const struct acp_site *site;
	struct acp_plan *plan;
	const struct acp_project_row *project; /* NULL: unit "cluster" */
	const char *unit;
	const char *namespace; /* of the project, else NULL */
	bool is_new; /* the namespace is made in this pass: it has nothing */
};

/*
 * May the objects of a kind in that namespace be judged: were they read, is
 * the kind served? NULL: a kind that is in no namespace.
 */
bool acp_step_knows(
	const struct acp_step *step, enum acp_kind kind, const char *namespace);

/*
 * Plans what makes an object be as body (taken): nothing when it is so, when
 * its list is unknown, or when it is being deleted. what is told to people
 * when it differs ("rules differ"). The action, NULL: none; valid until the
 * next one.
 */
struct acp_action *acp_step_want(const struct acp_step *step,
	enum acp_kind kind, struct json_object *body, const char *what);

/* POST of body (taken), whatever is there. */
struct acp_action *acp_step_create(const struct acp_step *step,
	enum acp_kind kind, struct json_object *body, const char *reason);

/*
 * Makes what was seen be as body (taken), whatever list it came from, when it
 * differs; the rest of the unit waits for it.
 */
void acp_step_adopt(const struct acp_step *step, const struct acp_object *seen,
	struct json_object *body, const char *what);

struct acp_action *acp_step_delete(const struct acp_step *step,
	const struct acp_object *object, const char *reason);

/* Sets a mark on an object, or takes it off (text NULL). */
void acp_step_mark(const struct acp_step *step, const struct acp_object *object,
	enum acp_mark mark, const char *text, const char *reason);

/*
 * Refuses something of the project: a refusal with the sentence, and an Event
 * about its namespace. message is copied.
 */
void acp_step_refuse(const struct acp_step *step, const char *namespace,
	const char *reason, const char *message);

/* Everything inside of a project's namespace, and its image-puller binding. */
void acp_plan_project_objects(const struct acp_step *step);
/* The bindings of people among them. */
void acp_plan_people(const struct acp_step *step);
/* What is left of projects that are gone. */
void acp_plan_gone_projects(const struct acp_world *world,
	const struct acp_site *site, struct acp_plan *plan);

#endif
