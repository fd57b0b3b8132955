/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the key Secret and the key file into step, one step a call. Called
 * by the loop's key thread and by the modes that rotate. What is in the Secret
 * is the truth; the file is a copy, and the seed when the Secret was deleted.
 */
#include <config.h>

#include "reconciler/key_sync.h"

#include "lib/file.h"
#include "lib/json.h"
#include "lib/keyfile.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/key_file_lock.h"
#include "reconciler/key_secret.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* How often a change is tried again when another writer was first. */
enum { CHANGE_TRIES = 4, MESSAGE_MAX = 4096 };

struct acp_key_sync {
	struct acp_key_sync_settings settings;
	pthread_mutex_t lock; /* of the rest */
	struct acp_keyring ring;
};

/* A change of the Secret: what to do with its keys, and what to log. */
struct change {
	/* writes *is_changed; now_s is the server's clock, 0: unknown */
	enum acp_error (*edit)(struct acp_key_secret *secret, int64_t now_s,
		struct change *change);
	struct acp_buffer *why;
	bool is_changed;
	const char *event;
	char key_id[ACP_KEY_ID_SIZE]; /* of the key that it is about */
	const struct acp_key_marks *marks; /* rotate */
	struct acp_key *key; /* add_next; borrowed */
};

struct acp_key_sync *
acp_key_sync_new(const struct acp_key_sync_settings *settings)
{
	struct acp_key_sync *sync = acp_memory_new(1, sizeof(*sync));

	sync->settings = *settings;
	pthread_mutex_init(&sync->lock, NULL);
	acp_keyring_init(&sync->ring);
	return sync;
}

void
acp_key_sync_free(struct acp_key_sync **sync)
{
	if (!*sync)
		return;
	acp_keyring_clear(&(*sync)->ring);
	pthread_mutex_destroy(&(*sync)->lock);
	free(*sync);
	*sync = NULL;
}

static void
copy_ring(const struct acp_keyring *from, struct acp_keyring *to)
{
	for (size_t i = 0; i < from->count; i++)
		to->keys[i] = acp_key_dup(from->keys[i]);
	to->count = from->count;
}

bool
acp_key_sync_dup_ring(struct acp_key_sync *sync, struct acp_keyring *ring)
{
	pthread_mutex_lock(&sync->lock);
	copy_ring(&sync->ring, ring);
	pthread_mutex_unlock(&sync->lock);
	return ring->count > 0;
}

/* Makes ring, which may be empty, the one that others get. */
static void
publish(struct acp_key_sync *sync, const struct acp_keyring *ring)
{
	pthread_mutex_lock(&sync->lock);
	acp_keyring_clear(&sync->ring);
	copy_ring(ring, &sync->ring);
	pthread_mutex_unlock(&sync->lock);
}

static struct acp_ref
name_secret(const struct acp_key_sync *sync)
{
	return (struct acp_ref){
		.kind = ACP_KIND_SECRET,
		.namespace = sync->settings.namespace,
		.name = ACP_KEY_SECRET_NAME,
	};
}

/* Says what Kubernetes refused, and passes the error on. */
static enum acp_error
blame_kube(const struct acp_ref *ref, const char *verb, enum acp_error error,
	const struct acp_kube_reply *reply, struct acp_buffer *why)
{
	acp_buffer_printf(why, "cannot %s ", verb);
	acp_ref_describe(ref, why);
	acp_buffer_printf(why, ": %s",
		reply->message[0] ? reply->message
				  : acp_kube_reason_name(reply->reason));
	return error;
}

