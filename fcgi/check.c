/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check and --log-id. Reads everything that a start would read, and never
 * listens, mints or writes.
 */
#include <config.h>

#include "fcgi/check.h"

#include "fcgi/logid.h"
#include "fcgi/settings.h"
#include "lib/keyfile.h"
#include "lib/limits.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

static bool
describe_keys(const struct acp_config *config, struct acp_buffer *text)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_keyfile_stamp stamp;
	const char *const *paths;
	enum acp_error error;
	size_t count;

	acp_keyring_init(&ring);
	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	paths = acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count);
	error = acp_keyfile_read(paths, count, &ring, &stamp, &why);
	for (size_t i = 0; i < ring.count; i++)
		acp_buffer_printf(text, "key %s: RSA, %zu bits, %s\n",
			acp_key_peek_id(ring.keys[i]),
			acp_key_get_size(ring.keys[i]) * 8,
			i == 0 ? "current" : "honoured too");
	if (error == ACP_GONE)
		acp_buffer_printf(text,
			"note: %s; the responder would wait for it "
			"(ambient-cp-reconciler --local makes one)\n",
			acp_buffer_peek(&why));
	else if (error)
		acp_buffer_printf(text, "error: %s\n", acp_buffer_peek(&why));
	return !error || error == ACP_GONE;
}

/* Each line of lines, with a word before it. */
static void
append_marked(struct acp_buffer *text, const char *mark, const char *lines)
{
	size_t size;

	for (; *lines; lines += size + (lines[size] == '\n')) {
		size = 0;
		while (lines[size] && lines[size] != '\n')
			size++;
		if (size > 0)
			acp_buffer_printf(
				text, "%s: %.*s\n", mark, (int)size, lines);
	}
}

static bool
describe_settings(struct acp_config *take_config, struct acp_buffer *text)
{
	ACP_AUTO(settings) struct acp_settings *settings = NULL;
	ACP_AUTO(buffer) struct acp_buffer why;
	bool is_good;

	acp_buffer_init(&why, ACP_CONFIG_FILE_MAX);
	is_good = !acp_settings_new(take_config, &settings, &why);
	if (!is_good) {
		append_marked(text, "error", acp_buffer_peek(&why));
		return false;
	}
	acp_settings_warn(settings, &why);
	append_marked(text, "warning", acp_buffer_peek(&why));
	if (!settings->socket)
		acp_buffer_append(text,
			"note: no socket is set: to be started by spawn-fcgi, "
			"lighttpd or systemd, or as a CGI program\n");
	return true;
}

int
acp_check_print(const struct acp_options *options)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	struct acp_config *config = NULL;
	bool is_good;

	acp_buffer_init(&text, ACP_CONFIG_FILE_MAX);
	if (acp_options_load(options, &config, &text)) {
		fprintf(stderr, "%s\n", acp_buffer_peek(&text));
		return EXIT_USAGE;
	}
	acp_buffer_printf(&text, "configuration file: %s\n",
		acp_options_peek_config_path(options));
	acp_config_describe(config, &text);
	is_good = describe_keys(config, &text);
	is_good = describe_settings(config, &text) && is_good;
	acp_buffer_append(&text,
		is_good ? "result: it would serve\n"
			: "result: it would not serve; see the errors above\n");
	fputs(acp_buffer_peek(&text), stdout);
	return is_good && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_USAGE;
}

int
acp_check_print_log_id(const struct acp_options *options, const char *session)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	struct acp_config *config = NULL;
	struct acp_keyfile_stamp stamp;
	char name[ACP_LOGID_SIZE];
	const char *const *paths;
	size_t count;

	acp_keyring_init(&ring);
	acp_buffer_init(&why, ACP_CONFIG_FILE_MAX);
	if (acp_options_load(options, &config, &why)) {
		fprintf(stderr, "%s\n", acp_buffer_peek(&why));
		return EXIT_USAGE;
	}
	paths = acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count);
	if (acp_keyfile_read(paths, count, &ring, &stamp, &why)) {
		fprintf(stderr, "%s\n", acp_buffer_peek(&why));
		acp_config_free(&config);
		return EXIT_USAGE;
	}
	acp_config_free(&config);
	acp_logid_write(ring.keys[0], session, name);
	printf("%s\n", name);
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
