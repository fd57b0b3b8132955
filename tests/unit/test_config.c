/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/config*.c: precedence of the sources, every refusal with its place,
 * the limits, and that no secret gets into a message.
 */
#include <config.h>

#include "lib/config.h"

#include "lib/limits.h"
#include "lib/memory.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static char folder[32];
static char file[64];
static char secret_file[64];
static struct acp_config *config;
static struct acp_buffer why;

static void
start(void)
{
	snprintf(folder, sizeof(folder), "/tmp/acp-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/conf", folder);
	snprintf(secret_file, sizeof(secret_file), "%s/secret", folder);
	config = acp_config_new(ACP_CONFIG_FOR_TOKEN);
	acp_buffer_init(&why, 10000);
	/* the tests' own environment must not matter */
	ck_assert_int_eq(clearenv(), 0);
}

static void
stop(void)
{
	acp_config_free(&config);
	acp_buffer_clear(&why);
	unlink(file);
	unlink(secret_file);
	rmdir(folder);
}

static void
write_bytes(const char *path, const void *bytes, size_t size, mode_t mode)
{
	ACP_AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
}

static enum acp_error
read_text(const char *text)
{
	write_bytes(file, text, strlen(text), 0640);
	return acp_config_read_file(config, file, &why);
}

/* Fails unless the message is the file's path followed by text. */
static void
assert_place(const char *text)
{
	const char *said = acp_buffer_peek(&why);

	ck_assert_msg(strncmp(said, file, strlen(file)) == 0, "%s", said);
	ck_assert_str_eq(said + strlen(file), text);
}

START_TEST(defaults_are_those_of_the_table)
{
	size_t count;

	ck_assert_int_eq(acp_config_finish(config, &why), ACP_OK);
	ck_assert_int_eq(
		acp_config_get_duration_ms(config, ACP_CONFIG_QUEUE_WAIT),
		33000);
	ck_assert_uint_eq(
		acp_config_get_number(config, ACP_CONFIG_QUEUE_LENGTH), 16384);
	ck_assert(!acp_config_get_bool(config, ACP_CONFIG_ALLOW_HTTP));
	ck_assert_int_eq(
		acp_config_get_choice(config, ACP_CONFIG_LOG_LEVEL), 1);
	ck_assert_ptr_null(acp_config_peek_text(config, ACP_CONFIG_SOCKET));
	ck_assert_str_eq(
		acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count)[0],
		"/var/lib/ambient-cp/token-key.pem");
	ck_assert_uint_eq(count, 1);
	ck_assert(acp_secret_is_empty(
		acp_config_peek_secret(config, ACP_CONFIG_API_TOKEN)));
	for (enum acp_config_key key = 0; key < ACP_CONFIG_KEY__MAX; key++)
		ck_assert(!acp_config_is_set(config, key));
}
END_TEST

START_TEST(flags_win_over_environment_over_file)
{
	setenv("CP_TOKEN_SOCKET", "/from/environment", 1);
	setenv("CP_TOKEN_KEY_FILE", "/environment.pem", 1);
	ck_assert_int_eq(read_text("socket = /from/file\n"
				   "oidc_scope = file\n"
				   "key_file = /file.pem\n"
				   "log_level = error\n"),
		ACP_OK);
	ck_assert_int_eq(acp_config_read_environment(config, &why), ACP_OK);
	ck_assert_int_eq(
		acp_config_set_flag(config, "socket", "/from/flag", &why),
		ACP_OK);
	ck_assert_str_eq(
		acp_config_peek_text(config, ACP_CONFIG_SOCKET), "/from/flag");
	ck_assert_str_eq(
		acp_config_peek_text(config, ACP_CONFIG_OIDC_SCOPE), "file");
	ck_assert_int_eq(
		acp_config_get_choice(config, ACP_CONFIG_LOG_LEVEL), 3);
	ck_assert(acp_config_is_set(config, ACP_CONFIG_SOCKET));
}
END_TEST

