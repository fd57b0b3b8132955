/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key Secret as keys: read from the object that Kubernetes keeps, judged,
 * and written back. Pure: no I/O, no clock. Foreign labels, annotations and
 * data of the object are kept when it is written again.
 */
#ifndef ACP_RECONCILER_KEY_SECRET_H
#define ACP_RECONCILER_KEY_SECRET_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/key.h"

#include <json-c/json_object.h>
#include <stddef.h>
#include <stdint.h>

#define ACP_KEY_SECRET_NAME "ambient-cp-token-keypair"

/* Keys in all, and what is left of them for previous ones. */
#define ACP_KEY_SECRET_KEYS_MAX 3
#define ACP_KEY_SECRET_PREVIOUS_MAX (ACP_KEY_SECRET_KEYS_MAX - 1)

/* Since when keys are what they are: "ID=2026-01-31T23:59:59Z", by commas. */
#define ACP_KEY_SECRET_NEXT_SINCE "ambient-code.io/next-key-since"
#define ACP_KEY_SECRET_PREVIOUS_SINCE "ambient-code.io/previous-keys-since"

/* A key and the server's time since when it has its role; 0: not noted. */
struct acp_aged_key {
	struct acp_key *key; /* owned; NULL: none */
	int64_t since_s;
};

struct acp_key_secret {
	struct acp_key *current; /* owned; NULL only while it is empty */
	struct acp_aged_key next;
	struct acp_aged_key previous[ACP_KEY_SECRET_PREVIOUS_MAX];
	size_t previous_count; /* newest first */
	struct json_object
		*seen; /* the object as read, without keys; or NULL */
};

/* What is written into an object that is made; texts borrowed. */
struct acp_key_secret_place {
	const char *namespace;
	const char *instance;
	const char *owner_name; /* a Deployment; NULL: no ownerReference */
	const char *owner_uid;
};

void acp_key_secret_init(struct acp_key_secret *secret);
void acp_key_secret_clear(struct acp_key_secret *secret);

/*
 * Reads an object into an empty secret. ACP_BAD_REQUEST, with the entry and
 * what is wrong with it in why (H-08), when an entry is missing, is no
 * base64, is no good key, is a key too many, or public.pem is not the public
 * half of private.pem. The object is borrowed.
 */
ACP_MUST_CHECK enum acp_error acp_key_secret_read(struct json_object *object,
	struct acp_key_secret *secret, struct acp_buffer *why);

/*
 * Takes over the keys of a key file into an empty secret: the first is
 * current, the others are previous since now_s, for their roles cannot be
 * told any more. Keys beyond ACP_KEY_SECRET_KEYS_MAX are left out.
 */
void acp_key_secret_fill(struct acp_key_secret *secret,
	const struct acp_keyring *ring, int64_t now_s);

/*
 * The object to create, or to replace the seen one with (it then carries uid
 * and resourceVersion). Caller owns. Private keys as PKCS#1.
 */
struct json_object *acp_key_secret_write(const struct acp_key_secret *secret,
	const struct acp_key_secret_place *place);

/* metadata.uid of an owner, borrowed; NULL when it has none. */
const char *acp_key_secret_peek_uid(struct json_object *owner);

/* Overwrites the private keys in an object, before it is freed; NULL is none. */
void acp_key_secret_wipe(struct json_object *object);

/* Appends current, next and previous keys to an empty ring. */
void acp_key_secret_list(
	const struct acp_key_secret *secret, struct acp_keyring *ring);

size_t acp_key_secret_get_count(const struct acp_key_secret *secret);

ACP_AUTO_DEFINE(key_secret, struct acp_key_secret, acp_key_secret_clear)

#endif
