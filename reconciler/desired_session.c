/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small objects of a session, and the judgement that comes before all of
 * them. Pods refer to the Secret by the names of variables, which are its
 * keys.
 */
#include <config.h>

#include "reconciler/desired_session.h"

#include "lib/limits.h"
#include "lib/memory.h"
#include "reconciler/anchor.h"
#include "reconciler/desired_build.h"
#include "reconciler/desired_session_build.h"
#include "reconciler/token_url.h"

#include <string.h>

enum { RUNNER_PORT = 8001, TOKEN_URL_MAX = 8192 };

/* The account owns everything else; itself it is owned by nobody. */
static void
add_owner(struct json_object *object, const struct acp_session_want *want)
{
	struct json_object *metadata = NULL, *owner;

	json_object_object_get_ex(object, "metadata", &metadata);
	owner = acp_desired_push_object(
		acp_desired_add_array(metadata, "ownerReferences"));
	acp_desired_add_text(owner, "apiVersion", "v1");
	acp_desired_add_text(owner, "kind", "ServiceAccount");
	acp_desired_add_text(owner, "name", want->names->account);
	acp_desired_add_text(owner, "uid", want->account_uid);
}

struct json_object *
acp_session_new(const struct acp_session_want *want, enum acp_kind kind,
	const char *name)
{
	const struct acp_ref ref = {kind, want->namespace, name};
	struct json_object *object =
		acp_desired_new(want->site, &ref, want->detail->row.project_id);

	acp_desired_add_text(acp_desired_peek_labels(object),
		ACP_LABEL_SESSION_ID, want->detail->row.id);
	if (kind != ACP_KIND_SERVICE_ACCOUNT)
		add_owner(object, want);
	return object;
}

static void
add_anchor(struct json_object *object, const struct acp_session_want *want)
{
	const struct acp_anchor anchor = {.instance = want->site->instance,
		.namespace = want->namespace,
		.namespace_uid = want->namespace_uid,
		.session_id = want->detail->row.id,
		.created_s = want->account_created_s};
	char mark[ACP_ANCHOR_SIZE];

	acp_anchor_write(want->key, &anchor, mark);
	acp_desired_add_text(acp_desired_peek_annotations(object),
		acp_mark_name(ACP_MARK_ANCHOR), mark);
}

struct json_object *
acp_desired_session_account(const struct acp_session_want *want)
{
	struct json_object *object = acp_session_new(
		want, ACP_KIND_SERVICE_ACCOUNT, want->names->account);

	acp_desired_add_bool(object, "automountServiceAccountToken",
		want->runner->has_account_token);
	if (want->namespace_uid)
		add_anchor(object, want);
	if (want->reprovisions)
		acp_desired_add_text(acp_desired_peek_annotations(object),
			acp_mark_name(ACP_MARK_REPROVISIONS),
			want->reprovisions);
	return object;
}

/* What any server would add is written out, for the whole is compared. */
struct json_object *
acp_desired_session_service(const struct acp_session_want *want)
{
	struct json_object *object =
		acp_session_new(want, ACP_KIND_SERVICE, want->names->service);
	struct json_object *spec = acp_desired_add_object(object, "spec");
	struct json_object *selector, *port;

	acp_desired_add_text(spec, "type", "ClusterIP");
	acp_desired_add_text(spec, "sessionAffinity", "None");
	selector = acp_desired_add_object(spec, "selector");
	acp_desired_add_text(selector, ACP_LABEL_MANAGED, "true");
	acp_desired_add_text(
		selector, ACP_LABEL_INSTANCE, want->site->instance);
	acp_desired_add_text(
		selector, ACP_LABEL_SESSION_ID, want->detail->row.id);
	port = acp_desired_push_object(acp_desired_add_array(spec, "ports"));
	acp_desired_add_text(port, "name", "agui");
	acp_desired_add_text(port, "protocol", "TCP");
	acp_desired_add_number(port, "port", RUNNER_PORT);
	acp_desired_add_number(port, "targetPort", RUNNER_PORT);
	return object;
}

