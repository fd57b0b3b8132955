/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/held.c with real connections and a real epoll, whose events carry the
 * tickets.
 */
#include <config.h>

#include "fcgi/held.h"

#include "tests/unit/unit.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD \
	"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0" \
	"\1\4\0\1\0\23\0\0\16\3REQUEST_METHODGET" \
	"\1\4\0\1\0\0\0\0"

static struct acp_held *held;
static int epoll_fd;
static int asked;
static bool may;

struct connection {
	struct acp_exchange *exchange;
	int peer;
};

static void
set_up(void)
{
	acp_request_prepare();
	held = acp_held_new();
	epoll_fd = epoll_create1(0);
	asked = 0;
	may = true;
}

static void
tear_down(void)
{
	close(epoll_fd);
	acp_held_free(&held);
	ck_assert_ptr_null(held);
}

static bool
may_abandon(struct acp_exchange *exchange)
{
	ck_assert_ptr_nonnull(exchange);
	asked++;
	return may;
}

static struct connection
connect_one(void)
{
	struct connection made;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write(pair[1], HEAD, sizeof(HEAD) - 1),
		(ssize_t)sizeof(HEAD) - 1);
	made.peer = pair[1];
	made.exchange = acp_exchange_new(acp_request_new_fastcgi(pair[0]));
	made.exchange->held = held;
	made.exchange->epoll_fd = epoll_fd;
	return made;
}

/* The ticket of the next event; 0 when there is none. */
static uint64_t
next_ticket(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_fd, &event, 1, 0) == 1 ? event.data.u64 : 0;
}

static struct acp_exchange *
steal(uint64_t ticket)
{
	return acp_held_steal_deserted(held, ticket, may_abandon);
}

START_TEST(a_caller_that_stays_makes_no_event)
{
	struct connection one = connect_one();

	acp_held_watch(one.exchange);
	ck_assert_uint_eq(next_ticket(), 0);
	acp_held_forget(one.exchange);
	acp_exchange_free(&one.exchange);
	close(one.peer);
}
END_TEST

START_TEST(a_deserted_exchange_is_found_once)
{
	struct connection one = connect_one();
	uint64_t ticket;

	acp_held_watch(one.exchange);
	close(one.peer);
	ticket = next_ticket();
	ck_assert(ticket & ACP_HELD_TICKET);
	ck_assert_ptr_eq(steal(ticket), one.exchange);
	ck_assert_ptr_null(steal(ticket));
	ck_assert_int_eq(asked, 1);
	ck_assert_uint_eq(next_ticket(), 0);
	acp_exchange_free(&one.exchange);
}
END_TEST

START_TEST(one_that_is_being_answered_is_left_alone)
{
	struct connection one = connect_one();
	uint64_t ticket;

	acp_held_watch(one.exchange);
	close(one.peer);
	ticket = next_ticket();
	may = false;
	ck_assert_ptr_null(steal(ticket));
	ck_assert_int_eq(asked, 1);
	acp_held_forget(one.exchange);
	ck_assert_ptr_null(steal(ticket));
	ck_assert_int_eq(asked, 1);
	acp_exchange_free(&one.exchange);
}
END_TEST

START_TEST(a_ticket_of_a_reused_descriptor_leads_nowhere)
{
	struct connection old = connect_one();
	struct connection fresh;
	int fd = acp_request_get_fd(old.exchange->request);
	uint64_t ticket;

	acp_held_watch(old.exchange);
	close(old.peer);
	ticket = next_ticket();
	acp_held_forget(old.exchange);
	acp_exchange_free(&old.exchange);

	fresh = connect_one();
	ck_assert_int_eq(acp_request_get_fd(fresh.exchange->request), fd);
	acp_held_watch(fresh.exchange);
	ck_assert_ptr_null(steal(ticket));
	ck_assert_int_eq(asked, 0);

	close(fresh.peer);
	ck_assert_uint_ne(next_ticket(), ticket);
	acp_held_forget(fresh.exchange);
	acp_exchange_free(&fresh.exchange);
}
END_TEST

START_TEST(a_stolen_ones_descriptor_may_be_watched_again)
{
	struct connection one = connect_one();
	struct connection other;
	uint64_t ticket;

	acp_held_watch(one.exchange);
	close(one.peer);
	ticket = next_ticket();
	ck_assert_ptr_eq(steal(ticket), one.exchange);
	acp_exchange_free(&one.exchange);
	other = connect_one();
	acp_held_watch(other.exchange);
	ck_assert_ptr_null(steal(ticket));
	close(other.peer);
	ck_assert_ptr_eq(steal(next_ticket()), other.exchange);
	acp_exchange_free(&other.exchange);
}
END_TEST

START_TEST(forgetting_one_leaves_the_others)
{
	struct connection one = connect_one();
	struct connection other = connect_one();

	acp_held_watch(one.exchange);
	acp_held_watch(other.exchange);
	acp_held_forget(one.exchange);
	acp_exchange_free(&one.exchange);
	close(one.peer);
	close(other.peer);
	ck_assert_ptr_eq(steal(next_ticket()), other.exchange);
	acp_exchange_free(&other.exchange);
}
END_TEST

START_TEST(who_has_no_watcher_is_not_watched)
{
	struct connection one = connect_one();

	one.exchange->epoll_fd = -1;
	acp_held_watch(one.exchange);
	close(one.peer);
	ck_assert_uint_eq(next_ticket(), 0);
	one.exchange->held = NULL;
	acp_held_watch(one.exchange);
	acp_held_forget(one.exchange);
	acp_exchange_free(&one.exchange);
}
END_TEST

START_TEST(tickets_that_were_never_given_lead_nowhere)
{
	ck_assert_ptr_null(steal(ACP_HELD_TICKET));
	ck_assert_ptr_null(steal(ACP_HELD_TICKET | UINT32_MAX));
	ck_assert_ptr_null(steal(UINT64_MAX));
	ck_assert_int_eq(asked, 0);
}
END_TEST

static Suite *
held_suite(void)
{
	Suite *suite = suite_create("held");
	TCase *cases = tcase_create("held");

	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(cases, a_caller_that_stays_makes_no_event);
	tcase_add_test(cases, a_deserted_exchange_is_found_once);
	tcase_add_test(cases, one_that_is_being_answered_is_left_alone);
	tcase_add_test(cases, a_ticket_of_a_reused_descriptor_leads_nowhere);
	tcase_add_test(cases, a_stolen_ones_descriptor_may_be_watched_again);
	tcase_add_test(cases, forgetting_one_leaves_the_others);
	tcase_add_test(cases, who_has_no_watcher_is_not_watched);
	tcase_add_test(cases, tickets_that_were_never_given_lead_nowhere);
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(held_suite)
