/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of a session's objects, for the files that put them together alone.
 */
#ifndef ACP_RECONCILER_DESIRED_SESSION_BUILD_H
#define ACP_RECONCILER_DESIRED_SESSION_BUILD_H

#include "lib/buffer.h"
#include "reconciler/desired_session.h"

#include <json-c/json_object.h>
#include <stdbool.h>

#define ACP_TOKEN_URL_VARIABLE "AMBIENT_CP_TOKEN_URL"
#define ACP_API_KEY_VARIABLE "ANTHROPIC_API_KEY"
#define ACP_PROMPT_VARIABLE "INITIAL_PROMPT"

#define ACP_HOME_FOLDER "/var/lib/runner" /* where the root is read-only */
#define ACP_CA_FOLDER "/etc/pki/ca-trust/extracted/pem"
#define ACP_CA_NAME "service-ca.crt"

/* An object of the session with its labels, owned by the account. */
struct json_object *acp_session_new(const struct acp_session_want *want,
	enum acp_kind kind, const char *name);

/*
 * Appends a variable. The kubelet replaces $(NAME) in values by what was
 * defined before, keys among it; so every "$" is doubled here, which it
 * undoes.
 */
void acp_environment_add(
	struct json_object *environment, const char *name, const char *value);
/* The same for a value that may be NULL: then nothing is added. */
void acp_environment_add_some(
	struct json_object *environment, const char *name, const char *value);
/* One whose value is in the session's Secret, where "$" is nothing special. */
void acp_environment_add_secret(struct json_object *environment,
	const char *name, const struct acp_session_names *names);
bool acp_environment_has(
	const struct json_object *environment, const char *name);

/* Ours, in the order that the runner's documentation has. */
void acp_environment_add_runner(
	struct json_object *environment, const struct acp_session_want *want);
/* What runner and MCP server share: how to get a token, and proxies. */
void acp_environment_add_token(
	struct json_object *environment, const struct acp_session_want *want);
void acp_environment_add_proxies(
	struct json_object *environment, const struct acp_session_want *want);
/* The user's, all in the Secret; acp_session_check judged them. */
void acp_environment_add_users(
	struct json_object *environment, const struct acp_session_want *want);
/* True for a name that belongs to the platform, whether it is set or not. */
bool acp_environment_is_reserved(const char *name);

/* The whole prompt: parts that are not empty, with blank lines between. */
void acp_session_write_prompt(
	const struct acp_session_want *want, struct acp_buffer *text);

/* securityContext, resources and mounts that containers have in common. */
struct acp_session_container {
	const char *name;
	const char *image;
	const char *port_name;
	int port;
	const char *cpu_request;
	const char *cpu_limit;
	const char *memory_request;
	const char *memory_limit;
};

/* A container without env, borrowed. */
struct json_object *acp_session_push_container(struct json_object *containers,
	const struct acp_session_want *want,
	const struct acp_session_container *container);
void acp_session_add_mount(struct json_object *container, const char *volume,
	const char *path, const char *sub_path, bool is_read_only);
void acp_session_push_mcp(
	struct json_object *containers, const struct acp_session_want *want);

#endif
