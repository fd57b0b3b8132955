/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every bound on foreign input and on our own growth, in one place. Each has
 * a test that goes one over it. Values that an operator may change are not
 * here but in lib/config_keys.h.
 */
#ifndef ACP_LIB_LIMITS_H
#define ACP_LIB_LIMITS_H

/* Keys (RFC 8017): modulus, and how many one bundle holds. */
#define ACP_KEY_BITS_MIN 2048
#define ACP_KEY_BITS_MAX 8192
#define ACP_KEY_MODULUS_MAX (ACP_KEY_BITS_MAX / 8)
#define ACP_KEY_COUNT_MAX 4
#define ACP_KEY_FILE_MAX (64 * 1024)

/* Session ids, in characters. */
#define ACP_SESSION_ID_MIN 8
#define ACP_SESSION_ID_MAX 128

/* Renewal handles, in bytes before base64url: what is sealed, and with salt
 * and tag. A first issue further ahead than this was made by a wrong clock. */
#define ACP_HANDLE_PLAIN_MAX (17 + ACP_SESSION_ID_MAX)
#define ACP_HANDLE_SEALED_MAX (ACP_HANDLE_PLAIN_MAX + 32)
#define ACP_HANDLE_AHEAD_MAX_MS (5 * 60 * 1000)

/* Configuration. */
#define ACP_CONFIG_FILE_MAX (256 * 1024)
#define ACP_CONFIG_LINE_MAX 4096
#define ACP_CONFIG_LIST_MAX 8
#define ACP_SECRET_FILE_MAX (64 * 1024)

#define ACP_CGROUP_FILE_MAX (16 * 1024) /* of the kernel, about quotas */

/* FastCGI: all records of one request up to the end of its parameters. */
#define ACP_REQUEST_HEAD_MAX (32 * 1024)
#define ACP_REQUEST_WAIT_MS 2000 /* from the first byte to the whole head */
#define ACP_CONNECTION_IDLE_MS 10000 /* from accept to the first byte */
#define ACP_CONNECTION_WAITING_MAX 4096 /* accepted, head not yet here */
#define ACP_SOCKET_TIMEOUT_MS 2000 /* one write on a connection */
#define ACP_LINGER_MS 100 /* for what a peer sends after its answer */
#define ACP_LINGER_READ 4096 /* of it at a time */
#define ACP_SOCKET_BACKLOG 4096

/* Identity provider. */
#define ACP_HTTP_BODY_MAX (64 * 1024)
#define ACP_HTTP_CONNECT_MS 3000
#define ACP_HTTP_TOTAL_MS 8000
#define ACP_HTTP_HEAD_MAX (64 * 1024)
#define ACP_HTTP_RETRY_AFTER_MAX_S (60 * 60)
#define ACP_JSON_DEPTH_MAX 16
#define ACP_JSON_NUMBER_MAX 1000000000000 /* either way */
#define ACP_JWT_SUBJECT_MAX 255
#define ACP_TOKEN_MAX (32 * 1024)
#define ACP_TOKEN_LIFE_MAX_S (24 * 60 * 60)
#define ACP_TOKEN_LIFE_DEFAULT_S 60
#define ACP_TOKEN_CACHE_FILE_MAX (2 * ACP_TOKEN_MAX + 1024)
#define ACP_TOKEN_MARGIN_MS 10000 /* a token is given with this much life */
#define ACP_MINT_HOPE_MS 2500 /* callers wait through pauses up to this */
#define ACP_MINT_PAUSE_MIN_MS 500 /* between two attempts */
#define ACP_MINT_PAUSE_MAX_MS 30000
#define ACP_MINT_PAUSE_EMPTY_MS 5000 /* the most with no usable token */
#define ACP_MINT_POLL_MS 1000 /* how often a source is looked at for change */

