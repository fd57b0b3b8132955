/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes the few members of a Lease that matter to us, and keeps
 * all others as they are. Called by lease.c.
 */
#include <config.h>

#include "reconciler/lease_record.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/memory.h"
#include "reconciler/kinds.h"
#include "reconciler/rfc3339.h"

#include <stdio.h>
#include <string.h>

static void
put(struct json_object *object, const char *name, struct json_object *value)
{
	if (!value || json_object_object_add(object, name, value))
		acp_memory_exhausted();
}

static void
put_text(struct json_object *object, const char *name, const char *text)
{
	put(object, name, json_object_new_string(text));
}

/* A member that is an object, made where it is missing. */
static struct json_object *
make_object(struct json_object *object, const char *name)
{
	struct json_object *member = acp_json_peek_object(object, name);

	if (!member) {
		member = json_object_new_object();
		put(object, name, member);
	}
	return member;
}

static const char *
peek_text(struct json_object *record, const char *part, const char *name)
{
	struct json_object *object = acp_json_peek_object(record, part);
	const char *text;
	size_t size;

	text = object ? acp_json_peek_text(object, name, &size) : NULL;
	return text ? text : "";
}

struct json_object *
acp_lease_record_new(
	const char *namespace, const char *name, const char *instance)
{
	struct json_object *record = json_object_new_object();
	struct json_object *metadata, *labels;

	if (!record)
		acp_memory_exhausted();
	put_text(record, "apiVersion", acp_kind_api_version(ACP_KIND_LEASE));
	put_text(record, "kind", acp_kind_name(ACP_KIND_LEASE));
	metadata = make_object(record, "metadata");
	put_text(metadata, "namespace", namespace);
	put_text(metadata, "name", name);
	labels = make_object(metadata, "labels");
	put_text(labels, "ambient-code.io/managed-by", "ambient-control-plane");
	put_text(labels, "ambient-code.io/managed", "true");
	put_text(labels, "ambient-code.io/instance", instance);
	make_object(record, "spec");
	return record;
}

struct json_object *
acp_lease_record_dup(struct json_object *record)
{
	struct json_object *copy = NULL;

	if (json_object_deep_copy(record, &copy, NULL))
		acp_memory_exhausted();
	put_text(copy, "apiVersion", acp_kind_api_version(ACP_KIND_LEASE));
	put_text(copy, "kind", acp_kind_name(ACP_KIND_LEASE));
	json_object_object_del(make_object(copy, "metadata"), "managedFields");
	return copy;
}

const char *
acp_lease_record_peek_holder(struct json_object *record)
{
	return peek_text(record, "spec", "holderIdentity");
}

const char *
acp_lease_record_peek_version(struct json_object *record)
{
	return peek_text(record, "metadata", "resourceVersion");
}

const char *
acp_lease_record_peek_note(struct json_object *record, const char *name)
{
	struct json_object *metadata = acp_json_peek_object(record, "metadata");

	return metadata ? peek_text(metadata, "annotations", name) : "";
}

int64_t
acp_lease_record_read_time(const char *text)
{
	int64_t time_us;

	if (!acp_rfc3339_read(text, strlen(text), &time_us))
		return 0;
	return time_us / 1000000;
}

/* A MicroTime must have six decimals; an unknown time leaves the old one. */
static void
put_time(struct json_object *spec, const char *name, int64_t now_s)
{
	char seconds[ACP_CLOCK_TEXT_SIZE];
	char text[ACP_CLOCK_TEXT_SIZE + 8];

	if (now_s <= 0)
		return;
	acp_clock_format(now_s * 1000, 0, seconds);
	seconds[strcspn(seconds, "Z")] = '\0';
	snprintf(text, sizeof(text), "%s.000000Z", seconds);
	put_text(spec, name, text);
}

void
acp_lease_record_hold(struct json_object *record, const char *identity,
	int64_t now_s, int duration_s)
{
	struct json_object *spec = make_object(record, "spec");
	int64_t transitions = 0;

	acp_json_has_number(spec, "leaseTransitions", &transitions);
	put_text(spec, "holderIdentity", identity);
	put(spec, "leaseDurationSeconds", json_object_new_int(duration_s));
	/* int32 in the API; counts for people only */
	put(spec, "leaseTransitions",
		json_object_new_int((int)((transitions + 1) & INT32_MAX)));
	put_time(spec, "acquireTime", now_s);
	put_time(spec, "renewTime", now_s);
}

void
acp_lease_record_renew(struct json_object *record, int64_t now_s)
{
	put_time(make_object(record, "spec"), "renewTime", now_s);
}

void
acp_lease_record_release(struct json_object *record)
{
	/* newer API servers refuse an empty text here */
	json_object_object_del(make_object(record, "spec"), "holderIdentity");
}

void
acp_lease_record_note(
	struct json_object *record, const char *name, const char *value)
{
	struct json_object *notes =
		make_object(make_object(record, "metadata"), "annotations");

	if (value)
		put_text(notes, name, value);
	else
		json_object_object_del(notes, name);
}
