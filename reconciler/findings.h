/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --check finds, for people (a line each) or for programs (one JSON
 * object with "configuration", "findings" and "good").
 */
#ifndef ACP_RECONCILER_FINDINGS_H
#define ACP_RECONCILER_FINDINGS_H

#include "lib/buffer.h"
#include "lib/config.h"

#include <stdbool.h>
#include <stddef.h>

struct acp_findings {
	struct acp_buffer *text;
	bool is_json;
	bool is_bad; /* something so far was */
	size_t count;
};

/* Starts with what acp_config_describe says. Then add, and end. */
void acp_findings_begin(
	struct acp_findings *findings, const struct acp_config *config);

/*
 * One thing that was looked at: "API server", and what there is to say of it.
 * A message that starts with a line feed is a list of lines.
 */
void acp_findings_add(struct acp_findings *findings, const char *name,
	bool is_good, const char *message);

/* Looks at the key file; maker will make one ("a pass"). */
void acp_findings_add_key_file(
	struct acp_findings *findings, const char *path, const char *maker);

void acp_findings_end(struct acp_findings *findings);

#endif