static void
add_token_url(struct json_object *data, const struct acp_session_want *want)
{
	ACP_AUTO(buffer) struct acp_buffer url, why;

	acp_buffer_init(&url, TOKEN_URL_MAX);
	acp_buffer_init(&why, TOKEN_URL_MAX);
	if (acp_token_url_bind(want->runner->token_url, want->key,
		    want->detail->row.id, &url, &why) == ACP_OK)
		acp_desired_add_text(
			data, ACP_TOKEN_URL_VARIABLE, acp_buffer_peek(&url));
	if (url.text)
		acp_secret_wipe(url.text, url.size);
}

struct json_object *
acp_desired_session_secret(const struct acp_session_want *want)
{
	const struct acp_session_detail *detail = want->detail;
	struct json_object *object =
		acp_session_new(want, ACP_KIND_SECRET, want->names->secret);
	struct json_object *data;
	ACP_AUTO(buffer) struct acp_buffer prompt;

	acp_desired_add_text(object, "type", "Opaque");
	data = acp_desired_add_object(object, "stringData");
	add_token_url(data, want);
	if (*want->runner->api_key)
		acp_desired_add_text(
			data, ACP_API_KEY_VARIABLE, want->runner->api_key);
	acp_buffer_init(&prompt, ACP_ROW_PROMPT_MAX);
	acp_session_write_prompt(want, &prompt);
	if (prompt.size)
		acp_desired_add_text(
			data, ACP_PROMPT_VARIABLE, acp_buffer_peek(&prompt));
	for (size_t i = 0; i < detail->variable_count; i++)
		acp_desired_add_text(data, detail->variables[i].name,
			detail->variables[i].value);
	return object;
}

static enum acp_error
check_prompt(const struct acp_session_want *want, struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer prompt;

	acp_buffer_init(&prompt, ACP_ROW_PROMPT_MAX);
	acp_session_write_prompt(want, &prompt);
	if (!prompt.is_failed)
		return ACP_OK;
	acp_buffer_printf(why,
		"the prompts of project, agent and session and the unread "
		"messages have more than %d bytes in all: make them shorter",
		ACP_ROW_PROMPT_MAX);
	return ACP_BAD_REQUEST;
}

static enum acp_error
check_variables(const struct acp_session_want *want, struct acp_buffer *why)
{
	const struct acp_session_detail *detail = want->detail;
	struct json_object *ours = json_object_new_array();
	enum acp_error error = ACP_OK;

	if (!ours)
		acp_memory_exhausted();
	acp_environment_add_runner(ours, want);
	for (size_t i = 0; i < detail->variable_count && !error; i++) {
		const char *name = detail->variables[i].name;

		if (!acp_environment_is_reserved(name) &&
			!acp_environment_has(ours, name))
			continue;
		acp_buffer_printf(why,
			"environment_variables sets %s, which is the "
			"platform's: choose another name",
			name);
		error = ACP_BAD_REQUEST;
	}
	json_object_put(ours);
	return error;
}

static enum acp_error
check_row(const struct acp_session_detail *detail, struct acp_buffer *why)
{
	if (detail->bad) {
		acp_buffer_append(why, detail->bad);
		return ACP_BAD_REQUEST;
	}
	if (!detail->row.project_id) {
		acp_buffer_append(why, "the session has no project");
		return ACP_BAD_REQUEST;
	}
	return ACP_OK;
}

enum acp_error
acp_session_check(const struct acp_session_want *want, struct acp_buffer *why)
{
	if (check_row(want->detail, why) ||
		acp_token_url_check(want->runner->token_url, why) ||
		check_prompt(want, why) || check_variables(want, why))
		return ACP_BAD_REQUEST;
	return ACP_OK;
}
