/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/ownership.c: one sign after another is taken away, and each
 * makes the object somebody else's.
 */
#include <config.h>

#include "reconciler/ownership.h"

#include "reconciler/desired.h"
#include "reconciler/session_name.h"
#include "tests/unit/unit.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct acp_site site;
static struct acp_world world;

static void
set_up(void)
{
	site = (struct acp_site){
		.platform = ACP_PLATFORM_STANDARD,
		.instance = "main",
		.runtime_namespace = "runtime",
		.config_namespace = "settings",
		.image_namespace = "images",
		.service_account = "control",
	};
	acp_world_init(&world);
}

static void
tear_down(void)
{
	acp_world_clear(&world);
}

/* kind, namespace, name, project id, role, subject; judged as. */
struct judged {
	enum acp_kind kind;
	const char *namespace;
	const char *name;
	const char *project;
	const char *role;
	const char *subject;
	enum acp_role_in_project what;
};

static const struct judged judged[] = {
	{ACP_KIND_NAMESPACE, NULL, "p1", "p1", NULL, NULL,
		ACP_OBJECT_NAMESPACE},
	{ACP_KIND_NAMESPACE, NULL, "p1", "P1", NULL, NULL,
		ACP_OBJECT_NAMESPACE},
	{ACP_KIND_NAMESPACE, NULL, "p1", "p2", NULL, NULL, ACP_OBJECT_FOREIGN},
	{ACP_KIND_NAMESPACE, NULL, "p1", NULL, NULL, NULL, ACP_OBJECT_FOREIGN},
	{ACP_KIND_NAMESPACE, NULL, "kube-system", "kube-system", NULL, NULL,
		ACP_OBJECT_FOREIGN},
	{ACP_KIND_NAMESPACE, NULL, "default", "default", NULL, NULL,
		ACP_OBJECT_FOREIGN},
	{ACP_KIND_NAMESPACE, NULL, "runtime", "runtime", NULL, NULL,
		ACP_OBJECT_FOREIGN},
	{ACP_KIND_TENANT_NAMESPACE, "settings", "p1", "p1", NULL, NULL,
		ACP_OBJECT_FOREIGN},
	{ACP_KIND_ROLE, "p1", ACP_CONTROL_ROLE, "p1", NULL, NULL,
		ACP_OBJECT_CONTROL_ROLE},
	{ACP_KIND_ROLE, "p1", "other", "p1", NULL, NULL, ACP_OBJECT_FOREIGN},
	{ACP_KIND_ROLE, "p2", ACP_CONTROL_ROLE, "p1", NULL, NULL,
		ACP_OBJECT_FOREIGN},
	{ACP_KIND_ROLE_BINDING, "p1", ACP_CONTROL_ROLE, "p1", NULL, NULL,
		ACP_OBJECT_CONTROL_BINDING},
	{ACP_KIND_NETWORK_POLICY, "p1", ACP_API_SERVER_POLICY, "p1", NULL, NULL,
		ACP_OBJECT_API_SERVER_POLICY},
	{ACP_KIND_NETWORK_POLICY, "p1", ACP_CONTROL_ROLE, "p1", NULL, NULL,
		ACP_OBJECT_FOREIGN},
	{ACP_KIND_NETWORK_POLICY, "runtime", ACP_TOKEN_FETCH_POLICY, NULL, NULL,
		NULL, ACP_OBJECT_TOKEN_FETCH_POLICY},
	{ACP_KIND_NETWORK_POLICY, "p1", ACP_TOKEN_FETCH_POLICY, "p1", NULL,
		NULL, ACP_OBJECT_FOREIGN},
	{ACP_KIND_PROJECT_SETTINGS, "p1", ACP_SETTINGS_NAME, "p1", NULL, NULL,
		ACP_OBJECT_PROJECT_SETTINGS},
	{ACP_KIND_SECRET, "p1", ACP_RUNNER_SECRET, "p1", NULL, NULL,
		ACP_OBJECT_FOREIGN},
};

static struct acp_object
make_object(const struct judged *row)
{
	return (struct acp_object){
		.kind = row->kind,
		.namespace = row->namespace,
		.name = row->name,
		.uid = "u",
		.resource_version = "1",
		.managed = "true",
		.instance = "main",
		.project_id = row->project,
		.role = row->role,
		.subject = row->subject,
	};
}

