/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/fairqueue.c: whose turn it is.
 */
#include <config.h>

#include "fcgi/fairqueue.h"

#include "tests/unit/unit.h"

#include <string.h>

struct item {
	struct acp_fairqueue_place place; /* first: the place is the item */
	char name;
};

enum { LINES = 26, MOST = 100 };

static struct acp_fairqueue queue;
static struct acp_fairqueue_line lines[2][LINES];
static struct item items[MOST];
static size_t used;

static void
tear_down(void)
{
	acp_fairqueue_clear(&queue);
}

/* An upper-case letter is of the first class; one line a letter. */
static void
push(char name)
{
	int class = name >= 'a';
	int line = name - (class ? 'a' : 'A');

	items[used].name = name;
	acp_fairqueue_push(&queue, (enum acp_fairqueue_class) class,
		&lines[class][line], &items[used].place);
	used++;
}

static void
push_all(const char *names)
{
	for (; *names; names++)
		push(*names);
}

static void
ck_order(const char *expected)
{
	char got[MOST + 1] = "";
	struct acp_fairqueue_place *place;
	size_t count = 0;

	while ((place = acp_fairqueue_pop(&queue)))
		got[count++] = ((struct item *)place)->name;
	ck_assert_str_eq(got, expected);
	ck_assert_uint_eq(queue.places, 0);
}

static const struct {
	const char *pushed;
	const char *popped;
} cases[] = {
	{"", ""},
	{"a", "a"},
	{"aaa", "aaa"},
	{"abc", "abc"},
	{"aaaab", "abaaa"},
	{"aaabbbc", "abcabab"},
	{"aaaaaaabcd", "abcdaaaaaa"},
	{"aAbB", "ABab"},
	{"aaAAAB", "ABAAaa"},
	{"aabaabbcd", "abcdababa"},
};

START_TEST(lines_are_served_in_turn)
{
	push_all(cases[_i].pushed);
	ck_assert_uint_eq(queue.places, strlen(cases[_i].pushed));
	ck_order(cases[_i].popped);
}
END_TEST

START_TEST(a_line_that_comes_back_waits_for_its_turn)
{
	push_all("aabb");
	ck_assert_int_eq(((struct item *)acp_fairqueue_pop(&queue))->name, 'a');
	ck_assert_int_eq(((struct item *)acp_fairqueue_pop(&queue))->name, 'b');
	ck_assert_int_eq(((struct item *)acp_fairqueue_pop(&queue))->name, 'a');
	push_all("ca");
	ck_order("bca");
}
END_TEST

START_TEST(what_is_said_to_be_ahead_is_enough)
{
	size_t ahead, turns = 0;

	push_all("aaaaabbcAA");
	ahead = acp_fairqueue_get_ahead(
		&queue, ACP_FAIRQUEUE_SECOND, &lines[1]['b' - 'a']);
	push('b');
	while (((struct item *)acp_fairqueue_pop(&queue)) != &items[used - 1])
		turns++;
	ck_assert_uint_le(turns, ahead);
	ck_assert_uint_le(ahead, 10);
	ck_order("aa");
}
END_TEST

START_TEST(a_newcomer_has_one_turn_of_each_line_ahead)
{
	push_all("aaaaaaaaaabbbbbbbbbb");
	ck_assert_uint_eq(acp_fairqueue_get_ahead(&queue, ACP_FAIRQUEUE_SECOND,
				  &lines[1]['c' - 'a']),
		2);
	ck_assert_uint_eq(acp_fairqueue_get_ahead(
				  &queue, ACP_FAIRQUEUE_FIRST, &lines[0][0]),
		0);
	ck_order("abababababababababab");
}
END_TEST

/* The item of that name that was pushed first. */
static struct acp_fairqueue_place *
find(char name)
{
	size_t i = 0;

	while (items[i].name != name)
		i++;
	return &items[i].place;
}

