/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/exchange.c as a CGI process has it: the request is the environment,
 * the answer goes to standard output, the log to standard error.
 */
#include <config.h>

#include "fcgi/exchange.h"

#include "lib/log.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct acp_exchange *
make_exchange(void)
{
	return acp_exchange_new(acp_request_new_cgi());
}

static void
set_up(void)
{
	static const char *const names[] = {"REQUEST_ID", "REQUEST_URI",
		"REQUEST_METHOD", "HTTP_AUTHORIZATION", "HTTP_TRACEPARENT",
		"REMOTE_ADDR"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	acp_log_configure(ACP_LOG_DEBUG, ACP_LOG_FORMAT_JSON);
}

/* request ids: what the web server gave, and whether it is used */
static const struct {
	const char *given;
	bool is_used;
} ids[] = {
	{"0123456789abcdef0123456789abcdef", true},
	{"a", true},
	{"A.b_c-9", true},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		true}, /* 64 */
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		false}, /* 65 */
	{"", false},
	{NULL, false},
	{"with space", false},
	{"line\r\nX-Injected: 1", false},
	{"semi;colon", false},
	{"\xc3\xa9", false},
};

START_TEST(a_request_id_is_the_servers_or_our_own)
{
	struct acp_exchange *exchange;

	if (ids[_i].given)
		setenv("REQUEST_ID", ids[_i].given, 1);
	exchange = make_exchange();
	if (ids[_i].is_used) {
		ck_assert_str_eq(exchange->id, ids[_i].given);
	} else {
		ck_assert_uint_eq(strlen(exchange->id), 32);
		ck_assert_uint_eq(strspn(exchange->id, "0123456789abcdef"), 32);
	}
	acp_exchange_free(&exchange);
	ck_assert_ptr_null(exchange);
	acp_exchange_free(&exchange);
}
END_TEST

START_TEST(our_own_request_ids_differ)
{
	struct acp_exchange *one = make_exchange();
	struct acp_exchange *other = make_exchange();

	ck_assert_str_ne(one->id, other->id);
	acp_exchange_free(&one);
	acp_exchange_free(&other);
}
END_TEST

START_TEST(a_clients_header_is_no_request_id)
{
	struct acp_exchange *exchange;

	setenv("HTTP_X_REQUEST_ID", "by-client", 1);
	setenv("HTTP_REQUEST_ID", "by-client", 1);
	exchange = make_exchange();
	ck_assert_str_ne(exchange->id, "by-client");
	acp_exchange_free(&exchange);
}
END_TEST

#define PAIR "s=a-session&p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HANDLE \
	"Bearer acp1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
	"AAAAAAAAAAAAAAAAAAAA"

/*
 * the checks before any key is asked: method first, bearer, form of proof and
 * credential, then the key
 */
static const struct {
	const char *method;
	const char *authorization;
	enum acp_outcome outcome;
	const char *query;
	enum acp_binding_mode binding;
} firsts[] = {
	{"GET", "Bearer AAAA", ACP_OUTCOME_NO_KEY, "x=1", ACP_BINDING_OPTIONAL},
	{"GET", "Bearer AAAA", ACP_OUTCOME_NO_KEY, PAIR, ACP_BINDING_OPTIONAL},
	{"GET", "Bearer AAAA", ACP_OUTCOME_NO_KEY, PAIR, ACP_BINDING_REQUIRED},
	{"GET", "Bearer AAAA", ACP_OUTCOME_NO_KEY, "s=a", ACP_BINDING_OFF},
	{"GET", "Bearer AAAA", ACP_OUTCOME_UNAUTHORIZED, "s=a",
		ACP_BINDING_OPTIONAL},
	{"GET", "Bearer AAAA", ACP_OUTCOME_UNAUTHORIZED, PAIR "A",
		ACP_BINDING_OPTIONAL},
	{"GET", "Bearer AAAA", ACP_OUTCOME_UNAUTHORIZED, "",
		ACP_BINDING_REQUIRED},
	{"GET", "Bearer AAA", ACP_OUTCOME_UNAUTHORIZED, PAIR,
		ACP_BINDING_REQUIRED},
	{"GET", HANDLE, ACP_OUTCOME_NO_KEY, "", ACP_BINDING_OPTIONAL},
	{"GET", HANDLE "=", ACP_OUTCOME_UNAUTHORIZED, "", ACP_BINDING_OPTIONAL},
	{"GET", HANDLE, ACP_OUTCOME_UNAUTHORIZED, "", ACP_BINDING_REQUIRED},
	{"GET", "Bearer acp1.AAAA", ACP_OUTCOME_UNAUTHORIZED, "",
		ACP_BINDING_OFF},
	{NULL, "Bearer AAAA", ACP_OUTCOME_METHOD, "", ACP_BINDING_OFF},
	{"POST", "Bearer AAAA", ACP_OUTCOME_METHOD, "", ACP_BINDING_OFF},
	{"HEAD", NULL, ACP_OUTCOME_METHOD, "", ACP_BINDING_OFF},
	{"get", "Bearer AAAA", ACP_OUTCOME_METHOD, "", ACP_BINDING_OFF},
	{"GET", NULL, ACP_OUTCOME_UNAUTHORIZED, "", ACP_BINDING_OFF},
	{"GET", "", ACP_OUTCOME_UNAUTHORIZED, "", ACP_BINDING_OFF},
	{"GET", "Bearer ", ACP_OUTCOME_UNAUTHORIZED, "", ACP_BINDING_OFF},
	{"GET", "Basic AAAA", ACP_OUTCOME_UNAUTHORIZED, "", ACP_BINDING_OFF},
	{"GET", "Bearer AAAA", ACP_OUTCOME_NO_KEY, "", ACP_BINDING_OFF},
};

