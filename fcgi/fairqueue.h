/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue that is fair between lines: they are served in turn, so that who
 * brings a lot waits behind itself. A place keeps its turn while it is taken
 * out for a time. Places of the first class go before all of the second. Not
 * thread-safe: work.c holds its lock.
 */
#ifndef ACP_FCGI_FAIRQUEUE_H
#define ACP_FCGI_FAIRQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum acp_fairqueue_class {
	ACP_FAIRQUEUE_FIRST,
	ACP_FAIRQUEUE_SECOND,
	ACP_FAIRQUEUE_CLASS__MAX
};

/* One line of one class; all zeros at first. Outlives its places. */
struct acp_fairqueue_line {
	size_t places; /* that are in the queue */
	uint64_t round; /* the first one in which it has no place yet */
};

/* A place in a line; embedded in what is queued, and the queue's own. */
struct acp_fairqueue_place {
	struct acp_fairqueue_line *line;
	enum acp_fairqueue_class class;
	uint64_t round;
	uint64_t number; /* among those of one round */
	size_t index; /* in the heap */
};

/* All zeros at first. */
struct acp_fairqueue {
	struct acp_fairqueue_place **heap;
	size_t places;
	size_t room;
	uint64_t next_number;
	struct {
		uint64_t round; /* the last one that has begun */
		size_t places;
		size_t rest; /* at least those of begun rounds among them */
		size_t lines; /* that have places */
	} classes[ACP_FAIRQUEUE_CLASS__MAX];
};

void acp_fairqueue_clear(struct acp_fairqueue *queue); /* empty */

/* Puts a new place at the end of a line, which is used for one class only. */
void acp_fairqueue_push(struct acp_fairqueue *queue,
	enum acp_fairqueue_class class, struct acp_fairqueue_line *line,
	struct acp_fairqueue_place *place);

/* Takes out the place whose turn it is; NULL when the queue is empty. */
struct acp_fairqueue_place *acp_fairqueue_pop(struct acp_fairqueue *queue);

/*
 * Takes a place out before its turn, and puts it back where it was. Meanwhile
 * its line has the round no more for others: leaving and coming back must not
 * gain turns.
 */
void acp_fairqueue_remove(
	struct acp_fairqueue *queue, struct acp_fairqueue_place *place);
void acp_fairqueue_restore(
	struct acp_fairqueue *queue, struct acp_fairqueue_place *place);

/* True when one that is pushed now would come before this place. */
bool acp_fairqueue_is_later(const struct acp_fairqueue *queue,
	const struct acp_fairqueue_place *place, enum acp_fairqueue_class class,
	const struct acp_fairqueue_line *line);

/*
 * So many turns, hardly more, come before a place that is pushed now, by what
 * is queued at this moment.
 */
size_t acp_fairqueue_get_ahead(const struct acp_fairqueue *queue,
	enum acp_fairqueue_class class, const struct acp_fairqueue_line *line);

#endif
