/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The paths that are served.
 */
#include <config.h>

#include "fcgi/route.h"

#include <stddef.h>
#include <string.h>

const char *
acp_route_name(enum acp_route route)
{
	switch (route) {
	case ACP_ROUTE_TOKEN:
		return "/token";
	case ACP_ROUTE_HEALTHZ:
		return "/healthz";
	case ACP_ROUTE_READYZ:
		return "/readyz";
	case ACP_ROUTE_METRICS:
		return "/metrics";
	case ACP_ROUTE_OTHER:
	case ACP_ROUTE__MAX:
		break;
	}
	return "other";
}

enum acp_route
acp_route_find(const char *uri)
{
	size_t size = uri ? strcspn(uri, "?") : 0;
	enum acp_route route;
	const char *name;

	for (route = ACP_ROUTE_TOKEN; route < ACP_ROUTE__MAX; route++) {
		name = acp_route_name(route);
		if (strlen(name) == size && memcmp(name, uri, size) == 0)
			return route;
	}
	return ACP_ROUTE_OTHER;
}
