/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/token_url.c: the URL that a pod gets, and what it is not made
 * of.
 */
#include <config.h>

#include "reconciler/token_url.h"

#include "tests/unit/unit.h"
#include "tests/unit/vector_key.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct acp_keyring ring;
static struct acp_buffer text;
static struct acp_buffer why;

static void
start(void)
{
	acp_keyring_init(&ring);
	vector_key_add(&ring);
	acp_buffer_init(&text, 10000);
	acp_buffer_init(&why, 10000);
}

static void
stop(void)
{
	acp_keyring_clear(&ring);
	acp_buffer_clear(&text);
	acp_buffer_clear(&why);
}

static const char *const good[] = {"http://cp.example/token",
	"https://cp.example:8443/token", "http://127.0.0.1:8080/token",
	"http://[::1]/token", "https://cp/a/b/token", "HTTPS://cp.example"};

START_TEST(session_and_proof_are_added)
{
	char wanted[300];

	snprintf(wanted, sizeof(wanted), "%s?s=%s&p=%s", good[_i],
		VECTOR_SESSION, VECTOR_PROOF);
	ck_assert_int_eq(acp_token_url_bind(good[_i], ring.keys[0],
				 VECTOR_SESSION, &text, &why),
		ACP_OK);
	ck_assert_str_eq(acp_buffer_peek(&text), wanted);
}
END_TEST

static const struct {
	const char *url;
	const char *fault;
} bad[] = {
	{NULL, "token_url (CP_TOKEN_URL) is not set"},
	{"", "not a whole URL"},
	{"cp.example/token", "not a whole URL"},
	{"/token", "not a whole URL"},
	{"http:///token", "not a whole URL"},
	{"http://cp example/token", "not a whole URL"},
	{"ftp://cp.example/token", "neither https nor http"},
	{"http://user@cp.example/token", "user or password"},
	{"http://user:hush@cp.example/token", "user or password"},
	{"http://cp.example/token?x=1", "query or fragment"},
	{"http://cp.example/token?", "query or fragment"},
	{"http://cp.example/token#", "query or fragment"},
	{"http://cp.example/token#x", "query or fragment"},
};

START_TEST(another_kind_of_url_is_refused_and_not_repeated)
{
	ck_assert_int_eq(acp_token_url_bind(bad[_i].url, ring.keys[0],
				 VECTOR_SESSION, &text, &why),
		ACP_BAD_REQUEST);
	ck_assert_msg(strstr(acp_buffer_peek(&why), bad[_i].fault) != NULL,
		"%s", acp_buffer_peek(&why));
	ck_assert_ptr_null(strstr(acp_buffer_peek(&why), "hush"));
	ck_assert_str_eq(acp_buffer_peek(&text), "");
}
END_TEST

static const char *const not_sessions[] = {"", "short-1", "-session-id",
	"session id", "session&p=x", "session%20id", "sess\xc3\xa9on",
	"session-id\n"};

START_TEST(what_is_no_session_id_is_refused)
{
	ck_assert_int_eq(acp_token_url_bind(good[0], ring.keys[0],
				 not_sessions[_i], &text, &why),
		ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), "no session id"));
	ck_assert_str_eq(acp_buffer_peek(&text), "");
}
END_TEST

static Suite *
token_url_suite(void)
{
	Suite *suite = suite_create("token_url");
	TCase *tcase = tcase_create("token_url");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, session_and_proof_are_added, 0, COUNT(good));
	tcase_add_loop_test(tcase,
		another_kind_of_url_is_refused_and_not_repeated, 0, COUNT(bad));
	tcase_add_loop_test(tcase, what_is_no_session_id_is_refused, 0,
		COUNT(not_sessions));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(token_url_suite)