START_TEST(lists_append_within_a_source_and_are_replaced_by_the_next)
{
	const char *const *items;
	size_t count;

	ck_assert_int_eq(read_text("key_file = /a\nkey_file = /b\n"), ACP_OK);
	items = acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(items[0], "/a");
	ck_assert_str_eq(items[1], "/b");
	setenv("CP_TOKEN_KEY_FILE", "/c:/d", 1);
	ck_assert_int_eq(acp_config_read_environment(config, &why), ACP_OK);
	items = acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(items[0], "/c:/d");
	for (int i = 0; i < ACP_CONFIG_LIST_MAX; i++)
		ck_assert_int_eq(
			acp_config_set_flag(config, "key-file", "/e", &why),
			ACP_OK);
	acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count);
	ck_assert_uint_eq(count, ACP_CONFIG_LIST_MAX);
	ck_assert_int_eq(acp_config_set_flag(config, "key-file", "/e", &why),
		ACP_BAD_REQUEST);
	ck_assert_str_eq(acp_buffer_peek(&why),
		"--key-file: key_file is given more than 8 times");
}
END_TEST

static const struct {
	const char *line;
	int64_t ms;
} durations[] = {
	{"cache_ttl = 2500ms", 2500},
	{"cache_ttl=1s", 1000},
	{"cache_ttl:1s", 1000},
	{"  cache_ttl =  90 s  ", 90000},
	{"cache_ttl = 10min\r", 600000},
	{"cache_ttl = 2h", 7200000},
	{"cache_ttl = 1d", 86400000},
	{"\xef\xbb\xbf"
	 "cache_ttl = 5s",
		5000},
	{"# cache_ttl = 6s\n; x\n\n\tcache_ttl = 7s", 7000},
};

START_TEST(durations_have_a_unit)
{
	ck_assert_int_eq(read_text(durations[_i].line), ACP_OK);
	ck_assert_int_eq(
		acp_config_get_duration_ms(config, ACP_CONFIG_CACHE_TTL),
		durations[_i].ms);
}
END_TEST

static const struct {
	const char *word;
	bool is_on;
} booleans[] = {
	{"on", true},
	{"TRUE", true},
	{"yes", true},
	{"1", true},
	{"off", false},
	{"false", false},
	{"No", false},
	{"0", false},
};

START_TEST(booleans_have_eight_words)
{
	char line[40];

	snprintf(line, sizeof(line), "allow_http = %s", booleans[_i].word);
	ck_assert_int_eq(read_text(line), ACP_OK);
	ck_assert(acp_config_get_bool(config, ACP_CONFIG_ALLOW_HTTP) ==
		booleans[_i].is_on);
}
END_TEST

#define DURATION_HELP \
	" is not a duration: a whole number and one of ms s min h d, for" \
	" instance 30s"

