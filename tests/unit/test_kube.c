/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kubernetes client against a server that answers as it is told: what is
 * sent, what an answer means, what is repeated, and how lists are read.
 */
#include <config.h>

#include "reconciler/kube.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "tests/unit/faulty.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <string.h>

static struct faulty faulty;
static char folder[] = "/tmp/acp-kube-XXXXXX";
static char token_path[64];
static char config_path[64];
static struct acp_http_pool *pool;
static struct acp_kube_access *access_;
static struct acp_kube *kube;
static struct acp_kube_reply reply;
static bool may_write;

static const struct acp_ref pod = {ACP_KIND_POD, "ns", "a-pod"};

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void
write_config(void)
{
	FILE *file = fopen(config_path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file,
		"current-context: c\n"
		"contexts: [{name: c, context: {cluster: k, user: u}}]\n"
		"clusters: [{name: k, cluster: {server: \"%s\"%s%s}}]\n"
		"users: [{name: u, user: {tokenFile: token}}]\n",
		faulty.url,
		*faulty.ca_file ? ", tls-server-name: kube.test, "
				  "certificate-authority: "
				: "",
		faulty.ca_file);
	ck_assert_int_eq(fclose(file), 0);
}

static bool
ask_may_write(void *context)
{
	(void)context;
	return may_write;
}

static void
enter(const char *option)
{
	struct acp_kube_guard guard = {ask_may_write, NULL};
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(token_path, sizeof(token_path), "%s/token", folder);
	snprintf(config_path, sizeof(config_path), "%s/config", folder);
	faulty_open_script(&faulty, "faulty_kube.py", option);
	write_file(token_path, "first-token\n");
	write_config();
	pool = acp_http_pool_new(4);
	ck_assert_int_eq(
		acp_kube_access_new(config_path, &access_, &why), ACP_OK);
	may_write = true;
	kube = acp_kube_new(access_, pool, &guard);
	acp_kube_reply_init(&reply);
}

static void
enter_plain(void)
{
	enter(NULL);
}

static void
enter_tls(void)
{
	enter("--tls");
}

