/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EME-OAEP decoding (RFC 8017 §7.1.2 step 3) with SHA-256, MGF1-SHA-256 and
 * an empty label, in constant time over fixed-size buffers: for back ends
 * whose library gives only the RSA root.
 */
#ifndef ACP_FCGI_OAEP_H
#define ACP_FCGI_OAEP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the encoded message of size bytes (the modulus' size, at least 66)
 * in place: its bytes are destroyed. Returns all ones when it is well formed,
 * else 0. plain has room for size − 66 bytes and is written in both cases,
 * *plain_size is at most that. Neither branches nor indexes on the message.
 */
uint32_t acp_oaep_decode(
	uint8_t *encoded, size_t size, uint8_t *plain, size_t *plain_size);

#endif
