/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/work.c with the private key operation replaced (by the linker) by one
 * that counts, and that waits for the test's leave. Nothing here sleeps.
 */
#include <config.h>

#include "fcgi/work.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static sem_t begun; /* one post, one operation that waits for leave */
static sem_t leave; /* one post, one operation */
static sem_t stopping; /* one post, one call of acp_work_stop */
static sem_t released; /* one post, one waiter */
static atomic_int operations;
static atomic_int releases;
static atomic_int keys; /* which keyset is in use: 1, 2 … */
static _Atomic int64_t clock_ms;
static char keysets[4];

void __wrap_acp_unsealed_init(struct acp_unsealed *unsealed,
	const struct acp_keyset *keyset,
	const struct acp_ciphertext *ciphertext);
struct acp_keyset *__wrap_acp_keystore_dup_current(struct acp_keystore *store);
void __wrap_acp_keyset_free(struct acp_keyset **keyset);
bool __wrap_acp_keyset_has_key(const struct acp_keyset *keyset, const char *id);
int64_t __wrap_acp_clock_now_ms(void);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __real_pthread_cond_broadcast(pthread_cond_t *condition);

/* Only acp_work_stop broadcasts, with its mind made up. */
int
__wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
	sem_post(&stopping);
	return __real_pthread_cond_broadcast(condition);
}

/* A ciphertext names what it holds: 'D'enied, 'F'orbidden or a session. */
void
__wrap_acp_unsealed_init(struct acp_unsealed *unsealed,
	const struct acp_keyset *keyset,
	const struct acp_ciphertext *ciphertext)
{
	memset(unsealed, 0, sizeof(*unsealed));
	sem_post(&begun);
	while (sem_wait(&leave))
		continue;
	operations++;
	unsealed->verdict = ciphertext->bytes[0] == 'D' ? ACP_UNSEALED_DENIED
		: ciphertext->bytes[0] == 'F'		? ACP_UNSEALED_FORBIDDEN
							: ACP_UNSEALED_SESSION;
	if (unsealed->verdict == ACP_UNSEALED_SESSION)
		snprintf(unsealed->session, sizeof(unsealed->session), "%.100s",
			(const char *)ciphertext->bytes);
	snprintf(unsealed->key_id, sizeof(unsealed->key_id), "%d",
		(int)((const char *)keyset - keysets));
}

struct acp_keyset *
__wrap_acp_keystore_dup_current(struct acp_keystore *store)
{
	(void)store;
	return (struct acp_keyset *)(keysets + keys);
}

void
__wrap_acp_keyset_free(struct acp_keyset **keyset)
{
	*keyset = NULL;
}

bool
__wrap_acp_keyset_has_key(const struct acp_keyset *keyset, const char *id)
{
	return id[0] - '0' == (const char *)keyset - keysets;
}

int64_t
__wrap_acp_clock_now_ms(void)
{
	return clock_ms;
}

struct caller {
	struct acp_work_waiter waiter; /* first: the waiter is the caller */
	bool is_released;
	bool is_stopped;
	int turn; /* 1: released first */
	struct acp_unsealed unsealed;
};

static void
note_release(
	struct acp_work_waiter *waiter, const struct acp_unsealed *unsealed)
{
	struct caller *caller = (struct caller *)waiter;

	ck_assert(!caller->is_released);
	caller->is_released = true;
	caller->is_stopped = !unsealed;
	if (unsealed)
		caller->unsealed = *unsealed;
	caller->turn = ++releases;
	sem_post(&released);
}

static struct acp_metrics *metrics;
static struct acp_work *work;

static void
start_work(size_t workers, size_t most_held)
{
	const struct acp_work_limits limits = {.most_held = most_held,
		.queue_wait_ms = 33000,
		.cache_entries = 1000,
		.cache_ttl_ms = 600000};

	ck_assert_int_eq(
		acp_work_new(NULL, metrics, workers, &limits, &work), ACP_OK);
}

