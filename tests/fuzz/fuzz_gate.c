/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/gate.h: any bytes as the start of a FastCGI connection. A verdict is
 * final whatever follows, the bound holds, and what passes is read by libfcgi
 * from a real socket, to the end, without harm.
 */
#include <config.h>

#include "fcgi/gate.h"

#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/request.h"
#include "lib/limits.h"

#define STREAM_MAX ((size_t)2 * ACP_REQUEST_HEAD_MAX)

/* The verdict of the first bytes, from a copy of their exact size. */
static enum acp_gate_verdict
judge_start(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	enum acp_gate_verdict verdict;

	if (!exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	verdict = acp_gate_judge(exact, size);
	free(exact);
	return verdict;
}

/* Once it is whole or refused, more bytes change nothing. */
static void
expect_final(const uint8_t *data, size_t size, enum acp_gate_verdict last)
{
	size_t step = size / 64 + 1;

	for (size_t start = 0; start < size; start += step) {
		enum acp_gate_verdict verdict = judge_start(data, start);

		if (verdict != ACP_GATE_INCOMPLETE && verdict != last)
			abort();
	}
}

/* Lets libfcgi read the head as the acceptor would, and answer it. */
static void
hand_over(const uint8_t *data, size_t size)
{
	static const char head[] = "Status: 204\r\n\r\n";
	struct acp_request *request;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	if (write(ends[0], data, size) != (ssize_t)size)
		abort();
	shutdown(ends[0], SHUT_WR);
	request = acp_request_new_fastcgi(ends[1]);
	if (request) {
		acp_request_peek(request, "REQUEST_METHOD");
		acp_request_send(request, head, sizeof(head) - 1, "", 0);
	}
	acp_request_free(&request);
	close(ends[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_prepared;
	enum acp_gate_verdict verdict;

	if (!is_prepared)
		acp_request_prepare();
	is_prepared = true;
	if (size > STREAM_MAX)
		return 0;
	verdict = judge_start(data, size);
	expect_final(data, size, verdict);
	if (size >= ACP_REQUEST_HEAD_MAX &&
		judge_start(data, ACP_REQUEST_HEAD_MAX) != verdict)
		abort();
	if (verdict == ACP_GATE_WHOLE)
		hand_over(data, size);
	return 0;
}
