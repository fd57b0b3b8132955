/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of configuration keys. X(SYMBOL, name, environment, type,
 * default, words, program, text):
 *   name         in the file; the flag is --name with dashes for underscores
 *   environment  variable, or NULL; a SECRET also has NAME_FILE and a key
 *                name_file that hold a path
 *   type         TEXT LIST SECRET DURATION NUMBER BOOL CHOICE
 *   default      as it would be written in the file, or NULL
 *   words        allowed words of a CHOICE, separated by "|"; or the range
 *                of a NUMBER or DURATION as "least..most"; else NULL
 *   program      TOKEN, RECONCILER or BOTH
 *   text         one sentence for --help
 */
#ifndef ACP_LIB_CONFIG_KEYS_H
#define ACP_LIB_CONFIG_KEYS_H

/* clang-format off */
#define ACP_CONFIG_KEYS(X) \
X(KEY_FILE, "key_file", "CP_TOKEN_KEY_FILE", LIST, \
  "/var/lib/ambient-cp/token-key.pem", NULL, BOTH, \
  "PEM file with the RSA private keys, current one first; may be given several times.") \
X(KEY_BITS, "key_bits", NULL, NUMBER, "4096", "2048..8192", RECONCILER, \
  "Size of a key that is made.") \
X(TOKEN_URL, "token_url", "CP_TOKEN_URL", TEXT, NULL, NULL, RECONCILER, \
  "URL of the token service as runners reach it, up to and with /token.") \
X(SOCKET, "socket", "CP_TOKEN_SOCKET", TEXT, NULL, NULL, TOKEN, \
  "Unix socket to listen on for FastCGI, or a loopback address and port.") \
X(SOCKET_GROUP, "socket_group", NULL, TEXT, NULL, NULL, TOKEN, \
  "Group that owns the socket: the web server's.") \
X(TOKEN_SOURCE, "token_source", "CP_TOKEN_SOURCE", CHOICE, "auto", \
  "auto|oidc|static", TOKEN, \
  "Where API tokens come from; auto is oidc when a client id is set.") \
X(OIDC_TOKEN_URL, "oidc_token_url", "OIDC_TOKEN_URL", TEXT, NULL, NULL, BOTH, \
  "Token endpoint of the identity provider.") \
X(OIDC_CLIENT_ID, "oidc_client_id", "OIDC_CLIENT_ID", TEXT, NULL, NULL, BOTH, \
  "Client id of the control plane.") \
X(OIDC_CLIENT_SECRET, "oidc_client_secret", "OIDC_CLIENT_SECRET", SECRET, \
  NULL, NULL, BOTH, \
  "Client secret of the control plane.") \
X(OIDC_SCOPE, "oidc_scope", "OIDC_SCOPE", TEXT, NULL, NULL, BOTH, \
  "Scope to ask for, none by default.") \
X(OIDC_AUDIENCE, "oidc_audience", "OIDC_AUDIENCE", TEXT, NULL, NULL, BOTH, \
  "Audience to ask for, none by default.") \
X(TOKEN_OIDC_CLIENT_ID, "token_oidc_client_id", "CP_TOKEN_OIDC_CLIENT_ID", \
  TEXT, NULL, NULL, TOKEN, \
  "Client id of the identity that runners get, instead of the control plane's.") \
X(TOKEN_OIDC_CLIENT_SECRET, "token_oidc_client_secret", \
  "CP_TOKEN_OIDC_CLIENT_SECRET", SECRET, NULL, NULL, TOKEN, \
  "Client secret that goes with token_oidc_client_id.") \
X(API_TOKEN, "api_token", "AMBIENT_API_TOKEN", SECRET, NULL, NULL, BOTH, \
  "Token handed out by the static source; its file is read again when it changes.") \
X(ALLOW_CLUSTER_TOKEN, "allow_cluster_token", NULL, BOOL, "off", NULL, TOKEN, \
  "Hand out a Kubernetes service account token.") \
