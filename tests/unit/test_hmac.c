/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/hmac.c against the vectors of RFC 4231 and RFC 5869, and one made with
 * another implementation for the kind of salt and info that we use.
 */
#include <config.h>

#include "lib/hmac.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void
check_hex(const uint8_t *bytes, const char *hex)
{
	char text[2 * ACP_HMAC_SIZE + 1];

	for (size_t i = 0; i < ACP_HMAC_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	ck_assert_str_eq(text, hex);
}

/* A text, or one byte repeated when text is NULL. */
struct input {
	const char *text;
	uint8_t byte;
	size_t size;
};

static size_t
fill_input(const struct input *input, uint8_t *room)
{
	if (!input->text) {
		memset(room, input->byte, input->size);
		return input->size;
	}
	memcpy(room, input->text, strlen(input->text));
	return strlen(input->text);
}

static const struct {
	struct input key, data;
	const char *mac;
} hmac_cases[] = {
	/* RFC 4231 §4.2, 4.3, 4.4, 4.7, 4.8 */
	{{NULL, 0x0b, 20}, {"Hi There", 0, 0},
		"b0344c61d8db38535ca8afceaf0bf12b"
		"881dc200c9833da726e9376c2e32cff7"},
	{{"Jefe", 0, 0}, {"what do ya want for nothing?", 0, 0},
		"5bdcc146bf60754e6a042426089575c7"
		"5a003f089d2739839dec58b964ec3843"},
	{{NULL, 0xaa, 20}, {NULL, 0xdd, 50},
		"773ea91e36800e46854db8ebd09181a7"
		"2959098b3ef8c122d9635514ced565fe"},
	{{NULL, 0xaa, 131},
		{"Test Using Larger Than Block-Size Key - Hash Key First", 0,
			0},
		"60e431591ee0b67f0d8a26aacbf5b77f"
		"8e0bc6213728c5140546040f0ee37f54"},
	{{NULL, 0xaa, 131},
		{"This is a test using a larger than block-size key and a "
		 "larger than block-size data. The key needs to be hashed "
		 "before being used by the HMAC algorithm.",
			0, 0},
		"9b09ffa71b942fcb27635fbcd5b0e944"
		"bfdc63644f0713938a7f51535c3a35e2"},
};

START_TEST(hmac_agrees_with_rfc_4231)
{
	uint8_t key[200], data[200], mac[ACP_HMAC_SIZE];
	size_t key_size = fill_input(&hmac_cases[_i].key, key);
	size_t data_size = fill_input(&hmac_cases[_i].data, data);

	acp_hmac_compute(key, key_size, data, data_size, mac);
	check_hex(mac, hmac_cases[_i].mac);
}
END_TEST

START_TEST(an_empty_key_and_empty_data_are_allowed)
{
	uint8_t mac[ACP_HMAC_SIZE];

	acp_hmac_compute("", 0, "", 0, mac);
	check_hex(mac,
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5"
		"ad");
}
END_TEST

static const struct {
	const char *salt, *info, *derived;
} hkdf_cases[] = {
	/* RFC 5869 A.3, its first 32 bytes */
	{"", "",
		"8da4e775a563c18f715f802a063c5a31"
		"b8a11f5c5ee1879ec3454e5f3c738d2d"},
	/* the same input key through OpenSSL's HKDF */
	{"ambient-cp/v1", "binding",
		"55c2dd2c94f418af475aff0e9ca6c550"
		"b794b97cda66c2958f87623c73d3aeb5"},
	{"ambient-cp/v1", "log",
		"2a833173e7657a64857076ad271bd4c1"
		"d5c0cfa973e9bdcbc3c086c6a95923e5"},
};

START_TEST(hkdf_agrees_with_rfc_5869)
{
	uint8_t secret[22], derived[ACP_HMAC_SIZE];

	memset(secret, 0x0b, sizeof(secret));
	acp_hmac_derive(secret, sizeof(secret), hkdf_cases[_i].salt,
		hkdf_cases[_i].info, derived);
	check_hex(derived, hkdf_cases[_i].derived);
}
END_TEST

static Suite *
hmac_suite(void)
{
	Suite *suite = suite_create("hmac");
	TCase *tcase = tcase_create("hmac");

	tcase_add_loop_test(tcase, hmac_agrees_with_rfc_4231, 0,
		sizeof(hmac_cases) / sizeof(hmac_cases[0]));
	tcase_add_test(tcase, an_empty_key_and_empty_data_are_allowed);
	tcase_add_loop_test(tcase, hkdf_agrees_with_rfc_5869, 0,
		sizeof(hkdf_cases) / sizeof(hkdf_cases[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(hmac_suite)
