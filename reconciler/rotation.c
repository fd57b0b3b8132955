/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a rotation: when the next key becomes current, when a previous
 * one may go. Called by key_sync, for the holder of the Lease. Pure.
 */
#include <config.h>

#include "reconciler/rotation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* An account that a finalizer keeps, perhaps for ever, needs no proof. */
static bool
needs_key(const struct acp_object *account)
{
	return account->anchor_key_id && !account->deleted_s;
}

struct acp_key_marks
acp_rotation_collect(const struct acp_world *world)
{
	const struct acp_objects *pods = &world->objects[ACP_KIND_POD];
	const struct acp_objects *accounts =
		&world->objects[ACP_KIND_SERVICE_ACCOUNT];
	struct acp_key_marks marks = {
		.is_known = pods->is_known && accounts->is_known,
		.ids = acp_arena_alloc(world->arena,
			(pods->count + accounts->count) * sizeof(*marks.ids)),
	};

	for (size_t i = 0; i < pods->count; i++)
		marks.ids[marks.count++] =
			pods->items[i].marks[ACP_MARK_TOKEN_KEY_ID];
	for (size_t i = 0; i < accounts->count; i++)
		if (needs_key(&accounts->items[i]))
			marks.ids[marks.count++] =
				accounts->items[i].anchor_key_id;
	return marks;
}

/* Was any pod or anchor made under the key? is_oldest: it takes those without a mark. */
static bool
is_used(const struct acp_key *key, const struct acp_key_marks *marks,
	bool is_oldest)
{
	const char *id = acp_key_peek_id(key);

	for (size_t i = 0; i < marks->count; i++) {
		if (!marks->ids[i] ? is_oldest : strcmp(marks->ids[i], id) == 0)
			return true;
	}
	return false;
}

/* A time that is missing, or that no server can have noted yet. */
static bool
is_unnoted(const struct acp_aged_key *key, int64_t now_s)
{
	return key->since_s <= 0 || key->since_s > now_s + ACP_ROTATION_AHEAD_S;
}

static bool
must_stamp(const struct acp_key_secret *secret, int64_t now_s)
{
	bool must = secret->next.key && is_unnoted(&secret->next, now_s);

	for (size_t i = 0; i < secret->previous_count; i++)
		must = must || is_unnoted(&secret->previous[i], now_s);
	return must;
}

/* The oldest previous key that may go, or NULL. */
static const struct acp_key *
find_droppable(const struct acp_key_secret *secret, int64_t now_s,
	const struct acp_key_marks *marks)
{
	const struct acp_aged_key *previous;

	for (size_t i = secret->previous_count; i > 0 && marks->is_known; i--) {
		previous = &secret->previous[i - 1];
		if (now_s - previous->since_s >= ACP_ROTATION_PREVIOUS_S &&
			!is_used(previous->key, marks,
				i == secret->previous_count))
			return previous->key;
	}
	return NULL;
}

static struct acp_rotation
make_step(enum acp_rotation_step step, const struct acp_key *key)
{
	struct acp_rotation rotation = {.step = step};

	if (key)
		snprintf(rotation.key_id, sizeof(rotation.key_id), "%s",
			acp_key_peek_id(key));
	return rotation;
}

struct acp_rotation
acp_rotation_plan(const struct acp_key_secret *secret, int64_t now_s,
	const struct acp_key_marks *marks)
{
	const struct acp_key *old;

	if (now_s <= 0)
		return make_step(ACP_ROTATION_NOTHING, NULL);
	if (must_stamp(secret, now_s))
		return make_step(ACP_ROTATION_STAMP, NULL);
	if (secret->next.key &&
		now_s - secret->next.since_s >= ACP_ROTATION_NEXT_S)
		return make_step(ACP_ROTATION_PROMOTE, secret->next.key);
	old = find_droppable(secret, now_s, marks);
	return make_step(old ? ACP_ROTATION_DROP : ACP_ROTATION_NOTHING, old);
}

static void
stamp(struct acp_aged_key *key, int64_t now_s)
{
	if (is_unnoted(key, now_s))
		key->since_s = now_s;
}

static void
stamp_all(struct acp_key_secret *secret, int64_t now_s)
{
	if (secret->next.key)
		stamp(&secret->next, now_s);
	for (size_t i = 0; i < secret->previous_count; i++)
		stamp(&secret->previous[i], now_s);
}

