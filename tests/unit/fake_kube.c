/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake: a table of objects, versions that count up, and faults on demand.
 */
#include <config.h>

#include "tests/unit/fake_kube.h"

#include "lib/json.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { OBJECTS = 8, START_S = 1780000000 };

struct fake_kube fake_kube;

static struct {
	enum acp_kind kind;
	char name[64];
	struct json_object *object;
} objects[OBJECTS];

static unsigned int version;

enum acp_error __wrap_acp_kube_get(struct acp_kube *kube,
	const struct acp_ref *ref, struct acp_kube_reply *reply);
enum acp_error __wrap_acp_kube_get_metadata(struct acp_kube *kube,
	const struct acp_ref *ref, struct acp_kube_reply *reply);
enum acp_error __wrap_acp_kube_create(struct acp_kube *kube,
	const struct acp_ref *ref, struct json_object *body,
	struct acp_kube_reply *reply);
enum acp_error __wrap_acp_kube_replace(struct acp_kube *kube,
	const struct acp_ref *ref, struct json_object *body,
	struct acp_kube_reply *reply);

void
fake_kube_start(void)
{
	fake_kube = (struct fake_kube){.now_s = START_S};
	version = 100;
}

void
fake_kube_stop(void)
{
	for (size_t i = 0; i < OBJECTS; i++)
		acp_json_free(&objects[i].object);
}

static size_t
find(enum acp_kind kind, const char *name)
{
	size_t i = 0;

	while (i < OBJECTS &&
		(!objects[i].object || objects[i].kind != kind ||
			strcmp(objects[i].name, name) != 0))
		i++;
	return i;
}

struct json_object *
fake_kube_peek(enum acp_kind kind, const char *name)
{
	size_t i = find(kind, name);

	return i < OBJECTS ? objects[i].object : NULL;
}

void
fake_kube_delete(enum acp_kind kind, const char *name)
{
	size_t i = find(kind, name);

	ck_assert_uint_lt(i, OBJECTS);
	acp_json_free(&objects[i].object);
}

static struct json_object *
copy(struct json_object *object)
{
	struct json_object *made = NULL;

	ck_assert_int_eq(json_object_deep_copy(object, &made, NULL), 0);
	return made;
}

static struct json_object *
metadata_of(struct json_object *object)
{
	struct json_object *metadata = NULL;

	ck_assert(json_object_object_get_ex(object, "metadata", &metadata));
	return metadata;
}

void
fake_kube_put(enum acp_kind kind, const char *name, struct json_object *object)
{
	size_t i = find(kind, name);
	char text[16];

	for (size_t j = 0; i == OBJECTS && j < OBJECTS; j++)
		if (!objects[j].object)
			i = j;
	ck_assert_uint_lt(i, OBJECTS);
	acp_json_free(&objects[i].object);
	objects[i].kind = kind;
	objects[i].object = object;
	snprintf(objects[i].name, sizeof(objects[i].name), "%s", name);
	snprintf(text, sizeof(text), "%u", ++version);
	json_object_object_add(metadata_of(object), "resourceVersion",
		json_object_new_string(text));
	snprintf(text, sizeof(text), "uid-%u", version);
	if (!json_object_object_get_ex(metadata_of(object), "uid", NULL))
		json_object_object_add(metadata_of(object), "uid",
			json_object_new_string(text));
}

static enum acp_error
refuse(struct acp_kube_reply *reply, enum acp_kube_reason reason)
{
	reply->reason = reason;
	snprintf(reply->message, sizeof(reply->message), "the fake says %d",
		(int)reason);
	switch (reason) {
	case ACP_KUBE_NOT_FOUND:
		return ACP_GONE;
	case ACP_KUBE_FORBIDDEN:
		return ACP_DENIED;
	case ACP_KUBE_ALREADY_EXISTS:
	case ACP_KUBE_INVALID:
		return ACP_BAD_REQUEST;
	default:
		return ACP_RETRY_LATER;
	}
}

static enum acp_error
give(struct acp_kube_reply *reply, struct json_object *object)
{
	reply->code = 200;
	reply->body = copy(object);
	return ACP_OK;
}

static enum acp_kube_reason
take_fault(bool is_write)
{
	enum acp_kube_reason fault = fake_kube.fault;

	if (fault && (is_write || !fake_kube.is_fault_for_writes))
		fake_kube.fault = ACP_KUBE_NO_REASON;
	else
		fault = ACP_KUBE_NO_REASON;
	return fault;
}

enum acp_error
__wrap_acp_kube_get(struct acp_kube *kube, const struct acp_ref *ref,
	struct acp_kube_reply *reply)
{
	struct json_object *object = fake_kube_peek(ref->kind, ref->name);
	enum acp_kube_reason fault = take_fault(false);

	(void)kube;
	fake_kube.reads++;
	if (fault)
		return refuse(reply, fault);
	reply->date_s = fake_kube.now_s;
	return object ? give(reply, object) : refuse(reply, ACP_KUBE_NOT_FOUND);
}

enum acp_error
__wrap_acp_kube_get_metadata(struct acp_kube *kube, const struct acp_ref *ref,
	struct acp_kube_reply *reply)
{
	return __wrap_acp_kube_get(kube, ref, reply);
}

/* What stands before any write: another client, the guard, a fault. */
static enum acp_kube_reason
prepare(void)
{
	void (*other)(void) = fake_kube.before_write;
	enum acp_kube_reason fault;

	fake_kube.before_write = NULL;
	if (other)
		other();
	fault = take_fault(true);
	if (fake_kube.is_read_only)
		return ACP_KUBE_NOT_LEADER;
	return fault;
}

/* The write itself, and the answer to it. */
static enum acp_error
finish(const struct acp_ref *ref, struct json_object *body,
	enum acp_kube_reason fault, struct acp_kube_reply *reply)
{
	if (fault && !fake_kube.is_done_first)
		return refuse(reply, fault);
	fake_kube.writes++;
	fake_kube_put(ref->kind, ref->name, copy(body));
	if (fault)
		return refuse(reply, fault);
	return give(reply, fake_kube_peek(ref->kind, ref->name));
}

enum acp_error
__wrap_acp_kube_create(struct acp_kube *kube, const struct acp_ref *ref,
	struct json_object *body, struct acp_kube_reply *reply)
{
	enum acp_kube_reason fault = prepare();

	(void)kube;
	reply->date_s = fake_kube.now_s;
	if (!fault && fake_kube_peek(ref->kind, ref->name))
		fault = ACP_KUBE_ALREADY_EXISTS;
	if (fault == ACP_KUBE_ALREADY_EXISTS)
		return refuse(reply, fault);
	return finish(ref, body, fault, reply);
}

enum acp_error
__wrap_acp_kube_replace(struct acp_kube *kube, const struct acp_ref *ref,
	struct json_object *body, struct acp_kube_reply *reply)
{
	enum acp_kube_reason fault = prepare();
	struct json_object *there = fake_kube_peek(ref->kind, ref->name);
	const char *wanted, *found;
	size_t size;

	(void)kube;
	reply->date_s = fake_kube.now_s;
	if (!there)
		return refuse(reply, ACP_KUBE_NOT_FOUND);
	found = acp_json_peek_text(
		metadata_of(there), "resourceVersion", &size);
	wanted =
		acp_json_peek_text(metadata_of(body), "resourceVersion", &size);
	ck_assert_ptr_nonnull(wanted);
	if (strcmp(found, wanted) != 0)
		return refuse(reply, ACP_KUBE_CONFLICT);
	return finish(ref, body, fault, reply);
}
