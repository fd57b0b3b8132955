/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes from GnuTLS' generator.
 */
#ifndef ACP_LIB_RANDOM_H
#define ACP_LIB_RANDOM_H

#include <stddef.h>

/* Fills bytes for use as a key. Ends the process when there is no entropy. */
void acp_random_fill(void *bytes, size_t size);

#endif
