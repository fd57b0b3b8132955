/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST API of the Ambient API server, as far as the reconciler uses it.
 * Tells apart what the server knows from what it only did not say: an answer
 * is "gone" only by the server's own numbered code, a list is complete only
 * when its last page says so. Any thread.
 */
#ifndef ACP_RECONCILER_API_H
#define ACP_RECONCILER_API_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/token_source.h"
#include "reconciler/http_pool.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_api;

struct acp_api_settings {
	const char
		*base_url; /* AMBIENT_API_SERVER_URL, one "/" at its end cut */
	const char *ca_file; /* NULL: the system's */
	const char *https_proxy; /* NULL: none; for an https base_url */
	const struct acp_source_settings *source; /* of our own identity */
	bool (*may_write)(void *context); /* NULL: always */
	void *context;
};

struct acp_api_reply {
	long code; /* HTTP status; 0 when none came */
	int number; /* of "ambient-api-server-N"; 0 when the answer has none */
	int64_t date_s; /* the server's clock, 0 when it did not say */
	int64_t retry_after_ms; /* of Retry-After; 0: none */
	struct json_object *body; /* an object, or NULL; owned */
	char message[512]; /* for people, printable; "" */
};

/* settings, and what it points to, outlives the client. No I/O. */
struct acp_api *acp_api_new(
	const struct acp_api_settings *settings, struct acp_http_pool *pool);
void acp_api_free(struct acp_api **api);

/* Its requests go before those that are not urgent; before the first. */
void acp_api_set_urgent(struct acp_api *api);

void acp_api_reply_init(struct acp_api_reply *reply);
void acp_api_reply_clear(struct acp_api_reply *reply);

/*
 * One request behind /api/ambient/v1, for example "/projects/p1"; ids in a
 * path are escaped by acp_api_write_path. Without the project header. Fill an
 * empty reply, whatever happens, and return
 *   ACP_OK           200, 201, 204
 *   ACP_GONE         404 with number 7, nothing else
 *   ACP_DENIED       401, 403, and a 404 without a number
 *   ACP_BAD_REQUEST  400, 405, 409 and other 4xx
 *   ACP_RETRY_LATER  408, 429, 5xx, 3xx, no answer, no JSON, may_write said no
 * What no token could be got for is ACP_DENIED or ACP_RETRY_LATER, as
 * acp_token_source_fetch says, with code 0.
 *
 * A GET is repeated within ACP_API_READ_MS; a PATCH, within ACP_API_WRITE_MS,
 * only when the token was refused: after all else, and after any wait, the row
 * is to be read again first. may_write is asked by the pool's thread each time it is
 * sent, and must not wait.
 */
ACP_MUST_CHECK enum acp_error acp_api_get(
	struct acp_api *api, const char *path, struct acp_api_reply *reply);
ACP_MUST_CHECK enum acp_error acp_api_patch(struct acp_api *api,
	const char *path, struct json_object *body,
	struct acp_api_reply *reply);

/*
 * Appends "/projects/" and the id, escaped; collection as "projects". path
 * fails for an id that cannot be one segment of a path ("", ".", "..").
 */
void acp_api_write_path(
	struct acp_buffer *path, const char *collection, const char *id);

/*
 * Appends 'value' for a search, quotes doubled. False, and nothing appended,
 * when value has a character outside of A-Z a-z 0-9 _ . @ : - (the server
 * could read it as something else).
 */
bool acp_api_quote(struct acp_buffer *search, const char *value);

struct acp_api_sink {
	void (*begin)(void *context); /* also when the list starts over */
	void (*take)(void *context, struct json_object *row); /* borrowed */
	void *context;
};

/*
 * All rows of a collection ("sessions", "role_bindings", "projects/p/agents",
 * escaped), by keyset (orderBy=id, id > last), or by pages where the server
 * refuses that search (400 or 500). search NULL: all. ACP_OK only when the
 * last page came and its total is no more than its items; a row that comes
 * twice is taken once, and each has a printable id of ACP_ROW_ID_MAX bytes.
 * A list that shrinks while it is read starts over, at most
 * ACP_API_LIST_STARTS_MAX times. Otherwise the results are those of
 * acp_api_get (a search that is refused: ACP_BAD_REQUEST, or code 500), and
 * what the sink was given is to be thrown away. reply is of the last request,
 * its body NULL, its message for people.
 */
ACP_MUST_CHECK enum acp_error acp_api_list(struct acp_api *api,
	const char *collection, const char *search,
	const struct acp_api_sink *sink, struct acp_api_reply *reply);

/* Requests so far by HTTP code, as acp_kube_get_counts. */
size_t acp_api_get_counts(
	struct acp_api *api, struct acp_http_count *counts, size_t max);

ACP_AUTO_DEFINE(api_reply, struct acp_api_reply, acp_api_reply_clear)

#endif
