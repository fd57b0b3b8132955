/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights that are asked for: which in which mode, for which identity,
 * and what is said of those that are missing.
 */
#include <config.h>

#include "reconciler/self_check.h"

#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct acp_kube_right rights[ACP_SELF_CHECK_RIGHTS_MAX];
static size_t count;

/* Answers in place of a server: what is refused, or whether none comes. */
static const char *refused_verb;
static bool is_silent;

enum acp_error __wrap_acp_kube_may(struct acp_kube *kube,
	const struct acp_kube_right *right, bool *may,
	struct acp_kube_reply *reply);

enum acp_error
__wrap_acp_kube_may(struct acp_kube *kube, const struct acp_kube_right *right,
	bool *may, struct acp_kube_reply *reply)
{
	(void)kube;
	if (is_silent) {
		reply->reason = ACP_KUBE_UNREACHABLE;
		return ACP_RETRY_LATER;
	}
	*may = !refused_verb || strcmp(right->verb, refused_verb) != 0;
	return ACP_OK;
}

static const struct acp_self_check_scope standard = {
	.runtime_namespace = "runtime",
};
static const struct acp_self_check_scope full = {
	.runtime_namespace = "runtime",
	.config_namespace = "tenants",
	.image_namespace = "images",
	.is_mpp = true,
	.has_keypair_owner = true,
};

static bool
has(const char *line)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	bool is_found = false;

	acp_buffer_init(&text, ACP_LOG_VALUE_MAX);
	for (size_t i = 0; i < count && !is_found; i++) {
		acp_buffer_clear(&text);
		acp_self_check_describe(&rights[i], &text);
		is_found = strcmp(acp_buffer_peek(&text), line) == 0;
	}
	return is_found;
}

static const struct {
	const char *line;
	bool is_standard;
	bool is_full;
} needs[] = {
	{"create secrets in namespace runtime", true, true},
	{"update secrets/ambient-cp-token-keypair in namespace runtime", true,
		true},
	{"list secrets in all namespaces", false, false},
	{"update leases/ambient-cp-reconciler (coordination.k8s.io) in "
	 "namespace runtime",
		true, true},
	{"get deployments (apps) in namespace runtime", false, true},
	{"create namespaces in all namespaces", true, false},
	{"delete namespaces in all namespaces", true, false},
	{"get namespaces in all namespaces", true, true},
	{"delete tenantnamespaces (tenant.paas.redhat.com) in namespace "
	 "tenants",
		false, true},
	{"delete pods in all namespaces", true, true},
	{"patch pods in all namespaces", false, false},
	{"update services in all namespaces", true, true},
	{"bind clusterroles/ambient-project-admin "
	 "(rbac.authorization.k8s.io) in all namespaces",
		true, true},
	{"bind clusterroles/system:image-puller (rbac.authorization.k8s.io) "
	 "in namespace images",
		false, true},
	{"bind clusterroles (rbac.authorization.k8s.io) in all namespaces",
		false, false},
};

START_TEST(each_mode_asks_for_what_it_needs)
{
	count = acp_self_check_list_rights(
		&standard, ACP_SELF_CHECK_WHOLE, rights);
	ck_assert_int_eq(has(needs[_i].line), needs[_i].is_standard);
	count = acp_self_check_list_rights(&full, ACP_SELF_CHECK_WHOLE, rights);
	ck_assert_int_eq(has(needs[_i].line), needs[_i].is_full);
}
END_TEST

START_TEST(two_identities_share_the_rights)
{
	size_t whole =
		acp_self_check_list_rights(&full, ACP_SELF_CHECK_WHOLE, rights);
	size_t projects = acp_self_check_list_rights(
		&full, ACP_SELF_CHECK_PROJECTS, rights);

	count = acp_self_check_list_rights(
		&full, ACP_SELF_CHECK_RUNTIME, rights);
	ck_assert_uint_eq(whole, projects + count);
	ck_assert(has("create secrets in namespace runtime"));
	ck_assert(has("delete tenantnamespaces (tenant.paas.redhat.com) in "
		      "namespace tenants"));
	ck_assert(has("bind clusterroles/system:image-puller "
		      "(rbac.authorization.k8s.io) in namespace images"));
	ck_assert(has("list networkpolicies (networking.k8s.io) in namespace "
		      "runtime"));
	ck_assert(!has("delete pods in all namespaces"));
}
END_TEST

START_TEST(namespaces_that_are_retained_need_no_right_to_delete)
{
	struct acp_self_check_scope scope = standard;

	scope.retains_namespaces = true;
	count = acp_self_check_list_rights(
		&scope, ACP_SELF_CHECK_WHOLE, rights);
	ck_assert(!has("delete namespaces in all namespaces"));
	ck_assert(has("create namespaces in all namespaces"));
}
END_TEST

START_TEST(h44_a_line_tells_of_each_right_that_is_missing)
{
	ACP_AUTO(buffer) struct acp_buffer lines;
	size_t missing = 7;

	acp_buffer_init(&lines, ACP_LOG_LINE_MAX);
	ck_assert_int_eq(acp_self_check_run(NULL, &standard,
				 ACP_SELF_CHECK_WHOLE, &lines, &missing),
		ACP_OK);
	ck_assert_uint_eq(missing, 0);
	ck_assert_str_eq(acp_buffer_peek(&lines), "");
	refused_verb = "update";
	ck_assert_int_eq(acp_self_check_run(NULL, &standard,
				 ACP_SELF_CHECK_WHOLE, &lines, &missing),
		ACP_OK);
	refused_verb = NULL;
	ck_assert_uint_eq(missing, 3);
	ck_assert_str_eq(acp_buffer_peek(&lines),
		"may not update secrets/ambient-cp-token-keypair in namespace "
		"runtime\n"
		"may not update leases/ambient-cp-reconciler "
		"(coordination.k8s.io) in namespace runtime\n"
		"may not update services in all namespaces\n");
}
END_TEST

START_TEST(a_server_that_does_not_answer_is_asked_once)
{
	ACP_AUTO(buffer) struct acp_buffer lines;
	size_t missing = 7;

	acp_buffer_init(&lines, ACP_LOG_LINE_MAX);
	is_silent = true;
	ck_assert_int_eq(acp_self_check_run(NULL, &standard,
				 ACP_SELF_CHECK_WHOLE, &lines, &missing),
		ACP_RETRY_LATER);
	is_silent = false;
	ck_assert_str_eq(acp_buffer_peek(&lines),
		"cannot ask for the right to create secrets in namespace "
		"runtime: Unreachable: \n");
}
END_TEST

static Suite *
self_check_suite(void)
{
	Suite *suite = suite_create("self_check");
	TCase *tcase = tcase_create("self_check");

	tcase_add_loop_test(tcase, each_mode_asks_for_what_it_needs, 0,
		sizeof(needs) / sizeof(needs[0]));
	tcase_add_test(tcase, two_identities_share_the_rights);
	tcase_add_test(
		tcase, namespaces_that_are_retained_need_no_right_to_delete);
	tcase_add_test(tcase, h44_a_line_tells_of_each_right_that_is_missing);
	tcase_add_test(tcase, a_server_that_does_not_answer_is_asked_once);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(self_check_suite)
