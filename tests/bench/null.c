/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The null responder: FastCGI that does nothing but answer what it read from
 * standard input, by the plain accept loop of libfcgi in a few threads. What
 * a responder could reach at best behind the same web server. For
 * tests/bench/run.
 *
 *     null SOCKET THREADS < body
 */
#include <config.h>

#include "fcgi/listener.h"
#include "lib/limits.h"

#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { THREADS_MAX = 64, BODY_MAX = 65536 };

static struct acp_listener listener;
static char body[BODY_MAX];

static void *
serve(void *unused)
{
	FCGX_Request request;

	FCGX_InitRequest(&request, listener.fd, 0);
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_FPrintF(request.out,
			"Status: 200 OK\r\nContent-Type: application/json\r\n"
			"Content-Length: %d\r\nCache-Control: no-store\r\n"
			"X-Content-Type-Options: nosniff\r\n"
			"X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
			"\r\n%s",
			(int)strlen(body), body);
		FCGX_Finish_r(&request);
	}
	return unused;
}

int
main(int argc, char **argv)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	pthread_t threads[THREADS_MAX];
	size_t count;

	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	if (argc != 3) {
		fprintf(stderr, "usage: null SOCKET THREADS < body\n");
		return 2;
	}
	count = strtoul(argv[2], NULL, 10);
	body[fread(body, 1, sizeof(body) - 1, stdin)] = '\0';
	FCGX_Init();
	if (acp_listener_open(argv[1], NULL, &listener, &why) ||
		chmod(argv[1], 0666)) {
		fprintf(stderr, "null: %s\n", acp_buffer_peek(&why));
		return 1;
	}
	for (size_t i = 0; i < count && i < THREADS_MAX; i++)
		if (pthread_create(&threads[i], NULL, serve, NULL))
			return 1;
	pthread_join(threads[0], NULL);
	return 1;
}
