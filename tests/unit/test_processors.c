/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/processors.c on folders that look like those of control groups.
 */
#include <config.h>

#include "fcgi/processors.h"

#include "lib/buffer.h"
#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *text;
	size_t processors;
} quotas[] = {
	{"100000 100000\n", 1},
	{"150000 100000\n", 2},
	{"200000 100000\n", 2},
	{"200001 100000\n", 3},
	{"200000 100000", 2},
	{"1000 1000000\n", 1},
	{"5000000000000 1000000\n", 5000000},
	{"max 100000\n", SIZE_MAX},
	{"max\n", SIZE_MAX},
	{"", SIZE_MAX},
	{"\n", SIZE_MAX},
	{"100000\n", SIZE_MAX},
	{"100000 \n", SIZE_MAX},
	{"100000 0\n", SIZE_MAX},
	{"0 100000\n", SIZE_MAX},
	{"-100000 100000\n", SIZE_MAX},
	{"100000 -100000\n", SIZE_MAX},
	{" 100000 100000\n", SIZE_MAX},
	{"100000  100000\n", SIZE_MAX},
	{"100000 100000 1\n", SIZE_MAX},
	{"1e5 100000\n", SIZE_MAX},
	{"99999999999999999999999 1\n", SIZE_MAX},
};

START_TEST(a_quota_is_rounded_up_to_processors)
{
	ck_assert_uint_eq(acp_processors_parse_quota(quotas[_i].text),
		quotas[_i].processors);
}
END_TEST

/* A folder with two groups, one in the other, and a list of groups. */
static const char *const names[] = {
	"cpu.max", "pod/cpu.max", "pod/box/cpu.max", "list"};
static char root[40];
static char path[100];

static const char *
name(const char *file)
{
	snprintf(path, sizeof(path), "%s/%s", root, file);
	return path;
}

static void
put(const char *file, const char *text)
{
	FILE *stream = fopen(name(file), "w");

	ck_assert_ptr_nonnull(stream);
	ck_assert_int_ge(fputs(text, stream), 0);
	ck_assert_int_eq(fclose(stream), 0);
}

static void
set_up(void)
{
	snprintf(root, sizeof(root), "/tmp/acp-processors-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(mkdir(name("pod"), 0700), 0);
	ck_assert_int_eq(mkdir(name("pod/box"), 0700), 0);
}

static void
tear_down(void)
{
	for (int i = 0; i < COUNT(names); i++)
		unlink(name(names[i]));
	rmdir(name("pod/box"));
	rmdir(name("pod"));
	rmdir(root);
}

static size_t
find(const char *list)
{
	put("list", list);
	return acp_processors_find_quota(name("list"), root);
}

START_TEST(the_least_quota_from_the_group_up_counts)
{
	static const char list[] = "2:cpu:/other\n0::/pod/box\n";

	ck_assert_uint_eq(find(list), SIZE_MAX);
	put("pod/box/cpu.max", "max 100000\n");
	ck_assert_uint_eq(find(list), SIZE_MAX);
	put("pod/box/cpu.max", "400000 100000\n");
	ck_assert_uint_eq(find(list), 4);
	put("pod/cpu.max", "250000 100000\n");
	ck_assert_uint_eq(find(list), 3);
	put("cpu.max", "100000 100000\n");
	ck_assert_uint_eq(find(list), 1);
	put("pod/cpu.max", "100 100000\n");
	ck_assert_uint_eq(find(list), 1);
}
END_TEST

START_TEST(a_container_sees_its_own_group_as_the_root)
{
	put("cpu.max", "300000 100000\n");
	put("pod/cpu.max", "100000 100000\n");
	ck_assert_uint_eq(find("0::/\n"), 3);
	ck_assert_uint_eq(find("0::/"), 3);
}
END_TEST

START_TEST(what_names_no_group_of_version_2_limits_nothing)
{
	put("cpu.max", "100000 100000\n");
	ck_assert_uint_eq(find(""), SIZE_MAX);
	ck_assert_uint_eq(find("\n\n"), SIZE_MAX);
	ck_assert_uint_eq(find("4:cpu:/\n3:memory:/pod\n"), SIZE_MAX);
	ck_assert_uint_eq(find("10::/\n"), SIZE_MAX);
	ck_assert_uint_eq(
		acp_processors_find_quota("/not/there", root), SIZE_MAX);
}
END_TEST

START_TEST(a_list_one_byte_too_long_limits_nothing)
{
	ACP_AUTO(buffer) struct acp_buffer list;

	put("cpu.max", "100000 100000\n");
	acp_buffer_init(&list, ACP_CGROUP_FILE_MAX + 1);
	acp_buffer_append(&list, "0::/\n");
	while (list.size < ACP_CGROUP_FILE_MAX)
		acp_buffer_append(&list, "\n");
	ck_assert_uint_eq(find(list.text), 1);
	acp_buffer_append(&list, "\n");
	ck_assert_uint_eq(find(list.text), SIZE_MAX);
}
END_TEST

START_TEST(this_process_may_use_a_processor)
{
	ck_assert_uint_ge(acp_processors_count(), 1);
}
END_TEST

static Suite *
processors_suite(void)
{
	Suite *suite = suite_create("processors");
	TCase *cases = tcase_create("processors");

	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_loop_test(
		cases, a_quota_is_rounded_up_to_processors, 0, COUNT(quotas));
	tcase_add_test(cases, the_least_quota_from_the_group_up_counts);
	tcase_add_test(cases, a_container_sees_its_own_group_as_the_root);
	tcase_add_test(cases, what_names_no_group_of_version_2_limits_nothing);
	tcase_add_test(cases, a_list_one_byte_too_long_limits_nothing);
	tcase_add_test(cases, this_process_may_use_a_processor);
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(processors_suite)
