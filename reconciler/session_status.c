/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the PATCH out of what differs, and sends it. Must never send it after
 * a wait without another look at the row: its user may have stopped it (H-19).
 */
#include <config.h>

#include "reconciler/session_status.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "reconciler/arena.h"
#include "reconciler/desired_build.h"
#include "reconciler/http_retry.h"

#include <string.h>

enum { PATH_TEXT_MAX = 1024, CONDITIONS_MAX = 64 * 1024 };
enum { MS_PER_S = 1000, US_PER_S = 1000000 };
enum { CODE_TOO_MANY = 429 };

static void
add_time(struct json_object *patch, const char *name, int64_t time_s,
	int64_t present_us)
{
	char text[ACP_CLOCK_TEXT_SIZE];

	if (!time_s || time_s == present_us / US_PER_S)
		return;
	acp_clock_format(time_s * MS_PER_S, 0, text);
	acp_desired_add_text(patch, name, text);
}

static void
add_condition(struct json_object *patch, const struct acp_session_row *row,
	const struct acp_condition *condition, int64_t now_s)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, CONDITIONS_MAX);
	if (condition &&
		acp_conditions_set(row->conditions, condition, now_s, &text) &&
		!text.is_failed)
		acp_desired_add_text(
			patch, "conditions", acp_buffer_peek(&text));
}

/* Caller owns; empty when nothing differs. */
static struct json_object *
build_patch(const struct acp_session_row *row,
	const struct acp_session_status *status, int64_t now_s)
{
	struct json_object *patch = json_object_new_object();

	if (status->phase != ACP_PHASE_UNKNOWN && status->phase != row->phase)
		acp_desired_add_text(
			patch, "phase", acp_phase_name(status->phase));
	if (status->kube_namespace &&
		(!row->kube_namespace ||
			strcmp(status->kube_namespace, row->kube_namespace)))
		acp_desired_add_text(
			patch, "kube_namespace", status->kube_namespace);
	add_time(patch, "start_time", status->start_s, row->start_us);
	add_time(patch, "completion_time", status->completion_s,
		row->completion_us);
	add_condition(patch, row, status->condition, now_s);
	return patch;
}

/* After a wait: the row has to say what it said, or somebody else's word counts. */
static enum acp_error
check_row(struct acp_api *api, const struct acp_session_row *row,
	struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer path;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	ACP_AUTO(arena) struct acp_arena *arena = acp_arena_new();
	struct acp_session_row now;
	enum acp_error error;

	acp_buffer_init(&path, PATH_TEXT_MAX);
	acp_api_reply_init(&reply);
	acp_api_write_path(&path, "sessions", row->id);
	error = acp_api_get(api, acp_buffer_peek(&path), &reply);
	if (!error && acp_rows_read_session(reply.body, arena, &now) &&
		now.phase == row->phase)
		return ACP_OK;
	acp_buffer_append(why, "its phase has changed");
	return error ? error : ACP_RETRY_LATER;
}

/* A server that has too much to do is asked again, within the time of a write. */
static enum acp_error
send(struct acp_api *api, const struct acp_session_row *row,
	struct json_object *patch, struct acp_buffer *why)
{
	const int64_t deadline_ms = acp_clock_now_ms() + ACP_API_WRITE_MS;
	int64_t pause_ms = 0;
	ACP_AUTO(buffer) struct acp_buffer path;
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	enum acp_error error = ACP_OK;

	acp_buffer_init(&path, PATH_TEXT_MAX);
	acp_api_reply_init(&reply);
	acp_api_write_path(&path, "sessions", row->id);
	acp_buffer_append(&path, "/status");
	do {
		if (error && check_row(api, row, why))
			return ACP_RETRY_LATER;
		acp_api_reply_clear(&reply);
		error = acp_api_patch(
			api, acp_buffer_peek(&path), patch, &reply);
	} while (reply.code == CODE_TOO_MANY &&
		acp_http_retry_wait(
			&pause_ms, reply.retry_after_ms, deadline_ms));
	if (error)
		acp_buffer_printf(why,
			"the status of the session: the API server answered "
			"%ld%s%s",
			reply.code, *reply.message ? ": " : "", reply.message);
	return error;
}

enum acp_error
acp_session_status_write(struct acp_api *api, const struct acp_session_row *row,
	const struct acp_session_status *status, int64_t now_s,
	struct acp_buffer *why)
{
	ACP_AUTO(json)
	struct json_object *patch = build_patch(row, status, now_s);

	if (json_object_object_length(patch) == 0)
		return ACP_OK;
	return send(api, row, patch, why);
}
