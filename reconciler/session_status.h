/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the status of a session's row: phase, times, namespace and our
 * condition in one PATCH, and none when nothing in it changes, because the
 * server saves whole rows.
 */
#ifndef ACP_RECONCILER_SESSION_STATUS_H
#define ACP_RECONCILER_SESSION_STATUS_H

#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/api.h"
#include "reconciler/conditions.h"
#include "reconciler/rows.h"

#include <stdint.h>

/* What is to stand in the row; what is left out stays as it is. */
struct acp_session_status {
	enum acp_phase phase; /* UNKNOWN: left out */
	const char *kube_namespace; /* NULL: left out; so is the next */
	const struct acp_condition *condition;
	int64_t start_s; /* 0: left out */
	int64_t completion_s;
};

/*
 * row is what was just read, at now_s of the server's clock. Errors as
 * acp_api_patch, with the reason in why. After 429 it is sent again within
 * ACP_API_WRITE_MS, unless the row has another phase by then
 * (ACP_RETRY_LATER).
 */
ACP_MUST_CHECK enum acp_error acp_session_status_write(struct acp_api *api,
	const struct acp_session_row *row,
	const struct acp_session_status *status, int64_t now_s,
	struct acp_buffer *why);

#endif
