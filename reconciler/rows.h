/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the API server as plain structs: what the planner needs of each.
 * Callers of the API write them, so every value is checked and bounded here;
 * a row that will not do is marked bad with a reason, and never skipped in
 * silence.
 */
#ifndef ACP_RECONCILER_ROWS_H
#define ACP_RECONCILER_ROWS_H

#include "reconciler/arena.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_project_row {
	const char *id; /* never NULL; the name */
	const char *created_by; /* annotation, NULL: none, or not JSON */
	const char *bad; /* why the row cannot be used, NULL: it is good */
};

struct acp_group {
	const char *name;
	const char *role; /* as written: "admin", "edit", "view", or not */
};

struct acp_settings_row {
	const char *id;
	const char *project_id;
	const struct acp_group *groups;
	size_t group_count;
	const char *bad; /* group_access could not be parsed: why */
};

enum acp_phase {
	ACP_PHASE_EMPTY, /* absent or "" */
	ACP_PHASE_PENDING,
	ACP_PHASE_CREATING,
	ACP_PHASE_RUNNING,
	ACP_PHASE_STOPPING,
	ACP_PHASE_STOPPED,
	ACP_PHASE_COMPLETED,
	ACP_PHASE_FAILED,
	ACP_PHASE_UNKNOWN, /* a word that we do not know: left alone */
	ACP_PHASE__MAX
};

/* What the lists need; provisioning reads the whole row again. */
struct acp_session_row {
	const char *id;
	const char *project_id; /* NULL: none */
	const char *kube_namespace; /* NULL: none */
	enum acp_phase phase;
	/* microseconds since 1970, 0: absent (reconciler/rfc3339.h) */
	int64_t created_us;
	int64_t updated_us;
	int64_t start_us;
	int64_t completion_us;
	const char *conditions; /* text as it is, NULL: none, too long */
	const char *bad;
};

/*
 * Reads a row of a list or of a GET into arena. False when it has no usable
 * id: then the answer as a whole is not to be trusted.
 */
bool acp_rows_read_project(struct json_object *object, struct acp_arena *arena,
	struct acp_project_row *row);
bool acp_rows_read_settings(struct json_object *object, struct acp_arena *arena,
	struct acp_settings_row *row);
bool acp_rows_read_session(struct json_object *object, struct acp_arena *arena,
	struct acp_session_row *row);

/* "Pending" …, "" for EMPTY; static. */
const char *acp_phase_name(enum acp_phase phase);

#endif
