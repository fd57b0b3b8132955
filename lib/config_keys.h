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
X(QUEUE_LENGTH, "queue_length", NULL, NUMBER, "16384", "1..1000000", TOKEN, \
  "Most requests held at one time.") \
X(QUEUE_MEMORY_MIB, "queue_memory_mib", NULL, NUMBER, "256", "1..65536", \
  TOKEN, "Most memory for held requests, in MiB.") \
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
X(LOCK_FILE, "lock_file", "CP_LOCK_FILE", TEXT, \
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
X(RUNNER_IMAGE, "runner_image", "RUNNER_IMAGE", TEXT, \
  "quay.io/ambient_code/vteam_claude_runner:latest", NULL, RECONCILER, \
  "Image of the runner.") \
X(IMAGE_PULL_POLICY, "image_pull_policy", NULL, CHOICE, \
  "auto", "auto|Always|IfNotPresent|Never", RECONCILER, \
  "When images of sessions are pulled; auto is IfNotPresent for localhost/ and for digests, else Always.") \
X(IMAGE_PULL_SECRET, "image_pull_secret", "IMAGE_PULL_SECRET", TEXT, \
  NULL, NULL, RECONCILER, \
  "Secret in the project's namespace with which its images are pulled.") \
X(BACKEND_API_URL, "backend_api_url", "BACKEND_API_URL", TEXT, \
  NULL, NULL, RECONCILER, \
  "URL of the API as runners reach it; by default api_server_url.") \
X(GRPC_SERVER_ADDR, "grpc_server_addr", "AMBIENT_GRPC_SERVER_ADDR", TEXT, \
  NULL, NULL, RECONCILER, \
  "Host and port of the gRPC server as runners reach it; none: runners use no gRPC.") \
X(GRPC_USE_TLS, "grpc_use_tls", "AMBIENT_GRPC_USE_TLS", BOOL, \
  "off", NULL, RECONCILER, \
  "Runners use TLS for gRPC.") \
X(ANTHROPIC_API_KEY, "anthropic_api_key", "ANTHROPIC_API_KEY", SECRET, \
  NULL, NULL, RECONCILER, \
  "API key for the model, which every session gets.") \
X(USE_VERTEX, "use_vertex", "USE_VERTEX", BOOL, \
  "off", NULL, RECONCILER, \
  "Reach the model by Vertex AI.") \
X(ANTHROPIC_VERTEX_PROJECT_ID, "anthropic_vertex_project_id", "ANTHROPIC_VERTEX_PROJECT_ID", TEXT, \
  NULL, NULL, RECONCILER, \
  "Project of Google Cloud for Vertex AI.") \
X(CLOUD_ML_REGION, "cloud_ml_region", "CLOUD_ML_REGION", TEXT, \
  "us-east5", NULL, RECONCILER, \
  "Region of Google Cloud for Vertex AI.") \
X(GOOGLE_APPLICATION_CREDENTIALS, "google_application_credentials", "GOOGLE_APPLICATION_CREDENTIALS", TEXT, \
  "/app/vertex/ambient-code-key.json", NULL, RECONCILER, \
  "Path of the Vertex key inside the runner.") \
X(VERTEX_SECRET, "vertex_secret", "VERTEX_SECRET_NAME", TEXT, \
  "ambient-vertex", NULL, RECONCILER, \
  "Secret with the Vertex key.") \
X(COPY_VERTEX_SECRET, "copy_vertex_secret", NULL, BOOL, \
  "off", NULL, RECONCILER, \
  "Copy the Vertex secret into the namespaces of projects.") \
X(MCP_IMAGE, "mcp_image", "MCP_IMAGE", TEXT, \
  NULL, NULL, RECONCILER, \
  "Image of the MCP server beside each runner; none: there is no such container.") \
X(MCP_API_SERVER_URL, "mcp_api_server_url", "MCP_API_SERVER_URL", TEXT, \
  NULL, NULL, RECONCILER, \
  "URL of the API server as the MCP server reaches it; by default api_server_url.") \
X(RUNNER_LOG_LEVEL, "runner_log_level", "RUNNER_LOG_LEVEL", TEXT, \
  "info", NULL, RECONCILER, \
  "Log level of runners.") \
X(RUNNER_HTTP_PROXY, "runner_http_proxy", "HTTP_PROXY", TEXT, \
  NULL, NULL, RECONCILER, \
  "HTTP_PROXY of runners.") \
X(RUNNER_HTTPS_PROXY, "runner_https_proxy", "HTTPS_PROXY", TEXT, \
  NULL, NULL, RECONCILER, \
  "HTTPS_PROXY of runners.") \
X(RUNNER_NO_PROXY, "runner_no_proxy", "NO_PROXY", TEXT, \
  NULL, NULL, RECONCILER, \
  "NO_PROXY of runners.") \
X(RUNNER_CA_CONFIG_MAP, "runner_ca_config_map", NULL, TEXT, \
  NULL, NULL, RECONCILER, \
  "ConfigMap in the project's namespace with the authorities that sessions trust instead of their image's.") \
X(RUNNER_CA_KEY, "runner_ca_key", NULL, TEXT, \
  "service-ca.crt", NULL, RECONCILER, \
  "Key of that ConfigMap.") \
X(RUNNER_RESTRICTED, "runner_restricted", NULL, BOOL, \
  "off", NULL, RECONCILER, \
  "Run sessions as the restricted Pod Security Standard demands, on a read-only root.") \
X(AUTOMOUNT_SA_TOKEN, "automount_sa_token", NULL, BOOL, \
  "off", NULL, RECONCILER, \
  "Give sessions the token of their Kubernetes service account.") \
X(RUNNER_CPU_REQUEST, "runner_cpu_request", NULL, TEXT, \
  "500m", NULL, RECONCILER, \
  "Processor time that a runner is sure of.") \
X(RUNNER_CPU_LIMIT, "runner_cpu_limit", NULL, TEXT, \
  "2", NULL, RECONCILER, \
  "Processor time that a runner has at most.") \
X(RUNNER_MEMORY_REQUEST, "runner_memory_request", NULL, TEXT, \
  "512Mi", NULL, RECONCILER, \
  "Memory that a runner is sure of.") \
X(RUNNER_MEMORY_LIMIT, "runner_memory_limit", NULL, TEXT, \
  "4Gi", NULL, RECONCILER, \
  "Memory that a runner has at most.") \
X(RUNNER_WORKSPACE_LIMIT, "runner_workspace_limit", NULL, TEXT, \
  "10Gi", NULL, RECONCILER, \
  "Size of a session's workspace at which it is ended.") \
X(FINISHED_RETENTION, "finished_retention", NULL, DURATION, \
  "15min", "0s..30d", RECONCILER, \
  "How long the pod of a finished session is kept.") \
X(LOG_LEVEL, "log_level", "LOG_LEVEL", CHOICE, "info", \
  "debug|info|warn|error", BOTH, \
  "Least level that is logged.") \
X(LOG_FORMAT, "log_format", "CP_LOG_FORMAT", CHOICE, "auto", \
  "auto|json|text", BOTH, \
  "Form of a log line; auto is text on a terminal, else JSON.")
/* clang-format on */

#endif