X(ALLOW_HTTP, "allow_http", NULL, BOOL, "off", NULL, BOTH, \
  "Talk to an identity provider that is not on this host without TLS.") \
X(HTTPS_PROXY, "https_proxy", NULL, TEXT, NULL, NULL, BOTH, \
  "Proxy for the identity provider; the environment's proxies are not used.") \
X(CA_FILE, "ca_file", NULL, TEXT, NULL, NULL, BOTH, \
  "PEM file with the authorities to trust instead of the system's.") \
X(BINDING, "binding", "CP_TOKEN_BINDING", CHOICE, "optional", \
  "off|optional|required", TOKEN, \
  "Whether callers must prove that they belong to their session.") \
X(RENEWAL_TTL, "renewal_ttl", NULL, DURATION, "1h", "1s..24h", TOKEN, \
  "Life of a renewal handle.") \
X(RENEWAL_MAX_AGE, "renewal_max_age", NULL, DURATION, "24h", "1s..30d", TOKEN, \
  "How long handles renew each other before a ciphertext is needed again.") \
X(MINT_WAIT, "mint_wait", NULL, DURATION, "8s", "0s..60s", TOKEN, \
  "How long a caller is held while no API token is at hand.") \
X(MIN_TTL, "min_ttl", NULL, DURATION, "60s", "0s..1h", TOKEN, \
  "Life left at which a token is renewed at once.") \
X(QUEUE_WAIT, "queue_wait", NULL, DURATION, "33s", "1s..10min", TOKEN, \
  "Longest expected wait for which a request is still queued.") \
X(QUEUE_LENGTH, "queue_length", NULL, NUMBER, "8192", "1..1000000", TOKEN, \
  "Most requests held at one time.") \
X(CACHE_ENTRIES, "cache_entries", NULL, NUMBER, "65536", "1..1000000", TOKEN, \
  "Most opened ciphertexts that are remembered.") \
X(CACHE_TTL, "cache_ttl", NULL, DURATION, "10min", "1s..24h", TOKEN, \
  "How long an opened ciphertext is remembered.") \
X(CACHE_DIR, "cache_dir", "CP_TOKEN_CACHE_DIR", TEXT, \
  "/var/cache/ambient-cp", NULL, TOKEN, \
  "Folder of the token between CGI requests.") \
X(ACCEPTORS, "acceptors", NULL, NUMBER, "4", "1..64", TOKEN, \
  "Threads that accept and answer requests.") \
X(WORKERS, "workers", NULL, NUMBER, "0", "0..256", TOKEN, \
  "Threads that open ciphertexts; 0 is one a processor.") \
X(DRAIN, "drain", NULL, DURATION, "10s", "0s..10min", TOKEN, \
  "How long held requests are still answered after SIGTERM.") \
X(API_SERVER_URL, "api_server_url", "AMBIENT_API_SERVER_URL", TEXT, \
  "http://localhost:8000", NULL, RECONCILER, \
  "URL of the Ambient API server.") \
X(API_CA_FILE, "api_ca_file", NULL, TEXT, \
  NULL, NULL, RECONCILER, \
  "PEM file with the authorities to trust for the API server instead of the system's.") \
X(KUBECONFIG, "kubeconfig", "KUBECONFIG", TEXT, \
  NULL, NULL, RECONCILER, \
  "kubeconfig file; else ~/.kube/config, else the files of the pod.") \
X(PROJECT_KUBE_TOKEN_FILE, "project_kube_token_file", "PROJECT_KUBE_TOKEN_FILE", TEXT, \
  NULL, NULL, RECONCILER, \
  "File with the bearer token of a second identity, for the projects' namespaces.") \
X(INTERVAL, "interval", NULL, DURATION, \
  "5s", "100ms..1h", RECONCILER, \
  "Time between fast passes of the loop.") \
X(RESYNC, "resync", NULL, DURATION, \
  "60s", "1s..24h", RECONCILER, \
  "Time between full passes of the loop.") \
