/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sign by which a session's account is known to be ours: a message
 * authentication code in an annotation, under a key that is derived from the
 * control plane's. Labels and names anybody may write who has rights in the
 * namespace; this nobody else can. It is no secret. Pure.
 */
#ifndef ACP_RECONCILER_ANCHOR_H
#define ACP_RECONCILER_ANCHOR_H

#include "lib/base64url.h"
#include "lib/hmac.h"
#include "lib/key.h"
#include "reconciler/site.h"
#include "reconciler/world.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What is signed; texts borrowed. The account's name follows from the id. The
 * time of its creation, which the server alone sets, keeps who has seen an
 * annotation from using it for an account of the same name later on.
 */
struct acp_anchor {
	const char *instance;
	const char *namespace;
	const char *namespace_uid;
	const char *session_id;
	int64_t created_s; /* of the account */
};

/*
 * A new account is signed before the server has said when it was created:
 * the times may be so far apart, and no further.
 */
#define ACP_ANCHOR_APART_S 60

/* "<seconds>.<43 characters>" and NUL. */
#define ACP_ANCHOR_SIZE (20 + 1 + ACP_BASE64URL_LENGTH(ACP_HMAC_SIZE) + 1)

void acp_anchor_write(const struct acp_key *key,
	const struct acp_anchor *anchor, char mark[static ACP_ANCHOR_SIZE]);

/*
 * The key of the ring under which mark (NULL: none) is the sign of what is
 * said, created_s being what the server says; NULL: it is not. Lives as ring.
 */
const struct acp_key *acp_anchor_find_key(const struct acp_keyring *ring,
	const struct acp_anchor *anchor, const char *mark);

/* The same for an account that was seen and the session it is to be of. */
const struct acp_key *acp_anchor_find_account_key(const struct acp_world *world,
	const struct acp_site *site, const struct acp_object *account,
	const char *session_id);

/* The uid of a namespace that was seen; NULL: it was not. */
const char *acp_anchor_find_namespace_uid(
	const struct acp_world *world, const char *namespace);

/*
 * Judges every account of a sorted world that says of which session it is,
 * and is called accordingly; the ids are kept in the world's arena.
 */
void acp_anchor_judge(struct acp_world *world, const struct acp_site *site);

#endif
