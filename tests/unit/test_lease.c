/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/lease.c: one holder at a time, by our own clock; given up on
 * request; never written over. Clock, waiting and threads are the test's.
 */
#include <config.h>

#include "reconciler/lease.h"

#include "lib/auto.h"
#include "lib/json.h"
#include "reconciler/lease_record.h"
#include "tests/unit/fake_kube.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NOW_MS = 1000000 };

static int64_t now_ms;
static void (*while_waiting)(void); /* the others' turn, at each wait */
static struct acp_lease *ours, *theirs, *third;
static struct acp_buffer why;

int64_t __wrap_acp_clock_now_ms(void);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*run)(void *), void *context);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition,
	pthread_mutex_t *mutex, const struct timespec *until);

int64_t
__wrap_acp_clock_now_ms(void)
{
	return now_ms;
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*run)(void *), void *context)
{
	(void)attributes;
	(void)run;
	(void)context;
	*thread = pthread_self();
	return 0;
}

int
__wrap_pthread_join(pthread_t thread, void **result)
{
	(void)thread;
	(void)result;
	return 0;
}

/* Time passes on both clocks while somebody waits. */
static void
pass(int64_t wait_ms)
{
	now_ms += wait_ms;
	fake_kube.now_s += wait_ms / 1000;
}

int
__wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
	const struct timespec *until)
{
	struct timespec now;

	(void)condition;
	clock_gettime(CLOCK_MONOTONIC, &now);
	pass((until->tv_sec - now.tv_sec) * 1000 +
		(until->tv_nsec - now.tv_nsec) / 1000000 + 1);
	pthread_mutex_unlock(mutex);
	if (while_waiting)
		while_waiting();
	pthread_mutex_lock(mutex);
	return ETIMEDOUT;
}

static struct acp_lease *
make(const char *identity)
{
	const struct acp_lease_settings settings = {
		.namespace = "runtime",
		.instance = "inst",
		.identity = identity,
	};

	return acp_lease_new(&settings);
}

static void
start(void)
{
	now_ms = NOW_MS;
	while_waiting = NULL;
	fake_kube_start();
	acp_buffer_init(&why, 10000);
	ours = make("ours");
	theirs = make("theirs");
	third = make("third");
}

static void
stop(void)
{
	acp_lease_free(&ours);
	acp_lease_free(&theirs);
	acp_lease_free(&third);
	acp_buffer_clear(&why);
	fake_kube_stop();
}

static struct json_object *
peek_lease(void)
{
	return fake_kube_peek(ACP_KIND_LEASE, ACP_LEASE_NAME);
}

static const char *
peek_holder(void)
{
	return acp_lease_record_peek_holder(peek_lease());
}

static const char *
peek_spec(const char *name)
{
	struct json_object *spec, *value = NULL;

	ck_assert(json_object_object_get_ex(peek_lease(), "spec", &spec));
	ck_assert(json_object_object_get_ex(spec, name, &value));
	return json_object_get_string(value);
}

/* Lets them hold it, as a loop does. */
static void
let_them_hold(void)
{
	acp_lease_start(theirs);
	acp_lease_step(theirs);
	ck_assert(acp_lease_is_held(theirs));
}

static void
step_theirs(void)
{
	acp_lease_step(theirs);
}

START_TEST(a_lease_that_is_not_there_is_made)
{
	acp_lease_start(ours);
	ck_assert(!acp_lease_may_write(ours));
	ck_assert_int_eq(acp_lease_step(ours), ACP_LEASE_RENEW_MS);
	ck_assert(acp_lease_is_held(ours));
	ck_assert(acp_lease_may_write(ours));
	ck_assert_str_eq(peek_holder(), "ours");
	ck_assert_str_eq(peek_spec("leaseDurationSeconds"), "15");
	ck_assert_str_eq(peek_spec("leaseTransitions"), "1");
	/* the server's clock, and six decimals: the API wants them */
	ck_assert_str_eq(peek_spec("renewTime"), "2026-05-28T20:26:40.000000Z");
	ck_assert_str_eq(
		peek_spec("acquireTime"), "2026-05-28T20:26:40.000000Z");
}
END_TEST

