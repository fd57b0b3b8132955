/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configured URL must be before anything is sent to it. Parses with
 * curl's own parser, so that what is checked is what will be used; no I/O.
 */
#ifndef ACP_LIB_URL_H
#define ACP_LIB_URL_H

#include "lib/buffer.h"
#include "lib/error.h"

#include <stdbool.h>

/*
 * A place that gets our client secret: https, or http when the host is
 * localhost, 127.0.0.0/8 or [::1] or may_use_http; no user, password or
 * fragment. ACP_BAD_REQUEST with the reason, never the URL, in why.
 */
ACP_MUST_CHECK enum acp_error acp_url_check_provider(
	const char *url, bool may_use_http, struct acp_buffer *why);

/* A proxy: http, https, socks5 or socks5h and a host. The same results. */
ACP_MUST_CHECK enum acp_error acp_url_check_proxy(
	const char *url, struct acp_buffer *why);

#endif
