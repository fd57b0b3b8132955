/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reconciler runs with: the configuration, read, checked as a whole
 * and turned into plain values. Made once at start, and never changed.
 */
#ifndef ACP_RECONCILER_SETTINGS_H
#define ACP_RECONCILER_SETTINGS_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/token_source.h"
#include "reconciler/runner_site.h"
#include "reconciler/site.h"

#include <stddef.h>
#include <stdint.h>

struct acp_reconciler_settings {
	const struct acp_config *config; /* has every text below */
	struct acp_site site;
	struct acp_runner_site runner;
	struct acp_source_settings source; /* of our own identity */
	const char *api_url;
	const char *api_ca_file; /* NULL: the system's */
	const char *api_proxy; /* NULL: none */
	const char *kubeconfig; /* NULL: the usual places */
	const char *project_token_file; /* NULL: one identity for all */
	const char *key_file; /* the first: the one that is ours to write */
	unsigned int key_bits;
	const char *keypair_owner; /* Deployment, NULL: none */
	int64_t interval_ms;
	int64_t resync_ms;
	int64_t pass_timeout_ms;
	size_t in_flight;
	const char *lock_file;
	const char *metrics_file; /* NULL: none */
	const char *heartbeat_file; /* NULL: none */
};

/*
 * config outlives settings. ACP_BAD_REQUEST, with a line for each fault in
 * why: names that Kubernetes would not take, a URL that is none, no identity
 * for the API server …
 */
ACP_MUST_CHECK enum acp_error acp_reconciler_settings_read(
	struct acp_reconciler_settings *settings,
	const struct acp_config *config, struct acp_buffer *why);

/*
 * Where runtime_namespace and instance were not configured: the namespace
 * that the access to the cluster knows (NULL: none), which settings borrow.
 */
void acp_reconciler_settings_complete(
	struct acp_reconciler_settings *settings, const char *namespace);

/* True for an RFC 1123 label: what a namespace may be called. */
bool acp_is_dns_label(const char *text);

#endif
