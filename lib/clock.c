/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the clocks and writes times as text.
 */
#include <config.h>

#include "lib/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t
read_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
acp_clock_now_us(void)
{
	return read_us(CLOCK_BOOTTIME);
}

int64_t
acp_clock_now_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t
acp_clock_thread_us(void)
{
	return read_us(CLOCK_THREAD_CPUTIME_ID);
}

int64_t
acp_clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

void
acp_clock_format(int64_t wall_ms, int decimals, char *text)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	size_t size;

	gmtime_r(&seconds, &parts);
	size = strftime(text, ACP_CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
	if (decimals)
		snprintf(text + size, ACP_CLOCK_TEXT_SIZE - size, ".%03dZ",
			(int)(wall_ms % 1000));
	else
		snprintf(text + size, ACP_CLOCK_TEXT_SIZE - size, "Z");
}
