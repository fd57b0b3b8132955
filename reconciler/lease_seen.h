/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Lease as it was last seen: looked at, written, and judged by how long
 * it has stood still on our own clock. For lease.c alone, one thread at a
 * time. Must never judge a time that another machine wrote.
 */
#ifndef ACP_RECONCILER_LEASE_SEEN_H
#define ACP_RECONCILER_LEASE_SEEN_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/lease.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdint.h>

enum { ACP_LEASE_VERSION_SIZE = 64 };

/* Zeroed but for settings and identity, which are borrowed: nothing is seen. */
struct acp_lease_seen {
	const struct acp_lease_settings *settings;
	const char *identity; /* ours */
	struct json_object *record; /* NULL: there is none, or not looked yet */
	char version[ACP_LEASE_VERSION_SIZE]; /* of it, and since when */
	int64_t version_ms;
	int64_t server_s; /* the server's clock, at server_ms of ours; or 0 */
	int64_t server_ms;
};

void acp_lease_seen_clear(struct acp_lease_seen *seen);

/* GET; ACP_GONE when there is no Lease. */
ACP_MUST_CHECK enum acp_error acp_lease_seen_look(
	struct acp_lease_seen *seen, struct acp_buffer *why);

/*
 * Writes record, which replaces what was seen, or is made where nothing is.
 * *is_late when another writer was first.
 */
ACP_MUST_CHECK enum acp_error acp_lease_seen_write(struct acp_lease_seen *seen,
	struct json_object *record, bool *is_late, struct acp_buffer *why);

/* A copy of what was seen, or a new Lease, to be written; caller owns. */
struct json_object *acp_lease_seen_dup_record(
	const struct acp_lease_seen *seen);

/* The server's clock now, or 0. */
int64_t acp_lease_seen_get_server_s(const struct acp_lease_seen *seen);

/* Its holder, and somebody else whom that is asked to make room for; or "". */
const char *acp_lease_seen_peek_holder(const struct acp_lease_seen *seen);
const char *acp_lease_seen_peek_asker(const struct acp_lease_seen *seen);
/* "" where there is none. */
const char *acp_lease_seen_peek_note(
	const struct acp_lease_seen *seen, const char *name);

bool acp_lease_seen_is_ours(const struct acp_lease_seen *seen);

/* Milliseconds until it has expired, if it stands still. */
int64_t acp_lease_seen_count_life_ms(const struct acp_lease_seen *seen);

/* Held by another who may be alive, or given up for another. */
bool acp_lease_seen_is_taken(const struct acp_lease_seen *seen);

#endif
