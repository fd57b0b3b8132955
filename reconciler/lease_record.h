/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Lease as the object that Kubernetes keeps (coordination.k8s.io/v1): what
 * is read from one, and what is written into one. Pure; for lease.c and
 * lease_seen.c alone.
 */
#ifndef ACP_RECONCILER_LEASE_RECORD_H
#define ACP_RECONCILER_LEASE_RECORD_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdint.h>

/* Annotations. */
#define ACP_LEASE_YIELD_TO "ambient-code.io/yield-to"
#define ACP_LEASE_ALLOWED "ambient-code.io/allow-mass-delete"
#define ACP_LEASE_SWEPT "ambient-code.io/secrets-swept-at"

/* A Lease that nobody holds; caller owns. */
struct json_object *acp_lease_record_new(
	const char *namespace, const char *name, const char *instance);

/* A copy to be changed and written; caller owns. */
struct json_object *acp_lease_record_dup(struct json_object *record);

/* "" where there is none; borrowed. */
const char *acp_lease_record_peek_holder(struct json_object *record);
const char *acp_lease_record_peek_version(struct json_object *record);
const char *acp_lease_record_peek_note(
	struct json_object *record, const char *name);

/* Time as an annotation has it; 0: absent or not a time. */
int64_t acp_lease_record_read_time(const char *text);

/*
 * Enters a new holder, at now_s of the server's clock (0: unknown), for
 * duration_s. A change of holder counts as a transition.
 */
void acp_lease_record_hold(struct json_object *record, const char *identity,
	int64_t now_s, int duration_s);
void acp_lease_record_renew(struct json_object *record, int64_t now_s);
void acp_lease_record_release(struct json_object *record);

/* value NULL: removes it. */
void acp_lease_record_note(
	struct json_object *record, const char *name, const char *value);

#endif
