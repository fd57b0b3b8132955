/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One action after the other of a unit, units on several threads. An action
 * that fails is logged with what the server said, and does not stop others,
 * unless the rest of its unit stands on it.
 */
#include <config.h>

#include "reconciler/apply.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "reconciler/apply_session.h"
#include "reconciler/parallel.h"
#include "reconciler/recheck.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	PATH_TEXT_MAX = 1024,
	/* servers keep Events for an hour, if not told otherwise */
	SAY_AGAIN_MS = 30 * 60 * 1000
};

/* A plan under way. */
struct application {
	const struct acp_applier *applier;
	const struct acp_plan *plan;
	const size_t
		*starts; /* index of each unit's first action, and the end */
	pthread_mutex_t lock; /* around summary */
	struct acp_summary *summary;
};

static enum acp_error
send(struct acp_kube *kube, const struct acp_action *action,
	struct acp_kube_reply *reply)
{
	ACP_AUTO(json) struct json_object *body = NULL;

	if (action->body)
		body = acp_json_new(action->body, strlen(action->body));
	switch (action->verb) {
	case ACP_VERB_CREATE:
	case ACP_VERB_REPORT:
		return acp_kube_create(kube, &action->ref, body, reply);
	case ACP_VERB_APPLY:
		if (action->ref.kind == ACP_KIND_SERVICE)
			return acp_apply_service(
				kube, &action->ref, action, body, reply);
		return acp_kube_apply(kube, &action->ref, body, reply);
	case ACP_VERB_MARK:
		return acp_kube_patch(kube, &action->ref, body, reply);
	case ACP_VERB_DELETE:
		return acp_kube_delete(kube, &action->ref, action->uid,
			action->resource_version, reply);
	case ACP_VERB_PROVISION: /* more than one request */
	case ACP_VERB_PHASE:
	case ACP_VERB__MAX:
		break;
	}
	return ACP_FAULT;
}

/* What the server's answer means for this action. */
static enum acp_result
judge(const struct acp_action *action, enum acp_error error,
	const struct acp_kube_reply *reply)
{
	bool is_creation = action->verb == ACP_VERB_CREATE ||
		action->verb == ACP_VERB_REPORT;

	if (!error)
		return ACP_RESULT_DONE;
	if (is_creation && !action->must_be_new &&
		reply->reason == ACP_KUBE_ALREADY_EXISTS)
		return ACP_RESULT_DONE;
	if (action->verb == ACP_VERB_DELETE && error == ACP_GONE)
		return ACP_RESULT_DONE;
	/* changed since it was looked at: the next pass looks again */
	if (reply->reason == ACP_KUBE_CONFLICT)
		return ACP_RESULT_WAITING;
	/* a namespace that is being deleted refuses what is new in it */
	if (error == ACP_DENIED && strstr(reply->message, "being terminated"))
		return ACP_RESULT_WAITING;
	return ACP_RESULT_FAILED;
}

/* Was the object told about, an Event sent, in the last half hour? */
static bool
is_said(const struct acp_applier *applier, const struct acp_ref *ref)
{
	return applier->said &&
		!acp_backoff_is_due(applier->said, ref, acp_clock_now_ms());
}

static void
note_said(const struct acp_applier *applier, const struct acp_ref *ref)
{
	if (applier->said)
		acp_backoff_rest(
			applier->said, ref, acp_clock_now_ms() + SAY_AGAIN_MS);
}

static enum acp_log_level
choose_level(const struct acp_applier *applier, const struct acp_action *action,
	enum acp_result result)
{
	if (result == ACP_RESULT_FOREIGN)
		return is_said(applier, &action->ref) ? ACP_LOG_DEBUG
						      : ACP_LOG_WARN;
	return result == ACP_RESULT_FAILED ? ACP_LOG_WARN : ACP_LOG_INFO;
}

static void
log_action(const struct acp_applier *applier, const struct acp_action *action,
	enum acp_result result, const struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer object;

	acp_buffer_init(&object, PATH_TEXT_MAX);
	acp_ref_describe(&action->ref, &object);
	acp_log(choose_level(applier, action, result), "action",
		ACP_F_TEXT("verb", acp_verb_name(action->verb)),
		ACP_F_TEXT("object", acp_buffer_peek(&object)),
		ACP_F_TEXT("why", action->reason),
		ACP_F_TEXT("result", acp_result_name(result)),
		ACP_F_TEXT("message",
			result == ACP_RESULT_DONE ? NULL
						  : acp_buffer_peek(why)));
}

/* The actions that are one request. */
static enum acp_result
do_request(const struct acp_applier *applier, const struct acp_action *action,
	struct acp_buffer *why)
{
	struct acp_kube *kube = acp_clients_peek_kube(
		applier->clients, applier->site, action->ref.namespace);
	ACP_AUTO(kube_reply) struct acp_kube_reply reply;
	enum acp_result result = acp_recheck(applier, action, why);

