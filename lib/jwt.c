/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads expiry and subject out of a token, for the token sources. A parser
 * of foreign bytes: everything it copies is bounded by the token, and what
 * it decoded is wiped. Never verifies and never logs.
 */
#include <config.h>

#include "lib/jwt.h"

#include "lib/json.h"
#include "lib/secret.h"

#include <string.h>

static const char cluster_prefix[] = "system:serviceaccount:";

/* Value of a base64url digit (RFC 4648 §5), or 64. */
static unsigned int
decode_digit(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return (unsigned int)(digit - 'A');
	if (digit >= 'a' && digit <= 'z')
		return (unsigned int)(digit - 'a') + 26;
	if (digit >= '0' && digit <= '9')
		return (unsigned int)(digit - '0') + 52;
	if (digit == '-')
		return 62;
	return digit == '_' ? 63 : 64;
}

/* Unpadded, as RFC 7515 §2 has it. */
static bool
has_decoded(const char *text, size_t size, struct acp_secret *bytes)
{
	unsigned int bits = 0;
	unsigned int value;
	char byte;

	if (size % 4 == 1)
		return false;
	for (size_t i = 0; i < size; i++) {
		value = decode_digit(text[i]);
		if (value > 63)
			return false;
		bits = (bits << 6 | value) & 0xffff;
		if (i % 4 == 0)
			continue;
		byte = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
		acp_secret_append(bytes, &byte, 1);
	}
	return true;
}

/* Borrows the middle one of three words that dots part; else NULL. */
static const char *
peek_payload(const char *token, size_t size, size_t *payload_size)
{
	const char *end = token + size;
	const char *first = size ? memchr(token, '.', size) : NULL;
	const char *second;

	if (!first || first == token)
		return NULL;
	first++;
	second = memchr(first, '.', (size_t)(end - first));
	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return NULL;
	*payload_size = (size_t)(second - first);
	return first;
}

static void
read_claims(const struct json_object *payload, struct acp_jwt *jwt)
{
	size_t size = 0;
	const char *subject = acp_json_peek_text(payload, "sub", &size);

	jwt->has_expiry = acp_json_has_number(payload, "exp", &jwt->expiry_s);
	if (!subject)
		return;
	if (size > ACP_JWT_SUBJECT_MAX)
		size = ACP_JWT_SUBJECT_MAX;
	memcpy(jwt->subject, subject, size);
}

bool
acp_jwt_has_claims(const char *token, size_t size, struct acp_jwt *jwt)
{
	ACP_AUTO(secret) struct acp_secret text;
	ACP_AUTO(json) struct json_object *payload = NULL;
	const char *encoded;
	size_t encoded_size = 0;

	*jwt = (struct acp_jwt){0};
	acp_secret_init(&text);
	if (size > ACP_TOKEN_MAX)
		return false;
	encoded = peek_payload(token, size, &encoded_size);
	if (!encoded || !has_decoded(encoded, encoded_size, &text))
		return false;
	payload = acp_json_new(acp_secret_peek(&text), text.size);
	if (!payload)
		return false;
	read_claims(payload, jwt);
	return true;
}

int64_t
acp_jwt_get_left_ms(const struct acp_jwt *jwt, int64_t wall_ms)
{
	return jwt->has_expiry ? jwt->expiry_s * 1000 - wall_ms : INT64_MAX;
}

bool
acp_jwt_is_cluster_identity(const struct acp_jwt *jwt)
{
	return !strncmp(
		jwt->subject, cluster_prefix, sizeof(cluster_prefix) - 1);
}
