/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the responder runs with: the configuration, read, checked as a whole
 * and turned into plain values. Made once at start and once a reload; never
 * changes afterwards, so any thread may read it.
 */
#ifndef ACP_FCGI_SETTINGS_H
#define ACP_FCGI_SETTINGS_H

#include "fcgi/rules.h"
#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/secret.h"
#include "lib/token_source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acp_settings {
	struct acp_config *config; /* owns every text below */
	const char *const *key_files;
	size_t key_file_count;
	const char *socket; /* path or address:port; NULL: inherited or CGI */
	const char *socket_group;
	struct acp_source_settings source;
	int64_t mint_wait_ms;
	int64_t min_ttl_ms;
	int64_t queue_wait_ms;
	size_t queue_length;
	size_t queue_bytes;
	size_t cache_entries;
	int64_t cache_ttl_ms;
	const char *cache_dir;
	size_t acceptors;
	size_t workers; /* 0 resolved to the number of processors */
	int64_t drain_ms;
	struct acp_rules rules;
	enum acp_log_level log_level;
	enum acp_log_format log_format;
};

/*
 * Takes a finished config, whatever the result. ACP_BAD_REQUEST, with a line
 * for each fault in why, when the keys do not go together: no token source,
 * oidc without URL or secret, http to another host without allow_http, a
 * socket that is neither an absolute path nor a loopback address …
 */
ACP_MUST_CHECK enum acp_error acp_settings_new(struct acp_config *take_config,
	struct acp_settings **settings, struct acp_buffer *why);
void acp_settings_free(struct acp_settings **settings);

/* Appends things that work but that an operator should know, a line each. */
void acp_settings_warn(
	const struct acp_settings *settings, struct acp_buffer *text);

ACP_AUTO_DEFINE(settings, struct acp_settings *, acp_settings_free)

#endif