/* True when the file holds these bytes and is closed to others. */
static bool
is_in_step(const char *path, const struct acp_secret *wanted)
{
	ACP_AUTO(fd) int fd = -1;
	ACP_AUTO(secret) struct acp_secret found;
	ACP_AUTO(buffer) struct acp_buffer ignored;
	struct stat status;

	acp_secret_init(&found);
	acp_buffer_init(&ignored, MESSAGE_MAX);
	return !acp_file_open(path, &fd, &ignored) && fstat(fd, &status) == 0 &&
		(status.st_mode & 0007) == 0 &&
		!acp_file_read_fd(
			fd, path, ACP_KEY_FILE_MAX, &found, &ignored) &&
		acp_secret_is_equal(&found, wanted->bytes, wanted->size);
}

/* Writes the file where it differs; under the lock of the key file. */
static enum acp_error
write_file(struct acp_key_sync *sync, const struct acp_keyring *ring,
	struct acp_buffer *why)
{
	const char *path = sync->settings.key_file;
	ACP_AUTO(secret) struct acp_secret pem;
	enum acp_error error;

	acp_secret_init(&pem);
	for (size_t i = 0; i < ring->count; i++)
		acp_key_write_private(ring->keys[i], &pem);
	if (is_in_step(path, &pem))
		return ACP_OK;
	error = acp_file_replace(
		path, ACP_KEY_FILE_MODE, pem.bytes, pem.size, why);
	if (!error)
		acp_log(ACP_LOG_INFO, "key_file_written",
			ACP_F_TEXT("file", path),
			ACP_F_TEXT("key_id", acp_key_peek_id(ring->keys[0])),
			ACP_F_INT("keys", ring->count));
	return error;
}

/* Publishes only what the file has too: pods are made with these keys. */
static enum acp_error
bring_to_file(struct acp_key_sync *sync, const struct acp_key_secret *secret,
	struct acp_buffer *why)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	enum acp_error error;

	acp_keyring_init(&ring);
	acp_key_secret_list(secret, &ring);
	error = write_file(sync, &ring, why);
	if (!error)
		publish(sync, &ring);
	return error;
}

/* The same, when the lock of the key file is not held yet. */
static enum acp_error
lock_and_bring_to_file(struct acp_key_sync *sync,
	const struct acp_key_secret *secret, struct acp_buffer *why)
{
	ACP_AUTO(key_file_lock) struct acp_key_file_lock lock;
	enum acp_error error;

	acp_key_file_lock_init(&lock);
	error = acp_key_file_lock_open(sync->settings.key_file, &lock, why);
	if (error)
		return error == ACP_GONE ? ACP_DENIED : error;
	return bring_to_file(sync, secret, why);
}

/* Reads an object that Kubernetes gave; a damaged one ends the provisioning. */
static enum acp_error
judge(struct acp_key_sync *sync, struct acp_kube_reply *reply,
	struct acp_key_secret *secret, struct acp_buffer *why)
{
	const struct acp_keyring none = {.count = 0};
	enum acp_error error = acp_key_secret_read(reply->body, secret, why);

	acp_key_secret_wipe(reply->body);
	if (!error)
		return ACP_OK;
	publish(sync, &none);
	acp_buffer_append(why,
		"; neither it nor the key file was touched: mend the Secret, "
		"or delete it to have it made again from the key file");
	return error;
}

/* GETs and reads the Secret; *now_s is the server's clock. */
static enum acp_error
read_secret(struct acp_key_sync *sync, struct acp_key_secret *secret,
	int64_t *now_s, struct acp_buffer *why)
{
	const struct acp_ref ref = name_secret(sync);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	error = acp_kube_get(sync->settings.kube, &ref, &reply);
	*now_s = reply.date_s;
	if (error)
		return blame_kube(&ref, "read", error, &reply, why);
	return judge(sync, &reply, secret, why);
}

/*
 * Fills the place of a new Secret. Without the owner's uid it is made without
 * an owner: a key that outlives its Deployment is better than none.
 */
static void
find_owner(struct acp_key_sync *sync, struct acp_kube_reply *reply,
	struct acp_key_secret_place *place)
{
	const struct acp_ref ref = {
		.kind = ACP_KIND_DEPLOYMENT,
		.namespace = sync->settings.namespace,
		.name = sync->settings.owner,
	};
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error;

