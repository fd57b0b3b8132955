/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collections of the API server. A row without a usable id makes its
 * whole list unknown: what else would it have got wrong?
 */
#include <config.h>

#include "reconciler/observe.h"

#include "lib/log.h"

/* One collection under way. */
struct reading {
	struct acp_observer *observer;
	bool has_bad_row;
};

/* Starts over: what a broken-off list gave is dropped. */

static void
begin_projects(void *context)
{
	struct reading *reading = context;

	reading->observer->world->project_count = 0;
	reading->has_bad_row = false;
}

static void
begin_settings(void *context)
{
	struct reading *reading = context;

	reading->observer->world->settings_count = 0;
	reading->has_bad_row = false;
}

static void
begin_sessions(void *context)
{
	struct reading *reading = context;

	reading->observer->world->session_count = 0;
	reading->has_bad_row = false;
}

static void
take_project(void *context, struct json_object *json)
{
	struct reading *reading = context;
	struct acp_observer *observer = reading->observer;
	struct acp_project_row row;

	pthread_mutex_lock(&observer->lock);
	if (acp_rows_read_project(json, observer->world->arena, &row))
		*acp_world_add_project(observer->world) = row;
	else
		reading->has_bad_row = true;
	pthread_mutex_unlock(&observer->lock);
}

static void
take_settings(void *context, struct json_object *json)
{
	struct reading *reading = context;
	struct acp_observer *observer = reading->observer;
	struct acp_settings_row row;

	pthread_mutex_lock(&observer->lock);
	if (acp_rows_read_settings(json, observer->world->arena, &row))
		*acp_world_add_settings(observer->world) = row;
	else
		reading->has_bad_row = true;
	pthread_mutex_unlock(&observer->lock);
}

static void
take_session(void *context, struct json_object *json)
{
	struct reading *reading = context;
	struct acp_observer *observer = reading->observer;
	struct acp_session_row row;

	pthread_mutex_lock(&observer->lock);
	if (acp_rows_read_session(json, observer->world->arena, &row))
		*acp_world_add_session(observer->world) = row;
	else
		reading->has_bad_row = true;
	pthread_mutex_unlock(&observer->lock);
}

static const struct {
	const char *name;
	void (*begin)(void *context);
	void (*take)(void *context, struct json_object *row);
} collections[ACP_OBSERVE_COLLECTIONS] = {
	{"projects", begin_projects, take_project},
	{"project_settings", begin_settings, take_settings},
	{"sessions", begin_sessions, take_session},
};

static bool *
peek_known(struct acp_world *world, size_t index)
{
	switch (index) {
	case 0:
		return &world->are_projects_known;
	case 1:
		return &world->are_settings_known;
	default:
		return &world->are_sessions_known;
	}
}

void
acp_observe_collection(struct acp_observer *observer, size_t index)
{
	struct acp_world *world = observer->world;
	struct reading reading = {.observer = observer};
	const struct acp_api_sink sink = {.begin = collections[index].begin,
		.take = collections[index].take,
		.context = &reading};
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	bool is_known;

	acp_api_reply_init(&reply);
	is_known = !acp_api_list(observer->clients->api,
			   collections[index].name, NULL, &sink, &reply) &&
		!reading.has_bad_row;
	pthread_mutex_lock(&observer->lock);
	if (reply.date_s > world->api_now_s)
		world->api_now_s = reply.date_s;
	*peek_known(world, index) = is_known;
	world->unknown_lists += !is_known;
	pthread_mutex_unlock(&observer->lock);
	if (!is_known)
		acp_log(ACP_LOG_WARN, "list_failed",
			ACP_F_TEXT("collection", collections[index].name),
			ACP_F_INT("code", reply.code),
			ACP_F_TEXT("message",
				reading.has_bad_row ? "a row has no usable id"
						    : reply.message));
}