START_TEST(labels_place_and_name_must_agree)
{
	struct acp_object object = make_object(&judged[_i]);

	ck_assert_int_eq(acp_ownership_judge(&site, &object), judged[_i].what);
	object.managed = "yes";
	ck_assert_int_eq(
		acp_ownership_judge(&site, &object), ACP_OBJECT_FOREIGN);
	object.managed = NULL;
	ck_assert_int_eq(
		acp_ownership_judge(&site, &object), ACP_OBJECT_FOREIGN);
	object.managed = "true";
	object.instance = "other";
	ck_assert_int_eq(
		acp_ownership_judge(&site, &object), ACP_OBJECT_FOREIGN);
	/* what nobody has claimed is not ours to delete, even to adopt */
	object.instance = NULL;
	site.adopts = true;
	ck_assert_int_eq(
		acp_ownership_judge(&site, &object), ACP_OBJECT_FOREIGN);
}
END_TEST

/* The text that the name is of, and what the binding says. */
struct bound {
	const char *prefix;
	const char *text;
	struct judged object;
};

#define ADMIN "ClusterRole/ambient-project-admin"
#define EDIT "ClusterRole/ambient-project-edit"

static const struct bound bound[] = {
	{ACP_CREATOR_PREFIX, "ann@x",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", ADMIN, "User/ann@x",
			ACP_OBJECT_CREATOR_BINDING}},
	{ACP_CREATOR_PREFIX, "a/b",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", ADMIN, "User/a/b",
			ACP_OBJECT_CREATOR_BINDING}},
	{ACP_CREATOR_PREFIX, "system:serviceaccount:ns:robot",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", ADMIN,
			"ServiceAccount/ns/robot", ACP_OBJECT_CREATOR_BINDING}},
	{ACP_CREATOR_PREFIX, "robot",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", ADMIN,
			"ServiceAccount/robot", ACP_OBJECT_FOREIGN}},
	{ACP_CREATOR_PREFIX, "ann@x",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", ADMIN, "User/bob@x",
			ACP_OBJECT_FOREIGN}},
	{ACP_CREATOR_PREFIX, "ann@x",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", EDIT, "User/ann@x",
			ACP_OBJECT_FOREIGN}},
	{ACP_CREATOR_PREFIX, "ann@x",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", ADMIN, NULL,
			ACP_OBJECT_FOREIGN}},
	{ACP_GROUP_PREFIX, "edit/team",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", EDIT, "Group/team",
			ACP_OBJECT_GROUP_BINDING}},
	{ACP_GROUP_PREFIX, "edit/team",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", ADMIN, "Group/team",
			ACP_OBJECT_FOREIGN}},
	{ACP_GROUP_PREFIX, "edit/team",
		{ACP_KIND_ROLE_BINDING, "p2", NULL, "p1", EDIT, "Group/team",
			ACP_OBJECT_FOREIGN}},
	{ACP_GROUP_PREFIX, "edit/team",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", NULL, "Group/team",
			ACP_OBJECT_FOREIGN}},
	{ACP_PULLER_PREFIX, "p1",
		{ACP_KIND_ROLE_BINDING, "images", NULL, "p1", NULL, NULL,
			ACP_OBJECT_IMAGE_PULLER}},
	{ACP_PULLER_PREFIX, "p1",
		{ACP_KIND_ROLE_BINDING, "images", NULL, "p2", NULL, NULL,
			ACP_OBJECT_FOREIGN}},
	{ACP_PULLER_PREFIX, "p1",
		{ACP_KIND_ROLE_BINDING, "p1", NULL, "p1", NULL, NULL,
			ACP_OBJECT_FOREIGN}},
};

START_TEST(a_bindings_name_must_be_that_of_its_role_and_subject)
{
	struct acp_object object = make_object(&bound[_i].object);
	char name[ACP_NAME_SIZE];

	acp_desired_binding_name(bound[_i].prefix, bound[_i].text, name);
	object.name = name;
	ck_assert_int_eq(
		acp_ownership_judge(&site, &object), bound[_i].object.what);
}
END_TEST

START_TEST(in_mpp_only_the_tenant_namespace_is_proof)
{
	struct judged row = {ACP_KIND_TENANT_NAMESPACE, "settings", "p1", "p1",
		NULL, NULL, ACP_OBJECT_NAMESPACE};
	struct acp_object object = make_object(&row);

	site.platform = ACP_PLATFORM_MPP;
	ck_assert_int_eq(
		acp_ownership_judge(&site, &object), ACP_OBJECT_NAMESPACE);
	object.namespace = "elsewhere";
	ck_assert_int_eq(
		acp_ownership_judge(&site, &object), ACP_OBJECT_FOREIGN);
	row = (struct judged){ACP_KIND_NAMESPACE, NULL, "ambient-code--p1",
		"p1", NULL, NULL, ACP_OBJECT_FOREIGN};
	object = make_object(&row);
	ck_assert_int_eq(
		acp_ownership_judge(&site, &object), ACP_OBJECT_FOREIGN);
}
END_TEST

