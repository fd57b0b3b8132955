/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/desired*.c: names, the objects as they should be, and the digest
 * by which they are compared with what a server gives back.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "lib/json.h"
#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <json-c/json_tokener.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
/* of 60 characters */
#define SIXTY "a123456789b123456789c123456789d123456789e123456789f123456789"

static const struct acp_site standard = {
	.platform = ACP_PLATFORM_STANDARD,
	.instance = "main",
	.runtime_namespace = "runtime",
	.config_namespace = "settings",
	.image_namespace = "images",
	.vertex_namespace = "vertex",
	.service_account = "control",
	.token_service_app = "token",
	.token_service_port = 8080,
};

struct named {
	bool is_mpp;
	const char *id;
	const char *namespace; /* NULL: refused */
	const char *why;
};

static const struct named named[] = {
	{false, "p1", "p1", NULL},
	{false, "P1", "p1", NULL},
	{false, "my-project", "my-project", NULL},
	{false, "kube", "kube", NULL},
	{false, "defaults", "defaults", NULL},
	{false, SIXTY "123", SIXTY "123", NULL},
	{false, SIXTY "1234", NULL, "64 characters"},
	{false, SIXTY SIXTY, NULL, "120 characters"},
	{false, "", NULL, "no name"},
	{false, "a_b", NULL, "no name"},
	{false, "a.b", NULL, "no name"},
	{false, "-a", NULL, "no name"},
	{false, "a-", NULL, "no name"},
	{false, "a/../b", NULL, "no name"},
	{false, "\xc3\xa4", NULL, "no name"},
	{false, "default", NULL, "reserved"},
	{false, "kube-system", NULL, "reserved"},
	{false, "KUBE-public", NULL, "reserved"},
	{false, "openshift", NULL, "reserved"},
	{false, "openshift-ingress", NULL, "reserved"},
	{false, "runtime", NULL, "reserved"},
	{false, "settings", NULL, "reserved"},
	{false, "images", NULL, "reserved"},
	{false, "vertex", NULL, "reserved"},
	{true, "p1", "ambient-code--p1", NULL},
	{true, "config", NULL, "reserved"},
	{true, "runtime-int", NULL, "reserved"},
	{true, "", NULL, "no name"},
	{true, "a123456789b123456789c123456789d123456789e12345678",
		"ambient-code--a123456789b123456789c123456789d123456789e12345678",
		NULL},
	{true, "a123456789b123456789c123456789d123456789e123456789", NULL,
		"64 characters"},
};

START_TEST(h24_h34_namespaces_are_named_or_refused_with_a_reason)
{
	const struct named *row = &named[_i];
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_site site = standard;
	char name[ACP_NAME_SIZE] = "before";
	enum acp_error error;

	acp_buffer_init(&why, 1000);
	site.platform = row->is_mpp ? ACP_PLATFORM_MPP : ACP_PLATFORM_STANDARD;
	error = acp_desired_namespace_name(&site, row->id, name, &why);
	if (row->namespace) {
		ck_assert_int_eq(error, ACP_OK);
		ck_assert_str_eq(name, row->namespace);
		return;
	}
	ck_assert_int_eq(error, ACP_BAD_REQUEST);
	ck_assert_str_eq(name, "before");
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), row->why));
}
END_TEST

static const char *const alike[] = {"a.b@x", "a-b@x", "A.B@x", "a--b-x",
	"a.b@x.", "", "...", "\xff", "\n", SIXTY SIXTY "1", SIXTY SIXTY "2"};

