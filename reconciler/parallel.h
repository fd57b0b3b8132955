/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does independent pieces of work on a few threads at once, and waits for
 * them. Knows nothing of what the work is.
 */
#ifndef ACP_RECONCILER_PARALLEL_H
#define ACP_RECONCILER_PARALLEL_H

#include <stddef.h>

/*
 * Calls work(context, i) once for each i below count, on up to threads
 * threads of which the caller's is one, in about that order; returns when all
 * calls have. Where a thread cannot be made there are fewer.
 */
void acp_parallel_run(size_t threads, size_t count,
	void (*work)(void *context, size_t index), void *context);

#endif
