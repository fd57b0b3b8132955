/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of requests: order, places that are kept, ending, bounds, and the
 * files that hold certificates.
 */
#include <config.h>

#include "reconciler/http_pool.h"

#include "lib/limits.h"
#include "reconciler/http_pem.h"
#include "tests/unit/faulty.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static struct faulty faulty;
static struct acp_http_pool *pool;
static struct acp_http_server server;

/* Who begins, in order; shared with the pool's thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[64];

static void
enter(void)
{
	faulty_open_script(&faulty, "faulty_kube.py", NULL);
	server = (struct acp_http_server){.base_url = faulty.url};
	memset(order, 0, sizeof(order));
}

static void
leave(void)
{
	acp_http_pool_free(&pool);
	faulty_close(&faulty);
}

/* A request in a thread of its own. */
struct sender {
	char letter;
	bool is_urgent;
	const char *lane;
	int64_t time_ms;
	pthread_t thread;
	enum acp_error error;
	const char *why;
	long status;
};

static int64_t
note_begin(void *context)
{
	struct sender *sender = context;

	pthread_mutex_lock(&lock);
	order[strlen(order)] = sender->letter;
	pthread_mutex_unlock(&lock);
	return sender->time_ms;
}

static void *
run_sender(void *context)
{
	ACP_AUTO(http_answer) struct acp_http_answer answer = {0};
	struct sender *sender = context;
	struct acp_http_call call = {
		.server = &server,
		.method = "GET",
		.path = "/x",
		.accept = "text/plain",
		.reply_max = 1000,
		.begin = note_begin,
		.context = sender,
		.is_urgent = sender->is_urgent,
		.lane = sender->lane,
		.lane_size = sender->lane ? 1 : 0,
		.is_of_ending = sender->letter == 'u',
	};

	sender->error = acp_http_pool_send(pool, &call, &answer, &sender->why);
	sender->status = answer.status;
	return NULL;
}

static void
start_in_lane(
	struct sender *sender, char letter, bool is_urgent, const char *lane)
{
	*sender = (struct sender){
		.letter = letter,
		.is_urgent = is_urgent,
		.lane = lane,
		.time_ms = 60000,
	};
	ck_assert_int_eq(
		pthread_create(&sender->thread, NULL, run_sender, sender), 0);
}

static void
start(struct sender *sender, char letter, bool is_urgent)
{
	start_in_lane(sender, letter, is_urgent, NULL);
}

static void
end(struct sender *sender)
{
	ck_assert_int_eq(pthread_join(sender->thread, NULL), 0);
}

static void
wait_for_requests(int64_t count)
{
	while (faulty_get(&faulty, "requests") < count)
		;
}

static void
expect_order(const char *wanted)
{
	pthread_mutex_lock(&lock);
	ck_assert_str_eq(order, wanted);
	pthread_mutex_unlock(&lock);
}

/* The requests that come first are answered when the next have come. */
#define HOLD(count) \
	"{\"answers\":[{\"how\":\"hold\",\"until\":" count "},{\"body\":{}}]}"

START_TEST(places_are_kept_for_what_is_urgent)
{
	enum { PATIENT = 8 };
	struct sender urgent;
	struct sender senders[PATIENT];

	pool = acp_http_pool_new(2);
	faulty_set(&faulty, HOLD("2"));
	start(&senders[0], 'a', false);
	wait_for_requests(1);
	/* they have to wait, for the other place is kept */
	for (size_t i = 1; i < PATIENT; i++)
		start(&senders[i], 'b', false);
	start(&urgent, 'u', true);
	end(&urgent);
	for (size_t i = 0; i < PATIENT; i++)
		end(&senders[i]);
	expect_order("aubbbbbbb");
	ck_assert_int_eq(senders[1].status, 200);
	ck_assert_int_eq(urgent.status, 200);
}
END_TEST

