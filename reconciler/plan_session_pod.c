/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges the state of a session's pod. The runner's own container decides,
 * for others in the pod may outlive it (H-58); what only takes long is given
 * time. Pure; ages are reckoned by the clock of the server that wrote them.
 */
#include <config.h>

#include "reconciler/plan_session.h"

#include <string.h>

enum { PULL_S = 5 * 60, WAITING_S = 10 * 60, UNSCHEDULED_S = 10 * 60 };

static bool
is_pull_failure(const char *reason)
{
	static const char *const reasons[] = {"ErrImagePull",
		"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName",
		"ImageInspectError", "RegistryUnavailable"};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	return false;
}

/* Has something lasted for so long, as far as both times are known? */
static bool
has_lasted(int64_t since_s, int64_t now_s, int64_t bound_s)
{
	return since_s && now_s && now_s - since_s >= bound_s;
}

static struct acp_pod_verdict
judge_container(struct acp_plan *plan, const struct acp_pod_state *pod)
{
	if (pod->exit_code == 0)
		return (struct acp_pod_verdict){ACP_PHASE_COMPLETED, pod->end_s,
			"RunnerCompleted", "the runner has done its work"};
	return (struct acp_pod_verdict){ACP_PHASE_FAILED, pod->end_s,
		"RunnerFailed",
		acp_plan_text(plan, "the runner ended with exit code %d%s%s",
			pod->exit_code, pod->end_reason ? ": " : "",
			pod->end_reason ? pod->end_reason : "")};
}

/* It never got a container's state: evicted, or past its deadline. */
static struct acp_pod_verdict
judge_failed_pod(struct acp_plan *plan, const struct acp_pod_state *pod)
{
	return (struct acp_pod_verdict){ACP_PHASE_FAILED, 0, "PodFailed",
		acp_plan_text(plan, "the pod has failed%s%s",
			pod->reason ? ": " : "",
			pod->reason ? pod->reason : "")};
}

static struct acp_pod_verdict
judge_waiting(
	struct acp_plan *plan, const struct acp_pod_state *pod, int64_t now_s)
{
	const struct acp_pod_verdict live = {.phase = ACP_PHASE_RUNNING};

	if (has_lasted(pod->unscheduled_s, now_s, UNSCHEDULED_S))
		return (struct acp_pod_verdict){ACP_PHASE_FAILED, 0,
			"Unschedulable",
			"no node has taken the pod for 10 minutes"};
	if (!pod->waiting)
		return live;
	if (is_pull_failure(pod->waiting) &&
		has_lasted(pod->start_s, now_s, PULL_S))
		return (struct acp_pod_verdict){ACP_PHASE_FAILED, 0,
			"ImagePullFailed",
			acp_plan_text(plan,
				"the runner's image could not be pulled for 5 "
				"minutes: %s",
				pod->waiting)};
	if (has_lasted(pod->start_s, now_s, WAITING_S))
		return (struct acp_pod_verdict){ACP_PHASE_FAILED, 0,
			"RunnerNotStarted",
			acp_plan_text(plan,
				"the runner has not started for 10 minutes%s%s",
				*pod->waiting ? ": " : "", pod->waiting)};
	return live;
}

struct acp_pod_verdict
acp_session_judge_pod(
	struct acp_plan *plan, const struct acp_object *object, int64_t now_s)
{
	const struct acp_pod_state *pod = object->pod;

	if (!pod)
		return (struct acp_pod_verdict){.phase = ACP_PHASE_RUNNING};
	if (pod->has_ended)
		return judge_container(plan, pod);
	if (pod->phase == ACP_POD_FAILED)
		return judge_failed_pod(plan, pod);
	if (pod->phase == ACP_POD_SUCCEEDED)
		return (struct acp_pod_verdict){ACP_PHASE_COMPLETED, 0,
			"RunnerCompleted", "the runner has done its work"};
	return judge_waiting(plan, pod, now_s);
}

bool
acp_session_has_finished(const struct acp_object *object)
{
	const struct acp_pod_state *pod = object->pod;

	return pod &&
		(pod->has_ended || pod->phase == ACP_POD_FAILED ||
			pod->phase == ACP_POD_SUCCEEDED);
}
