/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/jwt.c and lib/json.c: expiry and subject out of good, odd and
 * hostile tokens.
 */
#include <config.h>

#include "lib/jwt.h"

#include "lib/buffer.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <json-c/json_c_version.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
			     "uvwxyz0123456789-_";

/* Appends base64url without padding. */
static void
append_base64url(struct acp_buffer *text, const char *bytes, size_t size)
{
	unsigned int bits = 0;
	unsigned int count = 0;

	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | (unsigned char)bytes[i];
		count += 8;
		for (; count >= 6; count -= 6)
			acp_buffer_append_bytes(
				text, &digits[bits >> (count - 6) & 63], 1);
	}
	if (count)
		acp_buffer_append_bytes(
			text, &digits[bits << (6 - count) & 63], 1);
}

static bool
has_claims(const char *payload, size_t size, struct acp_jwt *jwt)
{
	ACP_AUTO(buffer) struct acp_buffer token;

	acp_buffer_init(&token, 2 * ACP_TOKEN_MAX);
	acp_buffer_append(&token, "eyJhbGciOiJub25lIn0.");
	append_base64url(&token, payload, size);
	acp_buffer_append(&token, ".c2lnbmF0dXJl");
	ck_assert(!token.is_failed);
	return acp_jwt_has_claims(token.text, token.size, jwt);
}

static const struct {
	const char *payload;
	bool is_read;
	bool has_expiry;
	int64_t expiry_s;
	const char *subject;
} payloads[] = {
	{"{\"exp\":1700000000,\"sub\":\"alice\"}", true, true, 1700000000,
		"alice"},
	{" {\"exp\" : 5 }\r\n", true, true, 5, ""},
	{"{}", true, false, 0, ""},
	{"{\"exp\":1700000000.9}", true, true, 1700000000, ""},
	{"{\"exp\":\"1700000000\"}", true, true, 1700000000, ""},
	{"{\"exp\":\"-5\"}", true, true, -5, ""},
	{"{\"exp\":\"\"}", true, false, 0, ""},
	{"{\"exp\":\"-\"}", true, false, 0, ""},
	{"{\"exp\":\" 5\"}", true, false, 0, ""},
	{"{\"exp\":\"5x\"}", true, false, 0, ""},
	{"{\"exp\":\"5\\u0000\"}", true, false, 0, ""},
	{"{\"exp\":\"99999999999999999999999\"}", true, true,
		ACP_JSON_NUMBER_MAX, ""},
	{"{\"exp\":1e300}", true, true, ACP_JSON_NUMBER_MAX, ""},
	{"{\"exp\":1e999}", true, true, ACP_JSON_NUMBER_MAX, ""},
	{"{\"exp\":-1e300}", true, true, -ACP_JSON_NUMBER_MAX, ""},
	{"{\"exp\":-1}", true, true, -1, ""},
	{"{\"exp\":99999999999999999999999}", true, true, ACP_JSON_NUMBER_MAX,
		""},
	{"{\"exp\":-99999999999999999999999}", true, true, -ACP_JSON_NUMBER_MAX,
		""},
	{"{\"exp\":1000000000001}", true, true, ACP_JSON_NUMBER_MAX, ""},
	{"{\"exp\":0}", true, true, 0, ""},
	{"{\"exp\":null,\"sub\":null}", true, false, 0, ""},
	{"{\"exp\":true,\"sub\":7}", true, false, 0, ""},
	{"{\"exp\":[5],\"sub\":{}}", true, false, 0, ""},
	{"{\"exp\":5,\"exp\":6}", true, true, 6, ""},
	{"{\"sub\":\"a\\u0000b\"}", true, false, 0, "a"},
	{"{\"sub\":\"gr\xc3\xbc\xc3\x9f\"}", true, false, 0,
		"gr\xc3\xbc\xc3\x9f"},
	{"{\"sub\":\"\xff\xfe\"}", false, false, 0, ""},
	/* not JSON, but json-c lets them pass */
	{"{\"exp\":NaN}", true, false, 0, ""},
	{"{\"exp\":Infinity}", true, true, ACP_JSON_NUMBER_MAX, ""},
	{"{\"exp\":-Infinity}", true, true, -ACP_JSON_NUMBER_MAX, ""},
	{"{'exp':5}", true, true, 5, ""},
	{"{\"exp\":5}x", false, false, 0, ""},
	{"{\"exp\":5}{}", false, false, 0, ""},
	{"{\"exp\":5", false, false, 0, ""},
	{"[1]", false, false, 0, ""},
	{"\"exp\"", false, false, 0, ""},
	{"5", false, false, 0, ""},
	{"null", false, false, 0, ""},
	{"", false, false, 0, ""},
	{" ", false, false, 0, ""},
};

