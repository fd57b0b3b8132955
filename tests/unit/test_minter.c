/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/minter.c with a source that the test plays: each attempt stops at a
 * gate until the test says how it ends, so nothing here depends on time.
 */
#include <config.h>

#include "fcgi/minter.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/token_source_backend.h"
#include "tests/unit/unit.h"

#include <pthread.h>

enum { WAITERS = 200, LONG_MS = 3600000 };

/* One lock and one condition for everything the tests wait for. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;

struct fake {
	struct acp_token_source base;
	unsigned int begun;
	unsigned int ended;
	unsigned int most_at_once;
	unsigned int at_once;
	unsigned int allowed; /* attempts that may end */
	enum acp_error error; /* how they end */
	int64_t life_ms;
	int64_t retry_after_ms;
	const char *value;
	bool is_cancelled;
	bool is_stubborn; /* does not heed a cancel */
	bool has_changed;
	bool *is_freed;
};

static enum acp_error
fetch_fake(struct acp_token_source *base, struct acp_token **token,
	int64_t *retry_after_ms)
{
	struct fake *fake = (struct fake *)base;
	int64_t asked_ms = acp_clock_now_ms();
	enum acp_error error;

	pthread_mutex_lock(&lock);
	fake->has_changed = false;
	fake->begun++;
	if (++fake->at_once > fake->most_at_once)
		fake->most_at_once = fake->at_once;
	pthread_cond_broadcast(&news);
	while (!fake->is_cancelled && fake->begun > fake->allowed)
		pthread_cond_wait(&news, &lock);
	error = fake->is_cancelled ? ACP_RETRY_LATER : fake->error;
	*retry_after_ms = fake->retry_after_ms;
	if (!error)
		*token = acp_token_new(fake->value, 1, asked_ms, fake->life_ms);
	fake->at_once--;
	fake->ended++;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
	return error;
}

static bool
has_changed_fake(struct acp_token_source *base)
{
	struct fake *fake = (struct fake *)base;
	bool has_changed;

	pthread_mutex_lock(&lock);
	has_changed = fake->has_changed;
	pthread_mutex_unlock(&lock);
	return has_changed;
}

