/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of one session as they should be, whole. Pure: what is wanted
 * is judged once, and then each object can be made of it. The account is the
 * anchor: all others are owned by it, and go with it.
 */
#ifndef ACP_RECONCILER_DESIRED_SESSION_H
#define ACP_RECONCILER_DESIRED_SESSION_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/key.h"
#include "reconciler/credentials.h"
#include "reconciler/runner_site.h"
#include "reconciler/session_name.h"
#include "reconciler/session_row.h"
#include "reconciler/site.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACP_RUNNER_CONTAINER "ambient-code-runner"
#define ACP_MCP_CONTAINER "ambient-mcp"

/* Everything that a session is made of; all borrowed. */
struct acp_session_want {
	const struct acp_site *site;
	const struct acp_runner_site *runner;
	const struct acp_key *key; /* the current one */
	const struct acp_session_detail *detail; /* has a project_id */
	const struct acp_session_names *names; /* of detail->row.id */
	const char *namespace;
	const char *account_uid; /* of what is there; unused for the account */
	/* of the account alone: for its anchor, NULL: without one */
	const char *namespace_uid;
	int64_t account_created_s; /* or when it will be, as near as known */
	const char *reprovisions; /* the count to be noted, NULL: none */
	const char *project_prompt; /* NULL: none; so is the next */
	const char *agent_prompt;
	const char *const *messages; /* unread ones, oldest first */
	size_t message_count;
	const struct acp_credential *credentials; /* one a provider */
	size_t credential_count;
	bool is_resume; /* the session ran before */
};

/*
 * ACP_BAD_REQUEST, with the reason in why as a sentence for the session's
 * owner, when no pod can be made: a bad row, no token_url, a prompt that is
 * too long in all its parts, a variable that is not the user's to set.
 */
ACP_MUST_CHECK enum acp_error acp_session_check(
	const struct acp_session_want *want, struct acp_buffer *why);

/*
 * Each for what acp_session_check let pass; the caller owns the result. The
 * Secret holds keys, the token URL and the prompt, so it must be in no log.
 */
struct json_object *acp_desired_session_account(
	const struct acp_session_want *want);
struct json_object *acp_desired_session_secret(
	const struct acp_session_want *want);
struct json_object *acp_desired_session_pod(
	const struct acp_session_want *want);
struct json_object *acp_desired_session_service(
	const struct acp_session_want *want);

#endif
