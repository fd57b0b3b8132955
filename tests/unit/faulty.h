/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs tests/support/faulty_idp.py for a unit test. Its pipe ends it when
 * the test ends, however that comes. A fault here fails the test.
 */
#ifndef ACP_TESTS_UNIT_FAULTY_H
#define ACP_TESTS_UNIT_FAULTY_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct faulty {
	pid_t pid;
	FILE *to;
	FILE *from;
	char url[128];
	char ca_file[128]; /* "" without TLS */
};

/* option: NULL, "--tls" or "--old-tls". */
void faulty_open(struct faulty *faulty, const char *option);
/* Another script of tests/support that speaks as faulty_idp.py does. */
void faulty_open_script(
	struct faulty *faulty, const char *name, const char *option);
void faulty_close(struct faulty *faulty);

/* Sends a query of faulty_idp.py ("mode=slow&seconds=9"). */
void faulty_set(struct faulty *faulty, const char *query);

/* A number of its state, and a text (NULL: null), which the caller frees. */
int64_t faulty_get(struct faulty *faulty, const char *name);
char *faulty_dup_text(struct faulty *faulty, const char *name);

#endif
