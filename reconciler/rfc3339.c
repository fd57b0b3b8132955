/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict reader of RFC 3339 for rows and objects. Reckons with the civil
 * calendar itself, for timegm takes whatever it is given.
 */
#include <config.h>

#include "reconciler/rfc3339.h"

#include <string.h>

enum { SECONDS_A_DAY = 86400, MICROSECONDS = 1000000 };

struct cursor {
	const char *at;
	const char *end;
};

struct civil {
	int year, month, day, hour, minute, second;
};

static bool
has_digit(const struct cursor *cursor)
{
	return cursor->at < cursor->end && *cursor->at >= '0' &&
		*cursor->at <= '9';
}

static bool
take_number(struct cursor *cursor, int digits, int *number)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		if (!has_digit(cursor))
			return false;
		value = value * 10 + (*cursor->at++ - '0');
	}
	*number = value;
	return true;
}

static bool
take_char(struct cursor *cursor, char wanted)
{
	if (cursor->at == cursor->end || *cursor->at != wanted)
		return false;
	cursor->at++;
	return true;
}

static bool
take_date(struct cursor *cursor, struct civil *civil)
{
	return take_number(cursor, 4, &civil->year) && take_char(cursor, '-') &&
		take_number(cursor, 2, &civil->month) &&
		take_char(cursor, '-') && take_number(cursor, 2, &civil->day);
}

static bool
take_time(struct cursor *cursor, struct civil *civil)
{
	return take_number(cursor, 2, &civil->hour) && take_char(cursor, ':') &&
		take_number(cursor, 2, &civil->minute) &&
		take_char(cursor, ':') &&
		take_number(cursor, 2, &civil->second);
}

/* None, or a point and at least one digit; six of them count. */
static bool
take_fraction(struct cursor *cursor, int *microseconds)
{
	int scale = MICROSECONDS / 10;

	*microseconds = 0;
	if (!take_char(cursor, '.'))
		return true;
	if (!has_digit(cursor))
		return false;
	for (; has_digit(cursor); cursor->at++, scale /= 10)
		*microseconds += (*cursor->at - '0') * scale;
	return true;
}

static bool
take_zone(struct cursor *cursor, int *minutes)
{
	int sign = 1;
	int hour;
	int minute;

	*minutes = 0;
	if (take_char(cursor, 'Z'))
		return true;
	if (take_char(cursor, '-'))
		sign = -1;
	else if (!take_char(cursor, '+'))
		return false;
	if (!take_number(cursor, 2, &hour) || !take_char(cursor, ':') ||
		!take_number(cursor, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*minutes = sign * (hour * 60 + minute);
	return true;
}

static int
count_days(int year, int month)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

static bool
is_civil_good(const struct civil *civil)
{
	return civil->year >= 1 && civil->month >= 1 && civil->month <= 12 &&
		civil->day >= 1 &&
		civil->day <= count_days(civil->year, civil->month) &&
		civil->hour <= 23 && civil->minute <= 59 && civil->second <= 59;
}

/* Days of the Gregorian calendar from 1970-01-01 to that day. */
static int64_t
reckon_days(const struct civil *civil)
{
	const int64_t days_before_1970 = 719162;
	int64_t past = civil->year - 1;
	int64_t days = past * 365 + past / 4 - past / 100 + past / 400;

	for (int month = 1; month < civil->month; month++)
		days += count_days(civil->year, month);
	return days + civil->day - 1 - days_before_1970;
}

bool
acp_rfc3339_read(const char *text, size_t size, int64_t *time_us)
{
	struct cursor cursor = {text, text + size};
	struct civil civil;
	int microseconds;
	int zone;
	int64_t seconds;

	if (!take_date(&cursor, &civil) || !take_char(&cursor, 'T') ||
		!take_time(&cursor, &civil) ||
		!take_fraction(&cursor, &microseconds) ||
		!take_zone(&cursor, &zone) || cursor.at != cursor.end ||
		!is_civil_good(&civil))
		return false;
	seconds = reckon_days(&civil) * SECONDS_A_DAY + civil.hour * 3600 +
		(civil.minute - zone) * 60 + civil.second;
	*time_us = seconds * MICROSECONDS + microseconds;
	return true;
}
