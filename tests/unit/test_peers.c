/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/peers.c: how the room for held requests is shared.
 */
#include <config.h>

#include "fcgi/peers.h"

#include "lib/clock.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 9000, LEAST = 64, BYTES = 100 };

static struct acp_peers *peers;
static struct acp_peer *held[2 * ROOM];
static size_t held_count;
static enum acp_busy reason; /* of the last refusal */

static void
set_up(void)
{
	peers = acp_peers_new(ROOM, SIZE_MAX);
	held_count = 0;
	reason = ACP_BUSY__MAX;
}

static struct acp_peer *
enter(const char *address)
{
	return acp_peers_enter(peers, address, BYTES, &reason);
}

static void
leave(struct acp_peer *peer)
{
	acp_peers_leave(peers, peer, BYTES);
}

static void
leave_all(void)
{
	while (held_count > 0)
		leave(held[--held_count]);
}

static void
ck_held(size_t expected)
{
	size_t count, bytes;

	acp_peers_get_held(peers, &count, &bytes);
	ck_assert_uint_eq(count, expected);
	ck_assert_uint_eq(bytes, expected * BYTES);
}

static void
tear_down(void)
{
	leave_all();
	acp_peers_free(&peers);
}

/* Enters as often as it may; how often that was. */
static size_t
fill(const char *address)
{
	size_t before = held_count;
	struct acp_peer *peer;

	while (held_count < 2 * ROOM && (peer = enter(address)))
		held[held_count++] = peer;
	return held_count - before;
}

START_TEST(one_address_alone_gets_a_ninth_of_the_room)
{
	ck_assert_uint_eq(fill("192.0.2.1"), ROOM / 9);
	ck_held(ROOM / 9);
}
END_TEST

START_TEST(a_newcomer_finds_a_place_beside_greedy_ones)
{
	char address[32];

	for (int i = 0; i < 20; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		ck_assert_uint_ge(fill(address), LEAST);
	}
	ck_assert_uint_lt(held_count, ROOM);
}
END_TEST

START_TEST(one_address_may_use_a_small_room_alone)
{
	acp_peers_set_most(peers, LEAST / 2, SIZE_MAX);
	ck_assert_uint_eq(fill("192.0.2.1"), LEAST / 2);
}
END_TEST

START_TEST(many_addresses_fill_the_room_but_never_more)
{
	char address[32];
	size_t entered = 0;

	for (int i = 0; i < ROOM + 100; i++) {
		snprintf(address, sizeof(address), "2001:db8:%x::1", i);
		held[held_count] = enter(address);
		if (held[held_count]) {
			held_count++;
			entered++;
		}
	}
	ck_assert_uint_eq(entered, ROOM);
}
END_TEST

START_TEST(places_that_are_left_are_free_again)
{
	for (int round = 0; round < 3; round++) {
		ck_assert_uint_eq(fill("192.0.2.1"), ROOM / 9);
		leave_all();
		ck_held(0);
	}
}
END_TEST

START_TEST(addresses_do_not_share_a_line)
{
	struct acp_peer *one = enter("192.0.2.1");
	struct acp_peer *same = enter("192.0.2.1");
	struct acp_peer *other = enter("192.0.2.2");

	ck_assert_ptr_eq(one, same);
	ck_assert_ptr_ne(one, other);
	leave(one);
	leave(same);
	leave(other);
}
END_TEST

START_TEST(a_peer_lives_while_it_is_referred_to)
{
	struct acp_peer *peer = enter("192.0.2.1");
	struct acp_peer *again;

	acp_peers_dup(peers, peer, 0);
	leave(peer);
	ck_held(0);
	again = enter("192.0.2.1");
	ck_assert_ptr_eq(peer, again);
	leave(again);
	acp_peers_drop(peers, peer, 0);
}
END_TEST