START_TEST(a_renewal_keeps_it)
{
	acp_lease_start(ours);
	for (int i = 0; i < 20; i++) {
		acp_lease_step(ours);
		ck_assert(acp_lease_may_write(ours));
		pass(ACP_LEASE_RENEW_MS);
	}
	ck_assert_uint_eq(fake_kube.writes, 20);
	ck_assert_uint_eq(fake_kube.reads, 1);
	ck_assert_str_eq(peek_spec("leaseTransitions"), "1");
	ck_assert_str_eq(peek_spec("renewTime"), "2026-05-28T20:27:18.000000Z");
	ck_assert_str_eq(
		peek_spec("acquireTime"), "2026-05-28T20:26:40.000000Z");
}
END_TEST

START_TEST(no_write_begins_long_after_the_last_renewal)
{
	acp_lease_start(ours);
	acp_lease_step(ours);
	pass(ACP_LEASE_WRITE_MS - 1);
	ck_assert(acp_lease_may_write(ours));
	pass(1);
	ck_assert(!acp_lease_may_write(ours));
	/* the one renewal that does not get through changes nothing */
	fake_kube.fault = ACP_KUBE_UNREACHABLE;
	acp_lease_step(ours);
	ck_assert(!acp_lease_may_write(ours));
	acp_lease_step(ours);
	ck_assert(acp_lease_may_write(ours));
	_Static_assert(ACP_LEASE_WRITE_MS + ACP_LEASE_REQUEST_MS <
			ACP_LEASE_DURATION_MS,
		"a write ends before another may hold the Lease");
}
END_TEST

static void
let_time_pass(void)
{
	pass(3000);
}

START_TEST(a_renewal_counts_from_when_it_was_sent)
{
	acp_lease_start(ours);
	acp_lease_step(ours);
	fake_kube.before_write = let_time_pass;
	acp_lease_step(ours);
	pass(ACP_LEASE_WRITE_MS - 3000 - 1);
	ck_assert(acp_lease_may_write(ours));
	pass(1);
	ck_assert(!acp_lease_may_write(ours));
}
END_TEST

START_TEST(a_live_holder_is_left_alone)
{
	let_them_hold();
	acp_lease_start(ours);
	for (int i = 0; i < 40; i++) {
		acp_lease_step(ours);
		ck_assert(!acp_lease_is_held(ours));
		pass(ACP_LEASE_RENEW_MS);
		acp_lease_step(theirs);
	}
	ck_assert_str_eq(peek_holder(), "theirs");
}
END_TEST

START_TEST(one_without_a_version_is_no_sign_of_death)
{
	struct json_object *metadata;

	let_them_hold();
	metadata = acp_json_peek_object(peek_lease(), "metadata");
	json_object_object_del(metadata, "resourceVersion");
	acp_lease_start(ours);
	acp_lease_step(ours);
	ck_assert(!acp_lease_is_held(ours));
	ck_assert_str_eq(peek_holder(), "theirs");
	/* with a version again, so that it can be released */
	fake_kube_put(
		ACP_KIND_LEASE, ACP_LEASE_NAME, json_object_get(peek_lease()));
}
END_TEST

START_TEST(a_dead_holder_is_followed_after_the_whole_life)
{
	int64_t seen_ms;

	let_them_hold();
	/* whatever its times say: those are another machine's */
	pass(24L * 60 * 60 * 1000);
	acp_lease_start(ours);
	seen_ms = now_ms;
	while (!acp_lease_is_held(ours))
		pass(acp_lease_step(ours));
	ck_assert_int_ge(now_ms - seen_ms, ACP_LEASE_DURATION_MS);
	ck_assert_int_le(now_ms - seen_ms,
		ACP_LEASE_DURATION_MS + 2 * ACP_LEASE_RENEW_MS);
	ck_assert_str_eq(peek_holder(), "ours");
	ck_assert_str_eq(peek_spec("leaseTransitions"), "2");
	/* the dead one, if it was only slow, learns it at its next step */
	acp_lease_step(theirs);
	ck_assert(!acp_lease_is_held(theirs));
	ck_assert(!acp_lease_may_write(theirs));
	ck_assert_str_eq(peek_holder(), "ours");
}
END_TEST

