/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The curl options of the pool's requests. Results are gathered: an option
 * that a curl does not have is a protection that we would not have. Never
 * logs.
 */
#include <config.h>

#include "reconciler/http_transfer.h"

#include "lib/buffer.h"
#include "lib/curl_url.h"
#include "lib/limits.h"
#include "lib/memory.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { URL_MAX = ACP_KUBE_URL_MAX + 4096, KEEP_IDLE_S = 10, KEEP_NEXT_S = 3 };

/* What curl calls */

static size_t
take_head(char *line, size_t one, size_t size, void *argument)
{
	struct acp_http_transfer *transfer = argument;

	(void)line;
	transfer->head_size += one * size;
	if (transfer->head_size <= ACP_HTTP_HEAD_MAX)
		return one * size;
	transfer->refusal = "the head of the reply is too large";
	return 0;
}

static size_t
take_body(char *bytes, size_t one, size_t size, void *argument)
{
	struct acp_http_transfer *transfer = argument;
	struct acp_secret *body = &transfer->answer->body;

	if (size > transfer->call->reply_max - body->size) {
		transfer->refusal = "the reply is too large";
		transfer->answer->is_too_large = true;
		return 0;
	}
	acp_secret_append(body, bytes, size);
	return one * size;
}

/* A server that has vanished must not hold a shared connection for long. */
static int
set_up_socket(void *argument, curl_socket_t socket, curlsocktype purpose)
{
	unsigned int dead_ms = ACP_HTTP_DEAD_MS;

	(void)argument;
	(void)purpose;
	/* refused for what is no TCP socket: then there is no such wait */
	(void)!setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms,
		sizeof(dead_ms));
	return CURL_SOCKOPT_OK;
}

/* The options */

static void
add_to_list(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (!longer)
		acp_memory_exhausted();
	*list = longer;
}

static void
add_header(
	struct acp_http_transfer *transfer, const char *name, const char *value)
{
	ACP_AUTO(secret) struct acp_secret line = {0};

	if (!value)
		return;
	acp_secret_append(&line, name, strlen(name));
	acp_secret_append(&line, value, strlen(value));
	add_to_list(&transfer->headers, acp_secret_peek(&line));
}

static int
set_headers(struct acp_http_transfer *transfer)
{
	const struct acp_http_call *call = transfer->call;
	bool has_bearer = call->bearer && !acp_secret_is_empty(call->bearer);

	add_header(transfer, "Accept: ", call->accept);
	add_header(transfer, "Content-Type: ", call->content_type);
	add_header(transfer, "Authorization: Bearer ",
		has_bearer ? acp_secret_peek(call->bearer) : NULL);
	add_header(transfer, "", call->extra_header);
	add_header(transfer, "Expect:", "");
	return (int)curl_easy_setopt(
		transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

/*
 * The server by another name: the URL has the name that the certificate is
 * to show, the connection goes to the host, and so does the Host header.
 */
static int
rename_server(struct acp_http_transfer *transfer, CURLU *url)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	ACP_AUTO(curl_part) char *host = NULL;
	ACP_AUTO(curl_part) char *port = NULL;
	const char *name = transfer->call->server->tls_server_name;
	int bad = 0;

	acp_buffer_init(&text, URL_MAX);
	bad |= (int)curl_url_get(url, CURLUPART_HOST, &host, 0);
	bad |= (int)curl_url_get(
		url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	bad |= (int)curl_url_set(url, CURLUPART_HOST, name, 0);
	if (bad)
		return bad;
	acp_buffer_printf(&text, "::%s:%s", host, port);
	add_to_list(&transfer->connect_to, acp_buffer_peek(&text));
	acp_buffer_clear(&text);
	acp_buffer_printf(&text, "Host: %s:%s", host, port);
	add_to_list(&transfer->headers, acp_buffer_peek(&text));
	return (int)curl_easy_setopt(
		transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to);
}

static int
set_url(struct acp_http_transfer *transfer)
{
	const struct acp_http_call *call = transfer->call;
	ACP_AUTO(buffer) struct acp_buffer text;
	ACP_AUTO(curl_url) CURLU *url = curl_url();
	ACP_AUTO(curl_part) char *whole = NULL;
	unsigned int flags = CURLU_PATH_AS_IS;
	int bad = url ? 0 : 1;

	acp_buffer_init(&text, URL_MAX);
	acp_buffer_append(&text, call->server->base_url);
	acp_buffer_append(&text, call->path);
	if (bad || text.is_failed)
		return 1;
	bad = (int)curl_url_set(
		url, CURLUPART_URL, acp_buffer_peek(&text), flags);
	if (!bad && call->server->tls_server_name)
		bad = rename_server(transfer, url);
	if (bad)
		return bad;
	bad |= (int)curl_url_get(url, CURLUPART_URL, &whole, 0);
	bad |= (int)curl_easy_setopt(transfer->easy, CURLOPT_URL, whole);
	bad |= (int)curl_easy_setopt(transfer->easy, CURLOPT_PATH_AS_IS, 1L);
	return bad;
}

static int
set_way(CURL *easy, const struct acp_http_server *server)
{
	int bad = 0;

	bad |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= (int)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* empty texts, unlike NULL, also turn the environment's off */
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_PROXY, server->proxy ? server->proxy : "");
	bad |= (int)curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* TLS says what is spoken; without it the first answer would have to */
	if (strncasecmp(server->base_url, "https:", 6) == 0)
		bad |= (int)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	return bad;
}

static int
set_bounds(CURL *easy)
{
	int bad = 0;

	bad |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, (long)ACP_HTTP_CONNECT_MS);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_TCP_KEEPIDLE, (long)KEEP_IDLE_S);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_TCP_KEEPINTVL, (long)KEEP_NEXT_S);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_SOCKOPTFUNCTION, set_up_socket);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* without it a time-out waits for the resolver's thread */
	bad |= (int)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	return bad;
}

