/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to the Kubernetes API: identity, repetitions within the time
 * that a call has, counting, and what the answer means. Logs at debug level
 * only, and neither names nor bodies.
 */
#include <config.h>

#include "reconciler/kube_request.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/http_counts.h"
#include "reconciler/http_retry.h"
#include "reconciler/kube_items.h"
#include "reconciler/kube_status.h"

#include <string.h>

enum { CODE_UNAUTHORIZED = 401, CODE_TOO_MANY = 429 };

struct acp_kube {
	struct acp_kube_access *access;
	struct acp_http_pool *pool;
	struct acp_kube_guard guard;
	bool is_urgent;
	struct acp_http_counts counts;
};

/* A request with its repetitions. */
struct attempt {
	struct acp_kube *kube;
	const struct acp_kube_request *request;
	int64_t deadline_ms; /* 0: not one has begun */
	int64_t pause_ms; /* before the next */
	bool is_refused; /* by the guard */
	bool has_new_token;
};

struct acp_kube *
acp_kube_new(struct acp_kube_access *access, struct acp_http_pool *pool,
	const struct acp_kube_guard *guard)
{
	struct acp_kube *kube = acp_memory_new(1, sizeof(*kube));

	kube->access = access;
	kube->pool = pool;
	if (guard)
		kube->guard = *guard;
	acp_http_counts_init(&kube->counts);
	return kube;
}

void
acp_kube_free(struct acp_kube **kube)
{
	if (*kube)
		acp_http_counts_clear(&(*kube)->counts);
	free(*kube);
	*kube = NULL;
}

void
acp_kube_set_urgent(struct acp_kube *kube)
{
	kube->is_urgent = true;
}

size_t
acp_kube_get_counts(
	struct acp_kube *kube, struct acp_http_count *counts, size_t max)
{
	return acp_http_counts_copy(&kube->counts, counts, max);
}

void
acp_kube_reply_refuse(struct acp_kube_reply *reply, enum acp_kube_reason reason,
	const char *message)
{
	acp_json_free(&reply->body);
	reply->reason = reason;
	snprintf(reply->message, sizeof(reply->message), "%s", message);
}

void
acp_kube_query_write(const char *text, struct acp_buffer *query)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				    "nopqrstuvwxyz0123456789-._~";

	for (; *text; text++)
		if (strchr(plain, *text))
			acp_buffer_append_bytes(query, text, 1);
		else
			acp_buffer_printf(query, "%%%02X",
				(unsigned int)(unsigned char)*text);
}

/*
 * Called by the pool when it is our turn: only now is it sure that a write
 * is still ours to make, and only now does the time of a call begin.
 */
static int64_t
begin_attempt(void *context)
{
	struct attempt *attempt = context;
	const struct acp_kube_guard *guard = &attempt->kube->guard;
	bool is_write = attempt->request->is_write;
	int64_t now_ms = acp_clock_now_ms();

	if (!attempt->deadline_ms)
		attempt->deadline_ms = now_ms +
			(is_write ? ACP_KUBE_WRITE_MS
					: attempt->kube->is_urgent
					? ACP_KUBE_URGENT_MS
					: ACP_KUBE_READ_MS);
	if (is_write && guard->may_write && !guard->may_write(guard->context)) {
		attempt->is_refused = true;
		return 0;
	}
	return attempt->deadline_ms - now_ms;
}

/* One namespace that does not answer must not hold up the others. */
static void
set_lane(struct acp_http_call *call)
{
	static const char marker[] = "/namespaces/";
	const char *found = strstr(call->path, marker);

	if (!found)
		return;
	call->lane = found + sizeof(marker) - 1;
	call->lane_size = strcspn(call->lane, "/?");
}

static enum acp_error
send_once(struct attempt *attempt, struct acp_http_answer *answer,
	struct acp_kube_reply *reply)
{
	const struct acp_kube_request *request = attempt->request;
	struct acp_kube *kube = attempt->kube;
	ACP_AUTO(secret) struct acp_secret token;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_http_call call = {
		.method = request->method,
		.path = request->path,
		.bearer = &token,
		.accept = request->accept,
		.content_type = request->content_type,
		.body = request->body,
		.body_size = request->body_size,
		.begin = begin_attempt,
		.context = attempt,
		.reply_max = ACP_KUBE_REPLY_MAX,
		.is_urgent = kube->is_urgent || request->kind == ACP_KIND_LEASE,
		.is_of_ending = request->kind == ACP_KIND_LEASE,
	};
	const char *words = "";
	enum acp_error error;

