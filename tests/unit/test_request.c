/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/request.c, and what it relies on in libfcgi: private fields that other
 * releases might treat otherwise. Records are written here by hand from the
 * FastCGI 1.0 specification.
 */
#include <config.h>

#include "fcgi/request.h"

#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEGIN "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"
#define END_OF_PARAMS "\1\4\0\1\0\0\0\0"
#define END_OF_STDIN "\1\5\0\1\0\0\0\0"
#define METHOD_PARAMS "\1\4\0\1\0\23\5\0\16\3REQUEST_METHODGET\0\0\0\0\0"
#define LENGTH_PARAMS "\1\4\0\1\0\21\0\0\16\1CONTENT_LENGTH9"
#define ANSWER_HEAD "Status: 200 OK\r\n\r\n"

/* ours, which libfcgi gets, and the web server's */
static int ours, theirs;

static void
set_up(void)
{
	int pair[2];

	acp_request_prepare();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
}

static void
tear_down(void)
{
	close(theirs);
}

static void
put(const char *bytes, size_t size)
{
	ck_assert_int_eq(write(theirs, bytes, size), (ssize_t)size);
}

#define PUT(text) put(text, sizeof(text) - 1)

static struct acp_request *
take_get(void)
{
	struct acp_request *request;

	PUT(BEGIN METHOD_PARAMS END_OF_PARAMS END_OF_STDIN);
	request = acp_request_new_fastcgi(ours);
	ck_assert_ptr_nonnull(request);
	return request;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

START_TEST(libfcgi_has_the_fields_that_we_set)
{
	FCGX_Request request;

	FCGX_InitRequest(&request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	ck_assert_int_eq(request.listen_sock, -1);
	ck_assert_int_eq(request.ipcFd, -1);
	ck_assert_int_eq(request.keepConnection, 0);
	ck_assert_int_eq(request.detached, 0);
	close(ours);
}
END_TEST

START_TEST(libfcgi_reads_from_the_descriptor_that_it_is_given)
{
	FCGX_Request request;

	FCGX_InitRequest(&request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	request.ipcFd = ours;
	request.keepConnection = 1;
	PUT(BEGIN METHOD_PARAMS END_OF_PARAMS END_OF_STDIN);
	ck_assert_int_eq(FCGX_Accept_r(&request), 0);
	ck_assert_int_eq(request.ipcFd, ours);
	ck_assert_int_eq(request.requestId, 1);
	ck_assert_int_eq(request.role, 1); /* FCGI_RESPONDER */
	/* as the web server asked: whoever ends the request closes */
	ck_assert_int_eq(request.keepConnection, 0);
	FCGX_Free(&request, 1);
	ck_assert(!is_open(ours));
}
END_TEST

START_TEST(parameters_are_found_by_name)
{
	struct acp_request *request = take_get();

	ck_assert_str_eq(acp_request_peek(request, "REQUEST_METHOD"), "GET");
	ck_assert_ptr_null(acp_request_peek(request, "REQUEST_URI"));
	ck_assert_int_eq(acp_request_get_fd(request), ours);
	acp_request_free(&request);
}
END_TEST

START_TEST(the_descriptor_is_closed_with_the_request)
{
	struct acp_request *request = take_get();
	char byte;

	ck_assert(is_open(ours));
	acp_request_free(&request);
	ck_assert_ptr_null(request);
	ck_assert(!is_open(ours));
	ck_assert_int_le(recv(theirs, &byte, 1, MSG_DONTWAIT), 0);
	acp_request_free(&request);
}
END_TEST

START_TEST(what_libfcgi_refuses_is_closed)
{
	PUT("\1\1\0\1\0\10\0\0\0\7\0\0\0\0\0\0" END_OF_PARAMS);
	shutdown(theirs, SHUT_WR);
	ck_assert_ptr_null(acp_request_new_fastcgi(ours));
	ck_assert(!is_open(ours));
}
END_TEST

/* One record of what came back; false at the end. */
static bool
read_record(uint8_t *type, char *content, size_t *size)
{
	uint8_t head[8];

	if (recv(theirs, head, sizeof(head), MSG_WAITALL) != sizeof(head))
		return false;
	*type = head[1];
	*size = (size_t)(head[4] << 8 | head[5]);
	ck_assert_int_eq(head[3], 1);
	if (*size + head[6] > 0)
		ck_assert_int_eq(
			recv(theirs, content, *size + head[6], MSG_WAITALL),
			(ssize_t)(*size + head[6]));
	return true;
}

static void
ck_answer(const char *expected)
{
	static char content[65536 + 256], text[65536];
	size_t size, whole = 0;
	bool is_ended = false;
	uint8_t type;

	while (!is_ended && read_record(&type, content, &size)) {
		is_ended = type == 3;
		/* nothing but standard output and its end */
		ck_assert(is_ended || type == 6);
		if (type == 6) {
			memcpy(text + whole, content, size);
			whole += size;
		}
	}
	ck_assert(is_ended);
	ck_assert_uint_eq(size, 8);
	/* application status 0, protocol status FCGI_REQUEST_COMPLETE */
	ck_assert_mem_eq(content, "\0\0\0\0\0", 5);
	ck_assert_uint_eq(whole, strlen(expected));
	ck_assert_mem_eq(text, expected, whole);
}

START_TEST(an_answer_is_one_stream_and_an_end)
{
	struct acp_request *request = take_get();

	ck_assert(acp_request_send(
		request, ANSWER_HEAD, sizeof(ANSWER_HEAD) - 1, "body\n", 5));
	ck_answer(ANSWER_HEAD "body\n");
	ck_assert(is_open(ours));
	acp_request_free(&request);
}
END_TEST

START_TEST(a_large_answer_arrives_whole)
{
	static char body[ACP_TOKEN_MAX + 1], expected[ACP_TOKEN_MAX + 100];
	struct acp_request *request = take_get();

	memset(body, 'x', ACP_TOKEN_MAX);
	memcpy(expected, ANSWER_HEAD, sizeof(ANSWER_HEAD));
	memcpy(expected + strlen(ANSWER_HEAD), body, sizeof(body));
	ck_assert(acp_request_send(request, ANSWER_HEAD,
		sizeof(ANSWER_HEAD) - 1, body, ACP_TOKEN_MAX));
	ck_answer(expected);
	acp_request_free(&request);
}
END_TEST

START_TEST(an_empty_body_is_an_answer_too)
{
	struct acp_request *request = take_get();

	ck_assert(acp_request_send(
		request, ANSWER_HEAD, sizeof(ANSWER_HEAD) - 1, "", 0));
	ck_answer(ANSWER_HEAD);
	acp_request_free(&request);
}
END_TEST

static void *
finish(void *argument)
{
	struct acp_request *request = argument;

	if (!acp_request_send(
		    request, ANSWER_HEAD, sizeof(ANSWER_HEAD) - 1, "else\n", 5))
		return NULL;
	acp_request_free(&request);
	return argument;
}

START_TEST(another_thread_may_finish_a_request)
{
	struct acp_request *request = take_get();
	pthread_t thread;
	void *result;

	ck_assert_int_eq(pthread_create(&thread, NULL, finish, request), 0);
	pthread_join(thread, &result);
	ck_assert_ptr_nonnull(result);
	ck_assert(!is_open(ours));
	ck_answer(ANSWER_HEAD "else\n");
}
END_TEST

START_TEST(a_peer_that_has_gone_is_no_harm)
{
	struct acp_request *request = take_get();
	static char body[ACP_TOKEN_MAX];

	close(theirs);
	ck_assert(!acp_request_send(request, ANSWER_HEAD,
		sizeof(ANSWER_HEAD) - 1, body, sizeof(body)));
	acp_request_free(&request);
	ck_assert(!is_open(ours));
}
END_TEST

START_TEST(a_body_that_came_is_read_away)
{
	struct acp_request *request;
	char byte;

	PUT(BEGIN LENGTH_PARAMS END_OF_PARAMS);
	request = acp_request_new_fastcgi(ours);
	ck_assert_ptr_nonnull(request);
	PUT("\1\5\0\1\0\11\0\0some body");
	shutdown(theirs, SHUT_WR);
	acp_request_free(&request);
	/* an end, and not the reset that unread bytes would make */
	ck_assert_int_eq(recv(theirs, &byte, 1, 0), 0);
}
END_TEST

START_TEST(its_memory_grows_with_its_parameters)
{
	static const char many[] = "\1\4\0\1\0\14\0\0\1\0A\1\0B\1\0C\1\0D";
	struct acp_request *request = take_get();
	size_t small = acp_request_get_memory(request);

	acp_request_free(&request);
	close(theirs);
	set_up();
	PUT(BEGIN METHOD_PARAMS);
	put(many, sizeof(many) - 1);
	PUT(END_OF_PARAMS END_OF_STDIN);
	request = acp_request_new_fastcgi(ours);
	ck_assert_ptr_nonnull(request);
	/* each at least what malloc needs for three bytes, and a pointer */
	ck_assert_uint_ge(acp_request_get_memory(request), small + 4 * 40);
	ck_assert_uint_gt(small, 8192);
	ck_assert_uint_lt(small, 16 * 1024);
	acp_request_free(&request);
}
END_TEST

static void *
drip(void *argument)
{
	const int *fd = argument;

	while (send(*fd, "x", 1, MSG_NOSIGNAL) == 1)
		usleep(1000);
	return NULL;
}

START_TEST(a_peer_that_never_stops_sending_is_closed)
{
	struct acp_request *request;
	pthread_t thread;

	PUT(BEGIN LENGTH_PARAMS END_OF_PARAMS);
	request = acp_request_new_fastcgi(ours);
	ck_assert_ptr_nonnull(request);
	ck_assert_int_eq(pthread_create(&thread, NULL, drip, &theirs), 0);
	acp_request_free(&request);
	ck_assert(!is_open(ours));
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_cgi_request_is_the_environment)
{
	struct acp_request *request;

	setenv("REQUEST_METHOD", "PUT", 1);
	unsetenv("REQUEST_URI");
	request = acp_request_new_cgi();
	ck_assert_str_eq(acp_request_peek(request, "REQUEST_METHOD"), "PUT");
	ck_assert_ptr_null(acp_request_peek(request, "REQUEST_URI"));
	ck_assert_int_eq(acp_request_get_fd(request), -1);
	acp_request_free(&request);
	ck_assert(is_open(STDIN_FILENO));
	close(ours);
}
END_TEST

static Suite *
request_suite(void)
{
	Suite *suite = suite_create("request");
	TCase *cases = tcase_create("request");

	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(cases, libfcgi_has_the_fields_that_we_set);
	tcase_add_test(
		cases, libfcgi_reads_from_the_descriptor_that_it_is_given);
	tcase_add_test(cases, parameters_are_found_by_name);
	tcase_add_test(cases, the_descriptor_is_closed_with_the_request);
	tcase_add_test(cases, what_libfcgi_refuses_is_closed);
	tcase_add_test(cases, an_answer_is_one_stream_and_an_end);
	tcase_add_test(cases, a_large_answer_arrives_whole);
	tcase_add_test(cases, an_empty_body_is_an_answer_too);
	tcase_add_test(cases, another_thread_may_finish_a_request);
	tcase_add_test(cases, a_peer_that_has_gone_is_no_harm);
	tcase_add_test(cases, a_body_that_came_is_read_away);
	tcase_add_test(cases, its_memory_grows_with_its_parameters);
	tcase_add_test(cases, a_peer_that_never_stops_sending_is_closed);
	tcase_add_test(cases, a_cgi_request_is_the_environment);
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(request_suite)
