/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which units are being worked on. Fast and full passes run side by side, and
 * one object has one worker at a time (H-18).
 */
#ifndef ACP_RECONCILER_CLAIMS_H
#define ACP_RECONCILER_CLAIMS_H

#include <stdbool.h>

struct acp_claims;

struct acp_claims *acp_claims_new(void);
void acp_claims_free(struct acp_claims **claims);

/* False while another has the unit; else it is ours until the release. */
bool acp_claims_take(struct acp_claims *claims, const char *unit);
void acp_claims_release(struct acp_claims *claims, const char *unit);

#endif