START_TEST(h36_h37_texts_that_look_alike_get_names_that_differ)
{
	char names[COUNT(alike)][ACP_NAME_SIZE];

	for (size_t i = 0; i < COUNT(alike); i++) {
		acp_desired_binding_name("ambient-admin", alike[i], names[i]);
		ck_assert_int_eq(strncmp(names[i], "ambient-admin-", 14), 0);
		ck_assert_uint_le(strlen(names[i]), ACP_NAME_MAX);
		ck_assert_uint_eq(strspn(names[i],
					  "abcdefghijklmnopqrstuvwxyz"
					  "0123456789-"),
			strlen(names[i]));
		ck_assert_ptr_null(strstr(names[i], "--"));
		for (size_t at = 0; at < i; at++)
			ck_assert_str_ne(names[i], names[at]);
	}
}
END_TEST

START_TEST(a_binding_name_says_what_it_can_and_never_changes)
{
	char name[ACP_NAME_SIZE];

	acp_desired_binding_name("ambient-admin", "Ann@Example.com", name);
	ck_assert_str_eq(
		name, "ambient-admin-ann-example-com-d13af95ee0b52f16");
	/* role and group cannot run into each other */
	acp_desired_group_name("view", "Team", name);
	ck_assert_str_eq(name, "ambient-group-view-team-34c9be6cb22026f4");
}
END_TEST

/* As a server gives an object back: more of everything, in another order. */
struct pair {
	enum acp_kind kind;
	const char *given;
	const char *same;
};

#define LABELS \
	"\"labels\":{\"ambient-code.io/managed\":\"true\"," \
	"\"ambient-code.io/instance\":\"main\"," \
	"\"ambient-code.io/project-id\":\"P1\"," \
	"\"ambient-code.io/managed-by\":\"ambient-control-plane\"}"
#define LABELS_BACK \
	"\"uid\":\"u\",\"labels\":{\"x\":\"y\"," \
	"\"ambient-code.io/managed-by\":\"ambient-control-plane\"," \
	"\"ambient-code.io/project-id\":\"P1\"," \
	"\"ambient-code.io/session-id\":\"s\"," \
	"\"ambient-code.io/managed\":\"true\"," \
	"\"ambient-code.io/instance\":\"main\"}," \
	"\"annotations\":{\"ambient-code.io/absent-since\":\"x\"}"

static const struct pair same[] = {
	{ACP_KIND_NAMESPACE, "{\"metadata\":{\"name\":\"p1\"," LABELS "}}",
		"{\"metadata\":{" LABELS_BACK "},\"spec\":{\"finalizers\":"
		"[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}}"},
	{ACP_KIND_ROLE,
		"{\"metadata\":{" LABELS "},\"rules\":[{\"apiGroups\":[\"\"],"
		"\"resources\":[\"pods\"],\"verbs\":[\"get\"]}]}",
		"{\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],"
		"\"resourceNames\":[],\"resources\":[\"pods\"]}],"
		"\"metadata\":{" LABELS_BACK "}}"},
	{ACP_KIND_NETWORK_POLICY,
		"{\"metadata\":{" LABELS "},\"spec\":{\"podSelector\":{},"
		"\"ingress\":[{\"ports\":[{\"port\":8001}]}]}}",
		"{\"metadata\":{" LABELS_BACK "},\"status\":{},\"spec\":{"
		"\"egress\":[{}],\"ingress\":[{\"from\":[],\"ports\":"
		"[{\"port\":8001,\"endPort\":null}]}],\"podSelector\":{}}}"},
	{ACP_KIND_PROJECT_SETTINGS,
		"{\"metadata\":{" LABELS "},\"spec\":{\"groupAccess\":[]}}",
		"{\"metadata\":{" LABELS_BACK "},\"spec\":{\"other\":1}}"},
	{ACP_KIND_TENANT_NAMESPACE,
		"{\"metadata\":{" LABELS "},\"spec\":{\"type\":\"runtime\","
		"\"network\":{\"security-zone\":\"internal\"}}}",
		"{\"metadata\":{" LABELS_BACK "},\"spec\":{\"owner\":\"x\","
		"\"network\":{\"mtu\":1,\"security-zone\":\"internal\"},"
		"\"type\":\"runtime\"}}"},
};

