/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/bearer.c: any header value; a credential that is taken must be the
 * one spelling of its bytes.
 */
#include <config.h>

#include "fcgi/bearer.h"

#include "lib/auto.h"
#include "lib/memory.h"
#include "tests/fuzz/fuzz.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

static void
expect_spelling(const char *word, struct acp_ciphertext *ciphertext)
{
	gnutls_datum_t bytes = {
		ciphertext->bytes, (unsigned int)ciphertext->size};
	gnutls_datum_t text;

	if (ciphertext->size == 0 || ciphertext->size > ACP_KEY_MODULUS_MAX)
		abort();
	if (gnutls_base64_encode2(&bytes, &text) < 0)
		abort();
	if (text.size != strlen(word) || memcmp(text.data, word, text.size))
		abort();
	gnutls_free(text.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(free) char *value = acp_memory_dup_bytes(data, size);
	const char *word = acp_bearer_find(value);
	struct acp_ciphertext ciphertext;

	if (word && (word < value || word >= value + size || !*word))
		abort();
	if (!word)
		word = value;
	if (!acp_bearer_decode(word, &ciphertext))
		expect_spelling(word, &ciphertext);
	return 0;
}
