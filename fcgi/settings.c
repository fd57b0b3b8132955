/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a configuration into what the responder runs with, and refuses what
 * does not go together. All faults are told at once, so that an operator
 * mends a file in one go. Must never put a secret into a message.
 */
#include <config.h>

#include "fcgi/settings.h"

#include "fcgi/processors.h"
#include "lib/keyfile.h"
#include "lib/memory.h"
#include "lib/token_source_settings.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { WORKERS_MAX = 256 };

_Static_assert(ACP_CONFIG_LIST_MAX <= ACP_KEYFILE_COUNT_MAX,
	"every configured key file can be read");

static const char *
peek_text(const struct acp_settings *settings, enum acp_config_key key)
{
	return acp_config_peek_text(settings->config, key);
}

static bool
is_set(const struct acp_settings *settings, enum acp_config_key key)
{
	return acp_config_is_set(settings->config, key);
}

/* One a processor. */
static size_t
choose_workers(void)
{
	size_t count = acp_processors_count();

	return count < WORKERS_MAX ? count : WORKERS_MAX;
}

/* True for 127.0.0.0/8 and [::1] with a port from 1 to 65535. */
static bool
is_loopback_address(const char *text)
{
	char host[INET6_ADDRSTRLEN] = "";
	const char *colon = strrchr(text, ':');
	struct in_addr address;
	char *end;
	long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host) ||
		colon[1] < '0' || colon[1] > '9')
		return false;
	memcpy(host, text, (size_t)(colon - text));
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 1 || port > UINT16_MAX)
		return false;
	if (strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &address) == 1 &&
		ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

static void
check_socket(const struct acp_settings *settings, struct acp_buffer *why)
{
	const struct sockaddr_un *address = NULL;
	const char *socket = settings->socket;

	if (!socket)
		return;
	if (*socket == '/' && strlen(socket) >= sizeof(address->sun_path))
		acp_buffer_printf(why,
			"socket is longer than the %zu bytes of a socket's "
			"path\n",
			sizeof(address->sun_path) - 1);
	else if (*socket != '/' && !is_loopback_address(socket))
		acp_buffer_append(why,
			"socket is neither an absolute path nor 127.x.x.x:PORT "
			"or [::1]:PORT; a FastCGI peer is trusted, so it is "
			"never opened to the network\n");
}

static void
check_paths(const struct acp_settings *settings, struct acp_buffer *why)
{
	if (*settings->cache_dir != '/')
		acp_buffer_append(why, "cache_dir is not an absolute path\n");
}

static void
read_sizes(struct acp_settings *settings)
{
	const struct acp_config *config = settings->config;

	settings->mint_wait_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_MINT_WAIT);
	settings->min_ttl_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_MIN_TTL);
	settings->queue_wait_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_QUEUE_WAIT);
	settings->queue_length =
		acp_config_get_number(config, ACP_CONFIG_QUEUE_LENGTH);
	settings->queue_bytes =
		acp_config_get_number(config, ACP_CONFIG_QUEUE_MEMORY_MIB)
		<< 20;
	settings->cache_entries =
		acp_config_get_number(config, ACP_CONFIG_CACHE_ENTRIES);
	settings->cache_ttl_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_CACHE_TTL);
	settings->acceptors =
		acp_config_get_number(config, ACP_CONFIG_ACCEPTORS);
	settings->workers = acp_config_get_number(config, ACP_CONFIG_WORKERS);
	if (settings->workers == 0)
		settings->workers = choose_workers();
	settings->drain_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_DRAIN);
}

static void
read_rules(struct acp_settings *settings)
{
	const struct acp_config *config = settings->config;
	struct acp_rules *rules = &settings->rules;

	/* the table has the words in the order of the enum */
	rules->binding = (enum acp_binding_mode)acp_config_get_choice(
		config, ACP_CONFIG_BINDING);
	rules->renewal_ttl_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_RENEWAL_TTL);
	rules->renewal_max_age_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_RENEWAL_MAX_AGE);
}

static void
read_rest(struct acp_settings *settings)
{
	const struct acp_config *config = settings->config;

	settings->key_files = acp_config_peek_list(
		config, ACP_CONFIG_KEY_FILE, &settings->key_file_count);
	settings->socket = peek_text(settings, ACP_CONFIG_SOCKET);
	settings->socket_group = peek_text(settings, ACP_CONFIG_SOCKET_GROUP);
	settings->cache_dir = peek_text(settings, ACP_CONFIG_CACHE_DIR);
	/* the table has the words in the order of the enums */
	settings->log_level = (enum acp_log_level)acp_config_get_choice(
		config, ACP_CONFIG_LOG_LEVEL);
	settings->log_format = (enum acp_log_format)acp_config_get_choice(
		config, ACP_CONFIG_LOG_FORMAT);
}

enum acp_error
acp_settings_new(struct acp_config *take_config, struct acp_settings **settings,
	struct acp_buffer *why)
{
	ACP_AUTO(settings)
	struct acp_settings *made = acp_memory_new(1, sizeof(*made));
	size_t said = why->size;

	made->config = take_config;
	read_sizes(made);
	read_rest(made);
	read_rules(made);
	acp_token_source_settings_read(
		take_config, ACP_SOURCE_OF_RUNNERS, &made->source);
	acp_token_source_settings_check(
		take_config, ACP_SOURCE_OF_RUNNERS, &made->source, why);
	check_socket(made, why);
	check_paths(made, why);
	if (why->size > said || why->is_failed)
		return ACP_BAD_REQUEST;
	*settings = made;
	made = NULL;
	return ACP_OK;
}

void
acp_settings_free(struct acp_settings **settings)
{
	if (!*settings)
		return;
	acp_config_free(&(*settings)->config);
	free(*settings);
	*settings = NULL;
}

static void
warn_binding(enum acp_binding_mode mode, struct acp_buffer *text)
{
	if (mode == ACP_BINDING_OPTIONAL)
		acp_buffer_append(text,
			"binding is optional, which protects nothing: whoever "
			"has the public key and a session id gets a token; say "
			"binding = required once unbound_requests_total stands "
			"still\n");
	if (mode == ACP_BINDING_OFF)
		acp_buffer_append(text,
			"binding is off: proofs are not looked at, and whoever "
			"has the public key and a session id gets a token\n");
}

void
acp_settings_warn(const struct acp_settings *settings, struct acp_buffer *text)
{
	const struct acp_source_settings *source = &settings->source;
	bool is_oidc = source->kind == ACP_SOURCE_OIDC;

	if (is_oidc && source->is_shared_identity)
		acp_buffer_append(text,
			"runners get tokens of the control plane's own client, "
			"and with them its rights: give them one of their own "
			"with token_oidc_client_id\n");
	if (is_oidc && is_set(settings, ACP_CONFIG_API_TOKEN))
		acp_buffer_append(text,
			"api_token is set but not used: the token source is "
			"oidc\n");
	if (source->may_use_http)
		acp_buffer_append(text,
			"allow_http is on: the client secret may travel "
			"unencrypted\n");
	if (source->may_use_cluster_token)
		acp_buffer_append(text,
			"allow_cluster_token is on: runners may get a "
			"Kubernetes service account's token\n");
	warn_binding(settings->rules.binding, text);
	if (settings->socket_group &&
		(!settings->socket || *settings->socket != '/'))
		acp_buffer_append(text,
			"socket_group is not used: socket is not a path\n");
}
