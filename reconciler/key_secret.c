/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key Secret's entries as keys and times. Called by key_sync. Must never
 * log, and leaves no key in memory that it allocated and freed.
 */
#include <config.h>

#include "reconciler/key_secret.h"

#include "lib/base64.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "reconciler/kinds.h"
#include "reconciler/rfc3339.h"

#include <assert.h>
#include <string.h>

#define PRIVATE "private.pem"
#define PUBLIC "public.pem"
#define NEXT "next.pem"
#define PREVIOUS "previous.pem"

enum { ORIGIN_MAX = 1024, TIMES_MAX = 1024 };

static const char *const entries[] = {PRIVATE, PUBLIC, NEXT, PREVIOUS};

#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

/* An object that is being read, and what it is called in messages. */
struct reading {
	struct json_object *data; /* borrowed */
	struct acp_buffer *origin; /* "Secret ns/name: " */
	struct acp_buffer *why;
};

void
acp_key_secret_init(struct acp_key_secret *secret)
{
	*secret = (struct acp_key_secret){0};
}

void
acp_key_secret_clear(struct acp_key_secret *secret)
{
	acp_key_free(&secret->current);
	acp_key_free(&secret->next.key);
	while (secret->previous_count > 0)
		acp_key_free(&secret->previous[--secret->previous_count].key);
	acp_json_free(&secret->seen);
	acp_key_secret_init(secret);
}

/* The same, made where it is missing. */
static struct json_object *
make_object(struct json_object *object, const char *name)
{
	struct json_object *member = acp_json_peek_object(object, name);

	if (member)
		return member;
	member = json_object_new_object();
	if (!member || json_object_object_add(object, name, member))
		acp_memory_exhausted();
	return member;
}

static void
put_text(struct json_object *object, const char *name, const char *text)
{
	struct json_object *value = json_object_new_string(text);

	if (!value || json_object_object_add(object, name, value))
		acp_memory_exhausted();
}

static enum acp_error
blame(const struct reading *reading, const char *entry, const char *fault)
{
	acp_buffer_printf(reading->why, "%s%s %s",
		acp_buffer_peek(reading->origin), entry, fault);
	return ACP_BAD_REQUEST;
}

/* Decodes an entry; ACP_GONE when it is not there. */
static enum acp_error
read_entry(const struct reading *reading, const char *entry,
	struct acp_secret *pem)
{
	struct json_object *value;
	ACP_AUTO(free) uint8_t *bytes = NULL;
	const char *text;
	size_t length, size;

	if (!reading->data ||
		!json_object_object_get_ex(reading->data, entry, &value))
		return ACP_GONE;
	text = acp_json_peek_text(reading->data, entry, &length);
	if (!text)
		return blame(reading, entry, "is not a text");
	if (length > ACP_BASE64_LENGTH(ACP_KEY_FILE_MAX))
		return blame(reading, entry, "is too large to be keys");
	bytes = acp_memory_new(ACP_BASE64_BYTES_MAX(length) + 1, 1);
	if (acp_base64_read(text, length, bytes, &size))
		return blame(reading, entry, "is not base64");
	acp_secret_set(pem, bytes, size);
	acp_secret_wipe(bytes, ACP_BASE64_BYTES_MAX(length));
	return ACP_OK;
}

/* Reads the keys of an entry into an empty ring; ACP_GONE as above. */
static enum acp_error
read_keys(const struct reading *reading, const char *entry, size_t max,
	struct acp_keyring *ring)
{
	ACP_AUTO(secret) struct acp_secret pem;
	ACP_AUTO(buffer) struct acp_buffer origin;
	enum acp_error error;

	acp_secret_init(&pem);
	acp_buffer_init(&origin, ORIGIN_MAX);
	error = read_entry(reading, entry, &pem);
	if (error)
		return error;
	acp_buffer_printf(
		&origin, "%s%s", acp_buffer_peek(reading->origin), entry);
	error = acp_keyring_add_pem(ring, acp_secret_peek(&pem), pem.size,
		acp_buffer_peek(&origin), reading->why);
	if (!error && ring->count > max)
		return blame(reading, entry, "holds too many keys");
	return error;
}