static void
leave(void)
{
	acp_kube_reply_clear(&reply);
	acp_kube_free(&kube);
	acp_kube_access_free(&access_);
	acp_http_pool_free(&pool);
	faulty_close(&faulty);
	remove(token_path);
	remove(config_path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void
expect_seen(const char *name, const char *text)
{
	ACP_AUTO(free) char *seen = faulty_dup_text(&faulty, name);

	ck_assert_str_eq(seen, text);
}

static enum acp_error
get(void)
{
	acp_kube_reply_clear(&reply);
	return acp_kube_get(kube, &pod, &reply);
}

START_TEST(an_object_is_read_with_the_token_of_the_file)
{
	size_t size;

	faulty_set(&faulty,
		"{\"answers\":[{\"body\":{\"kind\":\"Pod\"},\"headers\":"
		"{\"Date\":\"Thu, 01 Jan 1970 00:16:40 GMT\"}}]}");
	ck_assert_int_eq(get(), ACP_OK);
	ck_assert_int_eq(reply.code, 200);
	ck_assert_int_eq(reply.reason, ACP_KUBE_NO_REASON);
	ck_assert_str_eq(acp_json_peek_text(reply.body, "kind", &size), "Pod");
	ck_assert_str_eq(reply.message, "");
	expect_seen("last_path", "/api/v1/namespaces/ns/pods/a-pod");
	expect_seen("last_accept", "application/json");
	expect_seen("last_bearer", "first-token");
}
END_TEST

static enum acp_error
delete_it(const struct acp_ref *ref, struct json_object *body)
{
	(void)body;
	return acp_kube_delete(kube, ref, "u1", "42", &reply);
}

static enum acp_error
get_it(const struct acp_ref *ref, struct json_object *body)
{
	(void)body;
	return acp_kube_get_metadata(kube, ref, &reply);
}

static enum acp_error
create_it(const struct acp_ref *ref, struct json_object *body)
{
	return acp_kube_create(kube, ref, body, &reply);
}

static enum acp_error
apply_it(const struct acp_ref *ref, struct json_object *body)
{
	return acp_kube_apply(kube, ref, body, &reply);
}

static enum acp_error
replace_it(const struct acp_ref *ref, struct json_object *body)
{
	return acp_kube_replace(kube, ref, body, &reply);
}

static enum acp_error
patch_it(const struct acp_ref *ref, struct json_object *body)
{
	return acp_kube_patch(kube, ref, body, &reply);
}

#define POD_PATH "/api/v1/namespaces/ns/pods/a-pod"
#define MANAGED "fieldManager=ambient-cp-reconciler"

static const struct {
	enum acp_error (*call)(const struct acp_ref *, struct json_object *);
	const char *method;
	const char *path;
	const char *type;
	const char *accept;
	const char *body;
} verbs[] = {
	{create_it, "POST", "/api/v1/namespaces/ns/pods?" MANAGED,
		"application/json", "application/json", "{\"a\":\"b/c\"}"},
	{apply_it, "PATCH", POD_PATH "?" MANAGED "&force=true",
		"application/apply-patch+yaml", "application/json",
		"{\"a\":\"b/c\"}"},
	{replace_it, "PUT", POD_PATH "?" MANAGED, "application/json",
		"application/json", "{\"a\":\"b/c\"}"},
	{patch_it, "PATCH", POD_PATH "?" MANAGED,
		"application/merge-patch+json", "application/json",
		"{\"a\":\"b/c\"}"},
	{delete_it, "DELETE", POD_PATH, "application/json", "application/json",
		"{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
		"\"propagationPolicy\":\"Background\",\"preconditions\":"
		"{\"uid\":\"u1\",\"resourceVersion\":\"42\"}}"},
	{get_it, "GET", POD_PATH, NULL,
		"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
		""},
};

START_TEST(each_verb_is_sent_as_the_api_wants_it)
{
	ACP_AUTO(json)
	struct json_object *body = acp_json_new("{\"a\":\"b/c\"}", 11);

	faulty_set(&faulty, "{\"answers\":[{\"status\":201}]}");
	ck_assert_int_eq(verbs[_i].call(&pod, body), ACP_OK);
	expect_seen("last_method", verbs[_i].method);
	expect_seen("last_path", verbs[_i].path);
	expect_seen("last_accept", verbs[_i].accept);
	expect_seen("last_body", verbs[_i].body);
	if (verbs[_i].type)
		expect_seen("last_type", verbs[_i].type);
}
END_TEST

START_TEST(what_has_no_name_is_not_sent)
{
	ACP_AUTO(json) struct json_object *body = acp_json_new("{}", 2);
	static const struct acp_ref bad[] = {
		{ACP_KIND_POD, "ns", NULL},
		{ACP_KIND_POD, "ns", ""},
		{ACP_KIND_POD, "", "a-pod"},
		{ACP_KIND_POD, NULL, "a-pod"},
		{ACP_KIND_NAMESPACE, NULL, ""},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		acp_kube_reply_clear(&reply);
		ck_assert_int_eq(delete_it(&bad[i], body), ACP_BAD_REQUEST);
		ck_assert_int_eq(reply.reason, ACP_KUBE_INVALID);
	}
	ck_assert_int_eq(
		acp_kube_delete(kube, &pod, "", NULL, &reply), ACP_BAD_REQUEST);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 0);
}
END_TEST

#define STATUS(code, reason) \
	"\"status\":" code \
	",\"body\":{\"kind\":\"Status\",\"reason\":\"" reason \
	"\",\"message\":\"words\\nof it\"}"

static const struct {
	const char *answer;
	enum acp_error error;
	enum acp_kube_reason reason;
	const char *message;
} statuses[] = {
	{STATUS("404", "NotFound"), ACP_GONE, ACP_KUBE_NOT_FOUND,
		"words of it"},
	{"\"status\":404,\"body\":\"404 page not found\"", ACP_RETRY_LATER,
		ACP_KUBE_OTHER, ""},
	{"\"status\":404,\"body\":{\"reason\":\"NotFound\"}", ACP_RETRY_LATER,
		ACP_KUBE_OTHER, ""},
	{STATUS("404", "Other"), ACP_RETRY_LATER, ACP_KUBE_OTHER,
		"words of it"},
	{STATUS("401", "Unauthorized"), ACP_DENIED, ACP_KUBE_UNAUTHORIZED,
		"words of it"},
	{STATUS("403", "Forbidden"), ACP_DENIED, ACP_KUBE_FORBIDDEN,
		"words of it"},
	{STATUS("409", "AlreadyExists"), ACP_BAD_REQUEST,
		ACP_KUBE_ALREADY_EXISTS, "words of it"},
	{STATUS("409", "Conflict"), ACP_RETRY_LATER, ACP_KUBE_CONFLICT,
		"words of it"},
	{"\"status\":409,\"body\":\"no\"", ACP_RETRY_LATER, ACP_KUBE_OTHER, ""},
	{STATUS("410", "Expired"), ACP_RETRY_LATER, ACP_KUBE_EXPIRED,
		"words of it"},
	{STATUS("422", "Invalid"), ACP_BAD_REQUEST, ACP_KUBE_INVALID,
		"words of it"},
	{STATUS("400", "BadRequest"), ACP_BAD_REQUEST, ACP_KUBE_INVALID,
		"words of it"},
	{STATUS("405", "MethodNotAllowed"), ACP_RETRY_LATER, ACP_KUBE_OTHER,
		"words of it"},
	{"\"status\":302,\"headers\":{\"Location\":\"/x\"}", ACP_RETRY_LATER,
		ACP_KUBE_OTHER, ""},
	{"\"status\":200,\"body\":\"<html>\"", ACP_RETRY_LATER,
		ACP_KUBE_BAD_ANSWER, NULL},
	{"\"status\":200,\"body\":\"{\\\"a\\\":\"", ACP_RETRY_LATER,
		ACP_KUBE_BAD_ANSWER, NULL},
	{"\"status\":200,\"body\":\"\"", ACP_RETRY_LATER, ACP_KUBE_BAD_ANSWER,
		NULL},
};

START_TEST(an_answer_means_what_code_and_reason_say)
{
	ACP_AUTO(free) char *line = NULL;

	ck_assert_int_gt(
		asprintf(&line, "{\"answers\":[{%s}]}", statuses[_i].answer),
		0);
	faulty_set(&faulty, line);
	ck_assert_int_eq(get(), statuses[_i].error);
	ck_assert_int_eq(reply.reason, statuses[_i].reason);
	if (statuses[_i].message)
		ck_assert_str_eq(reply.message, statuses[_i].message);
	else
		ck_assert_uint_gt(strlen(reply.message), 0);
	/* 401 alone is asked again, once, with the token read again */
	ck_assert_int_eq(faulty_get(&faulty, "requests"),
		reply.reason == ACP_KUBE_UNAUTHORIZED ? 2 : 1);
}
END_TEST

static const char *const passing[] = {
	"{\"status\":500}",
	"{\"status\":503,\"body\":\"no\"}",
	"{\"status\":429,\"headers\":{\"Retry-After\":\"1\"}}",
	"{\"how\":\"close\"}",
	"{\"how\":\"cut\",\"body\":\"{\\\"kind\\\":\\\"Pod\\\"}\"}",
};

START_TEST(what_may_pass_is_asked_again)
{
	ACP_AUTO(free) char *line = NULL;

	ck_assert_int_gt(
		asprintf(&line, "{\"answers\":[%s,{}]}", passing[_i]), 0);
	faulty_set(&faulty, line);
	ck_assert_int_eq(get(), ACP_OK);
	ck_assert_int_eq(reply.reason, ACP_KUBE_NO_REASON);
	ck_assert_str_eq(reply.message, "");
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 2);
}
END_TEST