	acp_kube_reply_init(&reply);
	if (result != ACP_RESULT_DONE)
		return result;
	result = judge(action, send(kube, action, &reply), &reply);
	acp_buffer_printf(why, "%s%s%s", acp_kube_reason_name(reply.reason),
		*reply.message ? ": " : "", reply.message);
	return result;
}

static enum acp_result
do_action(const struct acp_applier *applier, const struct acp_action *action)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_result result;

	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	if (action->verb == ACP_VERB_PROVISION)
		result = acp_apply_provision(applier, action, &why);
	else if (action->verb == ACP_VERB_PHASE)
		result = acp_apply_phase(applier, action, &why);
	else
		result = do_request(applier, action, &why);
	log_action(applier, action, result, &why);
	return result;
}

static bool
may_begin(const struct acp_applier *applier)
{
	return !atomic_load(applier->is_stopped) &&
		acp_clock_now_ms() < applier->deadline_ms;
}

/* There is nothing to try again, at least not until somebody else acts. */
static bool
is_settled(enum acp_result result)
{
	return result == ACP_RESULT_DONE || result == ACP_RESULT_FOREIGN;
}

static enum acp_result
try_action(const struct acp_applier *applier, const struct acp_action *action)
{
	enum acp_result result;

	if (action->is_held)
		return ACP_RESULT_HELD;
	if (!may_begin(applier))
		return ACP_RESULT_WAITING;
	/* an Event that is there: the server would only say so */
	if (action->verb == ACP_VERB_REPORT && is_said(applier, &action->ref))
		return ACP_RESULT_DONE;
	if (applier->backoff &&
		!acp_backoff_is_due(
			applier->backoff, &action->ref, acp_clock_now_ms()))
		return ACP_RESULT_WAITING;
	result = do_action(applier, action);
	if (applier->backoff && result != ACP_RESULT_WAITING)
		acp_backoff_note(applier->backoff, &action->ref,
			is_settled(result), acp_clock_now_ms());
	if (result == ACP_RESULT_FOREIGN ||
		(action->verb == ACP_VERB_REPORT && result == ACP_RESULT_DONE))
		note_said(applier, &action->ref);
	return result;
}

static void
note(struct application *application, const struct acp_action *action,
	enum acp_result result, int64_t start_ms)
{
	struct acp_summary *summary = application->summary;

	pthread_mutex_lock(&application->lock);
	summary->actions[action->ref.kind][action->verb][result]++;
	/* one that a list had was counted with the plan */
	summary->foreign_objects +=
		result == ACP_RESULT_FOREIGN && !action->uid;
	if (action->verb == ACP_VERB_PROVISION && result == ACP_RESULT_DONE) {
		summary->provisions++;
		summary->provision_ms += acp_clock_now_ms() - start_ms;
	}
	pthread_mutex_unlock(&application->lock);
}

/* is_blocked from the start: another pass has the unit. */
static void
apply_actions(struct application *application, size_t first, size_t end,
	bool is_blocked)
{
	const struct acp_action *actions = application->plan->actions;

	for (size_t i = first; i < end; i++) {
		int64_t start_ms = acp_clock_now_ms();
		enum acp_result result = is_blocked
			? ACP_RESULT_WAITING
			: try_action(application->applier, &actions[i]);

		note(application, &actions[i], result, start_ms);
		/* a tenant's object in one place blocks no other */
		if (actions[i].is_required && !is_settled(result))
			is_blocked = true;
	}
}

static void
apply_unit(void *context, size_t index)
{
	struct application *application = context;
	struct acp_claims *claims = application->applier->claims;
	size_t first = application->starts[index];
	const char *unit = application->plan->actions[first].unit;
	bool is_ours = !claims || acp_claims_take(claims, unit);

	apply_actions(
		application, first, application->starts[index + 1], !is_ours);
	if (claims && is_ours)
		acp_claims_release(claims, unit);
}

/* Where each unit begins, with the end behind them; caller frees. */
static size_t *
find_units(const struct acp_plan *plan, size_t *count)
{
	size_t *starts = acp_memory_new(plan->count + 1, sizeof(*starts));

	*count = 0;
	for (size_t i = 0; i < plan->count; i++)
		if (i == 0 ||
			strcmp(plan->actions[i].unit,
				plan->actions[i - 1].unit) != 0)
			starts[(*count)++] = i;
	starts[*count] = plan->count;
	return starts;
}

void
acp_apply(const struct acp_applier *applier, const struct acp_plan *plan,
	struct acp_summary *summary)
{
	ACP_AUTO(free) size_t *starts = NULL;
	struct application application = {.applier = applier,
		.plan = plan,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.summary = summary};
	size_t count;

	starts = find_units(plan, &count);
	application.starts = starts;
	acp_parallel_run(
		applier->clients->in_flight, count, apply_unit, &application);
	if (acp_clock_now_ms() >= applier->deadline_ms)
		summary->is_timed_out = true;
	pthread_mutex_destroy(&application.lock);
}