static void
write_content(enum acp_kind kind, const char *text, uint8_t *content)
{
	ACP_AUTO(json) struct json_object *object = json_tokener_parse(text);

	ck_assert_ptr_nonnull(object);
	acp_desired_content(kind, object, content);
}

START_TEST(h21_what_servers_and_others_add_makes_no_difference)
{
	uint8_t given[ACP_CONTENT_SIZE], back[ACP_CONTENT_SIZE];

	write_content(same[_i].kind, same[_i].given, given);
	write_content(same[_i].kind, same[_i].same, back);
	ck_assert_mem_eq(given, back, sizeof(given));
}
END_TEST

static const struct pair different[] = {
	{ACP_KIND_NAMESPACE, "{\"metadata\":{" LABELS "}}",
		"{\"metadata\":{\"labels\":{}}}"},
	{ACP_KIND_ROLE, "{\"rules\":[{\"verbs\":[\"get\"]}]}",
		"{\"rules\":[{\"verbs\":[\"get\",\"list\"]}]}"},
	{ACP_KIND_ROLE, "{\"rules\":[{\"verbs\":[\"get\"]}]}",
		"{\"rules\":[{\"verbs\":[\"get\"]},{}]}"},
	{ACP_KIND_ROLE, "{\"rules\":[{\"verbs\":[\"a\",\"b\"]}]}",
		"{\"rules\":[{\"verbs\":[\"ab\"]}]}"},
	{ACP_KIND_ROLE, "{\"rules\":[{\"verbs\":[\"a\"]}]}",
		"{\"rules\":[{\"verbs\":[\"a\"],\"resourceNames\":[\"x\"]}]}"},
	{ACP_KIND_ROLE_BINDING, "{\"subjects\":[{\"name\":\"a\"}]}",
		"{\"subjects\":[{\"name\":\"a\"},{\"name\":\"b\"}]}"},
	{ACP_KIND_ROLE_BINDING, "{\"subjects\":[{\"name\":\"a\"}]}",
		"{\"subjects\":[]}"},
	{ACP_KIND_ROLE_BINDING, "{\"roleRef\":{\"name\":\"a\"}}",
		"{\"roleRef\":{\"name\":\"b\"}}"},
	/* nobody, or everybody */
	{ACP_KIND_NETWORK_POLICY, "{\"spec\":{\"ingress\":[]}}",
		"{\"spec\":{\"ingress\":[{}]}}"},
	/* pods of this namespace, or of all */
	{ACP_KIND_NETWORK_POLICY,
		"{\"spec\":{\"ingress\":[{\"from\":[{\"podSelector\":{}}]}]}}",
		"{\"spec\":{\"ingress\":[{\"from\":[{\"podSelector\":{},"
		"\"namespaceSelector\":{}}]}]}}"},
	{ACP_KIND_NETWORK_POLICY,
		"{\"spec\":{\"ingress\":[{\"ports\":[{\"port\":8001}]}]}}",
		"{\"spec\":{\"ingress\":[{\"ports\":[{\"port\":\"8001\"}]}]}}"},
	{ACP_KIND_NETWORK_POLICY,
		"{\"spec\":{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}}}",
		"{\"spec\":{\"podSelector\":{\"matchLabels\":{\"a\":\"b\","
		"\"c\":\"d\"}}}}"},
	{ACP_KIND_PROJECT_SETTINGS, "{\"spec\":{\"groupAccess\":[{}]}}",
		"{\"spec\":{}}"},
	{ACP_KIND_TENANT_NAMESPACE,
		"{\"spec\":{\"network\":{\"security-zone\":\"internal\"}}}",
		"{\"spec\":{\"network\":{\"security-zone\":\"external\"}}}"},
	{ACP_KIND_SERVICE_ACCOUNT, "{\"automountServiceAccountToken\":false}",
		"{\"automountServiceAccountToken\":true}"},
	{ACP_KIND_SERVICE_ACCOUNT, "{}",
		"{\"metadata\":{\"labels\":"
		"{\"ambient-code.io/session-id\":\"s\"}}}"},
};