START_TEST(the_first_failing_step_decides)
{
	const struct acp_rules rules = {.binding = firsts[_i].binding};
	struct acp_ciphertext ciphertext;
	struct acp_exchange *exchange;
	char uri[200];

	snprintf(uri, sizeof(uri), "/token?%s", firsts[_i].query);
	setenv("REQUEST_URI", uri, 1);
	if (firsts[_i].method)
		setenv("REQUEST_METHOD", firsts[_i].method, 1);
	if (firsts[_i].authorization)
		setenv("HTTP_AUTHORIZATION", firsts[_i].authorization, 1);
	exchange = make_exchange();
	ck_assert_int_eq(acp_exchange_read_credential(
				 exchange, NULL, &rules, &ciphertext),
		firsts[_i].outcome);
	acp_exchange_free(&exchange);
}
END_TEST

/* What acp_exchange_answer wrote, standard output and the log. */
static char sent[4096], logged[4096];

static void
redirect(int fd, FILE *file, int *kept)
{
	*kept = dup(fd);
	ck_assert_int_ge(dup2(fileno(file), fd), 0);
}

static void
give_back(int fd, FILE *file, int kept, char *text, size_t size)
{
	size_t got;

	ck_assert_int_ge(dup2(kept, fd), 0);
	close(kept);
	rewind(file);
	got = fread(text, 1, size - 1, file);
	text[got] = '\0';
	fclose(file);
}

static void
answer(const struct acp_answer *answer, struct acp_metrics *metrics)
{
	struct acp_exchange *exchange;
	FILE *out = tmpfile();
	FILE *log = tmpfile();
	int kept_out, kept_log;

	ck_assert(out && log);
	exchange = make_exchange();
	fflush(stdout);
	redirect(STDOUT_FILENO, out, &kept_out);
	redirect(STDERR_FILENO, log, &kept_log);
	acp_exchange_answer(exchange, answer, NULL, metrics);
	give_back(STDERR_FILENO, log, kept_log, logged, sizeof(logged));
	give_back(STDOUT_FILENO, out, kept_out, sent, sizeof(sent));
	acp_exchange_free(&exchange);
}

static bool
has_line(const char *line)
{
	const char *found = strstr(sent, line);

	return found && strncmp(found + strlen(line), "\r\n", 2) == 0 &&
		(found == sent || found[-1] == '\n');
}

