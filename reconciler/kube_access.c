/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server and credentials for the Kubernetes client. Keeps what it read for a
 * while; one lock, held while a file is read or a plugin runs, so that many
 * threads make one plugin run. Never logs, and puts no credential in words.
 */
#include <config.h>

#include "reconciler/kube_access.h"

#include "lib/base64.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/token.h"
#include "reconciler/kubeconfig.h"

#include <pthread.h>
#include <string.h>
#include <sys/param.h>

#define ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

enum { TEXT_MAX = 64 * 1024 };

/* A server as it was at some time; kept while it may be in use. */
struct server {
	struct acp_http_server plain;
	struct acp_secret certificate;
	struct acp_secret key;
	struct server *older;
};

struct acp_kube_access {
	struct acp_kubeconfig config;
	char *description;
	pthread_mutex_t lock; /* over what follows */
	struct server *server;
	struct acp_secret token;
	bool is_read; /* token and certificate are of use until then: */
	int64_t read_ms;
	int64_t until_ms;
	char *failure; /* of the plugin, NULL: it did not fail */
	int64_t rest_ms; /* until when it is not started again then */
};

/* Servers */

static struct server *
make_server(const struct acp_kube_cluster *cluster)
{
	struct server *server = acp_memory_new(1, sizeof(*server));

	server->plain = (struct acp_http_server){
		.base_url = cluster->server,
		.proxy = cluster->proxy,
		.tls_server_name = cluster->tls_server_name,
		.ca_file = cluster->ca_file,
		.ca_pem = cluster->ca_pem.size ? &cluster->ca_pem : NULL,
		.is_unverified = cluster->is_unverified,
	};
	return server;
}

/* The same server with another certificate of ours, when it is another. */
static void
use_certificate(struct acp_kube_access *access,
	const struct acp_secret *certificate, const struct acp_secret *key)
{
	struct server *server = access->server;

	if (acp_secret_is_equal(&server->certificate, certificate->bytes,
		    certificate->size) &&
		acp_secret_is_equal(&server->key, key->bytes, key->size))
		return;
	server = make_server(&access->config.cluster);
	acp_secret_set(
		&server->certificate, certificate->bytes, certificate->size);
	acp_secret_set(&server->key, key->bytes, key->size);
	server->plain.client_pem = &server->certificate;
	server->plain.client_key_pem = &server->key;
	server->older = access->server;
	access->server = server;
}

static void
free_servers(struct server *server)
{
	struct server *older;

	for (; server; server = older) {
		older = server->older;
		acp_secret_clear(&server->certificate);
		acp_secret_clear(&server->key);
		free(server);
	}
}

/* Credentials */

static enum acp_error
read_token_file(struct acp_kube_access *access, struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret content = {0};
	const char *path = access->config.user.token_file;

	if (acp_file_read(path, ACP_SECRET_FILE_MAX, &content, why))
		return ACP_DENIED;
	while (content.size &&
		strchr(" \t\r\n", content.bytes[content.size - 1]))
		acp_secret_cut(&content, content.size - 1);
	if (!acp_token_is_legal(acp_secret_peek(&content), content.size)) {
		acp_buffer_printf(why, "%s: not a token on one line", path);
		return ACP_DENIED;
	}
	acp_secret_set(&access->token, content.bytes, content.size);
	access->until_ms = acp_clock_now_ms() + ACP_KUBE_TOKEN_AGE_MS;
	return ACP_OK;
}

/* The bytes of the kubeconfig, or of the file it names. */
static enum acp_error
read_pem(const struct acp_secret *pem, const char *file,
	struct acp_secret *content, struct acp_buffer *why)
{
	if (pem->size) {
		acp_secret_set(content, pem->bytes, pem->size);
		return ACP_OK;
	}
	return acp_file_read(file, ACP_SECRET_FILE_MAX, content, why);
}

static enum acp_error
read_certificate(struct acp_kube_access *access, struct acp_buffer *why)
{
	const struct acp_kube_user *user = &access->config.user;
	ACP_AUTO(secret) struct acp_secret certificate = {0};
	ACP_AUTO(secret) struct acp_secret key = {0};

	if (read_pem(&user->certificate_pem, user->certificate_file,
		    &certificate, why) ||
		read_pem(&user->key_pem, user->key_file, &key, why))
		return ACP_DENIED;
	use_certificate(access, &certificate, &key);
	access->until_ms = acp_clock_now_ms() + ACP_KUBE_TOKEN_AGE_MS;
	return ACP_OK;
}

