/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads kubeconfig files by libyaml's documents. Only known places are
 * visited, so that aliases, however they loop, cost nothing. Never puts a
 * value into a message, for it may be a token in the wrong place.
 */
#include <config.h>

#include "reconciler/kubeconfig.h"

#include "lib/base64.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/url.h"

#include <string.h>
#include <yaml.h>

enum { FILES_MAX = 16, PATH_SIZE_MAX = 4096 };

struct source {
	yaml_document_t document;
	char *path;
};

struct sources {
	struct source items[FILES_MAX];
	size_t count;
};

/* A mapping of one file, and where complaints about it go. */
struct place {
	struct source *source;
	yaml_node_t *node; /* NULL: an empty one */
	struct acp_buffer *why;
};

static void
clear_sources(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		yaml_document_delete(&sources->items[i].document);
		free(sources->items[i].path);
	}
	sources->count = 0;
}

ACP_AUTO_DEFINE(sources, struct sources, clear_sources)

static void
release_parser(yaml_parser_t *parser)
{
	yaml_parser_delete(parser);
}

ACP_AUTO_DEFINE(parser, yaml_parser_t, release_parser)

void
acp_kubeconfig_init(struct acp_kubeconfig *config)
{
	*config = (struct acp_kubeconfig){0};
}

void
acp_kubeconfig_clear(struct acp_kubeconfig *config)
{
	free(config->file);
	free(config->context);
	free(config->namespace);
	free(config->cluster.server);
	free(config->cluster.ca_file);
	free(config->cluster.tls_server_name);
	free(config->cluster.proxy);
	acp_secret_clear(&config->cluster.ca_pem);
	free(config->user.token_file);
	free(config->user.certificate_file);
	free(config->user.key_file);
	acp_secret_clear(&config->user.token);
	acp_secret_clear(&config->user.certificate_pem);
	acp_secret_clear(&config->user.key_pem);
	acp_kube_exec_clear(&config->user.exec);
	acp_kubeconfig_init(config);
}

static enum acp_error
complain(const struct place *place, const yaml_node_t *node, const char *name,
	const char *reason)
{
	acp_buffer_printf(place->why, "%s: line %zu: %s %s",
		place->source->path, node ? node->start_mark.line + 1 : 1, name,
		reason);
	return ACP_BAD_REQUEST;
}

/* Nodes */

static bool
is_scalar(const yaml_node_t *node, const char *text)
{
	return node->type == YAML_SCALAR_NODE &&
		node->data.scalar.length == strlen(text) &&
		memcmp(node->data.scalar.value, text, strlen(text)) == 0;
}

static bool
is_null(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
		node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		(is_scalar(node, "") || is_scalar(node, "~") ||
			is_scalar(node, "null"));
}

/* NULL for a member that is absent, or null. */
static yaml_node_t *
peek_member(const struct place *place, const char *name)
{
	yaml_document_t *document = &place->source->document;
	yaml_node_pair_t *pair;
	yaml_node_t *value;

	if (!place->node || place->node->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = place->node->data.mapping.pairs.start;
		pair < place->node->data.mapping.pairs.top; pair++) {
		if (!is_scalar(
			    yaml_document_get_node(document, pair->key), name))
			continue;
		value = yaml_document_get_node(document, pair->value);
		return is_null(value) ? NULL : value;
	}
	return NULL;
}

/* The text of a scalar, "" for no node. */
static enum acp_error
read_scalar(const struct place *place, const yaml_node_t *node,
	const char *name, const char **text)
{
	*text = "";
	if (!node)
		return ACP_OK;
	if (node->type != YAML_SCALAR_NODE)
		return complain(place, node, name, "is not a text");
	*text = (const char *)node->data.scalar.value;
	if (strlen(*text) != node->data.scalar.length)
		return complain(place, node, name, "has a NUL in it");
	return ACP_OK;
}

/* A member that is a text; *copy stays NULL when it is absent or empty. */
static enum acp_error
read_text(const struct place *place, const char *name, char **copy)
{
	const char *text;
	enum acp_error error =
		read_scalar(place, peek_member(place, name), name, &text);

	if (!error && *text)
		*copy = acp_memory_dup_text(text);
	return error;
}

