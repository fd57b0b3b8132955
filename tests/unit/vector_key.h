/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published key of tests/data, for tests that compare with what another
 * implementation derived from it.
 */
#ifndef ACP_TESTS_UNIT_VECTOR_KEY_H
#define ACP_TESTS_UNIT_VECTOR_KEY_H

#include "lib/key.h"

/* What make-handle-vector.py printed, and what it was made of. */
#define VECTOR_SESSION "2abcDEFghiJKLmnoPQRstuVWXyz"
#define VECTOR_PROOF "dMZheEFEpsXuBxkwHtqLZMwBurGxePR764FltxL3hk8"
#define VECTOR_HANDLE \
	"acp1.AAECAwQFBgcICQoLDA0ODz7ZguEOVaARsrfK_VlkZtRoeWSaLnls4MK5JMgpFF" \
	"qs3awBxkJGz3gayc8i6yyh3u5IQ4ZHlURRsBPYfQ"
#define VECTOR_ISSUED_MS INT64_C(1700000000000)
#define VECTOR_EXPIRES_MS INT64_C(1700003600000)

/* Appends that key to the ring. */
void vector_key_add(struct acp_keyring *ring);

/* Appends a fresh key of 2048 bits. */
void vector_key_add_other(struct acp_keyring *ring);

#endif
