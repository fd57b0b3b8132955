/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GETs and lists around one session. Lists of credentials are read once a
 * pass: a herd of sessions would ask for the same ones.
 */
#include <config.h>

#include "reconciler/session_inputs.h"

#include "lib/json.h"
#include "lib/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_TEXT_MAX = 2048, MESSAGES_MAX = 1000 };

void
acp_credential_lists_init(struct acp_credential_lists *lists)
{
	*lists = (struct acp_credential_lists){
		.lock = PTHREAD_MUTEX_INITIALIZER, .arena = acp_arena_new()};
}

void
acp_credential_lists_clear(struct acp_credential_lists *lists)
{
	free(lists->credentials);
	free(lists->bindings);
	acp_arena_free(&lists->arena);
	pthread_mutex_destroy(&lists->lock);
}

void
acp_session_inputs_init(struct acp_session_inputs *inputs)
{
	*inputs = (struct acp_session_inputs){.arena = acp_arena_new()};
}

void
acp_session_inputs_clear(struct acp_session_inputs *inputs)
{
	free(inputs->messages);
	acp_arena_free(&inputs->arena);
}

static void
explain(struct acp_buffer *why, const char *what,
	const struct acp_api_reply *reply)
{
	acp_buffer_printf(why, "%s: the API server answered %ld%s%s", what,
		reply->code, *reply->message ? ": " : "", reply->message);
}

enum acp_error
acp_session_inputs_read_row(struct acp_session_inputs *inputs,
	struct acp_api *api, const char *session_id, struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer path;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	enum acp_error error;

	acp_buffer_init(&path, PATH_TEXT_MAX);
	acp_api_reply_init(&reply);
	acp_api_write_path(&path, "sessions", session_id);
	error = acp_api_get(api, acp_buffer_peek(&path), &reply);
	if (error) {
		explain(why, "the session", &reply);
		return error;
	}
	inputs->now_s = reply.date_s;
	if (acp_session_row_read(reply.body, inputs->arena, &inputs->detail) &&
		strcmp(inputs->detail.row.id, session_id) == 0)
		return ACP_OK;
	acp_buffer_append(why, "the API server answered with another row");
	return ACP_RETRY_LATER;
}

/* Reads the prompt of the row behind path. */
static enum acp_error
read_prompt(struct acp_session_inputs *inputs, struct acp_api *api,
	const char *path, const char *what, const char **prompt,
	struct acp_buffer *why)
{
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	const char *bad = NULL;
	enum acp_error error;

	acp_api_reply_init(&reply);
	error = acp_api_get(api, path, &reply);
	if (error) {
		explain(why, what, &reply);
		return error;
	}
	*prompt = acp_session_row_read_prompt(reply.body, inputs->arena, &bad);
	if (!bad)
		return ACP_OK;
	acp_buffer_printf(why, "%s: %s", what, bad);
	return ACP_BAD_REQUEST;
}

static enum acp_error
read_project(struct acp_session_inputs *inputs, struct acp_api *api,
	struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer path;

	acp_buffer_init(&path, PATH_TEXT_MAX);
	acp_api_write_path(&path, "projects", inputs->detail.row.project_id);
	return read_prompt(inputs, api, acp_buffer_peek(&path), "the project",
		&inputs->project_prompt, why);
}

/* Unread messages */

struct inbox {
	struct acp_session_inputs *inputs;
	const char *bad;
};

static void
begin_messages(void *context)
{
	struct inbox *inbox = context;

	inbox->inputs->message_count = 0;
}

static void
take_message(void *context, struct json_object *row)
{
	struct inbox *inbox = context;
	struct acp_session_inputs *inputs = inbox->inputs;
	const char *text =
		acp_session_row_read_message(row, inputs->arena, &inbox->bad);

	if (!text || inputs->message_count == MESSAGES_MAX)
		return;
	inputs->messages = acp_memory_resize(inputs->messages,
		inputs->message_count + 1, sizeof(*inputs->messages));
	inputs->messages[inputs->message_count++] = text;
}

static enum acp_error
read_inbox(struct acp_session_inputs *inputs, struct acp_api *api,
	const char *agent_path, struct acp_buffer *why)
{
	struct inbox inbox = {.inputs = inputs};
	const struct acp_api_sink sink = {.begin = begin_messages,
		.take = take_message,
		.context = &inbox};
	ACP_AUTO(buffer) struct acp_buffer collection;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	enum acp_error error;

	acp_buffer_init(&collection, PATH_TEXT_MAX);
	acp_api_reply_init(&reply);
	acp_buffer_printf(&collection, "%s/inbox", agent_path + 1);
	error = acp_api_list(
		api, acp_buffer_peek(&collection), NULL, &sink, &reply);
	if (error)
		explain(why, "the agent's inbox", &reply);
	else if (inbox.bad)
		acp_buffer_printf(why, "the agent's inbox: %s", inbox.bad);
	return error ? error : inbox.bad ? ACP_BAD_REQUEST : ACP_OK;
}

