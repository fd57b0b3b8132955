/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/jwt.h: any bytes as an access token, and any bytes as the payload of
 * one that is well formed otherwise. Claims are bounded whatever they say.
 */
#include <config.h>

#include "lib/jwt.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"

#define PAYLOAD_MAX ((size_t)4096)

static void
read_token(const char *token, size_t size)
{
	static const struct acp_jwt nothing;
	struct acp_jwt jwt;
	size_t length;

	memset(&jwt, 0xa5, sizeof(jwt));
	if (!acp_jwt_has_claims(token, size, &jwt)) {
		if (jwt.has_expiry || jwt.expiry_s ||
			memcmp(jwt.subject, nothing.subject,
				sizeof(jwt.subject)) != 0)
			abort();
		return;
	}
	length = strnlen(jwt.subject, sizeof(jwt.subject));
	if (length > ACP_JWT_SUBJECT_MAX)
		abort();
	acp_jwt_get_left_ms(&jwt, 0);
	acp_jwt_get_left_ms(&jwt, INT64_MAX / 2);
	if (!jwt.has_expiry && acp_jwt_get_left_ms(&jwt, 5) != INT64_MAX)
		abort();
	if (acp_jwt_is_cluster_identity(&jwt) !=
		(strncmp(jwt.subject, "system:serviceaccount:", 22) == 0))
		abort();
}

/* Writes base64url without padding (RFC 7515 §2); the bytes written. */
static size_t
encode(const uint8_t *data, size_t size, char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t written = 0;
	unsigned int bits = 0;
	unsigned int held = 0;

	for (size_t i = 0; i < size; i++) {
		bits = (bits << 8 | data[i]) & 0xffff;
		for (held += 8; held >= 6; held -= 6)
			text[written++] = digits[bits >> (held - 6) & 63];
	}
	if (held)
		text[written++] = digits[bits << (6 - held) & 63];
	return written;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char token[2 * PAYLOAD_MAX] = "e30.";
	size_t written = 4;

	if (size > PAYLOAD_MAX)
		return 0;
	read_token((const char *)data, size);
	written += encode(data, size, token + written);
	memcpy(token + written, ".c2ln", 5);
	read_token(token, written + 5);
	return 0;
}
