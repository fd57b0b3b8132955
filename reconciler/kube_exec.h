/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential plugins of a kubeconfig (client.authentication.k8s.io/v1 and
 * v1beta1): a program that prints a token or a client certificate. Started
 * without a shell, bounded in time and output, with nothing to read, and
 * ended with all that it started.
 */
#ifndef ACP_RECONCILER_KUBE_EXEC_H
#define ACP_RECONCILER_KUBE_EXEC_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "lib/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to start; all owned. */
struct acp_kube_exec {
	char *api_version;
	char *command; /* a path, or a name that is looked for in PATH */
	char **arguments; /* behind the command */
	size_t argument_count;
	char **variables; /* "NAME=value", in place of ours */
	size_t variable_count;
	bool wants_cluster; /* provideClusterInfo */
};

void acp_kube_exec_clear(struct acp_kube_exec *exec);

struct acp_kube_exec_result {
	struct acp_secret token; /* empty: none */
	struct acp_secret certificate; /* PEM, with the key, or both empty */
	struct acp_secret key;
	int64_t left_ms; /* of its life; -1: it does not say */
};

void acp_kube_exec_result_clear(struct acp_kube_exec_result *result);

/* True for an apiVersion that is spoken here. */
bool acp_kube_exec_has_version(const char *api_version);

/*
 * Runs the plugin and fills an empty result; cluster is the JSON object for
 * spec.cluster, or NULL. Takes at most time_ms. ACP_DENIED with the reason
 * in why when no usable credential came: the plugin's own words are in none
 * of them.
 */
ACP_MUST_CHECK enum acp_error acp_kube_exec_run(
	const struct acp_kube_exec *exec, const char *cluster, int64_t time_ms,
	struct acp_kube_exec_result *result, struct acp_buffer *why);

/*
 * Reads what a plugin printed; wall_ms is now, in milliseconds since 1970.
 * The same results.
 */
ACP_MUST_CHECK enum acp_error acp_kube_exec_read(const char *text, size_t size,
	const char *api_version, int64_t wall_ms,
	struct acp_kube_exec_result *result, struct acp_buffer *why);

ACP_AUTO_DEFINE(kube_exec_result, struct acp_kube_exec_result,
	acp_kube_exec_result_clear)

#endif