static const struct {
	const char *text;
	const char *message;
} bad_files[] = {
	{"drain = 5s\nsokcet = /x",
		":2: unknown key 'sokcet', did you mean 'socket'?"},
	{"\n\nkey-file = /x",
		":3: unknown key 'key-file', did you mean 'key_file'?"},
	{"completely_else = 1", ":1: unknown key 'completely_else'"},
	{"socket_file = /x",
		":1: unknown key 'socket_file', did you mean 'lock_file'?"},
	{"two words = 1", ":1: not the name of a key"},
	{"= 1", ":1: not the name of a key"},
	{"drain = 5s\n[token]\n",
		":2: sections are not used, remove this line"},
	{"\xef\xbb\xbf[x]\ndrain = 5s", ":2: sections are not used"},
	{"drain = 5s\njust words\nsocket = /x\nbad = 1",
		":2: not of the form key = value"},
	{"socket =\n", ":1: socket has no value"},
	{"drain = 5s\ndrain = 5s", ":2: drain is given twice, first in "},
	{"drain = 5", ":1: drain: '5'" DURATION_HELP},
	{"drain = s", ":1: drain: 's'" DURATION_HELP},
	{"drain = -5s", ":1: drain: '-5s'" DURATION_HELP},
	{"drain = 5m", ":1: drain: '5m'" DURATION_HELP},
	{"drain = 5s s", ":1: drain: '5s s'" DURATION_HELP},
	{"drain = 9223372036854775807s",
		":1: drain: '9223372036854775807s'" DURATION_HELP},
	{"drain = 99999999999999999999s",
		":1: drain: '99999999999999999999s'" DURATION_HELP},
	{"drain = 601s", ":1: drain: '601s' is not in the range 0s..10min"},
	{"cache_ttl = 999ms",
		":1: cache_ttl: '999ms' is not in the range 1s..24h"},
	{"acceptors = four", ":1: acceptors: 'four' is not a whole number"},
	{"acceptors = 4x", ":1: acceptors: '4x' is not a whole number"},
	{"acceptors = 0", ":1: acceptors: '0' is not in the range 1..64"},
	{"acceptors = 65", ":1: acceptors: '65' is not in the range 1..64"},
	{"allow_http = maybe", ":1: allow_http: 'maybe' is neither on nor off"},
	{"log_level = warning",
		":1: log_level: 'warning' is not one of "
		"debug|info|warn|error"},
	{"token_source = oid",
		":1: token_source: 'oid' is not one of auto|oidc|static"},
	{"socket = /x # mine",
		":1: socket is followed by a comment; put it on a line of its "
		"own"},
	{"socket = /x\ty",
		":1: socket holds a control character (a line end or tab?)"},
	{"socket = /x\n /y", ":2: not of the form key = value"},
	{"api_token = a\napi_token_file = /x",
		":2: api_token_file and api_token are both given, decide for "
		"one"},
	{"api_token_file = /x\napi_token = a",
		":2: api_token and api_token_file are both given, decide for "
		"one"},
	/* belongs to the other program, and is checked all the same */
	{"key_bits = 1024",
		":1: key_bits: '1024' is not in the range "
		"2048..8192"},
};

START_TEST(a_bad_file_is_refused_with_its_line)
{
	ACP_AUTO(buffer) struct acp_buffer expected;

	ck_assert_int_eq(read_text(bad_files[_i].text), ACP_BAD_REQUEST);
	acp_buffer_init(&expected, 1000);
	acp_buffer_append(&expected, bad_files[_i].message);
	if (strstr(bad_files[_i].message, "first in "))
		acp_buffer_printf(&expected, "%s:1", file);
	assert_place(acp_buffer_peek(&expected));
}
END_TEST

START_TEST(a_message_does_not_spoil_what_was_said_before)
{
	acp_buffer_append(&why, "before ");
	ck_assert_int_eq(read_text("bad line"), ACP_BAD_REQUEST);
	ck_assert(strncmp(acp_buffer_peek(&why), "before /", 8) == 0);
}
END_TEST

/* An inih whose buffer cannot be set has one of 200 bytes, line end and all. */
#if HAVE_DECL_INI_MAX_LINE
enum { LINE_MOST = ACP_CONFIG_LINE_MAX };
#else
enum { LINE_MOST = 197 };
#endif

START_TEST(a_line_of_the_limit_is_whole_and_one_byte_more_is_refused)
{
	char text[LINE_MOST + 2];
	char message[64];
	const char *scope;

	memset(text, 'x', sizeof(text));
	memcpy(text, "oidc_scope=", 11);
	text[LINE_MOST] = '\0';
	ck_assert_int_eq(read_text(text), ACP_OK);
	scope = acp_config_peek_text(config, ACP_CONFIG_OIDC_SCOPE);
	ck_assert_uint_eq(strlen(scope), LINE_MOST - 11);
	text[LINE_MOST] = 'x';
	text[LINE_MOST + 1] = '\0';
	ck_assert_int_eq(read_text(text), ACP_BAD_REQUEST);
	snprintf(message, sizeof(message), ":1: longer than %d bytes",
		LINE_MOST);
	assert_place(message);
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused)
{
	char *text = acp_memory_new(ACP_CONFIG_FILE_MAX + 1, 1);

	memset(text, '\n', ACP_CONFIG_FILE_MAX + 1);
	write_bytes(file, text, ACP_CONFIG_FILE_MAX, 0640);
	ck_assert_int_eq(acp_config_read_file(config, file, &why), ACP_OK);
	write_bytes(file, text, ACP_CONFIG_FILE_MAX + 1, 0640);
	ck_assert_int_eq(
		acp_config_read_file(config, file, &why), ACP_BAD_REQUEST);
	free(text);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
	static const char text[] = "drain = 5s\nsocket = /x\0y\n";

	write_bytes(file, text, sizeof(text) - 1, 0640);
	ck_assert_int_eq(
		acp_config_read_file(config, file, &why), ACP_BAD_REQUEST);
	assert_place(":2: a NUL byte");
}
END_TEST