	acp_buffer_init(&why, MESSAGE_MAX);
	if (!sync->settings.owner)
		return;
	error = acp_kube_get_metadata(sync->settings.kube, &ref, reply);
	if (!error)
		place->owner_uid = acp_key_secret_peek_uid(reply->body);
	if (place->owner_uid) {
		place->owner_name = sync->settings.owner;
		return;
	}
	blame_kube(&ref, "read the owner", error, reply, &why);
	acp_log_message(ACP_LOG_WARN, "keypair_owner_failed",
		"%s; the key Secret is made without an owner",
		acp_buffer_peek(&why));
}

/*
 * The keys of a Secret that is missing: those of the key file, else a new
 * one. A file that is there and cannot be read may hold the keys of every
 * pod: then nothing is made.
 */
static enum acp_error
find_seed(struct acp_key_sync *sync, int64_t now_s,
	struct acp_key_secret *secret, struct acp_buffer *why)
{
	const char *path = sync->settings.key_file;
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer said;
	struct acp_keyfile_stamp stamp;
	enum acp_error error;

	acp_keyring_init(&ring);
	acp_buffer_init(&said, MESSAGE_MAX);
	error = acp_keyfile_read(&path, 1, &ring, &stamp, &said);
	if (error == ACP_DENIED || error == ACP_FAULT) {
		acp_buffer_printf(why,
			"the key Secret is missing, and is not made anew while "
			"the key file cannot be read: %s",
			acp_buffer_peek(&said));
		return error;
	}
	if (error == ACP_BAD_REQUEST)
		acp_log_message(ACP_LOG_WARN, "key_file_replaced",
			"%s; a new key takes its place",
			acp_buffer_peek(&said));
	if (!error)
		acp_key_secret_fill(secret, &ring, now_s);
	else if (acp_key_new(sync->settings.bits, &secret->current)) {
		acp_buffer_printf(why, "cannot make an RSA key of %u bits",
			sync->settings.bits);
		return ACP_FAULT;
	}
	acp_log(ACP_LOG_INFO, "key_secret_missing",
		ACP_F_TEXT("made_from", error ? "a new key" : "the key file"),
		ACP_F_TEXT("key_id", acp_key_peek_id(secret->current)));
	return ACP_OK;
}

/* POSTs the Secret; *is_there when another made one meanwhile. */
static enum acp_error
create_secret(struct acp_key_sync *sync, const struct acp_key_secret *secret,
	bool *is_there, struct acp_buffer *why)
{
	const struct acp_ref ref = name_secret(sync);
	struct acp_key_secret_place place = {
		.namespace = sync->settings.namespace,
		.instance = sync->settings.instance,
	};
	ACP_AUTO(kube_reply) struct acp_kube_reply owner;
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	ACP_AUTO(json) struct json_object *body = NULL;
	enum acp_error error;

	acp_kube_reply_init(&owner);
	acp_kube_reply_init(&reply);
	find_owner(sync, &owner, &place);
	body = acp_key_secret_write(secret, &place);
	error = acp_kube_create(sync->settings.kube, &ref, body, &reply);
	acp_key_secret_wipe(body);
	acp_key_secret_wipe(reply.body);
	*is_there = reply.reason == ACP_KUBE_ALREADY_EXISTS;
	if (!error || *is_there)
		return ACP_OK;
	blame_kube(&ref, "create", error, &reply, why);
	return error == ACP_GONE ? ACP_DENIED : error;
}