START_TEST(a_holder_may_not_write_when_it_may_have_expired)
{
	let_them_hold();
	acp_lease_start(ours);
	while (!acp_lease_is_held(ours)) {
		pass(acp_lease_step(ours));
		ck_assert(!acp_lease_may_write(ours) ||
			!acp_lease_may_write(theirs));
	}
	ck_assert(!acp_lease_may_write(theirs));
}
END_TEST

START_TEST(one_that_was_deleted_is_lost_and_made_again)
{
	acp_lease_start(ours);
	acp_lease_step(ours);
	fake_kube_delete(ACP_KIND_LEASE, ACP_LEASE_NAME);
	ck_assert_int_eq(acp_lease_step(ours), 0);
	ck_assert(!acp_lease_may_write(ours));
	acp_lease_step(ours);
	ck_assert(acp_lease_may_write(ours));
}
END_TEST

START_TEST(a_lost_answer_does_not_lose_it)
{
	acp_lease_start(ours);
	if (_i == 0)
		acp_lease_step(ours);
	fake_kube.fault = ACP_KUBE_UNREACHABLE;
	fake_kube.is_fault_for_writes = true;
	fake_kube.is_done_first = true;
	acp_lease_step(ours);
	pass(ACP_LEASE_RENEW_MS);
	acp_lease_step(ours);
	ck_assert(acp_lease_may_write(ours));
	ck_assert_str_eq(peek_holder(), "ours");
}
END_TEST

START_TEST(one_that_cannot_be_renewed_for_its_whole_life_is_lost)
{
	acp_lease_start(ours);
	acp_lease_step(ours);
	while (acp_lease_is_held(ours)) {
		ck_assert_int_lt(now_ms, NOW_MS + 2 * ACP_LEASE_DURATION_MS);
		fake_kube.fault = ACP_KUBE_UNREACHABLE;
		pass(acp_lease_step(ours));
	}
	ck_assert_int_ge(now_ms, NOW_MS + ACP_LEASE_DURATION_MS);
	/* but it still says our name: nobody else came */
	acp_lease_step(ours);
	ck_assert(acp_lease_may_write(ours));
}
END_TEST

START_TEST(it_is_released_at_the_end)
{
	let_them_hold();
	acp_lease_free(&theirs);
	ck_assert_str_eq(peek_holder(), "");
	acp_lease_start(ours);
	acp_lease_step(ours);
	ck_assert(acp_lease_is_held(ours));
}
END_TEST

/* A holder that renews but does not know what yielding is. */
static void
renew_deaf(void)
{
	struct json_object *record = acp_lease_record_dup(peek_lease());

	acp_lease_record_renew(record, fake_kube.now_s);
	fake_kube_put(ACP_KIND_LEASE, ACP_LEASE_NAME, record);
}

START_TEST(a_note_that_is_written_meanwhile_does_not_stop_the_release)
{
	let_them_hold();
	fake_kube.before_write = renew_deaf;
	acp_lease_free(&theirs);
	ck_assert_str_eq(peek_holder(), "");
}
END_TEST

START_TEST(one_that_another_took_is_not_released)
{
	let_them_hold();
	acp_lease_start(ours);
	while (!acp_lease_is_held(ours))
		pass(acp_lease_step(ours));
	acp_lease_free(&theirs);
	ck_assert_str_eq(peek_holder(), "ours");
}
END_TEST

START_TEST(once_gives_up_when_the_holder_lives)
{
	let_them_hold();
	while_waiting = step_theirs;
	ck_assert_int_eq(
		acp_lease_acquire(ours, ACP_LEASE_ONCE, &why), ACP_RETRY_LATER);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why),
		"theirs holds the Lease runtime/ambient-cp-reconciler"));
	ck_assert_int_lt(now_ms - NOW_MS, ACP_LEASE_DURATION_MS);
	ck_assert_str_eq(peek_holder(), "theirs");
	ck_assert(acp_lease_may_write(theirs));
}
END_TEST

