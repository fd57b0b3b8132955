/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/arena.c: pieces do not overlap, are aligned and zeroed, and all
 * of them are freed together.
 */
#include <config.h>

#include "reconciler/arena.h"

#include "tests/unit/unit.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

enum { PIECES = 5000, LARGE = 300000 };

START_TEST(pieces_are_aligned_zeroed_and_apart)
{
	ACP_AUTO(arena) struct acp_arena *arena = acp_arena_new();
	unsigned char *pieces[PIECES];

	for (size_t i = 0; i < PIECES; i++) {
		size_t size = i % 37;

		pieces[i] = acp_arena_alloc(arena, size);
		ck_assert_uint_eq(
			(uintptr_t)pieces[i] % alignof(max_align_t), 0);
		for (size_t at = 0; at < size; at++)
			ck_assert_uint_eq(pieces[i][at], 0);
		memset(pieces[i], (int)(i % 251) + 1, size);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t at = 0; at < i % 37; at++)
			ck_assert_uint_eq(pieces[i][at], i % 251 + 1);
}
END_TEST

START_TEST(a_piece_larger_than_a_block_leaves_the_others_alone)
{
	ACP_AUTO(arena) struct acp_arena *arena = acp_arena_new();
	char *first = acp_arena_alloc(arena, LARGE);
	const char *before = acp_arena_dup(arena, "before");
	char *large = acp_arena_alloc(arena, LARGE);
	const char *after = acp_arena_dup(arena, "after");
	size_t size = acp_arena_get_size(arena);

	memset(first, 'x', LARGE);
	memset(large, 'y', LARGE);
	ck_assert_str_eq(before, "before");
	ck_assert_str_eq(after, "after");
	ck_assert_int_eq(first[LARGE - 1], 'x');
	ck_assert_int_eq(large[0], 'y');
	/* the block that was being filled is filled on */
	ck_assert_uint_gt(size, 2 * LARGE);
	acp_arena_dup(arena, "more");
	ck_assert_uint_eq(acp_arena_get_size(arena), size);
}
END_TEST

START_TEST(a_copy_of_bytes_ends_with_a_nul)
{
	ACP_AUTO(arena) struct acp_arena *arena = acp_arena_new();
	const char *copy = acp_arena_dup_sized(arena, "abcdef", 3);

	ck_assert_str_eq(copy, "abc");
	ck_assert_str_eq(acp_arena_dup_sized(arena, NULL, 0), "");
	ck_assert_str_eq(acp_arena_dup(arena, ""), "");
}
END_TEST

static Suite *
arena_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = tcase_create("arena");

	tcase_add_test(tcase, pieces_are_aligned_zeroed_and_apart);
	tcase_add_test(
		tcase, a_piece_larger_than_a_block_leaves_the_others_alone);
	tcase_add_test(tcase, a_copy_of_bytes_ends_with_a_nul);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(arena_suite)
