/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ambient-cp-token: gives runners a fresh API token. Start-up order only:
 * confine, find out how it was started, configure, serve.
 */
#include <config.h>

#include "fcgi/cgi.h"
#include "fcgi/check.h"
#include "fcgi/listener.h"
#include "fcgi/request.h"
#include "fcgi/responder.h"
#include "fcgi/settings.h"
#include "lib/confine.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/options.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };
enum { OWN_LOG_ID };

static const struct acp_option own_options[] = {
	[OWN_LOG_ID] = {"log-id", "SESSION",
		"Print the name by which a session appears in the log."},
	{NULL, NULL, NULL},
};

static const struct acp_options_spec spec = {
	.program = "ambient-cp-token",
	.purpose = "Gives runners API tokens, behind a web server that speaks "
		   "FastCGI or CGI.",
	.kind = ACP_CONFIG_FOR_TOKEN,
	.own = own_options,
};

static int
end_with(const struct acp_buffer *text, FILE *stream, int status)
{
	fputs(acp_buffer_peek(text), stream);
	if (stream == stderr)
		fputs("\n", stream);
	return fflush(stream) ? EXIT_FAILURE : status;
}

static int
serve(const struct acp_options *options, int inherited_fd)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	ACP_AUTO(settings) struct acp_settings *settings = NULL;
	struct acp_config *config = NULL;
	struct acp_listener listener = {.fd = -1};
	enum acp_error error;

	acp_buffer_init(&why, ACP_CONFIG_FILE_MAX);
	if (acp_options_load(options, &config, &why) ||
		acp_settings_new(config, &settings, &why))
		return end_with(&why, stderr, EXIT_USAGE);
	acp_log_configure(settings->log_level, settings->log_format);
	acp_responder_hold_signals();
	if (inherited_fd >= 0) {
		error = acp_listener_open_inherited(
			inherited_fd, &listener, &why);
	} else if (settings->socket) {
		error = acp_listener_open(settings->socket,
			settings->socket_group, &listener, &why);
	} else {
		acp_buffer_append(&why,
			"no socket: set \"socket\" (--socket PATH), or let "
			"spawn-fcgi, lighttpd or systemd start it\n\n");
		acp_options_describe(&spec, &why);
		return end_with(&why, stderr, EXIT_USAGE);
	}
	if (error)
		return end_with(&why, stderr,
			error == ACP_BAD_REQUEST ? EXIT_USAGE : EXIT_FAILURE);
	acp_request_prepare();
	error = acp_responder_run(options, settings, &listener);
	settings = NULL;
	acp_listener_close(&listener);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
run(int argc, char **argv)
{
	ACP_AUTO(options) struct acp_options options;
	ACP_AUTO(buffer) struct acp_buffer text;
	enum acp_error error;

	acp_buffer_init(&text, ACP_CONFIG_FILE_MAX);
	error = acp_options_read(&options, &spec, argc, argv, &text);
	if (error)
		return end_with(&text, stderr, EXIT_USAGE);
	if (options.is_help) {
		acp_options_describe(&spec, &text);
		return end_with(&text, stdout, EXIT_SUCCESS);
	}
	if (options.is_version) {
		acp_options_describe_version(&spec, &text);
		return end_with(&text, stdout, EXIT_SUCCESS);
	}
	if (options.is_check)
		return acp_check_print(&options);
	if (options.own[OWN_LOG_ID])
		return acp_check_print_log_id(
			&options, options.own[OWN_LOG_ID]);
	return serve(&options, acp_listener_find_inherited());
}

int
main(int argc, char **argv)
{
	acp_confine_process();
	acp_confine_raise_files();
	/* RFC 3875 §4.4: under CGI argv may be the query, so it is not read */
	if (getenv("GATEWAY_INTERFACE") && acp_listener_find_inherited() < 0)
		return acp_cgi_run(&spec);
	return run(argc, argv);
}
