/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/key.c: any text as a key file. It ends either with keys that say who
 * they are, or with a reason and the ring as it was.
 */
#include <config.h>

#include "lib/key.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void
expect_key(const struct acp_key *key)
{
	if (strlen(acp_key_peek_id(key)) != ACP_KEY_ID_SIZE - 1 ||
		acp_key_get_size(key) < ACP_KEY_BITS_MIN / 8 ||
		acp_key_get_size(key) > ACP_KEY_MODULUS_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error;

	acp_keyring_init(&ring);
	acp_buffer_init(&why, 10000);
	error = acp_keyring_add_pem(
		&ring, (const char *)data, size, "input", &why);
	if ((error != ACP_OK) != (ring.count == 0) ||
		(error != ACP_OK) != (why.size > 0) || why.is_failed ||
		ring.count > ACP_KEY_COUNT_MAX)
		abort();
	for (size_t i = 0; i < ring.count; i++)
		expect_key(ring.keys[i]);
	return 0;
}