static int
take_pem(struct acp_http_transfer *transfer, const struct acp_secret *text,
	struct acp_http_pem **pem)
{
	return text && acp_http_pems_take(transfer->pems, text, pem) ? 1 : 0;
}

static int
set_client(struct acp_http_transfer *transfer,
	const struct acp_http_server *server)
{
	CURL *easy = transfer->easy;
	int bad = 0;

	if (!server->client_pem || !server->client_key_pem)
		return 0;
	if (take_pem(transfer, server->client_pem, &transfer->certificate) ||
		take_pem(transfer, server->client_key_pem, &transfer->key))
		return 1;
	bad |= (int)curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_SSLCERT, transfer->certificate->path);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
	bad |= (int)curl_easy_setopt(easy, CURLOPT_SSLKEY, transfer->key->path);
	return bad;
}

static int
set_authorities(struct acp_http_transfer *transfer,
	const struct acp_http_server *server)
{
	const char *path = server->ca_file;
	int bad = 0;

	if (server->ca_pem) {
		if (take_pem(transfer, server->ca_pem, &transfer->ca))
			return 1;
		path = transfer->ca->path;
	}
	if (!path)
		return 0;
	bad |= (int)curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, path);
	bad |= (int)curl_easy_setopt(transfer->easy, CURLOPT_CAPATH, NULL);
	return bad;
}

static int
set_trust(struct acp_http_transfer *transfer)
{
	const struct acp_http_server *server = transfer->call->server;
	CURL *easy = transfer->easy;
	bool is_verified = !server->is_unverified;
	int bad = 0;

	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_SSL_VERIFYPEER, is_verified ? 1L : 0L);
	bad |= (int)curl_easy_setopt(
		easy, CURLOPT_SSL_VERIFYHOST, is_verified ? 2L : 0L);
	if (is_verified)
		bad |= set_authorities(transfer, server);
	return bad | set_client(transfer, server);
}

static int
set_content(struct acp_http_transfer *transfer)
{
	const struct acp_http_call *call = transfer->call;
	CURL *easy = transfer->easy;
	int bad = 0;

	if (call->content_type) {
		bad |= (int)curl_easy_setopt(
			easy, CURLOPT_POSTFIELDSIZE, (long)call->body_size);
		bad |= (int)curl_easy_setopt(
			easy, CURLOPT_POSTFIELDS, call->body);
	}
	bad |= (int)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	return bad;
}

enum acp_error
acp_http_transfer_init(struct acp_http_transfer *transfer,
	const struct acp_http_call *call, struct acp_http_answer *answer,
	struct acp_http_pems *pems)
{
	*transfer = (struct acp_http_transfer){
		.call = call,
		.answer = answer,
		.pems = pems,
		.easy = curl_easy_init(),
	};
	if (!transfer->easy)
		acp_memory_exhausted();
	if (set_url(transfer) | set_headers(transfer) |
		set_way(transfer->easy, call->server) |
		set_bounds(transfer->easy) | set_trust(transfer) |
		set_content(transfer))
		return ACP_FAULT;
	return ACP_OK;
}

void
acp_http_transfer_clear(struct acp_http_transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->connect_to);
	acp_http_pems_give(transfer->pems, &transfer->ca);
	acp_http_pems_give(transfer->pems, &transfer->certificate);
	acp_http_pems_give(transfer->pems, &transfer->key);
	*transfer = (struct acp_http_transfer){0};
}

bool
acp_http_transfer_has_time(
	struct acp_http_transfer *transfer, int64_t timeout_ms)
{
	return !curl_easy_setopt(
		transfer->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
}

static int64_t
read_date(CURL *easy)
{
	struct curl_header *header;
	time_t date_s;

	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header))
		return 0;
	date_s = curl_getdate(header->value, NULL);
	return date_s > 0 ? (int64_t)date_s : 0;
}

static int64_t
read_retry_after(CURL *easy)
{
	curl_off_t wait_s = 0;

	/* seconds or a date, as seconds from now */
	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait_s);
	if (wait_s < 0)
		wait_s = 0;
	if (wait_s > ACP_HTTP_RETRY_AFTER_MAX_S)
		wait_s = ACP_HTTP_RETRY_AFTER_MAX_S;
	return (int64_t)wait_s * 1000;
}

static int
read_version(CURL *easy)
{
	long version = CURL_HTTP_VERSION_NONE;

	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	switch (version) {
	case CURL_HTTP_VERSION_1_0:
		return 10;
	case CURL_HTTP_VERSION_1_1:
		return 11;
	case CURL_HTTP_VERSION_2_0:
		return 20;
	default:
		return 0;
	}
}

enum acp_error
acp_http_transfer_read(
	struct acp_http_transfer *transfer, CURLcode result, const char **why)
{
	struct acp_http_answer *answer = transfer->answer;
	CURL *easy = transfer->easy;

	*why = transfer->refusal ? transfer->refusal
				 : curl_easy_strerror(result);
	if (result)
		return ACP_RETRY_LATER;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
	answer->date_s = read_date(easy);
	answer->retry_after_ms = read_retry_after(easy);
	answer->version = read_version(easy);
	return ACP_OK;
}
