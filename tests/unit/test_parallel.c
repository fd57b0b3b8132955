/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/parallel.c: each piece of work is done once, also where no
 * thread can be made.
 */
#include <config.h>

#include "reconciler/parallel.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum { PIECES = 1000 };

static atomic_int done[PIECES];
static int refused_after = -1; /* threads that may be made; -1: all */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*run)(void *), void *argument);

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*run)(void *), void *argument)
{
	if (refused_after == 0)
		return EAGAIN;
	if (refused_after > 0)
		refused_after--;
	return __real_pthread_create(thread, attributes, run, argument);
}

static void
count(void *context, size_t index)
{
	(void)context;
	atomic_fetch_add(&done[index], 1);
}

static const struct {
	size_t threads;
	int refused_after;
	size_t pieces;
} crews[] = {
	{1, -1, PIECES},
	{16, -1, PIECES},
	{1000, -1, PIECES},
	{16, 0, PIECES},
	{16, 3, PIECES},
	{16, -1, 1},
	{16, -1, 0},
	{0, -1, 3},
};

START_TEST(each_piece_is_done_once)
{
	refused_after = crews[_i].refused_after;
	acp_parallel_run(crews[_i].threads, crews[_i].pieces, count, NULL);
	for (size_t i = 0; i < PIECES; i++)
		ck_assert_int_eq(
			atomic_load(&done[i]), i < crews[_i].pieces ? 1 : 0);
}
END_TEST

/* Returns only when all of the crew are in it at once. */
static void
meet(void *context, size_t index)
{
	(void)index;
	pthread_barrier_wait(context);
}

START_TEST(pieces_are_done_side_by_side)
{
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, 8);
	acp_parallel_run(8, 8, meet, &barrier);
	pthread_barrier_destroy(&barrier);
}
END_TEST

static Suite *
parallel_suite(void)
{
	Suite *suite = suite_create("parallel");
	TCase *tests = tcase_create("parallel");

	tcase_add_loop_test(tests, each_piece_is_done_once, 0,
		sizeof(crews) / sizeof(*crews));
	tcase_add_test(tests, pieces_are_done_side_by_side);
	suite_add_tcase(suite, tests);
	return suite;
}

ACP_UNIT_MAIN(parallel_suite)
