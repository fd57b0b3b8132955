/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the Kubernetes API server is and who we are to it: in a pod by the
 * files and variables there, else by a kubeconfig. Credentials that live in
 * files or come from a plugin are read again, so a rotated token works.
 */
#ifndef ACP_RECONCILER_KUBE_ACCESS_H
#define ACP_RECONCILER_KUBE_ACCESS_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/secret.h"
#include "reconciler/http_pool.h"

struct acp_kube_access;

/*
 * kubeconfig NULL: $HOME/.kube/config when it is there, else in the cluster
 * (KUBERNETES_SERVICE_HOST and _PORT and /var/run/secrets/kubernetes.io/
 * serviceaccount). KUBECONFIG may be a list separated by ":"; kubectl's rules
 * of merging hold. ACP_BAD_REQUEST with file, place and reason in why.
 */
ACP_MUST_CHECK enum acp_error acp_kube_access_new(const char *kubeconfig,
	struct acp_kube_access **access, struct acp_buffer *why);

/*
 * In the cluster, with the service account's files ("token", "ca.crt",
 * "namespace") in a folder.
 */
ACP_MUST_CHECK enum acp_error acp_kube_access_new_in_cluster(const char *folder,
	struct acp_kube_access **access, struct acp_buffer *why);

/*
 * The same server with the bearer token of a file, re-read each minute and
 * when a request was answered 401 (PROJECT_KUBE_TOKEN_FILE).
 */
ACP_MUST_CHECK enum acp_error acp_kube_access_new_with_token(
	const struct acp_kube_access *other, const char *token_file,
	struct acp_kube_access **access, struct acp_buffer *why);
void acp_kube_access_free(struct acp_kube_access **access);

/*
 * The server as it is to be used now: a client certificate that was renewed
 * makes another one. What is returned lives as access, and does not change.
 */
const struct acp_http_server *acp_kube_access_peek_server(
	struct acp_kube_access *access);

/*
 * Appends the bearer token of now to an empty secret; leaves it empty when
 * a client certificate speaks for us. May read a file or run the plugin (at
 * most ACP_KUBE_EXEC_MS). Any thread.
 */
ACP_MUST_CHECK enum acp_error acp_kube_access_read_token(
	struct acp_kube_access *access, struct acp_secret *token,
	struct acp_buffer *why);

/* After a 401: what is remembered is not used again. */
void acp_kube_access_forget_token(struct acp_kube_access *access);

/* Namespace of the context or of the pod, NULL when neither says. */
const char *acp_kube_access_peek_namespace(
	const struct acp_kube_access *access);

/* Appends "context NAME of FILE, server URL" or "in the cluster, URL". */
void acp_kube_access_describe(
	const struct acp_kube_access *access, struct acp_buffer *text);

ACP_AUTO_DEFINE(kube_access, struct acp_kube_access *, acp_kube_access_free)

#endif
