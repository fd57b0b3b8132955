/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills key rings for tests; linked into those that name it. Ends the test
 * when it cannot.
 */
#include <config.h>

#include "tests/unit/vector_key.h"

#include "lib/file.h"
#include "tests/unit/unit.h"

#include <stdio.h>

void
vector_key_add(struct acp_keyring *ring)
{
	const char *folder = getenv("ACP_SRCDIR");
	ACP_AUTO(secret) struct acp_secret pem;
	ACP_AUTO(buffer) struct acp_buffer why;
	char path[1000];

	acp_secret_init(&pem);
	acp_buffer_init(&why, 1000);
	snprintf(path, sizeof(path), "%s/tests/data/key-vector.pem",
		folder ? folder : ".");
	ck_assert_int_eq(acp_file_read(path, 10000, &pem, &why), ACP_OK);
	ck_assert_int_eq(
		acp_keyring_add_pem(ring, pem.bytes, pem.size, "vector", &why),
		ACP_OK);
}

void
vector_key_add_other(struct acp_keyring *ring)
{
	ck_assert_uint_lt(ring->count, ACP_KEY_COUNT_MAX);
	ck_assert_int_eq(acp_key_new(2048, &ring->keys[ring->count]), ACP_OK);
	ring->count++;
}
