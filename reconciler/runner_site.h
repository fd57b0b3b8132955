/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choices of the operator that decide what a session's pod is, as plain
 * values; part of the settings, and all that the makers of pods know of them.
 */
#ifndef ACP_RECONCILER_RUNNER_SITE_H
#define ACP_RECONCILER_RUNNER_SITE_H

#include "lib/buffer.h"
#include "lib/config.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

enum acp_pull {
	ACP_PULL_AUTO,
	ACP_PULL_ALWAYS,
	ACP_PULL_IF_NOT_PRESENT,
	ACP_PULL_NEVER,
	ACP_PULL__MAX
};

/* Texts are borrowed; NULL where there is none. */
struct acp_runner_site {
	const char *image;
	enum acp_pull pull;
	const char *pull_secret;
	const char *token_url; /* NULL: no session can be started */
	const char *backend_url;
	const char *grpc_address; /* NULL: runners use no gRPC */
	bool has_grpc_tls;
	const char *api_key; /* a secret; "": none */
	bool has_vertex;
	const char *vertex_project;
	const char *vertex_region;
	const char *vertex_key_path; /* inside the runner */
	const char *vertex_secret;
	bool copies_vertex; /* into projects' namespaces */
	const char *mcp_image; /* NULL: no MCP server */
	const char *mcp_api_url;
	const char *log_level;
	const char *http_proxy;
	const char *https_proxy;
	const char *no_proxy;
	const char *ca_config_map; /* NULL: what the image trusts */
	const char *ca_key;
	bool is_restricted;
	bool has_account_token; /* of Kubernetes, in the pod */
	const char *cpu_request; /* quantities */
	const char *cpu_limit;
	const char *memory_request;
	const char *memory_limit;
	const char *workspace_limit;
	int64_t retention_ms; /* of a finished session's pod */
};

/* Reads it out of config, which outlives runner. */
void acp_runner_site_read(
	const struct acp_config *config, struct acp_runner_site *runner);

/*
 * ACP_BAD_REQUEST, with a line for each fault in why: quantities and names
 * that Kubernetes would not take, a bad token_url … That token_url is not set
 * is no fault here: it fails each session, and nothing else.
 */
ACP_MUST_CHECK enum acp_error acp_runner_site_check(
	const struct acp_runner_site *runner, struct acp_buffer *why);

#endif
