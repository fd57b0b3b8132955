/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kubernetes client by hand, for tests/system/410-kube-client.py: a line
 * of JSON in ({"do": "get", "kind": "Pod", ...}), a line of JSON out. Its one
 * argument is a kubeconfig.
 */
#include <config.h>

#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "reconciler/kube.h"
#include "reconciler/self_check.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { IN_FLIGHT = 16, THREADS_MAX = 256 };

struct drive {
	struct acp_kube_access *access;
	struct acp_http_pool *pool;
	struct acp_kube *kube;
	struct json_object *line;
	struct acp_kube_reply reply;
	struct json_object *items; /* of a list */
	int64_t begun; /* how often it began */
};

static const char *
peek(const struct drive *drive, const char *name)
{
	size_t size;

	return acp_json_peek_text(drive->line, name, &size);
}

static struct json_object *
peek_body(const struct drive *drive)
{
	return json_object_object_get(drive->line, "body");
}

static int64_t
peek_number(const struct drive *drive, const char *name)
{
	int64_t number = 0;

	(void)acp_json_has_number(drive->line, name, &number);
	return number;
}

static enum acp_kind
find_kind(const char *name)
{
	enum acp_kind kind = 0;

	while (kind < ACP_KIND__MAX && strcmp(acp_kind_name(kind), name) != 0)
		kind++;
	if (kind == ACP_KIND__MAX)
		exit(EXIT_FAILURE);
	return kind;
}

static struct acp_ref
peek_ref(const struct drive *drive)
{
	return (struct acp_ref){
		.kind = find_kind(peek(drive, "kind")),
		.namespace = peek(drive, "namespace"),
		.name = peek(drive, "name"),
	};
}

static void
begin(void *context)
{
	struct drive *drive = context;

	drive->begun++;
	json_object_put(drive->items);
	drive->items = json_object_new_array();
}

static void
take(void *context, struct json_object *item)
{
	struct drive *drive = context;

	json_object_array_add(drive->items, json_object_get(item));
}

static enum acp_error
do_list(struct drive *drive)
{
	struct acp_kube_sink sink = {begin, take, drive};
	struct acp_kube_list list = {
		.kind = find_kind(peek(drive, "kind")),
		.namespace = peek(drive, "namespace"),
		.selector = peek(drive, "selector"),
		.page = (size_t)peek_number(drive, "page"),
		.is_metadata_only = peek_number(drive, "metadata") != 0,
	};

	return acp_kube_list(drive->kube, &list, &sink, &drive->reply);
}

static enum acp_error
do_may(struct drive *drive)
{
	struct acp_kube_right right = {
		.verb = peek(drive, "verb"),
		.group = peek(drive, "group"),
		.resource = peek(drive, "resource"),
		.namespace = peek(drive, "namespace"),
		.name = peek(drive, "name"),
	};
	bool may = false;
	enum acp_error error =
		acp_kube_may(drive->kube, &right, &may, &drive->reply);

	drive->begun = may;
	return error;
}

/* The version of HTTP that is spoken; 20 for HTTP/2. */
static enum acp_error
do_version(struct drive *drive)
{
	ACP_AUTO(http_answer) struct acp_http_answer answer = {0};
	struct acp_http_call call = {
		.server = acp_kube_access_peek_server(drive->access),
		.method = "GET",
		.path = "/version",
		.accept = "application/json",
		.timeout_ms = ACP_KUBE_READ_MS,
		.reply_max = ACP_KUBE_REPLY_MAX,
	};
	const char *why = "";
	enum acp_error error =
		acp_http_pool_send(drive->pool, &call, &answer, &why);

	drive->begun = answer.version;
	return error;
}

static void *
run_gets(void *context)
{
	struct drive *drive = context;
	struct acp_ref ref = peek_ref(drive);
	int64_t count = peek_number(drive, "count");
	intptr_t failed = 0;

	for (int64_t i = 0; i < count; i++) {
		ACP_AUTO(kube_reply) struct acp_kube_reply reply = {0};

		failed += acp_kube_get(drive->kube, &ref, &reply) != ACP_OK;
	}
	return (void *)failed;
}

/* Many threads at once; tells how many requests failed. */
static enum acp_error
do_flood(struct drive *drive)
{
	pthread_t threads[THREADS_MAX];
	int64_t count = peek_number(drive, "threads");
	void *failed;

	for (int64_t i = 0; i < count && i < THREADS_MAX; i++)
		if (pthread_create(&threads[i], NULL, run_gets, drive))
			exit(EXIT_FAILURE);
	for (int64_t i = 0; i < count && i < THREADS_MAX; i++) {
		pthread_join(threads[i], &failed);
		drive->begun += (intptr_t)failed;
	}
	return ACP_OK;
}

