/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 as it stands in Secrets and kubeconfigs (RFC 4648 §4, with
 * padding). Pure.
 */
#ifndef ACP_RECONCILER_BASE64_H
#define ACP_RECONCILER_BASE64_H

#include "lib/error.h"
#include "lib/secret.h"

#include <stddef.h>

/* Appends the text for size bytes. */
void acp_base64_write(const void *bytes, size_t size, struct acp_secret *text);

/*
 * Appends the bytes of a text, in which white space means nothing.
 * ACP_BAD_REQUEST, with nothing appended, when it is none.
 */
ACP_MUST_CHECK enum acp_error acp_base64_read(
	const char *text, size_t size, struct acp_secret *bytes);

#endif
