/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a server that misbehaves and talks to it over its pipes, so
 * that a test needs no HTTP client of its own.
 */
#include <config.h>

#include "tests/unit/faulty.h"

#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LINE_SIZE = 200000 };

static char *
find_script(const char *name)
{
	const char *root = getenv("ACP_SRCDIR");
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/tests/support/%s",
				 root ? root : ACP_TEST_SRCDIR, name),
		0);
	return path;
}

static void
spawn_script(struct faulty *faulty, const char *name, const char *option,
	int in, int out)
{
	char *script = find_script(name);
	char python[] = "/usr/bin/python3";
	char flag[] = "--stdin";
	char *last = option ? acp_memory_dup_text(option) : NULL;
	char *arguments[] = {python, script, flag, last, NULL};
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	ck_assert_int_eq(posix_spawn(&faulty->pid, python, &actions, NULL,
				 arguments, environ),
		0);
	posix_spawn_file_actions_destroy(&actions);
	free(last);
	free(script);
}

static struct json_object *
read_line(struct faulty *faulty)
{
	char *line = acp_memory_new(LINE_SIZE, 1);
	struct json_object *object;

	ck_assert_ptr_nonnull(fgets(line, LINE_SIZE, faulty->from));
	object = json_tokener_parse(line);
	ck_assert_ptr_nonnull(object);
	ck_assert_msg(!json_object_object_get(object, "error"), "%s", line);
	free(line);
	return object;
}

static void
copy_text(struct json_object *object, const char *name, char *text, size_t size)
{
	struct json_object *member = json_object_object_get(object, name);

	snprintf(
		text, size, "%s", member ? json_object_get_string(member) : "");
}

void
faulty_open(struct faulty *faulty, const char *option)
{
	faulty_open_script(faulty, "faulty_idp.py", option);
}

void
faulty_open_script(struct faulty *faulty, const char *name, const char *option)
{
	int in[2];
	int out[2];
	struct json_object *ready;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	spawn_script(faulty, name, option, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	faulty->to = fdopen(in[1], "w");
	faulty->from = fdopen(out[0], "r");
	ready = read_line(faulty);
	copy_text(ready, "token_url", faulty->url, sizeof(faulty->url));
	copy_text(ready, "ca_file", faulty->ca_file, sizeof(faulty->ca_file));
	json_object_put(ready);
}

void
faulty_close(struct faulty *faulty)
{
	int status = -1;

	fclose(faulty->to);
	fclose(faulty->from);
	ck_assert_int_eq(waitpid(faulty->pid, &status, 0), faulty->pid);
	ck_assert_int_eq(status, 0);
}

static struct json_object *
ask(struct faulty *faulty, const char *query)
{
	ck_assert_int_gt(fprintf(faulty->to, "%s\n", query), 0);
	ck_assert_int_eq(fflush(faulty->to), 0);
	return read_line(faulty);
}

void
faulty_set(struct faulty *faulty, const char *query)
{
	json_object_put(ask(faulty, query));
}

int64_t
faulty_get(struct faulty *faulty, const char *name)
{
	struct json_object *state = ask(faulty, "");
	struct json_object *member = json_object_object_get(state, name);
	int64_t number = json_object_get_int64(member);

	ck_assert(json_object_is_type(member, json_type_int));
	json_object_put(state);
	return number;
}

char *
faulty_dup_text(struct faulty *faulty, const char *name)
{
	struct json_object *state = ask(faulty, "");
	const char *text =
		json_object_get_string(json_object_object_get(state, name));
	char *copy = text ? acp_memory_dup_text(text) : NULL;

	json_object_put(state);
	return copy;
}
