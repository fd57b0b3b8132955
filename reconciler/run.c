/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses what is done by the command line, and does what needs no cluster.
 * Decides what is printed and which exit status is given.
 */
#include <config.h>

#include "reconciler/run.h"

#include "lib/keyfile.h"
#include "lib/log.h"
#include "reconciler/cluster.h"
#include "reconciler/findings.h"
#include "reconciler/local.h"
#include "reconciler/token_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	OUTPUT_MAX = 64 * 1024,
	/* a plan: some 200 bytes an action, some ten actions a project */
	PLAN_OUTPUT_MAX = 64 * 1024 * 1024
};

static enum acp_exit_code
print_text(const struct acp_buffer *text)
{
	if (text->is_failed) {
		acp_log_message(ACP_LOG_ERROR, "output_failed",
			"standard output: more than %zu bytes", text->limit);
		return ACP_EXIT_NOTHING_DONE;
	}
	if (fputs(acp_buffer_peek(text), stdout) >= 0 && fflush(stdout) == 0)
		return ACP_EXIT_CONVERGED;
	acp_log_message(ACP_LOG_ERROR, "output_failed", "standard output: %s",
		strerror(errno));
	return ACP_EXIT_NOTHING_DONE;
}

enum acp_exit_code
acp_run_describe(const struct acp_reconciler_options *options)
{
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_buffer_init(&text, OUTPUT_MAX);
	if (options->line.is_help)
		acp_options_describe(&acp_reconciler_spec, &text);
	else
		acp_options_describe_version(&acp_reconciler_spec, &text);
	return print_text(&text);
}

enum acp_error
acp_run_check_mode(
	const struct acp_reconciler_options *options, struct acp_buffer *why)
{
	if (options->bound_session && options->line.is_check)
		acp_buffer_append(
			why, "--print-url and --check exclude each other");
	else if (options->bound_session && options->mode != ACP_MODE_LOCAL)
		acp_buffer_append(why, "--print-url goes with --local only");
	else if (options->line.is_check && options->mode != ACP_MODE_LOCAL &&
		options->mode != ACP_MODE_LOOP)
		acp_buffer_printf(why, "--check and %s exclude each other",
			acp_mode_name(options->mode));
	else
		return ACP_OK;
	return ACP_BAD_REQUEST;
}

/* The file that is ours to write: the first. */
static const char *
peek_key_file(const struct acp_config *config)
{
	size_t count;

	return acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count)[0];
}

static void
append_json(struct acp_buffer *text, const struct acp_local_result *result,
	const char *key_file)
{
	acp_buffer_printf(text,
		"{\"key_id\":\"%s\",\"created\":%s,\"key_file\":",
		result->key_id, result->is_created ? "true" : "false");
	acp_buffer_append_json(text, key_file, strlen(key_file));
	acp_buffer_append(text, "}\n");
}

static enum acp_exit_code
run_local(const struct acp_config *config, bool is_json)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	const char *key_file = peek_key_file(config);
	unsigned int bits = (unsigned int)acp_config_get_number(
		config, ACP_CONFIG_KEY_BITS);
	struct acp_local_result result;

	acp_buffer_init(&text, OUTPUT_MAX);
	if (acp_local_ensure(key_file, bits, &result, &text)) {
		acp_log_message(ACP_LOG_ERROR, "key_file_failed", "%s",
			acp_buffer_peek(&text));
		return ACP_EXIT_NOTHING_DONE;
	}
	if (is_json)
		append_json(&text, &result, key_file);
	else
		acp_buffer_printf(&text, "key file %s %s, key id %s\n",
			key_file,
			result.is_created ? "made" : "is good, left alone",
			result.key_id);
	return print_text(&text);
}

/* The bundle as the responder reads it: from every key file. */
static enum acp_error
read_keys(const struct acp_config *config, struct acp_keyring *ring,
	struct acp_buffer *why)
{
	struct acp_keyfile_stamp stamp;
	const char *const *paths;
	size_t count;

	paths = acp_config_peek_list(config, ACP_CONFIG_KEY_FILE, &count);
	return acp_keyfile_read(paths, count, ring, &stamp, why);
}

static void
append_url(struct acp_buffer *text, const struct acp_key *key, const char *url,
	bool is_json)
{
	if (is_json) {
		acp_buffer_printf(text,
			"{\"key_id\":\"%s\",\"url\":", acp_key_peek_id(key));
		acp_buffer_append_json(text, url, strlen(url));
		acp_buffer_append(text, "}\n");
	} else {
		acp_buffer_printf(text, "%s\n", url);
	}
}

static enum acp_exit_code
print_url(const struct acp_config *config, const char *session, bool is_json)
{
	ACP_AUTO(keyring) struct acp_keyring ring;
	ACP_AUTO(buffer) struct acp_buffer why;
	ACP_AUTO(buffer) struct acp_buffer url;
	ACP_AUTO(buffer) struct acp_buffer text;

	acp_keyring_init(&ring);
	acp_buffer_init(&why, OUTPUT_MAX);
	acp_buffer_init(&url, OUTPUT_MAX);
	acp_buffer_init(&text, OUTPUT_MAX);
	if (read_keys(config, &ring, &why)) {
		acp_log_message(ACP_LOG_ERROR, "key_file_failed", "%s",
			acp_buffer_peek(&why));
		return ACP_EXIT_NOTHING_DONE;
	}
	if (acp_token_url_bind(
		    acp_config_peek_text(config, ACP_CONFIG_TOKEN_URL),
		    ring.keys[0], session, &url, &why)) {
		acp_log_message(ACP_LOG_ERROR, "token_url_failed", "%s",
			acp_buffer_peek(&why));
		return ACP_EXIT_USAGE;
	}
	append_url(&text, ring.keys[0], acp_buffer_peek(&url), is_json);
	return print_text(&text);
}

static enum acp_exit_code
check_local(const struct acp_config *config, bool is_json)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	struct acp_findings findings = {.text = &text, .is_json = is_json};

	acp_buffer_init(&text, OUTPUT_MAX);
	acp_findings_begin(&findings, config);
	acp_findings_add_key_file(&findings, peek_key_file(config), "--local");
	acp_findings_end(&findings);
	if (print_text(&text))
		return ACP_EXIT_NOTHING_DONE;
	return findings.is_bad ? ACP_EXIT_NOTHING_DONE : ACP_EXIT_CONVERGED;
}

static enum acp_exit_code
run_without_cluster(const struct acp_reconciler_options *options,
	const struct acp_config *config)
{
	if (options->line.is_check)
		return check_local(config, options->is_json);
	if (options->bound_session)
		return print_url(
			config, options->bound_session, options->is_json);
	return run_local(config, options->is_json);
}

enum acp_exit_code
acp_run(const struct acp_reconciler_options *options,
	const struct acp_config *config)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	enum acp_exit_code code;

	acp_buffer_init(&text, PLAN_OUTPUT_MAX);
	if (options->mode == ACP_MODE_LOCAL)
		return run_without_cluster(options, config);
	code = acp_cluster_run(options, config, &text);
	if (text.size > 0 && print_text(&text))
		return ACP_EXIT_NOTHING_DONE;
	return code;
}