START_TEST(what_does_not_pass_is_given_up)
{
	struct acp_http_count counts[4];

	faulty_set(&faulty,
		"{\"answers\":[{\"status\":503},{\"status\":429,"
		"\"headers\":{\"Retry-After\":\"600\"}}]}");
	ck_assert_int_eq(get(), ACP_RETRY_LATER);
	ck_assert_int_eq(reply.reason, ACP_KUBE_TOO_MANY);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 2);
	ck_assert_uint_eq(acp_kube_get_counts(kube, counts, 4), 2);
	ck_assert_int_eq(counts[0].code, 503);
	ck_assert_int_eq(counts[1].code, 429);
	ck_assert_uint_eq(counts[1].requests, 1);
}
END_TEST

START_TEST(a_create_whose_answer_was_lost_may_find_its_object)
{
	ACP_AUTO(json) struct json_object *body = acp_json_new("{}", 2);

	faulty_set(&faulty,
		"{\"answers\":[{\"how\":\"close\"},{" STATUS(
			"409", "AlreadyExists") "}]}");
	ck_assert_int_eq(create_it(&pod, body), ACP_BAD_REQUEST);
	ck_assert_int_eq(reply.reason, ACP_KUBE_ALREADY_EXISTS);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 2);
}
END_TEST

START_TEST(a_write_ends_within_its_time)
{
	ACP_AUTO(json) struct json_object *body = acp_json_new("{}", 2);

	faulty_set(&faulty, "{\"answers\":[{\"how\":\"hang\"}]}");
	ck_assert_int_eq(create_it(&pod, body), ACP_RETRY_LATER);
	ck_assert_int_eq(reply.reason, ACP_KUBE_UNREACHABLE);
	ck_assert_int_eq(reply.code, 0);
	ck_assert_str_eq(reply.message, "Timeout was reached");
}
END_TEST

