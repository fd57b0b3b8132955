/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/route.h: any text as a request target. A second, plainer way to say
 * what each path is must agree.
 */
#include <config.h>

#include "fcgi/route.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* The route of a path that is written exactly so. */
static enum acp_route
expect_route(const char *path)
{
	if (strcmp(path, "/token") == 0)
		return ACP_ROUTE_TOKEN;
	if (strcmp(path, "/healthz") == 0)
		return ACP_ROUTE_HEALTHZ;
	if (strcmp(path, "/readyz") == 0)
		return ACP_ROUTE_READYZ;
	if (strcmp(path, "/metrics") == 0)
		return ACP_ROUTE_METRICS;
	return ACP_ROUTE_OTHER;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *uri = malloc(size + 1);
	enum acp_route route;

	if (!uri)
		abort();
	if (size)
		memcpy(uri, data, size);
	uri[size] = '\0';
	route = acp_route_find(uri);
	*strchrnul(uri, '?') = '\0';
	if (route != expect_route(uri) || !acp_route_name(route))
		abort();
	free(uri);
	return 0;
}
