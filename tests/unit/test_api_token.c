/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/api_token.c with a source that does as it is told, and a clock
 * that stands until it is moved.
 */
#include <config.h>

#include "reconciler/api_token.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/token_source_backend.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8, LIFE_MS = 3600000 };

struct fake {
	struct acp_token_source base;
	enum acp_error error;
	int64_t retry_after_ms;
	int64_t life_ms;
	atomic_int fetches;
	bool has_changed;
	bool is_slow; /* waits for go */
	sem_t begun;
	sem_t go;
};

static struct fake fake;
static struct acp_api_token *holder;
static _Atomic int64_t now_ms;

int64_t __wrap_acp_clock_now_ms(void);

int64_t
__wrap_acp_clock_now_ms(void)
{
	return now_ms;
}

static enum acp_error
fetch_fake(struct acp_token_source *source, struct acp_token **token,
	int64_t *retry_after_ms)
{
	char value[32];
	int number = ++fake.fetches;

	(void)source;
	if (fake.is_slow) {
		sem_post(&fake.begun);
		sem_wait(&fake.go);
	}
	fake.has_changed = false;
	*retry_after_ms = fake.retry_after_ms;
	if (fake.error)
		return fake.error;
	snprintf(value, sizeof(value), "token-%d", number);
	*token = acp_token_new(value, strlen(value), now_ms, fake.life_ms);
	return ACP_OK;
}

static bool
has_fake_changed(struct acp_token_source *source)
{
	(void)source;
	return fake.has_changed;
}

static void
leave_alone(struct acp_token_source *source)
{
	(void)source;
}

static const struct acp_token_source_ops fake_ops = {
	.fetch = fetch_fake,
	.has_changed = has_fake_changed,
	.cancel = leave_alone,
	.free = leave_alone,
};

static void
start(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.base.ops = &fake_ops;
	fake.life_ms = LIFE_MS;
	sem_init(&fake.begun, 0, 0);
	sem_init(&fake.go, 0, 0);
	now_ms = 1000000;
	holder = acp_api_token_new(&fake.base);
}

static void
stop(void)
{
	acp_api_token_free(&holder);
}

static void
expect_token(const char *value)
{
	ACP_AUTO(token) struct acp_token *token = NULL;

	ck_assert_int_eq(acp_api_token_get(holder, &token), ACP_OK);
	ck_assert_str_eq(acp_token_peek_value(token), value);
}

static void
expect_error(enum acp_error error)
{
	ACP_AUTO(token) struct acp_token *token = NULL;

	ck_assert_int_eq(acp_api_token_get(holder, &token), error);
	ck_assert_ptr_null(token);
}

START_TEST(one_token_serves_many_requests)
{
	expect_token("token-1");
	expect_token("token-1");
	now_ms += LIFE_MS / 2;
	expect_token("token-1");
	ck_assert_int_eq(fake.fetches, 1);
}
END_TEST

START_TEST(a_new_one_is_got_when_little_life_is_left)
{
	expect_token("token-1");
	now_ms += LIFE_MS - ACP_API_TOKEN_DUE_MS - 1;
	expect_token("token-1");
	now_ms += 1;
	expect_token("token-2");
}
END_TEST

START_TEST(a_changed_source_is_read_again)
{
	fake.life_ms = ACP_TOKEN_LIFE_UNKNOWN;
	expect_token("token-1");
	now_ms += 1000 * (int64_t)LIFE_MS;
	expect_token("token-1");
	fake.has_changed = true;
	expect_token("token-2");
}
END_TEST

START_TEST(a_failure_is_not_repeated_at_once)
{
	fake.error = ACP_DENIED;
	expect_error(ACP_DENIED);
	expect_error(ACP_DENIED);
	ck_assert_int_eq(fake.fetches, 1);
	now_ms += ACP_MINT_PAUSE_MIN_MS - 1;
	expect_error(ACP_DENIED);
	ck_assert_int_eq(fake.fetches, 1);
	now_ms += 1;
	fake.error = ACP_RETRY_LATER;
	expect_error(ACP_RETRY_LATER);
	ck_assert_int_eq(fake.fetches, 2);
	/* the pause doubles */
	now_ms += 2 * ACP_MINT_PAUSE_MIN_MS - 1;
	expect_error(ACP_RETRY_LATER);
	ck_assert_int_eq(fake.fetches, 2);
	now_ms += 1;
	fake.error = ACP_OK;
	expect_token("token-3");
}
END_TEST