START_TEST(no_write_is_sent_that_is_not_ours_to_make)
{
	ACP_AUTO(json) struct json_object *body = acp_json_new("{}", 2);

	faulty_set(&faulty, "{\"answers\":[{}]}");
	may_write = false;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].method, "GET") == 0)
			continue;
		acp_kube_reply_clear(&reply);
		ck_assert_int_eq(verbs[i].call(&pod, body), ACP_RETRY_LATER);
		ck_assert_int_eq(reply.reason, ACP_KUBE_NOT_LEADER);
	}
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 0);
	ck_assert_int_eq(get(), ACP_OK);
}
END_TEST

static int64_t writes_left;

static bool
ask_may_write_once(void *context)
{
	(void)context;
	return writes_left-- > 0;
}

START_TEST(the_right_to_write_is_asked_for_at_each_attempt)
{
	ACP_AUTO(json) struct json_object *body = acp_json_new("{}", 2);
	struct acp_kube_guard guard = {ask_may_write_once, NULL};

	acp_kube_free(&kube);
	kube = acp_kube_new(access_, pool, &guard);
	writes_left = 1;
	faulty_set(&faulty, "{\"answers\":[{\"status\":503},{}]}");
	ck_assert_int_eq(create_it(&pod, body), ACP_RETRY_LATER);
	ck_assert_int_eq(reply.reason, ACP_KUBE_NOT_LEADER);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 1);
}
END_TEST

START_TEST(a_token_that_was_rotated_is_read_again)
{
	faulty_set(&faulty, "{\"answers\":[{}]}");
	ck_assert_int_eq(get(), ACP_OK);
	write_file(token_path, "second-token");
	faulty_set(&faulty, "{\"answers\":[{\"status\":401},{}]}");
	ck_assert_int_eq(get(), ACP_OK);
	expect_seen("last_bearer", "second-token");
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 3);
}
END_TEST

START_TEST(without_a_token_nothing_is_sent)
{
	write_file(token_path, "not a token");
	ck_assert_int_eq(get(), ACP_DENIED);
	ck_assert_int_eq(reply.reason, ACP_KUBE_UNAUTHORIZED);
	ck_assert_ptr_nonnull(strstr(reply.message, token_path));
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 0);
}
END_TEST

