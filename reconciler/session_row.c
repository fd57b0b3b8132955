/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the row of a session whole, when it is to be provisioned. Must never
 * let a byte through that an environment, a command line of git or JSON could
 * take for something else; and never repeat a value in a reason.
 */
#include <config.h>

#include "reconciler/session_row.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "reconciler/quantity.h"
#include "reconciler/row_reader.h"

#include <json-c/linkhash.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A member that holds JSON as text: absent, "" and "null" are none. */
static const char *
peek_json(struct acp_row_reader *reader, const char *name, size_t *size)
{
	const char *text =
		acp_row_peek_text(reader, name, ACP_ROW_JSON_MAX, size);

	if (!text || *size == 0 || (*size == 4 && !memcmp(text, "null", 4)))
		return NULL;
	return text;
}

/* Numbers */

static const char *
read_temperature(struct acp_row_reader *reader)
{
	struct json_object *member =
		acp_json_peek(reader->object, "llm_temperature");
	char text[32];
	double value;

	if (!member)
		return NULL;
	value = json_object_get_double(member);
	if ((!json_object_is_type(member, json_type_double) &&
		    !json_object_is_type(member, json_type_int)) ||
		!isfinite(value) || value < 0 || value > 100) {
		acp_row_refuse(
			reader, "llm_temperature is no number from 0 to 100");
		return NULL;
	}
	snprintf(text, sizeof(text), "%.10g", value);
	return acp_arena_dup(reader->arena, text);
}

/* True for a whole number from 0 to INT32_MAX. */
static bool
has_count(struct acp_row_reader *reader, const char *name, int32_t *count)
{
	struct json_object *member = acp_json_peek(reader->object, name);
	int64_t value;

	if (!member)
		return false;
	value = json_object_get_int64(member);
	if (!json_object_is_type(member, json_type_int) || value < 0 ||
		value > INT32_MAX) {
		acp_row_refuse(reader, "%s is no whole number from 0 to %d",
			name, INT32_MAX);
		return false;
	}
	*count = (int32_t)value;
	return true;
}

static const char *
read_count(struct acp_row_reader *reader, const char *name)
{
	char text[16];
	int32_t count;

	if (!has_count(reader, name, &count))
		return NULL;
	snprintf(text, sizeof(text), "%d", (int)count);
	return acp_arena_dup(reader->arena, text);
}

/* Repositories */

/* git would take what begins with "-" for an option. */
static const char *
read_argument(struct acp_row_reader *reader, const char *name)
{
	const char *text = acp_row_read_name(reader, name, ACP_ROW_URL_MAX);

	if (text && text[0] == '-') {
		acp_row_refuse(reader, "%s begins with \"-\"", name);
		return NULL;
	}
	return text;
}

static bool
has_url(const struct acp_repo *repos, size_t count, const char *url)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(repos[i].url, url) == 0)
			return true;
	return false;
}

static void
read_repo(struct acp_row_reader *reader, const struct json_object *entry,
	struct acp_repo *repo)
{
	struct acp_row_reader inner = {entry, reader->arena, NULL};

	if (!json_object_is_type(entry, json_type_object)) {
		acp_row_refuse(reader, "repos has an entry that is no object");
		return;
	}
	repo->url = read_argument(&inner, "url");
	repo->branch = read_argument(&inner, "branch");
	repo->name = read_argument(&inner, "name");
	if (inner.bad)
		acp_row_refuse(reader, "repos: %s", inner.bad);
	else if (!repo->url)
		acp_row_refuse(reader, "repos has an entry without url");
}

/* repo_url is the first, unless repos says more of the same one. */
static void
collect_repos(struct acp_row_reader *reader, const struct json_object *array,
	struct acp_session_detail *detail)
{
	size_t count = array ? json_object_array_length(array) : 0;
	const char *url = read_argument(reader, "repo_url");
	struct acp_repo *repos;

	if (count > ACP_ROW_REPOS_MAX) {
		acp_row_refuse(reader, "repos has more than %d entries",
			ACP_ROW_REPOS_MAX);
		return;
	}
	repos = acp_arena_alloc(reader->arena, (count + 1) * sizeof(*repos));
	for (size_t i = 0; i < count; i++)
		read_repo(reader, json_object_array_get_idx(array, i),
			&repos[i + 1]);
	if (reader->bad)
		return;
	detail->repos = repos + 1;
	detail->repo_count = count;
	if (!url || has_url(repos + 1, count, url))
		return;
	repos[0].url = url;
	detail->repos = repos;
	detail->repo_count++;
}

static void
read_repos(struct acp_row_reader *reader, struct acp_session_detail *detail)
{
	ACP_AUTO(json) struct json_object *array = NULL;
	size_t size = 0;
	const char *text = peek_json(reader, "repos", &size);

	if (text) {
		array = acp_json_new_array(text, size);
		if (!array)
			acp_row_refuse(reader, "repos is not a JSON array");
	}
	collect_repos(reader, array, detail);
}

/* The environment */

static bool
is_variable_name(const char *name)
{
	static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz_0123456789";
	size_t size = strlen(name);

	return size > 0 && size <= ACP_ROW_NAME_MAX &&
		strspn(name, legal) == size && !(*name >= '0' && *name <= '9');
}

