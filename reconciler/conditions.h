/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conditions of a session: JSON text in its row, in the form that
 * Kubernetes objects have. One of them, "Ready", is ours; those of others are
 * kept as they are. Pure.
 */
#ifndef ACP_RECONCILER_CONDITIONS_H
#define ACP_RECONCILER_CONDITIONS_H

#include "lib/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct acp_condition {
	bool is_true;
	const char *reason; /* a CamelCase word */
	const char *message; /* a sentence for people */
};

/*
 * Appends the present conditions (NULL or no JSON array: none) with ours set.
 * lastTransitionTime is now_s when the status changes, else stays. False, and
 * nothing appended, when ours says all of it already.
 */
bool acp_conditions_set(const char *present,
	const struct acp_condition *condition, int64_t now_s,
	struct acp_buffer *text);

/* Does ours say exactly that, whenever it began? */
bool acp_conditions_has(
	const char *present, const struct acp_condition *condition);

/* Does ours say that something is wrong? */
bool acp_conditions_has_trouble(const char *present);

#endif
