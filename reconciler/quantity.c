/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads quantities, for the configuration and for rows. Must never accept
 * what a Kubernetes API server would not.
 */
#include <config.h>

#include "reconciler/quantity.h"

#include <stddef.h>
#include <string.h>

static bool
is_digit(char character)
{
	return character >= '0' && character <= '9';
}

static bool
add_digit(int64_t *number, char digit)
{
	return !__builtin_mul_overflow(*number, 10, number) &&
		!__builtin_add_overflow(*number, digit - '0', number);
}

/* The number in thousandths; *text is left behind it. */
static bool
read_number(const char **text, int64_t *number)
{
	const char *at = *text;
	int decimals = 0;

	*number = 0;
	if (!is_digit(*at))
		return false;
	for (; is_digit(*at); at++)
		if (!add_digit(number, *at))
			return false;
	if (*at == '.') {
		for (at++; is_digit(*at); at++, decimals++)
			if (decimals == 3 || !add_digit(number, *at))
				return false;
		if (decimals == 0)
			return false;
	}
	for (; decimals < 3; decimals++)
		if (!add_digit(number, '0'))
			return false;
	*text = at;
	return true;
}

/* What a suffix multiplies by; 0 for what is none. */
static int64_t
find_factor(const char *suffix)
{
	static const struct {
		char suffix[3];
		int64_t factor;
	} factors[] = {
		{"", 1},
		{"k", INT64_C(1000)},
		{"M", INT64_C(1000000)},
		{"G", INT64_C(1000000000)},
		{"T", INT64_C(1000000000000)},
		{"P", INT64_C(1000000000000000)},
		{"Ki", INT64_C(1) << 10},
		{"Mi", INT64_C(1) << 20},
		{"Gi", INT64_C(1) << 30},
		{"Ti", INT64_C(1) << 40},
		{"Pi", INT64_C(1) << 50},
	};

	for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++)
		if (strcmp(suffix, factors[i].suffix) == 0)
			return factors[i].factor;
	return 0;
}

bool
acp_quantity_read(const char *text, int64_t *thousandths)
{
	int64_t number, factor;

	if (!text || !read_number(&text, &number) || number == 0)
		return false;
	if (strcmp(text, "m") == 0) {
		*thousandths = number / 1000;
		return number % 1000 == 0;
	}
	factor = find_factor(text);
	return factor && !__builtin_mul_overflow(number, factor, thousandths);
}