START_TEST(a_namespace_may_be_used_by_the_project_it_names_alone)
{
	const struct judged row = {ACP_KIND_NAMESPACE, NULL, "p1", "p1", NULL,
		NULL, ACP_OBJECT_NAMESPACE};
	struct acp_object object = make_object(&row);

	ck_assert(acp_ownership_may_use(&site, &object, "p1"));
	ck_assert(!acp_ownership_may_use(&site, &object, "P1"));
	object.instance = NULL;
	ck_assert(!acp_ownership_may_use(&site, &object, "p1"));
	site.adopts = true;
	ck_assert(acp_ownership_may_use(&site, &object, "p1"));
	object.instance = "other";
	ck_assert(!acp_ownership_may_use(&site, &object, "p1"));
	object.instance = NULL;
	object.managed = NULL;
	ck_assert(!acp_ownership_may_use(&site, &object, "p1"));
}
END_TEST

#define SESSION "Session0001"

static struct acp_session_names names;

/* One of the objects of the session, made as we make it. */
static struct acp_object
make_session_object(enum acp_kind kind, const char *name)
{
	const struct judged row = {
		kind, "p1", name, "p1", NULL, NULL, ACP_OBJECT_FOREIGN};
	struct acp_object object = make_object(&row);

	object.session_id = SESSION;
	if (kind == ACP_KIND_SERVICE_ACCOUNT) {
		object.uid = "sa";
		object.anchor_key_id = "key";
	} else {
		object.owner_uid = "sa";
	}
	return object;
}

static void
set_up_session(void)
{
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, 1000);
	ck_assert_int_eq(
		acp_session_names_write(SESSION, &names, &why), ACP_OK);
	*acp_world_add_object(&world.objects[ACP_KIND_SERVICE_ACCOUNT]) =
		make_session_object(ACP_KIND_SERVICE_ACCOUNT, names.account);
	acp_world_sort(&world);
}

static bool
is_of_session(const struct acp_object *object)
{
	return acp_ownership_is_of_session(&world, &site, object);
}

START_TEST(pods_and_services_must_be_owned_by_their_sessions_account)
{
	struct acp_object pod, service, *account;

	set_up_session();
	pod = make_session_object(ACP_KIND_POD, names.pod);
	service = make_session_object(ACP_KIND_SERVICE, names.service);
	ck_assert(is_of_session(&pod));
	ck_assert(is_of_session(&service));
	pod.owner_uid = "other";
	ck_assert(!is_of_session(&pod));
	pod.owner_uid = NULL;
	ck_assert(!is_of_session(&pod));
	/* another session, whose id differs in case alone (H-31) */
	service.session_id = "session0001";
	ck_assert(!is_of_session(&service));
	service.session_id = SESSION;
	account = &world.objects[ACP_KIND_SERVICE_ACCOUNT].items[0];
	account->session_id = "session0001";
	ck_assert(!is_of_session(&service));
	account->session_id = SESSION;
	account->project_id = "P1";
	ck_assert(!is_of_session(&service));
	account->project_id = "p1";
	account->instance = "other";
	ck_assert(!is_of_session(&service));
	world.objects[ACP_KIND_SERVICE_ACCOUNT].count = 0;
	ck_assert(!is_of_session(&service));
}
END_TEST

START_TEST(an_account_must_have_its_name_and_be_in_its_projects_namespace)
{
	struct acp_object account;

	set_up_session();
	account = make_session_object(ACP_KIND_SERVICE_ACCOUNT, names.account);
	ck_assert(is_of_session(&account));
	account.name = "session-session0001-sa";
	ck_assert(!is_of_session(&account));
	account.name = names.pod;
	ck_assert(!is_of_session(&account));
	account.name = names.account;
	account.namespace = "p2";
	ck_assert(!is_of_session(&account));
	account.namespace = "p1";
	account.session_id = NULL;
	ck_assert(!is_of_session(&account));
	account.session_id = SESSION;
	account.kind = ACP_KIND_ROLE;
	ck_assert(!is_of_session(&account));
}
END_TEST

