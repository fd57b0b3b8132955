/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconciler/kubeconfig.h: any bytes as a kubeconfig. What is taken can be
 * used: a server to speak to, and a certificate never without its key.
 */
#include <config.h>

#include "reconciler/kubeconfig.h"

#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void
expect_whole(const struct acp_kubeconfig *config)
{
	const struct acp_kube_user *user = &config->user;
	bool has_certificate =
		user->certificate_file || user->certificate_pem.size;
	bool has_key = user->key_file || user->key_pem.size;

	if (!config->context || !config->file || !config->cluster.server)
		abort();
	if (strncasecmp(config->cluster.server, "http", 4) != 0)
		abort();
	if (has_certificate != has_key)
		abort();
	if (user->exec.command &&
		!acp_kube_exec_has_version(user->exec.api_version))
		abort();
	if (config->cluster.is_unverified && config->cluster.ca_file)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(kubeconfig) struct acp_kubeconfig config;
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_kubeconfig_init(&config);
	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	if (size > ACP_KUBECONFIG_FILE_MAX)
		return 0;
	if (!acp_kubeconfig_parse(
		    (const char *)data, size, "file", &config, &why))
		expect_whole(&config);
	else if (!why.size && !why.is_failed)
		abort();
	return 0;
}
