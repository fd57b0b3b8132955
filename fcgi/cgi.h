/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request a process (CGI/1.1, RFC 3875). Slower than FastCGI, for sites
 * that have nothing else.
 */
#ifndef ACP_FCGI_CGI_H
#define ACP_FCGI_CGI_H

#include "lib/options.h"

/*
 * Answers the one request of this process on standard output. The
 * configuration comes from file and environment. Returns the exit status: 0
 * whenever an answer was written.
 */
int acp_cgi_run(const struct acp_options_spec *spec);

#endif
