/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a unit test: a program defines one check suite and ends with
 * ACP_UNIT_MAIN(its function). Prints TAP on stdout.
 */
#ifndef ACP_TESTS_UNIT_UNIT_H
#define ACP_TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdlib.h>

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
