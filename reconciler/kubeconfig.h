/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig files (kind Config, v1): the current context with its cluster
 * and user, as plain data. What is in other contexts is not looked at. Reads
 * the files it is given and no others.
 */
#ifndef ACP_RECONCILER_KUBECONFIG_H
#define ACP_RECONCILER_KUBECONFIG_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/secret.h"
#include "reconciler/kube_exec.h"

#include <stdbool.h>
#include <stddef.h>

struct acp_kube_cluster {
	char *server;
	char *ca_file; /* of both the bytes hold */
	struct acp_secret ca_pem;
	char *tls_server_name;
	char *proxy;
	bool is_unverified;
};

struct acp_kube_user {
	struct acp_secret token;
	char *token_file; /* holds before token */
	char *certificate_file; /* the bytes hold before the files */
	char *key_file;
	struct acp_secret certificate_pem;
	struct acp_secret key_pem;
	struct acp_kube_exec exec; /* command NULL: none */
};

/* Absent texts are NULL, paths are resolved, secrets may be empty. */
struct acp_kubeconfig {
	char *file; /* where the context is */
	char *context;
	char *namespace;
	struct acp_kube_cluster cluster;
	struct acp_kube_user user;
};

void acp_kubeconfig_init(struct acp_kubeconfig *config);
void acp_kubeconfig_clear(struct acp_kubeconfig *config);

/*
 * Reads files, a list separated by ":", of which those that are not there
 * count for nothing; of entries with one name, and of current contexts, the
 * first holds whole, as in kubectl. Relative paths are meant from the folder
 * of their file. ACP_BAD_REQUEST (ACP_GONE when no file is there) with file,
 * line and reason in why.
 */
ACP_MUST_CHECK enum acp_error acp_kubeconfig_read(const char *files,
	struct acp_kubeconfig *config, struct acp_buffer *why);

/* The same with the text of one file, called file. */
ACP_MUST_CHECK enum acp_error acp_kubeconfig_parse(const char *text,
	size_t size, const char *file, struct acp_kubeconfig *config,
	struct acp_buffer *why);

ACP_AUTO_DEFINE(kubeconfig, struct acp_kubeconfig, acp_kubeconfig_clear)

#endif
