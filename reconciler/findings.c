/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts together what --check prints. Called by the two ways of checking, with
 * a cluster and without.
 */
#include <config.h>

#include "reconciler/findings.h"

#include "reconciler/local.h"

#include <string.h>

/* Each line of text as a JSON string. */
static void
append_lines(struct acp_buffer *json, const char *text)
{
	const char *separator = "";
	size_t size;

	for (; *text; text += size + (text[size] == '\n')) {
		size = strcspn(text, "\n");
		acp_buffer_append(json, separator);
		acp_buffer_append_json(json, text, size);
		separator = ",";
	}
}

void
acp_findings_begin(
	struct acp_findings *findings, const struct acp_config *config)
{
	ACP_AUTO(buffer) struct acp_buffer lines;

	acp_buffer_init(&lines, findings->text->limit);
	acp_config_describe(config, &lines);
	if (!findings->is_json) {
		acp_buffer_append(findings->text, acp_buffer_peek(&lines));
		return;
	}
	acp_buffer_append(findings->text, "{\"configuration\":[");
	append_lines(findings->text, acp_buffer_peek(&lines));
	acp_buffer_append(findings->text, "],\"findings\":[");
}

static void
add_json(struct acp_findings *findings, const char *name, bool is_good,
	const char *message)
{
	acp_buffer_printf(
		findings->text, "%s{\"name\":", findings->count ? "," : "");
	acp_buffer_append_json(findings->text, name, strlen(name));
	acp_buffer_printf(findings->text, ",\"good\":%s,\"messages\":[",
		is_good ? "true" : "false");
	append_lines(findings->text, message + (*message == '\n'));
	acp_buffer_append(findings->text, "]}");
}

static void
add_text(struct acp_findings *findings, const char *name, bool is_good,
	const char *message)
{
	size_t size = strlen(message);

	if (size && message[size - 1] == '\n')
		size--;
	acp_buffer_printf(findings->text, "%s:%s%s%.*s\n", name,
		is_good ? "" : " bad:", *message == '\n' ? "" : " ", (int)size,
		message);
}

void
acp_findings_add(struct acp_findings *findings, const char *name, bool is_good,
	const char *message)
{
	if (findings->is_json)
		add_json(findings, name, is_good, message);
	else
		add_text(findings, name, is_good, message);
	findings->is_bad |= !is_good;
	findings->count++;
}

void
acp_findings_add_key_file(
	struct acp_findings *findings, const char *path, const char *maker)
{
	ACP_AUTO(buffer) struct acp_buffer said;
	struct acp_local_result result;
	bool is_bad;

	acp_buffer_init(&said, findings->text->limit);
	is_bad = acp_local_look(path, &result, &said) != ACP_OK;
	if (!is_bad && *result.key_id)
		acp_buffer_printf(&said, "good, key id %s", result.key_id);
	else if (!is_bad)
		acp_buffer_printf(&said, "not there, %s will make it", maker);
	acp_findings_add(findings, "key file", !is_bad, acp_buffer_peek(&said));
}

void
acp_findings_end(struct acp_findings *findings)
{
	if (findings->is_json)
		acp_buffer_printf(findings->text, "],\"good\":%s}\n",
			findings->is_bad ? "false" : "true");
}
