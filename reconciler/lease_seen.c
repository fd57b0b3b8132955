/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GET, POST or PUT of the Lease at a time, and what each answer says of
 * it. A version that changes is the holder's sign of life.
 */
#include <config.h>

#include "reconciler/lease_seen.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "reconciler/lease_record.h"

#include <stdio.h>
#include <string.h>

void
acp_lease_seen_clear(struct acp_lease_seen *seen)
{
	acp_json_free(&seen->record);
	seen->version[0] = '\0';
}

static struct acp_ref
name_lease(const struct acp_lease_seen *seen)
{
	return (struct acp_ref){
		.kind = ACP_KIND_LEASE,
		.namespace = seen->settings->namespace,
		.name = ACP_LEASE_NAME,
	};
}

/* Takes the body of a reply as what the Lease now is. */
static void
take_record(struct acp_lease_seen *seen, struct acp_kube_reply *reply)
{
	const char *version;

	acp_json_free(&seen->record);
	seen->record = reply->body;
	reply->body = NULL;
	version = acp_lease_record_peek_version(seen->record);
	if (strcmp(version, seen->version) == 0)
		return;
	snprintf(seen->version, sizeof(seen->version), "%s", version);
	seen->version_ms = acp_clock_now_ms();
}

/* What follows from any reply; blames it in why when it is no success. */
static enum acp_error
take_reply(struct acp_lease_seen *seen, enum acp_error error,
	struct acp_kube_reply *reply, struct acp_buffer *why)
{
	if (reply->date_s > 0) {
		seen->server_s = reply->date_s;
		seen->server_ms = acp_clock_now_ms();
	}
	/* without its version nobody knows whether it is renewed */
	if (!error &&
		(!reply->body ||
			!*acp_lease_record_peek_version(reply->body))) {
		acp_buffer_append(why, "an answer without a Lease");
		return ACP_RETRY_LATER;
	}
	if (!error)
		take_record(seen, reply);
	else if (reply->reason == ACP_KUBE_NOT_FOUND)
		acp_lease_seen_clear(seen);
	if (error)
		acp_buffer_append(why,
			reply->message[0]
				? reply->message
				: acp_kube_reason_name(reply->reason));
	return error;
}

enum acp_error
acp_lease_seen_look(struct acp_lease_seen *seen, struct acp_buffer *why)
{
	const struct acp_ref ref = name_lease(seen);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = acp_kube_get(seen->settings->kube, &ref, &reply);
	return take_reply(seen, error, &reply, why);
}

enum acp_error
acp_lease_seen_write(struct acp_lease_seen *seen, struct json_object *record,
	bool *is_late, struct acp_buffer *why)
{
	const struct acp_ref ref = name_lease(seen);
	struct acp_kube *kube = seen->settings->kube;
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = seen->record ? acp_kube_replace(kube, &ref, record, &reply)
			     : acp_kube_create(kube, &ref, record, &reply);
	*is_late = reply.reason == ACP_KUBE_CONFLICT ||
		reply.reason == ACP_KUBE_ALREADY_EXISTS;
	if (error == ACP_GONE) /* deleted meanwhile, or no such namespace */
		error = seen->record ? ACP_RETRY_LATER : ACP_DENIED;
	return take_reply(seen, error, &reply, why);
}

struct json_object *
acp_lease_seen_dup_record(const struct acp_lease_seen *seen)
{
	if (seen->record)
		return acp_lease_record_dup(seen->record);
	return acp_lease_record_new(seen->settings->namespace, ACP_LEASE_NAME,
		seen->settings->instance);
}

int64_t
acp_lease_seen_get_server_s(const struct acp_lease_seen *seen)
{
	if (seen->server_s == 0)
		return 0;
	return seen->server_s + (acp_clock_now_ms() - seen->server_ms) / 1000;
}

const char *
acp_lease_seen_peek_holder(const struct acp_lease_seen *seen)
{
	return seen->record ? acp_lease_record_peek_holder(seen->record) : "";
}

const char *
acp_lease_seen_peek_note(const struct acp_lease_seen *seen, const char *name)
{
	return seen->record ? acp_lease_record_peek_note(seen->record, name)
			    : "";
}

const char *
acp_lease_seen_peek_asker(const struct acp_lease_seen *seen)
{
	const char *asker = acp_lease_seen_peek_note(seen, ACP_LEASE_YIELD_TO);

	return strcmp(asker, seen->identity) == 0 ? "" : asker;
}

bool
acp_lease_seen_is_ours(const struct acp_lease_seen *seen)
{
	return seen->record &&
		strcmp(acp_lease_seen_peek_holder(seen), seen->identity) == 0;
}

int64_t
acp_lease_seen_count_life_ms(const struct acp_lease_seen *seen)
{
	int64_t life_ms =
		seen->version_ms + ACP_LEASE_DURATION_MS - acp_clock_now_ms();

	return life_ms > 0 ? life_ms : 0;
}

bool
acp_lease_seen_is_taken(const struct acp_lease_seen *seen)
{
	if (!seen->record || acp_lease_seen_is_ours(seen) ||
		acp_lease_seen_count_life_ms(seen) == 0)
		return false;
	return *acp_lease_seen_peek_holder(seen) != '\0' ||
		*acp_lease_seen_peek_asker(seen) != '\0';
}
