/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks into a JSON Web Token (RFC 7519 in the compact form of RFC 7515)
 * without verifying it: the token is only passed on, and who accepts it
 * verifies it. So nothing here may be used to trust anybody.
 */
#ifndef ACP_LIB_JWT_H
#define ACP_LIB_JWT_H

#include "lib/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_jwt {
	bool has_expiry;
	int64_t expiry_s; /* exp, seconds since 1970; maybe long past */
	/* sub, cut at this size and at a NUL inside it; "" when absent */
	char subject[ACP_JWT_SUBJECT_MAX + 1];
};

/*
 * Reads the payload of a token of any bytes. False when it is not three
 * base64url words, the first not empty, with a JSON object in the second;
 * *jwt is then all zero.
 */
bool acp_jwt_has_claims(const char *token, size_t size, struct acp_jwt *jwt);

/*
 * Life in milliseconds at wall_ms by exp, negative when it is past;
 * INT64_MAX when there is no exp.
 */
int64_t acp_jwt_get_left_ms(const struct acp_jwt *jwt, int64_t wall_ms);

/* True when the subject is a Kubernetes service account. */
bool acp_jwt_is_cluster_identity(const struct acp_jwt *jwt);

#endif