/* every refusal: its status line, its body, a header of its own */
static const struct {
	enum acp_outcome outcome;
	const char *status;
	const char *body;
	const char *header; /* NULL: none */
} refusals[] = {
	{ACP_OUTCOME_NOT_FOUND, "Status: 404 Not Found", "not found\n", NULL},
	{ACP_OUTCOME_METHOD, "Status: 405 Method Not Allowed",
		"method not allowed\n", "Allow: GET"},
	{ACP_OUTCOME_UNAUTHORIZED, "Status: 401 Unauthorized", "unauthorized\n",
		"WWW-Authenticate: Bearer"},
	{ACP_OUTCOME_FORBIDDEN, "Status: 403 Forbidden", "forbidden\n", NULL},
	{ACP_OUTCOME_NO_KEY, "Status: 503 Service Unavailable", "unavailable\n",
		"Retry-After: 7"},
	{ACP_OUTCOME_NO_TOKEN, "Status: 503 Service Unavailable",
		"unavailable\n", "Retry-After: 7"},
	{ACP_OUTCOME_BUSY, "Status: 503 Service Unavailable", "unavailable\n",
		"Retry-After: 7"},
	{ACP_OUTCOME_DRAINING, "Status: 503 Service Unavailable",
		"unavailable\n", "Retry-After: 7"},
};

START_TEST(a_refusal_has_its_words_and_headers)
{
	bool is_503 = strstr(refusals[_i].status, "503");
	const char *end;
	char length[64];

	setenv("REQUEST_METHOD", "GET", 1);
	setenv("REQUEST_ID", "the-id", 1);
	answer(&(struct acp_answer){.outcome = refusals[_i].outcome,
		       .retry_after_s = is_503 ? 7 : 0},
		NULL);
	ck_assert_ptr_eq(strstr(sent, refusals[_i].status), sent);
	snprintf(length, sizeof(length), "Content-Length: %zu",
		strlen(refusals[_i].body));
	ck_assert(has_line(refusals[_i].status));
	ck_assert(has_line("Content-Type: text/plain; charset=utf-8"));
	ck_assert(has_line(length));
	ck_assert(has_line("Cache-Control: no-store"));
	ck_assert(has_line("X-Request-Id: the-id"));
	ck_assert(!refusals[_i].header || has_line(refusals[_i].header));
	ck_assert_int_eq(is_503, strstr(sent, "Retry-After") != NULL);
	end = strstr(sent, "\r\n\r\n");
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end + 4, refusals[_i].body);
}
END_TEST

START_TEST(an_answer_to_head_has_a_length_and_no_body)
{
	setenv("REQUEST_METHOD", "HEAD", 1);
	answer(&(struct acp_answer){.outcome = ACP_OUTCOME_INFO,
		       .body = "ok",
		       .body_size = 2},
		NULL);
	ck_assert(has_line("Status: 200 OK"));
	ck_assert(has_line("Content-Length: 2"));
	ck_assert_str_eq(strstr(sent, "\r\n\r\n"), "\r\n\r\n");
}
END_TEST

START_TEST(a_reply_has_its_own_type)
{
	setenv("REQUEST_METHOD", "GET", 1);
	answer(&(struct acp_answer){.outcome = ACP_OUTCOME_TOKEN,
		       .body = "{}\n",
		       .body_size = 3,
		       .content_type = "application/json"},
		NULL);
	ck_assert(has_line("Content-Type: application/json"));
	ck_assert_str_eq(strstr(sent, "\r\n\r\n"), "\r\n\r\n{}\n");
	/* what is given is not logged */
	ck_assert_ptr_null(strstr(logged, "{}"));
}
END_TEST

static const struct {
	const char *given;
	bool is_logged;
} traces[] = {
	{TRACE, true},
	{"00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-00", true},
	{NULL, false},
	{"", false},
	{TRACE "-", false},
	{TRACE "0", false},
	{"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
	{"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
	{"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", false},
	{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false},
	{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false},
};

START_TEST(a_traceparent_is_logged_when_it_is_one)
{
	if (traces[_i].given)
		setenv("HTTP_TRACEPARENT", traces[_i].given, 1);
	answer(&(struct acp_answer){.outcome = ACP_OUTCOME_NOT_FOUND}, NULL);
	ck_assert_ptr_nonnull(strstr(logged, "\"outcome\":\"not_found\""));
	ck_assert_int_eq(
		strstr(logged, "traceparent") != NULL, traces[_i].is_logged);
	ck_assert(!traces[_i].is_logged || strstr(logged, traces[_i].given));
}
END_TEST

START_TEST(an_answer_is_counted)
{
	struct acp_metrics *metrics = acp_metrics_new();
	const struct acp_metrics_gauges gauges = {0};
	struct acp_buffer text;

	setenv("REQUEST_URI", "/token?s=secret", 1);
	answer(&(struct acp_answer){.outcome = ACP_OUTCOME_UNAUTHORIZED},
		metrics);
	acp_buffer_init(&text, 65536);
	acp_metrics_write(metrics, &gauges, &text);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&text),
		"requests_total{path=\"/token\",code=\"401\"} 1\n"));
	ck_assert_ptr_null(strstr(logged, "secret"));
	acp_buffer_clear(&text);
	acp_metrics_free(&metrics);
}
END_TEST