/* A relative path is meant from the folder of the file that has it. */
static char *
resolve_path(const struct place *place, const char *path)
{
	const char *file = place->source->path;
	const char *slash = strrchr(file, '/');
	ACP_AUTO(buffer) struct acp_buffer whole;

	acp_buffer_init(&whole, 2 * ACP_KUBECONFIG_FILE_MAX);
	if (*path != '/' && slash)
		acp_buffer_append_bytes(
			&whole, file, (size_t)(slash - file) + 1);
	acp_buffer_append(&whole, path);
	return acp_buffer_steal(&whole);
}

static enum acp_error
read_path(const struct place *place, const char *name, char **path)
{
	const char *text;
	enum acp_error error =
		read_scalar(place, peek_member(place, name), name, &text);

	if (!error && *text)
		*path = resolve_path(place, text);
	return error;
}

static enum acp_error
read_bool(const struct place *place, const char *name, bool *value)
{
	yaml_node_t *node = peek_member(place, name);

	if (!node)
		return ACP_OK;
	*value = is_scalar(node, "true");
	if (!*value && !is_scalar(node, "false"))
		return complain(place, node, name, "is not true or false");
	return ACP_OK;
}

/* Base64, in which line ends mean nothing. */
static enum acp_error
decode(const char *text, struct acp_secret *bytes)
{
	ACP_AUTO(secret) struct acp_secret plain = {0};
	size_t room = ACP_BASE64_BYTES_MAX(strlen(text));
	char *decoded = acp_memory_new(room + 1, 1);
	size_t size = 0;
	enum acp_error error;

	for (; *text; text++)
		if (!strchr(" \t\r\n", *text))
			acp_secret_append(&plain, text, 1);
	error = acp_base64_read(
		acp_secret_peek(&plain), plain.size, (uint8_t *)decoded, &size);
	if (!error)
		acp_secret_set(bytes, decoded, size);
	acp_secret_wipe(decoded, room);
	free(decoded);
	return error;
}

/* PEM in base64. */
static enum acp_error
read_pem(const struct place *place, const char *name, struct acp_secret *pem)
{
	yaml_node_t *node = peek_member(place, name);
	const char *text;
	enum acp_error error = read_scalar(place, node, name, &text);

	if (error || !*text)
		return error;
	if (decode(text, pem))
		return complain(place, node, name, "is not base64");
	if (!strstr(acp_secret_peek(pem), "-----BEGIN "))
		return complain(place, node, name, "is not PEM in base64");
	return ACP_OK;
}

/* Clusters */

static enum acp_error
check_urls(const struct place *place, const struct acp_kube_cluster *cluster)
{
	ACP_AUTO(buffer) struct acp_buffer reason;
	const char *name = "server";

	acp_buffer_init(&reason, ACP_LOG_VALUE_MAX);
	if (!cluster->server)
		return complain(place, place->node, name, "is missing");
	if (!acp_url_check_provider(cluster->server, false, &reason)) {
		name = "proxy-url";
		if (!cluster->proxy ||
			!acp_url_check_proxy(cluster->proxy, &reason))
			return ACP_OK;
	}
	return complain(place, peek_member(place, name), name,
		acp_buffer_peek(&reason));
}

static enum acp_error
read_cluster(const struct place *place, struct acp_kube_cluster *cluster)
{
	size_t size;

	if (read_text(place, "server", &cluster->server) ||
		read_path(place, "certificate-authority", &cluster->ca_file) ||
		read_pem(place, "certificate-authority-data",
			&cluster->ca_pem) ||
		read_text(
			place, "tls-server-name", &cluster->tls_server_name) ||
		read_text(place, "proxy-url", &cluster->proxy) ||
		read_bool(place, "insecure-skip-tls-verify",
			&cluster->is_unverified) ||
		check_urls(place, cluster))
		return ACP_BAD_REQUEST;
	if (cluster->is_unverified &&
		(cluster->ca_file || cluster->ca_pem.size))
		return complain(place, place->node, "insecure-skip-tls-verify",
			"and a certificate authority exclude each other");
	size = strlen(cluster->server);
	while (size && cluster->server[size - 1] == '/')
		cluster->server[--size] = '\0';
	return ACP_OK;
}

/* Users */