/* Rows of the API server: ids, other short texts, JSON as text, in bytes. */
#define ACP_ROW_ID_MAX 255
#define ACP_ROW_NAME_MAX 253
#define ACP_ROW_JSON_MAX (64 * 1024)
#define ACP_ROW_GROUPS_MAX 500 /* of one project */
#define ACP_ROW_TEXT_MAX 1024 /* names for people */
#define ACP_ROW_URL_MAX 2048
#define ACP_ROW_REPOS_MAX 100 /* of one session */
#define ACP_ROW_VARIABLES_MAX 200
/* a prompt, and all parts of one together: exec takes 128 KiB a string */
#define ACP_ROW_PROMPT_MAX (96 * 1024)

/* Requests to Kubernetes and to the API server. */
#define ACP_HTTP_IN_FLIGHT_MAX 256
#define ACP_HTTP_PAUSE_MIN_MS 100 /* between two attempts */
#define ACP_HTTP_PAUSE_MAX_MS 1000
#define ACP_HTTP_PEMS_MAX 8 /* certificates and keys in use at one time */
#define ACP_HTTP_DEAD_MS 8000 /* a connection that acknowledges nothing */
#define ACP_KUBE_READ_MS 10000 /* one call, with its repetitions */
#define ACP_KUBE_URGENT_MS 4000 /* the same for what must not wait */
#define ACP_KUBE_WRITE_MS 4000
#define ACP_KUBE_REPLY_MAX (32 * 1024 * 1024)
#define ACP_KUBE_JSON_DEPTH_MAX 64
#define ACP_KUBE_URL_MAX (64 * 1024) /* a continue token has no bound */
#define ACP_KUBE_LIST_STARTS_MAX 3 /* a list that expires again and again */
#define ACP_KUBE_LIST_PAGES_MAX 100000

/* Access to Kubernetes. */
#define ACP_KUBECONFIG_FILE_MAX (1024 * 1024)
#define ACP_KUBECONFIG_ENTRIES_MAX 1024 /* clusters, users, contexts, words */
#define ACP_KUBE_TOKEN_AGE_MS 60000 /* a file is read again after this */
#define ACP_KUBE_EXEC_MS 10000
#define ACP_KUBE_EXEC_OUTPUT_MAX (256 * 1024)
#define ACP_KUBE_EXEC_PAUSE_MS 2000 /* a plugin is not started again before */

/* Requests to the API server. */
#define ACP_API_READ_MS 10000 /* one call, with its repetitions */
#define ACP_API_WRITE_MS 4000
#define ACP_API_REPLY_MAX (32 * 1024 * 1024)
#define ACP_API_PATH_MAX 4096 /* with its query */
#define ACP_API_PAGE_SIZE 500
#define ACP_API_LIST_ROWS_MAX 1000000
#define ACP_API_LIST_STARTS_MAX 3 /* a list that changes again and again */
#define ACP_API_TOKEN_DUE_MS 60000 /* of life left: time for a new one */
#define ACP_API_TOKEN_REFUSED_MS 10000 /* between two tokens after a 401 */

/* Held requests. */
#define ACP_ABANDONED_KEEP_MS 5000 /* a ciphertext whose callers all left */

/* Texts of a Kubernetes object: tenants may write 256 KiB of annotations into
 * each, and what is seen of all objects is held at one time. */
#define ACP_OBJECT_TEXT_MAX 1024

/* Kubernetes: "NAMESPACE:NAME" of a service account, a message to people. */
#define ACP_ACCOUNT_MAX (63 + 1 + 253)
#define ACP_EVENT_MESSAGE_MAX 1000 /* bytes; the server takes 1024 */

/* Reconciler. */
#define ACP_BACKOFF_MAX 4096 /* objects that are left alone for a while */

/* Logs. */
#define ACP_LOG_VALUE_MAX 512
#define ACP_LOG_LINE_MAX (32 * 1024)
#define ACP_LOG_MESSAGE_MAX (16 * 1024) /* what a step says for people */
#define ACP_LOG_WAIT_MS 500 /* for a reader of the log that has stopped */

#endif