START_TEST(an_answer_of_the_limit_is_taken_and_one_byte_more_is_not)
{
	char line[128];

	snprintf(line, sizeof(line),
		"{\"answers\":[{\"how\":\"padded\",\"size\":%d}]}",
		ACP_KUBE_REPLY_MAX);
	faulty_set(&faulty, line);
	ck_assert_int_eq(get(), ACP_OK);
	snprintf(line, sizeof(line),
		"{\"answers\":[{\"how\":\"padded\",\"size\":%d}]}",
		ACP_KUBE_REPLY_MAX + 1);
	faulty_set(&faulty, line);
	ck_assert_int_eq(get(), ACP_RETRY_LATER);
	ck_assert_int_eq(reply.reason, ACP_KUBE_UNREACHABLE);
	ck_assert_str_eq(reply.message, "the reply is too large");
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 2);
}
END_TEST

START_TEST(an_answer_of_the_depth_is_taken_and_one_deeper_is_not)
{
	ACP_AUTO(buffer) struct acp_buffer line;
	size_t depth = ACP_KUBE_JSON_DEPTH_MAX + (size_t)_i;

	acp_buffer_init(&line, ACP_LOG_LINE_MAX);
	acp_buffer_append(&line, "{\"answers\":[{\"body\":");
	for (size_t i = 1; i < depth; i++)
		acp_buffer_append(&line, "{\"a\":");
	acp_buffer_append(&line, "{}");
	for (size_t i = 1; i < depth; i++)
		acp_buffer_append(&line, "}");
	acp_buffer_append(&line, "}]}");
	faulty_set(&faulty, acp_buffer_peek(&line));
	ck_assert_int_eq(get(), _i ? ACP_RETRY_LATER : ACP_OK);
	ck_assert_int_eq(
		reply.reason, _i ? ACP_KUBE_BAD_ANSWER : ACP_KUBE_NO_REASON);
}
END_TEST

/* Lists */

struct seen {
	size_t begun;
	size_t count;
	size_t wrong; /* not the next number */
};

static void
begin_seen(void *context)
{
	struct seen *seen = context;

	seen->begun++;
	seen->count = 0;
}

static void
take_seen(void *context, struct json_object *item)
{
	struct seen *seen = context;
	struct json_object *metadata = json_object_object_get(item, "metadata");
	char name[32];

	snprintf(name, sizeof(name), "pod-%zu", seen->count);
	seen->count++;
	seen->wrong += strcmp(name,
			       json_object_get_string(json_object_object_get(
				       metadata, "name"))) != 0;
}

static enum acp_error
list(enum acp_kind kind, size_t page, struct seen *seen)
{
	struct acp_kube_list what = {
		.kind = kind,
		.selector = "a=b,c in (d)",
		.page = page,
	};
	struct acp_kube_sink sink = {begin_seen, take_seen, seen};

	*seen = (struct seen){0};
	acp_kube_reply_clear(&reply);
	return acp_kube_list(kube, &what, &sink, &reply);
}

START_TEST(a_list_is_read_page_by_page)
{
	struct seen seen;

	faulty_set(&faulty, "{\"answers\":[{\"how\":\"pods\",\"total\":25}]}");
	ck_assert_int_eq(list(ACP_KIND_POD, 10, &seen), ACP_OK);
	ck_assert_uint_eq(seen.begun, 1);
	ck_assert_uint_eq(seen.count, 25);
	ck_assert_uint_eq(seen.wrong, 0);
	ck_assert_ptr_null(reply.body);
	expect_seen("paths",
		"/api/v1/pods?limit=10&labelSelector=a%3Db%2Cc%20in%20%28d%29 "
		"/api/v1/pods?limit=10&labelSelector=a%3Db%2Cc%20in%20%28d%29"
		"&continue=%2B%20%2F10 "
		"/api/v1/pods?limit=10&labelSelector=a%3Db%2Cc%20in%20%28d%29"
		"&continue=%2B%20%2F20");
}
END_TEST

