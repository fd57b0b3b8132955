/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the request target to what it asks for. Paths are compared as they
 * were sent: nothing is decoded or normalised, so there is one way to write
 * each of them.
 */
#ifndef ACP_FCGI_ROUTE_H
#define ACP_FCGI_ROUTE_H

enum acp_route {
	ACP_ROUTE_OTHER, /* 404 */
	ACP_ROUTE_TOKEN,
	ACP_ROUTE_HEALTHZ,
	ACP_ROUTE_READYZ,
	ACP_ROUTE_METRICS,
	ACP_ROUTE__MAX
};

/* uri: REQUEST_URI (RFC 9112 §3.2.1 origin form), or NULL. */
enum acp_route acp_route_find(const char *uri);

/* The path of a route for metrics and logs, "other" for what is none. */
const char *acp_route_name(enum acp_route route);

#endif