START_TEST(once_takes_over_from_the_dead)
{
	let_them_hold();
	ck_assert_int_eq(acp_lease_acquire(ours, ACP_LEASE_ONCE, &why), ACP_OK);
	ck_assert_int_ge(now_ms - NOW_MS, ACP_LEASE_DURATION_MS);
	ck_assert(acp_lease_may_write(ours));
	ck_assert_str_eq(peek_holder(), "ours");
}
END_TEST

START_TEST(once_does_not_take_again_what_it_lost)
{
	ck_assert_int_eq(acp_lease_acquire(ours, ACP_LEASE_ONCE, &why), ACP_OK);
	fake_kube_delete(ACP_KIND_LEASE, ACP_LEASE_NAME);
	for (int i = 0; i < 3; i++)
		acp_lease_step(ours);
	ck_assert(!acp_lease_is_held(ours));
	ck_assert_ptr_null(peek_lease());
}
END_TEST

static const struct {
	enum acp_kube_reason fault;
	bool is_for_writes;
	enum acp_error error;
} failures[] = {
	{ACP_KUBE_UNREACHABLE, false, ACP_FAULT},
	{ACP_KUBE_UNREACHABLE, true, ACP_FAULT},
	{ACP_KUBE_FORBIDDEN, false, ACP_DENIED},
	{ACP_KUBE_FORBIDDEN, true, ACP_DENIED},
	/* of the namespace */
	{ACP_KUBE_NOT_FOUND, true, ACP_DENIED},
};

START_TEST(once_says_why_kubernetes_gave_no_lease)
{
	fake_kube.fault = failures[_i].fault;
	fake_kube.is_fault_for_writes = failures[_i].is_for_writes;
	ck_assert_int_eq(acp_lease_acquire(ours, ACP_LEASE_ONCE, &why),
		failures[_i].error);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "the fake says"));
	ck_assert(!acp_lease_is_held(ours));
}
END_TEST

static void
let_third_enter(void)
{
	acp_lease_start(third);
	acp_lease_step(third);
}

START_TEST(of_two_that_come_at_once_one_gets_it)
{
	fake_kube.before_write = let_third_enter;
	acp_lease_start(ours);
	acp_lease_step(ours);
	ck_assert(acp_lease_may_write(third));
	ck_assert(!acp_lease_may_write(ours));
	acp_lease_step(ours);
	ck_assert(!acp_lease_is_held(ours));
	ck_assert_str_eq(peek_holder(), "third");
}
END_TEST

START_TEST(an_asker_is_given_the_lease_and_gives_it_back)
{
	let_them_hold();
	while_waiting = step_theirs;
	ck_assert_int_eq(acp_lease_acquire(ours, ACP_LEASE_ASK, &why), ACP_OK);
	ck_assert_int_lt(now_ms - NOW_MS, ACP_LEASE_DURATION_MS);
	ck_assert(acp_lease_may_write(ours));
	ck_assert(!acp_lease_may_write(theirs));
	ck_assert_str_eq(
		acp_lease_record_peek_note(peek_lease(), ACP_LEASE_YIELD_TO),
		"");
	for (int i = 0; i < 3; i++) {
		pass(ACP_LEASE_RENEW_MS);
		acp_lease_step(ours);
		acp_lease_step(theirs);
		ck_assert(!acp_lease_is_held(theirs));
	}
	acp_lease_free(&ours);
	acp_lease_step(theirs);
	ck_assert(acp_lease_may_write(theirs));
}
END_TEST

/* Asks in their name on behalf of ours. */
static void
put_question(const char *asker)
{
	struct json_object *record = acp_lease_record_dup(peek_lease());

	acp_lease_record_note(record, ACP_LEASE_YIELD_TO, asker);
	fake_kube_put(ACP_KIND_LEASE, ACP_LEASE_NAME, record);
}

