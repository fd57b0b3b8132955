/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens and closes the clients in the order in which they need each other.
 */
#include <config.h>

#include "reconciler/clients.h"

#include <string.h>

static enum acp_error
open_access(struct acp_clients *clients,
	const struct acp_reconciler_settings *settings, struct acp_buffer *why)
{
	enum acp_error error = acp_kube_access_new(
		settings->kubeconfig, &clients->access, why);

	if (error || !settings->project_token_file)
		return error;
	return acp_kube_access_new_with_token(clients->access,
		settings->project_token_file, &clients->project_access, why);
}

static void
open_kube(struct acp_clients *clients, const struct acp_site *site)
{
	struct acp_lease_settings lease = {.namespace = site->runtime_namespace,
		.instance = site->instance};

	clients->lease_kube =
		acp_kube_new(clients->access, clients->pool, NULL);
	lease.kube = clients->lease_kube;
	clients->lease = acp_lease_new(&lease);
	clients->guard = (struct acp_kube_guard){
		.may_write = acp_lease_guard, .context = clients->lease};
	clients->kube =
		acp_kube_new(clients->access, clients->pool, &clients->guard);
	clients->project_kube = clients->kube;
	if (clients->project_access)
		clients->project_kube = acp_kube_new(clients->project_access,
			clients->pool, &clients->guard);
}

static void
open_api(struct acp_clients *clients,
	const struct acp_reconciler_settings *settings)
{
	clients->api_settings = (struct acp_api_settings){
		.base_url = settings->api_url,
		.ca_file = settings->api_ca_file,
		.https_proxy = settings->api_proxy,
		.source = &settings->source,
		.may_write = acp_lease_guard,
		.context = clients->lease,
	};
	clients->api = acp_api_new(&clients->api_settings, clients->pool);
}

enum acp_error
acp_clients_open(struct acp_clients *clients,
	struct acp_reconciler_settings *settings, struct acp_buffer *why)
{
	enum acp_error error;

	*clients = (struct acp_clients){.in_flight = settings->in_flight};
	error = open_access(clients, settings, why);
	if (error)
		return error;
	acp_reconciler_settings_complete(
		settings, acp_kube_access_peek_namespace(clients->access));
	clients->pool = acp_http_pool_new(settings->in_flight);
	open_kube(clients, &settings->site);
	open_api(clients, settings);
	return ACP_OK;
}

void
acp_clients_open_urgent(
	struct acp_clients *urgent, const struct acp_clients *clients)
{
	*urgent = *clients;
	urgent->is_borrower = true;
	urgent->kube =
		acp_kube_new(clients->access, clients->pool, &clients->guard);
	acp_kube_set_urgent(urgent->kube);
	urgent->project_kube = urgent->kube;
	if (clients->project_access) {
		urgent->project_kube = acp_kube_new(clients->project_access,
			clients->pool, &clients->guard);
		acp_kube_set_urgent(urgent->project_kube);
	}
	urgent->api = acp_api_new(&clients->api_settings, clients->pool);
	acp_api_set_urgent(urgent->api);
}

void
acp_clients_close(struct acp_clients *clients)
{
	acp_api_free(&clients->api);
	if (clients->project_kube != clients->kube)
		acp_kube_free(&clients->project_kube);
	acp_kube_free(&clients->kube);
	if (clients->is_borrower)
		return;
	acp_lease_free(&clients->lease);
	acp_kube_free(&clients->lease_kube);
	acp_http_pool_free(&clients->pool);
	acp_kube_access_free(&clients->project_access);
	acp_kube_access_free(&clients->access);
}

static bool
is_same(const char *one, const char *other)
{
	return one && other && strcmp(one, other) == 0;
}

struct acp_kube *
acp_clients_peek_kube(const struct acp_clients *clients,
	const struct acp_site *site, const char *namespace)
{
	if (is_same(namespace, site->runtime_namespace) ||
		is_same(namespace, site->image_namespace) ||
		is_same(namespace, site->vertex_namespace) ||
		(site->platform == ACP_PLATFORM_MPP &&
			is_same(namespace, site->config_namespace)))
		return clients->kube;
	return clients->project_kube;
}