	acp_secret_init(&token);
	acp_buffer_init(&why, sizeof(reply->message));
	if (acp_kube_access_read_token(kube->access, &token, &why)) {
		acp_kube_reply_refuse(
			reply, ACP_KUBE_UNAUTHORIZED, acp_buffer_peek(&why));
		return ACP_DENIED;
	}
	call.server = acp_kube_access_peek_server(kube->access);
	if (request->kind != ACP_KIND_LEASE)
		set_lane(&call);
	error = acp_http_pool_send(kube->pool, &call, answer, &words);
	if (attempt->is_refused)
		acp_kube_reply_refuse(reply, ACP_KUBE_NOT_LEADER,
			"it is not (or no longer) ours to write");
	else if (error)
		acp_kube_reply_refuse(reply, ACP_KUBE_UNREACHABLE, words);
	if (error != ACP_DENIED)
		acp_http_counts_add(&kube->counts, error ? 0 : answer->status);
	return error;
}

/* What an answer says, whatever its status. */
static enum acp_error
judge_answer(const struct acp_http_answer *answer,
	const struct acp_kube_sink *sink, struct acp_kube_reply *reply)
{
	const char *text = acp_secret_peek(&answer->body);
	struct acp_kube_items items = {0};
	struct json_object *status = NULL;

	reply->code = answer->status;
	reply->date_s = answer->date_s;
	reply->body = sink ? acp_kube_items_cut(text, answer->body.size, &items)
			   : acp_json_new_deep(text, answer->body.size,
				     ACP_KUBE_JSON_DEPTH_MAX);
	if (acp_kube_status_is_one(reply->body))
		status = reply->body;
	reply->reason = acp_kube_status_judge(answer->status, status);
	acp_kube_status_write_message(
		status, reply->message, sizeof(reply->message));
	if (reply->reason == ACP_KUBE_NO_REASON &&
		(!reply->body ||
			(items.text && !acp_kube_items_give(&items, sink))))
		acp_kube_reply_refuse(reply, ACP_KUBE_BAD_ANSWER,
			"the answer is not JSON as the API server writes it");
	return acp_kube_status_get_error(reply->reason);
}

/* True, once it has waited as long as it should, when it is worth it. */
static bool
has_another_try(struct attempt *attempt, enum acp_error error,
	const struct acp_http_answer *answer)
{
	bool is_repeatable = error == ACP_RETRY_LATER ||
		(!error &&
			(answer->status >= 500 ||
				answer->status == CODE_TOO_MANY));

	if (!error && answer->status == CODE_UNAUTHORIZED &&
		!attempt->has_new_token) {
		acp_kube_access_forget_token(attempt->kube->access);
		attempt->has_new_token = true;
		return true;
	}
	if (!is_repeatable || answer->is_too_large)
		return false;
	return acp_http_retry_wait(&attempt->pause_ms, answer->retry_after_ms,
		attempt->deadline_ms);
}

static void
log_request(const struct acp_kube_request *request,
	const struct acp_http_answer *answer, int64_t begun_us)
{
	acp_log(ACP_LOG_DEBUG, "kube_request",
		ACP_F_TEXT("method", request->method),
		ACP_F_TEXT("kind", acp_kind_name(request->kind)),
		ACP_F_INT("status", answer->status),
		ACP_F_INT("size", answer->body.size),
		ACP_F_SECONDS("seconds", acp_clock_now_us() - begun_us));
}

enum acp_error
acp_kube_request_send(struct acp_kube *kube,
	const struct acp_kube_request *request, struct acp_kube_reply *reply,
	bool *is_too_large)
{
	ACP_AUTO(http_answer) struct acp_http_answer answer = {0};
	struct attempt attempt = {.kube = kube, .request = request};
	int64_t begun_us;
	enum acp_error error;

	do {
		acp_http_answer_clear(&answer);
		begun_us = acp_clock_now_us();
		error = send_once(&attempt, &answer, reply);
		log_request(request, &answer, begun_us);
	} while (has_another_try(&attempt, error, &answer));
	*is_too_large = answer.is_too_large;
	if (!error)
		return judge_answer(&answer, request->sink, reply);
	return acp_kube_status_get_error(reply->reason);
}
