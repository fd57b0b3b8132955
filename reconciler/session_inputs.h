/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session is made from, read from the API server just before: the
 * whole row, the prompts of its project and agent, its credentials.
 */
#ifndef ACP_RECONCILER_SESSION_INPUTS_H
#define ACP_RECONCILER_SESSION_INPUTS_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/api.h"
#include "reconciler/arena.h"
#include "reconciler/credentials.h"
#include "reconciler/session_row.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The lists that credentials are chosen from, read at first need and shared
 * by the sessions of one pass. Any thread.
 */
struct acp_credential_lists {
	pthread_mutex_t lock;
	struct acp_arena *arena;
	bool is_read;
	struct acp_credential *credentials;
	size_t credential_count;
	struct acp_credential_binding *bindings;
	size_t binding_count;
	const char *owner_role_id; /* NULL: there is no such role */
};

void acp_credential_lists_init(struct acp_credential_lists *lists);
void acp_credential_lists_clear(struct acp_credential_lists *lists);

/* All texts live in arena or in the lists. */
struct acp_session_inputs {
	struct acp_arena *arena;
	struct acp_session_detail detail;
	int64_t now_s; /* the API server's clock */
	const char *project_prompt;
	const char *agent_prompt;
	const char **messages;
	size_t message_count;
	const struct acp_credential *credentials;
	size_t credential_count;
};

void acp_session_inputs_init(struct acp_session_inputs *inputs);
void acp_session_inputs_clear(struct acp_session_inputs *inputs);

/*
 * Reads the row alone into initialised inputs, as acp_api_get; a row without
 * a usable id is ACP_RETRY_LATER. why gets the reason.
 */
ACP_MUST_CHECK enum acp_error acp_session_inputs_read_row(
	struct acp_session_inputs *inputs, struct acp_api *api,
	const char *session_id, struct acp_buffer *why);

/*
 * Reads the rest, after the row. ACP_BAD_REQUEST when a prompt will not do or
 * the agent is not there, ACP_GONE when the project is not; why has the
 * reason.
 */
ACP_MUST_CHECK enum acp_error acp_session_inputs_read_rest(
	struct acp_session_inputs *inputs, struct acp_api *api,
	struct acp_credential_lists *lists, struct acp_buffer *why);

ACP_AUTO_DEFINE(credential_lists, struct acp_credential_lists,
	acp_credential_lists_clear)
ACP_AUTO_DEFINE(
	session_inputs, struct acp_session_inputs, acp_session_inputs_clear)

#endif