static void
cancel_fake(struct acp_token_source *base)
{
	struct fake *fake = (struct fake *)base;

	pthread_mutex_lock(&lock);
	fake->is_cancelled = !fake->is_stubborn;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

static void
free_fake(struct acp_token_source *base)
{
	struct fake *fake = (struct fake *)base;

	if (fake->is_freed)
		*fake->is_freed = true;
	free(fake);
}

static const struct acp_token_source_ops fake_ops = {
	.fetch = fetch_fake,
	.has_changed = has_changed_fake,
	.cancel = cancel_fake,
	.free = free_fake,
};

static struct fake *
make_fake(const char *value, int64_t life_ms)
{
	struct fake *fake = acp_memory_new(1, sizeof(*fake));

	fake->base.ops = &fake_ops;
	fake->value = value;
	fake->life_ms = life_ms;
	return fake;
}

static void
allow(struct fake *fake, unsigned int attempts, enum acp_error error)
{
	pthread_mutex_lock(&lock);
	fake->allowed += attempts;
	fake->error = error;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

static void
wait_until_begun(struct fake *fake, unsigned int attempts)
{
	pthread_mutex_lock(&lock);
	while (fake->begun < attempts)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
}

struct caller {
	struct acp_mint_waiter waiter;
	struct acp_token *token;
	unsigned int releases;
};

static void
release_caller(struct acp_mint_waiter *waiter, struct acp_token *token)
{
	struct caller *caller = (struct caller *)waiter;

	pthread_mutex_lock(&lock);
	caller->releases++;
	caller->token = token ? acp_token_dup(token) : NULL;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

static void
wait_for_release(struct caller *caller)
{
	pthread_mutex_lock(&lock);
	while (!caller->releases)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
}

static enum acp_mint_answer
ask(struct acp_minter *minter, struct caller *caller)
{
	caller->waiter.release = release_caller;
	return acp_minter_ask(minter, &caller->waiter, &caller->token);
}

/* A minter that is at its first attempt. */
static struct acp_minter *
start(struct fake *fake, int64_t mint_wait_ms)
{
	struct acp_minter *minter =
		acp_minter_new(&fake->base, 60000, mint_wait_ms);

	ck_assert_int_eq(acp_minter_start(minter), ACP_OK);
	wait_until_begun(fake, 1);
	return minter;
}

static void
finish(struct acp_minter *minter)
{
	acp_minter_stop(minter);
	acp_minter_free(&minter);
	ck_assert_ptr_null(minter);
}

/* Asks until the answer is a token, however often the keeper is slower. */
static struct acp_token *
await_token(struct acp_minter *minter)
{
	struct caller caller = {0};

	for (;;) {
		switch (ask(minter, &caller)) {
		case ACP_MINT_TOKEN:
			return caller.token;
		case ACP_MINT_HELD:
			wait_for_release(&caller);
			if (caller.token)
				return caller.token;
			break;
		case ACP_MINT_NONE:
		case ACP_MINT_ANSWER__MAX:
			break;
		}
		caller = (struct caller){0};
	}
}

START_TEST(many_callers_cost_one_fetch_and_get_one_token)
{
	static struct caller callers[WAITERS];
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter = start(fake, LONG_MS);
	struct acp_mint_status status;
	struct caller late = {0};

	for (int i = 0; i < WAITERS; i++)
		ck_assert_int_eq(ask(minter, &callers[i]), ACP_MINT_HELD);
	ck_assert(acp_minter_is_hopeful(minter));
	ck_assert_int_eq(
		acp_minter_ask(minter, NULL, &late.token), ACP_MINT_NONE);
	acp_minter_get_status(minter, &status);
	ck_assert(!status.has_token);
	allow(fake, 1, ACP_OK);
	for (int i = 0; i < WAITERS; i++) {
		wait_for_release(&callers[i]);
		ck_assert_ptr_nonnull(callers[i].token);
		ck_assert_ptr_eq(callers[i].token, callers[0].token);
	}
	ck_assert_int_eq(ask(minter, &late), ACP_MINT_TOKEN);
	acp_minter_get_status(minter, &status);
	ck_assert(status.has_token);
	ck_assert_uint_eq(status.successes, 1);
	ck_assert_uint_eq(status.failures, 0);
	ck_assert_int_gt(status.expiry_wall_ms, acp_clock_wall_ms());
	ck_assert_uint_eq(fake->begun, 1);
	for (int i = 0; i < WAITERS; i++) {
		ck_assert_uint_eq(callers[i].releases, 1);
		acp_token_free(&callers[i].token);
	}
	acp_token_free(&late.token);
	finish(minter);
}
END_TEST

START_TEST(a_failed_attempt_releases_its_callers_and_holds_no_more)
{
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter;
	struct acp_mint_status status;
	struct caller caller = {0};

	fake->retry_after_ms = 600000;
	minter = start(fake, LONG_MS);
	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_HELD);
	allow(fake, 1, ACP_DENIED);
	wait_for_release(&caller);
	ck_assert_ptr_null(caller.token);
	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_NONE);
	ck_assert(!acp_minter_is_hopeful(minter));
	ck_assert_uint_gt(acp_minter_get_retry_after_s(minter), 500);
	ck_assert_uint_le(acp_minter_get_retry_after_s(minter), 600);
	acp_minter_get_status(minter, &status);
	ck_assert_uint_eq(status.failures, 1);
	ck_assert_int_eq(status.expiry_wall_ms, 0);
	ck_assert_uint_eq(fake->begun, 1);
	finish(minter);
}
END_TEST

START_TEST(callers_are_held_through_the_first_failures)
{
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter = start(fake, LONG_MS);
	struct caller early = {0}, between = {0};

	ck_assert_int_eq(ask(minter, &early), ACP_MINT_HELD);
	allow(fake, 1, ACP_RETRY_LATER);
	wait_until_begun(fake, 2);
	ck_assert(acp_minter_is_hopeful(minter));
	ck_assert_int_eq(ask(minter, &between), ACP_MINT_HELD);
	allow(fake, 1, ACP_OK);
	wait_for_release(&early);
	wait_for_release(&between);
	ck_assert_ptr_nonnull(early.token);
	ck_assert_ptr_nonnull(between.token);
	acp_token_free(&early.token);
	acp_token_free(&between.token);
	finish(minter);
}
END_TEST

START_TEST(callers_are_let_go_when_failures_go_on)
{
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter = start(fake, LONG_MS);
	struct caller caller = {0};

	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_HELD);
	allow(fake, 4, ACP_RETRY_LATER);
	wait_for_release(&caller);
	ck_assert_ptr_null(caller.token);
	ck_assert_uint_eq(fake->ended, 4);
	ck_assert(!acp_minter_is_hopeful(minter));
	finish(minter);
}
END_TEST

