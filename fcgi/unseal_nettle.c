/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens ciphertexts with nettle, for a GnuTLS without OAEP: the RSA root,
 * blinded and checked against faults, then fcgi/oaep.c. Called by the RSA
 * workers. Must never branch on the root, nor leave it in memory.
 */
#include <config.h>

#include "fcgi/unseal.h"

#include "fcgi/oaep.h"
#include "lib/memory.h"
#include "lib/secret.h"

#include <gmp.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <nettle/bignum.h>
#include <nettle/rsa.h>
#include <stdlib.h>
#include <string.h>

struct acp_unseal {
	struct rsa_public_key public;
	struct rsa_private_key private;
	size_t size;
};

/* Overwrites a number that has, or had, room for as many limbs as model. */
static void
wipe_number(mpz_t number, const mpz_t model)
{
	size_t limbs = mpz_size(model);

	if (limbs == 0)
		return;
	acp_secret_wipe(mpz_limbs_modify(number, (mp_size_t)limbs),
		limbs * sizeof(mp_limb_t));
	mpz_limbs_finish(number, 0);
}

/* Takes the bytes of a number out of a datum of GnuTLS, and wipes that. */
static void
take_number(mpz_t number, gnutls_datum_t *datum)
{
	nettle_mpz_set_str_256_u(number, datum->size, datum->data);
	acp_secret_wipe(datum->data, datum->size);
	gnutls_free(datum->data);
}

static enum acp_error
take_numbers(struct acp_unseal *unseal, gnutls_x509_privkey_t key)
{
	struct rsa_private_key *private = &unseal->private;
	gnutls_datum_t n, e, d, p, q, c, a, b;

	if (gnutls_x509_privkey_export_rsa_raw2(
		    key, &n, &e, &d, &p, &q, &c, &a, &b) < 0)
		return ACP_FAULT;
	take_number(unseal->public.n, &n);
	take_number(unseal->public.e, &e);
	take_number(private->d, &d);
	take_number(private->p, &p);
	take_number(private->q, &q);
	take_number(private->c, &c);
	take_number(private->a, &a);
	take_number(private->b, &b);
	if (!rsa_public_key_prepare(&unseal->public) ||
		!rsa_private_key_prepare(private))
		return ACP_FAULT;
	return ACP_OK;
}

enum acp_error
acp_unseal_new(const struct acp_key *key, struct acp_unseal **unseal)
{
	struct acp_unseal *made = acp_memory_new(1, sizeof(*made));
	enum acp_error error;

	made->size = acp_key_get_size(key);
	rsa_public_key_init(&made->public);
	rsa_private_key_init(&made->private);
	error = take_numbers(made, acp_key_peek_private(key));
	if (error)
		acp_unseal_free(&made);
	else
		*unseal = made;
	return error;
}

void
acp_unseal_free(struct acp_unseal **unseal)
{
	struct rsa_private_key *private;

	if (!*unseal)
		return;
	private = &(*unseal)->private;
	wipe_number(private->d, private->d);
	wipe_number(private->p, private->p);
	wipe_number(private->q, private->q);
	wipe_number(private->c, private->c);
	wipe_number(private->a, private->a);
	wipe_number(private->b, private->b);
	rsa_private_key_clear(private);
	rsa_public_key_clear(&(*unseal)->public);
	free(*unseal);
	*unseal = NULL;
}

/* For the blinding; nettle has no way to be told of a failure. */
static void
fill_random(void *context, size_t size, uint8_t *bytes)
{
	(void)context;
	if (gnutls_rnd(GNUTLS_RND_NONCE, bytes, size) < 0)
		abort();
}

/*
 * Big-endian bytes of a number below 256^size. Unlike nettle's own, it walks
 * a fixed number of limbs and so does not show how many leading bytes of the
 * root are zero.
 */
static void
write_number(const mpz_t number, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		mp_limb_t limb = mpz_getlimbn(
			number, (mp_size_t)(i / sizeof(mp_limb_t)));

		bytes[size - 1 - i] =
			(uint8_t)(limb >> i % sizeof(mp_limb_t) * 8);
	}
}

/* The RSA root as an encoded message; all ones when it could be taken. */
static uint32_t
take_root(const struct acp_unseal *unseal, const uint8_t *sealed,
	uint8_t *encoded)
{
	mpz_t value, root;
	uint32_t good;

	mpz_init(value);
	mpz_init2(root, mpz_sizeinbase(unseal->public.n, 2));
	nettle_mpz_set_str_256_u(value, unseal->size, sealed);
	/* fails on a value out of range, or when the processor miscomputed */
	good = 0u -
		(uint32_t)(rsa_compute_root_tr(&unseal->public,
				   &unseal->private, NULL, fill_random, root,
				   value) != 0);
	write_number(root, encoded, unseal->size);
	wipe_number(root, unseal->public.n);
	mpz_clear(root);
	mpz_clear(value);
	return good;
}

uint32_t
acp_unseal_open(const struct acp_unseal *unseal, const uint8_t *sealed,
	size_t size, uint8_t *plain, size_t *plain_size)
{
	uint8_t encoded[ACP_KEY_MODULUS_MAX];
	uint32_t good;

	memset(plain, 0, ACP_UNSEAL_PLAIN_MAX);
	*plain_size = 0;
	if (size != unseal->size)
		return 0;
	good = take_root(unseal, sealed, encoded);
	good &= acp_oaep_decode(encoded, size, plain, plain_size);
	return good;
}
