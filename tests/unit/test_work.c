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
#include <sys/resource.h>
#include <unistd.h>

enum { CALLER_BYTES = 1000, OPENED_MAX = 256 };

static sem_t begun; /* one post, one operation that waits for leave */
static sem_t leave; /* one post, one operation */
static sem_t ended; /* one post, one operation that had it */
static sem_t stopping; /* one post, one call of acp_work_stop */
static sem_t released; /* one post, one waiter */
static atomic_int operations;
static atomic_int releases;
static atomic_int keys; /* which keyset is in use: 1, 2 … */
static _Atomic int64_t clock_ms;
static _Atomic int64_t clock_us; /* the first of two looks of an operation */
static int64_t operation_us; /* how long each takes */
static _Atomic int64_t wall_us;
static int64_t lasting_us; /* from its begin to its end */
static char opened[OPENED_MAX]; /* first letters, in the order of opening */
static atomic_int worker_nice;
static char keysets[4];

void __wrap_acp_unsealed_init(struct acp_unsealed *unsealed,
	const struct acp_keyset *keyset,
	const struct acp_ciphertext *ciphertext);
struct acp_keyset *__wrap_acp_keystore_dup_current(struct acp_keystore *store);
void __wrap_acp_keyset_free(struct acp_keyset **keyset);
bool __wrap_acp_keyset_has_key(const struct acp_keyset *keyset, const char *id);
int64_t __wrap_acp_clock_now_ms(void);
int64_t __wrap_acp_clock_now_us(void);
int64_t __wrap_acp_clock_thread_us(void);
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
	opened[operations++] = (char)ciphertext->bytes[0];
	worker_nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	unsealed->verdict = ciphertext->bytes[0] == 'D' ? ACP_UNSEALED_DENIED
		: ciphertext->bytes[0] == 'F'		? ACP_UNSEALED_FORBIDDEN
							: ACP_UNSEALED_SESSION;
	if (unsealed->verdict == ACP_UNSEALED_SESSION)
		snprintf(unsealed->session, sizeof(unsealed->session), "%.100s",
			(const char *)ciphertext->bytes);
	snprintf(unsealed->key_id, sizeof(unsealed->key_id), "%d",
		(int)((const char *)keyset - keysets));
	sem_post(&ended);
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

/* It is looked at before and after each operation, of one worker. */
int64_t
__wrap_acp_clock_thread_us(void)
{
	return atomic_fetch_add(&clock_us, operation_us);
}

int64_t
__wrap_acp_clock_now_us(void)
{
	return atomic_fetch_add(&wall_us, lasting_us);
}

static struct acp_peers *peers;

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
	acp_peers_leave(peers, waiter->peer, CALLER_BYTES);
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
start_work(size_t workers, size_t most_queued)
{
	const struct acp_work_limits limits = {.most_queued = most_queued,
		.queue_wait_ms = 33000,
		.cache_entries = 1000,
		.cache_ttl_ms = 600000};

	ck_assert_int_eq(
		acp_work_new(NULL, metrics, peers, workers, &limits, &work),
		ACP_OK);
}

static void
set_up(void)
{
	sem_init(&begun, 0, 0);
	sem_init(&leave, 0, 0);
	sem_init(&ended, 0, 0);
	sem_init(&stopping, 0, 0);
	sem_init(&released, 0, 0);
	operations = 0;
	releases = 0;
	keys = 1;
	clock_ms = 1000000;
	clock_us = 0;
	operation_us = 0;
	lasting_us = 0;
	memset(opened, 0, sizeof(opened));
	metrics = acp_metrics_new();
	peers = acp_peers_new(SIZE_MAX, SIZE_MAX);
}

static void
tear_down(void)
{
	for (int i = 0; i < 100; i++)
		sem_post(&leave);
	acp_work_stop(work);
	acp_work_free(&work);
	acp_peers_free(&peers); /* nothing is held or counted any more */
	acp_metrics_free(&metrics);
}

