/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one pass saw of both sides: the rows of the API server and the managed
 * objects of the cluster. Plain data, filled by observe, judged by plan; all
 * texts live in the world's arena, and the arrays on the heap: only the
 * acp_world_add_… functions make them longer. What could not be read is marked unknown,
 * and is never the same as empty.
 */
#ifndef ACP_RECONCILER_WORLD_H
#define ACP_RECONCILER_WORLD_H

#include "lib/auto.h"
#include "lib/key.h"
#include "reconciler/arena.h"
#include "reconciler/kinds.h"
#include "reconciler/rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of an object is compared: SHA-256 over its canonical form, cut. */
#define ACP_CONTENT_SIZE 16

/* Annotations in which something is remembered between passes. */
/* clang-format off */
#define ACP_MARKS(X) \
X(ABSENT_SINCE, "ambient-code.io/absent-since") \
X(TOKEN_KEY_ID, "ambient-code.io/token-key-id") \
X(REPROVISIONS, "ambient-code.io/reprovisions") \
X(ANCHOR, "ambient-code.io/anchor") \
X(COPIED_FROM, "ambient-code.io/copied-from")
/* clang-format on */

enum acp_mark {
#define ACP_MARK_ENUM(symbol, name) ACP_MARK_##symbol,
	ACP_MARKS(ACP_MARK_ENUM)
#undef ACP_MARK_ENUM
		ACP_MARK__MAX
};

/* "ambient-code.io/…"; static. */
const char *acp_mark_name(enum acp_mark mark);

enum acp_pod_phase {
	ACP_POD_PENDING,
	ACP_POD_RUNNING,
	ACP_POD_SUCCEEDED,
	ACP_POD_FAILED,
	ACP_POD_UNKNOWN,
	ACP_POD_PHASE__MAX
};

/* What a Pod's status says; times in seconds since 1970, 0: not there. */
struct acp_pod_state {
	enum acp_pod_phase phase;
	const char *reason; /* "Evicted", "DeadlineExceeded"; NULL: none */
	int64_t start_s; /* status.startTime */
	int64_t unscheduled_s; /* since when PodScheduled is False */
	/* of the runner's container, by its own state (H-58) */
	const char *waiting; /* "ImagePullBackOff" …; NULL: it does not wait */
	bool has_ended;
	int exit_code;
	const char *end_reason; /* "OOMKilled" …; NULL: none */
	int64_t end_s; /* finishedAt */
};

/* A managed object (its labels say so), or one whose name we want. */
struct acp_object {
	enum acp_kind kind;
	const char *namespace; /* NULL: not namespaced */
	const char *name;
	const char *uid;
	const char *resource_version;
	int64_t created_s; /* creationTimestamp */
	int64_t deleted_s; /* deletionTimestamp, 0: none */
	bool is_active; /* a Namespace whose phase is Active */
	/* labels; NULL where there is none */
	const char *managed; /* ambient-code.io/managed */
	const char *instance; /* ambient-code.io/instance */
	const char *project_id;
	const char *session_id;
	const char *owner_uid; /* of the one ownerReference, NULL: none */
	const char *marks[ACP_MARK__MAX]; /* NULL: not annotated */
	/* of labels, marks that are ours and contents; see desired.h */
	uint8_t content[ACP_CONTENT_SIZE];
	/* of a RoleBinding: its role as "Kind/name", and its only subject as
	 * "User/name", "Group/name" or "ServiceAccount/namespace/name"; NULL
	 * when there is none, or more than one */
	const char *role;
	const char *subject;
	const struct acp_pod_state *pod; /* of a Pod, NULL for other kinds */
	/* of an account: the id of the key that its anchor proves to be ours,
	 * NULL: it is not proved; see anchor.h */
	const char *anchor_key_id;
};

struct acp_objects {
	struct acp_object *items; /* sorted by namespace, name */
	size_t count;
	bool is_known; /* the whole list was read */
	bool is_served; /* false: the cluster has no such kind */
	bool is_denied; /* of the whole cluster: then namespace by namespace */
	/* then: where it was read, also when it was not read everywhere */
	const char **read_in; /* sorted */
	size_t read_count;
};

/* What asking for one row by GET said, where a list had raised the question. */
enum acp_presence {
	ACP_PRESENCE_UNKNOWN, /* not asked, or no clear answer */
	ACP_PRESENCE_GONE, /* 404 with the server's own number */
	ACP_PRESENCE_THERE, /* it is there, so the list was not whole */
	ACP_PRESENCE__MAX
};