START_TEST(pauses_have_a_bound_and_the_provider_may_ask_for_more)
{
	fake.error = ACP_RETRY_LATER;
	for (int i = 1; i <= 20; i++) {
		expect_error(ACP_RETRY_LATER);
		ck_assert_int_eq(fake.fetches, i);
		now_ms += ACP_MINT_PAUSE_MAX_MS;
	}
	fake.retry_after_ms = 2 * ACP_MINT_PAUSE_MAX_MS;
	expect_error(ACP_RETRY_LATER);
	now_ms += 2 * ACP_MINT_PAUSE_MAX_MS - 1;
	expect_error(ACP_RETRY_LATER);
	ck_assert_int_eq(fake.fetches, 21);
	now_ms += 1;
	expect_error(ACP_RETRY_LATER);
	ck_assert_int_eq(fake.fetches, 22);
}
END_TEST

START_TEST(while_the_source_fails_the_old_token_is_used_up)
{
	expect_token("token-1");
	fake.error = ACP_RETRY_LATER;
	now_ms += LIFE_MS - 30000;
	expect_token("token-1");
	ck_assert_int_eq(fake.fetches, 2);
	now_ms += 25000;
	expect_error(ACP_RETRY_LATER);
}
END_TEST

START_TEST(a_refused_token_is_forgotten_once)
{
	ACP_AUTO(token) struct acp_token *first = NULL;
	ACP_AUTO(token) struct acp_token *second = NULL;

	ck_assert_int_eq(acp_api_token_get(holder, &first), ACP_OK);
	ck_assert(acp_api_token_forget(holder, first));
	ck_assert_int_eq(acp_api_token_get(holder, &second), ACP_OK);
	ck_assert_str_eq(acp_token_peek_value(second), "token-2");
	/* others come late with the first */
	ck_assert(acp_api_token_forget(holder, first));
	expect_token("token-2");
	/* it is not the token that is at fault */
	ck_assert(!acp_api_token_forget(holder, second));
	expect_token("token-2");
	now_ms += ACP_API_TOKEN_REFUSED_MS;
	ck_assert(acp_api_token_forget(holder, second));
	expect_token("token-3");
}
END_TEST

static void *
get_value(void *argument)
{
	ACP_AUTO(token) struct acp_token *token = NULL;

	(void)argument;
	if (acp_api_token_get(holder, &token))
		return NULL;
	return acp_memory_dup_text(acp_token_peek_value(token));
}

START_TEST(many_threads_make_one_fetch)
{
	pthread_t threads[THREADS];

	fake.is_slow = true;
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, get_value, NULL), 0);
	sem_wait(&fake.begun);
	sem_post(&fake.go);
	for (int i = 0; i < THREADS; i++) {
		void *value = NULL;

		ck_assert_int_eq(pthread_join(threads[i], &value), 0);
		ck_assert_ptr_nonnull(value);
		ck_assert_str_eq(value, "token-1");
		free(value);
	}
	ck_assert_int_eq(fake.fetches, 1);
}
END_TEST

START_TEST(nobody_waits_while_the_old_token_is_good)
{
	pthread_t thread;
	void *value = NULL;

	expect_token("token-1");
	fake.is_slow = true;
	now_ms += LIFE_MS - 30000;
	ck_assert_int_eq(pthread_create(&thread, NULL, get_value, NULL), 0);
	sem_wait(&fake.begun);
	expect_token("token-1");
	sem_post(&fake.go);
	ck_assert_int_eq(pthread_join(thread, &value), 0);
	ck_assert_str_eq(value, "token-2");
	free(value);
}
END_TEST

static Suite *
api_token_suite(void)
{
	Suite *suite = suite_create("api_token");
	TCase *tcase = tcase_create("api_token");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, one_token_serves_many_requests);
	tcase_add_test(tcase, a_new_one_is_got_when_little_life_is_left);
	tcase_add_test(tcase, a_changed_source_is_read_again);
	tcase_add_test(tcase, a_failure_is_not_repeated_at_once);
	tcase_add_test(
		tcase, pauses_have_a_bound_and_the_provider_may_ask_for_more);
	tcase_add_test(tcase, while_the_source_fails_the_old_token_is_used_up);
	tcase_add_test(tcase, a_refused_token_is_forgotten_once);
	tcase_add_test(tcase, many_threads_make_one_fetch);
	tcase_add_test(tcase, nobody_waits_while_the_old_token_is_good);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(api_token_suite)
