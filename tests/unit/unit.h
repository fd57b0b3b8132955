/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a unit test: a program defines one check suite and ends with
 * ACP_UNIT_MAIN(its function). Prints TAP on stdout. ACP_TEST_SHORT in the
 * environment cuts the rounds of random tests, for runs under valgrind.
 */
#ifndef ACP_TESTS_UNIT_UNIT_H
#define ACP_TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdlib.h>

enum { UNIT_SHORT = 25 };

/* How many rounds to take: all, or one of UNIT_SHORT. */
static inline int
unit_rounds(int rounds)
{
	return getenv("ACP_TEST_SHORT") ? rounds / UNIT_SHORT + 1 : rounds;
}

#define ACP_UNIT_MAIN(suite) \
	int main(void) \
	{ \
		SRunner *runner = srunner_create(suite()); \
		int failed; \
\
		srunner_set_tap(runner, "-"); \
		srunner_run_all(runner, CK_SILENT); \
		failed = srunner_ntests_failed(runner); \
		srunner_free(runner); \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS; \
	}

#endif
