/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kubernetes API: one request a call, answered or failed when the call
 * returns. Many threads may call at once; requests beyond the number that may
 * be in flight wait their turn. Repeats what may be repeated within the
 * call's time (429 with Retry-After, 5xx, resets); 4xx never.
 */
#ifndef ACP_RECONCILER_KUBE_H
#define ACP_RECONCILER_KUBE_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/http_pool.h"
#include "reconciler/kinds.h"
#include "reconciler/kube_access.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_kube;

/* What a Status object says in "reason" (apimachinery metav1.StatusReason). */
enum acp_kube_reason {
	ACP_KUBE_NO_REASON, /* a success, or an answer that is no Status */
	ACP_KUBE_UNREACHABLE, /* no whole answer came; ours, not the server's */
	ACP_KUBE_NOT_LEADER, /* refused by us: may_write said no */
	ACP_KUBE_BAD_ANSWER, /* not JSON, too large; ours */
	ACP_KUBE_UNAUTHORIZED,
	ACP_KUBE_FORBIDDEN,
	ACP_KUBE_NOT_FOUND,
	ACP_KUBE_ALREADY_EXISTS,
	ACP_KUBE_CONFLICT,
	ACP_KUBE_EXPIRED, /* 410 */
	ACP_KUBE_INVALID, /* 400, 422 */
	ACP_KUBE_TOO_MANY, /* 429 */
	ACP_KUBE_SERVER, /* 5xx */
	ACP_KUBE_OTHER,
	ACP_KUBE_REASON__MAX
};

struct acp_kube_reply {
	long code; /* HTTP status; 0 when none came */
	enum acp_kube_reason reason;
	int64_t date_s; /* the server's clock (Date), 0 when it did not say */
	struct json_object *body; /* the object, a Status, or NULL; owned */
	char message[512]; /* of the Status, for people; printable; "" */
};

/* May a write begin now? Asked at the last moment before each write. */
struct acp_kube_guard {
	bool (*may_write)(void *context);
	void *context;
};

/*
 * A client. access chooses server and identity and re-reads tokens; pool
 * carries the requests. All three outlive the client. guard NULL: always.
 */
struct acp_kube *acp_kube_new(struct acp_kube_access *access,
	struct acp_http_pool *pool, const struct acp_kube_guard *guard);
void acp_kube_free(struct acp_kube **kube);

/*
 * Puts all requests of this client before those of others (http_pool.h):
 * for the key and the fast pass. Those for a Lease always go first. Before
 * any thread uses the client.
 */
void acp_kube_set_urgent(struct acp_kube *kube);

void acp_kube_reply_init(struct acp_kube_reply *reply);
void acp_kube_reply_clear(struct acp_kube_reply *reply);

/*
 * All of these fill an empty reply, whatever happens, and return
 *   ACP_OK           2xx
 *   ACP_GONE         404 with reason NotFound
 *   ACP_DENIED       401 or 403
 *   ACP_BAD_REQUEST  400, 409 AlreadyExists, 422: do not repeat as it is
 *   ACP_RETRY_LATER  everything else: conflicts, 410, 429, 5xx, no answer,
 *                    NOT_LEADER, a 404 that is no Status
 * Nothing is logged but at debug level; bodies never are.
 */
ACP_MUST_CHECK enum acp_error acp_kube_get(struct acp_kube *kube,
	const struct acp_ref *ref, struct acp_kube_reply *reply);

/* Only the metadata (PartialObjectMetadata): contents do not travel. */
ACP_MUST_CHECK enum acp_error acp_kube_get_metadata(struct acp_kube *kube,
	const struct acp_ref *ref, struct acp_kube_reply *reply);

/* POST; ref->name is only told to people. Field manager: ambient-cp-reconciler. */
ACP_MUST_CHECK enum acp_error acp_kube_create(struct acp_kube *kube,
	const struct acp_ref *ref, struct json_object *body,
	struct acp_kube_reply *reply);

/* Server-side apply with force, body whole (apiVersion, kind, metadata). */
ACP_MUST_CHECK enum acp_error acp_kube_apply(struct acp_kube *kube,
	const struct acp_ref *ref, struct json_object *body,
	struct acp_kube_reply *reply);

/* PUT; body carries metadata.resourceVersion. */
ACP_MUST_CHECK enum acp_error acp_kube_replace(struct acp_kube *kube,
	const struct acp_ref *ref, struct json_object *body,
	struct acp_kube_reply *reply);

/* JSON merge patch (RFC 7386); body may carry uid and resourceVersion. */
ACP_MUST_CHECK enum acp_error acp_kube_patch(struct acp_kube *kube,
	const struct acp_ref *ref, struct json_object *body,
	struct acp_kube_reply *reply);

/*
 * DELETE with preconditions (uid always, resource_version unless NULL),
 * propagation Background. A missing object is ACP_GONE.
 */
ACP_MUST_CHECK enum acp_error acp_kube_delete(struct acp_kube *kube,
	const struct acp_ref *ref, const char *uid,
	const char *resource_version, struct acp_kube_reply *reply);

/* What a list gives its items to. */
struct acp_kube_sink {
	/* before the first item, and again when the list starts over (410) */
	void (*begin)(void *context);
	/* item is borrowed; it has no apiVersion and kind, as in every list */
	void (*take)(void *context, struct json_object *item);
	void *context;
};

struct acp_kube_list {
	enum acp_kind kind;
	const char *namespace; /* NULL: all */
	const char *selector; /* label selector, NULL: none; escaped here */
	size_t page; /* items a request */
	bool is_metadata_only;
};

/*
 * All pages of a list (limit and continue, never resourceVersion=0). reply is
 * of the last request, its body NULL. Anything but ACP_OK: what the sink took
 * is incomplete and must not be judged. ACP_GONE: the kind is not served.
 */
ACP_MUST_CHECK enum acp_error acp_kube_list(struct acp_kube *kube,
	const struct acp_kube_list *list, const struct acp_kube_sink *sink,
	struct acp_kube_reply *reply);

/* One question to SelfSubjectAccessReview; name NULL: any. */
struct acp_kube_right {
	const char *verb;
	const char *group;
	const char *resource;
	const char *subresource; /* NULL: none */
	const char *namespace; /* NULL: all */
	const char *name;
};

ACP_MUST_CHECK enum acp_error acp_kube_may(struct acp_kube *kube,
	const struct acp_kube_right *right, bool *may,
	struct acp_kube_reply *reply);

/* "Forbidden" and so on, for logs and metrics; static. */
const char *acp_kube_reason_name(enum acp_kube_reason reason);

/* Requests so far by HTTP code (0: none came); fills up to max; count. */
size_t acp_kube_get_counts(
	struct acp_kube *kube, struct acp_http_count *counts, size_t max);

ACP_AUTO_DEFINE(kube_reply, struct acp_kube_reply, acp_kube_reply_clear)

#endif
