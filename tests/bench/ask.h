/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP question of a load generator: connect without waiting, ask for a
 * token, gather the answer. Shared by herd and load.
 */
#ifndef ACP_TESTS_BENCH_ASK_H
#define ACP_TESTS_BENCH_ASK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_ask_server {
	struct sockaddr_in address;
	const char *name; /* as given: ADDRESS:PORT; borrowed */
};

enum acp_ask_state {
	ACP_ASK_READING,
	ACP_ASK_WHOLE,
	ACP_ASK_CLOSED, /* before a single byte came */
	ACP_ASK_BROKEN,
};

/* An answer as it grows; all zero is an empty one. */
struct acp_ask_answer {
	char *bytes; /* heap, with a NUL behind */
	size_t size, room;
	int status; /* these once it is whole */
	bool is_last; /* the server closes after it */
	char *body; /* within bytes */
	size_t body_size;
};

/* True when text is ADDRESS:PORT. */
bool acp_ask_has_server(const char *text, struct acp_ask_server *server);

/*
 * A socket that is connecting, or -1. From the index-th of the addresses of
 * 127/8 that begin at from (host order) when the server is in 127/8.
 */
int acp_ask_connect(
	const struct acp_ask_server *server, uint32_t from, size_t index);

/* Sends the whole question; false when it could not be sent at once. */
bool acp_ask_send(int fd, const struct acp_ask_server *server,
	const char *target, const char *bearer, bool is_last);

/* Reads what has come. */
enum acp_ask_state acp_ask_read(int fd, struct acp_ask_answer *answer);

/* Empties it; its memory stays for the next. */
void acp_ask_reset(struct acp_ask_answer *answer);
void acp_ask_clear(struct acp_ask_answer *answer);

/*
 * The value of a member with text in a flat JSON body, where it stands; NULL
 * when there is none. Whoever wants to know more parses the body.
 */
const char *acp_ask_peek_member(
	const struct acp_ask_answer *answer, const char *name, size_t *size);

/* As many descriptors as may be had. */
void acp_ask_raise_files(void);

/* Of count sorted numbers that at this share; 0 of none. */
int64_t acp_ask_percentile(const int64_t *sorted, size_t count, double share);

#endif