static enum acp_error
begin_sequence(const struct place *place, const char *name, yaml_node_t *node,
	size_t *count)
{
	*count = 0;
	if (!node)
		return ACP_OK;
	if (node->type != YAML_SEQUENCE_NODE)
		return complain(place, node, name, "is not a list");
	*count = (size_t)(node->data.sequence.items.top -
		node->data.sequence.items.start);
	if (*count > ACP_KUBECONFIG_ENTRIES_MAX)
		return complain(place, node, name, "is too long");
	return ACP_OK;
}

static yaml_node_t *
peek_item(const struct place *place, const yaml_node_t *node, size_t i)
{
	return yaml_document_get_node(
		&place->source->document, node->data.sequence.items.start[i]);
}

static enum acp_error
read_arguments(const struct place *place, struct acp_kube_exec *exec)
{
	yaml_node_t *node = peek_member(place, "args");
	const char *text;
	size_t count;

	if (begin_sequence(place, "args", node, &count))
		return ACP_BAD_REQUEST;
	exec->arguments = acp_memory_new(count + 1, sizeof(char *));
	for (size_t i = 0; i < count; i++) {
		if (read_scalar(
			    place, peek_item(place, node, i), "args", &text))
			return ACP_BAD_REQUEST;
		exec->arguments[i] = acp_memory_dup_text(text);
		exec->argument_count++;
	}
	return ACP_OK;
}

static enum acp_error
read_variable(const struct place *place, char **variable)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	const char *name;
	const char *value;

	acp_buffer_init(&text, 2 * ACP_KUBECONFIG_FILE_MAX);
	if (read_scalar(place, peek_member(place, "name"), "name", &name) ||
		read_scalar(
			place, peek_member(place, "value"), "value", &value))
		return ACP_BAD_REQUEST;
	if (!*name || strchr(name, '='))
		return complain(place, place->node, "env", "has no good name");
	acp_buffer_printf(&text, "%s=%s", name, value);
	*variable = acp_buffer_steal(&text);
	return ACP_OK;
}

static enum acp_error
read_variables(const struct place *place, struct acp_kube_exec *exec)
{
	yaml_node_t *node = peek_member(place, "env");
	struct place item = *place;
	size_t count;

	if (begin_sequence(place, "env", node, &count))
		return ACP_BAD_REQUEST;
	exec->variables = acp_memory_new(count + 1, sizeof(char *));
	for (size_t i = 0; i < count; i++) {
		item.node = peek_item(place, node, i);
		if (read_variable(&item, &exec->variables[i]))
			return ACP_BAD_REQUEST;
		exec->variable_count++;
	}
	return ACP_OK;
}

/* A command with a slash is a path, as in a shell. */
static enum acp_error
read_command(const struct place *place, char **command)
{
	const char *text;
	enum acp_error error = read_scalar(
		place, peek_member(place, "command"), "command", &text);

	if (error)
		return error;
	if (!*text)
		return complain(place, place->node, "command", "is missing");
	*command = strchr(text, '/') ? resolve_path(place, text)
				     : acp_memory_dup_text(text);
	return ACP_OK;
}

static enum acp_error
check_mode(const struct place *place)
{
	yaml_node_t *node = peek_member(place, "interactiveMode");

	if (node && is_scalar(node, "Always"))
		return complain(place, node, "interactiveMode",
			"is Always, but nobody is there to answer");
	return ACP_OK;
}

static enum acp_error
read_exec(const struct place *user, struct acp_kube_exec *exec)
{
	struct place place = *user;

	place.node = peek_member(user, "exec");
	if (!place.node)
		return ACP_OK;
	if (place.node->type != YAML_MAPPING_NODE)
		return complain(&place, place.node, "exec", "is not a mapping");
	if (read_command(&place, &exec->command) ||
		read_text(&place, "apiVersion", &exec->api_version) ||
		read_bool(&place, "provideClusterInfo", &exec->wants_cluster) ||
		read_arguments(&place, exec) || read_variables(&place, exec) ||
		check_mode(&place))
		return ACP_BAD_REQUEST;
	if (!exec->api_version || !acp_kube_exec_has_version(exec->api_version))
		return complain(&place, place.node, "exec",
			"has an apiVersion other than "
			"client.authentication.k8s.io/v1 and v1beta1");
	return ACP_OK;
}

