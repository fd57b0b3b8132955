/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts of processor time and memory as Kubernetes writes them: "500m",
 * "1.5", "4Gi". Judged here, so that no pod is refused for them later.
 */
#ifndef ACP_RECONCILER_QUANTITY_H
#define ACP_RECONCILER_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * True for a positive decimal number of at most three decimals with one of
 * the suffixes m k M G T P Ki Mi Gi Ti Pi or none; writes it in thousandths.
 * False for all else, also for what 63 bits cannot hold. NULL is none.
 */
bool acp_quantity_read(const char *text, int64_t *thousandths);

#endif
