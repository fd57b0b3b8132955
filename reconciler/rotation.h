/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is due in a rotation of keys, and what each step makes of the key
 * Secret. Pure: the time is the server's and is passed in. Never takes away a
 * key that a pod may still need, but when it is told to revoke it.
 */
#ifndef ACP_RECONCILER_ROTATION_H
#define ACP_RECONCILER_ROTATION_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/key.h"
#include "reconciler/key_secret.h"
#include "reconciler/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From --rotate-key until the next key is current: all replicas have it. */
#define ACP_ROTATION_NEXT_S (2 * 60)
/* From then on a previous key is kept for at least so long. */
#define ACP_ROTATION_PREVIOUS_S (24 * 60 * 60)
/* A time further ahead of the server's clock than this is noted anew. */
#define ACP_ROTATION_AHEAD_S (5 * 60)

/* Under which keys the managed pods, and the anchors of accounts, were made. */
struct acp_key_marks {
	bool is_known; /* the whole lists of both were read */
	const char **ids; /* one each; NULL: a pod without a mark */
	size_t count;
};

enum acp_rotation_step {
	ACP_ROTATION_NOTHING,
	ACP_ROTATION_STAMP, /* note times that are missing */
	ACP_ROTATION_PROMOTE, /* next becomes current */
	ACP_ROTATION_DROP, /* a previous key goes */
	ACP_ROTATION__MAX
};

struct acp_rotation {
	enum acp_rotation_step step;
	char key_id[ACP_KEY_ID_SIZE]; /* promoted or dropped, else "" */
};

/* The marks of a world; ids lives in its arena. */
struct acp_key_marks acp_rotation_collect(const struct acp_world *world);

/*
 * The one step that is due at now_s (0: unknown, nothing is). A pod without a
 * mark counts for the oldest key.
 */
struct acp_rotation acp_rotation_plan(const struct acp_key_secret *secret,
	int64_t now_s, const struct acp_key_marks *marks);

/* Does a planned step. */
void acp_rotation_apply(struct acp_key_secret *secret,
	const struct acp_rotation *rotation, int64_t now_s);

/*
 * Adds the next key, since now_s. ACP_DENIED with the reason in why when one
 * is pending, when three keys are there, or when now_s is unknown; then key
 * is not taken.
 */
ACP_MUST_CHECK enum acp_error acp_rotation_may_add(
	const struct acp_key_secret *secret, int64_t now_s,
	struct acp_buffer *why);
void acp_rotation_take_next(
	struct acp_key_secret *secret, struct acp_key *key, int64_t now_s);

/*
 * Takes a key away now. The current one only when a next key is pending,
 * which then takes its place at once. ACP_GONE when there is no such key,
 * ACP_DENIED when it is the only usable one; with the reason in why.
 */
ACP_MUST_CHECK enum acp_error acp_rotation_revoke(struct acp_key_secret *secret,
	const char *key_id, struct acp_buffer *why);

/*
 * True for the mark of a pod whose key was revoked: it names a key that is
 * not in the ring. Such a pod can get no token any more, and is to be failed.
 */
bool acp_rotation_is_revoked(const struct acp_keyring *ring, const char *mark);

#endif
