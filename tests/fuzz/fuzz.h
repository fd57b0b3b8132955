/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every fuzz target defines; the caller is libFuzzer, or replay.c where
 * the tree was configured without --enable-fuzzing.
 */
#ifndef ACP_TESTS_FUZZ_FUZZ_H
#define ACP_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * Feeds size bytes to one parser and aborts when a promise of its header is
 * broken. data has no byte behind it and may be NULL when size is 0; it is
 * not kept. Called any number of times in one process; returns 0.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
