/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/token_reply.c: tokens and their lives out of what providers send.
 */
#include <config.h>

#include "lib/token_reply.h"

#include "lib/buffer.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

/* Payloads {"exp":1} and {"exp":999999999999}. */
#define EXPIRED "x.eyJleHAiOjF9.y"
#define LASTING "x.eyJleHAiOjk5OTk5OTk5OTk5OX0.y"

#define DAY_MS (24 * 60 * 60 * 1000)

static const struct {
	const char *body;
	int64_t life_ms;
} good[] = {
	{"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":5}",
		5000},
	{"{\"access_token\":\"t\",\"token_type\":\"bEARER\",\"expires_in\":5}\n",
		5000},
	{"{\"access_token\":\"t\",\"expires_in\":5,\"x\":[{}]}", 5000},
	{"{\"access_token\":\"t\",\"token_type\":null,\"expires_in\":5}", 5000},
	{"{\"access_token\":\"t\",\"expires_in\":\"3600\"}", 3600000},
	{"{\"access_token\":\"t\",\"expires_in\":3599.99}", 3599000},
	{"{\"access_token\":\"t\",\"expires_in\":86400}", DAY_MS},
	{"{\"access_token\":\"t\",\"expires_in\":86401}", DAY_MS},
	{"{\"access_token\":\"t\",\"expires_in\":1e300}", DAY_MS},
	{"{\"access_token\":\"t\",\"expires_in\":99999999999999999999999}",
		DAY_MS},
	/* no life that could be used: the JWT's, else a minute */
	{"{\"access_token\":\"t\"}", 60000},
	{"{\"access_token\":\"t\",\"expires_in\":0}", 60000},
	{"{\"access_token\":\"t\",\"expires_in\":0.5}", 60000},
	{"{\"access_token\":\"t\",\"expires_in\":-1}", 60000},
	{"{\"access_token\":\"t\",\"expires_in\":-1e300}", 60000},
	{"{\"access_token\":\"t\",\"expires_in\":null}", 60000},
	{"{\"access_token\":\"t\",\"expires_in\":\"soon\"}", 60000},
	{"{\"access_token\":\"t\",\"expires_in\":NaN}", 60000},
	{"{\"access_token\":\"" LASTING "\"}", DAY_MS},
	{"{\"access_token\":\"" LASTING "\",\"expires_in\":-1}", DAY_MS},
	{"{\"access_token\":\"" LASTING "\",\"expires_in\":7}", 7000},
	{"{\"access_token\":\"" EXPIRED "\",\"expires_in\":7}", 7000},
};

START_TEST(a_token_has_the_life_that_the_reply_gives)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	const char *why = NULL;

	ck_assert_int_eq(acp_token_reply_read(good[_i].body,
				 strlen(good[_i].body), 1000, &token, &why),
		ACP_OK);
	ck_assert_ptr_null(why);
	ck_assert_int_eq(acp_token_get_life_ms(token), good[_i].life_ms);
	ck_assert_int_eq(acp_token_get_left_ms(token, 1000), good[_i].life_ms);
}
END_TEST

/* The start of a reply with a JWT that ends at exp_s. */
static void
append_jwt(struct acp_buffer *body, int64_t exp_s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
				     "ghijklmnopqrstuvwxyz0123456789-_";
	char payload[64];
	unsigned int bits;

	/* digits that need no padding: {"exp":NNNNNNNNNN} is 18 bytes */
	snprintf(payload, sizeof(payload), "{\"exp\":%lld}", (long long)exp_s);
	ck_assert_uint_eq(strlen(payload), 18);
	acp_buffer_append(body, "{\"access_token\":\"x.");
	for (size_t i = 0; i < strlen(payload); i += 3) {
		bits = (unsigned int)payload[i] << 16 |
			(unsigned int)payload[i + 1] << 8 |
			(unsigned int)payload[i + 2];
		acp_buffer_printf(body, "%c%c%c%c", digits[bits >> 18],
			digits[bits >> 12 & 63], digits[bits >> 6 & 63],
			digits[bits & 63]);
	}
	acp_buffer_append(body, ".y\"");
}

START_TEST(without_expires_in_the_jwt_says_how_long_it_lives)
{
	ACP_AUTO(buffer) struct acp_buffer body;
	ACP_AUTO(token) struct acp_token *token = NULL;
	const char *why = NULL;
	int life_s;

	acp_buffer_init(&body, 1000);
	append_jwt(&body, acp_clock_wall_ms() / 1000 + 1000);
	acp_buffer_append(&body, "}");
	ck_assert_int_eq(acp_token_reply_read(body.text, body.size,
				 acp_clock_now_ms(), &token, &why),
		ACP_OK);
	life_s = (int)(acp_token_get_life_ms(token) / 1000);
	ck_assert_int_gt(life_s, 900);
	ck_assert_int_le(life_s, 1000);
}
END_TEST

/* exp, in seconds from when it was asked for, and the end that is believed;
 * all with expires_in 100 */
static const struct {
	int exp_s;
	int end_s;
} ends[] = {{99, 99}, {76, 76}, {101, 100}, {73, 100}, {0, 100}, {-99, 100}};

