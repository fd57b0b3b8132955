/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's raw figure: private key operations for each second of
 * processor time, through fcgi/unseal.h alone, in as many threads as
 * processors. For tests/bench/run.
 *
 *     raw KEY-FILE SECONDS THREADS < base64 ciphertexts
 */
#include <config.h>

#include "fcgi/bearer.h"
#include "fcgi/keyset.h"
#include "fcgi/unsealed.h"
#include "lib/clock.h"
#include "lib/keyfile.h"
#include "lib/limits.h"
#include "lib/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64, CIPHERTEXTS_MAX = 64 };

static struct acp_keyset *keyset;
static struct acp_ciphertext ciphertexts[CIPHERTEXTS_MAX];
static size_t ciphertext_count;
static int64_t end_ms;
static atomic_ulong operations;

static void *
work(void *unused)
{
	struct acp_unsealed unsealed;

	for (size_t i = 0; acp_clock_now_ms() < end_ms; i++) {
		acp_unsealed_init(
			&unsealed, keyset, &ciphertexts[i % ciphertext_count]);
		if (unsealed.verdict != ACP_UNSEALED_SESSION)
			abort();
		operations++;
	}
	return unused;
}

static void
read_ciphertexts(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	while (ciphertext_count < CIPHERTEXTS_MAX &&
		(size = getline(&line, &room, stdin)) > 1) {
		line[size - 1] = '\0';
		if (acp_bearer_decode(line, &ciphertexts[ciphertext_count]) ==
			ACP_OK)
			ciphertext_count++;
	}
	free(line);
}

static double
get_cpu_s(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_keyfile_stamp stamp;
	pthread_t threads[THREADS_MAX];
	const char *path;
	size_t count;
	double used_s;

	acp_keyring_init(&ring);
	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	if (argc != 4) {
		fprintf(stderr, "usage: raw KEY SECONDS THREADS < lines\n");
		return 2;
	}
	path = argv[1];
	if (acp_keyfile_read(&path, 1, &ring, &stamp, &why) ||
		acp_keyset_new(&ring, &keyset))
		return 1;
	read_ciphertexts();
	if (ciphertext_count == 0)
		return 1;
	count = strtoul(argv[3], NULL, 10);
	used_s = get_cpu_s();
	end_ms = acp_clock_now_ms() + strtol(argv[2], NULL, 10) * 1000;
	for (size_t i = 0; i < count && i < THREADS_MAX; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			return 1;
	for (size_t i = 0; i < count && i < THREADS_MAX; i++)
		pthread_join(threads[i], NULL);
	used_s = get_cpu_s() - used_s;
	printf("{\"operations\":%lu,\"cpu_s\":%.3f}\n",
		(unsigned long)operations, used_s);
	acp_keyset_free(&keyset);
	return 0;
}