START_TEST(a_missing_file_is_gone)
{
	ck_assert_int_eq(acp_config_read_file(config, file, &why), ACP_GONE);
	assert_place(": No such file or directory");
}
END_TEST

START_TEST(a_folder_is_not_a_file)
{
	ck_assert_int_eq(
		acp_config_read_file(config, folder, &why), ACP_BAD_REQUEST);
}
END_TEST

START_TEST(dev_null_is_an_empty_file)
{
	ck_assert_int_eq(
		acp_config_read_file(config, "/dev/null", &why), ACP_OK);
	ck_assert_int_eq(acp_config_read_file(config, "/dev/zero", &why),
		ACP_BAD_REQUEST);
}
END_TEST

START_TEST(a_semicolon_or_hash_does_not_cut_a_secret)
{
#if HAVE_DECL_INI_ALLOW_INLINE_COMMENTS
	ck_assert_int_eq(read_text("api_token = a ; b # c;\n"), ACP_OK);
	ck_assert_str_eq(acp_secret_peek(acp_config_peek_secret(
				 config, ACP_CONFIG_API_TOKEN)),
		"a ; b # c;");
#else
	ck_assert_int_eq(
		read_text("api_token = a ; b # c;\n"), ACP_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(acp_buffer_peek(&why), ":1: a ';'"));
#endif
}
END_TEST

START_TEST(a_secret_in_a_file_that_others_may_read_is_refused)
{
	static const char text[] = "drain = 5s\napi_token = hush\n";

	write_bytes(file, text, strlen(text), 0644);
	ck_assert_int_eq(
		acp_config_read_file(config, file, &why), ACP_BAD_REQUEST);
	assert_place(":2: api_token in a file of mode 0644, which others may "
		     "read: chmod 0640 it, or use api_token_file");
}
END_TEST

START_TEST(a_file_without_secrets_may_be_read_by_all)
{
	static const char text[] = "drain = 5s\napi_token_file = /x\n";

	write_bytes(file, text, strlen(text), 0644);
	ck_assert_int_eq(acp_config_read_file(config, file, &why), ACP_OK);
}
END_TEST

START_TEST(a_file_that_others_may_write_is_refused)
{
	write_bytes(file, "", 0, 0642);
	ck_assert_int_eq(
		acp_config_read_file(config, file, &why), ACP_BAD_REQUEST);
	assert_place(": mode 0642 lets others write it: chmod 0640 it");
}
END_TEST

START_TEST(secrets_come_from_files_without_their_line_end)
{
	write_bytes(secret_file, "hush ; #\r\n", 10, 0600);
	setenv("OIDC_CLIENT_SECRET_FILE", secret_file, 1);
	ck_assert_int_eq(acp_config_read_environment(config, &why), ACP_OK);
	ck_assert_int_eq(acp_config_finish(config, &why), ACP_OK);
	ck_assert_str_eq(acp_secret_peek(acp_config_peek_secret(
				 config, ACP_CONFIG_OIDC_CLIENT_SECRET)),
		"hush ; #");
	ck_assert_str_eq(acp_config_peek_secret_file(
				 config, ACP_CONFIG_OIDC_CLIENT_SECRET),
		secret_file);
}
END_TEST

static const struct {
	const char *bytes;
	size_t size;
	const char *message;
} bad_secrets[] = {
	{"", 0, "empty"},
	{"\n", 1, "empty"},
	{"a\nb", 3, "holds a control character or a second line"},
	{"a\n\n", 3, "holds a control character or a second line"},
	{"a\0b", 3, "holds a control character or a second line"},
};

