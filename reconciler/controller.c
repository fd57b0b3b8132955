/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens and closes what the modes share, in order.
 */
#include <config.h>

#include "reconciler/controller.h"

#include "lib/limits.h"
#include "lib/log.h"

enum acp_error
acp_controller_open(struct acp_controller *controller,
	const struct acp_config *config, struct acp_buffer *why)
{
	struct acp_reconciler_settings *settings = &controller->settings;
	struct acp_key_sync_settings keys;
	enum acp_error error;

	*controller =
		(struct acp_controller){.keys_lock = PTHREAD_MUTEX_INITIALIZER,
			.changes = {.lock = PTHREAD_MUTEX_INITIALIZER}};
	acp_metrics_init(&controller->metrics);
	error = acp_reconciler_settings_read(settings, config, why);
	if (!error)
		error = acp_clients_open(&controller->clients, settings, why);
	if (error)
		return error;
	keys = (struct acp_key_sync_settings){.kube = controller->clients.kube,
		.namespace = settings->site.runtime_namespace,
		.instance = settings->site.instance,
		.key_file = settings->key_file,
		.owner = settings->keypair_owner,
		.bits = settings->key_bits};
	controller->keys = acp_key_sync_new(&keys);
	return ACP_OK;
}

void
acp_controller_open_loop(struct acp_controller *controller)
{
	controller->backoff = acp_backoff_new();
	controller->claims = acp_claims_new();
	controller->looks = acp_claims_new();
	controller->resting = acp_backoff_new();
	acp_clients_open_urgent(&controller->urgent, &controller->clients);
	controller->said = acp_backoff_new();
}

void
acp_controller_stop(struct acp_controller *controller)
{
	atomic_store(&controller->is_stopped, true);
	acp_lease_stop(controller->clients.lease);
	acp_http_pool_close(controller->clients.pool);
}

void
acp_controller_close(struct acp_controller *controller)
{
	acp_key_sync_free(&controller->keys);
	acp_backoff_free(&controller->backoff);
	acp_claims_free(&controller->claims);
	acp_claims_free(&controller->looks);
	acp_backoff_free(&controller->resting);
	if (controller->urgent.is_borrower)
		acp_clients_close(&controller->urgent);
	acp_backoff_free(&controller->said);
	acp_clients_close(&controller->clients);
	acp_metrics_clear(&controller->metrics);
	pthread_mutex_destroy(&controller->changes.lock);
	pthread_mutex_destroy(&controller->keys_lock);
}

bool
acp_controller_keep_keys(struct acp_controller *controller)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error;

	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	pthread_mutex_lock(&controller->keys_lock);
	error = acp_key_sync_step(controller->keys,
		acp_lease_may_write(controller->clients.lease), &why);
	pthread_mutex_unlock(&controller->keys_lock);
	if (error)
		acp_log_message(ACP_LOG_ERROR, "key_sync_failed", "%s",
			acp_buffer_peek(&why));
	return !error;
}