START_TEST(a_place_that_is_taken_out_has_no_turn)
{
	push_all("abcAab");
	acp_fairqueue_remove(&queue, find('a'));
	acp_fairqueue_remove(&queue, find('A'));
	ck_assert_uint_eq(queue.places, 4);
	ck_order("bcab");
}
END_TEST

START_TEST(a_place_that_is_put_back_has_its_old_turn)
{
	push_all("abcAab");
	acp_fairqueue_remove(&queue, find('b'));
	push_all("de");
	acp_fairqueue_restore(&queue, find('b'));
	ck_order("Aabcdeab");
}
END_TEST

START_TEST(even_when_its_round_is_over)
{
	push_all("abaabb");
	acp_fairqueue_remove(&queue, find('b'));
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(acp_fairqueue_pop(&queue));
	acp_fairqueue_restore(&queue, find('b'));
	push('c');
	ck_order("bbabc");
}
END_TEST

START_TEST(leaving_gains_no_turns)
{
	push_all("aaabbb");
	for (size_t i = 0; i < 3; i++)
		acp_fairqueue_remove(&queue, &items[i].place);
	push('a');
	for (size_t i = 0; i < 3; i++)
		acp_fairqueue_restore(&queue, &items[i].place);
	ck_order("abababa");
}
END_TEST

START_TEST(what_is_taken_out_is_not_ahead)
{
	push_all("aaabbb");
	for (size_t i = 0; i < 6; i++)
		acp_fairqueue_remove(&queue, &items[i].place);
	ck_assert_uint_eq(acp_fairqueue_get_ahead(
				  &queue, ACP_FAIRQUEUE_SECOND, &lines[1][0]),
		0);
	for (size_t i = 0; i < 6; i++)
		acp_fairqueue_restore(&queue, &items[i].place);
	ck_assert_uint_eq(acp_fairqueue_get_ahead(
				  &queue, ACP_FAIRQUEUE_SECOND, &lines[1][0]),
		6);
	ck_order("ababab");
}
END_TEST

/* Who has but one place at a time is forgotten whenever it has none. */
START_TEST(who_comes_again_and_again_starves_nobody)
{
	struct item *item;
	int turns = 0;

	push_all("aaabc");
	for (size_t left = 3; left > 0; turns++) {
		ck_assert_int_lt(turns, 10);
		item = (struct item *)acp_fairqueue_pop(&queue);
		if (item->name == 'a') {
			left--;
			continue;
		}
		lines[1][item->name - 'a'] = (struct acp_fairqueue_line){0};
		push(item->name);
	}
	while (acp_fairqueue_pop(&queue))
		continue;
}
END_TEST

START_TEST(what_is_left_of_a_round_is_ahead_as_well)
{
	size_t ahead;

	push_all("aabbccdd");
	for (int i = 0; i < 2; i++)
		acp_fairqueue_pop(&queue);
	acp_fairqueue_remove(&queue, &items[4].place); /* c, of this round */
	ahead = acp_fairqueue_get_ahead(
		&queue, ACP_FAIRQUEUE_SECOND, &lines[1]['x' - 'a']);
	ck_assert_uint_eq(ahead, 5);
	push('x');
	acp_fairqueue_restore(&queue, &items[4].place);
	ck_assert_uint_eq(acp_fairqueue_get_ahead(&queue, ACP_FAIRQUEUE_SECOND,
				  &lines[1]['y' - 'a']),
		7);
	ck_order("cdabcdx");
}
END_TEST

START_TEST(it_is_known_whether_a_new_place_would_be_better)
{
	const struct acp_fairqueue_place *third;

	push_all("aaab");
	third = &items[2].place;
	ck_assert(acp_fairqueue_is_later(
		&queue, third, ACP_FAIRQUEUE_SECOND, &lines[1]['c' - 'a']));
	ck_assert(acp_fairqueue_is_later(
		&queue, third, ACP_FAIRQUEUE_SECOND, &lines[1]['b' - 'a']));
	ck_assert(acp_fairqueue_is_later(
		&queue, find('a'), ACP_FAIRQUEUE_FIRST, &lines[0][0]));
	ck_assert(!acp_fairqueue_is_later(
		&queue, third, ACP_FAIRQUEUE_SECOND, &lines[1][0]));
	ck_assert(!acp_fairqueue_is_later(
		&queue, find('a'), ACP_FAIRQUEUE_SECOND, &lines[1]['c' - 'a']));
	ck_order("abaa");
}
END_TEST