static void
set_up(void)
{
	sem_init(&begun, 0, 0);
	sem_init(&leave, 0, 0);
	sem_init(&stopping, 0, 0);
	sem_init(&released, 0, 0);
	operations = 0;
	releases = 0;
	keys = 1;
	clock_ms = 1000000;
	metrics = acp_metrics_new();
}

static void
tear_down(void)
{
	for (int i = 0; i < 100; i++)
		sem_post(&leave);
	acp_work_stop(work);
	acp_work_free(&work);
	acp_metrics_free(&metrics);
}

static void
await_releases(int count)
{
	while (count-- > 0)
		ck_assert_int_eq(sem_wait(&released), 0);
}

static enum acp_work_answer
submit_as(const char *text, struct caller *caller, const char *proof_key_id)
{
	struct acp_ciphertext ciphertext = {.size = 256};
	unsigned int retry_after_s = 0;
	enum acp_work_answer answer;

	memset(caller, 0, sizeof(*caller));
	caller->waiter.release = note_release;
	snprintf(
		(char *)ciphertext.bytes, sizeof(ciphertext.bytes), "%s", text);
	snprintf(ciphertext.proof_key_id, sizeof(ciphertext.proof_key_id), "%s",
		proof_key_id);
	answer = acp_work_submit(work, &ciphertext, &caller->waiter,
		&caller->unsealed, &retry_after_s);
	ck_assert_int_eq(answer == ACP_WORK_FULL, retry_after_s > 0);
	return answer;
}

static enum acp_work_answer
submit(const char *text, struct caller *caller)
{
	return submit_as(text, caller, "");
}

static enum acp_work_answer
recall(const char *text)
{
	struct acp_ciphertext ciphertext = {.size = 256};
	struct acp_unsealed unsealed;

	snprintf(
		(char *)ciphertext.bytes, sizeof(ciphertext.bytes), "%s", text);
	return acp_work_recall(work, &ciphertext, &unsealed);
}

START_TEST(a_held_caller_gets_what_its_ciphertext_holds)
{
	struct caller callers[3];

	start_work(2, 10);
	ck_assert_int_eq(submit("session-a", &callers[0]), ACP_WORK_HELD);
	ck_assert_int_eq(submit("Forbidden", &callers[1]), ACP_WORK_HELD);
	ck_assert_int_eq(submit("Denied", &callers[2]), ACP_WORK_HELD);
	ck_assert_uint_eq(acp_work_get_held(work), 3);
	for (int i = 0; i < 3; i++)
		sem_post(&leave);
	await_releases(3);
	ck_assert_str_eq(callers[0].unsealed.session, "session-a");
	ck_assert_int_eq(callers[1].unsealed.verdict, ACP_UNSEALED_FORBIDDEN);
	ck_assert_int_eq(callers[2].unsealed.verdict, ACP_UNSEALED_DENIED);
	ck_assert_uint_eq(acp_work_get_held(work), 0);
}
END_TEST

START_TEST(a_retry_joins_the_ciphertext_that_is_queued)
{
	struct caller callers[4];

	start_work(1, 10);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(submit("same", &callers[i]), ACP_WORK_HELD);
	sem_post(&leave);
	await_releases(4);
	ck_assert_int_eq(operations, 1);
	for (int i = 0; i < 4; i++)
		ck_assert_str_eq(callers[i].unsealed.session, "same");
}
END_TEST

START_TEST(what_was_opened_is_known_from_then_on)
{
	struct caller caller;

	start_work(1, 10);
	ck_assert_int_eq(recall("session-a"), ACP_WORK_UNKNOWN);
	submit("session-a", &caller);
	sem_post(&leave);
	await_releases(1);
	ck_assert_int_eq(recall("session-a"), ACP_WORK_KNOWN);
	ck_assert_int_eq(submit("session-a", &caller), ACP_WORK_KNOWN);
	ck_assert_str_eq(caller.unsealed.session, "session-a");
	ck_assert_int_eq(operations, 1);
}
END_TEST

