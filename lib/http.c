/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl for the token source: one request at a time, each on a connection
 * of its own. Never logs.
 */
#include <config.h>

#include "lib/http.h"

#include "lib/http_curl.h"
#include "lib/limits.h"
#include "lib/memory.h"

#include <curl/curl.h>
#include <stdatomic.h>

struct acp_http {
	CURLM *multi;
	atomic_bool is_cancelled;
};

/* A request under way. */
struct exchange {
	struct acp_http_reply *reply;
	size_t head_size;
	const char *refusal; /* why we broke it off */
};

struct acp_http *
acp_http_new(void)
{
	struct acp_http *http = acp_memory_new(1, sizeof(*http));

	acp_http_curl_init();
	http->multi = curl_multi_init();
	if (!http->multi)
		acp_memory_exhausted();
	return http;
}

void
acp_http_free(struct acp_http **http)
{
	if (*http)
		curl_multi_cleanup((*http)->multi);
	free(*http);
	*http = NULL;
}

void
acp_http_cancel(struct acp_http *http)
{
	atomic_store(&http->is_cancelled, true);
	curl_multi_wakeup(http->multi);
}

void
acp_http_reply_init(struct acp_http_reply *reply)
{
	*reply = (struct acp_http_reply){0};
}

void
acp_http_reply_clear(struct acp_http_reply *reply)
{
	acp_secret_clear(&reply->body);
	acp_http_reply_init(reply);
}

/* What curl calls */

static size_t
take_head(char *line, size_t one, size_t size, void *argument)
{
	struct exchange *exchange = argument;

	(void)line;
	exchange->head_size += one * size;
	if (exchange->head_size <= ACP_HTTP_HEAD_MAX)
		return one * size;
	exchange->refusal = "the head of the reply is too large";
	return 0;
}

static size_t
take_body(char *bytes, size_t one, size_t size, void *argument)
{
	struct exchange *exchange = argument;
	struct acp_secret *body = &exchange->reply->body;

	if (size > ACP_HTTP_BODY_MAX - body->size) {
		exchange->refusal = "the reply is too large";
		return 0;
	}
	acp_secret_append(body, bytes, size);
	return one * size;
}

/* The request. Results are gathered: an option that a curl does not have is
 * a protection that we would not have. */

static int
set_address(CURL *easy, const struct acp_http_request *request)
{
	int bad = 0;

	bad |= (int)curl_easy_setopt(easy, CURLOPT_URL, request->url);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= (int)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* an empty text, unlike NULL, also turns the environment's off */
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_PROXY, request->proxy ? request->proxy : "");
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
	return bad;
}

static int
set_bounds(CURL *easy, const struct acp_http_request *request)
{
	int bad = 0;

	bad |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, (long)ACP_HTTP_CONNECT_MS);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* without it a time-out or a cancel waits for the resolver's thread */
	bad |= (int)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	return bad;
}

static int
set_trust(CURL *easy, const struct acp_http_request *request)
{
	int bad = 0;

	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (!request->ca_file)
		return bad;
	bad |= (int)curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	return bad;
}

static int
set_content(CURL *easy, const struct acp_http_request *request,
	struct exchange *exchange)
{
	int bad = 0;

	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	if (request->user) {
		bad |= (int)curl_easy_setopt(
			easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		bad |= (int)curl_easy_setopt(
			easy, CURLOPT_USERNAME, request->user);
		bad |= (int)curl_easy_setopt(
			easy, CURLOPT_PASSWORD, request->password);
	}
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_POSTFIELDS, acp_secret_peek(request->form));
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_POSTFIELDSIZE, (long)request->form->size);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	return bad;
}

static void
read_status(CURL *easy, struct acp_http_reply *reply)
{
	curl_off_t wait_s = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
	/* seconds or a date, as seconds from now */
	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait_s);
	if (wait_s < 0)
		wait_s = 0;
	if (wait_s > ACP_HTTP_RETRY_AFTER_MAX_S)
		wait_s = ACP_HTTP_RETRY_AFTER_MAX_S;
	reply->retry_after_ms = (int64_t)wait_s * 1000;
}

/* By the multi interface, because only that can be woken. */
static CURLcode
perform(struct acp_http *http, CURL *easy)
{
	CURLcode result = CURLE_ABORTED_BY_CALLBACK;
	const CURLMsg *message;
	int running = 1;
	int queued;

	if (curl_multi_add_handle(http->multi, easy))
		return CURLE_FAILED_INIT;
	while (running && !atomic_load(&http->is_cancelled)) {
		if (curl_multi_perform(http->multi, &running))
			break;
		if (running &&
			curl_multi_poll(http->multi, NULL, 0, 1000, NULL))
			break;
	}
	message = running ? NULL : curl_multi_info_read(http->multi, &queued);
	if (message && message->msg == CURLMSG_DONE)
		result = message->data.result;
	curl_multi_remove_handle(http->multi, easy);
	return result;
}

enum acp_error
acp_http_post(struct acp_http *http, const struct acp_http_request *request,
	struct acp_http_reply *reply, const char **why)
{
	struct exchange exchange = {.reply = reply};
	CURL *easy = curl_easy_init();
	enum acp_error error = ACP_RETRY_LATER;
	CURLcode result;

	if (!easy)
		acp_memory_exhausted();
	if (set_address(easy, request) | set_bounds(easy, request) |
		set_trust(easy, request) |
		set_content(easy, request, &exchange)) {
		*why = "curl lacks an option that is needed";
		error = ACP_FAULT;
	} else if (request->timeout_ms <= 0) {
		*why = curl_easy_strerror(CURLE_OPERATION_TIMEDOUT);
	} else {
		result = perform(http, easy);
		*why = exchange.refusal ? exchange.refusal
					: curl_easy_strerror(result);
		error = result ? ACP_RETRY_LATER : ACP_OK;
		read_status(easy, reply);
	}
	curl_easy_cleanup(easy);
	return error;
}