START_TEST(the_holder_waits_for_what_is_in_flight)
{
	let_them_hold();
	pass(500);
	ck_assert(acp_lease_may_write(theirs)); /* this write begins now */
	put_question("ours");
	ck_assert(acp_lease_step(theirs) <= ACP_LEASE_RENEW_MS);
	ck_assert(!acp_lease_may_write(theirs));
	ck_assert(!acp_lease_is_held(theirs));
	ck_assert_str_eq(peek_holder(), "theirs");
	pass(ACP_LEASE_REQUEST_MS - 1);
	ck_assert_int_eq(acp_lease_step(theirs), 1);
	ck_assert_str_eq(peek_holder(), "theirs");
	pass(1);
	acp_lease_step(theirs);
	ck_assert_str_eq(peek_holder(), "");
}
END_TEST

START_TEST(a_question_taken_back_is_forgotten)
{
	let_them_hold();
	ck_assert(acp_lease_may_write(theirs));
	put_question("ours");
	acp_lease_step(theirs);
	ck_assert(!acp_lease_may_write(theirs));
	put_question(NULL);
	acp_lease_step(theirs);
	ck_assert(acp_lease_may_write(theirs));
}
END_TEST

START_TEST(nobody_else_takes_what_was_given_up_for_an_asker)
{
	int64_t released_ms;

	let_them_hold();
	put_question("gone");
	acp_lease_step(theirs);
	ck_assert_str_eq(peek_holder(), "");
	acp_lease_start(ours);
	released_ms = now_ms;
	while (!acp_lease_is_held(ours) && !acp_lease_is_held(theirs)) {
		ck_assert_int_lt(
			now_ms - released_ms, 2 * ACP_LEASE_DURATION_MS);
		pass(acp_lease_step(theirs));
		acp_lease_step(ours);
	}
	/* but when the asker does not come, somebody does */
	ck_assert_int_ge(now_ms - released_ms, ACP_LEASE_DURATION_MS);
	ck_assert_str_eq(
		acp_lease_record_peek_note(peek_lease(), ACP_LEASE_YIELD_TO),
		"");
}
END_TEST

START_TEST(an_asker_that_is_not_heard_takes_its_question_back)
{
	let_them_hold();
	while_waiting = renew_deaf;
	ck_assert_int_eq(
		acp_lease_acquire(ours, ACP_LEASE_ASK, &why), ACP_RETRY_LATER);
	ck_assert_int_ge(now_ms - NOW_MS, ACP_LEASE_YIELD_MS);
	ck_assert_str_eq(peek_holder(), "theirs");
	ck_assert_str_eq(
		acp_lease_record_peek_note(peek_lease(), ACP_LEASE_YIELD_TO),
		"");
}
END_TEST

START_TEST(an_asker_takes_over_from_the_dead)
{
	let_them_hold();
	ck_assert_int_eq(acp_lease_acquire(ours, ACP_LEASE_ASK, &why), ACP_OK);
	ck_assert_str_eq(peek_holder(), "ours");
	ck_assert(!acp_lease_may_write(theirs));
}
END_TEST

START_TEST(a_stopped_acquire_returns)
{
	let_them_hold();
	acp_lease_stop(ours);
	ck_assert_int_eq(
		acp_lease_acquire(ours, ACP_LEASE_ASK, &why), ACP_RETRY_LATER);
	ck_assert_str_eq(
		acp_lease_record_peek_note(peek_lease(), ACP_LEASE_YIELD_TO),
		"");
}
END_TEST

#define DIGEST "0123456789abcdef"