/* pairs of addresses, and whether they are one */
static const struct {
	const char *one;
	const char *other;
	bool is_same;
} pairs[] = {
	{"192.0.2.1", "192.0.2.1", true},
	{"192.0.2.1", "192.0.2.2", false},
	{"192.0.2.1", "::ffff:192.0.2.1", true},
	{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
	{"2001:db8::1", "2001:DB8:0:0:ffff:ffff:ffff:ffff", true},
	{"2001:db8:0:0::1", "2001:db8:0:1::1", false},
	{"2001:db8::", "2001:db8::", true},
	{"::1", "127.0.0.1", false},
	{NULL, "", true},
	{NULL, "unix:", true},
	{"no address", "192.0.2", true},
	{"192.0.2.1", NULL, false},
};

START_TEST(an_address_is_one_however_it_is_written)
{
	struct acp_peer *one = enter(pairs[_i].one);
	struct acp_peer *other = enter(pairs[_i].other);

	ck_assert_int_eq(one == other, pairs[_i].is_same);
	leave(one);
	leave(other);
}
END_TEST

START_TEST(a_word_that_is_no_address_is_taken)
{
	char address[1000];

	memset(address, 'x', sizeof(address));
	address[sizeof(address) - 1] = '\0';
	ck_assert_uint_eq(fill(address), ROOM / 9);
	ck_assert_ptr_null(enter(NULL));
}
END_TEST

START_TEST(a_refusal_says_why)
{
	fill("192.0.2.1");
	ck_assert_int_eq(reason, ACP_BUSY_ADDRESS);
	acp_peers_set_most(peers, ROOM / 9, SIZE_MAX);
	ck_assert_ptr_null(enter("192.0.2.2"));
	ck_assert_int_eq(reason, ACP_BUSY_LENGTH);
	acp_peers_set_most(peers, ROOM, (ROOM / 9 + 1) * BYTES - 1);
	ck_assert_ptr_null(enter("192.0.2.2"));
	ck_assert_int_eq(reason, ACP_BUSY_MEMORY);
	acp_peers_set_most(peers, ROOM, (ROOM / 9 + 1) * BYTES);
	leave(enter("192.0.2.2"));
}
END_TEST

START_TEST(memory_bounds_what_many_addresses_hold)
{
	char address[32];

	acp_peers_set_most(peers, ROOM, 10 * BYTES);
	for (int i = 0; i < 20; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		held[held_count] = enter(address);
		if (held[held_count])
			held_count++;
	}
	ck_held(10);
	leave(held[--held_count]);
	ck_assert_ptr_null(
		acp_peers_enter(peers, "192.0.2.1", BYTES + 1, &reason));
	held[held_count++] = enter("192.0.2.1");
	ck_held(10);
}
END_TEST

START_TEST(one_address_gets_a_ninth_of_the_memory_too)
{
	acp_peers_set_most(peers, SIZE_MAX, ROOM * BYTES);
	ck_assert_uint_eq(fill("192.0.2.1"), ROOM / 9);
	ck_assert_int_eq(reason, ACP_BUSY_ADDRESS);
	ck_assert_uint_gt(fill("192.0.2.2"), ROOM / 12);
}
END_TEST

START_TEST(memory_that_an_address_gave_back_counts_no_more)
{
	size_t count;

	acp_peers_set_most(peers, SIZE_MAX, ROOM * BYTES);
	count = fill("192.0.2.1");
	while (held_count > 1)
		leave(held[--held_count]);
	ck_assert_uint_eq(fill("192.0.2.1"), count - 1);
}
END_TEST

START_TEST(what_is_referred_to_takes_memory_but_holds_nothing)
{
	struct acp_peer *peer = enter("192.0.2.1");
	size_t count, bytes;

	acp_peers_set_most(peers, ROOM, 3 * BYTES);
	acp_peers_dup(peers, peer, 2 * BYTES);
	ck_assert_ptr_null(enter("192.0.2.2"));
	leave(peer);
	acp_peers_get_held(peers, &count, &bytes);
	ck_assert_uint_eq(count, 0);
	ck_assert_uint_eq(bytes, 2 * BYTES);
	ck_assert(acp_peers_wait_idle(peers, acp_clock_now_ms()));
	acp_peers_drop(peers, peer, 2 * BYTES);
	ck_held(0);
}
END_TEST

START_TEST(less_room_takes_effect_at_once)
{
	ck_assert_uint_eq(fill("192.0.2.1"), ROOM / 9);
	acp_peers_set_most(peers, 1, SIZE_MAX);
	ck_assert_ptr_null(enter("192.0.2.2"));
}
END_TEST

START_TEST(idle_is_when_nothing_is_held)
{
	struct acp_peer *peer = enter("192.0.2.1");

	ck_assert(!acp_peers_wait_idle(peers, acp_clock_now_ms()));
	leave(peer);
	ck_assert(acp_peers_wait_idle(peers, acp_clock_now_ms()));
}
END_TEST

static Suite *
peers_suite(void)
{
	Suite *suite = suite_create("peers");
	TCase *tcase = tcase_create("peers");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, one_address_alone_gets_a_ninth_of_the_room);
	tcase_add_test(tcase, a_newcomer_finds_a_place_beside_greedy_ones);
	tcase_add_test(tcase, one_address_may_use_a_small_room_alone);
	tcase_add_test(tcase, many_addresses_fill_the_room_but_never_more);
	tcase_add_test(tcase, places_that_are_left_are_free_again);
	tcase_add_test(tcase, addresses_do_not_share_a_line);
	tcase_add_test(tcase, a_peer_lives_while_it_is_referred_to);
	tcase_add_loop_test(tcase, an_address_is_one_however_it_is_written, 0,
		sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(tcase, a_word_that_is_no_address_is_taken);
	tcase_add_test(tcase, a_refusal_says_why);
	tcase_add_test(tcase, memory_bounds_what_many_addresses_hold);
	tcase_add_test(tcase, one_address_gets_a_ninth_of_the_memory_too);
	tcase_add_test(tcase, memory_that_an_address_gave_back_counts_no_more);
	tcase_add_test(
		tcase, what_is_referred_to_takes_memory_but_holds_nothing);
	tcase_add_test(tcase, less_room_takes_effect_at_once);
	tcase_add_test(tcase, idle_is_when_nothing_is_held);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(peers_suite)
