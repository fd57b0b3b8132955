/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses an identity out of the configuration and tells all of its faults at
 * once, so that an operator mends a file in one go. Called by the settings of
 * both server programs. Must never put a secret into a message.
 */
#include <config.h>

#include "lib/token_source_settings.h"

#include "lib/limits.h"
#include "lib/url.h"

#include <string.h>
#include <unistd.h>

enum { CHOICE_AUTO = 0 };

static bool
has_runners_client(const struct acp_config *config, enum acp_source_owner owner)
{
	return owner == ACP_SOURCE_OF_RUNNERS &&
		acp_config_is_set(config, ACP_CONFIG_TOKEN_OIDC_CLIENT_ID);
}

static bool
has_client(const struct acp_config *config, enum acp_source_owner owner)
{
	return has_runners_client(config, owner) ||
		acp_config_is_set(config, ACP_CONFIG_OIDC_CLIENT_ID);
}

/* token_source as it was said for runners; auto for everybody else. */
static int
get_choice(const struct acp_config *config, enum acp_source_owner owner)
{
	return owner == ACP_SOURCE_OF_RUNNERS
		? acp_config_get_choice(config, ACP_CONFIG_TOKEN_SOURCE)
		: CHOICE_AUTO;
}

static enum acp_source_kind
choose_kind(const struct acp_config *config, enum acp_source_owner owner)
{
	int choice = get_choice(config, owner);

	/* the table has the words in the order of the enum, behind auto */
	if (choice != CHOICE_AUTO)
		return (enum acp_source_kind)(choice - 1);
	return has_client(config, owner) ? ACP_SOURCE_OIDC : ACP_SOURCE_STATIC;
}

/* The identity that runners get: one of their own, or the control plane's. */
static void
read_client(const struct acp_config *config, enum acp_source_owner owner,
	struct acp_source_settings *source)
{
	bool is_theirs = has_runners_client(config, owner);
	const char *own =
		acp_config_peek_text(config, ACP_CONFIG_OIDC_CLIENT_ID);
	const char *chosen = is_theirs
		? acp_config_peek_text(config, ACP_CONFIG_TOKEN_OIDC_CLIENT_ID)
		: own;

	source->client_id = chosen;
	source->client_secret = acp_config_peek_secret(config,
		is_theirs ? ACP_CONFIG_TOKEN_OIDC_CLIENT_SECRET
			  : ACP_CONFIG_OIDC_CLIENT_SECRET);
	source->is_shared_identity = owner == ACP_SOURCE_OF_RUNNERS &&
		(!is_theirs || (own && strcmp(own, chosen) == 0));
}

void
acp_token_source_settings_read(const struct acp_config *config,
	enum acp_source_owner owner, struct acp_source_settings *source)
{
	*source = (struct acp_source_settings){
		.kind = choose_kind(config, owner),
		.token_url =
			acp_config_peek_text(config, ACP_CONFIG_OIDC_TOKEN_URL),
		.scope = acp_config_peek_text(config, ACP_CONFIG_OIDC_SCOPE),
		.audience =
			acp_config_peek_text(config, ACP_CONFIG_OIDC_AUDIENCE),
		.https_proxy =
			acp_config_peek_text(config, ACP_CONFIG_HTTPS_PROXY),
		.ca_file = acp_config_peek_text(config, ACP_CONFIG_CA_FILE),
		.may_use_http =
			acp_config_get_bool(config, ACP_CONFIG_ALLOW_HTTP),
		.api_token =
			acp_config_peek_secret(config, ACP_CONFIG_API_TOKEN),
		.api_token_file = acp_config_peek_secret_file(
			config, ACP_CONFIG_API_TOKEN),
		.may_use_cluster_token = owner == ACP_SOURCE_OF_CONTROL_PLANE ||
			acp_config_get_bool(
				config, ACP_CONFIG_ALLOW_CLUSTER_TOKEN),
	};
	read_client(config, owner, source);
}

static void
check_oidc(const struct acp_config *config, enum acp_source_owner owner,
	const struct acp_source_settings *source, struct acp_buffer *why)
{
	const char *prefix = has_runners_client(config, owner) ? "token_" : "";

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
check_kind(const struct acp_config *config, enum acp_source_owner owner,
	const struct acp_source_settings *source, struct acp_buffer *why)
{
	bool has_token = acp_config_is_set(config, ACP_CONFIG_API_TOKEN);

	if (source->kind == ACP_SOURCE_OIDC)
		check_oidc(config, owner, source, why);
	else if (!has_token && get_choice(config, owner) == CHOICE_AUTO)
		acp_buffer_printf(why,
			"%s: set oidc_token_url, oidc_client_id and "
			"oidc_client_secret (OIDC_TOKEN_URL, OIDC_CLIENT_ID, "
			"OIDC_CLIENT_SECRET), or api_token "
			"(AMBIENT_API_TOKEN), each secret also as a file: "
			"NAME_file (NAME_FILE)\n",
			owner == ACP_SOURCE_OF_RUNNERS
				? "no token source"
				: "no identity for the Ambient API server");
	else if (!has_token)
		acp_buffer_append(why,
			"token_source is static, but neither api_token nor "
			"api_token_file is set\n");
	if (owner == ACP_SOURCE_OF_RUNNERS &&
		!has_runners_client(config, owner) &&
		acp_config_is_set(config, ACP_CONFIG_TOKEN_OIDC_CLIENT_SECRET))
		acp_buffer_append(why,
			"token_oidc_client_secret is set without "
			"token_oidc_client_id\n");
}

static void
check_urls(const struct acp_source_settings *source, struct acp_buffer *why)
{
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

void
acp_token_source_settings_check(const struct acp_config *config,
	enum acp_source_owner owner, const struct acp_source_settings *source,
	struct acp_buffer *why)
{
	const char *ca_file = source->ca_file;

	check_kind(config, owner, source, why);
	check_urls(source, why);
	if (ca_file && access(ca_file, R_OK))
		acp_buffer_printf(why, "ca_file %s cannot be read\n", ca_file);
}
