/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/gate.c: which bytes libfcgi may see. Records are written here by hand
 * from the FastCGI 1.0 specification.
 */
#include <config.h>

#include "fcgi/gate.h"

#include "lib/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

struct bytes {
	uint8_t data[2 * ACP_REQUEST_HEAD_MAX];
	size_t size;
};

static struct bytes bytes; /* one a test process */

static void
put(const void *data, size_t size)
{
	memcpy(bytes.data + bytes.size, data, size);
	bytes.size += size;
}

static void
put_record(uint8_t type, unsigned int id, const void *content, size_t size,
	uint8_t padding)
{
	const uint8_t head[8] = {1, type, (uint8_t)(id >> 8), (uint8_t)id,
		(uint8_t)(size >> 8), (uint8_t)size, padding, 0};
	static const uint8_t zeros[256];

	put(head, sizeof(head));
	put(content, size);
	put(zeros, padding);
}

static void
put_begin(unsigned int id, uint8_t role)
{
	const uint8_t body[8] = {0, role};

	put_record(1, id, body, sizeof(body), 0);
}

static const uint8_t pair[] = "\x0e\x03REQUEST_METHODGET";
enum { PAIR_SIZE = sizeof(pair) - 1 };

static void
put_whole(void)
{
	put_begin(1, 1);
	put_record(4, 1, pair, PAIR_SIZE, 5);
	put_record(4, 1, "", 0, 0);
}

static void
ck_verdict(enum acp_gate_verdict expected)
{
	ck_assert_int_eq(acp_gate_judge(bytes.data, bytes.size), expected);
}

START_TEST(a_whole_head_passes)
{
	put_whole();
	ck_verdict(ACP_GATE_WHOLE);
}
END_TEST

START_TEST(what_follows_the_head_does_not_matter)
{
	put_whole();
	put_record(5, 1, "body", 4, 0);
	put("\xff\xff", 2);
	ck_verdict(ACP_GATE_WHOLE);
}
END_TEST

START_TEST(every_prefix_of_a_head_waits_for_more)
{
	put_whole();
	for (size_t size = 0; size < bytes.size; size++)
		ck_assert_int_eq(
			acp_gate_judge(bytes.data, size), ACP_GATE_INCOMPLETE);
}
END_TEST

START_TEST(pairs_may_be_cut_anywhere_between_records)
{
	for (size_t cut = 0; cut <= PAIR_SIZE; cut++) {
		bytes.size = 0;
		put_begin(9, 1);
		if (cut > 0)
			put_record(4, 9, pair, cut, 0);
		if (cut < PAIR_SIZE)
			put_record(4, 9, pair + cut, PAIR_SIZE - cut, 3);
		put_record(4, 9, "", 0, 0);
		ck_verdict(ACP_GATE_WHOLE);
	}
}
END_TEST

START_TEST(four_byte_lengths_are_read)
{
	put_begin(1, 1);
	put_record(4, 1,
		"\x80\0\0\x01\x80\0\0\x02"
		"abc",
		11, 0);
	put_record(4, 1, "", 0, 0);
	ck_verdict(ACP_GATE_WHOLE);
}
END_TEST

/* What a hostile or broken peer may send first. */
static const struct {
	const char *bytes;
	size_t size;
} refused[] = {
	{"\x02", 1}, /* another version */
	{"GET /token HTTP/1.1\r\n", 21},
	{"\x01\x09\0\0\0\0\0\0", 8}, /* GET_VALUES */
	{"\x01\x0b\0\0\0\0\0\0", 8}, /* UNKNOWN_TYPE */
	{"\x01\x02\0\1\0\0\0\0", 8}, /* ABORT_REQUEST */
	{"\x01\x04\0\1\0\0\0\0", 8}, /* PARAMS before BEGIN */
	{"\x01\x01\0\0\0\x08\0\0\0\x01\0\0\0\0\0\0", 16}, /* id 0 */
	{"\x01\x01\0\x01\0\x07\0\0\0\x01\0\0\0\0\0\0", 16}, /* short */
	{"\x01\x01\0\x01\0\x08\0\0\0\x02\0\0\0\0\0\0", 16}, /* authorizer */
	{"\x01\x01\0\x01\0\x08\0\0\0\x03\0\0\0\0\0\0", 16}, /* filter */
	{"\x01\x01\0\x01\0\x08\0\0\x01\x01\0\0\0\0\0\0", 16}, /* role 257 */
};

