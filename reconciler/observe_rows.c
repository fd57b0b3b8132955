/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collections of the API server. A row without a usable id makes its
 * whole list unknown: what else would it have got wrong?
 */
#include <config.h>

#include "reconciler/observe.h"

#include "lib/log.h"

static bool
add_project(struct acp_world *world, struct json_object *json)
{
	struct acp_project_row row;
	bool is_read = acp_rows_read_project(json, world->arena, &row);

	if (is_read)
		*acp_world_add_project(world) = row;
	return is_read;
}

static bool
add_settings(struct acp_world *world, struct json_object *json)
{
	struct acp_settings_row row;
	bool is_read = acp_rows_read_settings(json, world->arena, &row);

	if (is_read)
		*acp_world_add_settings(world) = row;
	return is_read;
}

static bool
add_session(struct acp_world *world, struct json_object *json)
{
	struct acp_session_row row;
	bool is_read = acp_rows_read_session(json, world->arena, &row);

	if (is_read)
		*acp_world_add_session(world) = row;
	return is_read;
}

/* A collection, and where the world keeps what became of it. */
struct collection {
	const char *name;
	size_t *count;
	bool *is_known;
	/* adds a row to the world; false for one that cannot be */
	bool (*add)(struct acp_world *world, struct json_object *json);
};

static struct collection
make_collection(struct acp_world *world, size_t index)
{
	const struct collection all[ACP_OBSERVE_COLLECTIONS] = {
		{"projects", &world->project_count, &world->are_projects_known,
			add_project},
		{"project_settings", &world->settings_count,
			&world->are_settings_known, add_settings},
		{"sessions", &world->session_count, &world->are_sessions_known,
			add_session},
	};

	return all[index];
}

/* One collection under way. */
struct reading {
	struct acp_observer *observer;
	struct collection collection;
	bool has_bad_row;
};

/* Starts over: what a broken-off list gave is dropped. */
static void
begin(void *context)
{
	struct reading *reading = context;

	*reading->collection.count = 0;
	reading->has_bad_row = false;
}

static void
take(void *context, struct json_object *json)
{
	struct reading *reading = context;
	struct acp_observer *observer = reading->observer;

	pthread_mutex_lock(&observer->lock);
	if (!reading->collection.add(observer->world, json))
		reading->has_bad_row = true;
	pthread_mutex_unlock(&observer->lock);
}

void
acp_observe_collection(struct acp_observer *observer, size_t index)
{
	struct acp_world *world = observer->world;
	struct reading reading = {.observer = observer,
		.collection = make_collection(world, index)};
	const struct acp_api_sink sink = {
		.begin = begin, .take = take, .context = &reading};
	ACP_AUTO(api_reply) struct acp_api_reply reply;
	bool is_known;

	acp_api_reply_init(&reply);
	is_known = !acp_api_list(observer->clients->api,
			   reading.collection.name, NULL, &sink, &reply) &&
		!reading.has_bad_row;
	pthread_mutex_lock(&observer->lock);
	if (reply.date_s > world->api_now_s)
		world->api_now_s = reply.date_s;
	*reading.collection.is_known = is_known;
	world->unknown_lists += !is_known;
	pthread_mutex_unlock(&observer->lock);
	if (!is_known)
		acp_log(ACP_LOG_WARN, "list_failed",
			ACP_F_TEXT("collection", reading.collection.name),
			ACP_F_INT("code", reply.code),
			ACP_F_TEXT("message",
				reading.has_bad_row ? "a row has no usable id"
						    : reply.message));
}