START_TEST(an_empty_list_is_a_list)
{
	struct seen seen;

	faulty_set(&faulty, "{\"answers\":[{\"how\":\"pods\",\"total\":0}]}");
	ck_assert_int_eq(list(ACP_KIND_POD, 10, &seen), ACP_OK);
	ck_assert_uint_eq(seen.begun, 1);
	ck_assert_uint_eq(seen.count, 0);
}
END_TEST

START_TEST(a_list_that_expired_starts_over)
{
	struct seen seen;

	faulty_set(&faulty,
		"{\"answers\":[{\"how\":\"pods\",\"total\":25,"
		"\"expire_at\":20}]}");
	ck_assert_int_eq(list(ACP_KIND_POD, 10, &seen), ACP_OK);
	ck_assert_uint_eq(seen.begun, 2);
	ck_assert_uint_eq(seen.count, 25);
	ck_assert_uint_eq(seen.wrong, 0);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 6);
}
END_TEST

#define PAGE_1 "{\"how\":\"pods\",\"total\":25}"

START_TEST(a_list_that_always_expires_is_unknown)
{
	struct seen seen;

	faulty_set(&faulty,
		"{\"answers\":[" PAGE_1 ",{\"status\":410}," PAGE_1
		",{\"status\":410}," PAGE_1 ",{\"status\":410}]}");
	ck_assert_int_eq(list(ACP_KIND_POD, 10, &seen), ACP_RETRY_LATER);
	ck_assert_int_eq(reply.reason, ACP_KUBE_EXPIRED);
	ck_assert_uint_eq(seen.begun, ACP_KUBE_LIST_STARTS_MAX);
}
END_TEST

static const struct {
	const char *answer;
	enum acp_error error;
	enum acp_kube_reason reason;
} bad_pages[] = {
	{"{\"body\":\"{\\\"kind\\\":\\\"PodList\\\",\\\"items\\\":[{\"}",
		ACP_RETRY_LATER, ACP_KUBE_BAD_ANSWER},
	{"{\"body\":{\"kind\":\"PodList\",\"metadata\":{}}}", ACP_RETRY_LATER,
		ACP_KUBE_BAD_ANSWER},
	{"{\"body\":{\"kind\":\"PodList\",\"metadata\":{},\"items\":{}}}",
		ACP_RETRY_LATER, ACP_KUBE_BAD_ANSWER},
	{"{\"body\":{\"kind\":\"PodList\",\"metadata\":{},\"items\":[1]}}",
		ACP_RETRY_LATER, ACP_KUBE_BAD_ANSWER},
	{"{\"body\":{\"kind\":\"PodList\",\"items\":[]}}", ACP_RETRY_LATER,
		ACP_KUBE_BAD_ANSWER},
	{"{\"body\":{\"kind\":\"Pod\",\"metadata\":{},\"items\":[]}}",
		ACP_RETRY_LATER, ACP_KUBE_BAD_ANSWER},
	{"{\"body\":{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"+ /10\"},"
	 "\"items\":[]}}",
		ACP_RETRY_LATER, ACP_KUBE_BAD_ANSWER},
	{"{" STATUS("403", "Forbidden") "}", ACP_DENIED, ACP_KUBE_FORBIDDEN},
	{"{\"status\":404,\"body\":\"404 page not found\"}", ACP_RETRY_LATER,
		ACP_KUBE_OTHER},
};

START_TEST(a_list_with_a_bad_page_is_unknown)
{
	ACP_AUTO(free) char *line = NULL;
	struct seen seen;

	ck_assert_int_gt(asprintf(&line, "{\"answers\":[" PAGE_1 ",%s]}",
				 bad_pages[_i].answer),
		0);
	faulty_set(&faulty, line);
	ck_assert_int_eq(list(ACP_KIND_POD, 10, &seen), bad_pages[_i].error);
	ck_assert_int_eq(reply.reason, bad_pages[_i].reason);
	ck_assert_ptr_null(reply.body);
}
END_TEST