START_TEST(a_token_ends_no_later_than_its_exp_unless_a_clock_is_wrong)
{
	ACP_AUTO(buffer) struct acp_buffer body;
	ACP_AUTO(token) struct acp_token *token = NULL;
	const char *why = NULL;
	int64_t wall_s = acp_clock_wall_ms() / 1000;
	int64_t asked_ms =
		acp_clock_now_ms() - (acp_clock_wall_ms() - wall_s * 1000);
	int64_t end_ms;

	acp_buffer_init(&body, 1000);
	append_jwt(&body, wall_s + ends[_i].exp_s);
	acp_buffer_append(&body, ",\"expires_in\":100}");
	ck_assert_int_eq(acp_token_reply_read(
				 body.text, body.size, asked_ms, &token, &why),
		ACP_OK);
	ck_assert_int_eq(acp_token_get_life_ms(token), 100000);
	end_ms = acp_token_get_left_ms(token, asked_ms);
	/* two clocks are read one after the other */
	ck_assert_int_gt(end_ms, ends[_i].end_s * 1000 - 900);
	ck_assert_int_le(end_ms, ends[_i].end_s * 1000 + 900);
}
END_TEST

static const struct {
	const char *body;
	enum acp_error error;
} bad[] = {
	{"", ACP_RETRY_LATER},
	{"{}", ACP_RETRY_LATER},
	{"[]", ACP_RETRY_LATER},
	{"token", ACP_RETRY_LATER},
	{"<html>", ACP_RETRY_LATER},
	{"{\"access_token\":\"t\"", ACP_RETRY_LATER},
	{"{\"access_token\":\"t\"}{\"access_token\":\"u\"}", ACP_RETRY_LATER},
	{"{\"access_token\":\"\"}", ACP_RETRY_LATER},
	{"{\"access_token\":null}", ACP_RETRY_LATER},
	{"{\"access_token\":7}", ACP_RETRY_LATER},
	{"{\"access_token\":[\"t\"]}", ACP_RETRY_LATER},
	{"{\"access_token\":\"a b\"}", ACP_RETRY_LATER},
	{"{\"access_token\":\"a\\nX-Evil: 1\"}", ACP_RETRY_LATER},
	{"{\"access_token\":\"a\\u0000b\"}", ACP_RETRY_LATER},
	{"{\"access_token\":\"\\u00fc\"}", ACP_RETRY_LATER},
	{"{\"access_token\":\"" EXPIRED "\"}", ACP_RETRY_LATER},
	{"{\"access_token\":\"t\",\"token_type\":\"mac\"}", ACP_DENIED},
	{"{\"access_token\":\"t\",\"token_type\":\"DPoP\"}", ACP_DENIED},
	{"{\"access_token\":\"t\",\"token_type\":\"Bearer\\u0000\"}",
		ACP_DENIED},
	{"{\"access_token\":\"t\",\"token_type\":\"\"}", ACP_DENIED},
	{"{\"access_token\":\"t\",\"token_type\":1}", ACP_DENIED},
};

START_TEST(what_is_no_token_is_refused_with_words_of_our_own)
{
	struct acp_token *token = NULL;
	const char *why = NULL;

	ck_assert_int_eq(acp_token_reply_read(bad[_i].body,
				 strlen(bad[_i].body), 0, &token, &why),
		bad[_i].error);
	ck_assert_ptr_null(token);
	ck_assert_ptr_nonnull(why);
}
END_TEST

static enum acp_error
read_token_of_size(size_t size)
{
	ACP_AUTO(buffer) struct acp_buffer body;
	ACP_AUTO(token) struct acp_token *token = NULL;
	const char *why = NULL;

	acp_buffer_init(&body, 2 * ACP_TOKEN_MAX);
	acp_buffer_append(&body, "{\"access_token\":\"");
	for (size_t i = 0; i < size; i++)
		acp_buffer_append(&body, "t");
	acp_buffer_append(&body, "\"}");
	return acp_token_reply_read(body.text, body.size, 0, &token, &why);
}

START_TEST(a_token_one_character_too_long_is_refused)
{
	ck_assert_int_eq(read_token_of_size(ACP_TOKEN_MAX), ACP_OK);
	ck_assert_int_eq(
		read_token_of_size(ACP_TOKEN_MAX + 1), ACP_RETRY_LATER);
}
END_TEST

static const struct {
	const char *body;
	const char *word;
} errors[] = {
	{"{\"error\":\"invalid_client\"}", "invalid_client"},
	{"{\"error\":\"invalid_scope\",\"error_description\":\"x\"}",
		"invalid_scope"},
	{"{\"error\":\"Invalid_Client\"}", NULL},
	{"{\"error\":\"invalid_client\\u0000x\"}", NULL},
	{"{\"error\":\"secret text\"}", NULL},
	{"{\"error\":{\"invalid_client\":1}}", NULL},
	{"{\"message\":\"invalid_client\"}", NULL},
	{"invalid_client", NULL},
	{"", NULL},
};

START_TEST(only_registered_error_words_come_out)
{
	const char *word = acp_token_reply_peek_error(
		errors[_i].body, strlen(errors[_i].body));

	ck_assert_pstr_eq(word, errors[_i].word);
}
END_TEST

static Suite *
token_reply_suite(void)
{
	Suite *suite = suite_create("token_reply");
	TCase *tcase = tcase_create("token_reply");

	tcase_add_loop_test(tcase, a_token_has_the_life_that_the_reply_gives, 0,
		sizeof(good) / sizeof(good[0]));
	tcase_add_test(
		tcase, without_expires_in_the_jwt_says_how_long_it_lives);
	tcase_add_loop_test(tcase,
		a_token_ends_no_later_than_its_exp_unless_a_clock_is_wrong, 0,
		sizeof(ends) / sizeof(ends[0]));
	tcase_add_loop_test(tcase,
		what_is_no_token_is_refused_with_words_of_our_own, 0,
		sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, a_token_one_character_too_long_is_refused);
	tcase_add_loop_test(tcase, only_registered_error_words_come_out, 0,
		sizeof(errors) / sizeof(errors[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(token_reply_suite)