START_TEST(what_is_no_responder_request_is_refused)
{
	put(refused[_i].bytes, refused[_i].size);
	ck_verdict(ACP_GATE_REFUSED);
}
END_TEST

/* Contents of a PARAMS stream that do not add up. */
static const struct {
	const char *bytes;
	size_t size;
} bad_pairs[] = {
	{"\x01", 1}, /* no value length */
	{"\x01\x01"
	 "a",
		3}, /* value missing */
	{"\x05\x00"
	 "abcd",
		6}, /* name cut */
	{"\x80\0\0", 3}, /* length cut */
	{"\x01\x80\0\0", 4},
	{"\xff\xff\xff\xff\x01"
	 "ab",
		7}, /* two gigabytes announced */
	{"\x01\xff\xff\xff\xff"
	 "ab",
		7},
	{"\x7f\x7f"
	 "ab",
		4},
	{"\x02\x01"
	 "a\0b",
		5}, /* a NUL would hide what is behind it */
};

START_TEST(pairs_that_do_not_add_up_are_refused)
{
	put_begin(1, 1);
	put_record(4, 1, bad_pairs[_i].bytes, bad_pairs[_i].size, 0);
	put_record(4, 1, "", 0, 0);
	ck_verdict(ACP_GATE_REFUSED);
}
END_TEST

START_TEST(another_request_id_is_refused)
{
	put_begin(1, 1);
	put_record(4, 2, pair, PAIR_SIZE, 0);
	ck_verdict(ACP_GATE_REFUSED);
}
END_TEST

START_TEST(another_record_among_the_parameters_is_refused)
{
	put_begin(1, 1);
	put_record(4, 1, pair, PAIR_SIZE, 0);
	put_record(5, 1, "", 0, 0);
	ck_verdict(ACP_GATE_REFUSED);
}
END_TEST

static void
put_params(size_t total)
{
	static uint8_t content[ACP_REQUEST_HEAD_MAX + 1];
	uint32_t value = (uint32_t)(total - 9);

	memset(content, 'x', sizeof(content));
	content[0] = 0x80;
	content[1] = content[2] = 0;
	content[3] = 1;
	content[4] = (uint8_t)(0x80 | value >> 24);
	content[5] = (uint8_t)(value >> 16);
	content[6] = (uint8_t)(value >> 8);
	content[7] = (uint8_t)value;
	put_record(4, 1, content, total, 0);
}

START_TEST(a_head_of_the_largest_size_passes)
{
	put_begin(1, 1);
	put_params(ACP_REQUEST_HEAD_MAX - 16 - 8 - 8);
	put_record(4, 1, "", 0, 0);
	ck_assert_uint_eq(bytes.size, ACP_REQUEST_HEAD_MAX);
	ck_verdict(ACP_GATE_WHOLE);
}
END_TEST

START_TEST(a_head_that_is_not_whole_at_the_bound_is_refused)
{
	put_begin(1, 1);
	put_params(ACP_REQUEST_HEAD_MAX - 16 - 8 - 7);
	put_record(4, 1, "", 0, 0);
	ck_assert_int_eq(acp_gate_judge(bytes.data, ACP_REQUEST_HEAD_MAX - 1),
		ACP_GATE_INCOMPLETE);
	ck_assert_int_eq(acp_gate_judge(bytes.data, ACP_REQUEST_HEAD_MAX),
		ACP_GATE_REFUSED);
}
END_TEST

static Suite *
gate_suite(void)
{
	Suite *suite = suite_create("gate");
	TCase *tcase = tcase_create("gate");

	tcase_add_test(tcase, a_whole_head_passes);
	tcase_add_test(tcase, what_follows_the_head_does_not_matter);
	tcase_add_test(tcase, every_prefix_of_a_head_waits_for_more);
	tcase_add_test(tcase, pairs_may_be_cut_anywhere_between_records);
	tcase_add_test(tcase, four_byte_lengths_are_read);
	tcase_add_loop_test(tcase, what_is_no_responder_request_is_refused, 0,
		sizeof(refused) / sizeof(refused[0]));
	tcase_add_loop_test(tcase, pairs_that_do_not_add_up_are_refused, 0,
		sizeof(bad_pairs) / sizeof(bad_pairs[0]));
	tcase_add_test(tcase, another_request_id_is_refused);
	tcase_add_test(tcase, another_record_among_the_parameters_is_refused);
	tcase_add_test(tcase, a_head_of_the_largest_size_passes);
	tcase_add_test(tcase, a_head_that_is_not_whole_at_the_bound_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(gate_suite)