START_TEST(h43_what_matters_makes_a_difference)
{
	uint8_t given[ACP_CONTENT_SIZE], back[ACP_CONTENT_SIZE];

	write_content(different[_i].kind, different[_i].given, given);
	write_content(different[_i].kind, different[_i].same, back);
	ck_assert_mem_ne(given, back, sizeof(given));
}
END_TEST

static void
check_printed(struct json_object *object, const char *text)
{
	ck_assert_ptr_nonnull(object);
	ck_assert_str_eq(json_object_to_json_string_ext(object,
				 JSON_C_TO_STRING_PLAIN |
					 JSON_C_TO_STRING_NOSLASHESCAPE),
		text);
	json_object_put(object);
}

#define META(name, namespace) \
	"\"metadata\":{\"name\":\"" name \
	"\",\"namespace\":\"" namespace "\"," LABELS

START_TEST(the_role_holds_no_verb_that_we_do_not_use)
{
	check_printed(acp_desired_control_role(&standard, "p1", "P1"),
		"{\"apiVersion\":\"rbac.authorization.k8s.io/v1\","
		"\"kind\":\"Role\"," META(
			"ambient-control-plane-project-manager",
			"p1") "},"
			      "\"rules\":["
			      "{\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],"
			      "\"verbs\":[\"get\",\"create\",\"delete\"]},"
			      "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],"
			      "\"verbs\":[\"get\",\"list\",\"create\",\"delete\"]},"
			      "{\"apiGroups\":[\"\"],\"resources\":[\"services\"],"
			      "\"verbs\":[\"get\",\"list\",\"create\",\"update\","
			      "\"delete\"]},"
			      "{\"apiGroups\":[\"\"],\"resources\":[\"serviceaccounts\"],"
			      "\"verbs\":[\"get\",\"list\",\"create\",\"patch\","
			      "\"delete\"]},"
			      "{\"apiGroups\":[\"\"],\"resources\":[\"events\"],"
			      "\"verbs\":[\"create\"]},"
			      "{\"apiGroups\":[\"rbac.authorization.k8s.io\"],"
			      "\"resources\":[\"roles\",\"rolebindings\"],"
			      "\"verbs\":[\"get\",\"list\",\"create\",\"patch\","
			      "\"delete\"]},"
			      "{\"apiGroups\":[\"networking.k8s.io\"],"
			      "\"resources\":[\"networkpolicies\"],"
			      "\"verbs\":[\"get\",\"list\",\"create\",\"patch\","
			      "\"delete\"]},"
			      "{\"apiGroups\":[\"vteam.ambient-code\"],"
			      "\"resources\":[\"projectsettings\"],"
			      "\"verbs\":[\"get\",\"list\",\"create\",\"patch\","
			      "\"delete\"]}]}");
}
END_TEST

