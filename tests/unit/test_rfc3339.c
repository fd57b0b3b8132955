/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/rfc3339.c: times to the microsecond, and what is no time.
 */
#include <config.h>

#include "reconciler/rfc3339.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *text;
	int64_t time_us;
} times[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"1970-01-01T00:00:00.000001Z", 1},
	{"1969-12-31T23:59:59.5Z", -500000},
	{"2026-11-22T10:20:30Z", 1795342830000000},
	{"2026-11-22T10:20:30.123456Z", 1795342830123456},
	{"2026-11-22T10:20:30.123456789Z", 1795342830123456},
	{"2026-11-22T10:20:30.12Z", 1795342830120000},
	{"2026-11-22T12:20:30+02:00", 1795342830000000},
	{"2026-11-22T04:50:30-05:30", 1795342830000000},
	{"2026-11-22T10:20:30+00:00", 1795342830000000},
	{"2024-02-29T00:00:00Z", 1709164800000000},
	{"2000-02-29T00:00:00Z", 951782400000000},
	{"0001-01-01T00:00:00Z", -62135596800000000},
	{"9999-12-31T23:59:59.999999Z", 253402300799999999},
};

START_TEST(a_time_is_read_to_the_microsecond)
{
	int64_t time_us = -7;

	ck_assert(acp_rfc3339_read(
		times[_i].text, strlen(times[_i].text), &time_us));
	ck_assert_int_eq(time_us, times[_i].time_us);
}
END_TEST

static const char *const others[] = {
	"",
	"2026-11-22",
	"2026-11-22T10:20:30",
	"2026-11-22T10:20Z",
	"2026-11-22 10:20:30Z",
	"2026-11-22t10:20:30Z",
	"2026-11-22T10:20:30z",
	"2026-11-22T10:20:30.Z",
	"2026-11-22T10:20:30,5Z",
	"2026-11-22T10:20:30Z ",
	" 2026-11-22T10:20:30Z",
	"2026-11-22T10:20:30ZZ",
	"2026-11-22T10:20:30+0200",
	"2026-11-22T10:20:30+24:00",
	"2026-11-22T10:20:30+02:60",
	"2026-11-22T10:20:30+2:00",
	"2026-00-22T10:20:30Z",
	"2026-13-22T10:20:30Z",
	"2026-11-00T10:20:30Z",
	"2026-11-31T10:20:30Z",
	"2026-02-29T10:20:30Z",
	"1900-02-29T10:20:30Z",
	"2026-11-22T24:00:00Z",
	"2026-11-22T10:60:30Z",
	"2026-11-22T10:20:60Z",
	"2026-11-22T10:20:61Z",
	"0000-01-01T00:00:00Z",
	"02026-11-22T10:20:30Z",
	"+026-11-22T10:20:30Z",
	"2026-1-22T10:20:30Z",
	"-026-11-22T10:20:30Z",
};

START_TEST(other_texts_are_no_times)
{
	int64_t time_us = -7;

	ck_assert(!acp_rfc3339_read(others[_i], strlen(others[_i]), &time_us));
	ck_assert_int_eq(time_us, -7);
}
END_TEST

START_TEST(a_text_that_is_cut_is_no_time)
{
	const char *text = "2026-11-22T10:20:30.5+02:00";
	int64_t time_us = 0;

	for (size_t size = 0; size < strlen(text); size++)
		ck_assert(!acp_rfc3339_read(text, size, &time_us));
}
END_TEST

START_TEST(the_calendar_is_that_of_the_c_library)
{
	/* a step of days that meets every month and leap rule */
	for (int64_t day = 0; day < 400 * 365; day += 13) {
		time_t seconds = (time_t)(day * 86400);
		struct tm civil;
		char text[64];
		int64_t time_us = 0;

		ck_assert_ptr_nonnull(gmtime_r(&seconds, &civil));
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &civil);
		ck_assert(acp_rfc3339_read(text, strlen(text), &time_us));
		ck_assert_int_eq(time_us, (int64_t)seconds * 1000000);
	}
}
END_TEST

static Suite *
rfc3339_suite(void)
{
	Suite *suite = suite_create("rfc3339");
	TCase *tcase = tcase_create("rfc3339");

	tcase_add_loop_test(
		tcase, a_time_is_read_to_the_microsecond, 0, COUNT(times));
	tcase_add_loop_test(tcase, other_texts_are_no_times, 0, COUNT(others));
	tcase_add_test(tcase, a_text_that_is_cut_is_no_time);
	tcase_add_test(tcase, the_calendar_is_that_of_the_c_library);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(rfc3339_suite)
