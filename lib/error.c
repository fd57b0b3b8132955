/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the error values, for logs and metrics.
 */
#include <config.h>

#include "lib/error.h"

const char *
acp_error_name(enum acp_error error)
{
	switch (error) {
	case ACP_OK:
		return "ok";
	case ACP_BAD_REQUEST:
		return "bad_request";
	case ACP_DENIED:
		return "denied";
	case ACP_RETRY_LATER:
		return "retry_later";
	case ACP_GONE:
		return "gone";
	case ACP_FAULT:
	case ACP_ERROR__MAX:
		break;
	}
	return "fault";
}