static enum acp_error
read_current(const struct reading *reading, struct acp_key_secret *secret)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(secret) struct acp_secret pem;
	enum acp_error error;

	acp_keyring_init(&ring);
	acp_secret_init(&pem);
	error = read_keys(reading, PRIVATE, 1, &ring);
	if (error == ACP_GONE)
		return blame(reading, PRIVATE, "is missing");
	if (error)
		return error;
	error = read_entry(reading, PUBLIC, &pem);
	if (error == ACP_GONE)
		return blame(reading, PUBLIC, "is missing");
	if (error)
		return error;
	error = acp_key_check_public(
		ring.keys[0], acp_secret_peek(&pem), pem.size);
	if (error == ACP_DENIED)
		return blame(
			reading, PUBLIC, "is not the public half of " PRIVATE);
	if (error)
		return blame(reading, PUBLIC, "is not a public key in PEM");
	secret->current = acp_key_dup(ring.keys[0]);
	return ACP_OK;
}

static enum acp_error
read_next(const struct reading *reading, struct acp_key_secret *secret)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	enum acp_error error;

	acp_keyring_init(&ring);
	error = read_keys(reading, NEXT, 1, &ring);
	if (!error)
		secret->next.key = acp_key_dup(ring.keys[0]);
	return error == ACP_GONE ? ACP_OK : error;
}

static enum acp_error
read_previous(const struct reading *reading, struct acp_key_secret *secret)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	enum acp_error error;
	size_t room = ACP_KEY_SECRET_PREVIOUS_MAX - (secret->next.key ? 1 : 0);

	acp_keyring_init(&ring);
	error = read_keys(reading, PREVIOUS, room, &ring);
	if (error)
		return error == ACP_GONE ? ACP_OK : error;
	for (size_t i = 0; i < ring.count; i++)
		secret->previous[i].key = acp_key_dup(ring.keys[i]);
	secret->previous_count = ring.count;
	return ACP_OK;
}

static bool
is_same(const struct acp_key *left, const struct acp_key *right)
{
	return strcmp(acp_key_peek_id(left), acp_key_peek_id(right)) == 0;
}

/* A key in two roles would be dropped while it is needed. */
static enum acp_error
check_distinct(
	const struct reading *reading, const struct acp_key_secret *secret)
{
	const struct acp_key *next = secret->next.key;
	const struct acp_key *key;

	if (next && is_same(next, secret->current))
		return blame(reading, NEXT, "holds the key of " PRIVATE);
	for (size_t i = 0; i < secret->previous_count; i++) {
		key = secret->previous[i].key;
		if (is_same(key, secret->current))
			return blame(
				reading, PREVIOUS, "holds the key of " PRIVATE);
		if (next && is_same(key, next))
			return blame(
				reading, PREVIOUS, "holds the key of " NEXT);
	}
	return ACP_OK;
}

/*
 * The time that a list "ID=TIME,ID=TIME" notes for a key, or 0: an entry that
 * cannot be read is as one that is missing, and is noted anew.
 */
static int64_t
find_time(const char *list, const struct acp_key *key)
{
	const char *id = acp_key_peek_id(key);
	size_t id_size = strlen(id);
	size_t size;
	int64_t time_us;

	for (; *list; list += size + (list[size] ? 1 : 0)) {
		size = strcspn(list, ",");
		if (size > id_size + 1 && memcmp(list, id, id_size) == 0 &&
			list[id_size] == '=' &&
			acp_rfc3339_read(list + id_size + 1, size - id_size - 1,
				&time_us))
			return time_us / 1000000;
	}
	return 0;
}

static const char *
peek_note(struct json_object *annotations, const char *name)
{
	size_t size;
	const char *text =
		annotations ? acp_json_peek_text(annotations, name, &size) : "";

	return text ? text : "";
}

static void
read_times(struct json_object *object, struct acp_key_secret *secret)
{
	struct json_object *metadata = acp_json_peek_object(object, "metadata");
	struct json_object *annotations =
		metadata ? acp_json_peek_object(metadata, "annotations") : NULL;
	const char *previous =
		peek_note(annotations, ACP_KEY_SECRET_PREVIOUS_SINCE);

	if (secret->next.key)
		secret->next.since_s = find_time(
			peek_note(annotations, ACP_KEY_SECRET_NEXT_SINCE),
			secret->next.key);
	for (size_t i = 0; i < secret->previous_count; i++)
		secret->previous[i].since_s =
			find_time(previous, secret->previous[i].key);
}