/* Takes the next key out of the secret and makes it the current one. */
static void
move_next(struct acp_key_secret *secret)
{
	secret->current = secret->next.key;
	secret->next = (struct acp_aged_key){0};
}

static void
promote(struct acp_key_secret *secret, int64_t now_s)
{
	/* with a next key there is room for one more previous one */
	assert(secret->next.key &&
		secret->previous_count < ACP_KEY_SECRET_PREVIOUS_MAX);
	memmove(&secret->previous[1], &secret->previous[0],
		secret->previous_count * sizeof(secret->previous[0]));
	secret->previous[0] = (struct acp_aged_key){secret->current, now_s};
	secret->previous_count++;
	move_next(secret);
}

/* False when no previous key has that id. */
static bool
drop(struct acp_key_secret *secret, const char *key_id)
{
	size_t i = 0;

	while (i < secret->previous_count &&
		strcmp(acp_key_peek_id(secret->previous[i].key), key_id) != 0)
		i++;
	if (i == secret->previous_count)
		return false;
	acp_key_free(&secret->previous[i].key);
	secret->previous_count--;
	memmove(&secret->previous[i], &secret->previous[i + 1],
		(secret->previous_count - i) * sizeof(secret->previous[0]));
	return true;
}

void
acp_rotation_apply(struct acp_key_secret *secret,
	const struct acp_rotation *rotation, int64_t now_s)
{
	switch (rotation->step) {
	case ACP_ROTATION_STAMP:
		stamp_all(secret, now_s);
		break;
	case ACP_ROTATION_PROMOTE:
		promote(secret, now_s);
		break;
	case ACP_ROTATION_DROP:
		drop(secret, rotation->key_id);
		break;
	case ACP_ROTATION_NOTHING:
	case ACP_ROTATION__MAX:
		break;
	}
}

enum acp_error
acp_rotation_may_add(const struct acp_key_secret *secret, int64_t now_s,
	struct acp_buffer *why)
{
	if (secret->next.key) {
		acp_buffer_printf(why,
			"a rotation is under way already: key %s becomes "
			"current by itself, once a loop or --once runs",
			acp_key_peek_id(secret->next.key));
		return ACP_DENIED;
	}
	if (acp_key_secret_get_count(secret) >= ACP_KEY_SECRET_KEYS_MAX) {
		acp_buffer_printf(why,
			"there are %d keys, and no more are kept: the oldest, "
			"%s, goes a day after it was replaced and when no pod "
			"uses it, or by --revoke-key",
			ACP_KEY_SECRET_KEYS_MAX,
			acp_key_peek_id(
				secret->previous[secret->previous_count - 1]
					.key));
		return ACP_DENIED;
	}
	if (now_s <= 0) {
		acp_buffer_append(
			why, "the Kubernetes API server did not tell its time");
		return ACP_DENIED;
	}
	return ACP_OK;
}

void
acp_rotation_take_next(
	struct acp_key_secret *secret, struct acp_key *key, int64_t now_s)
{
	assert(!secret->next.key);
	secret->next = (struct acp_aged_key){key, now_s};
}

static enum acp_error
revoke_current(struct acp_key_secret *secret, struct acp_buffer *why)
{
	if (!secret->next.key) {
		acp_buffer_append(why,
			"this key is the current one and nothing would take "
			"its place: give --rotate-key first");
		return ACP_DENIED;
	}
	acp_key_free(&secret->current);
	move_next(secret);
	return ACP_OK;
}

enum acp_error
acp_rotation_revoke(struct acp_key_secret *secret, const char *key_id,
	struct acp_buffer *why)
{
	const struct acp_key *next = secret->next.key;

	if (strcmp(acp_key_peek_id(secret->current), key_id) == 0)
		return revoke_current(secret, why);
	if (next && strcmp(acp_key_peek_id(next), key_id) == 0) {
		acp_key_free(&secret->next.key);
		secret->next = (struct acp_aged_key){0};
		return ACP_OK;
	}
	if (drop(secret, key_id))
		return ACP_OK;
	acp_buffer_append(why, "no key of the Secret has this id");
	return ACP_GONE;
}

bool
acp_rotation_is_revoked(const struct acp_keyring *ring, const char *mark)
{
	bool is_there = !mark;

	for (size_t i = 0; i < ring->count; i++)
		is_there = is_there ||
			strcmp(acp_key_peek_id(ring->keys[i]), mark) == 0;
	return !is_there;
}
