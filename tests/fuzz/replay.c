/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A main for fuzz targets that are not linked with libFuzzer: feeds them each
 * file of their corpus and some hundred mutations of it, the same ones in
 * every run, and prints TAP. The corpus is the folder given, or
 * $ACP_SRCDIR/tests/fuzz/corpus/NAME for a program fuzz_NAME; an empty one is
 * a failure. Each file has a process of its own, so that a crash is one
 * failed test that names the mutation. Writes no files.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/auto.h"

#define INPUT_MAX ((size_t)256 * 1024)
#define GROWTH_MAX 64 /* bytes that one step may add */
#define STEPS_MAX 6
#define MUTATIONS 300
#define HANG_S 300

/* An input that can grow a little; bytes has room for INPUT_MAX. */
struct input {
	uint8_t *bytes;
	size_t size;
};

/* Which input is running, seen by the parent too: 0 is the file itself. */
static volatile unsigned int *current;

static uint64_t random_state;

/* xorshift64*: the same numbers on every machine. */
static size_t
draw_below(size_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (size_t)((random_state * 2685821657736338717u) >> 32) % bound;
}

static uint8_t
draw_byte(void)
{
	static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, '\n', '\r',
		' ', '"', '%', '-', '.', '/', '0', '=', ',', ';', '{', '}'};
	size_t choice = draw_below(2 * sizeof(telling));

	return choice < sizeof(telling) ? telling[choice]
					: (uint8_t)draw_below(256);
}

static void
erase_some(struct input *input)
{
	size_t at = draw_below(input->size);
	size_t count = 1 + draw_below(input->size - at);

	if (draw_below(4) && count > 4)
		count = 4;
	memmove(input->bytes + at, input->bytes + at + count,
		input->size - at - count);
	input->size -= count;
}

/* Makes room for count bytes at a random place, which is returned. */
static uint8_t *
open_gap(struct input *input, size_t count)
{
	size_t at = draw_below(input->size + 1);

	memmove(input->bytes + at + count, input->bytes + at, input->size - at);
	input->size += count;
	return input->bytes + at;
}

static void
insert_some(struct input *input)
{
	size_t count = 1 + draw_below(GROWTH_MAX);
	uint8_t *gap = open_gap(input, count);
	uint8_t byte = draw_byte();
	bool is_run = draw_below(2) == 0;

	for (size_t i = 0; i < count; i++)
		gap[i] = is_run ? byte : draw_byte();
}

static void
repeat_some(struct input *input)
{
	uint8_t copy[GROWTH_MAX];
	size_t from = draw_below(input->size);
	size_t count = 1 + draw_below(GROWTH_MAX);

	if (count > input->size - from)
		count = input->size - from;
	memcpy(copy, input->bytes + from, count);
	memcpy(open_gap(input, count), copy, count);
}

static void
mutate_once(struct input *input)
{
	if (!input->size || input->size > INPUT_MAX - GROWTH_MAX) {
		input->size = 0;
		insert_some(input);
		return;
	}
	switch (draw_below(7)) {
	case 0:
	case 1:
		input->bytes[draw_below(input->size)] ^=
			(uint8_t)(1u << draw_below(8));
		break;
	case 2:
	case 3:
		input->bytes[draw_below(input->size)] = draw_byte();
		break;
	case 4:
		erase_some(input);
		break;
	case 5:
		insert_some(input);
		break;
	default:
		repeat_some(input);
	}
}

/* From a copy of the exact size, so that a sanitizer sees the end. */
static void
feed(const struct input *input)
{
	uint8_t *exact = malloc(input->size ? input->size : 1);

	if (!exact)
		abort();
	memcpy(exact, input->bytes, input->size);
	LLVMFuzzerTestOneInput(exact, input->size);
	free(exact);
}

static void
feed_all(const struct input *origin)
{
	struct input input = {malloc(INPUT_MAX), 0};

	if (!input.bytes)
		abort();
	feed(origin);
	random_state = 88172645463325252u;
	for (*current = 1; *current <= MUTATIONS; ++*current) {
		size_t steps = 1 + draw_below(STEPS_MAX);

		memcpy(input.bytes, origin->bytes, origin->size);
		input.size = origin->size;
		while (steps--)
			mutate_once(&input);
		feed(&input);
	}
	free(input.bytes);
}

/* Prints one line of TAP for the input; true when nothing broke. */
static bool
replay(unsigned int number, const char *name, const struct input *input)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	*current = 0;
	child = fork();
	if (child == 0) {
		alarm(HANG_S);
		feed_all(input);
		exit(0); /* not _exit: this is where leaks are looked for */
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		status = -1;
	printf("%sok %u - %s\n", status ? "not " : "", number, name);
	if (status)
		printf("# wait status %#x at mutation %u\n",
			(unsigned int)status, *current);
	return !status;
}

static bool
replay_file(unsigned int number, const char *folder, const char *name)
{
	struct input input = {malloc(INPUT_MAX), 0};
	char path[4096];
	ACP_AUTO(file) FILE *file = NULL;
	bool is_good = false;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (file && input.bytes) {
		input.size = fread(input.bytes, 1, INPUT_MAX, file);
		is_good = replay(number, name, &input);
	} else {
		printf("not ok %u - %s\n# %s\n", number, name, strerror(errno));
	}
	free(input.bytes);
	return is_good;
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* All files in the order of their names; the number of failures. */
static unsigned int
replay_folder(const char *folder)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_visible, alphasort);
	unsigned int number = 1;
	unsigned int failures = 0;
	uint8_t none = 0;
	struct input empty = {&none, 0};

	failures += !replay(number, "no bytes at all", &empty);
	for (int i = 0; i < count; i++) {
		failures += !replay_file(++number, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (count <= 0) {
		printf("not ok %u - %s has inputs\n", ++number, folder);
		failures++;
	}
	printf("1..%u\n", number);
	return failures;
}

int
main(int argc, char **argv)
{
	const char *root = getenv("ACP_SRCDIR");
	const char *name = strrchr(argv[0], '/');
	char folder[2048];

	name = name ? name + 1 : argv[0];
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
		root ? root : ".", name);
	current = mmap(NULL, sizeof(*current), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (current == MAP_FAILED) {
		printf("Bail out! %s\n", strerror(errno));
		return 1;
	}
	return replay_folder(argc > 1 ? argv[1] : folder) ? 1 : 0;
}