START_TEST(a_full_queue_says_so_at_once)
{
	static struct caller callers[3]; /* released after the test */

	start_work(1, 2);
	ck_assert_int_eq(submit("a", &callers[0]), ACP_WORK_HELD);
	ck_assert_int_eq(submit("b", &callers[1]), ACP_WORK_HELD);
	ck_assert_int_eq(submit("c", &callers[2]), ACP_WORK_FULL);
	ck_assert_uint_eq(acp_work_get_held(work), 2);
}
END_TEST

START_TEST(one_that_left_is_not_released)
{
	struct caller first, second;

	start_work(1, 10);
	submit("a", &first);
	submit("a", &second);
	ck_assert(acp_work_abandon(work, &first.waiter));
	ck_assert(!acp_work_abandon(work, &first.waiter));
	sem_post(&leave);
	await_releases(1);
	ck_assert(!first.is_released);
	ck_assert(second.is_released);
	ck_assert(!acp_work_abandon(work, &second.waiter));
}
END_TEST

/* Occupies the only worker, so that what is submitted next stays queued. */
static void
occupy(struct caller *caller)
{
	start_work(1, 10);
	submit("occupied", caller);
	ck_assert_int_eq(sem_wait(&begun), 0);
}

START_TEST(the_retry_of_one_that_left_finds_its_place)
{
	struct caller busy, left, retry;

	occupy(&busy);
	submit("a", &left);
	ck_assert(acp_work_abandon(work, &left.waiter));
	clock_ms += ACP_ABANDONED_KEEP_MS;
	ck_assert_int_eq(submit("a", &retry), ACP_WORK_HELD);
	sem_post(&leave);
	sem_post(&leave);
	await_releases(2);
	ck_assert_str_eq(retry.unsealed.session, "a");
	ck_assert_int_eq(operations, 2);
}
END_TEST

START_TEST(a_ciphertext_whose_callers_all_left_is_opened_in_its_turn)
{
	struct caller busy, left, after;

	occupy(&busy);
	submit("a", &left);
	acp_work_abandon(work, &left.waiter);
	clock_ms += ACP_ABANDONED_KEEP_MS;
	submit("b", &after);
	for (int i = 0; i < 3; i++)
		sem_post(&leave);
	await_releases(2);
	ck_assert_int_eq(operations, 3);
	ck_assert_int_eq(recall("a"), ACP_WORK_KNOWN);
}
END_TEST

START_TEST(but_not_when_the_retry_is_overdue)
{
	struct caller busy, left, after;

	occupy(&busy);
	submit("a", &left);
	acp_work_abandon(work, &left.waiter);
	clock_ms += ACP_ABANDONED_KEEP_MS + 1;
	submit("b", &after);
	for (int i = 0; i < 3; i++)
		sem_post(&leave);
	await_releases(2);
	ck_assert_int_eq(operations, 2);
	ck_assert_int_eq(recall("a"), ACP_WORK_UNKNOWN);
}
END_TEST

START_TEST(what_spans_a_change_of_keys_is_done_again)
{
	struct caller caller;

	start_work(1, 10);
	submit("Denied", &caller);
	ck_assert_int_eq(sem_wait(&begun), 0);
	keys = 2;
	acp_work_forget(work, (struct acp_keyset *)(keysets + 2));
	sem_post(&leave);
	sem_post(&leave);
	await_releases(1);
	ck_assert_int_eq(operations, 2);
	ck_assert_str_eq(caller.unsealed.key_id, "2");
}
END_TEST

START_TEST(a_change_of_keys_forgets_failures_and_what_gone_keys_opened)
{
	struct caller old, bad, fresh;

	start_work(1, 10);
	submit("old", &old);
	submit("Denied", &bad);
	sem_post(&leave);
	sem_post(&leave);
	await_releases(2);
	keys = 2;
	submit("fresh", &fresh);
	sem_post(&leave);
	await_releases(1);
	acp_work_forget(work, (struct acp_keyset *)(keysets + 2));
	ck_assert_int_eq(recall("old"), ACP_WORK_UNKNOWN);
	ck_assert_int_eq(recall("Denied"), ACP_WORK_UNKNOWN);
	ck_assert_int_eq(recall("fresh"), ACP_WORK_KNOWN);
}
END_TEST