START_TEST(a_kind_that_is_not_served_is_told_from_a_list_that_failed)
{
	struct seen seen;

	faulty_set(&faulty,
		"{\"answers\":[{\"status\":404,\"body\":"
		"\"404 page not found\"}]}");
	ck_assert_int_eq(list(ACP_KIND_PROJECT_SETTINGS, 10, &seen), ACP_GONE);
	ck_assert_int_eq(list(ACP_KIND_POD, 10, &seen), ACP_RETRY_LATER);
	faulty_set(&faulty, "{\"answers\":[{" STATUS("404", "NotFound") "}]}");
	ck_assert_int_eq(list(ACP_KIND_POD, 10, &seen), ACP_GONE);
}
END_TEST

START_TEST(a_page_that_is_too_large_is_asked_for_in_halves)
{
	ACP_AUTO(free) char *line = NULL;
	struct seen seen;

	ck_assert_int_gt(
		asprintf(&line,
			"{\"answers\":[{\"how\":\"padded\",\"size\":%d}," PAGE_1
			"]}",
			ACP_KUBE_REPLY_MAX + 1),
		0);
	faulty_set(&faulty, line);
	ck_assert_int_eq(list(ACP_KIND_POD, 25, &seen), ACP_OK);
	ck_assert_uint_eq(seen.count, 25);
	ck_assert_uint_eq(seen.begun, 1);
	/* 25, then 12 at a time */
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 4);
}
END_TEST

START_TEST(metadata_are_listed_without_the_rest)
{
	struct acp_kube_list what = {
		.kind = ACP_KIND_NAMESPACE,
		.page = 500,
		.is_metadata_only = true,
	};
	struct seen seen = {0};
	struct acp_kube_sink sink = {begin_seen, take_seen, &seen};

	faulty_set(&faulty, "{\"answers\":[" PAGE_1 "]}");
	ck_assert_int_eq(acp_kube_list(kube, &what, &sink, &reply), ACP_OK);
	ck_assert_uint_eq(seen.count, 25);
	expect_seen("last_path", "/api/v1/namespaces?limit=500");
	expect_seen("last_accept",
		"application/json;as="
		"PartialObjectMetadataList;g=meta.k8s.io;"
		"v=v1");
}
END_TEST

START_TEST(a_right_is_asked_for)
{
	struct acp_kube_right right = {
		.verb = "bind",
		.group = "rbac.authorization.k8s.io",
		.resource = "clusterroles",
		.name = "view",
	};
	bool may = false;

	may_write = false; /* asking is no write */
	faulty_set(&faulty,
		"{\"answers\":[{\"status\":201,\"body\":"
		"{\"status\":{\"allowed\":true}}}]}");
	ck_assert_int_eq(acp_kube_may(kube, &right, &may, &reply), ACP_OK);
	ck_assert(may);
	expect_seen("last_path",
		"/apis/authorization.k8s.io/v1/"
		"selfsubjectaccessreviews");
	expect_seen("last_body",
		"{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":"
		"\"SelfSubjectAccessReview\",\"spec\":{\"resourceAttributes\":"
		"{\"verb\":\"bind\",\"group\":\"rbac.authorization.k8s.io\","
		"\"resource\":\"clusterroles\",\"name\":\"view\"}}}");
	acp_kube_reply_clear(&reply);
	faulty_set(&faulty,
		"{\"answers\":[{\"status\":201,\"body\":"
		"{\"status\":{\"allowed\":\"yes\"}}}]}");
	ck_assert_int_eq(
		acp_kube_may(kube, &right, &may, &reply), ACP_RETRY_LATER);
	ck_assert_int_eq(reply.reason, ACP_KUBE_BAD_ANSWER);
}
END_TEST

static void *
run_get(void *argument)
{
	struct acp_kube_reply mine = {0};

	*(enum acp_error *)argument = acp_kube_get(kube, &pod, &mine);
	acp_kube_reply_clear(&mine);
	return NULL;
}

