/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the first bytes of a FastCGI connection before libfcgi does, for
 * libfcgi waits for what is missing, allocates what a peer announces and
 * aborts on some records. What passes is one whole, consistent responder
 * request head. Pure: bytes in, verdict out.
 */
#ifndef ACP_FCGI_GATE_H
#define ACP_FCGI_GATE_H

#include <stddef.h>
#include <stdint.h>

enum acp_gate_verdict {
	ACP_GATE_INCOMPLETE, /* well formed so far; wait for more */
	ACP_GATE_WHOLE, /* BEGIN_REQUEST and all PARAMS are there */
	ACP_GATE_REFUSED, /* never let libfcgi see it: close */
	ACP_GATE_VERDICT__MAX
};

/*
 * Judges the bytes received so far (FastCGI specification 1.0 §3 to §6.2).
 * A whole head is: BEGIN_REQUEST for the responder role, then PARAMS records
 * of the same id with consistent name-value pairs, up to an empty one. It is
 * refused over ACP_REQUEST_HEAD_MAX bytes, records included.
 */
enum acp_gate_verdict acp_gate_judge(const uint8_t *bytes, size_t size);

#endif
