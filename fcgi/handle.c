/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals, opens and judges renewal handles. Called by whoever answers a token
 * request. A parser of foreign bytes up to the point where the seal holds;
 * must never log a handle.
 */
#include <config.h>

#include "fcgi/handle.h"

#include "fcgi/aead.h"
#include "lib/secret.h"
#include "lib/session_id.h"

#include <string.h>

/* The first word of the text, and the AAD of what it holds. */
#define LABEL "acp1"
#define PREFIX LABEL "."

/* The sealed bytes: flags, first issue, expiry (big-endian), session id. */
enum { FLAGS, ISSUED, EXPIRES = ISSUED + 8, SESSION = EXPIRES + 8 };
enum { FLAG_BOUND = 1 };

_Static_assert(SESSION + ACP_SESSION_ID_MAX == ACP_HANDLE_PLAIN_MAX &&
		ACP_HANDLE_PLAIN_MAX + ACP_AEAD_OVERHEAD ==
			ACP_HANDLE_SEALED_MAX,
	"the bounds are those of this layout");
_Static_assert(ACP_AEAD_KEY_SIZE == ACP_KEY_SUBKEY_SIZE,
	"a subkey is a key of the AEAD");

bool
acp_handle_is_claimed(const char *word)
{
	return strncmp(word, PREFIX, strlen(PREFIX)) == 0;
}

static void
write_number(int64_t number, uint8_t *bytes)
{
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
}

static int64_t
read_number(const uint8_t *bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return (int64_t)number;
}

void
acp_handle_write(
	const struct acp_key *key, const struct acp_handle *handle, char *text)
{
	uint8_t plain[ACP_HANDLE_PLAIN_MAX], sealed[ACP_HANDLE_SEALED_MAX];
	size_t length = strnlen(handle->session, ACP_SESSION_ID_MAX);
	size_t size = SESSION + length;

	plain[FLAGS] = handle->is_bound ? FLAG_BOUND : 0;
	write_number(handle->issued_ms, plain + ISSUED);
	write_number(handle->expires_ms, plain + EXPIRES);
	memcpy(plain + SESSION, handle->session, length);
	acp_aead_seal(acp_key_peek_subkey(key, ACP_KEY_USE_RENEWAL), LABEL,
		plain, size, sealed);
	memcpy(text, PREFIX, strlen(PREFIX));
	acp_base64url_write(
		sealed, size + ACP_AEAD_OVERHEAD, text + strlen(PREFIX));
	acp_secret_wipe(plain, sizeof(plain));
}

/* The bytes behind the prefix, bounded before they are decoded. */
static enum acp_error
decode(const char *word, uint8_t *sealed, size_t *size)
{
	size_t length;

	if (!acp_handle_is_claimed(word))
		return ACP_DENIED;
	word += strlen(PREFIX);
	length = strnlen(word, ACP_HANDLE_TEXT_SIZE);
	*size = ACP_BASE64URL_BYTES(length);
	if (*size > ACP_HANDLE_SEALED_MAX ||
		*size < SESSION + ACP_SESSION_ID_MIN + ACP_AEAD_OVERHEAD)
		return ACP_DENIED;
	return acp_base64url_read(word, length, sealed);
}

bool
acp_handle_is_well_formed(const char *word)
{
	uint8_t sealed[ACP_HANDLE_SEALED_MAX];
	size_t size;

	return decode(word, sealed, &size) == ACP_OK;
}

static enum acp_error
parse(const uint8_t *plain, size_t size, struct acp_handle *handle)
{
	const char *session = (const char *)plain + SESSION;
	size_t length = size - SESSION;

	if (plain[FLAGS] & ~FLAG_BOUND)
		return ACP_DENIED;
	if (!acp_session_id_is_legal(session, length))
		return ACP_BAD_REQUEST;
	memset(handle, 0, sizeof(*handle));
	handle->is_bound = plain[FLAGS] & FLAG_BOUND;
	handle->issued_ms = read_number(plain + ISSUED);
	handle->expires_ms = read_number(plain + EXPIRES);
	memcpy(handle->session, session, length);
	return ACP_OK;
}

enum acp_error
acp_handle_read(const struct acp_keyring *ring, const char *word,
	struct acp_handle *handle, const struct acp_key **key)
{
	uint8_t plain[ACP_HANDLE_PLAIN_MAX], sealed[ACP_HANDLE_SEALED_MAX];
	enum acp_error error = ACP_DENIED;
	const uint8_t *subkey;
	size_t size, i;

	if (decode(word, sealed, &size))
		return ACP_DENIED;
	for (i = 0; i < ring->count && error; i++) {
		subkey =
			acp_key_peek_subkey(ring->keys[i], ACP_KEY_USE_RENEWAL);
		error = acp_aead_open(subkey, LABEL, sealed, size, plain);
	}
	if (error)
		return error;
	error = parse(plain, size - ACP_AEAD_OVERHEAD, handle);
	acp_secret_wipe(plain, sizeof(plain));
	if (!error)
		*key = ring->keys[i - 1];
	return error;
}

bool
acp_handle_is_over(
	const struct acp_handle *handle, int64_t now_ms, int64_t max_age_ms)
{
	int64_t age_ms = now_ms - handle->issued_ms;

	return now_ms >= handle->expires_ms || age_ms >= max_age_ms ||
		age_ms < -ACP_HANDLE_AHEAD_MAX_MS;
}

void
acp_handle_extend(struct acp_handle *handle, int64_t now_ms, int64_t ttl_ms,
	int64_t max_age_ms)
{
	int64_t last_ms = handle->issued_ms + max_age_ms;

	handle->expires_ms =
		now_ms + ttl_ms < last_ms ? now_ms + ttl_ms : last_ms;
}
