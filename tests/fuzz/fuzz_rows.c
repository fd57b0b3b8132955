/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/rows.h: any object as a row of each kind. Ids are bounded and
 * printable, a row is good or says why not, and a bad list of groups is none.
 */
#include <config.h>

#include "reconciler/rows.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/utf8.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* NULL, or a printable text of 1 to max bytes. */
static void
expect_text(const char *text, size_t max)
{
	if (text &&
		(!*text || strlen(text) > max ||
			!acp_utf8_is_printable(text, strlen(text))))
		abort();
}

static void
expect_id(const char *id)
{
	if (!id)
		abort();
	expect_text(id, ACP_ROW_ID_MAX);
}

static void
feed_project(struct json_object *object, struct acp_arena *arena)
{
	struct acp_project_row row;

	if (!acp_rows_read_project(object, arena, &row))
		return;
	expect_id(row.id);
	expect_text(row.created_by, ACP_ROW_NAME_MAX);
}

static void
feed_settings(struct json_object *object, struct acp_arena *arena)
{
	struct acp_settings_row row;

	if (!acp_rows_read_settings(object, arena, &row))
		return;
	expect_id(row.id);
	expect_text(row.project_id, ACP_ROW_ID_MAX);
	if (row.group_count > ACP_ROW_GROUPS_MAX ||
		(row.bad && row.project_id && row.group_count) ||
		(!row.bad && !row.project_id))
		abort();
	for (size_t i = 0; i < row.group_count; i++) {
		if (!row.groups[i].name || !row.groups[i].role)
			abort();
		expect_text(row.groups[i].name, ACP_ROW_NAME_MAX);
		expect_text(row.groups[i].role, ACP_ROW_NAME_MAX);
	}
}

static void
feed_session(struct json_object *object, struct acp_arena *arena)
{
	struct acp_session_row row;

	if (!acp_rows_read_session(object, arena, &row))
		return;
	expect_id(row.id);
	expect_text(row.project_id, ACP_ROW_ID_MAX);
	expect_text(row.kube_namespace, ACP_ROW_NAME_MAX);
	if (row.phase >= ACP_PHASE__MAX || row.created_us < 0 ||
		row.updated_us < 0 || row.start_us < 0 || row.completion_us < 0)
		abort();
	if (row.conditions && strlen(row.conditions) > ACP_ROW_JSON_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(json)
	struct json_object *object = acp_json_new((const char *)data, size);
	ACP_AUTO(arena) struct acp_arena *arena = NULL;

	if (!object)
		return 0;
	arena = acp_arena_new();
	feed_project(object, arena);
	feed_settings(object, arena);
	feed_session(object, arena);
	return 0;
}