START_TEST(a_bad_secret_file_is_refused_by_name)
{
	ACP_AUTO(buffer) struct acp_buffer expected;

	write_bytes(
		secret_file, bad_secrets[_i].bytes, bad_secrets[_i].size, 0600);
	ck_assert_int_eq(acp_config_set_flag(config, "oidc-client-secret-file",
				 secret_file, &why),
		ACP_OK);
	ck_assert_int_eq(acp_config_finish(config, &why), ACP_BAD_REQUEST);
	acp_buffer_init(&expected, 1000);
	acp_buffer_printf(&expected, "--oidc-client-secret-file: %s: %s",
		secret_file, bad_secrets[_i].message);
	ck_assert_str_eq(acp_buffer_peek(&why), acp_buffer_peek(&expected));
}
END_TEST

START_TEST(a_secret_file_over_the_limit_is_refused)
{
	char *text = acp_memory_new(ACP_SECRET_FILE_MAX + 1, 1);

	memset(text, 'x', ACP_SECRET_FILE_MAX + 1);
	write_bytes(secret_file, text, ACP_SECRET_FILE_MAX, 0600);
	ck_assert_int_eq(acp_config_set_flag(config, "oidc-client-secret-file",
				 secret_file, &why),
		ACP_OK);
	ck_assert_int_eq(acp_config_finish(config, &why), ACP_OK);
	write_bytes(secret_file, text, ACP_SECRET_FILE_MAX + 1, 0600);
	ck_assert_int_eq(acp_config_finish(config, &why), ACP_BAD_REQUEST);
	free(text);
}
END_TEST

START_TEST(the_api_tokens_file_is_left_to_its_reader)
{
	setenv("AMBIENT_API_TOKEN_FILE", "/not/there", 1);
	ck_assert_int_eq(acp_config_read_environment(config, &why), ACP_OK);
	ck_assert_int_eq(acp_config_finish(config, &why), ACP_OK);
	ck_assert(acp_config_is_set(config, ACP_CONFIG_API_TOKEN));
	ck_assert(acp_secret_is_empty(
		acp_config_peek_secret(config, ACP_CONFIG_API_TOKEN)));
	ck_assert_str_eq(
		acp_config_peek_secret_file(config, ACP_CONFIG_API_TOKEN),
		"/not/there");
}
END_TEST

START_TEST(a_later_source_overrides_both_forms_of_a_secret)
{
	ck_assert_int_eq(
		read_text("oidc_client_secret_file = /not/there\n"), ACP_OK);
	setenv("OIDC_CLIENT_SECRET", "hush", 1);
	ck_assert_int_eq(acp_config_read_environment(config, &why), ACP_OK);
	ck_assert_int_eq(acp_config_finish(config, &why), ACP_OK);
	ck_assert_ptr_null(acp_config_peek_secret_file(
		config, ACP_CONFIG_OIDC_CLIENT_SECRET));
	ck_assert_str_eq(acp_secret_peek(acp_config_peek_secret(
				 config, ACP_CONFIG_OIDC_CLIENT_SECRET)),
		"hush");
	ck_assert_int_eq(acp_config_set_flag(config, "oidc-client-secret-file",
				 "/not/there", &why),
		ACP_OK);
	ck_assert(acp_secret_is_empty(
		acp_config_peek_secret(config, ACP_CONFIG_OIDC_CLIENT_SECRET)));
}
END_TEST

START_TEST(both_forms_of_a_secret_in_the_environment_are_refused)
{
	setenv("OIDC_CLIENT_SECRET", "hush", 1);
	setenv("OIDC_CLIENT_SECRET_FILE", "/x", 1);
	ck_assert_int_eq(
		acp_config_read_environment(config, &why), ACP_BAD_REQUEST);
	ck_assert_str_eq(acp_buffer_peek(&why),
		"environment OIDC_CLIENT_SECRET_FILE: oidc_client_secret_file "
		"and oidc_client_secret are both given, decide for one");
}
END_TEST

