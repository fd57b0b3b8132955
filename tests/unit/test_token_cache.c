/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/token_cache.c with a source that the test plays: what one CGI process
 * leaves to the next, and that neither a herd nor a dead provider leads to
 * more requests than one at a time.
 */
#include <config.h>

#include "fcgi/token_cache.h"

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/token_source_backend.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { PROCESSES = 20, LONG_MS = 3600000 };

/* How the source behaves, and how often it was asked, in all processes. */
struct script {
	atomic_uint fetches;
	enum acp_error error;
	int64_t age_ms; /* of the token when it is given */
	int64_t life_ms;
	int64_t retry_after_ms;
};

static struct script *script;
static struct acp_settings settings;
static char top[40];
static char folder[64];
static char record[80];
static char lock[80];

static enum acp_error
fetch_fake(struct acp_token_source *source, struct acp_token **token,
	int64_t *retry_after_ms)
{
	char value[32];

	(void)source;
	snprintf(value, sizeof(value), "token-\"%u",
		atomic_fetch_add(&script->fetches, 1) + 1);
	*retry_after_ms = script->retry_after_ms;
	if (!script->error)
		*token = acp_token_new(value, strlen(value),
			acp_clock_now_ms() - script->age_ms, script->life_ms);
	return script->error;
}

static void
free_fake(struct acp_token_source *source)
{
	free(source);
}

static const struct acp_token_source_ops fake_ops = {
	.fetch = fetch_fake, .free = free_fake};