static void
await_releases(int count)
{
	while (count-- > 0)
		ck_assert_int_eq(sem_wait(&released), 0);
}

static unsigned int retry_after_s; /* of the last one */

static enum acp_work_answer
submit_from(const char *address, const char *text, struct caller *caller,
	const char *proof_key_id)
{
	struct acp_ciphertext ciphertext = {.size = 256};
	enum acp_work_answer answer;
	enum acp_busy reason;

	memset(caller, 0, sizeof(*caller));
	caller->waiter.release = note_release;
	caller->waiter.peer =
		acp_peers_enter(peers, address, CALLER_BYTES, &reason);
	snprintf(
		(char *)ciphertext.bytes, sizeof(ciphertext.bytes), "%s", text);
	snprintf(ciphertext.proof_key_id, sizeof(ciphertext.proof_key_id), "%s",
		proof_key_id);
	answer = acp_work_submit(work, &ciphertext, &caller->waiter,
		&caller->unsealed, &retry_after_s);
	if (answer != ACP_WORK_HELD)
		acp_peers_leave(peers, caller->waiter.peer, CALLER_BYTES);
	return answer;
}

static enum acp_work_answer
submit_as(const char *text, struct caller *caller, const char *proof_key_id)
{
	return submit_from("192.0.2.1", text, caller, proof_key_id);
}

static enum acp_work_answer
submit(const char *text, struct caller *caller)
{
	return submit_as(text, caller, "");
}