START_TEST(bindings_say_what_the_server_would_add)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	const struct acp_project_row robot = {
		"P1", "system:serviceaccount:ns:robot", NULL};
	const struct acp_group team = {"team", "view"};

	acp_buffer_init(&why, 100);
	check_printed(acp_desired_control_binding(&standard, "p1", "P1"),
		"{\"apiVersion\":\"rbac.authorization.k8s.io/v1\","
		"\"kind\":\"RoleBinding\"," META(
			"ambient-control-plane-project-manager",
			"p1") "},"
			      "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
			      "\"kind\":\"Role\","
			      "\"name\":\"ambient-control-plane-project-manager\"},"
			      "\"subjects\":[{\"kind\":\"ServiceAccount\","
			      "\"name\":\"control\",\"namespace\":\"runtime\"}]}");
	check_printed(
		acp_desired_creator_binding(&standard, "p1", &robot, &why),
		"{\"apiVersion\":\"rbac.authorization.k8s.io/v1\","
		"\"kind\":\"RoleBinding\"," META(
			"ambient-admin-system-serviceaccount-ns-robot-81b957e109048fc1",
			"p1") ",\"annotations\":"
			      "{\"ambient-code.io/role\":\"admin\"}},"
			      "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
			      "\"kind\":\"ClusterRole\","
			      "\"name\":\"ambient-project-admin\"},"
			      "\"subjects\":[{\"kind\":\"ServiceAccount\","
			      "\"name\":\"robot\",\"namespace\":\"ns\"}]}");
	check_printed(
		acp_desired_group_binding(&standard, "p1", "P1", &team, &why),
		"{\"apiVersion\":\"rbac.authorization.k8s.io/v1\","
		"\"kind\":\"RoleBinding\"," META(
			"ambient-group-view-team-85b3a83fd06a4794",
			"p1") ",\"annotations\":"
			      "{\"ambient-code.io/role\":\"view\"}},"
			      "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
			      "\"kind\":\"ClusterRole\",\"name\":\"ambient-project-view\"},"
			      "\"subjects\":[{\"kind\":\"Group\",\"name\":\"team\","
			      "\"apiGroup\":\"rbac.authorization.k8s.io\"}]}");
	check_printed(acp_desired_image_puller(&standard, "p1", "P1"),
		"{\"apiVersion\":\"rbac.authorization.k8s.io/v1\","
		"\"kind\":\"RoleBinding\"," META(
			"ambient-image-puller-p1-38406554b5aa0ddb",
			"images") "},"
				  "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
				  "\"kind\":\"ClusterRole\",\"name\":\"system:image-puller\"},"
				  "\"subjects\":[{\"kind\":\"Group\","
				  "\"name\":\"system:serviceaccounts:p1\","
				  "\"apiGroup\":\"rbac.authorization.k8s.io\"}]}");
}
END_TEST

START_TEST(the_token_policy_lets_in_our_namespaces_only)
{
	struct acp_site site = standard;
	struct json_object *object;

	object = acp_desired_token_fetch_policy(&site);
	ck_assert_ptr_nonnull(strstr(
		json_object_to_json_string_ext(object,
			JSON_C_TO_STRING_PLAIN |
				JSON_C_TO_STRING_NOSLASHESCAPE),
		"\"spec\":{\"podSelector\":{\"matchLabels\":"
		"{\"app\":\"token\"}},\"policyTypes\":[\"Ingress\"],"
		"\"ingress\":[{\"from\":[{\"namespaceSelector\":"
		"{\"matchLabels\":{\"ambient-code.io/managed\":\"true\","
		"\"ambient-code.io/instance\":\"main\"}}}],"
		"\"ports\":[{\"protocol\":\"TCP\",\"port\":8080}]}]}"));
	json_object_put(object);
	site.platform = ACP_PLATFORM_MPP;
	object = acp_desired_token_fetch_policy(&site);
	ck_assert_ptr_nonnull(
		strstr(json_object_to_json_string_ext(object,
			       JSON_C_TO_STRING_PLAIN |
				       JSON_C_TO_STRING_NOSLASHESCAPE),
			"{\"matchLabels\":{\"tenant.paas.redhat.com/tenant\":"
			"\"ambient-code\"}}"));
	json_object_put(object);
}
END_TEST

START_TEST(h42_a_service_account_name_may_be_long_but_not_endless)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	char text[sizeof("system:serviceaccount:") + ACP_ACCOUNT_MAX + 1] =
		"system:serviceaccount:n:";
	const struct acp_project_row project = {"P1", text, NULL};
	size_t size = strlen(text), most = sizeof(text) - 2;
	struct json_object *object;

	acp_buffer_init(&why, 1000);
	memset(text + size, 'x', most - size);
	object = acp_desired_creator_binding(&standard, "p1", &project, &why);
	ck_assert_ptr_nonnull(object);
	json_object_put(object);
	text[most] = 'x';
	ck_assert_ptr_null(
		acp_desired_creator_binding(&standard, "p1", &project, &why));
}
END_TEST