static void
enter(void)
{
	acp_log_configure(ACP_LOG_LEVEL__MAX, ACP_LOG_FORMAT_JSON);
	snprintf(top, sizeof(top), "/tmp/acp-cache-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(folder, sizeof(folder), "%s/cache", top);
	snprintf(record, sizeof(record), "%s/token", folder);
	snprintf(lock, sizeof(lock), "%s/lock", folder);
	script = mmap(NULL, sizeof(*script), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(script, MAP_FAILED);
	*script = (struct script){.life_ms = LONG_MS};
	settings = (struct acp_settings){
		.source = {.kind = ACP_SOURCE_OIDC,
			.token_url = "https://idp/token",
			.client_id = "one"},
		.cache_dir = folder,
		.mint_wait_ms = 60000,
		.min_ttl_ms = 60000,
	};
}

static void
leave(void)
{
	unlink(record);
	unlink(lock);
	unlink(folder);
	rmdir(folder);
	rmdir(top);
	munmap(script, sizeof(*script));
}

static struct acp_token_cache *
make_cache(void)
{
	struct acp_token_source *source = acp_memory_new(1, sizeof(*source));

	source->ops = &fake_ops;
	return acp_token_cache_new(&settings, source);
}

/* What one CGI process does. */
static enum acp_error
get(struct acp_token **token, unsigned int *retry_after_s)
{
	ACP_AUTO(token_cache) struct acp_token_cache *cache = make_cache();

	*token = NULL;
	return acp_token_cache_get(cache, token, retry_after_s);
}

static void
refresh(void)
{
	ACP_AUTO(token_cache) struct acp_token_cache *cache = make_cache();

	acp_token_cache_refresh(cache);
}

static void
expect_token(const char *value)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	unsigned int retry_after_s;

	ck_assert_int_eq(get(&token, &retry_after_s), ACP_OK);
	ck_assert_str_eq(acp_token_peek_value(token), value);
}

static unsigned int
expect_failure(enum acp_error error)
{
	struct acp_token *token;
	unsigned int retry_after_s = 0;

	ck_assert_int_eq(get(&token, &retry_after_s), error);
	ck_assert_ptr_null(token);
	ck_assert_uint_ge(retry_after_s, 1);
	return retry_after_s;
}

static void
write_record(const char *text, size_t size, mode_t mode)
{
	int fd = open(record, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static char *
dup_record(void)
{
	char *text = acp_memory_new(10000, 1);
	int fd = open(record, O_RDONLY);

	ck_assert_int_gt(read(fd, text, 9999), 0);
	close(fd);
	return text;
}

START_TEST(one_process_leaves_its_token_to_the_next)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	unsigned int retry_after_s;
	struct stat status;

	expect_token("token-\"1");
	expect_token("token-\"1");
	ck_assert_int_eq(get(&token, &retry_after_s), ACP_OK);
	ck_assert_int_eq(acp_token_get_life_ms(token), LONG_MS);
	ck_assert_int_le(
		acp_token_get_left_ms(token, acp_clock_now_ms()), LONG_MS);
	ck_assert_uint_eq(script->fetches, 1);
	ck_assert_int_eq(lstat(folder, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(lstat(record, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(lstat(lock, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFREG | 0600);
}
END_TEST

START_TEST(a_token_of_another_source_is_not_used)
{
	expect_token("token-\"1");
	settings.source.client_id = "two";
	expect_token("token-\"2");
	settings.source.scope = "api";
	expect_token("token-\"3");
	settings.source.scope = NULL;
	settings.source.audience = "api";
	expect_token("token-\"4");
	settings.source.token_url = "https://idp/token/";
	expect_token("token-\"5");
	expect_token("token-\"5");
}
END_TEST

START_TEST(a_folder_that_others_may_enter_is_refused)
{
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	ck_assert_int_eq(chmod(folder, 0710), 0);
	expect_failure(ACP_FAULT);
	ck_assert_int_eq(chmod(folder, 0701), 0);
	expect_failure(ACP_FAULT);
	ck_assert_uint_eq(script->fetches, 0);
	ck_assert_int_eq(chmod(folder, 0700), 0);
	expect_token("token-\"1");
}
END_TEST

START_TEST(a_folder_that_is_a_symlink_or_a_file_is_refused)
{
	ck_assert_int_eq(symlink(top, folder), 0);
	expect_failure(ACP_FAULT);
	ck_assert_int_eq(unlink(folder), 0);
	close(open(folder, O_CREAT | O_WRONLY, 0600));
	expect_failure(ACP_FAULT);
	settings.cache_dir = "/nonexistent/ambient/cache";
	expect_failure(ACP_FAULT);
	ck_assert_uint_eq(script->fetches, 0);
}
END_TEST

static const char *const damages[] = {
	"",
	"{",
	"null",
	"[]",
	"\xff\xfe",
	"{\"token\":\"stolen\"}",
	"{\"token\":\"stolen\",\"life_ms\":9,\"binding\":\"00\"}",
};

START_TEST(a_damaged_record_is_replaced)
{
	expect_token("token-\"1");
	write_record(damages[_i], strlen(damages[_i]), 0600);
	expect_token("token-\"2");
	expect_token("token-\"2");
}
END_TEST

/* One member of a good record at a time becomes another. */
static const struct {
	const char *member;
	const char *value;
} forgeries[] = {
	{"\"asked_ms\":", "1000000000000000"},
	{"\"asked_ms\":", "\"never\""},
	{"\"asked_ms\":", "-1e300"},
	{"\"life_ms\":", "0"},
	{"\"life_ms\":", "-1"},
	{"\"life_ms\":", "86400001"},
	{"\"life_ms\":", "1e300"},
	{"\"life_ms\":", "null"},
	{"\"token\":", "\"two words\""},
	{"\"token\":", "null"},
};

START_TEST(a_record_with_impossible_values_is_replaced)
{
	ACP_AUTO(free) char *text = NULL;
	ACP_AUTO(free) char *forged = NULL;
	const char *start;
	const char *end;

	expect_token("token-\"1");
	text = dup_record();
	start = strstr(text, forgeries[_i].member);
	ck_assert_ptr_nonnull(start);
	start += strlen(forgeries[_i].member);
	end = start + strcspn(start, ",}");
	ck_assert_int_gt(asprintf(&forged, "%.*s%s%s", (int)(start - text),
				 text, forgeries[_i].value, end),
		0);
	write_record(forged, strlen(forged), 0600);
	expect_token("token-\"2");
	expect_token("token-\"2");
}
END_TEST

START_TEST(a_record_that_others_may_read_is_replaced)
{
	struct stat status;

	expect_token("token-\"1");
	ck_assert_int_eq(chmod(record, 0640), 0);
	expect_token("token-\"2");
	ck_assert_int_eq(lstat(record, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFREG | 0600);
}
END_TEST

START_TEST(a_record_that_is_a_symlink_or_a_pipe_is_not_read)
{
	char elsewhere[80];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", folder);
	expect_token("token-\"1");
	ck_assert_int_eq(rename(record, elsewhere), 0);
	ck_assert_int_eq(symlink("elsewhere", record), 0);
	expect_token("token-\"2");
	ck_assert_int_eq(unlink(elsewhere), 0);
	ck_assert_int_eq(unlink(record), 0);
	ck_assert_int_eq(mkfifo(record, 0600), 0);
	expect_token("token-\"3");
	expect_token("token-\"3");
}
END_TEST

START_TEST(a_record_one_byte_too_large_is_not_read)
{
	ACP_AUTO(free) char *text = NULL;
	ACP_AUTO(free)
	char *padded = acp_memory_new(ACP_TOKEN_CACHE_FILE_MAX + 1, 1);

	expect_token("token-\"1");
	text = dup_record();
	memset(padded, ' ', ACP_TOKEN_CACHE_FILE_MAX + 1);
	memcpy(padded, text, strlen(text));
	write_record(padded, ACP_TOKEN_CACHE_FILE_MAX, 0600);
	expect_token("token-\"1");
	write_record(padded, ACP_TOKEN_CACHE_FILE_MAX + 1, 0600);
	expect_token("token-\"2");
}
END_TEST

START_TEST(a_failure_is_remembered_as_long_as_the_provider_asks)
{
	script->error = ACP_RETRY_LATER;
	script->retry_after_ms = 600000;
	expect_failure(ACP_RETRY_LATER);
	ck_assert_uint_gt(expect_failure(ACP_RETRY_LATER), 500);
	script->error = ACP_OK;
	ck_assert_uint_le(expect_failure(ACP_RETRY_LATER), 600);
	ck_assert_uint_eq(script->fetches, 1);
	/* another source has not failed */
	settings.source.client_id = "two";
	expect_token("token-\"2");
}
END_TEST

START_TEST(there_is_hope_until_it_is_known_that_no_token_will_be_had)
{
	unsigned int retry_after_s = 0;

	ck_assert(acp_token_cache_is_hopeful(&settings, &retry_after_s));
	ck_assert_uint_eq(script->fetches, 0);
	script->error = ACP_RETRY_LATER;
	script->retry_after_ms = 600000;
	expect_failure(ACP_RETRY_LATER);
	ck_assert(!acp_token_cache_is_hopeful(&settings, &retry_after_s));
	ck_assert_uint_gt(retry_after_s, 500);
	ck_assert_uint_le(retry_after_s, 600);
	settings.source.client_id = "two";
	ck_assert(acp_token_cache_is_hopeful(&settings, &retry_after_s));
	settings.source.kind = ACP_SOURCE_STATIC;
	ck_assert(acp_token_cache_is_hopeful(&settings, &retry_after_s));
}
END_TEST

START_TEST(a_kept_token_is_hope_even_while_its_renewal_fails)
{
	unsigned int retry_after_s;

	script->age_ms = LONG_MS - 30000;
	expect_token("token-\"1");
	script->error = ACP_RETRY_LATER;
	script->retry_after_ms = 600000;
	while (script->fetches < 2)
		refresh();
	ck_assert(acp_token_cache_is_hopeful(&settings, &retry_after_s));
}
END_TEST

START_TEST(there_is_no_hope_without_a_folder)
{
	unsigned int retry_after_s = 0;

	ck_assert_int_eq(symlink("/tmp", folder), 0);
	ck_assert(!acp_token_cache_is_hopeful(&settings, &retry_after_s));
	ck_assert_uint_ge(retry_after_s, 1);
}
END_TEST

START_TEST(after_the_back_off_the_provider_is_asked_again)
{
	struct acp_token *token;
	unsigned int retry_after_s;

	script->error = ACP_DENIED;
	expect_failure(ACP_DENIED);
	script->error = ACP_OK;
	while (get(&token, &retry_after_s))
		ck_assert_uint_eq(script->fetches, 1);
	acp_token_free(&token);
	ck_assert_uint_eq(script->fetches, 2);
}
END_TEST

START_TEST(an_unusable_token_is_a_failure)
{
	script->life_ms = 0;
	expect_failure(ACP_RETRY_LATER);
	ck_assert_uint_eq(script->fetches, 1);
}
END_TEST

START_TEST(a_token_that_is_due_is_served_and_renewed_afterwards)
{
	/* given with half a minute left: due, and more than half a second
	 * must pass before it is asked for again */
	script->age_ms = LONG_MS - 30000;
	expect_token("token-\"1");
	script->age_ms = 0;
	while (script->fetches < 2) {
		expect_token("token-\"1");
		refresh();
	}
	expect_token("token-\"2");
	refresh();
	ck_assert_uint_eq(script->fetches, 2);
}
END_TEST

START_TEST(a_renewal_that_fails_keeps_the_token_and_backs_off)
{
	script->age_ms = LONG_MS - 30000;
	expect_token("token-\"1");
	script->error = ACP_RETRY_LATER;
	script->retry_after_ms = 600000;
	while (script->fetches < 2)
		refresh();
	refresh();
	expect_token("token-\"1");
	ck_assert_uint_eq(script->fetches, 2);
}
END_TEST

START_TEST(a_lock_held_elsewhere_is_waited_for_no_longer_than_mint_wait)
{
	int fd;

	ck_assert_int_eq(mkdir(folder, 0700), 0);
	fd = open(lock, O_RDWR | O_CREAT, 0600);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	settings.mint_wait_ms = 30;
	expect_failure(ACP_RETRY_LATER);
	ck_assert_uint_eq(script->fetches, 0);
	close(fd);
	expect_token("token-\"1");
}
END_TEST

START_TEST(nobody_waits_for_a_lock_while_a_usable_token_is_kept)
{
	int fd;

	script->age_ms = LONG_MS - 30000;
	expect_token("token-\"1");
	fd = open(lock, O_RDWR);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	/* would hang the test, were the lock waited for */
	expect_token("token-\"1");
	refresh();
	ck_assert_uint_eq(script->fetches, 1);
	close(fd);
}
END_TEST

START_TEST(a_herd_of_processes_asks_the_provider_once)
{
	pid_t pids[PROCESSES];
	struct acp_token *token;
	unsigned int retry_after_s;
	int status;

	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (!pids[i])
			_exit((int)get(&token, &retry_after_s));
	}
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_uint_eq(script->fetches, 1);
}
END_TEST

START_TEST(a_static_token_is_not_written_anywhere)
{
	settings.source.kind = ACP_SOURCE_STATIC;
	expect_token("token-\"1");
	expect_token("token-\"2");
	refresh();
	ck_assert_uint_eq(script->fetches, 2);
	script->error = ACP_DENIED;
	expect_failure(ACP_DENIED);
	ck_assert_int_ne(access(folder, F_OK), 0);
}
END_TEST

static void
add_file_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_folder_that_others_may_enter_is_refused);
	tcase_add_test(tcase, a_folder_that_is_a_symlink_or_a_file_is_refused);
	tcase_add_loop_test(tcase, a_damaged_record_is_replaced, 0,
		sizeof(damages) / sizeof(damages[0]));
	tcase_add_loop_test(tcase, a_record_with_impossible_values_is_replaced,
		0, sizeof(forgeries) / sizeof(forgeries[0]));
	tcase_add_test(tcase, a_record_that_others_may_read_is_replaced);
	tcase_add_test(tcase, a_record_that_is_a_symlink_or_a_pipe_is_not_read);
	tcase_add_test(tcase, a_record_one_byte_too_large_is_not_read);
}

static Suite *
token_cache_suite(void)
{
	Suite *suite = suite_create("token_cache");
	TCase *tcase = tcase_create("token_cache");

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_set_timeout(tcase, 60);
	add_file_tests(tcase);
	tcase_add_test(tcase, one_process_leaves_its_token_to_the_next);
	tcase_add_test(tcase, a_token_of_another_source_is_not_used);
	tcase_add_test(
		tcase, a_failure_is_remembered_as_long_as_the_provider_asks);
	tcase_add_test(tcase,
		there_is_hope_until_it_is_known_that_no_token_will_be_had);
	tcase_add_test(
		tcase, a_kept_token_is_hope_even_while_its_renewal_fails);
	tcase_add_test(tcase, there_is_no_hope_without_a_folder);
	tcase_add_test(tcase, after_the_back_off_the_provider_is_asked_again);
	tcase_add_test(tcase, an_unusable_token_is_a_failure);
	tcase_add_test(
		tcase, a_token_that_is_due_is_served_and_renewed_afterwards);
	tcase_add_test(
		tcase, a_renewal_that_fails_keeps_the_token_and_backs_off);
	tcase_add_test(tcase,
		a_lock_held_elsewhere_is_waited_for_no_longer_than_mint_wait);
	tcase_add_test(
		tcase, nobody_waits_for_a_lock_while_a_usable_token_is_kept);
	tcase_add_test(tcase, a_herd_of_processes_asks_the_provider_once);
	tcase_add_test(tcase, a_static_token_is_not_written_anywhere);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(token_cache_suite)
