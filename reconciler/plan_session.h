/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the planners of sessions share, for the plan_session*.c files alone:
 * where one session stands, and the actions that are made for it.
 */
#ifndef ACP_RECONCILER_PLAN_SESSION_H
#define ACP_RECONCILER_PLAN_SESSION_H

#include "reconciler/plan_step.h"
#include "reconciler/session_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An object that is ours by every sign, under the id of its session. */
struct acp_session_object {
	const char *id;
	const struct acp_object *object;
};

/* One session that is being planned. */
struct acp_session_step {
	struct acp_step step; /* its unit is "session/<id>" */
	const struct acp_runner_site *runner;
	const struct acp_session_row *row;
	const struct acp_session_object *objects; /* by namespace, then kind */
	size_t object_count;
	struct acp_session_names names;
	bool has_names; /* false: the id will not do */
	const char *namespace; /* of its project, as the plan; "": has none */
	/* what has the account's name there, whosever it is; NULL: nothing */
	const struct acp_object *named_account;
	/* those of the session in that namespace, NULL: not seen */
	const struct acp_object *account;
	const struct acp_object *service;
	const struct acp_object *pod;
	/* in the namespace that the row names, when that is another one */
	const struct acp_object *old_pod;
};

/* What a pod's state says of its session. */
struct acp_pod_verdict {
	enum acp_phase phase; /* RUNNING as long as it may yet do its work */
	int64_t end_s; /* of the runner; 0: not known */
	const char *reason; /* a word and a sentence; static or of the plan */
	const char *message;
};

struct acp_pod_verdict acp_session_judge_pod(
	struct acp_plan *plan, const struct acp_object *pod, int64_t now_s);

/* Nothing of it runs any more, or will. */
bool acp_session_has_finished(const struct acp_object *pod);

/* Actions */

/*
 * A PATCH of the row: phase and condition as given, the rest to be filled in;
 * the order is valid as long as the plan, the action until the next one.
 */
struct acp_session_order *acp_session_add_phase(
	const struct acp_session_step *session, enum acp_phase phase,
	const char *reason, const char *message);

/* The same with the time of the end; is_absence: for the gate. */
void acp_session_add_end(const struct acp_session_step *session,
	enum acp_phase phase, const char *reason, const char *message,
	bool is_absence);

/*
 * Says in the row, and in an Event, why it has to wait, unless that stands
 * there already: then NULL.
 */
struct acp_session_order *acp_session_tell(
	const struct acp_session_step *session, const char *reason,
	const char *message);

/* Is the project's namespace there, Active and ours? */
bool acp_session_has_namespace(const struct acp_session_step *session);

/* Makes all objects; the caller has looked whether that may be. */
void acp_session_add_provision(const struct acp_session_step *session,
	unsigned int reprovisions, const char *reason);

/* Deletes the object unless it is NULL, or being deleted. */
struct acp_action *acp_session_delete(const struct acp_session_step *session,
	const struct acp_object *object, const char *reason);

/*
 * The same if the row still says so when it comes to that: a session that was
 * started again meanwhile uses what it has, or has a new pod.
 */
void acp_session_delete_if(const struct acp_session_step *session,
	const struct acp_object *object, enum acp_recheck recheck,
	const char *reason);

/* Objects */

/*
 * Finds what is the session's though its labels say something else, for
 * tenants may alter them: an account by its anchor, pod and Service by their
 * owner, all of them by name and place.
 */
void acp_session_find_by_name(struct acp_session_step *session);

/* Does that account, whosever it is, own what has the name of the pod? */
bool acp_session_has_pod_of(const struct acp_session_step *session,
	const struct acp_object *account);

/*
 * Makes an account be as it should be: labels, token, anchor under the
 * current key. Its resourceVersion may be any, its uid not.
 */
void acp_session_want_account(const struct acp_session_step *session,
	const struct acp_object *account);

/*
 * Is the Service's name taken by what is not ours? Perhaps it waits to be
 * collected, for its account is another one. And is it another session's?
 */
bool acp_session_is_service_taken(const struct acp_session_step *session);
bool acp_session_is_service_anothers(const struct acp_session_step *session);

/* Makes the Service be as it should be. */
void acp_session_want_service(const struct acp_session_step *session);

/* Of a phase that ends a session: what is to go now. */
void acp_session_clean_up(const struct acp_session_step *session);

/* What is ours of the session in other namespaces than its project's. */
void acp_session_clear_strays(const struct acp_session_step *session);

/* All of a session whose row is gone. */
void acp_session_clear_gone(const struct acp_session_step *session);

/* The phase table. */
void acp_session_plan_phase(const struct acp_session_step *session);

#endif