START_TEST(callers_with_a_proof_go_first_and_each_kind_in_order)
{
	struct caller busy, strangers[2], proved[2];

	occupy(&busy);
	submit("stranger-1", &strangers[0]);
	submit_as("proved-1", &proved[0], "0123456789abcdef");
	submit("stranger-2", &strangers[1]);
	submit_as("proved-2", &proved[1], "fedcba9876543210");
	for (int i = 0; i < 5; i++)
		sem_post(&leave);
	await_releases(5);
	ck_assert_int_eq(busy.turn, 1);
	ck_assert_int_eq(proved[0].turn, 2);
	ck_assert_int_eq(proved[1].turn, 3);
	ck_assert_int_eq(strangers[0].turn, 4);
	ck_assert_int_eq(strangers[1].turn, 5);
}
END_TEST

static void *
stop_work(void *unused)
{
	acp_work_stop(work);
	return unused;
}

START_TEST(a_stop_releases_both_kinds)
{
	struct caller busy, stranger, proved;
	pthread_t stopper;

	occupy(&busy);
	submit("stranger", &stranger);
	submit_as("proved", &proved, "0123456789abcdef");
	ck_assert_int_eq(pthread_create(&stopper, NULL, stop_work, NULL), 0);
	ck_assert_int_eq(sem_wait(&stopping), 0);
	sem_post(&leave);
	pthread_join(stopper, NULL);
	await_releases(3);
	ck_assert(stranger.is_stopped);
	ck_assert(proved.is_stopped);
}
END_TEST

START_TEST(a_stop_releases_those_whose_turn_did_not_come)
{
	struct caller callers[3];
	pthread_t stopper;

	start_work(1, 10);
	submit("first", &callers[0]);
	submit("second", &callers[1]);
	submit("third", &callers[2]);
	ck_assert_int_eq(sem_wait(&begun), 0);
	ck_assert_int_eq(pthread_create(&stopper, NULL, stop_work, NULL), 0);
	ck_assert_int_eq(sem_wait(&stopping), 0);
	sem_post(&leave);
	pthread_join(stopper, NULL);
	await_releases(3);
	ck_assert_str_eq(callers[0].unsealed.session, "first");
	ck_assert(callers[1].is_stopped);
	ck_assert(callers[2].is_stopped);
	ck_assert_uint_eq(acp_work_get_held(work), 0);
}
END_TEST

static Suite *
work_suite(void)
{
	Suite *suite = suite_create("work");
	TCase *tcase = tcase_create("work");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_held_caller_gets_what_its_ciphertext_holds);
	tcase_add_test(tcase, a_retry_joins_the_ciphertext_that_is_queued);
	tcase_add_test(tcase, what_was_opened_is_known_from_then_on);
	tcase_add_test(tcase, a_full_queue_says_so_at_once);
	tcase_add_test(tcase, one_that_left_is_not_released);
	tcase_add_test(tcase, the_retry_of_one_that_left_finds_its_place);
	tcase_add_test(tcase,
		a_ciphertext_whose_callers_all_left_is_opened_in_its_turn);
	tcase_add_test(tcase, but_not_when_the_retry_is_overdue);
	tcase_add_test(tcase, what_spans_a_change_of_keys_is_done_again);
	tcase_add_test(tcase,
		a_change_of_keys_forgets_failures_and_what_gone_keys_opened);
	tcase_add_test(
		tcase, callers_with_a_proof_go_first_and_each_kind_in_order);
	tcase_add_test(tcase, a_stop_releases_both_kinds);
	tcase_add_test(tcase, a_stop_releases_those_whose_turn_did_not_come);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(work_suite)
