/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, by which the owner of a project is told what is wrong. The name is
 * a hash of what is said, so saying it again changes nothing.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "reconciler/desired_build.h"

#include <stdio.h>
#include <string.h>

enum { HASH_BYTES = 10 };

static void
write_name(const struct acp_object *about, const char *reason,
	const char *message, char name[static ACP_NAME_SIZE])
{
	struct acp_hash state;
	char hash[2 * HASH_BYTES + 1];

	acp_hash_init(&state);
	acp_hash_add_text(&state, acp_kind_name(about->kind));
	acp_hash_add_text(&state, about->namespace ? about->namespace : "");
	acp_hash_add_text(&state, about->name);
	acp_hash_add_text(&state, about->uid ? about->uid : "");
	acp_hash_add_text(&state, reason);
	acp_hash_add_text(&state, message);
	acp_hash_finish_hex(&state, HASH_BYTES, hash);
	snprintf(name, ACP_NAME_SIZE, "ambient-cp-%s", hash);
}

static void
add_about(struct json_object *event, const struct acp_object *about,
	const char *namespace)
{
	struct json_object *object =
		acp_desired_add_object(event, "involvedObject");

	acp_desired_add_text(
		object, "apiVersion", acp_kind_api_version(about->kind));
	acp_desired_add_text(object, "kind", acp_kind_name(about->kind));
	/* the server takes no Event whose own namespace is another one */
	acp_desired_add_text(object, "namespace", namespace);
	acp_desired_add_text(object, "name", about->name);
	if (about->uid)
		acp_desired_add_text(object, "uid", about->uid);
}

/* At most ACP_EVENT_MESSAGE_MAX bytes, not cut inside of a character. */
static void
add_message(struct json_object *event, const char *message)
{
	size_t size = strnlen(message, ACP_EVENT_MESSAGE_MAX + 1);
	char *text;

	if (size > ACP_EVENT_MESSAGE_MAX)
		for (size = ACP_EVENT_MESSAGE_MAX;
			size && (message[size] & 0xc0) == 0x80; size--)
			;
	text = acp_memory_dup_bytes(message, size);
	acp_desired_add_text(event, "message", text);
	free(text);
}

static void
add_times(struct json_object *event, int64_t now_s)
{
	char text[ACP_CLOCK_TEXT_SIZE];

	if (!now_s)
		return;
	acp_clock_format(now_s * 1000, 0, text);
	acp_desired_add_text(event, "firstTimestamp", text);
	acp_desired_add_text(event, "lastTimestamp", text);
}

struct json_object *
acp_desired_event(const struct acp_site *site, const struct acp_object *about,
	const char *reason, const char *message, int64_t now_s)
{
	const char *namespace =
		about->namespace ? about->namespace : site->runtime_namespace;
	char name[ACP_NAME_SIZE];
	const struct acp_ref ref = {ACP_KIND_EVENT, namespace, name};
	struct json_object *event;

	write_name(about, reason, message, name);
	event = acp_desired_new(site, &ref, about->project_id);
	add_about(event, about, namespace);
	acp_desired_add_text(event, "reason", reason);
	add_message(event, message);
	acp_desired_add_text(event, "type", "Warning");
	acp_desired_add_number(event, "count", 1);
	acp_desired_add_text(acp_desired_add_object(event, "source"),
		"component", "ambient-cp-reconciler");
	add_times(event, now_s);
	return event;
}