static void
append_member(struct acp_buffer *text, const char *name, const char *value)
{
	if (!value)
		return;
	acp_buffer_printf(text, ",\"%s\":", name);
	acp_buffer_append_json(text, value, strlen(value));
}

/* spec.cluster of client.authentication.k8s.io. */
static enum acp_error
describe_cluster(const struct acp_kube_cluster *cluster,
	struct acp_buffer *text, struct acp_buffer *why)
{
	ACP_AUTO(secret) struct acp_secret pem = {0};
	ACP_AUTO(free) char *data = NULL;

	if ((cluster->ca_pem.size || cluster->ca_file) &&
		read_pem(&cluster->ca_pem, cluster->ca_file, &pem, why))
		return ACP_DENIED;
	data = acp_memory_new(ACP_BASE64_LENGTH(pem.size) + 1, 1);
	acp_base64_write(
		(const uint8_t *)acp_secret_peek(&pem), pem.size, data);
	acp_buffer_append(text, "{\"server\":");
	acp_buffer_append_json(text, cluster->server, strlen(cluster->server));
	append_member(text, "tls-server-name", cluster->tls_server_name);
	append_member(text, "proxy-url", cluster->proxy);
	append_member(
		text, "certificate-authority-data", pem.size ? data : NULL);
	if (cluster->is_unverified)
		acp_buffer_append(text, ",\"insecure-skip-tls-verify\":true");
	acp_buffer_append(text, "}");
	return ACP_OK;
}

/* Renewed a little before it ends. */
static int64_t
get_usable_ms(int64_t left_ms)
{
	return left_ms - MIN(left_ms / 4, ACP_TOKEN_MARGIN_MS);
}

static enum acp_error
run_plugin(struct acp_kube_access *access, struct acp_buffer *why)
{
	ACP_AUTO(kube_exec_result) struct acp_kube_exec_result result = {0};
	ACP_AUTO(buffer) struct acp_buffer cluster;
	enum acp_error error;

	acp_buffer_init(&cluster, 2 * ACP_KUBECONFIG_FILE_MAX);
	error = describe_cluster(&access->config.cluster, &cluster, why);
	if (!error)
		error = acp_kube_exec_run(&access->config.user.exec,
			acp_buffer_peek(&cluster), ACP_KUBE_EXEC_MS, &result,
			why);
	access->read_ms = acp_clock_now_ms();
	if (error)
		return error;
	acp_secret_set(&access->token, acp_secret_peek(&result.token),
		result.token.size);
	if (result.certificate.size)
		use_certificate(access, &result.certificate, &result.key);
	if (result.left_ms >= 0)
		access->until_ms =
			access->read_ms + get_usable_ms(result.left_ms);
	return ACP_OK;
}

/* A plugin that failed rests a while, and its words are said again. */
static enum acp_error
run_plugin_or_rest(struct acp_kube_access *access, struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer words;
	enum acp_error error;

	acp_buffer_init(&words, ACP_LOG_VALUE_MAX);
	if (access->failure && acp_clock_now_ms() < access->rest_ms) {
		acp_buffer_append(why, access->failure);
		return ACP_DENIED;
	}
	free(access->failure);
	access->failure = NULL;
	error = run_plugin(access, &words);
	if (!error)
		return ACP_OK;
	acp_buffer_append(why, acp_buffer_peek(&words));
	access->failure = acp_buffer_steal(&words);
	access->rest_ms = acp_clock_now_ms() + ACP_KUBE_EXEC_PAUSE_MS;
	return error;
}

/* The order is kubectl's: a token before a plugin, a certificate beside. */
static enum acp_error
read_credentials(struct acp_kube_access *access, struct acp_buffer *why)
{
	const struct acp_kube_user *user = &access->config.user;
	bool has_certificate =
		user->certificate_file || user->certificate_pem.size;

	access->until_ms = INT64_MAX;
	if (has_certificate && read_certificate(access, why))
		return ACP_DENIED;
	if (user->token_file)
		return read_token_file(access, why);
	if (user->token.size) {
		acp_secret_set(
			&access->token, user->token.bytes, user->token.size);
		return ACP_OK;
	}
	if (user->exec.command && !has_certificate)
		return run_plugin_or_rest(access, why);
	return ACP_OK;
}