X(PASS_TIMEOUT, "pass_timeout", NULL, DURATION, \
  "10min", "1s..24h", RECONCILER, \
  "Longest time of a full pass.") \
X(IN_FLIGHT, "in_flight", NULL, NUMBER, \
  "16", "1..64", RECONCILER, \
  "Most requests under way at one time.") \
X(LOCK_FILE, "lock_file", NULL, TEXT, \
  "/var/lib/ambient-cp/reconciler.lock", NULL, RECONCILER, \
  "File that keeps two passes on one host apart.") \
X(METRICS_FILE, "metrics_file", NULL, TEXT, \
  NULL, NULL, RECONCILER, \
  "File for the metrics of each pass, in Prometheus' text format.") \
X(HEARTBEAT_FILE, "heartbeat_file", NULL, TEXT, \
  NULL, NULL, RECONCILER, \
  "File that is touched while the loop is well.") \
X(RUNTIME_NAMESPACE, "runtime_namespace", "CP_RUNTIME_NAMESPACE", TEXT, \
  NULL, NULL, RECONCILER, \
  "Namespace of the control plane; by default the pod's own, or that of the context.") \
X(INSTANCE, "instance", NULL, TEXT, \
  NULL, NULL, RECONCILER, \
  "Name of this control plane in labels; by default the runtime namespace.") \
X(ADOPT, "adopt", NULL, BOOL, \
  "off", NULL, RECONCILER, \
  "Take over objects of an earlier control plane that carry no instance.") \
X(PLATFORM_MODE, "platform_mode", "PLATFORM_MODE", CHOICE, \
  "standard", "standard|mpp", RECONCILER, \
  "How a project's namespace comes to be.") \
X(CONFIG_NAMESPACE, "config_namespace", "MPP_CONFIG_NAMESPACE", TEXT, \
  "ambient-code--config", NULL, RECONCILER, \
  "Namespace of the TenantNamespaces.") \
X(PROJECT_NAMESPACES, "project_namespaces", NULL, CHOICE, \
  "delete", "delete|retain", RECONCILER, \
  "What becomes of the namespace of a project that was deleted.") \
X(CREATOR_BINDING, "creator_binding", NULL, BOOL, \
  "off", NULL, RECONCILER, \
  "Give the creator of a project admin rights in its namespace.") \
X(IMAGE_NAMESPACE, "image_namespace", "RUNNER_IMAGE_NAMESPACE", TEXT, \
  NULL, NULL, RECONCILER, \
  "Namespace of the runner images, where projects get the right to pull.") \
X(VERTEX_NAMESPACE, "vertex_namespace", "VERTEX_SECRET_NAMESPACE", TEXT, \
  "ambient-code", NULL, RECONCILER, \
  "Namespace of the Vertex secret, which no project may take.") \
X(SERVICE_ACCOUNT, "service_account", NULL, TEXT, \
  "ambient-control-plane", NULL, RECONCILER, \
  "Service account of the control plane, which gets rights in each project.") \
X(TOKEN_SERVICE_APP, "token_service_app", NULL, TEXT, \
  "ambient-control-plane", NULL, RECONCILER, \
  "Label app of the token service's pods.") \
X(TOKEN_SERVICE_PORT, "token_service_port", NULL, NUMBER, \
  "8080", "1..65535", RECONCILER, \
  "Port of the token service's pods.") \
X(KEYPAIR_OWNER, "keypair_owner", NULL, TEXT, \
  NULL, NULL, RECONCILER, \
  "Deployment that owns the key Secret.") \
X(LOG_LEVEL, "log_level", "LOG_LEVEL", CHOICE, "info", \
  "debug|info|warn|error", BOTH, \
  "Least level that is logged.") \
X(LOG_FORMAT, "log_format", "CP_LOG_FORMAT", CHOICE, "auto", \
  "auto|json|text", BOTH, \
  "Form of a log line; auto is text on a terminal, else JSON.")
/* clang-format on */

#endif
