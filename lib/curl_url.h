/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl's URL parser (CURLU, RFC 3986 with curl's own extensions) with scope
 * cleanup, for the files that take URLs apart.
 */
#ifndef ACP_LIB_CURL_URL_H
#define ACP_LIB_CURL_URL_H

#include "lib/auto.h"

#include <curl/curl.h>
#include <stdbool.h>

static inline void
acp_auto_curl_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

/* A part that curl_url_get() gave. */
static inline void
acp_auto_curl_part(char **part)
{
	curl_free(*part);
}

static inline bool
acp_curl_url_has(CURLU *url, CURLUPart which)
{
	ACP_AUTO(curl_part) char *part = NULL;

	return curl_url_get(url, which, &part, 0) == CURLUE_OK;
}

#endif
