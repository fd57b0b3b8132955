/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that take the next number until there is none. They live for one
 * call only: a pass is seconds apart from the next.
 */
#include <config.h>

#include "reconciler/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS_MAX = 64 };

struct crew {
	atomic_size_t next;
	size_t count;
	void (*work)(void *context, size_t index);
	void *context;
};

static void *
take_turns(void *argument)
{
	struct crew *crew = argument;
	size_t index;

	while ((index = atomic_fetch_add(&crew->next, 1)) < crew->count)
		crew->work(crew->context, index);
	return NULL;
}

void
acp_parallel_run(size_t threads, size_t count,
	void (*work)(void *context, size_t index), void *context)
{
	struct crew crew = {.count = count, .work = work, .context = context};
	pthread_t others[THREADS_MAX];
	size_t started = 0;

	if (threads > count)
		threads = count;
	while (started + 1 < threads && started < THREADS_MAX &&
		pthread_create(&others[started], NULL, take_turns, &crew) == 0)
		started++;
	take_turns(&crew);
	while (started > 0)
		pthread_join(others[--started], NULL);
}