START_TEST(payloads_give_their_claims_or_none)
{
	struct acp_jwt jwt;
	const char *payload = payloads[_i].payload;

	ck_assert_int_eq(has_claims(payload, strlen(payload), &jwt),
		payloads[_i].is_read);
	ck_assert_int_eq(jwt.has_expiry, payloads[_i].has_expiry);
	ck_assert_int_eq(jwt.expiry_s, payloads[_i].expiry_s);
	ck_assert_str_eq(jwt.subject, payloads[_i].subject);
}
END_TEST

START_TEST(what_only_a_strict_parser_refuses_is_refused_where_there_is_one)
{
	static const char *const lax[] = {"{\"exp\":5,}", "/* */{\"exp\":5}"};
	bool is_strict = json_c_version_num() >> 8 != 18;
	struct acp_jwt jwt;

	for (size_t i = 0; i < sizeof(lax) / sizeof(lax[0]); i++)
		ck_assert_int_eq(
			has_claims(lax[i], strlen(lax[i]), &jwt), !is_strict);
}
END_TEST

/* "e30" is "{}" */
static const struct {
	const char *token;
	bool is_read;
} forms[] = {
	{"x.e30.y", true},
	{"x.e30.", true},
	{"", false},
	{".", false},
	{"..", false},
	{".e30.y", false},
	{"e30", false},
	{"x.e30", false},
	{"x.e30.y.z.w", false},
	{"x..y", false},
	{"x.e30=.y", false},
	{"x.e3.y", false},
	{"x.e30a9.y", false},
	{"x.e 30.y", false},
	{"x.e3+.y", false},
	{"x.e3/.y", false},
	{"x.e3\xff.y", false},
	{"opaque-token", false},
};

START_TEST(forms_of_a_token_are_told_apart)
{
	struct acp_jwt jwt;

	ck_assert_int_eq(acp_jwt_has_claims(forms[_i].token,
				 strlen(forms[_i].token), &jwt),
		forms[_i].is_read);
}
END_TEST

START_TEST(every_byte_value_decodes)
{
	ACP_AUTO(buffer) struct acp_buffer payload;
	struct acp_jwt jwt;

	acp_buffer_init(&payload, 2000);
	/* U+0080 to U+00FF: their bytes use all digits of base64url */
	acp_buffer_append(&payload, "{\"sub\":\"");
	for (int i = 0x80; i < 0xff; i++)
		acp_buffer_printf(
			&payload, "%c%c", 0xc0 | i >> 6, 0x80 | (i & 0x3f));
	acp_buffer_append(&payload, "\"}");
	ck_assert(has_claims(payload.text, payload.size, &jwt));
	ck_assert_uint_eq(strlen(jwt.subject), 254);
	ck_assert_mem_eq(jwt.subject, payload.text + 8, 254);
}
END_TEST

static bool
is_nested_read(int depth)
{
	ACP_AUTO(buffer) struct acp_buffer payload;
	struct acp_jwt jwt;

	acp_buffer_init(&payload, 100000);
	acp_buffer_append(&payload, "{\"a\":");
	for (int i = 1; i < depth; i++)
		acp_buffer_append(&payload, "[");
	for (int i = 1; i < depth; i++)
		acp_buffer_append(&payload, "]");
	acp_buffer_append(&payload, "}");
	return has_claims(payload.text, payload.size, &jwt);
}

START_TEST(one_level_too_deep_is_refused)
{
	ck_assert(is_nested_read(ACP_JSON_DEPTH_MAX));
	ck_assert(!is_nested_read(ACP_JSON_DEPTH_MAX + 1));
	ck_assert(!is_nested_read(5000));
}
END_TEST

static bool
is_read_at_size(size_t size)
{
	ACP_AUTO(buffer) struct acp_buffer token;
	struct acp_jwt jwt;

	acp_buffer_init(&token, size);
	acp_buffer_append(&token, "x.e30.");
	while (token.size < size)
		acp_buffer_append(&token, "y");
	return acp_jwt_has_claims(token.text, token.size, &jwt);
}

START_TEST(one_byte_over_the_size_of_a_token_is_refused)
{
	ck_assert(is_read_at_size(ACP_TOKEN_MAX));
	ck_assert(!is_read_at_size(ACP_TOKEN_MAX + 1));
}
END_TEST