const char *
acp_key_secret_peek_uid(struct json_object *owner)
{
	struct json_object *metadata = acp_json_peek_object(owner, "metadata");
	size_t size;

	return metadata ? acp_json_peek_text(metadata, "uid", &size) : NULL;
}

void
acp_key_secret_wipe(struct json_object *object)
{
	struct json_object *data =
		object ? acp_json_peek_object(object, "data") : NULL;

	for (size_t i = 0; data && i < ENTRY_COUNT; i++)
		acp_json_wipe_text(data, entries[i]);
}

/* A copy of the object without our entries, so that no key lives in it. */
static struct json_object *
copy_without_keys(struct json_object *object)
{
	struct json_object *copy = NULL;
	struct json_object *data;

	if (json_object_deep_copy(object, &copy, NULL))
		acp_memory_exhausted();
	acp_key_secret_wipe(copy);
	data = acp_json_peek_object(copy, "data");
	for (size_t i = 0; data && i < ENTRY_COUNT; i++)
		json_object_object_del(data, entries[i]);
	json_object_object_del(make_object(copy, "metadata"), "managedFields");
	return copy;
}

static void
name_origin(struct json_object *object, struct acp_buffer *origin)
{
	struct json_object *metadata = acp_json_peek_object(object, "metadata");
	const char *namespace = peek_note(metadata, "namespace");

	acp_buffer_printf(origin, "Secret %s/%s: ", namespace,
		peek_note(metadata, "name"));
}

enum acp_error
acp_key_secret_read(struct json_object *object, struct acp_key_secret *secret,
	struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer origin;
	ACP_AUTO(key_secret) struct acp_key_secret read;
	struct reading reading = {
		.data = acp_json_peek_object(object, "data"),
		.origin = &origin,
		.why = why,
	};
	enum acp_error error;

	assert(!secret->current);
	acp_buffer_init(&origin, ORIGIN_MAX);
	acp_key_secret_init(&read);
	name_origin(object, &origin);
	error = read_current(&reading, &read);
	if (!error)
		error = read_next(&reading, &read);
	if (!error)
		error = read_previous(&reading, &read);
	if (!error)
		error = check_distinct(&reading, &read);
	if (error)
		return error;
	read_times(object, &read);
	read.seen = copy_without_keys(object);
	*secret = read;
	acp_key_secret_init(&read);
	return ACP_OK;
}

void
acp_key_secret_fill(struct acp_key_secret *secret,
	const struct acp_keyring *ring, int64_t now_s)
{
	size_t i;

	assert(!secret->current && ring->count > 0);
	secret->current = acp_key_dup(ring->keys[0]);
	for (i = 1; i < ring->count && i < ACP_KEY_SECRET_KEYS_MAX; i++) {
		secret->previous[i - 1].key = acp_key_dup(ring->keys[i]);
		secret->previous[i - 1].since_s = now_s;
		secret->previous_count = i;
	}
}

static void
put_bytes(struct json_object *data, const char *entry, const void *bytes,
	size_t size)
{
	size_t length = ACP_BASE64_LENGTH(size);
	ACP_AUTO(free) char *words = acp_memory_new(length + 1, 1);

	acp_base64_write(bytes, size, words);
	put_text(data, entry, words);
	acp_secret_wipe(words, length);
}

static void
put_private(struct json_object *data, const char *entry,
	const struct acp_aged_key *keys, size_t count)
{
	ACP_AUTO(secret) struct acp_secret pem;

	acp_secret_init(&pem);
	for (size_t i = 0; i < count; i++)
		acp_key_write_private(keys[i].key, &pem);
	if (count > 0)
		put_bytes(data, entry, pem.bytes, pem.size);
}

static void
put_keys(struct json_object *data, const struct acp_key_secret *secret)
{
	const struct acp_aged_key current = {.key = secret->current};
	ACP_AUTO(buffer) struct acp_buffer public;

	acp_buffer_init(&public, ACP_KEY_FILE_MAX);
	acp_key_write_public(secret->current, &public);
	put_bytes(data, PUBLIC, acp_buffer_peek(&public), public.size);
	put_private(data, PRIVATE, &current, 1);
	put_private(data, NEXT, &secret->next, secret->next.key ? 1 : 0);
	put_private(data, PREVIOUS, secret->previous, secret->previous_count);
}