static void
read_variable(struct acp_row_reader *reader, const struct json_object *object,
	const char *name, struct acp_variable *variable)
{
	struct acp_row_reader inner = {object, reader->arena, NULL};

	if (!is_variable_name(name)) {
		acp_row_refuse(reader,
			"environment_variables has a name that is none: it "
			"must have A-Z a-z 0-9 _ only, and begin with no "
			"digit");
		return;
	}
	variable->name = acp_arena_dup(reader->arena, name);
	variable->value = acp_row_read_text(&inner, name, ACP_ROW_JSON_MAX);
	if (inner.bad)
		acp_row_refuse(reader, "environment_variables: %s", inner.bad);
	else if (!variable->value)
		variable->value = "";
}

static void
collect_variables(struct acp_row_reader *reader, struct json_object *object,
	struct acp_session_detail *detail)
{
	size_t count = (size_t)json_object_object_length(object), next = 0;
	struct acp_variable *variables;

	if (count > ACP_ROW_VARIABLES_MAX) {
		acp_row_refuse(reader,
			"environment_variables has more than %d entries",
			ACP_ROW_VARIABLES_MAX);
		return;
	}
	variables = acp_arena_alloc(reader->arena, count * sizeof(*variables));
	json_object_object_foreach(object, name, value)
	{
		(void)value;
		read_variable(reader, object, name, &variables[next++]);
	}
	if (reader->bad)
		return;
	detail->variables = variables;
	detail->variable_count = count;
}

static void
read_variables(struct acp_row_reader *reader, struct acp_session_detail *detail)
{
	ACP_AUTO(json) struct json_object *object = NULL;
	size_t size = 0;
	const char *text = peek_json(reader, "environment_variables", &size);

	if (!text)
		return;
	object = acp_json_new(text, size);
	if (object)
		collect_variables(reader, object, detail);
	else
		acp_row_refuse(
			reader, "environment_variables is not a JSON object");
}

/* Sizes */

static const char *
read_quantity(struct acp_row_reader *reader, const struct json_object *object,
	const char *name)
{
	struct acp_row_reader inner = {object, reader->arena, NULL};
	const char *text = acp_row_read_name(&inner, name, ACP_ROW_NAME_MAX);
	int64_t amount;

	if (inner.bad || (text && !acp_quantity_read(text, &amount))) {
		acp_row_refuse(reader,
			"resource_overrides: %s is no quantity such as 500m "
			"or 4Gi",
			name);
		return NULL;
	}
	return text;
}

static void
read_overrides(struct acp_row_reader *reader, struct acp_session_detail *detail)
{
	ACP_AUTO(json) struct json_object *object = NULL;
	size_t size = 0;
	const char *text = peek_json(reader, "resource_overrides", &size);

	if (!text)
		return;
	object = acp_json_new(text, size);
	if (!object) {
		acp_row_refuse(
			reader, "resource_overrides is not a JSON object");
		return;
	}
	detail->cpu = read_quantity(reader, object, "cpu");
	detail->memory = read_quantity(reader, object, "memory");
}

static void
read_texts(struct acp_row_reader *reader, struct acp_session_detail *detail)
{
	detail->name = acp_row_read_name(reader, "name", ACP_ROW_TEXT_MAX);
	detail->agent_id =
		acp_row_read_name(reader, "agent_id", ACP_ROW_ID_MAX);
	detail->model =
		acp_row_read_name(reader, "llm_model", ACP_ROW_TEXT_MAX);
	detail->prompt =
		acp_row_read_text(reader, "prompt", ACP_ROW_PROMPT_MAX);
	detail->temperature = read_temperature(reader);
	detail->max_tokens = read_count(reader, "llm_max_tokens");
	detail->has_timeout = has_count(reader, "timeout", &detail->timeout_s);
}

bool
acp_session_row_read(struct json_object *object, struct acp_arena *arena,
	struct acp_session_detail *detail)
{
	struct acp_row_reader reader = {object, arena, NULL};

	*detail = (struct acp_session_detail){0};
	if (!acp_rows_read_session(object, arena, &detail->row))
		return false;
	reader.bad = detail->row.bad;
	read_texts(&reader, detail);
	read_repos(&reader, detail);
	read_variables(&reader, detail);
	read_overrides(&reader, detail);
	detail->bad = reader.bad;
	return true;
}

static const char *
read_part(const struct json_object *object, struct acp_arena *arena,
	const char *name, const char **bad)
{
	struct acp_row_reader reader = {object, arena, NULL};
	const char *text = acp_row_read_text(&reader, name, ACP_ROW_PROMPT_MAX);

	if (reader.bad)
		*bad = reader.bad;
	return text;
}

const char *
acp_session_row_read_prompt(const struct json_object *object,
	struct acp_arena *arena, const char **bad)
{
	return read_part(object, arena, "prompt", bad);
}

const char *
acp_session_row_read_message(const struct json_object *object,
	struct acp_arena *arena, const char **bad)
{
	if (json_object_get_boolean(acp_json_peek(object, "read")))
		return NULL;
	return read_part(object, arena, "body", bad);
}