START_TEST(a_long_subject_is_cut)
{
	ACP_AUTO(buffer) struct acp_buffer payload;
	struct acp_jwt jwt;

	acp_buffer_init(&payload, 1000);
	acp_buffer_append(&payload, "{\"sub\":\"");
	for (int i = 0; i <= ACP_JWT_SUBJECT_MAX; i++)
		acp_buffer_append(&payload, "s");
	acp_buffer_append(&payload, "\"}");
	ck_assert(has_claims(payload.text, payload.size, &jwt));
	ck_assert_uint_eq(strlen(jwt.subject), ACP_JWT_SUBJECT_MAX);
}
END_TEST

static const struct {
	const char *payload;
	bool is_cluster;
} subjects[] = {
	{"{\"sub\":\"system:serviceaccount:ns:name\"}", true},
	{"{\"sub\":\"system:\\u0073erviceaccount:ns:name\"}", true},
	{"{\"sub\":\"system:serviceaccount:\"}", true},
	{"{\"sub\":\"system:serviceaccounts\"}", false},
	{"{\"sub\":\"x system:serviceaccount:ns:name\"}", false},
	{"{\"sub\":\"service-account-runner\"}", false},
	{"{}", false},
};

START_TEST(subjects_of_the_cluster_are_recognised)
{
	struct acp_jwt jwt;
	const char *payload = subjects[_i].payload;

	ck_assert(has_claims(payload, strlen(payload), &jwt));
	ck_assert_int_eq(
		acp_jwt_is_cluster_identity(&jwt), subjects[_i].is_cluster);
}
END_TEST

START_TEST(life_left_never_overflows)
{
	struct acp_jwt jwt = {.has_expiry = true, .expiry_s = 100};

	ck_assert_int_eq(acp_jwt_get_left_ms(&jwt, 40000), 60000);
	ck_assert_int_eq(acp_jwt_get_left_ms(&jwt, 140000), -40000);
	jwt.expiry_s = ACP_JSON_NUMBER_MAX;
	ck_assert_int_gt(acp_jwt_get_left_ms(&jwt, 0), 0);
	jwt.expiry_s = -ACP_JSON_NUMBER_MAX;
	ck_assert_int_lt(acp_jwt_get_left_ms(&jwt, 1700000000000), 0);
	jwt.has_expiry = false;
	ck_assert(acp_jwt_get_left_ms(&jwt, 0) == INT64_MAX);
}
END_TEST

START_TEST(a_wiped_member_is_gone)
{
	static const char text[] = "{\"access_token\":\"secret\"}";
	ACP_AUTO(json)
	struct json_object *object = acp_json_new(text, sizeof(text) - 1);
	size_t size = 0;

	acp_json_wipe_text(object, "access_token");
	acp_json_wipe_text(object, "absent");
	ck_assert_mem_eq(acp_json_peek_text(object, "access_token", &size),
		"\0\0\0\0\0\0", 6);
}
END_TEST

START_TEST(only_a_member_that_is_an_object_is_one)
{
	static const char text[] =
		"{\"a\":{\"b\":{}},\"n\":null,\"t\":\"x\",\"l\":[{}]}";
	static const char *const others[] = {"n", "t", "l", "absent"};
	ACP_AUTO(json)
	struct json_object *object = acp_json_new(text, sizeof(text) - 1);
	struct json_object *inner = acp_json_peek_object(object, "a");

	ck_assert_ptr_nonnull(acp_json_peek_object(inner, "b"));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		ck_assert_ptr_null(acp_json_peek_object(object, others[i]));
	ck_assert_ptr_null(acp_json_peek_object(NULL, "a"));
}
END_TEST

static Suite *
jwt_suite(void)
{
	Suite *suite = suite_create("jwt");
	TCase *tcase = tcase_create("jwt");

	tcase_add_loop_test(tcase, payloads_give_their_claims_or_none, 0,
		sizeof(payloads) / sizeof(payloads[0]));
	tcase_add_test(tcase,
		what_only_a_strict_parser_refuses_is_refused_where_there_is_one);
	tcase_add_loop_test(tcase, forms_of_a_token_are_told_apart, 0,
		sizeof(forms) / sizeof(forms[0]));
	tcase_add_test(tcase, every_byte_value_decodes);
	tcase_add_test(tcase, one_level_too_deep_is_refused);
	tcase_add_test(tcase, one_byte_over_the_size_of_a_token_is_refused);
	tcase_add_test(tcase, a_long_subject_is_cut);
	tcase_add_loop_test(tcase, subjects_of_the_cluster_are_recognised, 0,
		sizeof(subjects) / sizeof(subjects[0]));
	tcase_add_test(tcase, life_left_never_overflows);
	tcase_add_test(tcase, a_wiped_member_is_gone);
	tcase_add_test(tcase, only_a_member_that_is_an_object_is_one);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(jwt_suite)