static uint32_t
draw(uint32_t below)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (state >> 8) % below;
}

static bool
has_turn_before(const struct item *left, const struct item *right)
{
	if (left->place.class != right->place.class)
		return left->place.class < right->place.class;
	if (left->place.round != right->place.round)
		return left->place.round < right->place.round;
	return left < right; /* in the order of arrival */
}

/* By a search of all that are in: a heap that lost its order shows here. */
static void
ck_pop(bool *is_in)
{
	size_t first = MOST;

	for (size_t i = 0; i < used; i++)
		if (is_in[i] &&
			(first == MOST ||
				has_turn_before(&items[i], &items[first])))
			first = i;
	if (first == MOST) {
		ck_assert_ptr_null(acp_fairqueue_pop(&queue));
		return;
	}
	ck_assert_ptr_eq(acp_fairqueue_pop(&queue), &items[first].place);
	is_in[first] = false;
}

/* A new place has all that go before it ahead, and never more than all. */
static void
ck_ahead(const bool *is_in)
{
	const enum acp_fairqueue_class class =
		(enum acp_fairqueue_class)draw(ACP_FAIRQUEUE_CLASS__MAX);
	const struct acp_fairqueue_line *line = &lines[class][draw(LINES)];
	size_t ahead = acp_fairqueue_get_ahead(&queue, class, line);
	size_t before = 0;

	for (size_t i = 0; i < used; i++)
		if (is_in[i] &&
			!acp_fairqueue_is_later(
				&queue, &items[i].place, class, line))
			before++;
	ck_assert_uint_le(before, ahead);
	ck_assert_uint_le(ahead, queue.places);
}

START_TEST(the_turns_are_right_whatever_happens_meanwhile)
{
	bool is_in[MOST] = {false};
	size_t i;

	for (int step = 0; step < 20000; step++) {
		i = draw(MOST);
		if (draw(8) == 0) {
			ck_pop(is_in);
		} else if (i >= used) {
			is_in[used] = true;
			push((char)("abcdeABC"[draw(8)]));
		} else if (is_in[i]) {
			is_in[i] = false;
			acp_fairqueue_remove(&queue, &items[i].place);
		} else {
			is_in[i] = true;
			acp_fairqueue_restore(&queue, &items[i].place);
		}
		ck_ahead(is_in);
	}
	ck_assert_uint_eq(used, MOST);
	while (queue.places > 0)
		ck_pop(is_in);
	ck_pop(is_in);
}
END_TEST

static Suite *
fairqueue_suite(void)
{
	Suite *suite = suite_create("fairqueue");
	TCase *tcase = tcase_create("fairqueue");

	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_loop_test(tcase, lines_are_served_in_turn, 0,
		sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, a_line_that_comes_back_waits_for_its_turn);
	tcase_add_test(tcase, what_is_said_to_be_ahead_is_enough);
	tcase_add_test(tcase, a_newcomer_has_one_turn_of_each_line_ahead);
	tcase_add_test(tcase, a_place_that_is_taken_out_has_no_turn);
	tcase_add_test(tcase, a_place_that_is_put_back_has_its_old_turn);
	tcase_add_test(tcase, even_when_its_round_is_over);
	tcase_add_test(tcase, leaving_gains_no_turns);
	tcase_add_test(tcase, what_is_taken_out_is_not_ahead);
	tcase_add_test(tcase, who_comes_again_and_again_starves_nobody);
	tcase_add_test(tcase, what_is_left_of_a_round_is_ahead_as_well);
	tcase_add_test(tcase, it_is_known_whether_a_new_place_would_be_better);
	tcase_add_test(tcase, the_turns_are_right_whatever_happens_meanwhile);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(fairqueue_suite)