/* Makes the missing Secret, with the key file locked from end to end. */
static enum acp_error
make_secret(struct acp_key_sync *sync, int64_t now_s, struct acp_buffer *why)
{
	ACP_AUTO(key_file_lock) struct acp_key_file_lock lock;
	ACP_AUTO(key_secret) struct acp_key_secret secret;
	bool is_there = false;
	enum acp_error error;

	acp_key_file_lock_init(&lock);
	acp_key_secret_init(&secret);
	error = acp_key_file_lock_open(sync->settings.key_file, &lock, why);
	if (error)
		return error == ACP_GONE ? ACP_DENIED : error;
	error = find_seed(sync, now_s, &secret, why);
	if (!error)
		error = create_secret(sync, &secret, &is_there, why);
	if (!error && is_there) {
		acp_key_secret_clear(&secret);
		error = read_secret(sync, &secret, &now_s, why);
	}
	return error ? error : bring_to_file(sync, &secret, why);
}

enum acp_error
acp_key_sync_step(
	struct acp_key_sync *sync, bool may_create, struct acp_buffer *why)
{
	ACP_AUTO(key_secret) struct acp_key_secret secret;
	ACP_AUTO(buffer) struct acp_buffer said;
	int64_t now_s;
	enum acp_error error;

	acp_key_secret_init(&secret);
	acp_buffer_init(&said, MESSAGE_MAX);
	error = read_secret(sync, &secret, &now_s, &said);
	if (error == ACP_GONE && may_create)
		return make_secret(sync, now_s, why);
	if (error == ACP_GONE)
		acp_buffer_append(&said,
			"; the reconciler that holds the Lease makes it");
	if (error) {
		acp_buffer_append(why, acp_buffer_peek(&said));
		return error;
	}
	return lock_and_bring_to_file(sync, &secret, why);
}

enum acp_error
acp_key_sync_look(struct acp_key_sync *sync, struct acp_buffer *why)
{
	ACP_AUTO(key_secret) struct acp_key_secret secret;
	ACP_AUTO(keyring) struct acp_keyring ring;
	int64_t now_s;
	enum acp_error error;

	acp_key_secret_init(&secret);
	acp_keyring_init(&ring);
	error = read_secret(sync, &secret, &now_s, why);
	if (error)
		return error;
	acp_key_secret_list(&secret, &ring);
	publish(sync, &ring);
	return ACP_OK;
}

/* PUTs the Secret; *is_late when it has changed since it was read. */
static enum acp_error
replace_secret(struct acp_key_sync *sync, const struct acp_key_secret *secret,
	bool *is_late, struct acp_buffer *why)
{
	const struct acp_ref ref = name_secret(sync);
	const struct acp_key_secret_place place = {
		.namespace = sync->settings.namespace,
		.instance = sync->settings.instance,
	};
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	ACP_AUTO(json) struct json_object *body = NULL;
	enum acp_error error;

	acp_kube_reply_init(&reply);
	body = acp_key_secret_write(secret, &place);
	error = acp_kube_replace(sync->settings.kube, &ref, body, &reply);
	acp_key_secret_wipe(body);
	acp_key_secret_wipe(reply.body);
	*is_late = reply.reason == ACP_KUBE_CONFLICT;
	return error ? blame_kube(&ref, "replace", error, &reply, why) : ACP_OK;
}

/* Reads, edits and writes once. */
static enum acp_error
try_change(struct acp_key_sync *sync, struct change *change, bool *is_late)
{
	ACP_AUTO(key_secret) struct acp_key_secret secret;
	int64_t now_s;
	enum acp_error error;

	*is_late = false;
	change->is_changed = true;
	acp_key_secret_init(&secret);
	error = read_secret(sync, &secret, &now_s, change->why);
	if (!error)
		error = change->edit(&secret, now_s, change);
	if (error || !change->is_changed)
		return error;
	error = replace_secret(sync, &secret, is_late, change->why);
	if (error)
		return error;
	acp_log(ACP_LOG_INFO, change->event,
		ACP_F_TEXT("key_id", change->key_id),
		ACP_F_TEXT("current", acp_key_peek_id(secret.current)),
		ACP_F_INT("keys", acp_key_secret_get_count(&secret)));
	return lock_and_bring_to_file(sync, &secret, change->why);
}

