/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/session_row.h: any object as the row of a session. A good row
 * has nothing that an environment, git or a pod could not take.
 */
#include <config.h>

#include "reconciler/session_row.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/utf8.h"
#include "reconciler/quantity.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void
expect(bool is_true)
{
	if (!is_true)
		abort();
}

static bool
is_short(const char *text, size_t max)
{
	return !text || (*text && strlen(text) <= max);
}

static bool
is_line(const char *text, size_t max)
{
	return is_short(text, max) &&
		(!text || acp_utf8_is_printable(text, strlen(text)));
}

static void
expect_repos(const struct acp_session_detail *detail)
{
	expect(detail->repo_count <= ACP_ROW_REPOS_MAX + 1);
	for (size_t i = 0; i < detail->repo_count; i++) {
		const struct acp_repo *repo = &detail->repos[i];

		expect(repo->url && repo->url[0] != '-');
		expect(is_line(repo->url, ACP_ROW_URL_MAX));
		expect(is_line(repo->branch, ACP_ROW_URL_MAX));
		expect(!repo->branch || repo->branch[0] != '-');
		expect(is_line(repo->name, ACP_ROW_URL_MAX));
	}
}

static void
expect_variables(const struct acp_session_detail *detail)
{
	expect(detail->variable_count <= ACP_ROW_VARIABLES_MAX);
	for (size_t i = 0; i < detail->variable_count; i++) {
		expect(is_line(detail->variables[i].name, ACP_ROW_NAME_MAX));
		expect(!strpbrk(detail->variables[i].name, "=$()- ."));
		expect(strlen(detail->variables[i].value) <= ACP_ROW_JSON_MAX);
	}
}

static void
expect_sound(const struct acp_session_detail *detail)
{
	int64_t amount;

	expect(detail->row.id && is_line(detail->row.id, ACP_ROW_ID_MAX));
	expect(is_line(detail->name, ACP_ROW_TEXT_MAX));
	expect(is_line(detail->agent_id, ACP_ROW_ID_MAX));
	expect(is_line(detail->model, ACP_ROW_TEXT_MAX));
	expect(is_short(detail->prompt, ACP_ROW_PROMPT_MAX));
	expect(detail->timeout_s >= 0);
	expect(!detail->cpu || acp_quantity_read(detail->cpu, &amount));
	expect(!detail->memory || acp_quantity_read(detail->memory, &amount));
	expect_repos(detail);
	expect_variables(detail);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(json)
	struct json_object *object = acp_json_new((const char *)data, size);
	ACP_AUTO(arena) struct acp_arena *arena = NULL;
	struct acp_session_detail detail;

	if (!object)
		return 0;
	arena = acp_arena_new();
	if (acp_session_row_read(object, arena, &detail))
		expect_sound(&detail);
	return 0;
}
