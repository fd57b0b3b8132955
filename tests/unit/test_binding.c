/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/binding.c: what each mode makes of each query, and whom a binding may
 * serve.
 */
#include <config.h>

#include "fcgi/binding.h"

#include "lib/proof.h"
#include "tests/unit/unit.h"
#include "tests/unit/vector_key.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define OTHER_SESSION "another-session"

enum { MODES = 3, URI_SIZE = 1000 };

static struct acp_keyring ring;
static struct acp_keyring gone;
static struct acp_binding binding;

static void
make_keys(void)
{
	acp_keyring_init(&ring);
	vector_key_add_other(&ring);
	vector_key_add(&ring);
	acp_keyring_init(&gone);
	vector_key_add_other(&gone);
}

static void
drop_keys(void)
{
	acp_keyring_clear(&ring);
	acp_keyring_clear(&gone);
}

enum expectation {
	PROVED, /* by the second key, which is the vector's */
	ABSENT, /* as if no proof were there */
	WRONG
};

#define S "s=" VECTOR_SESSION
#define P "p=" VECTOR_PROOF

static const struct {
	const char *uri;
	enum expectation want;
} queries[] = {
	{"/token?" S "&" P, PROVED},
	{"/token?" P "&" S, PROVED},
	{"/token?x=1&" S "&y&" P "&z=2", PROVED},
	{"/token?&&" S "&&" P "&", PROVED},
	{"/token?S=1&P=2&" S "&" P, PROVED},
	{"/token?ss=1&pp=2&sp=3&ps=4&" S "&" P, PROVED},
	{"/token?%73=1&%70=2&" S "&" P, PROVED},
	{"/token", ABSENT},
	{"/token?", ABSENT},
	{"/token?&", ABSENT},
	{"/token?x=1", ABSENT},
	{"/token?S=" VECTOR_SESSION "&P=" VECTOR_PROOF, ABSENT},
	{"/token?%73=" VECTOR_SESSION "&%70=" VECTOR_PROOF, ABSENT},
	{"/token?x=?" S, ABSENT},
	{NULL, ABSENT},
	{"", ABSENT},
	/* half a pair */
	{"/token?" S, WRONG},
	{"/token?" P, WRONG},
	{"/token?s&p", WRONG},
	{"/token?s", WRONG},
	{"/token?p=", WRONG},
	{"/token?" S "&p", WRONG},
	{"/token?s=&" P, WRONG},
	/* repeated */
	{"/token?" S "&" P "&" P, WRONG},
	{"/token?" S "&" S "&" P, WRONG},
	{"/token?" S "&" P "&s", WRONG},
	{"/token?" S "&" P "&p=", WRONG},
	{"/token?" S "&" P "&" S "&" P, WRONG},
	/* for another session, or not a session at all */
	{"/token?s=" OTHER_SESSION "&" P, WRONG},
	{"/token?s=short&" P, WRONG},
	{"/token?s=-" VECTOR_SESSION "&" P, WRONG},
	{"/token?s=%32abcDEFghiJKLmnoPQRstuVWXyz&" P, WRONG},
	{"/token?" S "%20&" P, WRONG},
	{"/token?" S "+&" P, WRONG},
	/* not quite the proof */
	{"/token?" S "&" P "=", WRONG},
	{"/token?" S "&" P "%3D", WRONG},
	{"/token?" S "&" P "#x", WRONG},
	{"/token?" S "&" P ";x=1", WRONG},
	{"/token?" S ";" P, WRONG},
	{"/token?" S "&p=" VECTOR_SESSION, WRONG},
	{"/token?" S "&p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", WRONG},
	{"/token?" S "&p=%64MZheEFEpsXuBxkwHtqLZMwBurGxePR764FltxL3hk8", WRONG},
};

static bool
is_denied(enum expectation want, enum acp_binding_mode mode)
{
	if (mode == ACP_BINDING_REQUIRED)
		return want != PROVED;
	return mode == ACP_BINDING_OPTIONAL && want == WRONG;
}

static void
check(const char *uri, enum expectation want, enum acp_binding_mode mode)
{
	enum acp_error error;

	memset(&binding, 0xaa, sizeof(binding));
	error = acp_binding_read(mode, uri, &ring, &binding);
	ck_assert_msg(error == (is_denied(want, mode) ? ACP_DENIED : ACP_OK),
		"%s in mode %d: %s", uri, (int)mode, acp_error_name(error));
	if (error)
		return;
	ck_assert_int_eq(binding.is_enforced, mode != ACP_BINDING_OFF);
	ck_assert_int_eq(binding.is_proved, want == PROVED);
	ck_assert_str_eq(binding.session, want == PROVED ? VECTOR_SESSION : "");
	ck_assert_str_eq(binding.key_id,
		want == PROVED ? acp_key_peek_id(ring.keys[1]) : "");
}