/* Writes the times of keys as one annotation, or removes it. */
static void
put_times(struct json_object *annotations, const char *name,
	const struct acp_aged_key *keys, size_t count)
{
	ACP_AUTO(buffer) struct acp_buffer list;
	char text[ACP_CLOCK_TEXT_SIZE];

	acp_buffer_init(&list, TIMES_MAX);
	for (size_t i = 0; i < count; i++) {
		if (keys[i].since_s == 0)
			continue;
		acp_clock_format(keys[i].since_s * 1000, 0, text);
		acp_buffer_printf(&list, "%s%s=%s", list.size ? "," : "",
			acp_key_peek_id(keys[i].key), text);
	}
	if (list.size > 0)
		put_text(annotations, name, acp_buffer_peek(&list));
	else
		json_object_object_del(annotations, name);
}

static void
put_labels(struct json_object *labels, const struct acp_key_secret_place *place)
{
	put_text(labels, "app", "ambient-control-plane");
	put_text(labels, "ambient-code.io/managed-by", "ambient-control-plane");
	put_text(labels, "ambient-code.io/managed", "true");
	put_text(labels, "ambient-code.io/instance", place->instance);
}

static void
put_owner(
	struct json_object *metadata, const struct acp_key_secret_place *place)
{
	struct json_object *owners = json_object_new_array();
	struct json_object *owner = json_object_new_object();

	if (!owners || !owner || json_object_array_add(owners, owner) ||
		json_object_object_add(metadata, "ownerReferences", owners))
		acp_memory_exhausted();
	put_text(
		owner, "apiVersion", acp_kind_api_version(ACP_KIND_DEPLOYMENT));
	put_text(owner, "kind", acp_kind_name(ACP_KIND_DEPLOYMENT));
	put_text(owner, "name", place->owner_name);
	put_text(owner, "uid", place->owner_uid);
}

struct json_object *
acp_key_secret_write(const struct acp_key_secret *secret,
	const struct acp_key_secret_place *place)
{
	struct json_object *object = NULL;
	struct json_object *metadata, *annotations;

	assert(secret->current);
	if (secret->seen)
		json_object_deep_copy(secret->seen, &object, NULL);
	else
		object = json_object_new_object();
	if (!object)
		acp_memory_exhausted();
	metadata = make_object(object, "metadata");
	annotations = make_object(metadata, "annotations");
	put_text(object, "apiVersion", acp_kind_api_version(ACP_KIND_SECRET));
	put_text(object, "kind", acp_kind_name(ACP_KIND_SECRET));
	if (!secret->seen)
		put_text(object, "type", "Opaque");
	put_text(metadata, "name", ACP_KEY_SECRET_NAME);
	put_text(metadata, "namespace", place->namespace);
	put_labels(make_object(metadata, "labels"), place);
	if (!secret->seen && place->owner_name)
		put_owner(metadata, place);
	put_times(annotations, ACP_KEY_SECRET_NEXT_SINCE, &secret->next,
		secret->next.key ? 1 : 0);
	put_times(annotations, ACP_KEY_SECRET_PREVIOUS_SINCE, secret->previous,
		secret->previous_count);
	put_keys(make_object(object, "data"), secret);
	return object;
}

static void
append(struct acp_keyring *ring, struct acp_key *key)
{
	ring->keys[ring->count++] = acp_key_dup(key);
}

void
acp_key_secret_list(
	const struct acp_key_secret *secret, struct acp_keyring *ring)
{
	_Static_assert(ACP_KEY_SECRET_KEYS_MAX <= ACP_KEY_COUNT_MAX,
		"a key file holds all keys of the Secret");
	assert(ring->count == 0);
	if (secret->current)
		append(ring, secret->current);
	if (secret->next.key)
		append(ring, secret->next.key);
	for (size_t i = 0; i < secret->previous_count; i++)
		append(ring, secret->previous[i].key);
}

size_t
acp_key_secret_get_count(const struct acp_key_secret *secret)
{
	size_t count = secret->previous_count;

	if (secret->current)
		count++;
	if (secret->next.key)
		count++;
	return count;
}
