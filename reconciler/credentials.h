/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which credentials a session gets: those that role bindings give to
 * everybody, to its project or to its agent, and no others.
 */
#ifndef ACP_RECONCILER_CREDENTIALS_H
#define ACP_RECONCILER_CREDENTIALS_H

#include "reconciler/arena.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_credential {
	const char *id;
	const char *provider; /* "github" … */
};

/* A role binding with the scope "credential"; texts NULL where absent. */
struct acp_credential_binding {
	const char *id;
	const char *role_id;
	const char *credential_id;
	const char *user_id;
	const char *project_id;
	const char *agent_id;
	const char *session_id;
	int64_t created_us;
};

/*
 * Read a row of each list into arena. False for a row that is not usable, and
 * for a binding of another scope or without a credential: leave it out.
 */
bool acp_credentials_read(const struct json_object *object,
	struct acp_arena *arena, struct acp_credential *credential);
bool acp_credentials_read_binding(const struct json_object *object,
	struct acp_arena *arena, struct acp_credential_binding *binding);

/* All that a choice is made from: whole lists, in any order. */
struct acp_credential_choice {
	const struct acp_credential *credentials;
	size_t credential_count;
	const struct acp_credential_binding *bindings;
	size_t binding_count;
	const char *owner_role_id; /* of credential:owner; NULL: no such role */
	const char *project_id;
	const char *agent_id; /* NULL: none */
};

/*
 * Chooses one credential a provider: a binding of the agent before one of the
 * project before one of everybody, and the oldest of these. Bindings of
 * users, of sessions and of owners give a session nothing. Sorted by
 * provider; lives in arena, its texts as the rows.
 */
const struct acp_credential *acp_credentials_choose(
	const struct acp_credential_choice *choice, struct acp_arena *arena,
	size_t *count);

#endif
