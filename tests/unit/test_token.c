/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/token.c: which values are tokens, how long one lives and is given
 * away, and the reply that carries it.
 */
#include <config.h>

#include "lib/token.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct acp_token *
make(const char *value, int64_t asked_ms, int64_t life_ms)
{
	return acp_token_new(value, strlen(value), asked_ms, life_ms);
}

static const struct {
	const char *value;
	size_t size;
	bool is_legal;
} values[] = {
	{"a", 1, true},
	{"ABC.def-_~+/012==", 17, true},
	{"!\"\\~", 4, true},
	{"", 0, false},
	{"a b", 3, false},
	{"a\n", 2, false},
	{"a\0b", 3, false},
	{"a\x7f", 2, false},
	{"\xc3\xbc", 2, false},
};

START_TEST(only_visible_ascii_is_a_token)
{
	ck_assert_int_eq(acp_token_is_legal(values[_i].value, values[_i].size),
		values[_i].is_legal);
}
END_TEST

START_TEST(one_character_over_the_limit_is_not_a_token)
{
	ACP_AUTO(free) char *value = acp_memory_new(ACP_TOKEN_MAX + 1, 1);

	memset(value, 'x', ACP_TOKEN_MAX + 1);
	ck_assert(acp_token_is_legal(value, ACP_TOKEN_MAX));
	ck_assert(!acp_token_is_legal(value, ACP_TOKEN_MAX + 1));
}
END_TEST

START_TEST(reply_of_a_token_without_expiry_names_none)
{
	ACP_AUTO(token)
	struct acp_token *token = make("a\"b\\c", 5, ACP_TOKEN_LIFE_UNKNOWN);
	size_t size;

	ck_assert_str_eq(acp_token_peek_json(token, &size),
		"{\"token\":\"a\\\"b\\\\c\"");
	ck_assert_uint_eq(size, 18);
	ck_assert_str_eq(acp_token_peek_value(token), "a\"b\\c");
	ck_assert_int_eq(acp_token_get_expiry_wall_ms(token), 0);
	ck_assert(acp_token_get_left_ms(token, INT64_MAX) == INT64_MAX);
	ck_assert(acp_token_get_due_ms(token, 60000) == INT64_MAX);
	ck_assert(acp_token_is_usable(token, INT64_MAX));
}
END_TEST

START_TEST(reply_of_a_token_with_expiry_rounds_it_down)
{
	ACP_AUTO(token)
	struct acp_token *token = make("abc", acp_clock_now_ms(), 90000);
	char expected[100];
	char expiry[ACP_CLOCK_TEXT_SIZE];
	int64_t expiry_ms = acp_token_get_expiry_wall_ms(token);
	size_t size;

	acp_clock_format(expiry_ms - expiry_ms % 1000, 0, expiry);
	snprintf(expected, sizeof(expected),
		"{\"token\":\"abc\",\"expires_at\":\"%s\"", expiry);
	ck_assert_str_eq(acp_token_peek_json(token, &size), expected);
	ck_assert_uint_eq(size, strlen(expected));
	ck_assert_int_le(expiry_ms, acp_clock_wall_ms() + 90000);
}
END_TEST

START_TEST(expiry_counts_from_when_it_was_asked_for)
{
	int64_t now_ms = acp_clock_now_ms();
	ACP_AUTO(token)
	struct acp_token *token = make("a", now_ms - 7000, 8000);

	ck_assert_int_eq(acp_token_get_left_ms(token, now_ms), 1000);
	ck_assert_int_le(acp_token_get_expiry_wall_ms(token),
		acp_clock_wall_ms() + 1000);
}
END_TEST

static const struct {
	int64_t life_ms;
	int64_t left_ms;
	bool is_usable;
} margins[] = {
	{3600000, 3600000, true},
	{3600000, 10001, true},
	{3600000, 10000, false},
	{40000, 10001, true},
	{40000, 10000, false},
	{5000, 1251, true},
	{5000, 1250, false},
	{5000, -100000, false},
	{0, 0, false},
};

START_TEST(usable_until_ten_seconds_or_a_quarter_of_life_is_left)
{
	ACP_AUTO(token)
	struct acp_token *token = make("a", 1000, margins[_i].life_ms);
	int64_t now_ms = 1000 + margins[_i].life_ms - margins[_i].left_ms;
	int64_t usable_ms = acp_token_get_usable_ms(token, now_ms);

	ck_assert_int_eq(
		acp_token_is_usable(token, now_ms), margins[_i].is_usable);
	ck_assert_int_eq(usable_ms > 0, margins[_i].is_usable);
	ck_assert_int_ge(usable_ms, 0);
	if (usable_ms)
		ck_assert(!acp_token_is_usable(token, now_ms + usable_ms));
}
END_TEST

static const struct {
	int64_t life_ms;
	int64_t min_ttl_ms;
	int64_t due_ms;
} dues[] = {
	{3600000, 60000, 3540000},
	{120000, 60000, 60000},
	{60000, 60000, 30000},
	{5000, 60000, 2500},
	{5000, 0, 5000},
	{1, 60000, 1},
};

START_TEST(due_when_less_than_min_ttl_or_half_of_life_is_left)
{
	ACP_AUTO(token)
	struct acp_token *token = make("a", 7, dues[_i].life_ms);

	ck_assert_int_eq(acp_token_get_due_ms(token, dues[_i].min_ttl_ms),
		7 + dues[_i].due_ms);
}
END_TEST

START_TEST(lives_until_the_last_holder_lets_go)
{
	struct acp_token *token = make("shared", 0, 1000);
	struct acp_token *second = acp_token_dup(token);

	acp_token_free(&token);
	ck_assert_ptr_null(token);
	ck_assert_str_eq(acp_token_peek_value(second), "shared");
	acp_token_free(&second);
	acp_token_free(&second);
}
END_TEST

static Suite *
token_suite(void)
{
	Suite *suite = suite_create("token");
	TCase *tcase = tcase_create("token");

	tcase_add_loop_test(tcase, only_visible_ascii_is_a_token, 0,
		sizeof(values) / sizeof(values[0]));
	tcase_add_test(tcase, one_character_over_the_limit_is_not_a_token);
	tcase_add_test(tcase, reply_of_a_token_without_expiry_names_none);
	tcase_add_test(tcase, reply_of_a_token_with_expiry_rounds_it_down);
	tcase_add_test(tcase, expiry_counts_from_when_it_was_asked_for);
	tcase_add_loop_test(tcase,
		usable_until_ten_seconds_or_a_quarter_of_life_is_left, 0,
		sizeof(margins) / sizeof(margins[0]));
	tcase_add_loop_test(tcase,
		due_when_less_than_min_ttl_or_half_of_life_is_left, 0,
		sizeof(dues) / sizeof(dues[0]));
	tcase_add_test(tcase, lives_until_the_last_holder_lets_go);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(token_suite)
