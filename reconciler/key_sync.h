/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the key file in step with the key Secret, makes the Secret when there
 * is none, and takes the steps of a rotation. Needs Kubernetes only, never
 * the Ambient API server. Must never overwrite a Secret that is damaged, nor
 * the key file when the Secret cannot be read.
 */
#ifndef ACP_RECONCILER_KEY_SYNC_H
#define ACP_RECONCILER_KEY_SYNC_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/key.h"
#include "reconciler/kube.h"
#include "reconciler/rotation.h"

#include <stdbool.h>

struct acp_key_sync;

/* Texts and kube outlive the sync. */
struct acp_key_sync_settings {
	struct acp_kube *kube; /* guarded: its writes ask the Lease */
	const char *namespace; /* the runtime namespace */
	const char *instance;
	const char *key_file; /* the first: the one that is ours */
	const char *owner; /* keypair_owner, a Deployment; NULL: none */
	unsigned int bits; /* of a key that is made */
};

/* No I/O. */
struct acp_key_sync *acp_key_sync_new(
	const struct acp_key_sync_settings *settings);
void acp_key_sync_free(struct acp_key_sync **sync);

/*
 * One step, every 10 s and at the start of a pass: reads the Secret, makes it
 * where it is missing and may_create (which takes seconds for a new key), and
 * writes the key file where it differs. One thread at a time calls this and
 * the functions that rotate. Unless ACP_OK, why says what is wrong:
 *   ACP_GONE         no Secret, and it is not ours to make
 *   ACP_BAD_REQUEST  the Secret is damaged; it and the key file are untouched
 *   ACP_DENIED       no permission, in Kubernetes or in the folder
 *   ACP_RETRY_LATER  Kubernetes did not answer, or is not ours to write to
 *   ACP_FAULT        no key can be made, or the disk is full
 */
ACP_MUST_CHECK enum acp_error acp_key_sync_step(
	struct acp_key_sync *sync, bool may_create, struct acp_buffer *why);

/*
 * Only reads the Secret, for a dry run: then its keys are known here, but need
 * not be in the key file. Errors as above.
 */
ACP_MUST_CHECK enum acp_error acp_key_sync_look(
	struct acp_key_sync *sync, struct acp_buffer *why);

/*
 * The steps of a rotation that are due, by the server's clock; for the holder
 * of the Lease, after a step, in each full pass. Asks nobody when that step
 * saw one key alone. Errors as above.
 */
ACP_MUST_CHECK enum acp_error acp_key_sync_rotate(struct acp_key_sync *sync,
	const struct acp_key_marks *marks, struct acp_buffer *why);

/*
 * --rotate-key and --revoke-key, for who holds the Lease; key_id gets the id
 * of the new key. ACP_DENIED and ACP_GONE also as in reconciler/rotation.h.
 */
ACP_MUST_CHECK enum acp_error acp_key_sync_add_next(struct acp_key_sync *sync,
	char key_id[static ACP_KEY_ID_SIZE], struct acp_buffer *why);
ACP_MUST_CHECK enum acp_error acp_key_sync_revoke(
	struct acp_key_sync *sync, const char *key_id, struct acp_buffer *why);

/*
 * The keys of the Secret when it was last read, current one first, into an
 * empty ring. False while none was read or when the last one was damaged.
 * Any thread.
 */
bool acp_key_sync_dup_ring(struct acp_key_sync *sync, struct acp_keyring *ring);

ACP_AUTO_DEFINE(key_sync, struct acp_key_sync *, acp_key_sync_free)

#endif