static enum acp_error
read_agent(struct acp_session_inputs *inputs, struct acp_api *api,
	struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer project;
	ACP_AUTO(buffer) struct acp_buffer path;
	enum acp_error error;

	acp_buffer_init(&project, PATH_TEXT_MAX);
	acp_buffer_init(&path, PATH_TEXT_MAX);
	if (!inputs->detail.agent_id)
		return ACP_OK;
	acp_api_write_path(&project, "projects", inputs->detail.row.project_id);
	acp_buffer_append(&project, "/agents");
	/* what is before the id has its slash already */
	acp_api_write_path(
		&path, acp_buffer_peek(&project) + 1, inputs->detail.agent_id);
	error = read_prompt(inputs, api, acp_buffer_peek(&path), "the agent",
		&inputs->agent_prompt, why);
	if (error == ACP_GONE)
		return ACP_BAD_REQUEST;
	return error ? error
		     : read_inbox(inputs, api, acp_buffer_peek(&path), why);
}

/* Credentials */

static void
begin_credentials(void *context)
{
	struct acp_credential_lists *lists = context;

	lists->credential_count = 0;
}

static void
take_credential(void *context, struct json_object *row)
{
	struct acp_credential_lists *lists = context;
	struct acp_credential credential;

	if (!acp_credentials_read(row, lists->arena, &credential))
		return;
	lists->credentials = acp_memory_resize(lists->credentials,
		lists->credential_count + 1, sizeof(*lists->credentials));
	lists->credentials[lists->credential_count++] = credential;
}

static void
begin_bindings(void *context)
{
	struct acp_credential_lists *lists = context;

	lists->binding_count = 0;
}

static void
take_binding(void *context, struct json_object *row)
{
	struct acp_credential_lists *lists = context;
	struct acp_credential_binding binding;

	if (!acp_credentials_read_binding(row, lists->arena, &binding))
		return;
	lists->bindings = acp_memory_resize(lists->bindings,
		lists->binding_count + 1, sizeof(*lists->bindings));
	lists->bindings[lists->binding_count++] = binding;
}

static void
begin_roles(void *context)
{
	struct acp_credential_lists *lists = context;

	lists->owner_role_id = NULL;
}

static void
take_role(void *context, struct json_object *row)
{
	struct acp_credential_lists *lists = context;
	size_t size;
	const char *id = acp_json_peek_text(row, "id", &size);

	if (id)
		lists->owner_role_id =
			acp_arena_dup_sized(lists->arena, id, size);
}

static enum acp_error
read_list(struct acp_credential_lists *lists, struct acp_api *api,
	const char *collection, const char *search,
	const struct acp_api_sink *hooks, struct acp_buffer *why)
{
	struct acp_api_sink sink = *hooks;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	enum acp_error error;

	sink.context = lists;
	acp_api_reply_init(&reply);
	error = acp_api_list(api, collection, search, &sink, &reply);
	if (error)
		explain(why, collection, &reply);
	return error;
}

/* The caller has the lock. */
static enum acp_error
read_lists(struct acp_credential_lists *lists, struct acp_api *api,
	struct acp_buffer *why)
{
	static const struct acp_api_sink bindings = {
		.begin = begin_bindings, .take = take_binding};
	static const struct acp_api_sink credentials = {
		.begin = begin_credentials, .take = take_credential};
	static const struct acp_api_sink roles = {
		.begin = begin_roles, .take = take_role};
	enum acp_error error = ACP_OK;

	if (lists->is_read)
		return ACP_OK;
	error = read_list(lists, api, "role_bindings", "scope = 'credential'",
		&bindings, why);
	if (!error && lists->binding_count > 0)
		error = read_list(
			lists, api, "credentials", NULL, &credentials, why);
	if (!error && lists->binding_count > 0)
		error = read_list(lists, api, "roles",
			"name = 'credential:owner'", &roles, why);
	lists->is_read = !error;
	return error;
}

static enum acp_error
choose_credentials(struct acp_session_inputs *inputs, struct acp_api *api,
	struct acp_credential_lists *lists, struct acp_buffer *why)
{
	enum acp_error error;

	pthread_mutex_lock(&lists->lock);
	error = read_lists(lists, api, why);
	pthread_mutex_unlock(&lists->lock);
	if (error)
		return error;
	/* from here on the lists do not change */
	inputs->credentials = acp_credentials_choose(
		&(const struct acp_credential_choice){
			.credentials = lists->credentials,
			.credential_count = lists->credential_count,
			.bindings = lists->bindings,
			.binding_count = lists->binding_count,
			.owner_role_id = lists->owner_role_id,
			.project_id = inputs->detail.row.project_id,
			.agent_id = inputs->detail.agent_id},
		inputs->arena, &inputs->credential_count);
	return ACP_OK;
}

enum acp_error
acp_session_inputs_read_rest(struct acp_session_inputs *inputs,
	struct acp_api *api, struct acp_credential_lists *lists,
	struct acp_buffer *why)
{
	enum acp_error error = read_project(inputs, api, why);

	if (!error)
		error = read_agent(inputs, api, why);
	if (!error)
		error = choose_credentials(inputs, api, lists, why);
	return error;
}
