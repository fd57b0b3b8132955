/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA private keys of the control plane and what is derived from each. A key
 * never changes after it was made, so any thread may read it. Its memory is
 * wiped when it is freed.
 */
#ifndef ACP_LIB_KEY_H
#define ACP_LIB_KEY_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/limits.h"
#include "lib/secret.h"

#include <gnutls/x509.h>
#include <stddef.h>
#include <stdint.h>

/* 16 lower-case hex digits and NUL. */
#define ACP_KEY_ID_SIZE 17
#define ACP_KEY_SUBKEY_SIZE 32

/*
 * HKDF-SHA-256 subkeys: IKM = PKCS#1 DER of the private key, salt
 * "ambient-cp/v1", info "binding", "renewal", "log" or "anchor" (of which the
 * reconciler alone makes use: reconciler/anchor.h).
 */
enum acp_key_use {
	ACP_KEY_USE_BINDING,
	ACP_KEY_USE_RENEWAL,
	ACP_KEY_USE_LOG,
	ACP_KEY_USE_ANCHOR,
	ACP_KEY_USE__MAX
};

struct acp_key;

/* The keys of a bundle, current one first. */
struct acp_keyring {
	struct acp_key *keys[ACP_KEY_COUNT_MAX];
	size_t count;
};

void acp_keyring_init(struct acp_keyring *ring);
void acp_keyring_clear(struct acp_keyring *ring);

/*
 * Appends every private key in a PEM text: PKCS#1 "RSA PRIVATE KEY" or
 * unencrypted PKCS#8 "PRIVATE KEY", ACP_KEY_BITS_MIN to ACP_KEY_BITS_MAX,
 * internally consistent. A key that is in the ring already is skipped.
 * origin names the text in messages (a path). ACP_BAD_REQUEST, with the
 * reason appended to why and the ring as it was, when any block is not such
 * a key, there is none, or the ring would pass ACP_KEY_COUNT_MAX.
 */
ACP_MUST_CHECK enum acp_error acp_keyring_add_pem(struct acp_keyring *ring,
	const char *pem, size_t size, const char *origin,
	struct acp_buffer *why);

/* A fresh RSA key; caller owns. ACP_FAULT when GnuTLS cannot make it. */
ACP_MUST_CHECK enum acp_error acp_key_new(
	unsigned int bits, struct acp_key **key);
void acp_key_free(struct acp_key **key);

/* The same key for one more owner, who frees it too. Any thread. */
struct acp_key *acp_key_dup(struct acp_key *key);

/* First 16 hex digits of SHA-256 over the SPKI DER; lives as the key. */
const char *acp_key_peek_id(const struct acp_key *key);

/* Size of the modulus in bytes, and its big-endian bytes (RFC 8017 §4.1). */
size_t acp_key_get_size(const struct acp_key *key);
const uint8_t *acp_key_peek_modulus(const struct acp_key *key);

/* ACP_KEY_SUBKEY_SIZE bytes; lives as the key. */
const uint8_t *acp_key_peek_subkey(
	const struct acp_key *key, enum acp_key_use use);

/* The key itself, for the back ends that open ciphertexts; borrowed. */
gnutls_x509_privkey_t acp_key_peek_private(const struct acp_key *key);

/* Appends "-----BEGIN RSA PRIVATE KEY-----" (PKCS#1) PEM. */
void acp_key_write_private(const struct acp_key *key, struct acp_secret *pem);

/* Appends "-----BEGIN PUBLIC KEY-----" (SPKI) PEM. */
void acp_key_write_public(const struct acp_key *key, struct acp_buffer *pem);

/*
 * Is the PEM text ("-----BEGIN PUBLIC KEY-----") the public half of key?
 * ACP_DENIED when it is another key's, ACP_BAD_REQUEST when it is none.
 */
ACP_MUST_CHECK enum acp_error acp_key_check_public(
	const struct acp_key *key, const char *pem, size_t size);

ACP_AUTO_DEFINE(keyring, struct acp_keyring, acp_keyring_clear)
ACP_AUTO_DEFINE(key, struct acp_key *, acp_key_free)

#endif