/* Ways to say who we are that we do not have: better told than left out. */
static enum acp_error
refuse_unknown_ways(const struct place *place)
{
	static const char *const names[] = {"username", "password",
		"auth-provider", "as", "as-uid", "as-groups", "as-user-extra"};
	yaml_node_t *node;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		node = peek_member(place, names[i]);
		if (node)
			return complain(place, node, names[i],
				"is not supported: give a token, a client "
				"certificate or an exec plugin");
	}
	return ACP_OK;
}

static enum acp_error
read_user(const struct place *place, struct acp_kube_user *user)
{
	ACP_AUTO(free) char *token = NULL;
	bool has_certificate;
	bool has_key;

	if (refuse_unknown_ways(place) || read_text(place, "token", &token) ||
		read_path(place, "tokenFile", &user->token_file) ||
		read_path(
			place, "client-certificate", &user->certificate_file) ||
		read_path(place, "client-key", &user->key_file) ||
		read_pem(place, "client-certificate-data",
			&user->certificate_pem) ||
		read_pem(place, "client-key-data", &user->key_pem) ||
		read_exec(place, &user->exec))
		return ACP_BAD_REQUEST;
	if (token) {
		acp_secret_set(&user->token, token, strlen(token));
		acp_secret_wipe(token, strlen(token));
	}
	has_certificate = user->certificate_file || user->certificate_pem.size;
	has_key = user->key_file || user->key_pem.size;
	if (has_certificate != has_key)
		return complain(place, place->node, "the user",
			"has a client certificate or a key without the other");
	return ACP_OK;
}

/* Entries with a name */

static enum acp_error
check_entry(const struct place *item, const char *kind, struct place *found)
{
	found->node = peek_member(item, kind);
	if (found->node && found->node->type != YAML_MAPPING_NODE)
		return complain(found, found->node, kind, "is not a mapping");
	if (found->node && peek_member(found, "<<"))
		return complain(found, found->node, kind,
			"uses a merge key (<<): write it out");
	return ACP_OK;
}

/* Among clusters, users or contexts of one file; ACP_GONE when not there. */
static enum acp_error
find_in_file(const struct place *root, const char *kind, const char *name,
	struct place *found)
{
	ACP_AUTO(buffer) struct acp_buffer list;
	struct place item = *root;
	yaml_node_t *node;
	bool is_found = false;
	const char *text;
	size_t count;

	acp_buffer_init(&list, PATH_SIZE_MAX);
	acp_buffer_printf(&list, "%ss", kind);
	node = peek_member(root, acp_buffer_peek(&list));
	if (begin_sequence(root, acp_buffer_peek(&list), node, &count))
		return ACP_BAD_REQUEST;
	for (size_t i = 0; i < count; i++) {
		item.node = peek_item(root, node, i);
		if (read_scalar(
			    &item, peek_member(&item, "name"), "name", &text))
			return ACP_BAD_REQUEST;
		if (strcmp(text, name) != 0)
			continue;
		if (is_found)
			return complain(&item, item.node, kind,
				"has the name of another one");
		is_found = true;
		*found = item;
		if (check_entry(&item, kind, found))
			return ACP_BAD_REQUEST;
	}
	return is_found ? ACP_OK : ACP_GONE;
}

static struct place
peek_root(struct source *source, struct acp_buffer *why)
{
	return (struct place){
		.source = source,
		.node = yaml_document_get_root_node(&source->document),
		.why = why,
	};
}

static enum acp_error
find_entry(struct sources *sources, const char *kind, const char *name,
	struct acp_buffer *why, struct place *found)
{
	enum acp_error error = ACP_GONE;
	struct place root;

	for (size_t i = 0; i < sources->count && error == ACP_GONE; i++) {
		root = peek_root(&sources->items[i], why);
		error = find_in_file(&root, kind, name, found);
	}
	if (error != ACP_GONE)
		return error;
	acp_buffer_printf(why, "%s: there is no %s \"%s\"",
		sources->items[0].path, kind, name);
	return ACP_BAD_REQUEST;
}

/* The whole */

static enum acp_error
find_context(struct sources *sources, struct acp_kubeconfig *config,
	struct acp_buffer *why)
{
	struct place root;

	for (size_t i = 0; i < sources->count && !config->context; i++) {
		root = peek_root(&sources->items[i], why);
		if (read_text(&root, "current-context", &config->context))
			return ACP_BAD_REQUEST;
	}
	if (config->context)
		return ACP_OK;
	acp_buffer_printf(
		why, "%s: no current-context is set", sources->items[0].path);
	return ACP_BAD_REQUEST;
}

