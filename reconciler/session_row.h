/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole row of a session, as a session is made from it, and what else of
 * the API server's rows goes into its prompt. Everything here was written by
 * users: what is out of bounds makes the row bad, with a reason for them.
 */
#ifndef ACP_RECONCILER_SESSION_ROW_H
#define ACP_RECONCILER_SESSION_ROW_H

#include "reconciler/arena.h"
#include "reconciler/rows.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_repo {
	const char *url; /* never NULL */
	const char *branch; /* NULL: not said */
	const char *name;
};

/* Of the environment; the name is [A-Za-z_][A-Za-z0-9_]*. */
struct acp_variable {
	const char *name;
	const char *value; /* never NULL */
};

/* Texts live in the arena; NULL where the row has none. */
struct acp_session_detail {
	struct acp_session_row row;
	const char *name;
	const char *agent_id;
	const char *prompt; /* as all prompts, may have several lines */
	const char *model;
	const char *temperature; /* numbers as text; "0" is one */
	const char *max_tokens;
	bool has_timeout;
	int32_t timeout_s; /* 0: no limit */
	const struct acp_repo *repos; /* repo_url first */
	size_t repo_count;
	const struct acp_variable *variables;
	size_t variable_count;
	const char *cpu; /* quantities, of resource_overrides */
	const char *memory;
	const char *bad; /* why no session can be made, NULL: it can */
};

/*
 * Reads the answer to a GET of a session. False when it has no usable id:
 * then the answer as a whole is not to be trusted.
 */
bool acp_session_row_read(struct json_object *object, struct acp_arena *arena,
	struct acp_session_detail *detail);

/*
 * The prompt of a project or an agent, NULL when there is none, and when it
 * is no readable text: then *bad is the reason, and else left alone.
 */
const char *acp_session_row_read_prompt(const struct json_object *object,
	struct acp_arena *arena, const char **bad);

/*
 * The body of an inbox message that was not read yet, else NULL; bad as
 * above.
 */
const char *acp_session_row_read_message(const struct json_object *object,
	struct acp_arena *arena, const char **bad);

#endif