START_TEST(many_threads_share_few_connections)
{
	enum { THREADS = 40, PLACES = 4 };
	pthread_t threads[THREADS];
	enum acp_error errors[THREADS];

	faulty_set(&faulty, "{\"answers\":[{\"body\":{\"kind\":\"Pod\"}}]}");
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, run_get, &errors[i]),
			0);
	for (size_t i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(errors[i], ACP_OK);
	}
	ck_assert_int_eq(faulty_get(&faulty, "requests"), THREADS);
	ck_assert_int_le(faulty_get(&faulty, "connections"), PLACES);
}
END_TEST

START_TEST(a_server_is_known_by_the_name_that_its_certificate_has)
{
	faulty_set(&faulty, "{\"answers\":[{\"body\":{\"kind\":\"Pod\"}}]}");
	ck_assert_int_eq(get(), ACP_OK);
	expect_seen("last_host", strstr(faulty.url, "//") + 2);
	expect_seen("last_bearer", "first-token");
}
END_TEST

static void
add_list_tests(Suite *suite)
{
	TCase *lists = tcase_create("lists");

	tcase_add_checked_fixture(lists, enter_plain, leave);
	tcase_set_timeout(lists, 60);
	tcase_add_test(lists, a_list_is_read_page_by_page);
	tcase_add_test(lists, an_empty_list_is_a_list);
	tcase_add_test(lists, a_list_that_expired_starts_over);
	tcase_add_test(lists, a_list_that_always_expires_is_unknown);
	tcase_add_loop_test(lists, a_list_with_a_bad_page_is_unknown, 0,
		sizeof(bad_pages) / sizeof(bad_pages[0]));
	tcase_add_test(lists,
		a_kind_that_is_not_served_is_told_from_a_list_that_failed);
	tcase_add_test(lists, a_page_that_is_too_large_is_asked_for_in_halves);
	tcase_add_test(lists, metadata_are_listed_without_the_rest);
	suite_add_tcase(suite, lists);
}

static void
add_repeat_tests(TCase *calls)
{
	tcase_add_loop_test(calls, what_may_pass_is_asked_again, 0,
		sizeof(passing) / sizeof(passing[0]));
	tcase_add_test(calls, what_does_not_pass_is_given_up);
	tcase_add_test(
		calls, a_create_whose_answer_was_lost_may_find_its_object);
	tcase_add_test(calls, a_write_ends_within_its_time);
	tcase_add_test(calls, no_write_is_sent_that_is_not_ours_to_make);
	tcase_add_test(calls, the_right_to_write_is_asked_for_at_each_attempt);
	tcase_add_test(calls, a_token_that_was_rotated_is_read_again);
	tcase_add_test(calls, without_a_token_nothing_is_sent);
}

static Suite *
kube_suite(void)
{
	Suite *suite = suite_create("kube");
	TCase *calls = tcase_create("calls");
	TCase *tls = tcase_create("tls");

	tcase_add_checked_fixture(calls, enter_plain, leave);
	tcase_set_timeout(calls, 60);
	tcase_add_test(calls, an_object_is_read_with_the_token_of_the_file);
	tcase_add_loop_test(calls, each_verb_is_sent_as_the_api_wants_it, 0,
		sizeof(verbs) / sizeof(verbs[0]));
	tcase_add_test(calls, what_has_no_name_is_not_sent);
	tcase_add_loop_test(calls, an_answer_means_what_code_and_reason_say, 0,
		sizeof(statuses) / sizeof(statuses[0]));
	add_repeat_tests(calls);
	tcase_add_test(calls,
		an_answer_of_the_limit_is_taken_and_one_byte_more_is_not);
	tcase_add_loop_test(calls,
		an_answer_of_the_depth_is_taken_and_one_deeper_is_not, 0, 2);
	tcase_add_test(calls, a_right_is_asked_for);
	tcase_add_test(calls, many_threads_share_few_connections);
	suite_add_tcase(suite, calls);
	add_list_tests(suite);
	tcase_add_checked_fixture(tls, enter_tls, leave);
	tcase_set_timeout(tls, 60);
	tcase_add_test(
		tls, a_server_is_known_by_the_name_that_its_certificate_has);
	suite_add_tcase(suite, tls);
	return suite;
}

ACP_UNIT_MAIN(kube_suite)