START_TEST(a_failed_attempt_is_repeated_by_itself)
{
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter = start(fake, LONG_MS);
	struct acp_token *token;

	allow(fake, 2, ACP_RETRY_LATER);
	wait_until_begun(fake, 3);
	allow(fake, 1, ACP_OK);
	token = await_token(minter);
	ck_assert_str_eq(acp_token_peek_value(token), "a");
	acp_token_free(&token);
	ck_assert_uint_eq(fake->begun, 3);
	ck_assert_uint_eq(fake->most_at_once, 1);
	finish(minter);
}
END_TEST

START_TEST(a_caller_waits_no_longer_than_mint_wait)
{
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter = start(fake, 30);
	struct caller caller = {0};

	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_HELD);
	wait_for_release(&caller);
	ck_assert_ptr_null(caller.token);
	ck_assert_uint_eq(fake->ended, 0);
	finish(minter);
}
END_TEST

START_TEST(a_stop_cuts_a_slow_fetch_short)
{
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter = start(fake, LONG_MS);
	struct caller caller = {0};

	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_HELD);
	acp_minter_stop(minter);
	ck_assert_uint_eq(caller.releases, 1);
	ck_assert_ptr_null(caller.token);
	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_NONE);
	ck_assert(!acp_minter_is_hopeful(minter));
	finish(minter);
}
END_TEST

START_TEST(callers_before_the_start_are_held)
{
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter = acp_minter_new(&fake->base, 0, LONG_MS);
	struct caller caller = {0};

	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_HELD);
	ck_assert_uint_eq(fake->begun, 0);
	acp_minter_stop(minter);
	ck_assert_uint_eq(caller.releases, 1);
	finish(minter);
}
END_TEST

START_TEST(nobody_waits_for_a_refresh_while_a_usable_token_is_in_hand)
{
	struct fake *fake = make_fake("a", 2000);
	struct acp_minter *minter = start(fake, LONG_MS);
	struct acp_token *token;
	struct caller caller = {0};

	allow(fake, 1, ACP_OK);
	token = await_token(minter);
	/* at half of 2 s the next attempt begins, and hangs at its gate */
	wait_until_begun(fake, 2);
	if (ask(minter, &caller) == ACP_MINT_TOKEN)
		ck_assert_ptr_eq(caller.token, token);
	else /* the machine was held up until the token ended */
		ck_assert(!acp_token_is_usable(token, acp_clock_now_ms()));
	if (caller.waiter.is_waiting)
		acp_minter_abandon(minter, &caller.waiter);
	acp_token_free(&caller.token);
	acp_token_free(&token);
	finish(minter);
}
END_TEST

START_TEST(a_token_that_is_not_usable_counts_as_failure)
{
	struct fake *fake = make_fake("a", 0);
	struct acp_minter *minter;
	struct acp_mint_status status;
	struct caller caller = {0};

	fake->retry_after_ms = 600000;
	minter = start(fake, LONG_MS);
	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_HELD);
	allow(fake, 1, ACP_OK);
	wait_for_release(&caller);
	ck_assert_ptr_null(caller.token);
	acp_minter_get_status(minter, &status);
	ck_assert_uint_eq(status.successes, 0);
	ck_assert_uint_eq(status.failures, 1);
	finish(minter);
}
END_TEST

START_TEST(an_abandoned_waiter_is_not_released)
{
	struct fake *fake = make_fake("a", LONG_MS);
	struct acp_minter *minter;
	struct caller callers[3] = {0};

	fake->retry_after_ms = 600000;
	minter = start(fake, LONG_MS);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask(minter, &callers[i]), ACP_MINT_HELD);
	ck_assert(acp_minter_abandon(minter, &callers[1].waiter));
	ck_assert(!acp_minter_abandon(minter, &callers[1].waiter));
	allow(fake, 1, ACP_RETRY_LATER);
	wait_for_release(&callers[0]);
	wait_for_release(&callers[2]);
	ck_assert(!acp_minter_abandon(minter, &callers[2].waiter));
	finish(minter);
	ck_assert_uint_eq(callers[1].releases, 0);
	ck_assert_uint_eq(callers[2].releases, 1);
}
END_TEST

START_TEST(a_changed_source_is_asked_at_once)
{
	struct fake *fake = make_fake("a", ACP_TOKEN_LIFE_UNKNOWN);
	struct acp_minter *minter = start(fake, LONG_MS);
	struct acp_token *token;

	allow(fake, 1, ACP_OK);
	token = await_token(minter);
	acp_token_free(&token);
	pthread_mutex_lock(&lock);
	fake->has_changed = true;
	pthread_mutex_unlock(&lock);
	wait_until_begun(fake, 2);
	finish(minter);
}
END_TEST