START_TEST(what_does_not_answer_takes_a_quarter_of_the_places)
{
	enum { SAME = 3 };
	struct sender same[SAME];
	struct sender other;

	pool = acp_http_pool_new(4);
	faulty_set(&faulty, HOLD("3"));
	start_in_lane(&same[0], 'a', false, "x1");
	wait_for_requests(1);
	/* urgent or not, of the same lane; only one character is its name */
	for (size_t i = 1; i < SAME; i++)
		start_in_lane(&same[i], 'b', i % 2, "x2");
	start(&other, 'c', false);
	end(&other);
	start_in_lane(&other, 'd', false, "y");
	end(&other);
	for (size_t i = 0; i < SAME; i++)
		end(&same[i]);
	expect_order("acdbb");
	ck_assert_int_eq(same[SAME - 1].status, 200);
}
END_TEST

START_TEST(what_has_not_begun_when_the_pool_closes_fails_at_once)
{
	struct sender senders[3];

	pool = acp_http_pool_new(1);
	faulty_set(&faulty, "{\"answers\":[{\"how\":\"hold\",\"until\":-1}]}");
	start(&senders[0], 'a', false);
	wait_for_requests(1);
	start(&senders[1], 'b', false);
	acp_http_pool_close(pool);
	end(&senders[1]);
	ck_assert_int_eq(senders[1].error, ACP_RETRY_LATER);
	ck_assert_str_eq(senders[1].why, "the program is ending");
	start(&senders[2], 'u', true);
	/* what is in flight goes on to its end, and so is the Lease given up */
	faulty_set(&faulty, "{\"answers\":[{\"body\":{}}]}");
	end(&senders[0]);
	ck_assert_int_eq(senders[0].status, 200);
	end(&senders[2]);
	ck_assert_int_eq(senders[2].status, 200);
	expect_order("au");
}
END_TEST

START_TEST(what_must_not_begin_is_not_sent)
{
	struct sender sender = {.letter = 'a'};

	pool = acp_http_pool_new(1);
	run_sender(&sender);
	ck_assert_int_eq(sender.error, ACP_DENIED);
	expect_order("a");
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 0);
}
END_TEST

START_TEST(a_silent_server_is_given_up)
{
	struct sender sender = {.letter = 'a', .time_ms = 1000};

	pool = acp_http_pool_new(1);
	faulty_set(&faulty, "{\"answers\":[{\"how\":\"hang\"},{\"body\":{}}]}");
	run_sender(&sender);
	ck_assert_int_eq(sender.error, ACP_RETRY_LATER);
	ck_assert_str_eq(sender.why, "Timeout was reached");
	sender.time_ms = 60000;
	run_sender(&sender);
	ck_assert_int_eq(sender.status, 200);
}
END_TEST

START_TEST(a_connection_is_kept)
{
	struct sender sender = {.letter = 'a', .time_ms = 60000};

	pool = acp_http_pool_new(4);
	faulty_set(&faulty, "{\"answers\":[{\"body\":{}}]}");
	for (int i = 0; i < 5; i++)
		run_sender(&sender);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 5);
	ck_assert_int_eq(faulty_get(&faulty, "connections"), 1);
}
END_TEST

START_TEST(proxies_of_the_environment_are_not_used)
{
	struct sender sender = {.letter = 'a', .time_ms = 60000};

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	pool = acp_http_pool_new(1);
	faulty_set(&faulty, "{\"answers\":[{\"body\":{}}]}");
	run_sender(&sender);
	ck_assert_int_eq(sender.status, 200);
	/* one that is given is, whatever the environment says */
	setenv("no_proxy", "*", 1);
	server.proxy = faulty.url;
	server.base_url = "http://127.0.0.1:1";
	run_sender(&sender);
	ck_assert_int_eq(sender.status, 200);
	ck_assert_int_eq(faulty_get(&faulty, "requests"), 2);
}
END_TEST

static const char *const bad_urls[] = {
	"file:///etc/hostname?",
	"ftp://127.0.0.1:1",
	"gopher://127.0.0.1:1",
};