static enum acp_error
do_self_check(struct drive *drive)
{
	struct acp_self_check_scope scope = {
		.runtime_namespace = peek(drive, "namespace"),
		.config_namespace = peek(drive, "config_namespace"),
		.is_mpp = peek_number(drive, "mpp") != 0,
	};
	ACP_AUTO(buffer) struct acp_buffer lines;
	size_t missing = 0;
	enum acp_error error;

	acp_buffer_init(&lines, ACP_LOG_LINE_MAX);
	error = acp_self_check_run(
		drive->kube, &scope, ACP_SELF_CHECK_WHOLE, &lines, &missing);
	drive->begun = (int64_t)missing;
	snprintf(drive->reply.message, sizeof(drive->reply.message), "%s",
		acp_buffer_peek(&lines));
	return error;
}

static enum acp_error
do_object(struct drive *drive, const char *verb)
{
	struct acp_kube_reply *reply = &drive->reply;
	struct acp_kube *kube = drive->kube;
	struct acp_ref ref = peek_ref(drive);

	if (strcmp(verb, "get") == 0)
		return acp_kube_get(kube, &ref, reply);
	if (strcmp(verb, "metadata") == 0)
		return acp_kube_get_metadata(kube, &ref, reply);
	if (strcmp(verb, "create") == 0)
		return acp_kube_create(kube, &ref, peek_body(drive), reply);
	if (strcmp(verb, "apply") == 0)
		return acp_kube_apply(kube, &ref, peek_body(drive), reply);
	if (strcmp(verb, "replace") == 0)
		return acp_kube_replace(kube, &ref, peek_body(drive), reply);
	if (strcmp(verb, "patch") == 0)
		return acp_kube_patch(kube, &ref, peek_body(drive), reply);
	return acp_kube_delete(
		kube, &ref, peek(drive, "uid"), peek(drive, "version"), reply);
}

static enum acp_error
do_line(struct drive *drive)
{
	const char *verb = peek(drive, "do");

	if (strcmp(verb, "list") == 0)
		return do_list(drive);
	if (strcmp(verb, "may") == 0)
		return do_may(drive);
	if (strcmp(verb, "version") == 0)
		return do_version(drive);
	if (strcmp(verb, "flood") == 0)
		return do_flood(drive);
	if (strcmp(verb, "self_check") == 0)
		return do_self_check(drive);
	return do_object(drive, verb);
}

static void
print_answer(struct drive *drive, enum acp_error error)
{
	struct json_object *answer = json_object_new_object();
	const struct acp_kube_reply *reply = &drive->reply;

	json_object_object_add(
		answer, "error", json_object_new_string(acp_error_name(error)));
	json_object_object_add(
		answer, "code", json_object_new_int64(reply->code));
	json_object_object_add(answer, "reason",
		json_object_new_string(acp_kube_reason_name(reply->reason)));
	json_object_object_add(
		answer, "date", json_object_new_int64(reply->date_s));
	json_object_object_add(
		answer, "message", json_object_new_string(reply->message));
	json_object_object_add(
		answer, "number", json_object_new_int64(drive->begun));
	json_object_object_add(answer, "body", json_object_get(reply->body));
	json_object_object_add(answer, "items", json_object_get(drive->items));
	puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(answer);
}

static void
run_line(struct drive *drive, const char *line)
{
	enum acp_error error;

	drive->line = json_tokener_parse(line);
	if (!drive->line)
		exit(EXIT_FAILURE);
	acp_kube_reply_init(&drive->reply);
	drive->begun = 0;
	error = do_line(drive);
	print_answer(drive, error);
	acp_kube_reply_clear(&drive->reply);
	acp_json_free(&drive->items);
	acp_json_free(&drive->line);
}

int
main(int argc, char **argv)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	ACP_AUTO(free) char *line = NULL;
	struct drive drive = {0};
	size_t room = 0;

	acp_buffer_init(&why, ACP_LOG_LINE_MAX);
	if (argc != 2 || acp_kube_access_new(argv[1], &drive.access, &why)) {
		fprintf(stderr, "%s\n", acp_buffer_peek(&why));
		return EXIT_FAILURE;
	}
	drive.pool = acp_http_pool_new(IN_FLIGHT);
	drive.kube = acp_kube_new(drive.access, drive.pool, NULL);
	while (getline(&line, &room, stdin) > 0)
		run_line(&drive, line);
	acp_kube_free(&drive.kube);
	acp_http_pool_free(&drive.pool);
	acp_kube_access_free(&drive.access);
	return EXIT_SUCCESS;
}
