/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths and words for the kinds that the reconciler knows.
 */
#include <config.h>

#include "reconciler/kinds.h"

#include "tests/unit/unit.h"

#include <string.h>

static const struct {
	struct acp_ref ref;
	const char *path;
	const char *words;
} refs[] = {
	{{ACP_KIND_NAMESPACE, NULL, "a"}, "/api/v1/namespaces/a",
		"Namespace a"},
	{{ACP_KIND_NAMESPACE, "ignored", NULL}, "/api/v1/namespaces",
		"Namespace *"},
	{{ACP_KIND_POD, "ns", "p"}, "/api/v1/namespaces/ns/pods/p", "Pod ns/p"},
	{{ACP_KIND_POD, NULL, NULL}, "/api/v1/pods", "Pod *"},
	{{ACP_KIND_POD, "ns", NULL}, "/api/v1/namespaces/ns/pods", "Pod ns/*"},
	{{ACP_KIND_ROLE, "ns", "r"},
		"/apis/rbac.authorization.k8s.io/v1/namespaces/ns/roles/r",
		"Role ns/r"},
	{{ACP_KIND_CLUSTER_ROLE, NULL, "system:x"},
		"/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Ax",
		"ClusterRole system:x"},
	{{ACP_KIND_TENANT_NAMESPACE, "c", "t"},
		"/apis/tenant.paas.redhat.com/v1alpha1/namespaces/c/"
		"tenantnamespaces/t",
		"TenantNamespace c/t"},
	{{ACP_KIND_ACCESS_REVIEW, NULL, NULL},
		"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
		"SelfSubjectAccessReview *"},
	{{ACP_KIND_SECRET, "a/b", "c?d#e%f g"},
		"/api/v1/namespaces/a%2Fb/secrets/c%3Fd%23e%25f%20g",
		"Secret a/b/c?d#e%f g"},
	{{ACP_KIND_SECRET, "..", "."}, "/api/v1/namespaces/%2E%2E/secrets/%2E",
		"Secret ../."},
	{{ACP_KIND_SECRET, "a.b", "\xc3\xa9~_-."},
		"/api/v1/namespaces/a.b/secrets/%C3%A9~_-.",
		"Secret a.b/\xc3\xa9~_-."},
};

START_TEST(a_reference_has_one_path)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, 1000);
	acp_ref_write_path(&refs[_i].ref, &text);
	ck_assert_str_eq(acp_buffer_peek(&text), refs[_i].path);
	acp_buffer_clear(&text);
	acp_ref_describe(&refs[_i].ref, &text);
	ck_assert_str_eq(acp_buffer_peek(&text), refs[_i].words);
}
END_TEST

START_TEST(a_group_is_what_stands_before_the_version)
{
	const char *version = acp_kind_api_version((enum acp_kind)_i);
	const char *group = acp_kind_group((enum acp_kind)_i);
	size_t size = strlen(group);

	if (size == 0) {
		ck_assert_str_eq(version, "v1");
		return;
	}
	ck_assert_int_eq(strncmp(version, group, size), 0);
	ck_assert_int_eq(version[size], '/');
}
END_TEST

static Suite *
kinds_suite(void)
{
	Suite *suite = suite_create("kinds");
	TCase *tcase = tcase_create("kinds");

	tcase_add_loop_test(tcase, a_reference_has_one_path, 0,
		sizeof(refs) / sizeof(refs[0]));
	tcase_add_loop_test(tcase, a_group_is_what_stands_before_the_version, 0,
		ACP_KIND__MAX);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(kinds_suite)
