/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object as a list or a GET gives it, as the planner knows it. Pure.
 */
#ifndef ACP_RECONCILER_OBSERVE_OBJECT_H
#define ACP_RECONCILER_OBSERVE_OBJECT_H

#include "reconciler/arena.h"
#include "reconciler/kinds.h"
#include "reconciler/world.h"

#include <json-c/json_object.h>
#include <stdbool.h>

/*
 * Reads item into object, texts into arena. False, and object untouched, when
 * it has no name, uid or resourceVersion, or no namespace though its kind has
 * one: then the list as a whole is not to be trusted.
 */
bool acp_observe_object(enum acp_kind kind, struct json_object *item,
	struct acp_arena *arena, struct acp_object *object);

#endif
