/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of lists, taken apart: every item comes once and whole, and what is
 * no page of a list is refused.
 */
#include <config.h>

#include "reconciler/kube_items.h"

#include "lib/buffer.h"
#include "lib/json.h"
#include "tests/unit/unit.h"

#include <stdint.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

static struct acp_buffer given;

static void
begin(void *context)
{
	(void)context;
}

static void
take(void *context, struct json_object *item)
{
	(void)context;
	acp_buffer_append(&given,
		json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN));
	acp_buffer_append(&given, "\n");
}

static const struct acp_kube_sink sink = {begin, take, NULL};

/* Cuts, gives, and says what remains of the page; false: refused. */
static bool
is_read(const char *text, struct acp_buffer *rest)
{
	ACP_AUTO(json) struct json_object *page = NULL;
	struct acp_kube_items items;

	acp_buffer_init(&given, TEXT_MAX);
	page = acp_kube_items_cut(text, strlen(text), &items);
	if (!page)
		return false;
	acp_buffer_append(rest,
		json_object_to_json_string_ext(page, JSON_C_TO_STRING_PLAIN));
	return !items.text || acp_kube_items_give(&items, &sink);
}

static const struct {
	const char *text, *rest, *given;
} pages[] = {
	{"{\"kind\":\"L\",\"items\":[{\"a\":1},{\"b\":[{},2]}]}",
		"{\"kind\":\"L\",\"items\":[]}", "{\"a\":1}\n{\"b\":[{},2]}\n"},
	{" {\n\"items\" : [ {\"a\":1} ,\n{} ] , \"z\":{\"y\":1}}\n",
		"{\"items\":[],\"z\":{\"y\":1}}", "{\"a\":1}\n{}\n"},
	{"{\"items\":[]}", "{\"items\":[]}", ""},
	{"{\"items\":[ ]}", "{\"items\":[]}", ""},
	{"{\"items\":null}", "{\"items\":null}", ""},
	{"{\"items\":{\"a\":1}}", "{\"items\":{\"a\":1}}", ""},
	{"{\"a\":1}", "{\"a\":1}", ""},
	/* the items of something else */
	{"{\"m\":{\"items\":[{\"a\":1}]},\"items\":[{\"b\":1}]}",
		"{\"m\":{\"items\":[{\"a\":1}]},\"items\":[]}", "{\"b\":1}\n"},
	{"{\"k\":\"items\",\"l\":[\"items\",[{\"a\":1}]]}",
		"{\"k\":\"items\",\"l\":[\"items\",[{\"a\":1}]]}", ""},
	/* brackets and quotes within strings */
	{"{\"items\":[{\"a\":\"]}\\\"],\\\\\"},{\"[{\":1}]}", "{\"items\":[]}",
		"{\"a\":\"]}\\\"],\\\\\"}\n{\"[{\":1}\n"},
	{"{\"k\":\"\\\"items\\\":[\",\"items\":[{}]}",
		"{\"k\":\"\\\"items\\\":[\",\"items\":[]}", "{}\n"},
	/* which fields somebody manages, and what only looks like it */
	{"{\"items\":[{\"metadata\":{\"n\":\"x\",\"managedFields\":[{\"f\":"
	 "{\"]\":{}}}],\"u\":1},\"s\":[{}]}]}",
		"{\"items\":[]}",
		"{\"metadata\":{\"n\":\"x\",\"managedFields\":[],\"u\":1},"
		"\"s\":[{}]}\n"},
	{"{\"items\":[{\"spec\":{\"metadata\":{\"managedFields\":[1]},"
	 "\"managedFields\":[2]},\"metadata\":{\"a\":{\"managedFields\":"
	 "[3]}},\"managedFields\":[4]}]}",
		"{\"items\":[]}",
		"{\"spec\":{\"metadata\":{\"managedFields\":[1]},"
		"\"managedFields\":[2]},\"metadata\":{\"a\":{\"managedFields\":"
		"[3]}},\"managedFields\":[4]}\n"},
	{"{\"items\":[{\"metadata\":[{\"managedFields\":[1]}]},{\"metadata\":"
	 "{\"managedFields\":\"[\"}}]}",
		"{\"items\":[]}",
		"{\"metadata\":[{\"managedFields\":[1]}]}\n{\"metadata\":"
		"{\"managedFields\":\"[\"}}\n"},
};

START_TEST(each_item_is_given_once_and_cut_out_of_the_page)
{
	ACP_AUTO(buffer) struct acp_buffer rest;

	acp_buffer_init(&rest, TEXT_MAX);
	ck_assert(is_read(pages[_i].text, &rest));
	ck_assert_str_eq(acp_buffer_peek(&rest), pages[_i].rest);
	ck_assert_str_eq(acp_buffer_peek(&given), pages[_i].given);
	acp_buffer_clear(&given);
}
END_TEST

static const char *const bad_pages[] = {
	"",
	"[]",
	"[{\"items\":[{}]}]",
	"{",
	"{\"items\"",
	"{\"items\":",
	"{\"items\":[",
	"{\"items\":[{}",
	"{\"items\":[{}]",
	"{\"items\":[{\"a\":\"]}",
	"{\"items\":[{\"a\":\"\\",
	"{\"items\":[1]}",
	"{\"items\":[{},1]}",
	"{\"items\":[{},null]}",
	"{\"items\":[[{}]]}",
	"{\"items\":[{},]}",
	"{\"items\":[,{}]}",
	"{\"items\":[{}{}]}",
	"{\"items\":[{} x {}]}",
	"{\"items\":[{a}]}",
	"{\"items\":[{]}]}",
	"{\"items\":[{}}}",
	"{\"items\":[{\"a\":1}]}}",
	"{\"items\":[{}]} x",
	"{\"x\":],\"items\":[{}]}",
	"{\"items\":[{\"metadata\":{\"managedFields\":[}]}",
	"{\"items\":[{\"metadata\":{\"managedFields\":[1]}]}",
	"{\"items\":[{\"metadata\":{\"managedFields\":[1]x}}]}",
};

START_TEST(what_is_no_page_is_refused)
{
	ACP_AUTO(buffer) struct acp_buffer rest;

	acp_buffer_init(&rest, TEXT_MAX);
	ck_assert_msg(!is_read(bad_pages[_i], &rest), "%s", bad_pages[_i]);
	acp_buffer_clear(&given);
}
END_TEST

START_TEST(a_page_that_is_cut_anywhere_is_refused)
{
	static const char whole[] =
		"{\"kind\":\"L\",\"items\":[{\"a\":\"\\\"]\"},{\"b\":[1]},"
		"{\"metadata\":{\"managedFields\":[{\"f\":{}}]}}]}";
	ACP_AUTO(buffer) struct acp_buffer rest;
	char part[sizeof(whole)];

	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		memcpy(part, whole, size);
		part[size] = '\0';
		acp_buffer_init(&rest, TEXT_MAX);
		ck_assert_msg(!is_read(part, &rest), "%s", part);
		acp_buffer_clear(&rest);
		acp_buffer_clear(&given);
	}
}
END_TEST

static Suite *
kube_items_suite(void)
{
	Suite *suite = suite_create("kube_items");
	TCase *tcase = tcase_create("kube_items");

	tcase_add_loop_test(tcase,
		each_item_is_given_once_and_cut_out_of_the_page, 0,
		sizeof(pages) / sizeof(*pages));
	tcase_add_loop_test(tcase, what_is_no_page_is_refused, 0,
		sizeof(bad_pages) / sizeof(*bad_pages));
	tcase_add_test(tcase, a_page_that_is_cut_anywhere_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(kube_items_suite)