/* Of a made-up id there is no row; a row of another project is none either. */
START_TEST(an_account_without_an_anchor_is_ours_by_its_row_alone)
{
	struct acp_object *account;
	struct acp_object pod;

	set_up_session();
	pod = make_session_object(ACP_KIND_POD, names.pod);
	account = &world.objects[ACP_KIND_SERVICE_ACCOUNT].items[0];
	account->anchor_key_id = NULL;
	ck_assert(!is_of_session(account));
	ck_assert(!is_of_session(&pod));
	ck_assert_uint_eq(acp_ownership_count_foreign(&world, &site), 1);
	*acp_world_add_session(&world) =
		(struct acp_session_row){.id = SESSION, .project_id = "p2"};
	ck_assert(!is_of_session(account));
	world.sessions[0].project_id = NULL;
	ck_assert(!is_of_session(account));
	world.sessions[0].project_id = "p1";
	ck_assert(is_of_session(account));
	ck_assert(is_of_session(&pod));
	ck_assert_uint_eq(acp_ownership_count_foreign(&world, &site), 0);
}
END_TEST

START_TEST(lookalikes_of_session_objects_are_counted)
{
	struct acp_object *pod;

	set_up_session();
	ck_assert_uint_eq(acp_ownership_count_foreign(&world, &site), 0);
	pod = acp_world_add_object(&world.objects[ACP_KIND_POD]);
	*pod = make_session_object(ACP_KIND_POD, names.pod);
	ck_assert_uint_eq(acp_ownership_count_foreign(&world, &site), 0);
	pod->name = "session-mine-runner";
	ck_assert_uint_eq(acp_ownership_count_foreign(&world, &site), 1);
	/* one that goes has perhaps outlived its account */
	pod->deleted_s = 1;
	ck_assert_uint_eq(acp_ownership_count_foreign(&world, &site), 0);
}
END_TEST

START_TEST(a_namespace_is_for_sessions_when_it_is_ours_and_active)
{
	const struct judged row = {ACP_KIND_NAMESPACE, NULL, "p1", "p1", NULL,
		NULL, ACP_OBJECT_NAMESPACE};
	struct acp_object *object;

	ck_assert(!acp_ownership_has_namespace(&world, &site, "p1", "p1"));
	object = acp_world_add_object(&world.objects[ACP_KIND_NAMESPACE]);
	*object = make_object(&row);
	ck_assert(!acp_ownership_has_namespace(&world, &site, "p1", "p1"));
	object->is_active = true;
	ck_assert(acp_ownership_has_namespace(&world, &site, "p1", "p1"));
	ck_assert(!acp_ownership_has_namespace(&world, &site, "P1", "p1"));
	object->deleted_s = 1;
	ck_assert(!acp_ownership_has_namespace(&world, &site, "p1", "p1"));
	object->deleted_s = 0;
	object->instance = "other";
	ck_assert(!acp_ownership_has_namespace(&world, &site, "p1", "p1"));
}
END_TEST

START_TEST(in_mpp_the_tenant_namespace_says_whose_it_is)
{
	static const char name[] = "ambient-code--p1";
	const struct judged tenant = {ACP_KIND_TENANT_NAMESPACE, "settings",
		"p1", "p1", NULL, NULL, ACP_OBJECT_NAMESPACE};
	struct acp_object *object =
		acp_world_add_object(&world.foreign_namespaces);

	site.platform = ACP_PLATFORM_MPP;
	*object = (struct acp_object){
		.kind = ACP_KIND_NAMESPACE, .name = name, .is_active = true};
	ck_assert(!acp_ownership_has_namespace(&world, &site, "p1", name));
	object =
		acp_world_add_object(&world.objects[ACP_KIND_TENANT_NAMESPACE]);
	*object = make_object(&tenant);
	ck_assert(acp_ownership_has_namespace(&world, &site, "p1", name));
	object->project_id = "p2";
	ck_assert(!acp_ownership_has_namespace(&world, &site, "p1", name));
}
END_TEST

static Suite *
ownership_suite(void)
{
	Suite *suite = suite_create("ownership");
	TCase *tcase = tcase_create("ownership");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(
		tcase, labels_place_and_name_must_agree, 0, COUNT(judged));
	tcase_add_loop_test(tcase,
		a_bindings_name_must_be_that_of_its_role_and_subject, 0,
		COUNT(bound));
	tcase_add_test(tcase, in_mpp_only_the_tenant_namespace_is_proof);
	tcase_add_test(
		tcase, a_namespace_may_be_used_by_the_project_it_names_alone);
	tcase_add_test(tcase,
		pods_and_services_must_be_owned_by_their_sessions_account);
	tcase_add_test(tcase,
		an_account_must_have_its_name_and_be_in_its_projects_namespace);
	tcase_add_test(
		tcase, an_account_without_an_anchor_is_ours_by_its_row_alone);
	tcase_add_test(tcase, lookalikes_of_session_objects_are_counted);
	tcase_add_test(
		tcase, a_namespace_is_for_sessions_when_it_is_ours_and_active);
	tcase_add_test(tcase, in_mpp_the_tenant_namespace_says_whose_it_is);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(ownership_suite)
