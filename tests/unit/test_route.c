/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/route.c: one spelling for each path.
 */
#include <config.h>

#include "fcgi/route.h"

#include "tests/unit/unit.h"

static const struct {
	const char *uri;
	enum acp_route route;
} cases[] = {
	{"/token", ACP_ROUTE_TOKEN},
	{"/token?", ACP_ROUTE_TOKEN},
	{"/token?s=1&p=2", ACP_ROUTE_TOKEN},
	{"/token?/token", ACP_ROUTE_TOKEN},
	{"/healthz", ACP_ROUTE_HEALTHZ},
	{"/readyz?x", ACP_ROUTE_READYZ},
	{"/metrics", ACP_ROUTE_METRICS},
	{NULL, ACP_ROUTE_OTHER},
	{"", ACP_ROUTE_OTHER},
	{"?", ACP_ROUTE_OTHER},
	{"/", ACP_ROUTE_OTHER},
	{"other", ACP_ROUTE_OTHER},
	{"token", ACP_ROUTE_OTHER},
	{"/token/", ACP_ROUTE_OTHER},
	{"//token", ACP_ROUTE_OTHER},
	{"/%74oken", ACP_ROUTE_OTHER},
	{"/Token", ACP_ROUTE_OTHER},
	{"/tokenx", ACP_ROUTE_OTHER},
	{"/toke", ACP_ROUTE_OTHER},
	{"/token;x", ACP_ROUTE_OTHER},
	{"/token#x", ACP_ROUTE_OTHER},
	{"/a/../token", ACP_ROUTE_OTHER},
	{"/./token", ACP_ROUTE_OTHER},
	{"http://host/token", ACP_ROUTE_OTHER},
	{"*", ACP_ROUTE_OTHER},
};

START_TEST(a_path_is_compared_as_it_was_sent)
{
	ck_assert_int_eq(acp_route_find(cases[_i].uri), cases[_i].route);
}
END_TEST

static Suite *
route_suite(void)
{
	Suite *suite = suite_create("route");
	TCase *tcase = tcase_create("route");

	tcase_add_loop_test(tcase, a_path_is_compared_as_it_was_sent, 0,
		sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(route_suite)