START_TEST(only_http_and_https_are_spoken)
{
	struct sender sender = {.letter = 'a', .time_ms = 60000};

	pool = acp_http_pool_new(1);
	server.base_url = bad_urls[_i];
	run_sender(&sender);
	ck_assert_int_ne(sender.error, ACP_OK);
	ck_assert_int_eq(sender.status, 0);
}
END_TEST

/* Certificates */

static struct acp_http_pem *
take(struct acp_http_pems *pems, const char *text)
{
	ACP_AUTO(secret) struct acp_secret secret = {0};
	struct acp_http_pem *pem = NULL;

	acp_secret_set(&secret, text, strlen(text));
	if (acp_http_pems_take(pems, &secret, &pem))
		return NULL;
	return pem;
}

START_TEST(the_same_bytes_have_the_same_path)
{
	struct acp_http_pems pems;
	struct acp_http_pem *first;
	struct acp_http_pem *again;
	char text[16] = "";
	FILE *file;

	acp_http_pems_init(&pems);
	first = take(&pems, "one");
	again = take(&pems, "one");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_eq(first, again);
	for (int i = 0; i < 2; i++) {
		file = fopen(first->path, "r");
		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(fread(text, 1, sizeof(text), file), 3);
		ck_assert_str_eq(text, "one");
		fclose(file);
	}
	acp_http_pems_give(&pems, &first);
	ck_assert_ptr_null(first);
	ck_assert_ptr_nonnull(again);
	acp_http_pems_give(&pems, &again);
	acp_http_pems_give(&pems, &again);
	acp_http_pems_clear(&pems);
}
END_TEST

START_TEST(those_in_use_stay_and_the_oldest_other_goes)
{
	struct acp_http_pem *used[ACP_HTTP_PEMS_MAX];
	struct acp_http_pems pems;
	char path[sizeof(used[0]->path)];
	char name[] = "a";

	acp_http_pems_init(&pems);
	for (size_t i = 0; i < ACP_HTTP_PEMS_MAX; i++, name[0]++) {
		used[i] = take(&pems, name);
		ck_assert_ptr_nonnull(used[i]);
	}
	ck_assert_ptr_null(take(&pems, "one more"));
	memcpy(path, used[3]->path, sizeof(path));
	acp_http_pems_give(&pems, &used[3]);
	used[3] = take(&pems, "one more");
	ck_assert_ptr_nonnull(used[3]);
	/* a connection made with the old path is not taken for the new one */
	ck_assert_str_ne(used[3]->path, path);
	ck_assert_ptr_eq(take(&pems, "a"), used[0]);
	acp_http_pems_clear(&pems);
}
END_TEST

static Suite *
pool_suite(void)
{
	Suite *suite = suite_create("http_pool");
	TCase *sending = tcase_create("sending");
	TCase *pems = tcase_create("pems");

	tcase_add_checked_fixture(sending, enter, leave);
	tcase_set_timeout(sending, 60);
	tcase_add_test(sending, places_are_kept_for_what_is_urgent);
	tcase_add_test(
		sending, what_does_not_answer_takes_a_quarter_of_the_places);
	tcase_add_test(
		sending, what_has_not_begun_when_the_pool_closes_fails_at_once);
	tcase_add_test(sending, what_must_not_begin_is_not_sent);
	tcase_add_test(sending, a_silent_server_is_given_up);
	tcase_add_test(sending, a_connection_is_kept);
	tcase_add_test(sending, proxies_of_the_environment_are_not_used);
	tcase_add_loop_test(sending, only_http_and_https_are_spoken, 0,
		sizeof(bad_urls) / sizeof(bad_urls[0]));
	suite_add_tcase(suite, sending);
	tcase_add_test(pems, the_same_bytes_have_the_same_path);
	tcase_add_test(pems, those_in_use_stay_and_the_oldest_other_goes);
	suite_add_tcase(suite, pems);
	return suite;
}

ACP_UNIT_MAIN(pool_suite)
