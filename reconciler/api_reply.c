/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API server's answers mean, and texts that become part of requests
 * to it. No I/O. A 404 says that something is gone only with the server's own
 * number: proxies, missing routes and missing rights answer 404 too.
 */
#include <config.h>

#include "reconciler/api.h"

#include "lib/json.h"
#include "lib/utf8.h"
#include "reconciler/api_request.h"

#include <string.h>

#define CODE_PREFIX "ambient-api-server-"

enum { NUMBER_NOT_FOUND = 7, NUMBER_DIGITS_MAX = 6 };

void
acp_api_reply_init(struct acp_api_reply *reply)
{
	*reply = (struct acp_api_reply){0};
}

void
acp_api_reply_clear(struct acp_api_reply *reply)
{
	acp_json_free(&reply->body);
	acp_api_reply_init(reply);
}

void
acp_api_reply_refuse(struct acp_api_reply *reply, const char *message)
{
	acp_json_free(&reply->body);
	snprintf(reply->message, sizeof(reply->message), "%s", message);
}

/* Of "ambient-api-server-7", 0 for every other form. */
static int
read_number(const struct json_object *body)
{
	size_t prefix = strlen(CODE_PREFIX);
	size_t size = 0;
	const char *code = acp_json_peek_text(body, "code", &size);
	int number = 0;

	if (!code || size <= prefix || size > prefix + NUMBER_DIGITS_MAX ||
		memcmp(code, CODE_PREFIX, prefix) != 0)
		return 0;
	for (size_t i = prefix; i < size; i++) {
		if (code[i] < '0' || code[i] > '9')
			return 0;
		number = number * 10 + (code[i] - '0');
	}
	return number;
}

static void
read_reason(struct acp_api_reply *reply)
{
	size_t size = 0;
	const char *reason = acp_json_peek_text(reply->body, "reason", &size);

	if (reason)
		acp_utf8_write_printable(
			reason, size, reply->message, sizeof(reply->message));
}

static enum acp_error
judge_status(long status, int number)
{
	if (status == 404)
		return number == NUMBER_NOT_FOUND ? ACP_GONE : ACP_DENIED;
	if (status == 401 || status == 403)
		return ACP_DENIED;
	/* a request that came too slowly, and too many: nothing wrong in it */
	if (status == 408 || status == 429)
		return ACP_RETRY_LATER;
	if (status >= 400 && status < 500)
		return ACP_BAD_REQUEST;
	return ACP_RETRY_LATER;
}

static enum acp_error
judge_success(struct acp_api_reply *reply)
{
	if (reply->code == 204 || reply->body)
		return ACP_OK;
	acp_api_reply_refuse(reply, "the answer is not a JSON object");
	return ACP_RETRY_LATER;
}

enum acp_error
acp_api_reply_read(
	const struct acp_http_answer *answer, struct acp_api_reply *reply)
{
	long status = answer->status;

	reply->code = status;
	reply->date_s = answer->date_s;
	reply->retry_after_ms = answer->retry_after_ms;
	reply->body =
		acp_json_new(acp_secret_peek(&answer->body), answer->body.size);
	if (status == 200 || status == 201 || status == 204)
		return judge_success(reply);
	if (reply->body) {
		reply->number = read_number(reply->body);
		read_reason(reply);
	}
	if (!reply->message[0])
		snprintf(reply->message, sizeof(reply->message),
			"status %ld without a reason", status);
	return judge_status(status, reply->number);
}

void
acp_api_write_escaped(struct acp_buffer *path, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				    "nopqrstuvwxyz0123456789-._~";

	for (; *text; text++)
		if (strchr(plain, *text))
			acp_buffer_append_bytes(path, text, 1);
		else
			acp_buffer_printf(path, "%%%02X",
				(unsigned int)(unsigned char)*text);
}

/* "." and ".." would be taken for steps on the way, by curl and servers. */
static bool
is_only_dots(const char *text)
{
	return strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
}

void
acp_api_write_path(
	struct acp_buffer *path, const char *collection, const char *id)
{
	acp_buffer_printf(path, "/%s/", collection);
	if (!*id || is_only_dots(id))
		path->is_failed = true;
	else
		acp_api_write_escaped(path, id);
}

bool
acp_api_quote(struct acp_buffer *search, const char *value)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				   "nopqrstuvwxyz0123456789_.@:-";

	if (value[strspn(value, good)] != '\0')
		return false;
	acp_buffer_printf(search, "'%s'", value);
	return true;
}
