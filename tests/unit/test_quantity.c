/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/quantity.c: which amounts are understood, and as how much.
 */
#include <config.h>

#include "reconciler/quantity.h"

#include "tests/unit/unit.h"

#include <stddef.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *text;
	int64_t thousandths; /* 0: refused */
} cases[] = {
	{"500m", 500},
	{"2", 2000},
	{"0.1", 100},
	{"1.5", 1500},
	{"1.125", 1125},
	{"512Mi", INT64_C(512) * 1024 * 1024 * 1000},
	{"4Gi", INT64_C(4) * 1024 * 1024 * 1024 * 1000},
	{"1Ki", 1024000},
	{"1k", 1000000},
	{"3M", INT64_C(3000000000)},
	{"1Pi", (INT64_C(1) << 50) * 1000},
	{NULL, 0},
	{"", 0},
	{"0", 0},
	{"0m", 0},
	{"m", 0},
	{"-1", 0},
	{"+1", 0},
	{" 1", 0},
	{"1 ", 0},
	{"1.", 0},
	{".5", 0},
	{"1.5m", 0},
	{"1.0001", 0},
	{"1K", 0},
	{"1ki", 0},
	{"1Mib", 0},
	{"1e3", 0},
	{"1Gi1", 0},
	{"9007Pi", 0},
	{"99999999999999999999", 0},
	{"1\n", 0},
};

START_TEST(an_amount_is_read_or_refused_as_kubernetes_would)
{
	int64_t thousandths = -1;

	ck_assert_int_eq(acp_quantity_read(cases[_i].text, &thousandths),
		cases[_i].thousandths != 0);
	if (cases[_i].thousandths)
		ck_assert_int_eq(thousandths, cases[_i].thousandths);
}
END_TEST

static Suite *
quantity_suite(void)
{
	Suite *suite = suite_create("quantity");
	TCase *tcase = tcase_create("quantity");

	tcase_add_loop_test(tcase,
		an_amount_is_read_or_refused_as_kubernetes_would, 0,
		COUNT(cases));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(quantity_suite)
