/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/token_source_static.c: a token that is given, its file and its rules.
 */
#include <config.h>

#include "lib/token_source.h"

#include "lib/buffer.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char folder[32];
static char path[64];
static char other[64];

static void
enter(void)
{
	acp_log_configure(ACP_LOG_LEVEL__MAX, ACP_LOG_FORMAT_JSON);
	snprintf(folder, sizeof(folder), "/tmp/acp-static-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/token", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
}

static void
leave(void)
{
	unlink(path);
	unlink(other);
	rmdir(folder);
}

static void
write_file(const char *name, const char *text, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	close(fd);
}

/* Another inode in the place of path. */
static void
replace_file(const char *text)
{
	write_file(other, text, strlen(text));
	ck_assert_int_eq(rename(other, path), 0);
}

static enum acp_error
fetch(struct acp_token_source *source, struct acp_token **token)
{
	int64_t retry_after_ms = -1;
	enum acp_error error =
		acp_token_source_fetch(source, token, &retry_after_ms);

	ck_assert_int_eq(retry_after_ms, 0);
	ck_assert_int_eq(error == ACP_OK, *token != NULL);
	return error;
}

static enum acp_error
fetch_value(
	const char *value, bool may_use_cluster_token, struct acp_token **token)
{
	ACP_AUTO(secret) struct acp_secret secret;
	struct acp_source_settings settings = {
		.kind = ACP_SOURCE_STATIC,
		.api_token = &secret,
		.may_use_cluster_token = may_use_cluster_token,
	};
	struct acp_token_source *source = acp_token_source_new(&settings);
	enum acp_error error;

	acp_secret_init(&secret);
	acp_secret_set(&secret, value, strlen(value));
	error = fetch(source, token);
	ck_assert(!acp_token_source_has_changed(source));
	acp_token_source_free(&source);
	ck_assert_ptr_null(source);
	return error;
}

/* Payloads: {"sub":"alice"}, one of a service account, exp 1 and exp in the
 * year 33658. */
#define ALICE "x.eyJzdWIiOiJhbGljZSJ9.y"
#define CLUSTER "x.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6bnM6cG9kIn0.y"
#define EXPIRED "x.eyJleHAiOjF9.y"
#define LASTING "x.eyJleHAiOjk5OTk5OTk5OTk5OX0.y"

static const struct {
	const char *given;
	const char *value; /* NULL: refused */
	bool may_use_cluster_token;
	bool has_life;
} values[] = {
	{"opaque", "opaque", false, false},
	{"opaque\r\n", "opaque", false, false},
	{ALICE "\n", ALICE, false, false},
	{LASTING, LASTING, false, true},
	{CLUSTER, CLUSTER, true, false},
	{CLUSTER, NULL, false, false},
	{EXPIRED, NULL, false, false},
	{"", NULL, false, false},
	{"\n", NULL, false, false},
	{"two words", NULL, false, false},
	{"two\nlines", NULL, false, false},
	{" led", NULL, false, false},
};

START_TEST(values_are_taken_or_refused)
{
	ACP_AUTO(token) struct acp_token *token = NULL;
	enum acp_error error = fetch_value(
		values[_i].given, values[_i].may_use_cluster_token, &token);

	if (!values[_i].value) {
		ck_assert_int_eq(error, ACP_DENIED);
		return;
	}
	ck_assert_int_eq(error, ACP_OK);
	ck_assert_str_eq(acp_token_peek_value(token), values[_i].value);
	ck_assert_int_eq(acp_token_get_life_ms(token) > 0, values[_i].has_life);
}
END_TEST

START_TEST(the_same_value_keeps_its_life)
{
	struct acp_source_settings settings = {
		.kind = ACP_SOURCE_STATIC, .api_token_file = path};
	struct acp_token_source *source = acp_token_source_new(&settings);
	ACP_AUTO(token) struct acp_token *first = NULL;
	ACP_AUTO(token) struct acp_token *second = NULL;

	replace_file(LASTING "\n");
	ck_assert_int_eq(fetch(source, &first), ACP_OK);
	ck_assert_int_eq(fetch(source, &second), ACP_OK);
	ck_assert_ptr_eq(first, second);
	acp_token_source_free(&source);
}
END_TEST

START_TEST(a_file_that_changes_is_noticed_and_read_again)
{
	struct acp_source_settings settings = {
		.kind = ACP_SOURCE_STATIC, .api_token_file = path};
	struct acp_token_source *source = acp_token_source_new(&settings);
	ACP_AUTO(token) struct acp_token *first = NULL;
	ACP_AUTO(token) struct acp_token *second = NULL;

	replace_file("one");
	ck_assert(acp_token_source_has_changed(source));
	ck_assert_int_eq(fetch(source, &first), ACP_OK);
	ck_assert(!acp_token_source_has_changed(source));
	replace_file("two");
	ck_assert(acp_token_source_has_changed(source));
	ck_assert_int_eq(fetch(source, &second), ACP_OK);
	ck_assert(!acp_token_source_has_changed(source));
	ck_assert_str_eq(acp_token_peek_value(first), "one");
	ck_assert_str_eq(acp_token_peek_value(second), "two");
	acp_token_source_free(&source);
}
END_TEST

START_TEST(a_file_that_goes_and_comes_back_is_noticed)
{
	struct acp_source_settings settings = {
		.kind = ACP_SOURCE_STATIC, .api_token_file = path};
	struct acp_token_source *source = acp_token_source_new(&settings);
	ACP_AUTO(token) struct acp_token *token = NULL;

	ck_assert_int_eq(fetch(source, &token), ACP_RETRY_LATER);
	ck_assert(!acp_token_source_has_changed(source));
	replace_file("one");
	ck_assert(acp_token_source_has_changed(source));
	ck_assert_int_eq(fetch(source, &token), ACP_OK);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(acp_token_source_has_changed(source));
	acp_token_source_free(&source);
}
END_TEST

START_TEST(a_swapped_symlink_is_noticed)
{
	struct acp_source_settings settings = {
		.kind = ACP_SOURCE_STATIC, .api_token_file = path};
	struct acp_token_source *source = acp_token_source_new(&settings);
	ACP_AUTO(token) struct acp_token *token = NULL;

	write_file(other, "one", 3);
	ck_assert_int_eq(symlink("other", path), 0);
	ck_assert_int_eq(fetch(source, &token), ACP_OK);
	ck_assert(!acp_token_source_has_changed(source));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("gone", path), 0);
	ck_assert(acp_token_source_has_changed(source));
	acp_token_source_free(&source);
}
END_TEST