START_TEST(a_new_source_replaces_the_token_only_when_it_gives_one)
{
	bool is_freed = false;
	struct fake *old = make_fake("a", LONG_MS);
	struct fake *new = make_fake("b", LONG_MS);
	struct acp_minter *minter;
	struct acp_token *token;

	old->is_freed = &is_freed;
	minter = start(old, LONG_MS);
	allow(old, 1, ACP_OK);
	token = await_token(minter);
	acp_token_free(&token);
	acp_minter_replace_source(minter, &new->base, 0, LONG_MS);
	wait_until_begun(new, 1);
	ck_assert(is_freed);
	token = await_token(minter);
	ck_assert_str_eq(acp_token_peek_value(token), "a");
	allow(new, 1, ACP_OK);
	do {
		acp_token_free(&token);
		token = await_token(minter);
	} while (acp_token_peek_value(token)[0] != 'b');
	acp_token_free(&token);
	finish(minter);
}
END_TEST

START_TEST(a_new_source_cuts_the_old_ones_fetch_short_and_keeps_callers)
{
	struct fake *old = make_fake("a", LONG_MS);
	struct fake *new = make_fake("b", LONG_MS);
	struct acp_minter *minter = start(old, LONG_MS);
	struct acp_mint_status status;
	struct caller caller = {0};

	ck_assert_int_eq(ask(minter, &caller), ACP_MINT_HELD);
	acp_minter_replace_source(minter, &new->base, 0, LONG_MS);
	wait_until_begun(new, 1);
	ck_assert_uint_eq(caller.releases, 0);
	allow(new, 1, ACP_OK);
	wait_for_release(&caller);
	ck_assert_str_eq(acp_token_peek_value(caller.token), "b");
	acp_token_free(&caller.token);
	acp_minter_get_status(minter, &status);
	ck_assert_uint_eq(status.successes, 1);
	ck_assert_uint_eq(status.failures, 0);
	finish(minter);
}
END_TEST

START_TEST(a_source_is_adopted_once_no_fetch_of_another_is_under_way)
{
	bool is_freed = false;
	struct fake *old = make_fake("a", LONG_MS);
	struct fake *new = make_fake("b", LONG_MS);
	struct acp_minter *minter;

	old->is_freed = &is_freed;
	old->is_stubborn = true;
	minter = start(old, LONG_MS);
	wait_until_begun(old, 1);
	ck_assert(acp_minter_has_adopted(minter));
	acp_minter_replace_source(minter, &new->base, 0, LONG_MS);
	ck_assert(!acp_minter_has_adopted(minter));
	allow(old, 1, ACP_OK);
	wait_until_begun(new, 1);
	ck_assert(acp_minter_has_adopted(minter));
	ck_assert(is_freed);
	finish(minter);
}
END_TEST

static void
quiet(void)
{
	acp_log_configure(ACP_LOG_LEVEL__MAX, ACP_LOG_FORMAT_JSON);
}

static Suite *
minter_suite(void)
{
	Suite *suite = suite_create("minter");
	TCase *tcase = tcase_create("minter");

	tcase_add_unchecked_fixture(tcase, quiet, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, many_callers_cost_one_fetch_and_get_one_token);
	tcase_add_test(
		tcase, a_failed_attempt_releases_its_callers_and_holds_no_more);
	tcase_add_test(tcase, callers_are_held_through_the_first_failures);
	tcase_add_test(tcase, callers_are_let_go_when_failures_go_on);
	tcase_add_test(tcase, a_failed_attempt_is_repeated_by_itself);
	tcase_add_test(tcase, a_caller_waits_no_longer_than_mint_wait);
	tcase_add_test(tcase, a_stop_cuts_a_slow_fetch_short);
	tcase_add_test(tcase, callers_before_the_start_are_held);
	tcase_add_test(tcase,
		nobody_waits_for_a_refresh_while_a_usable_token_is_in_hand);
	tcase_add_test(tcase, a_token_that_is_not_usable_counts_as_failure);
	tcase_add_test(tcase, an_abandoned_waiter_is_not_released);
	tcase_add_test(tcase, a_changed_source_is_asked_at_once);
	tcase_add_test(
		tcase, a_new_source_replaces_the_token_only_when_it_gives_one);
	tcase_add_test(tcase,
		a_new_source_cuts_the_old_ones_fetch_short_and_keeps_callers);
	tcase_add_test(tcase,
		a_source_is_adopted_once_no_fetch_of_another_is_under_way);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(minter_suite)
