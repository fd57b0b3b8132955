/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of libcurl, once a process, for all that use it. What curl
 * allocates is wiped when it is freed: client secrets and tokens pass
 * through it.
 */
#ifndef ACP_LIB_HTTP_CURL_H
#define ACP_LIB_HTTP_CURL_H

/* Before the first handle is made; any thread, any number of times. */
void acp_http_curl_init(void);

#endif