START_TEST(each_mode_judges_each_query)
{
	for (int mode = 0; mode < MODES; mode++)
		check(queries[_i].uri, queries[_i].want,
			(enum acp_binding_mode)mode);
}
END_TEST

static void
write_uri(char *uri, const struct acp_key *key, const char *session)
{
	char proof[ACP_PROOF_SIZE];

	acp_proof_write(key, session, proof);
	snprintf(uri, URI_SIZE, "/token?s=%s&p=%s", session, proof);
}

START_TEST(a_proof_of_any_key_in_service_is_good)
{
	char uri[URI_SIZE];

	for (size_t i = 0; i < ring.count; i++) {
		write_uri(uri, ring.keys[i], OTHER_SESSION);
		ck_assert_int_eq(acp_binding_read(ACP_BINDING_REQUIRED, uri,
					 &ring, &binding),
			ACP_OK);
		ck_assert_str_eq(binding.key_id, acp_key_peek_id(ring.keys[i]));
	}
}
END_TEST

START_TEST(a_proof_of_a_removed_key_is_wrong)
{
	char uri[URI_SIZE];

	write_uri(uri, gone.keys[0], VECTOR_SESSION);
	for (int mode = 0; mode < MODES; mode++)
		check(uri, WRONG, (enum acp_binding_mode)mode);
}
END_TEST

START_TEST(a_session_of_the_longest_form_is_proved_and_a_longer_one_is_not)
{
	char session[ACP_SESSION_ID_MAX + 2] = "", uri[URI_SIZE];

	memset(session, 'a', ACP_SESSION_ID_MAX);
	write_uri(uri, ring.keys[0], session);
	ck_assert_int_eq(
		acp_binding_read(ACP_BINDING_REQUIRED, uri, &ring, &binding),
		ACP_OK);
	ck_assert_str_eq(binding.session, session);
	session[ACP_SESSION_ID_MAX] = 'a';
	write_uri(uri, ring.keys[0], session);
	ck_assert_int_eq(
		acp_binding_read(ACP_BINDING_REQUIRED, uri, &ring, &binding),
		ACP_DENIED);
}
END_TEST

static const struct {
	bool is_proved, is_enforced, needs_proof;
	const char *session;
	bool may;
} services[] = {
	{false, true, false, VECTOR_SESSION, true},
	{false, true, true, VECTOR_SESSION, false},
	{false, false, false, VECTOR_SESSION, true},
	/* a handle that needs its proof needs it with binding off as well */
	{false, false, true, VECTOR_SESSION, false},
	{true, true, false, VECTOR_SESSION, true},
	{true, true, true, VECTOR_SESSION, true},
	{true, true, false, OTHER_SESSION, false},
	{true, true, true, OTHER_SESSION, false},
	{true, false, false, OTHER_SESSION, true},
	{true, false, true, OTHER_SESSION, false},
	{true, false, true, VECTOR_SESSION, true},
	{true, true, false, VECTOR_SESSION "0", false},
	{true, true, false, "", false},
};

START_TEST(a_binding_serves_its_session_alone)
{
	struct acp_binding given = {.is_proved = services[_i].is_proved,
		.is_enforced = services[_i].is_enforced};

	if (given.is_proved)
		memcpy(given.session, VECTOR_SESSION, sizeof(VECTOR_SESSION));
	ck_assert_int_eq(acp_binding_may_serve(&given, services[_i].session,
				 services[_i].needs_proof),
		services[_i].may);
}
END_TEST

static Suite *
binding_suite(void)
{
	Suite *suite = suite_create("binding");
	TCase *tcase = tcase_create("binding");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_keys, drop_keys);
	tcase_add_loop_test(
		tcase, each_mode_judges_each_query, 0, COUNT(queries));
	tcase_add_test(tcase, a_proof_of_any_key_in_service_is_good);
	tcase_add_test(tcase, a_proof_of_a_removed_key_is_wrong);
	tcase_add_test(tcase,
		a_session_of_the_longest_form_is_proved_and_a_longer_one_is_not);
	tcase_add_loop_test(
		tcase, a_binding_serves_its_session_alone, 0, COUNT(services));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(binding_suite)