static enum acp_error
read_context(struct sources *sources, struct acp_kubeconfig *config,
	struct acp_buffer *why)
{
	ACP_AUTO(free) char *cluster = NULL;
	ACP_AUTO(free) char *user = NULL;
	struct place place;

	if (find_context(sources, config, why) ||
		find_entry(sources, "context", config->context, why, &place))
		return ACP_BAD_REQUEST;
	config->file = acp_memory_dup_text(place.source->path);
	if (read_text(&place, "cluster", &cluster) ||
		read_text(&place, "user", &user) ||
		read_text(&place, "namespace", &config->namespace))
		return ACP_BAD_REQUEST;
	if (!cluster || !user)
		return complain(&place, place.node, "context",
			"names no cluster or no user");
	if (find_entry(sources, "cluster", cluster, why, &place) ||
		read_cluster(&place, &config->cluster) ||
		find_entry(sources, "user", user, why, &place) ||
		read_user(&place, &config->user))
		return ACP_BAD_REQUEST;
	return ACP_OK;
}

static enum acp_error
add_source(struct sources *sources, const char *text, size_t size,
	const char *path, struct acp_buffer *why)
{
	ACP_AUTO(parser) yaml_parser_t parser;
	struct source *source = &sources->items[sources->count];
	yaml_node_t *root;

	if (!yaml_parser_initialize(&parser))
		acp_memory_exhausted();
	yaml_parser_set_input_string(
		&parser, (const unsigned char *)text, size);
	if (!yaml_parser_load(&parser, &source->document)) {
		acp_buffer_printf(why, "%s: line %zu: not YAML (%s)", path,
			parser.problem_mark.line + 1,
			parser.problem ? parser.problem : "unreadable");
		return ACP_BAD_REQUEST;
	}
	source->path = acp_memory_dup_text(path);
	sources->count++;
	root = yaml_document_get_root_node(&source->document);
	if (!root || is_null(root) || root->type == YAML_MAPPING_NODE)
		return ACP_OK;
	acp_buffer_printf(why, "%s: not a kubeconfig: no mapping", path);
	return ACP_BAD_REQUEST;
}

static enum acp_error
add_file(struct sources *sources, const char *path, struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret text = {0};
	ACP_AUTO(buffer) struct acp_buffer reason;
	enum acp_error error;

	acp_buffer_init(&reason, ACP_LOG_VALUE_MAX);
	if (sources->count == FILES_MAX) {
		acp_buffer_printf(
			why, "KUBECONFIG names more than %d files", FILES_MAX);
		return ACP_BAD_REQUEST;
	}
	error = acp_file_read(path, ACP_KUBECONFIG_FILE_MAX, &text, &reason);
	if (error == ACP_GONE)
		return ACP_OK;
	if (error) {
		acp_buffer_append(why, acp_buffer_peek(&reason));
		return ACP_BAD_REQUEST;
	}
	return add_source(
		sources, acp_secret_peek(&text), text.size, path, why);
}

static enum acp_error
add_files(struct sources *sources, const char *files, struct acp_buffer *why)
{
	size_t size;

	for (; *files; files += size + (files[size] == ':')) {
		ACP_AUTO(free) char *path = NULL;

		size = strcspn(files, ":");
		path = acp_memory_dup_bytes(files, size);
		if (size && add_file(sources, path, why))
			return ACP_BAD_REQUEST;
	}
	return ACP_OK;
}

enum acp_error
acp_kubeconfig_read(const char *files, struct acp_kubeconfig *config,
	struct acp_buffer *why)
{
	ACP_AUTO(sources) struct sources sources = {0};

	if (add_files(&sources, files, why))
		return ACP_BAD_REQUEST;
	if (!sources.count) {
		acp_buffer_printf(why, "%s: no kubeconfig is there", files);
		return ACP_GONE;
	}
	return read_context(&sources, config, why);
}

enum acp_error
acp_kubeconfig_parse(const char *text, size_t size, const char *file,
	struct acp_kubeconfig *config, struct acp_buffer *why)
{
	ACP_AUTO(sources) struct sources sources = {0};

	if (add_source(&sources, text, size, file, why))
		return ACP_BAD_REQUEST;
	return read_context(&sources, config, why);
}
