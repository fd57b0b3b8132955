/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads rows of the API server for whoever observes. Members that hold JSON
 * as text are parsed here too. Must never trust a size, a type or a byte.
 */
#include <config.h>

#include "reconciler/rows.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "reconciler/row_reader.h"

#include <string.h>

#define CREATED_BY "ambient-code.io/created-by"

static bool
has_id(struct json_object *object, struct acp_arena *arena, const char **id)
{
	struct acp_row_reader reader = {object, arena, NULL};

	if (!json_object_is_type(object, json_type_object))
		return false;
	*id = acp_row_read_name(&reader, "id", ACP_ROW_ID_MAX);
	return *id != NULL;
}

/* Annotations that are no JSON object name nobody. */
static const char *
read_created_by(struct acp_row_reader *reader)
{
	ACP_AUTO(json) struct json_object *annotations = NULL;
	struct acp_row_reader inner = {.arena = reader->arena};
	const char *created_by;
	size_t size = 0;
	const char *text = acp_row_peek_text(
		reader, "annotations", ACP_ROW_JSON_MAX, &size);

	if (text)
		annotations = acp_json_new(text, size);
	if (!annotations)
		return NULL;
	inner.object = annotations;
	created_by = acp_row_read_name(&inner, CREATED_BY, ACP_ROW_NAME_MAX);
	if (inner.bad)
		acp_row_refuse(reader, "annotation %s", inner.bad);
	return created_by;
}

bool
acp_rows_read_project(struct json_object *object, struct acp_arena *arena,
	struct acp_project_row *row)
{
	struct acp_row_reader reader = {object, arena, NULL};

	*row = (struct acp_project_row){0};
	if (!has_id(object, arena, &row->id))
		return false;
	row->created_by = read_created_by(&reader);
	row->bad = reader.bad;
	return true;
}

static void
read_group(struct acp_row_reader *reader, const struct json_object *entry,
	struct acp_group *group)
{
	struct acp_row_reader inner = {entry, reader->arena, NULL};

	if (!json_object_is_type(entry, json_type_object)) {
		acp_row_refuse(
			reader, "group_access has an entry that is no object");
		return;
	}
	group->name = acp_row_read_name(&inner, "groupName", ACP_ROW_NAME_MAX);
	group->role = acp_row_read_name(&inner, "role", ACP_ROW_NAME_MAX);
	if (inner.bad)
		acp_row_refuse(reader, "group_access: %s", inner.bad);
	else if (!group->name || !group->role)
		acp_row_refuse(reader, "group_access has an entry without %s",
			group->name ? "role" : "groupName");
}

static void
read_group_array(struct acp_row_reader *reader, const struct json_object *array,
	struct acp_settings_row *row)
{
	size_t count = json_object_array_length(array);
	struct acp_group *groups;

	if (count > ACP_ROW_GROUPS_MAX) {
		acp_row_refuse(reader, "group_access has more than %d entries",
			ACP_ROW_GROUPS_MAX);
		return;
	}
	groups = acp_arena_alloc(reader->arena, count * sizeof(*groups));
	for (size_t i = 0; i < count; i++)
		read_group(reader, json_object_array_get_idx(array, i),
			&groups[i]);
	/* all or nothing: what is left out would be taken for revoked */
	if (reader->bad)
		return;
	row->groups = groups;
	row->group_count = count;
}

/* Absent, "" and "null" are no groups: that is how the server writes none. */
static void
read_groups(struct acp_row_reader *reader, struct acp_settings_row *row)
{
	ACP_AUTO(json) struct json_object *array = NULL;
	size_t size = 0;
	const char *text = acp_row_peek_text(
		reader, "group_access", ACP_ROW_JSON_MAX, &size);

	if (!text || size == 0 || (size == 4 && memcmp(text, "null", 4) == 0))
		return;
	array = acp_json_new_array(text, size);
	if (array)
		read_group_array(reader, array, row);
	else
		acp_row_refuse(reader, "group_access is not a JSON array");
}

bool
acp_rows_read_settings(struct json_object *object, struct acp_arena *arena,
	struct acp_settings_row *row)
{
	struct acp_row_reader reader = {object, arena, NULL};

	*row = (struct acp_settings_row){0};
	if (!has_id(object, arena, &row->id))
		return false;
	row->project_id =
		acp_row_read_name(&reader, "project_id", ACP_ROW_ID_MAX);
	if (!row->project_id)
		acp_row_refuse(&reader, "project_id is missing");
	read_groups(&reader, row);
	row->bad = reader.bad;
	return true;
}

const char *
acp_phase_name(enum acp_phase phase)
{
	switch (phase) {
	case ACP_PHASE_EMPTY:
		return "";
	case ACP_PHASE_PENDING:
		return "Pending";
	case ACP_PHASE_CREATING:
		return "Creating";
	case ACP_PHASE_RUNNING:
		return "Running";
	case ACP_PHASE_STOPPING:
		return "Stopping";
	case ACP_PHASE_STOPPED:
		return "Stopped";
	case ACP_PHASE_COMPLETED:
		return "Completed";
	case ACP_PHASE_FAILED:
		return "Failed";
	case ACP_PHASE_UNKNOWN:
	case ACP_PHASE__MAX:
		break;
	}
	return "unknown";
}

static enum acp_phase
read_phase(struct acp_row_reader *reader)
{
	size_t size = 0;
	const char *text =
		acp_row_peek_text(reader, "phase", ACP_ROW_NAME_MAX, &size);
	enum acp_phase phase = ACP_PHASE_EMPTY;

	if (!text)
		return reader->bad ? ACP_PHASE_UNKNOWN : ACP_PHASE_EMPTY;
	while (phase < ACP_PHASE_UNKNOWN &&
		(size != strlen(acp_phase_name(phase)) ||
			memcmp(text, acp_phase_name(phase), size) != 0))
		phase++;
	return phase;
}

/* Ours to write: what cannot be read is as good as none. */
static const char *
read_conditions(const struct acp_row_reader *reader)
{
	struct acp_row_reader lenient = {reader->object, reader->arena, NULL};
	size_t size = 0;
	const char *text = acp_row_peek_text(
		&lenient, "conditions", ACP_ROW_JSON_MAX, &size);

	if (!text || size == 0 || strlen(text) != size)
		return NULL;
	return acp_arena_dup_sized(reader->arena, text, size);
}

bool
acp_rows_read_session(struct json_object *object, struct acp_arena *arena,
	struct acp_session_row *row)
{
	struct acp_row_reader reader = {object, arena, NULL};

	*row = (struct acp_session_row){0};
	if (!has_id(object, arena, &row->id))
		return false;
	row->phase = read_phase(&reader);
	row->project_id =
		acp_row_read_name(&reader, "project_id", ACP_ROW_ID_MAX);
	row->kube_namespace =
		acp_row_read_name(&reader, "kube_namespace", ACP_ROW_NAME_MAX);
	row->created_us = acp_row_read_time(&reader, "created_at");
	row->updated_us = acp_row_read_time(&reader, "updated_at");
	row->start_us = acp_row_read_time(&reader, "start_time");
	row->completion_us = acp_row_read_time(&reader, "completion_time");
	row->conditions = read_conditions(&reader);
	row->bad = reader.bad;
	return true;
}