START_TEST(an_empty_variable_counts_as_unset)
{
	ck_assert_int_eq(read_text("socket = /x\n"), ACP_OK);
	setenv("CP_TOKEN_SOCKET", "", 1);
	setenv("AMBIENT_API_TOKEN", "", 1);
	setenv("AMBIENT_API_TOKEN_FILE", "/y", 1);
	setenv("LOG_LEVEL", "", 1);
	ck_assert_int_eq(acp_config_read_environment(config, &why), ACP_OK);
	ck_assert_str_eq(acp_config_peek_text(config, ACP_CONFIG_SOCKET), "/x");
	ck_assert(!acp_config_is_set(config, ACP_CONFIG_LOG_LEVEL));
}
END_TEST

START_TEST(a_secret_with_a_line_end_is_refused_unseen)
{
	setenv("AMBIENT_API_TOKEN", "hush\n", 1);
	ck_assert_int_eq(
		acp_config_read_environment(config, &why), ACP_BAD_REQUEST);
	ck_assert_str_eq(acp_buffer_peek(&why),
		"environment AMBIENT_API_TOKEN: api_token holds a control "
		"character (a line end or tab?)");
}
END_TEST

static const struct {
	const char *word;
	int level;
} levels[] = {
	{"trace", 0},
	{"debug", 0},
	{"INFO", 1},
	{"warn", 2},
	{"Warning", 2},
	{"error", 3},
	{"fatal", 3},
	{"panic", 3},
	{"nonsense", 1},
};

START_TEST(levels_of_the_reference_map_to_ours)
{
	setenv("LOG_LEVEL", levels[_i].word, 1);
	ck_assert_int_eq(acp_config_read_environment(config, &why), ACP_OK);
	ck_assert_int_eq(acp_config_get_choice(config, ACP_CONFIG_LOG_LEVEL),
		levels[_i].level);
}
END_TEST

static const struct {
	const char *name;
	const char *value;
	const char *message;
} bad_flags[] = {
	{"sockets", "/x", "unknown flag"},
	{"key_file", "/x", "unknown flag"},
	{"socket", "", "--socket: socket has no value"},
	{"socket", NULL, "--socket: socket has no value"},
	{"key-bits", "4096",
		"--key-bits: key_bits belongs to the other program"},
	{"api-token", "hush",
		"--api-token: api_token is a secret, and flags are seen by "
		"everybody on this host; name its file instead"},
	{"acceptors", "0",
		"--acceptors: acceptors: '0' is not in the range 1..64"},
};

START_TEST(a_bad_flag_is_refused)
{
	ck_assert_int_eq(acp_config_set_flag(config, bad_flags[_i].name,
				 bad_flags[_i].value, &why),
		ACP_BAD_REQUEST);
	ck_assert_str_eq(acp_buffer_peek(&why), bad_flags[_i].message);
}
END_TEST

START_TEST(a_switch_needs_no_word)
{
	ck_assert_int_eq(
		acp_config_set_flag(config, "allow-http", NULL, &why), ACP_OK);
	ck_assert(acp_config_get_bool(config, ACP_CONFIG_ALLOW_HTTP));
	ck_assert_int_eq(acp_config_set_flag(config, "allow-http", "off", &why),
		ACP_BAD_REQUEST);
	ck_assert_str_eq(acp_buffer_peek(&why),
		"--allow-http: allow_http is given twice, first in "
		"--allow-http");
}
END_TEST

START_TEST(the_description_has_origins_and_no_secret)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	ACP_AUTO(buffer) struct acp_buffer line;

	acp_buffer_init(&text, 100000);
	acp_buffer_init(&line, 1000);
	setenv("OIDC_CLIENT_SECRET", "hush-environment", 1);
	ck_assert_int_eq(read_text("api_token = hush-file\n"
				   "drain = 5s\n"
				   "https_proxy = http://me:hush-p@w@proxy:1/\n"
				   "key_file = /a\nkey_file = /b\n"),
		ACP_OK);
	ck_assert_int_eq(acp_config_read_environment(config, &why), ACP_OK);
	ck_assert_int_eq(acp_config_set_flag(config,
				 "token-oidc-client-secret-file", "/s", &why),
		ACP_OK);
	acp_config_describe(config, &text);
	ck_assert_ptr_null(strstr(text.text, "hush"));
	ck_assert_ptr_nonnull(strstr(text.text,
		"oidc_client_secret = set  (environment OIDC_CLIENT_SECRET)"));
	ck_assert_ptr_nonnull(strstr(text.text,
		"token_oidc_client_secret = set  (file /s, "
		"--token-oidc-client-secret-file)\n"));
	ck_assert_ptr_nonnull(
		strstr(text.text, "https_proxy = http://***@proxy:1/  ("));
	ck_assert_ptr_nonnull(
		strstr(text.text, "socket = not set  (default)\n"));
	ck_assert_ptr_nonnull(strstr(text.text, "key_file = /b  ("));
	ck_assert_ptr_null(strstr(text.text, "key_bits"));
	acp_buffer_printf(&line, "drain = 5s  (%s:2)\n", file);
	ck_assert_ptr_nonnull(strstr(text.text, line.text));
}
END_TEST

