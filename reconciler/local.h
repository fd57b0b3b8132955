/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key file without Kubernetes: made when there is none, left alone when
 * there is a good one, refused when there is a bad one.
 */
#ifndef ACP_RECONCILER_LOCAL_H
#define ACP_RECONCILER_LOCAL_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/key.h"

#include <stdbool.h>

struct acp_local_result {
	char key_id[ACP_KEY_ID_SIZE]; /* of the current key; "" while none */
	bool is_created;
};

/*
 * Makes sure that path holds a key. A new one has bits, and the file mode
 * 0640. Waits for another process that is making it, so that both end up
 * with the same key; the lock is PATH.lock, which stays. On failure nothing
 * that was there is changed, and why says what to do:
 *   ACP_GONE         the folder is not there
 *   ACP_DENIED       no permission, or others may read or write the file
 *   ACP_BAD_REQUEST  the file is not a key file
 *   ACP_FAULT        the disk is full, or another failure of the system
 */
ACP_MUST_CHECK enum acp_error acp_local_ensure(const char *path,
	unsigned int bits, struct acp_local_result *result,
	struct acp_buffer *why);

/*
 * Only looks, for --check: ACP_OK with a key id, or with "" when a file
 * would be made; errors as above.
 */
ACP_MUST_CHECK enum acp_error acp_local_look(const char *path,
	struct acp_local_result *result, struct acp_buffer *why);

#endif