static enum acp_error
do_change(struct acp_key_sync *sync, struct change *change)
{
	bool is_late = true;
	enum acp_error error = ACP_RETRY_LATER;

	for (int i = 0; i < CHANGE_TRIES && is_late; i++) {
		acp_buffer_clear(change->why);
		error = try_change(sync, change, &is_late);
	}
	return error;
}

static const char *
name_step(enum acp_rotation_step step)
{
	switch (step) {
	case ACP_ROTATION_PROMOTE:
		return "key_promoted";
	case ACP_ROTATION_DROP:
		return "key_dropped";
	case ACP_ROTATION_NOTHING:
	case ACP_ROTATION_STAMP:
	case ACP_ROTATION__MAX:
		break;
	}
	return "key_times_noted";
}

static enum acp_error
rotate(struct acp_key_secret *secret, int64_t now_s, struct change *change)
{
	struct acp_rotation rotation =
		acp_rotation_plan(secret, now_s, change->marks);

	change->is_changed = rotation.step != ACP_ROTATION_NOTHING;
	change->event = name_step(rotation.step);
	memcpy(change->key_id, rotation.key_id, sizeof(change->key_id));
	acp_rotation_apply(secret, &rotation, now_s);
	return ACP_OK;
}

enum acp_error
acp_key_sync_rotate(struct acp_key_sync *sync,
	const struct acp_key_marks *marks, struct acp_buffer *why)
{
	struct change change = {.edit = rotate, .why = why, .marks = marks};
	bool may_be_due;

	/* a key alone neither comes nor goes, so none is read for it again */
	pthread_mutex_lock(&sync->lock);
	may_be_due = sync->ring.count != 1;
	pthread_mutex_unlock(&sync->lock);
	return may_be_due ? do_change(sync, &change) : ACP_OK;
}

/* For the first look, before a key is made that may not be added. */
static enum acp_error
look_for_room(
	struct acp_key_secret *secret, int64_t now_s, struct change *change)
{
	change->is_changed = false;
	return acp_rotation_may_add(secret, now_s, change->why);
}

static enum acp_error
add_next(struct acp_key_secret *secret, int64_t now_s, struct change *change)
{
	enum acp_error error = acp_rotation_may_add(secret, now_s, change->why);

	if (!error)
		acp_rotation_take_next(secret, acp_key_dup(change->key), now_s);
	return error;
}

enum acp_error
acp_key_sync_add_next(struct acp_key_sync *sync,
	char key_id[static ACP_KEY_ID_SIZE], struct acp_buffer *why)
{
	struct change change = {
		.edit = look_for_room,
		.why = why,
		.event = "key_next_added",
	};
	ACP_AUTO(key) struct acp_key *key = NULL;
	enum acp_error error = do_change(sync, &change);

	if (error)
		return error;
	if (acp_key_new(sync->settings.bits, &key)) {
		acp_buffer_printf(why, "cannot make an RSA key of %u bits",
			sync->settings.bits);
		return ACP_FAULT;
	}
	snprintf(change.key_id, sizeof(change.key_id), "%s",
		acp_key_peek_id(key));
	change.edit = add_next;
	change.key = key;
	error = do_change(sync, &change);
	if (!error)
		memcpy(key_id, change.key_id, ACP_KEY_ID_SIZE);
	return error;
}

static enum acp_error
take_away(struct acp_key_secret *secret, int64_t now_s, struct change *change)
{
	(void)now_s;
	return acp_rotation_revoke(secret, change->key_id, change->why);
}

enum acp_error
acp_key_sync_revoke(
	struct acp_key_sync *sync, const char *key_id, struct acp_buffer *why)
{
	struct change change = {
		.edit = take_away,
		.why = why,
		.event = "key_revoked",
	};

	snprintf(change.key_id, sizeof(change.key_id), "%s", key_id);
	return do_change(sync, &change);
}