START_TEST(every_flag_that_is_listed_is_known)
{
	struct acp_config_flag flag;
	size_t position = 0, count = 0;

	while (acp_config_next_flag(ACP_CONFIG_FOR_TOKEN, &position, &flag)) {
		acp_buffer_clear(&why);
		if (acp_config_set_flag(config, flag.name, "", &why))
			ck_assert_ptr_nonnull(
				strstr(acp_buffer_peek(&why), "has no value"));
		count++;
	}
	ck_assert_uint_gt(count, 20);
}
END_TEST

static Suite *
config_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, defaults_are_those_of_the_table);
	tcase_add_test(tcase, flags_win_over_environment_over_file);
	tcase_add_test(tcase,
		lists_append_within_a_source_and_are_replaced_by_the_next);
	tcase_add_loop_test(tcase, durations_have_a_unit, 0, COUNT(durations));
	tcase_add_loop_test(
		tcase, booleans_have_eight_words, 0, COUNT(booleans));
	tcase_add_loop_test(tcase, a_bad_file_is_refused_with_its_line, 0,
		COUNT(bad_files));
	tcase_add_test(tcase, a_message_does_not_spoil_what_was_said_before);
	tcase_add_test(tcase,
		a_line_of_the_limit_is_whole_and_one_byte_more_is_refused);
	tcase_add_test(tcase, a_file_over_the_limit_is_refused);
	tcase_add_test(tcase, a_nul_byte_is_refused);
	tcase_add_test(tcase, a_missing_file_is_gone);
	tcase_add_test(tcase, a_folder_is_not_a_file);
	tcase_add_test(tcase, dev_null_is_an_empty_file);
	tcase_add_test(tcase, a_semicolon_or_hash_does_not_cut_a_secret);
	tcase_add_test(
		tcase, a_secret_in_a_file_that_others_may_read_is_refused);
	tcase_add_test(tcase, a_file_without_secrets_may_be_read_by_all);
	tcase_add_test(tcase, a_file_that_others_may_write_is_refused);
	tcase_add_test(tcase, secrets_come_from_files_without_their_line_end);
	tcase_add_loop_test(tcase, a_bad_secret_file_is_refused_by_name, 0,
		COUNT(bad_secrets));
	tcase_add_test(tcase, a_secret_file_over_the_limit_is_refused);
	tcase_add_test(tcase, the_api_tokens_file_is_left_to_its_reader);
	tcase_add_test(tcase, a_later_source_overrides_both_forms_of_a_secret);
	tcase_add_test(
		tcase, both_forms_of_a_secret_in_the_environment_are_refused);
	tcase_add_test(tcase, an_empty_variable_counts_as_unset);
	tcase_add_test(tcase, a_secret_with_a_line_end_is_refused_unseen);
	tcase_add_loop_test(
		tcase, levels_of_the_reference_map_to_ours, 0, COUNT(levels));
	tcase_add_loop_test(tcase, a_bad_flag_is_refused, 0, COUNT(bad_flags));
	tcase_add_test(tcase, a_switch_needs_no_word);
	tcase_add_test(tcase, the_description_has_origins_and_no_secret);
	tcase_add_test(tcase, every_flag_that_is_listed_is_known);
	suite_add_tcase(suite, tcase);
	return suite;
}

ACP_UNIT_MAIN(config_suite)