START_TEST(a_file_one_byte_too_large_is_not_read)
{
	struct acp_source_settings settings = {
		.kind = ACP_SOURCE_STATIC, .api_token_file = path};
	struct acp_token_source *source = acp_token_source_new(&settings);
	ACP_AUTO(token) struct acp_token *token = NULL;
	static char text[ACP_SECRET_FILE_MAX + 1];

	/* new lines are cut, so that the size of the file alone decides */
	memset(text, '\n', sizeof(text));
	text[0] = 't';
	write_file(path, text, ACP_SECRET_FILE_MAX);
	ck_assert_int_eq(fetch(source, &token), ACP_OK);
	acp_token_free(&token);
	write_file(path, text, ACP_SECRET_FILE_MAX + 1);
	ck_assert_int_eq(fetch(source, &token), ACP_RETRY_LATER);
	acp_token_source_free(&source);
}
END_TEST

START_TEST(a_pipe_in_place_of_the_file_blocks_nobody)
{
	struct acp_source_settings settings = {
		.kind = ACP_SOURCE_STATIC, .api_token_file = path};
	struct acp_token_source *source = acp_token_source_new(&settings);
	ACP_AUTO(token) struct acp_token *token = NULL;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(fetch(source, &token), ACP_RETRY_LATER);
	acp_token_source_cancel(source);
	acp_token_source_free(&source);
}
END_TEST

static Suite *
token_source_static_suite(void)
{
	Suite *suite = suite_create("token_source_static");
	TCase *tcase = tcase_create("token_source_static");

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_add_loop_test(tcase, values_are_taken_or_refused, 0,
		sizeof(values) / sizeof(values[0]));
	tcase_add_test(tcase, the_same_value_keeps_its_life);
	tcase_add_test(tcase, a_file_that_changes_is_noticed_and_read_again);
	tcase_add_test(tcase, a_file_that_goes_and_comes_back_is_noticed);
	tcase_add_test(tcase, a_swapped_symlink_is_noticed);
	tcase_add_test(tcase, a_file_one_byte_too_large_is_not_read);
	tcase_add_test(tcase, a_pipe_in_place_of_the_file_blocks_nobody);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(token_source_static_suite)
