/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to the API server: identity, repetitions within the time that a
 * call has, counting. Logs at debug level only, and neither paths, which name
 * sessions, nor bodies. Never sends the project header, which filters lists.
 */
#include <config.h>

#include "reconciler/api.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/api_request.h"
#include "reconciler/api_token.h"
#include "reconciler/http_counts.h"
#include "reconciler/http_retry.h"

#include <string.h>
#include <strings.h>

#define BASE_PATH "/api/ambient/v1"

enum { NUMBER_INVALID_TOKEN = 1 };

struct acp_api {
	const struct acp_api_settings *settings;
	struct acp_http_pool *pool;
	struct acp_api_token *token;
	struct acp_http_server server;
	char *base_url;
	bool is_urgent;
	struct acp_http_counts counts;
};

/* A request with its repetitions. */
struct attempt {
	struct acp_api *api;
	const struct acp_api_request *request;
	int64_t deadline_ms; /* 0: not one has begun */
	int64_t pause_ms; /* before the next */
	bool is_refused; /* by may_write */
	bool has_new_token;
};

/* How one sending of it ended. */
struct result {
	enum acp_error error;
	bool is_answered; /* by the server, whatever it says */
	bool may_repeat;
	struct acp_token *token; /* it was sent with */
	struct acp_http_answer answer;
};

static void
init_result(struct result *result)
{
	*result = (struct result){0};
	acp_http_answer_init(&result->answer);
}

static void
clear_result(struct result *result)
{
	acp_token_free(&result->token);
	acp_http_answer_clear(&result->answer);
}

ACP_AUTO_DEFINE(result, struct result, clear_result)

struct acp_api *
acp_api_new(const struct acp_api_settings *settings, struct acp_http_pool *pool)
{
	struct acp_api *api = acp_memory_new(1, sizeof(*api));
	size_t size = strlen(settings->base_url);

	if (size > 0 && settings->base_url[size - 1] == '/')
		size--;
	api->settings = settings;
	api->pool = pool;
	api->token = acp_api_token_new(acp_token_source_new(settings->source));
	api->base_url = acp_memory_new(size + sizeof(BASE_PATH), 1);
	memcpy(api->base_url, settings->base_url, size);
	memcpy(api->base_url + size, BASE_PATH, sizeof(BASE_PATH));
	api->server.base_url = api->base_url;
	api->server.ca_file = settings->ca_file;
	/* as its name says: what goes by http stays inside the cluster */
	if (strncasecmp(api->base_url, "https:", 6) == 0)
		api->server.proxy = settings->https_proxy;
	acp_http_counts_init(&api->counts);
	return api;
}

void
acp_api_set_urgent(struct acp_api *api)
{
	api->is_urgent = true;
}

void
acp_api_free(struct acp_api **api)
{
	if (!*api)
		return;
	acp_http_counts_clear(&(*api)->counts);
	acp_api_token_free(&(*api)->token);
	free((*api)->base_url);
	free(*api);
	*api = NULL;
}

size_t
acp_api_get_counts(
	struct acp_api *api, struct acp_http_count *counts, size_t max)
{
	return acp_http_counts_copy(&api->counts, counts, max);
}

/*
 * Called by the pool when it is our turn: only now is it sure that a write
 * is still ours to make, and only now does the time of a call begin.
 */
static int64_t
begin_attempt(void *context)
{
	struct attempt *attempt = context;
	const struct acp_api_settings *settings = attempt->api->settings;
	bool is_write = attempt->request->is_write;
	int64_t now_ms = acp_clock_now_ms();

	if (!attempt->deadline_ms)
		attempt->deadline_ms = now_ms +
			(is_write ? ACP_API_WRITE_MS : ACP_API_READ_MS);
	if (is_write && settings->may_write &&
		!settings->may_write(settings->context)) {
		attempt->is_refused = true;
		return 0;
	}
	return attempt->deadline_ms - now_ms;
}

static enum acp_error
send_with_token(
	struct attempt *attempt, struct result *result, const char **why)
{
	const struct acp_api_request *request = attempt->request;
	const char *token = acp_token_peek_value(result->token);
	ACP_AUTO(secret) struct acp_secret bearer;
	const struct acp_http_call call = {
		.server = &attempt->api->server,
		.method = request->method,
		.path = request->path,
		.bearer = &bearer,
		.accept = "application/json",
		.content_type = request->body ? "application/json" : NULL,
		.body = request->body,
		.body_size = request->body ? strlen(request->body) : 0,
		.begin = begin_attempt,
		.context = attempt,
		.reply_max = ACP_API_REPLY_MAX,
		.is_urgent = attempt->api->is_urgent,
	};