enum acp_error
acp_kube_access_read_token(struct acp_kube_access *access,
	struct acp_secret *token, struct acp_buffer *why)
{
	enum acp_error error = ACP_OK;

	pthread_mutex_lock(&access->lock);
	if (!access->is_read || acp_clock_now_ms() >= access->until_ms) {
		error = read_credentials(access, why);
		access->is_read = !error;
	}
	if (!error)
		acp_secret_append(token, acp_secret_peek(&access->token),
			access->token.size);
	pthread_mutex_unlock(&access->lock);
	return error;
}

/*
 * A plugin that has just run is believed: many threads are answered 401 at
 * once, and each would start it again.
 */
void
acp_kube_access_forget_token(struct acp_kube_access *access)
{
	bool is_fresh;

	pthread_mutex_lock(&access->lock);
	is_fresh = access->config.user.exec.command && access->is_read &&
		acp_clock_now_ms() < access->read_ms + ACP_KUBE_EXEC_PAUSE_MS;
	if (!is_fresh)
		access->is_read = false;
	pthread_mutex_unlock(&access->lock);
}

/* Making one */

static bool
has_credentials(const struct acp_kube_user *user)
{
	return user->token_file || user->token.size || user->exec.command ||
		user->certificate_file || user->certificate_pem.size;
}

static enum acp_error
check_config(const struct acp_kubeconfig *config, struct acp_buffer *why)
{
	const struct acp_secret *token = &config->user.token;

	if (token->size && !acp_token_is_legal(token->bytes, token->size)) {
		acp_buffer_printf(why,
			"%s: the token of context %s is not one that a header "
			"may carry",
			config->file, config->context);
		return ACP_BAD_REQUEST;
	}
	/* on this host a proxy may speak for us */
	if (has_credentials(&config->user) ||
		strncmp(config->cluster.server, "http:", 5) == 0)
		return ACP_OK;
	acp_buffer_printf(why,
		"%s: the user of context %s has no credentials: give a token, "
		"a client certificate or an exec plugin",
		config->file, config->context);
	return ACP_BAD_REQUEST;
}

/* Takes config, description and all. */
static struct acp_kube_access *
make_access(struct acp_kubeconfig *config, char *description)
{
	struct acp_kube_access *access = acp_memory_new(1, sizeof(*access));

	access->config = *config;
	acp_kubeconfig_init(config);
	access->description = description;
	access->server = make_server(&access->config.cluster);
	pthread_mutex_init(&access->lock, NULL);
	return access;
}

void
acp_kube_access_free(struct acp_kube_access **access)
{
	struct acp_kube_access *ended = *access;

	*access = NULL;
	if (!ended)
		return;
	free_servers(ended->server);
	acp_secret_clear(&ended->token);
	acp_kubeconfig_clear(&ended->config);
	free(ended->description);
	free(ended->failure);
	pthread_mutex_destroy(&ended->lock);
	free(ended);
}

static enum acp_error
new_from_files(const char *files, struct acp_kube_access **access,
	struct acp_buffer *why)
{
	ACP_AUTO(kubeconfig) struct acp_kubeconfig config;
	ACP_AUTO(buffer) struct acp_buffer text;
	enum acp_error error;

	acp_kubeconfig_init(&config);
	acp_buffer_init(&text, TEXT_MAX);
	error = acp_kubeconfig_read(files, &config, why);
	if (!error)
		error = check_config(&config, why);
	if (error)
		return error;
	acp_buffer_printf(&text, "context %s of %s, server %s", config.context,
		config.file, config.cluster.server);
	*access = make_access(&config, acp_buffer_steal(&text));
	return ACP_OK;
}

static char *
join_path(const char *folder, const char *name)
{
	ACP_AUTO(buffer) struct acp_buffer path;

	acp_buffer_init(&path, TEXT_MAX);
	acp_buffer_printf(&path, "%s/%s", folder, name);
	return acp_buffer_steal(&path);
}

/* A file of one word, NULL when it is not there. */
static char *
read_word(const char *folder, const char *name)
{
	ACP_AUTO(free) char *path = join_path(folder, name);
	ACP_AUTO(secret) struct acp_secret content = {0};
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	if (acp_file_read(path, ACP_CONFIG_LINE_MAX, &content, &why))
		return NULL;
	return acp_memory_dup_bytes(acp_secret_peek(&content),
		strcspn(acp_secret_peek(&content), " \t\r\n"));
}

