/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks URLs of the configuration for the programs' settings. Must never
 * repeat one in a message: a URL may hold a password.
 */
#include <config.h>

#include "lib/url.h"

#include "lib/auto.h"
#include "lib/curl_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* True for a host that no packet leaves this machine for. */
static bool
is_loopback(const char *host)
{
	struct in_addr address;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &address) == 1 &&
		ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

static enum acp_error
parse_url(CURLU *url, const char *text, char **scheme, char **host,
	struct acp_buffer *why)
{
	CURLUcode code = CURLUE_OUT_OF_MEMORY;

	if (url)
		code = curl_url_set(
			url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_SCHEME, scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_HOST, host, 0);
	if (code == CURLUE_OK)
		return ACP_OK;
	acp_buffer_printf(
		why, "is not a whole URL (%s)", curl_url_strerror(code));
	return ACP_BAD_REQUEST;
}

enum acp_error
acp_url_check_provider(
	const char *text, bool may_use_http, struct acp_buffer *why)
{
	ACP_AUTO(curl_url) CURLU *url = curl_url();
	ACP_AUTO(curl_part) char *scheme = NULL;
	ACP_AUTO(curl_part) char *host = NULL;

	if (parse_url(url, text, &scheme, &host, why))
		return ACP_BAD_REQUEST;
	if (acp_curl_url_has(url, CURLUPART_USER) ||
		acp_curl_url_has(url, CURLUPART_PASSWORD))
		acp_buffer_append(why, "has a user or password in it");
	else if (acp_curl_url_has(url, CURLUPART_FRAGMENT))
		acp_buffer_append(why, "has a fragment (#…) in it");
	else if (strcmp(scheme, "https") == 0)
		return ACP_OK;
	else if (strcmp(scheme, "http") != 0)
		acp_buffer_append(why, "is neither https nor http");
	else if (may_use_http || is_loopback(host))
		return ACP_OK;
	else
		acp_buffer_append(why,
			"is http to another host, where everybody on the way "
			"can read our credentials: use https, or say "
			"allow_http = on");
	return ACP_BAD_REQUEST;
}

enum acp_error
acp_url_check_proxy(const char *text, struct acp_buffer *why)
{
	static const char *const schemes[] = {
		"http", "https", "socks5", "socks5h"};
	ACP_AUTO(curl_url) CURLU *url = curl_url();
	ACP_AUTO(curl_part) char *scheme = NULL;
	ACP_AUTO(curl_part) char *host = NULL;

	if (parse_url(url, text, &scheme, &host, why))
		return ACP_BAD_REQUEST;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strcmp(scheme, schemes[i]) == 0)
			return ACP_OK;
	acp_buffer_append(why, "is none of http, https, socks5 and socks5h");
	return ACP_BAD_REQUEST;
}
