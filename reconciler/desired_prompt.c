/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first prompt of a session, put together from those of its project, its
 * agent, its inbox and its own.
 */
#include <config.h>

#include "reconciler/desired_session_build.h"

static void
append_part(struct acp_buffer *text, const char *part)
{
	if (!part || !*part)
		return;
	if (text->size)
		acp_buffer_append(text, "\n\n");
	acp_buffer_append(text, part);
}

void
acp_session_write_prompt(
	const struct acp_session_want *want, struct acp_buffer *text)
{
	append_part(text, want->project_prompt);
	append_part(text, want->agent_prompt);
	for (size_t i = 0; i < want->message_count; i++)
		append_part(text, want->messages[i]);
	append_part(text, want->detail->prompt);
}