static void
write_server(const char *host, const char *port, struct acp_buffer *url)
{
	bool is_v6 = strchr(host, ':') && *host != '[';

	acp_buffer_printf(
		url, is_v6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
}

enum acp_error
acp_kube_access_new_in_cluster(const char *folder,
	struct acp_kube_access **access, struct acp_buffer *why)
{
	ACP_AUTO(kubeconfig) struct acp_kubeconfig config;
	ACP_AUTO(buffer) struct acp_buffer text;
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");

	acp_kubeconfig_init(&config);
	acp_buffer_init(&text, TEXT_MAX);
	if (!host || !*host || !port || !*port) {
		acp_buffer_append(why,
			"there is neither a kubeconfig nor a cluster around "
			"us (KUBERNETES_SERVICE_HOST, _PORT): set KUBECONFIG");
		return ACP_BAD_REQUEST;
	}
	write_server(host, port, &text);
	config.cluster.server = acp_buffer_steal(&text);
	config.cluster.ca_file = join_path(folder, "ca.crt");
	config.user.token_file = join_path(folder, "token");
	config.namespace = read_word(folder, "namespace");
	acp_buffer_printf(&text, "in the cluster, %s", config.cluster.server);
	*access = make_access(&config, acp_buffer_steal(&text));
	return ACP_OK;
}

enum acp_error
acp_kube_access_new(const char *kubeconfig, struct acp_kube_access **access,
	struct acp_buffer *why)
{
	ACP_AUTO(free) char *own = NULL;
	ACP_AUTO(buffer) struct acp_buffer reason;
	const char *home = getenv("HOME");
	enum acp_error error = ACP_GONE;

	acp_buffer_init(&reason, TEXT_MAX);
	if (kubeconfig && *kubeconfig) {
		error = new_from_files(kubeconfig, access, why);
		return error ? ACP_BAD_REQUEST : ACP_OK;
	}
	if (home && *home) {
		own = join_path(home, ".kube/config");
		error = new_from_files(own, access, &reason);
	}
	if (error == ACP_GONE)
		return acp_kube_access_new_in_cluster(
			ACCOUNT_FOLDER, access, why);
	acp_buffer_append(why, acp_buffer_peek(&reason));
	return error;
}

static char *
dup_text(const char *text)
{
	return text ? acp_memory_dup_text(text) : NULL;
}

static void
copy_cluster(
	const struct acp_kube_cluster *cluster, struct acp_kube_cluster *copy)
{
	copy->server = dup_text(cluster->server);
	copy->ca_file = dup_text(cluster->ca_file);
	if (cluster->ca_pem.size)
		acp_secret_set(&copy->ca_pem, cluster->ca_pem.bytes,
			cluster->ca_pem.size);
	copy->tls_server_name = dup_text(cluster->tls_server_name);
	copy->proxy = dup_text(cluster->proxy);
	copy->is_unverified = cluster->is_unverified;
}

enum acp_error
acp_kube_access_new_with_token(const struct acp_kube_access *other,
	const char *token_file, struct acp_kube_access **access,
	struct acp_buffer *why)
{
	ACP_AUTO(kubeconfig) struct acp_kubeconfig config;
	ACP_AUTO(buffer) struct acp_buffer text;
	struct acp_kube_access *made;
	enum acp_error error;

	acp_kubeconfig_init(&config);
	acp_buffer_init(&text, TEXT_MAX);
	copy_cluster(&other->config.cluster, &config.cluster);
	config.namespace = dup_text(other->config.namespace);
	config.user.token_file = acp_memory_dup_text(token_file);
	acp_buffer_printf(
		&text, "token of %s, %s", token_file, other->description);
	made = make_access(&config, acp_buffer_steal(&text));
	error = read_token_file(made, why);
	if (error) {
		acp_kube_access_free(&made);
		return ACP_BAD_REQUEST;
	}
	*access = made;
	return ACP_OK;
}

const struct acp_http_server *
acp_kube_access_peek_server(struct acp_kube_access *access)
{
	const struct acp_http_server *server;

	pthread_mutex_lock(&access->lock);
	server = &access->server->plain;
	pthread_mutex_unlock(&access->lock);
	return server;
}

const char *
acp_kube_access_peek_namespace(const struct acp_kube_access *access)
{
	return access->config.namespace;
}

void
acp_kube_access_describe(
	const struct acp_kube_access *access, struct acp_buffer *text)
{
	acp_buffer_append(text, access->description);
}