struct acp_answer {
	const char *id;
	enum acp_presence presence;
};

struct acp_world {
	struct acp_arena *arena;
	/* by which accounts are known to be ours, current one first; outlives
	 * the world. NULL: none is known, and none is signed */
	const struct acp_keyring *keys;
	/* they are what the key Secret has now: a key that is not among them
	 * is no more */
	bool are_keys_current;
	/* the servers' clocks when their first list was answered, in seconds
	 * since 1970; 0: not known, and then nothing is done by age */
	int64_t api_now_s;
	int64_t kube_now_s;
	/* API server */
	struct acp_project_row *projects; /* sorted by id with strcmp */
	size_t project_count;
	bool are_projects_known;
	struct acp_settings_row *settings; /* sorted by project id */
	size_t settings_count;
	bool are_settings_known;
	struct acp_session_row *sessions; /* sorted by id */
	size_t session_count;
	bool are_sessions_known;
	/* of projects that managed objects name and no row does; sorted */
	struct acp_answer *asked_projects;
	size_t asked_project_count;
	struct acp_answer *asked_sessions;
	size_t asked_session_count;
	/* by session id: pods that a row wants and no list has; sorted */
	struct acp_answer *asked_pods;
	size_t asked_pod_count;
	/* the cluster, by kind; kinds that are not listed are empty */
	struct acp_objects objects[ACP_KIND__MAX];
	/*
	 * Namespaces (and in mpp TenantNamespaces) that we want but did not
	 * list, because they carry no labels of ours: looked at by GET before
	 * the first use. Known when each of these GETs had a clear answer,
	 * else one by one: acp_world_knows_foreign. In mpp a Namespace has no
	 * label of ours in any case, and is found here or among the objects.
	 * Sorted.
	 */
	struct acp_objects foreign_namespaces;
	unsigned int unknown_lists; /* lists that failed, for metrics */
	bool is_secret_sweep; /* Secrets are to be looked at in this pass */
};

void acp_world_init(struct acp_world *world);
void acp_world_clear(struct acp_world *world);

/*
 * A new, zeroed one at the end of its array, to be filled in; valid until the
 * next is added to the same array. The id of an answer lives as the world.
 */
struct acp_object *acp_world_add_object(struct acp_objects *objects);
struct acp_project_row *acp_world_add_project(struct acp_world *world);
struct acp_settings_row *acp_world_add_settings(struct acp_world *world);
struct acp_session_row *acp_world_add_session(struct acp_world *world);
void acp_world_add_project_answer(
	struct acp_world *world, const char *id, enum acp_presence presence);
void acp_world_add_session_answer(
	struct acp_world *world, const char *id, enum acp_presence presence);
void acp_world_add_pod_answer(struct acp_world *world, const char *session_id,
	enum acp_presence presence);

/* Sorts everything; after the last addition, before the first find. */
void acp_world_sort(struct acp_world *world);

/* Binary searches; NULL when there is none. Live as the world. */
const struct acp_project_row *acp_world_find_project(
	const struct acp_world *world, const char *id);
const struct acp_settings_row *acp_world_find_settings(
	const struct acp_world *world, const char *project_id);
const struct acp_session_row *acp_world_find_session(
	const struct acp_world *world, const char *id);
const struct acp_object *acp_world_find_object(
	const struct acp_world *world, const struct acp_ref *ref);
/* The same among the foreign namespaces. */
const struct acp_object *acp_world_find_foreign(
	const struct acp_world *world, const struct acp_ref *ref);
enum acp_presence acp_world_find_answer(
	const struct acp_answer *answers, size_t count, const char *id);

/*
 * The objects of one kind in one namespace: first of count, NULL when there
 * is none.
 */
const struct acp_object *acp_world_find_in(const struct acp_world *world,
	enum acp_kind kind, const char *namespace, size_t *count);

/* Notes where a kind was read that is denied elsewhere; borrows the name. */
void acp_world_add_read(struct acp_objects *objects, const char *namespace);

/*
 * Was every object of the kind in that namespace read? NULL: in all of the
 * cluster.
 */
bool acp_world_knows_in(const struct acp_world *world, enum acp_kind kind,
	const char *namespace);

/*
 * Of the foreign namespaces: notes that this one was asked for, with a clear
 * answer; and tells whether it was.
 */
void acp_world_add_foreign_read(
	struct acp_world *world, const struct acp_ref *ref);
bool acp_world_knows_foreign(
	const struct acp_world *world, const struct acp_ref *ref);

ACP_AUTO_DEFINE(world, struct acp_world, acp_world_clear)

#endif
