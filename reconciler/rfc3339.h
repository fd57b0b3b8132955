/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as the servers write them (RFC 3339 §5.6), as numbers. No locale, no
 * clock, no time zone but the one in the text.
 */
#ifndef ACP_RECONCILER_RFC3339_H
#define ACP_RECONCILER_RFC3339_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads all size bytes as "2026-01-31T23:59:59.123456Z" (or ±hh:mm, with any
 * number of digits or none behind the second, of which six count) into
 * microseconds since 1970, negative before. Capital T and Z alone; no leap
 * second, which neither server writes. False for all else.
 */
bool acp_rfc3339_read(const char *text, size_t size, int64_t *time_us);

#endif
