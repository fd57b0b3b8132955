/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/handle.c and lib/base64url.c: any word as a handle. One that is well
 * formed has one spelling, and none is opened without the key.
 */
#include <config.h>

#include "fcgi/handle.h"

#include "lib/auto.h"
#include "lib/memory.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { PREFIX_SIZE = 5 };

static void
expect_spelling(const char *word)
{
	uint8_t sealed[ACP_HANDLE_SEALED_MAX];
	char text[ACP_HANDLE_TEXT_SIZE];
	size_t length = strlen(word + PREFIX_SIZE);

	if (!acp_handle_is_claimed(word) ||
		strlen(word) >= ACP_HANDLE_TEXT_SIZE ||
		acp_base64url_read(word + PREFIX_SIZE, length, sealed))
		abort();
	acp_base64url_write(sealed, ACP_BASE64URL_BYTES(length), text);
	if (strcmp(text, word + PREFIX_SIZE) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(free) char *word = acp_memory_dup_bytes(data, size);
	static struct acp_keyring ring;
	struct acp_handle handle;
	const struct acp_key *key;

	if (ring.count == 0 && acp_key_new(ACP_KEY_BITS_MIN, &ring.keys[0]))
		abort();
	ring.count = 1;
	if (acp_handle_is_well_formed(word))
		expect_spelling(word);
	if (!acp_handle_read(&ring, word, &handle, &key))
		abort();
	return 0;
}
