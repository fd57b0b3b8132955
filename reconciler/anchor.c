/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs accounts and judges their signs. Called by whoever observes, plans
 * and makes sessions; must never take the word of a label without the sign.
 */
#include <config.h>

#include "reconciler/anchor.h"

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/memory.h"
#include "lib/secret.h"
#include "reconciler/session_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 2048 };

/* Parts end with a NUL, which none has inside: no two messages are alike. */
static void
add_part(struct acp_buffer *message, const char *part)
{
	acp_buffer_append_bytes(message, part, strlen(part) + 1);
}

static void
compute(const struct acp_key *key, const struct acp_anchor *anchor,
	uint8_t mac[static ACP_HMAC_SIZE])
{
	ACP_AUTO(buffer) struct acp_buffer message;

	acp_buffer_init(&message, MESSAGE_MAX);
	add_part(&message, anchor->instance);
	add_part(&message, anchor->namespace);
	add_part(&message, anchor->namespace_uid);
	add_part(&message, anchor->session_id);
	acp_buffer_printf(&message, "%" PRId64, anchor->created_s);
	acp_hmac_compute(acp_key_peek_subkey(key, ACP_KEY_USE_ANCHOR),
		ACP_KEY_SUBKEY_SIZE, acp_buffer_peek(&message), message.size,
		mac);
}

void
acp_anchor_write(const struct acp_key *key, const struct acp_anchor *anchor,
	char mark[static ACP_ANCHOR_SIZE])
{
	uint8_t mac[ACP_HMAC_SIZE];
	int size = snprintf(
		mark, ACP_ANCHOR_SIZE, "%" PRId64 ".", anchor->created_s);

	compute(key, anchor, mac);
	acp_base64url_write(mac, sizeof(mac), mark + size);
}

/* The time in front of a mark; -1: it has none. */
static int64_t
read_time_s(const char *mark)
{
	char *end;
	long long time_s;

	if (*mark < '0' || *mark > '9')
		return -1;
	time_s = strtoll(mark, &end, 10);
	/* no server's clock goes beyond */
	return *end == '.' && time_s < INT64_C(1) << 40 ? time_s : -1;
}

const struct acp_key *
acp_anchor_find_key(const struct acp_keyring *ring,
	const struct acp_anchor *anchor, const char *mark)
{
	struct acp_anchor signed_one = *anchor;
	char expected[ACP_ANCHOR_SIZE];

	if (!mark || strlen(mark) >= ACP_ANCHOR_SIZE)
		return NULL;
	signed_one.created_s = read_time_s(mark);
	if (signed_one.created_s < 0 ||
		llabs(signed_one.created_s - anchor->created_s) >
			ACP_ANCHOR_APART_S)
		return NULL;
	for (size_t i = 0; i < ring->count; i++) {
		acp_anchor_write(ring->keys[i], &signed_one, expected);
		if (strlen(mark) == strlen(expected) &&
			acp_secret_is_same(expected, mark, strlen(expected)))
			return ring->keys[i];
	}
	return NULL;
}

const char *
acp_anchor_find_namespace_uid(
	const struct acp_world *world, const char *namespace)
{
	const struct acp_ref ref = {ACP_KIND_NAMESPACE, NULL, namespace};
	const struct acp_object *seen = acp_world_find_object(world, &ref);

	if (!seen)
		seen = acp_world_find_foreign(world, &ref);
	return seen ? seen->uid : NULL;
}

static bool
is_called_for(const struct acp_object *account, const char *session_id)
{
	struct acp_session_names names;
	ACP_AUTO(buffer) struct acp_buffer why;

	/* nobody reads why: nothing is kept of it */
	acp_buffer_init(&why, 0);
	return acp_session_names_write(session_id, &names, &why) == ACP_OK &&
		strcmp(account->name, names.account) == 0;
}

const struct acp_key *
acp_anchor_find_account_key(const struct acp_world *world,
	const struct acp_site *site, const struct acp_object *account,
	const char *session_id)
{
	const char *uid =
		acp_anchor_find_namespace_uid(world, account->namespace);

	if (!world->keys || !uid || !is_called_for(account, session_id))
		return NULL;
	return acp_anchor_find_key(world->keys,
		&(const struct acp_anchor){.instance = site->instance,
			.namespace = account->namespace,
			.namespace_uid = uid,
			.session_id = session_id,
			.created_s = account->created_s},
		account->marks[ACP_MARK_ANCHOR]);
}

void
acp_anchor_judge(struct acp_world *world, const struct acp_site *site)
{
	struct acp_objects *accounts =
		&world->objects[ACP_KIND_SERVICE_ACCOUNT];
	const struct acp_key *last = NULL, *key;
	const char *last_id = NULL;

	for (size_t i = 0; i < accounts->count; i++) {
		struct acp_object *account = &accounts->items[i];

		key = account->session_id
			? acp_anchor_find_account_key(
				  world, site, account, account->session_id)
			: NULL;
		/* nearly all are under one key: one copy of its id will do */
		if (key && key != last)
			last_id = acp_arena_dup(
				world->arena, acp_key_peek_id(key));
		if (key)
			last = key;
		account->anchor_key_id = key ? last_id : NULL;
	}
}