	acp_secret_init(&bearer);
	acp_secret_set(&bearer, token, strlen(token));
	return acp_http_pool_send(
		attempt->api->pool, &call, &result->answer, why);
}

static void
send_once(struct attempt *attempt, struct result *result,
	struct acp_api_reply *reply)
{
	const struct acp_api_request *request = attempt->request;
	const char *why = "";

	result->error = acp_api_token_get(attempt->api->token, &result->token);
	if (result->error) {
		acp_api_reply_refuse(reply,
			"there is no API token to speak to the server with; "
			"the log says why");
		return;
	}
	result->error = send_with_token(attempt, result, &why);
	if (attempt->is_refused) {
		result->error = ACP_RETRY_LATER;
		acp_api_reply_refuse(
			reply, "it is not (or no longer) ours to write");
		return;
	}
	result->is_answered = !result->error;
	acp_http_counts_add(&attempt->api->counts,
		result->error ? 0 : result->answer.status);
	if (result->is_answered) {
		result->error = acp_api_reply_read(&result->answer, reply);
	} else {
		/* out of time in the queue is no refusal of the server's */
		if (result->error == ACP_DENIED)
			result->error = ACP_RETRY_LATER;
		result->may_repeat = !request->is_write &&
			result->error == ACP_RETRY_LATER &&
			!result->answer.is_too_large;
		acp_api_reply_refuse(reply, why);
	}
}

static bool
has_refused_token(
	const struct result *result, const struct acp_api_reply *reply)
{
	return result->is_answered &&
		(reply->code == 401 ||
			(reply->code == 403 &&
				reply->number == NUMBER_INVALID_TOKEN));
}

/*
 * Whether to send it again. A write is not: it may have been carried out, and
 * in the meantime somebody may have written otherwise.
 */
static bool
is_repeatable(const struct attempt *attempt, const struct result *result,
	const struct acp_api_reply *reply)
{
	if (!result->is_answered)
		return result->may_repeat;
	if (attempt->request->is_write)
		return false;
	if (reply->code == 500 && attempt->request->has_search)
		return false;
	return result->error == ACP_RETRY_LATER;
}

/* True, once it has waited as long as it should, when it is worth it. */
static bool
has_another_try(struct attempt *attempt, const struct result *result,
	const struct acp_api_reply *reply)
{

	if (has_refused_token(result, reply) && !attempt->has_new_token) {
		attempt->has_new_token = true;
		return acp_api_token_forget(attempt->api->token, result->token);
	}
	if (!is_repeatable(attempt, result, reply))
		return false;
	return acp_http_retry_wait(&attempt->pause_ms,
		result->answer.retry_after_ms, attempt->deadline_ms);
}

static void
log_request(const struct acp_api_request *request, const struct result *result,
	int64_t begun_us)
{
	acp_log(ACP_LOG_DEBUG, "api_request",
		ACP_F_TEXT("method", request->method),
		ACP_F_INT("status", result->answer.status),
		ACP_F_INT("size", result->answer.body.size),
		ACP_F_SECONDS("seconds", acp_clock_now_us() - begun_us));
}

enum acp_error
acp_api_request_send(struct acp_api *api, const struct acp_api_request *request,
	struct acp_api_reply *reply, bool *is_too_large)
{
	struct attempt attempt = {.api = api, .request = request};
	enum acp_error error;
	bool is_over = false;

	*is_too_large = false;
	do {
		ACP_AUTO(result) struct result result;
		int64_t begun_us = acp_clock_now_us();

		init_result(&result);
		acp_api_reply_clear(reply);
		send_once(&attempt, &result, reply);
		log_request(request, &result, begun_us);
		error = result.error;
		*is_too_large = result.answer.is_too_large;
		is_over = !error || !has_another_try(&attempt, &result, reply);
	} while (!is_over);
	return error;
}

enum acp_error
acp_api_get(struct acp_api *api, const char *path, struct acp_api_reply *reply)
{
	const struct acp_api_request request = {.method = "GET", .path = path};
	bool is_too_large;

	return acp_api_request_send(api, &request, reply, &is_too_large);
}

enum acp_error
acp_api_patch(struct acp_api *api, const char *path, struct json_object *body,
	struct acp_api_reply *reply)
{
	const struct acp_api_request request = {
		.method = "PATCH",
		.path = path,
		.body = json_object_to_json_string_ext(
			body, JSON_C_TO_STRING_PLAIN),
		.is_write = true,
	};
	bool is_too_large;

	return acp_api_request_send(api, &request, reply, &is_too_large);
}