START_TEST(a_release_of_deletions_holds_for_an_hour)
{
	char digest[ACP_LEASE_DIGEST_SIZE];
	int64_t since_s = fake_kube.now_s;

	let_them_hold();
	acp_lease_read_allowed(theirs, since_s, digest);
	ck_assert_str_eq(digest, "");
	ck_assert_int_eq(
		acp_lease_allow_mass_delete(ours, DIGEST, &why), ACP_OK);
	/* the holder goes on, and sees it */
	acp_lease_step(theirs);
	ck_assert(acp_lease_may_write(theirs));
	acp_lease_read_allowed(theirs, since_s, digest);
	ck_assert_str_eq(digest, DIGEST);
	acp_lease_read_allowed(
		theirs, since_s + ACP_LEASE_ALLOWED_S - 1, digest);
	ck_assert_str_eq(digest, DIGEST);
	acp_lease_read_allowed(theirs, since_s + ACP_LEASE_ALLOWED_S, digest);
	ck_assert_str_eq(digest, "");
	acp_lease_read_allowed(theirs, since_s - ACP_LEASE_AHEAD_S, digest);
	ck_assert_str_eq(digest, "");
	acp_lease_read_allowed(theirs, 0, digest);
	ck_assert_str_eq(digest, "");
}
END_TEST

START_TEST(deletions_are_released_without_a_lease_too)
{
	char digest[ACP_LEASE_DIGEST_SIZE];

	ck_assert_int_eq(
		acp_lease_allow_mass_delete(ours, DIGEST, &why), ACP_OK);
	ck_assert_str_eq(peek_holder(), "");
	ck_assert_int_eq(
		acp_lease_acquire(theirs, ACP_LEASE_ONCE, &why), ACP_OK);
	acp_lease_read_allowed(theirs, fake_kube.now_s, digest);
	ck_assert_str_eq(digest, DIGEST);
}
END_TEST

START_TEST(a_look_reads_the_notes_and_writes_nothing)
{
	char digest[ACP_LEASE_DIGEST_SIZE];

	ck_assert_int_eq(acp_lease_look(ours, &why), ACP_OK);
	ck_assert_uint_eq(fake_kube.writes, 0);
	ck_assert_int_eq(
		acp_lease_allow_mass_delete(theirs, DIGEST, &why), ACP_OK);
	ck_assert_int_eq(acp_lease_look(ours, &why), ACP_OK);
	ck_assert_uint_eq(fake_kube.writes, 1);
	acp_lease_read_allowed(ours, fake_kube.now_s, digest);
	ck_assert_str_eq(digest, DIGEST);
	ck_assert(!acp_lease_is_held(ours));
	fake_kube.fault = ACP_KUBE_FORBIDDEN;
	ck_assert_int_eq(acp_lease_look(ours, &why), ACP_DENIED);
}
END_TEST

static const char *const no_digests[] = {"", "0123456789abcde",
	"0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg",
	"0123456789abcde "};

START_TEST(what_is_no_digest_is_refused)
{
	ck_assert_int_eq(
		acp_lease_allow_mass_delete(ours, no_digests[_i], &why),
		ACP_BAD_REQUEST);
	ck_assert_uint_eq(fake_kube.writes, 0);
}
END_TEST

static const char *const bad_notes[] = {"", " ", DIGEST, DIGEST " ",
	DIGEST " soon", DIGEST "  2026-05-28T20:26:40Z",
	"0123456789abcde 2026-05-28T20:26:40Z",
	"0123456789abcdef0 2026-05-28T20:26:40Z"};

START_TEST(a_note_that_cannot_be_read_allows_nothing)
{
	char digest[ACP_LEASE_DIGEST_SIZE];
	struct json_object *record;

	let_them_hold();
	record = acp_lease_record_dup(peek_lease());
	acp_lease_record_note(record, ACP_LEASE_ALLOWED, bad_notes[_i]);
	fake_kube_put(ACP_KIND_LEASE, ACP_LEASE_NAME, record);
	acp_lease_step(theirs);
	acp_lease_read_allowed(theirs, fake_kube.now_s, digest);
	ck_assert_str_eq(digest, "");
}
END_TEST

START_TEST(the_time_of_a_sweep_is_kept)
{
	let_them_hold();
	ck_assert_int_eq(acp_lease_get_swept_s(theirs), 0);
	fake_kube.before_write = renew_deaf; /* a conflict is no obstacle */
	ck_assert_int_eq(
		acp_lease_set_swept_s(theirs, 1780000007, &why), ACP_OK);
	ck_assert_int_eq(acp_lease_get_swept_s(theirs), 1780000007);
	acp_lease_free(&theirs);
	acp_lease_start(ours);
	acp_lease_step(ours);
	ck_assert_int_eq(acp_lease_get_swept_s(ours), 1780000007);
}
END_TEST

