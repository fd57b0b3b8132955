/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Durations and deadlines use the boot-time clock, which no step of
 * the wall clock can move and which goes on while the machine is suspended;
 * the wall clock is only for what is shown to others.
 */
#ifndef ACP_LIB_CLOCK_H
#define ACP_LIB_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds (microseconds) of CLOCK_BOOTTIME; the origin is arbitrary. */
int64_t acp_clock_now_ms(void);
int64_t acp_clock_now_us(void);

/* Microseconds of processor time that the calling thread has used. */
int64_t acp_clock_thread_us(void);

/* Milliseconds since 1970-01-01 UTC. */
int64_t acp_clock_wall_ms(void);

/* Room for "2026-01-31T23:59:59.999Z" and its NUL. */
#define ACP_CLOCK_TEXT_SIZE 32

/*
 * Writes wall_ms as RFC 3339 UTC with decimals (0 or 3) after the second,
 * into text of ACP_CLOCK_TEXT_SIZE bytes.
 */
void acp_clock_format(int64_t wall_ms, int decimals, char *text);

#endif
