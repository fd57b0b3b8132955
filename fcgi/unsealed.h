/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a ciphertext turned out to hold. Never a token and never an answer:
 * who asks again with the same ciphertext is judged again.
 */
#ifndef ACP_FCGI_UNSEALED_H
#define ACP_FCGI_UNSEALED_H

#include "fcgi/bearer.h"
#include "fcgi/keyset.h"
#include "lib/key.h"
#include "lib/limits.h"

enum acp_unsealed_verdict {
	ACP_UNSEALED_SESSION, /* a well-formed session id */
	ACP_UNSEALED_DENIED, /* no key opens it */
	ACP_UNSEALED_FORBIDDEN, /* it holds something else */
	ACP_UNSEALED_VERDICT__MAX
};

struct acp_unsealed {
	enum acp_unsealed_verdict verdict;
	/* below: only with ACP_UNSEALED_SESSION, else empty */
	char session[ACP_SESSION_ID_MAX + 1];
	char key_id[ACP_KEY_ID_SIZE]; /* the key that opened it */
};

/*
 * Opens the ciphertext and looks at the id in it: one private key operation
 * for each key that fits. The same steps are taken, in the same time,
 * whether it opens, and whatever it holds; the verdict is chosen last.
 */
void acp_unsealed_init(struct acp_unsealed *unsealed,
	const struct acp_keyset *keyset,
	const struct acp_ciphertext *ciphertext);

#endif
