/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Round robin by round numbers: a line has at most one place in each round,
 * and no round that has begun takes new places: so each comes to its end,
 * however many come, leave and come again. A binary heap over class, round
 * and order of arrival. Called by work.c alone.
 */
#include <config.h>

#include "fcgi/fairqueue.h"

#include "lib/memory.h"

#include <assert.h>
#include <stdlib.h>

enum { ROOM_LEAST = 64 };

static bool
is_before(const struct acp_fairqueue_place *left,
	const struct acp_fairqueue_place *right)
{
	if (left->class != right->class)
		return left->class < right->class;
	if (left->round != right->round)
		return left->round < right->round;
	return left->number < right->number;
}

static void
put(struct acp_fairqueue *queue, size_t index,
	struct acp_fairqueue_place *place)
{
	queue->heap[index] = place;
	place->index = index;
}

/* Puts a place where it belongs between index and the top. */
static void
rise(struct acp_fairqueue *queue, size_t index,
	struct acp_fairqueue_place *place)
{
	while (index > 0 && is_before(place, queue->heap[(index - 1) / 2])) {
		put(queue, index, queue->heap[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	put(queue, index, place);
}

/* Puts a place where it belongs between index and the bottom. */
static void
sink(struct acp_fairqueue *queue, size_t index,
	struct acp_fairqueue_place *place)
{
	size_t child;

	while ((child = 2 * index + 1) < queue->places) {
		if (child + 1 < queue->places &&
			is_before(queue->heap[child + 1], queue->heap[child]))
			child++;
		if (!is_before(queue->heap[child], place))
			break;
		put(queue, index, queue->heap[child]);
		index = child;
	}
	put(queue, index, place);
}

void
acp_fairqueue_clear(struct acp_fairqueue *queue)
{
	assert(queue->places == 0);
	free(queue->heap);
	*queue = (struct acp_fairqueue){0};
}

/* The round that the next place of a line gets. */
static uint64_t
get_next_round(const struct acp_fairqueue *queue,
	enum acp_fairqueue_class class, const struct acp_fairqueue_line *line)
{
	uint64_t first = queue->classes[class].round + 1;

	return line->round > first ? line->round : first;
}

static bool
is_of_begun_round(const struct acp_fairqueue *queue,
	const struct acp_fairqueue_place *place)
{
	return place->round <= queue->classes[place->class].round;
}

void
acp_fairqueue_push(struct acp_fairqueue *queue, enum acp_fairqueue_class class,
	struct acp_fairqueue_line *line, struct acp_fairqueue_place *place)
{
	place->class = class;
	place->line = line;
	place->round = get_next_round(queue, class, line);
	place->number = queue->next_number++;
	line->round = place->round + 1;
	acp_fairqueue_restore(queue, place);
}

void
acp_fairqueue_restore(
	struct acp_fairqueue *queue, struct acp_fairqueue_place *place)
{
	if (queue->places == queue->room) {
		queue->room = queue->room ? 2 * queue->room : ROOM_LEAST;
		queue->heap = acp_memory_resize(
			queue->heap, queue->room, sizeof(*queue->heap));
	}
	rise(queue, queue->places++, place);
	queue->classes[place->class].places++;
	if (is_of_begun_round(queue, place))
		queue->classes[place->class].rest++;
	if (place->line->places++ == 0)
		queue->classes[place->class].lines++;
}

void
acp_fairqueue_remove(
	struct acp_fairqueue *queue, struct acp_fairqueue_place *place)
{
	struct acp_fairqueue_place *last = queue->heap[--queue->places];

	if (last != place && is_before(last, place))
		rise(queue, place->index, last);
	else if (last != place)
		sink(queue, place->index, last);
	queue->classes[place->class].places--;
	if (is_of_begun_round(queue, place))
		queue->classes[place->class].rest--;
	if (--place->line->places == 0)
		queue->classes[place->class].lines--;
}

/* With its first place, which has just been taken out. */
static void
begin_round(
	struct acp_fairqueue *queue, const struct acp_fairqueue_place *place)
{
	queue->classes[place->class].round = place->round;
	/* no earlier one is left, and of this one each line has one at most */
	queue->classes[place->class].rest =
		queue->classes[place->class].lines - (place->line->places > 0);
}

struct acp_fairqueue_place *
acp_fairqueue_pop(struct acp_fairqueue *queue)
{
	struct acp_fairqueue_place *place;

	if (queue->places == 0)
		return NULL;
	place = queue->heap[0];
	acp_fairqueue_remove(queue, place);
	if (!is_of_begun_round(queue, place))
		begin_round(queue, place);
	return place;
}

bool
acp_fairqueue_is_later(const struct acp_fairqueue *queue,
	const struct acp_fairqueue_place *place, enum acp_fairqueue_class class,
	const struct acp_fairqueue_line *line)
{
	const struct acp_fairqueue_place fresh = {.class = class,
		.round = get_next_round(queue, class, line),
		.number = queue->next_number};

	return is_before(&fresh, place);
}

size_t
acp_fairqueue_get_ahead(const struct acp_fairqueue *queue,
	enum acp_fairqueue_class class, const struct acp_fairqueue_line *line)
{
	size_t rounds = (size_t)(get_next_round(queue, class, line) -
		queue->classes[class].round);
	size_t rest = queue->classes[class].rest;
	size_t ahead = queue->classes[class].places;
	size_t turns;

	/* all rounds up to its own, in each of which a line has one turn */
	if (!__builtin_mul_overflow(rounds,
		    queue->classes[class].lines + (line->places == 0),
		    &turns) &&
		turns < ahead && rest + turns - 1 < ahead)
		ahead = rest + turns - 1;
	for (int before = 0; before < (int)class; before++)
		ahead += queue->classes[before].places;
	return ahead;
}
