/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a configuration into what the responder runs with, and refuses what
 * does not go together. All faults are told at once, so that an operator
 * mends a file in one go. Must never put a secret into a message.
 */
#include <config.h>

#include "fcgi/settings.h"

#include "lib/keyfile.h"
#include "lib/memory.h"
#include "lib/url.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { WORKERS_MAX = 256, SOURCE_AUTO = 0 };

_Static_assert(ACP_CONFIG_LIST_MAX <= ACP_KEYFILE_COUNT_MAX,
	"every configured key file can be read");

static const char *
peek_secret_file(const struct acp_settings *settings, enum acp_config_key key)
{
	return acp_config_peek_secret_file(settings->config, key);
}

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

static size_t
count_processors(void)
{
	cpu_set_t set;
	int count = 1;

	/* what this process may run on, not what the machine has */
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	return count < WORKERS_MAX ? (size_t)count : WORKERS_MAX;
}

/* The identity that runners get: one of their own, or the control plane's. */
static void
choose_client(struct acp_settings *settings)
{
	struct acp_source_settings *source = &settings->source;
	const char *own = peek_text(settings, ACP_CONFIG_OIDC_CLIENT_ID);
	const char *runners =
		peek_text(settings, ACP_CONFIG_TOKEN_OIDC_CLIENT_ID);

	source->client_id = runners ? runners : own;
	source->client_secret = acp_config_peek_secret(settings->config,
		runners ? ACP_CONFIG_TOKEN_OIDC_CLIENT_SECRET
			: ACP_CONFIG_OIDC_CLIENT_SECRET);
	source->is_shared_identity =
		!runners || (own && strcmp(own, runners) == 0);
}

static void
check_oidc(const struct acp_settings *settings, struct acp_buffer *why)
{
	const struct acp_source_settings *source = &settings->source;
	const char *prefix = is_set(settings, ACP_CONFIG_TOKEN_OIDC_CLIENT_ID)
		? "token_"
		: "";

	if (!source->client_id)
		acp_buffer_append(why,
			"token_source is oidc, but neither oidc_client_id nor "
			"token_oidc_client_id is set\n");
	else if (acp_secret_is_empty(source->client_secret))
		acp_buffer_printf(why,
			"%soidc_client_id is set, but neither "
			"%soidc_client_secret nor %soidc_client_secret_file\n",
			prefix, prefix, prefix);
	if (!source->token_url)
		acp_buffer_append(why,
			"oidc_token_url (OIDC_TOKEN_URL) is not set; there is "
			"no default, so that a secret goes nowhere by "
			"accident\n");
}

static void
check_urls(const struct acp_settings *settings, struct acp_buffer *why)
{
	const struct acp_source_settings *source = &settings->source;
	ACP_AUTO(buffer) struct acp_buffer said;

	acp_buffer_init(&said, ACP_CONFIG_LINE_MAX);
	if (source->token_url &&
		acp_url_check_provider(
			source->token_url, source->may_use_http, &said))
		acp_buffer_printf(
			why, "oidc_token_url %s\n", acp_buffer_peek(&said));
	acp_buffer_clear(&said);
	if (source->https_proxy &&
		acp_url_check_proxy(source->https_proxy, &said))
		acp_buffer_printf(
			why, "https_proxy %s\n", acp_buffer_peek(&said));
}

static void
read_oidc(struct acp_settings *settings)
{
	struct acp_source_settings *source = &settings->source;

	choose_client(settings);
	source->token_url = peek_text(settings, ACP_CONFIG_OIDC_TOKEN_URL);
	source->scope = peek_text(settings, ACP_CONFIG_OIDC_SCOPE);
	source->audience = peek_text(settings, ACP_CONFIG_OIDC_AUDIENCE);
	source->https_proxy = peek_text(settings, ACP_CONFIG_HTTPS_PROXY);
	source->ca_file = peek_text(settings, ACP_CONFIG_CA_FILE);
	source->may_use_http =
		acp_config_get_bool(settings->config, ACP_CONFIG_ALLOW_HTTP);
}

static void
read_static(struct acp_settings *settings)
{
	struct acp_source_settings *source = &settings->source;

	source->api_token =
		acp_config_peek_secret(settings->config, ACP_CONFIG_API_TOKEN);
	source->api_token_file =
		peek_secret_file(settings, ACP_CONFIG_API_TOKEN);
	source->may_use_cluster_token = acp_config_get_bool(
		settings->config, ACP_CONFIG_ALLOW_CLUSTER_TOKEN);
}

static void
choose_source(struct acp_settings *settings, struct acp_buffer *why)
{
	int choice = acp_config_get_choice(
		settings->config, ACP_CONFIG_TOKEN_SOURCE);
	bool has_client = is_set(settings, ACP_CONFIG_OIDC_CLIENT_ID) ||
		is_set(settings, ACP_CONFIG_TOKEN_OIDC_CLIENT_ID);
	bool has_token = is_set(settings, ACP_CONFIG_API_TOKEN);

	if (choice != SOURCE_AUTO)
		settings->source.kind = (enum acp_source_kind)(choice - 1);
	else
		settings->source.kind =
			has_client ? ACP_SOURCE_OIDC : ACP_SOURCE_STATIC;
	if (choice == SOURCE_AUTO && !has_client && !has_token)
		acp_buffer_append(why,
			"no token source: set oidc_token_url, oidc_client_id "
			"and oidc_client_secret (OIDC_TOKEN_URL, "
			"OIDC_CLIENT_ID, OIDC_CLIENT_SECRET), or api_token "
			"(AMBIENT_API_TOKEN)\n");
	else if (settings->source.kind == ACP_SOURCE_OIDC)
		check_oidc(settings, why);
	else if (!has_token)
		acp_buffer_append(why,
			"token_source is static, but neither api_token nor "
			"api_token_file is set\n");
	if (!is_set(settings, ACP_CONFIG_TOKEN_OIDC_CLIENT_ID) &&
		is_set(settings, ACP_CONFIG_TOKEN_OIDC_CLIENT_SECRET))
		acp_buffer_append(why,
			"token_oidc_client_secret is set without "
			"token_oidc_client_id\n");
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
	const char *ca_file = settings->source.ca_file;

	if (*settings->cache_dir != '/')
		acp_buffer_append(why, "cache_dir is not an absolute path\n");
	if (ca_file && access(ca_file, R_OK))
		acp_buffer_printf(why, "ca_file %s cannot be read\n", ca_file);
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
	settings->cache_entries =
		acp_config_get_number(config, ACP_CONFIG_CACHE_ENTRIES);
	settings->cache_ttl_ms =
		acp_config_get_duration_ms(config, ACP_CONFIG_CACHE_TTL);
	settings->acceptors =
		acp_config_get_number(config, ACP_CONFIG_ACCEPTORS);
	settings->workers = acp_config_get_number(config, ACP_CONFIG_WORKERS);
	if (settings->workers == 0)
		settings->workers = count_processors();
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
	read_oidc(made);
	read_static(made);
	choose_source(made, why);
	check_urls(made, why);
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
