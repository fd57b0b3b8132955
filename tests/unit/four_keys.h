/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four RSA keys for the tests of one program. They take long to make: by an
 * unchecked fixture, once, before the tests fork.
 */
#ifndef ACP_TESTS_UNIT_FOUR_KEYS_H
#define ACP_TESTS_UNIT_FOUR_KEYS_H

#include "lib/key.h"

#include <check.h>

enum { KEY_COUNT = 4 };

static struct acp_key *keys[KEY_COUNT];

static inline void
make_keys(void)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		ck_assert_int_eq(acp_key_new(2048, &keys[i]), ACP_OK);
}

static inline void
drop_keys(void)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		acp_key_free(&keys[i]);
}

#endif
