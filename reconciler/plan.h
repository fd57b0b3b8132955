/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be done, and why. A plan is made by pure functions from a world
 * and a site: no I/O, no clock, no chance. Actions of one unit (a project, a
 * session) are applied in order; units are independent of each other.
 */
#ifndef ACP_RECONCILER_PLAN_H
#define ACP_RECONCILER_PLAN_H

#include "lib/auto.h"
#include "reconciler/arena.h"
#include "reconciler/kinds.h"
#include "reconciler/rows.h"
#include "reconciler/runner_site.h"
#include "reconciler/site.h"
#include "reconciler/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum acp_verb {
	ACP_VERB_CREATE, /* POST; AlreadyExists is success, see must_be_new */
	ACP_VERB_APPLY, /* server-side apply; of a Service a PUT of the whole */
	ACP_VERB_MARK, /* merge patch of annotations, with uid and version */
	ACP_VERB_DELETE, /* with uid, and resource_version unless NULL */
	ACP_VERB_REPORT, /* an Event; AlreadyExists: it was reported before */
	ACP_VERB_PROVISION, /* all objects of a session, then its phase */
	ACP_VERB_PHASE, /* status PATCH of a session's row */
	ACP_VERB__MAX
};

/* What must be asked again just before the action is done. */
enum acp_recheck {
	ACP_RECHECK_NOTHING,
	ACP_RECHECK_PROJECT_GONE, /* GET of subject must say gone */
	ACP_RECHECK_SESSION_ENDED, /* … or answer with an ended phase */
	ACP_RECHECK_SESSION_STOPS, /* … or with Stopping */
	ACP_RECHECK_NAME, /* no object of somebody else has the name */
	ACP_RECHECK__MAX
};

/* What PROVISION and PHASE are to do; the action's ref is the session's pod. */
struct acp_session_order {
	const char *session_id;
	enum acp_phase expected; /* the row must still be in it */
	/* of a namespace that is there and ours; NULL: there is none */
	const char *namespace_uid;
	const char *account_uid; /* of the account that was seen, or NULL */
	int64_t account_created_s; /* 0: none was seen */
	/* by how much the clock of Kubernetes is ahead of the API server's */
	int64_t kube_ahead_s;
	/* PROVISION */
	bool is_resume; /* the session ran before: IS_RESUME */
	unsigned int reprovisions; /* to be noted on the account */
	/* PHASE; UNKNOWN: only the condition is written */
	enum acp_phase phase;
	int64_t completion_s; /* 0: none */
	int64_t start_s; /* 0: none */
	const char *kube_namespace; /* NULL: none */
	/* the condition: a word and a sentence, NULL: none is written */
	const char *reason;
	const char *message;
	bool is_true; /* its status */
	bool is_reported; /* by an Event about the account, too */
};

struct acp_action {
	enum acp_verb verb;
	struct acp_ref ref;
	const char *unit; /* "project/p1", "cluster" */
	const char *reason; /* for people: "missing", "rules differ" */
	const char *uid; /* NULL: none */
	const char *resource_version;
	const struct acp_session_order *session; /* NULL for other verbs */
	const char *body; /* JSON, in the plan's arena; NULL for DELETE */
	enum acp_recheck recheck;
	/* "project/<id>" or "session/<id>", for rechecks of it and the gate */
	const char *subject;
	/* of CREATE: AlreadyExists is a failure, for the name is somebody
	 * else's until the next pass has looked at its labels */
	bool must_be_new;
	bool is_required; /* when it fails, the rest of the unit waits */
	bool is_absence; /* done because a row is absent: the gate counts it */
	bool is_held; /* by the gate: not to be applied */
};

/* Things that are left alone, and told about. */
struct acp_refusal {
	const char *project; /* id, as its row has it: hostile */
	const char *reason; /* a sentence: what is wrong and what to do */
};

struct acp_plan {
	struct acp_arena *arena; /* texts that are not the world's */
	struct acp_action *actions; /* grouped by unit, in order */
	size_t count;
	size_t capacity;
	struct acp_refusal *refusals;
	size_t refusal_count;
	size_t refusal_capacity;
	size_t foreign_objects; /* carry our labels, but are not ours */
	size_t held; /* actions that the gate holds */
	char held_digest[17]; /* "" when nothing is held */
};

/* The answers to "more than how much" of the mass-deletion gate. */
#define ACP_GATE_SESSIONS 5 /* or a fifth of them, if that is more */
#define ACP_GATE_NAMESPACES 2

void acp_plan_init(struct acp_plan *plan);
void acp_plan_clear(struct acp_plan *plan);

/*
 * Appends an action and gives it to be filled in; valid until the next. The
 * texts of ref are copied; unit and reason live as the plan.
 */
struct acp_action *acp_plan_add(struct acp_plan *plan, enum acp_verb verb,
	const struct acp_ref *ref, const char *unit, const char *reason);

/* printf into the plan's arena. */
const char *acp_plan_text(struct acp_plan *plan, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Says it once for a project, however often it is called. Texts borrowed. */
void acp_plan_refuse(
	struct acp_plan *plan, const char *project, const char *reason);

/*
 * Plans everything that is not about sessions: namespaces, project objects,
 * objects in the runtime and image namespaces. The world outlives the plan.
 */
void acp_plan_projects(const struct acp_world *world,
	const struct acp_site *site, struct acp_plan *plan);

/*
 * Plans what concerns sessions, by the phase table of
 * ambient-cp-reconciler(8): after the projects, whose refusals count. Without
 * token_url in runner no session is provisioned.
 */
void acp_plan_sessions(const struct acp_world *world,
	const struct acp_site *site, const struct acp_runner_site *runner,
	struct acp_plan *plan);

/*
 * The mass-deletion gate, over a whole plan: marks what is held and writes
 * its digest, unless allowed_digest (NULL: none) is that digest.
 */
void acp_plan_gate(const struct acp_world *world, struct acp_plan *plan,
	const char *allowed_digest);

/*
 * A line an action: "create Role p1/ambient-… (missing)", held ones with
 * "held", then the refusals. And the same as one JSON object in a line.
 */
void acp_plan_describe(const struct acp_plan *plan, struct acp_buffer *text);
void acp_plan_describe_json(
	const struct acp_plan *plan, struct acp_buffer *text);

/* "create", "apply" …; static. */
const char *acp_verb_name(enum acp_verb verb);

ACP_AUTO_DEFINE(plan, struct acp_plan, acp_plan_clear)

#endif