static bool
abandon(struct caller *caller)
{
	if (!acp_work_abandon(work, &caller->waiter))
		return false;
	acp_peers_leave(peers, caller->waiter.peer, CALLER_BYTES);
	return true;
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

START_TEST(one_that_left_is_not_released)
{
	struct caller first, second;

	start_work(1, 10);
	submit("a", &first);
	submit("a", &second);
	ck_assert(abandon(&first));
	ck_assert(!abandon(&first));
	sem_post(&leave);
	await_releases(1);
	ck_assert(!first.is_released);
	ck_assert(second.is_released);
	ck_assert(!abandon(&second));
}
END_TEST

/* Waits until so many are opened, in all, and remembered. */
static void
await_operations(int count)
{
	struct caller last;

	while (count-- > 0)
		ck_assert_int_eq(sem_wait(&ended), 0);
	/* the only worker remembers one before it begins the next */
	ck_assert_int_eq(submit("!", &last), ACP_WORK_HELD);
	sem_post(&leave);
	await_releases(1);
}

/* Occupies the only worker, so that what is submitted next stays queued. */
static void
occupy(struct caller *caller)
{
	start_work(1, 10);
	submit_from("203.0.113.1", "occupied", caller, "");
	ck_assert_int_eq(sem_wait(&begun), 0);
}

/* Lets all that is queued be opened: as many as order has letters. */
static void
ck_order(const char *order, int callers)
{
	for (size_t i = 0; i < strlen(order); i++)
		sem_post(&leave);
	await_releases(callers);
	ck_assert_str_eq(opened, order);
}

START_TEST(the_retry_of_one_that_left_finds_its_place)
{
	struct caller busy, left, retry;

	occupy(&busy);
	submit("a", &left);
	ck_assert(abandon(&left));
	clock_ms += ACP_ABANDONED_KEEP_MS;
	ck_assert_int_eq(submit("a", &retry), ACP_WORK_HELD);
	sem_post(&leave);
	sem_post(&leave);
	await_releases(2);
	ck_assert_str_eq(retry.unsealed.session, "a");
	ck_assert_int_eq(operations, 2);
}
END_TEST

START_TEST(a_ciphertext_whose_callers_all_left_is_opened_last)
{
	struct caller busy, left, after;

	occupy(&busy);
	submit("a", &left);
	abandon(&left);
	clock_ms += ACP_ABANDONED_KEEP_MS;
	submit("b", &after);
	for (int i = 0; i < 3; i++)
		sem_post(&leave);
	await_releases(2);
	await_operations(3);
	ck_assert_str_eq(opened, "oba!");
	ck_assert_int_eq(recall("a"), ACP_WORK_KNOWN);
}
END_TEST

START_TEST(but_not_when_the_retry_is_overdue)
{
	struct caller busy, left, after;

	occupy(&busy);
	submit("a", &left);
	abandon(&left);
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
	struct caller busy, stranger, proved, left;
	pthread_t stopper;

	occupy(&busy);
	submit("left", &left);
	ck_assert(abandon(&left));
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

START_TEST(a_flooding_address_waits_behind_itself)
{
	struct caller busy, flood[4], others[2];
	static const char *const texts[] = {"a", "b", "c", "d"};

	occupy(&busy);
	for (int i = 0; i < 4; i++)
		submit_from("192.0.2.1", texts[i], &flood[i], "");
	submit_from("192.0.2.2", "x", &others[0], "");
	submit_from("2001:db8::1", "y", &others[1], "");
	ck_order("oaxybcd", 7);
}
END_TEST

START_TEST(among_those_with_a_proof_as_well)
{
	struct caller busy, flood[3], other, stranger;
	static const char *const texts[] = {"a", "b", "c"};

	occupy(&busy);
	submit_from("192.0.2.3", "s", &stranger, "");
	for (int i = 0; i < 3; i++)
		submit_from("192.0.2.1", texts[i], &flood[i], "0123");
	submit_from("192.0.2.2", "x", &other, "0123");
	ck_order("oaxbcs", 6);
}
END_TEST

/* One worker that needs a second for each, as it has seen by now. */
static void
start_slow_work(struct caller *busy)
{
	struct caller first;

	operation_us = 1000000;
	occupy(&first);
	sem_post(&leave);
	await_releases(1);
	submit_from("203.0.113.1", "occupied again", busy, "");
	ck_assert_int_eq(sem_wait(&begun), 0);
}

/* Submits until it is told to go away; how many are queued. */
static size_t
flood(const char *address, struct caller *callers, size_t count)
{
	char text[32];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%s-%zu", address, i);
		if (submit_from(address, text, &callers[i], "") ==
			ACP_WORK_FULL)
			return i;
	}
	return count;
}

START_TEST(who_would_wait_too_long_is_told_so_at_once)
{
	static struct caller busy, callers[50]; /* released after the test */

	start_slow_work(&busy);
	/* 33 before it: 33 s */
	ck_assert_uint_eq(flood("192.0.2.1", callers, 50), 34);
	ck_assert_uint_eq(retry_after_s, 34 / 2 + 1);
	ck_assert_uint_eq(acp_work_get_retry_after_s(work), 34 / 2 + 1);
	ck_assert_uint_eq(acp_work_get_held(work), 35);
}
END_TEST

START_TEST(before_the_first_is_opened_ten_milliseconds_are_reckoned_for_each)
{
	static struct caller busy, callers[400];

	occupy(&busy);
	ck_assert_uint_eq(flood("192.0.2.1", callers, 400), 400);
	ck_assert_uint_eq(acp_work_get_retry_after_s(work), 4 / 2 + 1);
}
END_TEST

/* times the processor time that each of those openings lasts */
static const struct {
	int times;
	int openings;
	unsigned int retry_after_s; /* with 400 of 10 ms waiting */
} stretches[] = {
	{1, 50, 3}, {2, 50, 3}, /* a burst */
	{16, 50, 3}, /* on average 1.7 times, as a burst may */
	{32, 50, 5}, /* on average 2.5 times */
	{100000, 1, 3}, /* a suspended machine */
	{100000, 50, 9}, /* 4 times */
};

START_TEST(a_quota_that_makes_workers_wait_is_reckoned_with)
{
	static struct caller busy, opened_before[50], callers[400];

	operation_us = 10000;
	lasting_us = operation_us * stretches[_i].times;
	start_work(1, 10);
	for (int i = 0; i < stretches[_i].openings; i++)
		sem_post(&leave);
	await_releases((int)flood(
		"192.0.2.2", opened_before, (size_t)stretches[_i].openings));
	submit("occupied", &busy);
	ck_assert_uint_eq(flood("192.0.2.1", callers, 400), 400);
	ck_assert_uint_eq(
		acp_work_get_retry_after_s(work), stretches[_i].retry_after_s);
}
END_TEST

START_TEST(a_flood_makes_nobody_else_wait_too_long)
{
	static struct caller busy, callers[50], others[2], proved;

	start_slow_work(&busy);
	flood("192.0.2.1", callers, 50);
	ck_assert_int_eq(
		submit_from("192.0.2.2", "x", &others[0], ""), ACP_WORK_HELD);
	ck_assert_int_eq(
		submit_from("192.0.2.3", "y", &others[1], ""), ACP_WORK_HELD);
	ck_assert_int_eq(
		submit_from("192.0.2.1", "z", &proved, "0123"), ACP_WORK_HELD);
	ck_assert_int_eq(
		submit_from("192.0.2.1", "w", &callers[49], ""), ACP_WORK_FULL);
}
END_TEST

START_TEST(who_brings_what_is_queued_is_never_told_to_wait)
{
	static struct caller busy, callers[50], retry;

	start_slow_work(&busy);
	flood("192.0.2.1", callers, 50);
	ck_assert_int_eq(submit_from("192.0.2.1", "192.0.2.1-33", &retry, ""),
		ACP_WORK_HELD);
}
END_TEST

START_TEST(those_who_left_are_not_waited_for)
{
	static struct caller busy, callers[50], late;
	size_t count;

	start_slow_work(&busy);
	acp_work_set_limits(work,
		&(struct acp_work_limits){.most_queued = 100,
			.queue_wait_ms = 33000,
			.cache_entries = 10,
			.cache_ttl_ms = 1000});
	count = flood("192.0.2.1", callers, 50);
	while (count > 0)
		ck_assert(abandon(&callers[--count]));
	ck_assert_uint_eq(acp_work_get_retry_after_s(work), 1);
	ck_assert_int_eq(
		submit_from("192.0.2.1", "late", &late, ""), ACP_WORK_HELD);
}
END_TEST

START_TEST(a_retry_has_its_old_turn_again)
{
	struct caller busy, left, others[3];

	occupy(&busy);
	submit_from("192.0.2.1", "a", &left, "");
	submit_from("192.0.2.1", "b", &others[0], "");
	submit_from("192.0.2.2", "x", &others[1], "");
	submit_from("192.0.2.2", "y", &others[2], "");
	abandon(&left);
	submit_from("192.0.2.1", "a", &left, "");
	ck_order("oaxby", 5);
}
END_TEST

START_TEST(hanging_up_and_coming_back_gains_nothing)
{
	struct caller busy, greedy[3], other;

	occupy(&busy);
	submit_from("192.0.2.2", "x", &other, "");
	submit_from("192.0.2.1", "a", &greedy[0], "");
	abandon(&greedy[0]);
	submit_from("192.0.2.1", "b", &greedy[1], "");
	abandon(&greedy[1]);
	submit_from("192.0.2.1", "c", &greedy[2], "");
	submit_from("192.0.2.1", "b", &greedy[1], "");
	submit_from("192.0.2.1", "a", &greedy[0], "");
	ck_order("oxabc", 5);
}
END_TEST

START_TEST(a_proof_that_comes_later_moves_it_forward)
{
	struct caller busy, others[2], first, again;

	occupy(&busy);
	submit_from("192.0.2.2", "x", &others[0], "");
	submit_from("192.0.2.1", "a", &first, "");
	submit_from("192.0.2.3", "y", &others[1], "0123");
	submit_from("192.0.2.1", "a", &again, "0123");
	ck_order("oyax", 5);
	ck_assert(first.is_released && again.is_released);
}
END_TEST

START_TEST(after_its_caller_has_gone_as_well)
{
	struct caller busy, other, left, again;

	occupy(&busy);
	submit_from("192.0.2.2", "x", &other, "");
	submit_from("192.0.2.1", "a", &left, "");
	abandon(&left);
	submit_from("192.0.2.1", "a", &again, "0123");
	ck_order("oax", 3);
}
END_TEST

START_TEST(who_has_a_better_place_takes_it_along)
{
	struct caller busy, flooding[4], other;
	static const char *const texts[] = {"a", "b", "c", "d"};

	occupy(&busy);
	for (int i = 0; i < 4; i++)
		submit_from("192.0.2.1", texts[i], &flooding[i], "");
	submit_from("192.0.2.2", "d", &other, "");
	ck_order("oadbc", 6);
}
END_TEST

START_TEST(what_its_callers_left_while_it_was_opened_is_known)
{
	struct caller busy, after;

	occupy(&busy);
	ck_assert(abandon(&busy));
	submit("a", &after);
	sem_post(&leave);
	sem_post(&leave);
	await_releases(1);
	ck_assert_int_eq(recall("occupied"), ACP_WORK_KNOWN);
}
END_TEST

START_TEST(an_overdue_one_goes_although_the_workers_are_busy)
{
	struct caller busy, left, after;
	size_t held, before, bytes;

	occupy(&busy);
	acp_peers_get_held(peers, &held, &before);
	submit("a", &left);
	abandon(&left);
	acp_peers_get_held(peers, &held, &bytes);
	ck_assert_uint_eq(bytes, before + acp_work_get_job_memory());
	clock_ms += ACP_ABANDONED_KEEP_MS + 1;
	submit_as("b", &after, "");
	acp_peers_get_held(peers, &held, &bytes);
	ck_assert_uint_eq(
		bytes, before + CALLER_BYTES + acp_work_get_job_memory());
	ck_order("ob", 2);
}
END_TEST

START_TEST(no_more_are_kept_for_a_retry_than_there_is_room_for)
{
	static struct caller busy, left[12], after[2];
	char text[2] = "a";

	occupy(&busy); /* room for 10 */
	for (int i = 0; i < 12; i++, text[0]++) {
		submit(text, &left[i]);
		abandon(&left[i]);
	}
	submit("x", &after[0]);
	submit("y", &after[1]);
	for (int i = 0; i < 11; i++)
		sem_post(&leave);
	await_releases(3);
	await_operations(11);
	ck_assert_str_eq(opened, "oxyefghijkl!");
}
END_TEST

START_TEST(what_one_address_left_does_not_push_out_that_of_others)
{
	static struct caller busy, victim, other, left[150];
	char text[16];

	occupy(&busy);
	acp_work_set_limits(work,
		&(struct acp_work_limits){.most_queued = 100,
			.queue_wait_ms = 33000,
			.cache_entries = 1000,
			.cache_ttl_ms = 1000});
	submit_from("192.0.2.9", "v", &victim, "");
	abandon(&victim);
	for (int i = 0; i < 150; i++) {
		snprintf(text, sizeof(text), "a%d", i);
		submit_from("192.0.2.1", text, &left[i], "");
		abandon(&left[i]);
	}
	submit_from("192.0.2.8", "x", &other, "");
	submit_from("192.0.2.9", "v", &victim, "");
	ck_order("ovx", 3);
}
END_TEST

START_TEST(leaving_again_and_again_saves_up_no_turns)
{
	struct caller busy, greedy, other;

	occupy(&busy);
	submit_from("192.0.2.1", "a", &greedy, "");
	for (int i = 0; i < 2; i++) {
		abandon(&greedy);
		clock_ms += ACP_ABANDONED_KEEP_MS / 2 + i;
		if (i == 1)
			submit_from("192.0.2.2", "x", &other, "");
		submit_from("192.0.2.1", "a", &greedy, "");
	}
	ck_order("oxa", 3);
}
END_TEST

START_TEST(callers_of_one_ciphertext_leave_in_any_order)
{
	struct caller busy, callers[5];
	static const int order[] = {2, 0, 4, 1};

	occupy(&busy);
	for (int i = 0; i < 5; i++)
		submit("a", &callers[i]);
	for (size_t i = 0; i < 4; i++)
		ck_assert(abandon(&callers[order[i]]));
	ck_assert_uint_eq(acp_work_get_held(work), 2);
	ck_order("oa", 2);
	ck_assert(callers[3].is_released);
}
END_TEST

START_TEST(workers_are_nicer_than_the_others)
{
	struct caller caller;

	start_work(1, 10);
	submit("a", &caller);
	sem_post(&leave);
	await_releases(1);
	ck_assert_int_eq(
		worker_nice, getpriority(PRIO_PROCESS, (id_t)getpid()) + 5);
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
	tcase_add_test(tcase, one_that_left_is_not_released);
	tcase_add_test(tcase, the_retry_of_one_that_left_finds_its_place);
	tcase_add_test(
		tcase, a_ciphertext_whose_callers_all_left_is_opened_last);
	tcase_add_test(tcase, but_not_when_the_retry_is_overdue);
	tcase_add_test(tcase, what_spans_a_change_of_keys_is_done_again);
	tcase_add_test(tcase,
		a_change_of_keys_forgets_failures_and_what_gone_keys_opened);
	tcase_add_test(
		tcase, callers_with_a_proof_go_first_and_each_kind_in_order);
	tcase_add_test(tcase, a_stop_releases_both_kinds);
	tcase_add_test(tcase, a_stop_releases_those_whose_turn_did_not_come);
	tcase_add_test(tcase, a_flooding_address_waits_behind_itself);
	tcase_add_test(tcase, among_those_with_a_proof_as_well);
	tcase_add_test(tcase, who_would_wait_too_long_is_told_so_at_once);
	tcase_add_test(tcase,
		before_the_first_is_opened_ten_milliseconds_are_reckoned_for_each);
	tcase_add_loop_test(tcase,
		a_quota_that_makes_workers_wait_is_reckoned_with, 0,
		sizeof(stretches) / sizeof(stretches[0]));
	tcase_add_test(tcase, a_flood_makes_nobody_else_wait_too_long);
	tcase_add_test(tcase, who_brings_what_is_queued_is_never_told_to_wait);
	tcase_add_test(tcase, those_who_left_are_not_waited_for);
	tcase_add_test(tcase, a_retry_has_its_old_turn_again);
	tcase_add_test(tcase, hanging_up_and_coming_back_gains_nothing);
	tcase_add_test(tcase, a_proof_that_comes_later_moves_it_forward);
	tcase_add_test(tcase, after_its_caller_has_gone_as_well);
	tcase_add_test(tcase, who_has_a_better_place_takes_it_along);
	tcase_add_test(
		tcase, what_its_callers_left_while_it_was_opened_is_known);
	tcase_add_test(
		tcase, an_overdue_one_goes_although_the_workers_are_busy);
	tcase_add_test(
		tcase, no_more_are_kept_for_a_retry_than_there_is_room_for);
	tcase_add_test(
		tcase, what_one_address_left_does_not_push_out_that_of_others);
	tcase_add_test(tcase, leaving_again_and_again_saves_up_no_turns);
	tcase_add_test(tcase, callers_of_one_ciphertext_leave_in_any_order);
	tcase_add_test(tcase, workers_are_nicer_than_the_others);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(work_suite)