START_TEST(every_identity_is_another)
{
	struct acp_lease *one = make(NULL), *two = make(NULL);

	ck_assert_str_ne(acp_lease_peek_identity(one), "");
	ck_assert_str_ne(
		acp_lease_peek_identity(one), acp_lease_peek_identity(two));
	acp_lease_free(&one);
	acp_lease_free(&two);
}
END_TEST

static void
add_election(TCase *tcase)
{
	tcase_add_test(tcase, a_lease_that_is_not_there_is_made);
	tcase_add_test(tcase, a_renewal_keeps_it);
	tcase_add_test(tcase, no_write_begins_long_after_the_last_renewal);
	tcase_add_test(tcase, a_renewal_counts_from_when_it_was_sent);
	tcase_add_test(tcase, a_live_holder_is_left_alone);
	tcase_add_test(tcase, one_without_a_version_is_no_sign_of_death);
	tcase_add_test(tcase, a_dead_holder_is_followed_after_the_whole_life);
	tcase_add_test(tcase, a_holder_may_not_write_when_it_may_have_expired);
	tcase_add_test(tcase, one_that_was_deleted_is_lost_and_made_again);
	tcase_add_loop_test(tcase, a_lost_answer_does_not_lose_it, 0, 2);
	tcase_add_test(
		tcase, one_that_cannot_be_renewed_for_its_whole_life_is_lost);
	tcase_add_test(tcase, it_is_released_at_the_end);
	tcase_add_test(tcase,
		a_note_that_is_written_meanwhile_does_not_stop_the_release);
	tcase_add_test(tcase, one_that_another_took_is_not_released);
	tcase_add_test(tcase, every_identity_is_another);
}

static void
add_asking(TCase *tcase)
{
	tcase_add_test(tcase, once_gives_up_when_the_holder_lives);
	tcase_add_test(tcase, once_takes_over_from_the_dead);
	tcase_add_test(tcase, once_does_not_take_again_what_it_lost);
	tcase_add_loop_test(tcase, once_says_why_kubernetes_gave_no_lease, 0,
		(int)(sizeof(failures) / sizeof(failures[0])));
	tcase_add_test(tcase, of_two_that_come_at_once_one_gets_it);
	tcase_add_test(tcase, an_asker_is_given_the_lease_and_gives_it_back);
	tcase_add_test(tcase, the_holder_waits_for_what_is_in_flight);
	tcase_add_test(tcase, a_question_taken_back_is_forgotten);
	tcase_add_test(tcase, nobody_else_takes_what_was_given_up_for_an_asker);
	tcase_add_test(
		tcase, an_asker_that_is_not_heard_takes_its_question_back);
	tcase_add_test(tcase, an_asker_takes_over_from_the_dead);
	tcase_add_test(tcase, a_stopped_acquire_returns);
}

static void
add_notes(TCase *tcase)
{
	tcase_add_test(tcase, a_release_of_deletions_holds_for_an_hour);
	tcase_add_test(tcase, deletions_are_released_without_a_lease_too);
	tcase_add_test(tcase, a_look_reads_the_notes_and_writes_nothing);
	tcase_add_loop_test(tcase, what_is_no_digest_is_refused, 0,
		(int)(sizeof(no_digests) / sizeof(no_digests[0])));
	tcase_add_loop_test(tcase, a_note_that_cannot_be_read_allows_nothing, 0,
		(int)(sizeof(bad_notes) / sizeof(bad_notes[0])));
	tcase_add_test(tcase, the_time_of_a_sweep_is_kept);
}

static Suite *
lease_suite(void)
{
	Suite *suite = suite_create("lease");
	TCase *tcase = tcase_create("lease");

	tcase_add_checked_fixture(tcase, start, stop);
	add_election(tcase);
	add_asking(tcase);
	add_notes(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(lease_suite)