/* what became of a renewal, and whether it had a proof */
static const struct {
	bool is_renewal, is_over, is_proved;
	enum acp_outcome outcome;
	const char *counted;
	int unbound;
} counts[] = {
	{true, false, true, ACP_OUTCOME_TOKEN, "given", 0},
	{true, false, false, ACP_OUTCOME_TOKEN, "given", 1},
	{true, true, false, ACP_OUTCOME_UNAUTHORIZED, "expired", 0},
	{true, false, false, ACP_OUTCOME_UNAUTHORIZED, "denied", 0},
	{true, false, false, ACP_OUTCOME_FORBIDDEN, "denied", 0},
	{true, false, false, ACP_OUTCOME_NO_TOKEN, NULL, 0},
	{false, false, false, ACP_OUTCOME_UNAUTHORIZED, NULL, 0},
	{false, false, false, ACP_OUTCOME_TOKEN, NULL, 1},
	{false, false, true, ACP_OUTCOME_TOKEN, NULL, 0},
	{false, false, false, ACP_OUTCOME_INFO, NULL, 0},
};

static void
check_counter(const char *text, const char *name, int value)
{
	char line[200];

	snprintf(line, sizeof(line), "ambient_cp_token_%s %d\n", name, value);
	ck_assert_msg(strstr(text, line) != NULL, "no %s in %s", line, text);
}

START_TEST(renewals_and_unbound_requests_are_counted)
{
	static const char *const results[] = {"given", "expired", "denied"};
	struct acp_metrics *metrics = acp_metrics_new();
	const struct acp_metrics_gauges gauges = {0};
	struct acp_exchange *exchange = make_exchange();
	struct acp_buffer text;
	char name[100];

	exchange->is_renewal = counts[_i].is_renewal;
	exchange->is_over = counts[_i].is_over;
	exchange->binding.is_proved = counts[_i].is_proved;
	acp_exchange_answer(exchange,
		&(struct acp_answer){.outcome = counts[_i].outcome, .body = ""},
		NULL, metrics);
	acp_buffer_init(&text, 65536);
	acp_metrics_write(metrics, &gauges, &text);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "renewals_total{result=\"%s\"}",
			results[i]);
		check_counter(acp_buffer_peek(&text), name,
			counts[_i].counted &&
				strcmp(counts[_i].counted, results[i]) == 0);
	}
	check_counter(acp_buffer_peek(&text), "unbound_requests_total",
		counts[_i].unbound);
	acp_buffer_clear(&text);
	acp_metrics_free(&metrics);
	acp_exchange_free(&exchange);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *
exchange_suite(void)
{
	Suite *suite = suite_create("exchange");
	TCase *cases = tcase_create("exchange");

	tcase_add_checked_fixture(cases, set_up, NULL);
	tcase_add_loop_test(
		cases, a_request_id_is_the_servers_or_our_own, 0, COUNT(ids));
	tcase_add_test(cases, our_own_request_ids_differ);
	tcase_add_test(cases, a_clients_header_is_no_request_id);
	tcase_add_loop_test(
		cases, the_first_failing_step_decides, 0, COUNT(firsts));
	tcase_add_loop_test(
		cases, a_refusal_has_its_words_and_headers, 0, COUNT(refusals));
	tcase_add_test(cases, an_answer_to_head_has_a_length_and_no_body);
	tcase_add_test(cases, a_reply_has_its_own_type);
	tcase_add_loop_test(cases, a_traceparent_is_logged_when_it_is_one, 0,
		COUNT(traces));
	tcase_add_test(cases, an_answer_is_counted);
	tcase_add_loop_test(cases, renewals_and_unbound_requests_are_counted, 0,
		COUNT(counts));
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(exchange_suite)