static const char *
peek_text(struct json_object *object, const char *key)
{
	struct json_object *member = NULL;

	json_object_object_get_ex(object, key, &member);
	return json_object_get_string(member);
}

START_TEST(an_event_is_in_the_namespace_that_the_server_demands)
{
	const struct acp_object about = {
		.kind = ACP_KIND_NAMESPACE, .name = "p1"};
	ACP_AUTO(json)
	struct json_object *event = acp_desired_event(
		&standard, &about, "Refused", "no", 1800000000);
	struct json_object *involved = NULL, *metadata = NULL;

	json_object_object_get_ex(event, "involvedObject", &involved);
	json_object_object_get_ex(event, "metadata", &metadata);
	ck_assert_str_eq(peek_text(metadata, "namespace"), "runtime");
	ck_assert_str_eq(peek_text(involved, "namespace"), "runtime");
	ck_assert_str_eq(peek_text(involved, "name"), "p1");
	ck_assert_str_eq(
		peek_text(event, "firstTimestamp"), "2027-01-15T08:00:00Z");
}
END_TEST

START_TEST(a_long_message_is_cut_between_two_characters)
{
	const struct acp_object about = {
		.kind = ACP_KIND_NAMESPACE, .name = "p1"};
	char text[ACP_EVENT_MESSAGE_MAX + 2] = "";
	struct json_object *event;

	memset(text, 'x', ACP_EVENT_MESSAGE_MAX - 1);
	text[ACP_EVENT_MESSAGE_MAX - 1] = 'y';
	event = acp_desired_event(&standard, &about, "Refused", text, 0);
	ck_assert_str_eq(peek_text(event, "message"), text);
	json_object_put(event);
	memcpy(text + ACP_EVENT_MESSAGE_MAX - 1, "\xc3\xa4", 2);
	event = acp_desired_event(&standard, &about, "Refused", text, 0);
	ck_assert_uint_eq(
		strlen(peek_text(event, "message")), ACP_EVENT_MESSAGE_MAX - 1);
	json_object_put(event);
}
END_TEST

START_TEST(the_selector_has_both_labels)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, 1000);
	acp_desired_selector(&standard, &text);
	ck_assert_str_eq(acp_buffer_peek(&text),
		"ambient-code.io/managed=true,ambient-code.io/instance=main");
}
END_TEST

static Suite *
desired_suite(void)
{
	Suite *suite = suite_create("desired");
	TCase *tcase = tcase_create("desired");

	tcase_add_loop_test(tcase,
		h24_h34_namespaces_are_named_or_refused_with_a_reason, 0,
		COUNT(named));
	tcase_add_test(
		tcase, h36_h37_texts_that_look_alike_get_names_that_differ);
	tcase_add_test(
		tcase, a_binding_name_says_what_it_can_and_never_changes);
	tcase_add_loop_test(tcase,
		h21_what_servers_and_others_add_makes_no_difference, 0,
		COUNT(same));
	tcase_add_loop_test(tcase, h43_what_matters_makes_a_difference, 0,
		COUNT(different));
	tcase_add_test(tcase, the_role_holds_no_verb_that_we_do_not_use);
	tcase_add_test(tcase, bindings_say_what_the_server_would_add);
	tcase_add_test(tcase, the_token_policy_lets_in_our_namespaces_only);
	tcase_add_test(
		tcase, h42_a_service_account_name_may_be_long_but_not_endless);
	tcase_add_test(
		tcase, an_event_is_in_the_namespace_that_the_server_demands);
	tcase_add_test(tcase, a_long_message_is_cut_between_two_characters);
	tcase_add_test(tcase, the_selector_has_both_labels);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(desired_suite)
