/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/key.h: any bytes as a key file. What is taken for keys keeps to the
 * bounds, has an id, and reads back as the same keys; a refusal says why and
 * leaves the ring as it was.
 */
#include <config.h>

#include "lib/key.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define WHY_MAX ((size_t)4096)

static void
expect_sound(const struct acp_key *key)
{
	size_t size = acp_key_get_size(key);

	if (size < ACP_KEY_BITS_MIN / 8 || size > ACP_KEY_MODULUS_MAX)
		abort();
	if (!(acp_key_peek_modulus(key)[0] & 0x80) ||
		!(acp_key_peek_modulus(key)[size - 1] & 1))
		abort();
	if (strspn(acp_key_peek_id(key), "0123456789abcdef") !=
		ACP_KEY_ID_SIZE - 1)
		abort();
}

static void
expect_same_again(const struct acp_keyring *ring)
{
	ACP_AUTO(keyring) struct acp_keyring again;
	ACP_AUTO(secret) struct acp_secret pem;
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_keyring_init(&again);
	acp_secret_init(&pem);
	acp_buffer_init(&why, WHY_MAX);
	for (size_t i = 0; i < ring->count; i++)
		acp_key_write_private(ring->keys[i], &pem);
	if (acp_keyring_add_pem(
		    &again, acp_secret_peek(&pem), pem.size, "again", &why))
		abort();
	if (again.count != ring->count)
		abort();
	for (size_t i = 0; i < ring->count; i++)
		if (strcmp(acp_key_peek_id(again.keys[i]),
			    acp_key_peek_id(ring->keys[i])) != 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error;

	acp_keyring_init(&ring);
	acp_buffer_init(&why, WHY_MAX);
	if (size > ACP_KEY_FILE_MAX)
		return 0;
	error = acp_keyring_add_pem(
		&ring, (const char *)data, size, "input", &why);
	if (why.is_failed || (error != ACP_OK) != (why.size > 0))
		abort();
	if ((error != ACP_OK) != (ring.count == 0) ||
		ring.count > ACP_KEY_COUNT_MAX)
		abort();
	for (size_t i = 0; i < ring.count; i++)
		expect_sound(ring.keys[i]);
	if (error == ACP_OK)
		expect_same_again(&ring);
	return 0;
}
