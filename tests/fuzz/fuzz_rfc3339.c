/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/rfc3339.h: any bytes as a time. What is read is within the years
 * 1 to 9999 (and a day for the zone), and is the same when written and read
 * again.
 */
#include <config.h>

#include "reconciler/rfc3339.h"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_US (-62135596800000000 - 86400000000)
#define LAST_US (253402300799999999 + 86400000000)

/* Times before the year 1000 or past 9999 have another number of digits. */
static void
expect_same(int64_t time_us)
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm civil;
	char text[64];
	int64_t again = 0;

	if (time_us < 0 || !gmtime_r(&seconds, &civil) ||
		civil.tm_year + 1900 > 9999)
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &civil);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ".%06dZ",
		(int)(time_us % 1000000));
	if (!acp_rfc3339_read(text, strlen(text), &again) || again != time_us)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t time_us = 0;

	if (!acp_rfc3339_read((const char *)data, size, &time_us))
		return 0;
	if (time_us < FIRST_US || time_us > LAST_US)
		abort();
	expect_same(time_us);
	return 0;
}
