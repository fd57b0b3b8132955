/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges answers of the Kubernetes API. A 404 or 409 is believed only with a
 * reason in it, for something on the way may have answered in its place.
 */
#include <config.h>

#include "reconciler/kube_status.h"

#include "lib/json.h"

#include <string.h>

enum {
	CODE_BAD_REQUEST = 400,
	CODE_UNAUTHORIZED = 401,
	CODE_FORBIDDEN = 403,
	CODE_NOT_FOUND = 404,
	CODE_CONFLICT = 409,
	CODE_GONE = 410,
	CODE_UNPROCESSABLE = 422,
	CODE_TOO_MANY = 429,
};

static bool
has_text(const struct json_object *object, const char *name, const char *text)
{
	size_t size;
	const char *found =
		object ? acp_json_peek_text(object, name, &size) : NULL;

	return found && strcmp(found, text) == 0;
}

bool
acp_kube_status_is_one(const struct json_object *body)
{
	return has_text(body, "kind", "Status");
}

static enum acp_kube_reason
judge_conflict(const struct json_object *status)
{
	if (has_text(status, "reason", "AlreadyExists"))
		return ACP_KUBE_ALREADY_EXISTS;
	if (has_text(status, "reason", "Conflict"))
		return ACP_KUBE_CONFLICT;
	return ACP_KUBE_OTHER;
}

enum acp_kube_reason
acp_kube_status_judge(long code, const struct json_object *status)
{
	if (code >= 200 && code < 300)
		return ACP_KUBE_NO_REASON;
	if (code >= 500)
		return ACP_KUBE_SERVER;
	switch (code) {
	case CODE_BAD_REQUEST:
	case CODE_UNPROCESSABLE:
		return ACP_KUBE_INVALID;
	case CODE_UNAUTHORIZED:
		return ACP_KUBE_UNAUTHORIZED;
	case CODE_FORBIDDEN:
		return ACP_KUBE_FORBIDDEN;
	case CODE_NOT_FOUND:
		return has_text(status, "reason", "NotFound")
			? ACP_KUBE_NOT_FOUND
			: ACP_KUBE_OTHER;
	case CODE_CONFLICT:
		return judge_conflict(status);
	case CODE_GONE:
		return ACP_KUBE_EXPIRED;
	case CODE_TOO_MANY:
		return ACP_KUBE_TOO_MANY;
	default:
		return ACP_KUBE_OTHER;
	}
}

enum acp_error
acp_kube_status_get_error(enum acp_kube_reason reason)
{
	switch (reason) {
	case ACP_KUBE_NO_REASON:
		return ACP_OK;
	case ACP_KUBE_NOT_FOUND:
		return ACP_GONE;
	case ACP_KUBE_UNAUTHORIZED:
	case ACP_KUBE_FORBIDDEN:
		return ACP_DENIED;
	case ACP_KUBE_ALREADY_EXISTS:
	case ACP_KUBE_INVALID:
		return ACP_BAD_REQUEST;
	case ACP_KUBE_UNREACHABLE:
	case ACP_KUBE_NOT_LEADER:
	case ACP_KUBE_BAD_ANSWER:
	case ACP_KUBE_CONFLICT:
	case ACP_KUBE_EXPIRED:
	case ACP_KUBE_TOO_MANY:
	case ACP_KUBE_SERVER:
	case ACP_KUBE_OTHER:
	case ACP_KUBE_REASON__MAX:
		break;
	}
	return ACP_RETRY_LATER;
}

static size_t
cut_at_character(const char *message, size_t size)
{
	/* not inside of a character of UTF-8 */
	while (size && (message[size] & 0xc0) == 0x80)
		size--;
	return size;
}

void
acp_kube_status_write_message(
	const struct json_object *status, char *text, size_t size)
{
	size_t length = 0;
	const char *message =
		status ? acp_json_peek_text(status, "message", &length) : NULL;

	text[0] = '\0';
	if (!message)
		return;
	if (length >= size)
		length = cut_at_character(message, size - 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)message[i];

		text[i] = byte < 0x20 || byte == 0x7f ? ' ' : message[i];
	}
	text[length] = '\0';
}

const char *
acp_kube_reason_name(enum acp_kube_reason reason)
{
	switch (reason) {
	case ACP_KUBE_NO_REASON:
		return "None";
	case ACP_KUBE_UNREACHABLE:
		return "Unreachable";
	case ACP_KUBE_NOT_LEADER:
		return "NotLeader";
	case ACP_KUBE_BAD_ANSWER:
		return "BadAnswer";
	case ACP_KUBE_UNAUTHORIZED:
		return "Unauthorized";
	case ACP_KUBE_FORBIDDEN:
		return "Forbidden";
	case ACP_KUBE_NOT_FOUND:
		return "NotFound";
	case ACP_KUBE_ALREADY_EXISTS:
		return "AlreadyExists";
	case ACP_KUBE_CONFLICT:
		return "Conflict";
	case ACP_KUBE_EXPIRED:
		return "Expired";
	case ACP_KUBE_INVALID:
		return "Invalid";
	case ACP_KUBE_TOO_MANY:
		return "TooManyRequests";
	case ACP_KUBE_SERVER:
		return "ServerError";
	case ACP_KUBE_OTHER:
	case ACP_KUBE_REASON__MAX:
		break;
	}
	return "Other";
}
