# SPDX-License-Identifier: Apache-2.0
"""Sessions in a reconciler.Site: rows on one side, objects on the other, and
the part of the kubelet between them.

    sessions = Sessions(site)
    one = sessions.add("alpha")              # Pending
    sessions.converge()
    sessions.bind(one)                       # a node has its pod
    sessions.end_runner(one, exit_code=1)
    sessions.phase(one), sessions.reason(one), sessions.pod(one)
"""
import datetime
import json

import kube
import reconciler

TOKEN_URL = "http://token.ambient-code.svc:8080/token"
SESSION_ID = reconciler.PREFIX + "session-id"
REPROVISIONS = reconciler.PREFIX + "reprovisions"
RUNNER = "ambient-code-runner"
# what a session has, in the order in which it is made
KINDS = ("ServiceAccount", "Secret", "Pod", "Service")
MOST_PASSES = 6


def now(seconds=0):
    """As Kubernetes writes it, so many seconds from now."""
    time = datetime.datetime.now(datetime.timezone.utc)
    return (time + datetime.timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def is_same_time(one, other):
    """Of RFC 3339 texts, to the second."""
    return bool(one and other) and one[:19] == other[:19]


class Sessions:
    def __init__(self, site):
        self.site = site
        self.api = site.api
        self.cluster = site.cluster

    # --- rows -----------------------------------------------------------------

    def add(self, project, phase="Pending", **values):
        """A session that its user has started; its id."""
        session = self.api.create_session(project, **values)
        if phase:
            self.api.start(session)
        return session

    def row(self, session):
        return self.api.session(session)

    def phase(self, session):
        return self.row(session).get("phase")

    def phases(self, *ids):
        return [self.phase(session) for session in ids]

    def conditions(self, session):
        return json.loads(self.row(session).get("conditions") or "[]")

    def reason(self, session):
        """The reasons in its conditions, one or several."""
        return ",".join(c["reason"] for c in self.conditions(session))

    # --- objects --------------------------------------------------------------

    def all(self, kind, session):
        """What there is of a session, in whichever namespace."""
        return self.cluster.must(self.cluster.admin.list(
            kube.path_of(kind), labelSelector=f"{SESSION_ID}={session}"))

    def pod(self, session):
        """Its pod, None when there is none; more than one is an error."""
        found = self.all("Pod", session)
        if len(found) > 1:
            raise RuntimeError(f"{session} has {len(found)} pods")
        return found[0] if found else None

    def uid(self, session):
        pod = self.pod(session)
        return pod and pod["metadata"]["uid"]

    def is_ending(self, session):
        pod = self.pod(session)
        return pod is not None and "deletionTimestamp" in pod["metadata"]

    def objects(self, session):
        """["Kind namespace"], sorted, of those that are not ending."""
        return sorted(
            f"{kind} {item['metadata']['namespace']}" for kind in KINDS
            for item in self.all(kind, session)
            if "deletionTimestamp" not in item["metadata"])

    def variable(self, session, name):
        """Of the runner's environment, as the pod has it."""
        return {v["name"]: v.get("value") for v in self.pod(session)["spec"][
            "containers"][0]["env"]}.get(name)

    def is_whole(self, session, namespace):
        """It runs: one of each, the row says so, the pod is of this run."""
        row, pod = self.row(session), self.pod(session)
        return (row.get("phase") == "Running"
                and row.get("kube_namespace") == namespace
                and self.objects(session) == sorted(
                    f"{kind} {namespace}" for kind in KINDS)
                and is_same_time(row.get("start_time"),
                                 pod["metadata"]["creationTimestamp"]))

    # --- the kubelet's part ---------------------------------------------------

    def place(self, session):
        meta = self.pod(session)["metadata"]
        return meta["namespace"], meta["name"]

    def bind(self, session):
        """A node takes the pod, which from now on is deleted gracefully."""
        self.cluster.bind_pod(*self.place(session))

    def set_status(self, session, **status):
        self.cluster.set_pod_status(*self.place(session), **status)

    def set_runner(self, session, phase, others=(), **state):
        """State of the runner's container: running={} and the like."""
        def container(name, state):
            return {"name": name, "state": state, "image": "i", "imageID": "",
                    "ready": False, "restartCount": 0}
        self.set_status(session, phase=phase, startTime=now(),
                        containerStatuses=[container(RUNNER, state)] + [
                            container(name, {"running": {}})
                            for name in others])

    def run(self, session):
        self.set_runner(session, "Running", running={"startedAt": now()})

    def end_runner(self, session, exit_code=0, others=(), seconds=0):
        """The time of its end is so many seconds from now."""
        self.set_runner(
            session, "Running" if others
            else "Failed" if exit_code else "Succeeded", others,
            terminated={"exitCode": exit_code, "startedAt": now(seconds),
                        "finishedAt": now(seconds), "reason": "Error"
                        if exit_code else "Completed"})

    def lose_pod(self, session):
        """As when its node is taken away."""
        self.cluster.end_pod(*self.place(session))

    # --- passes ---------------------------------------------------------------

    def converge(self, **options):
        """Passes until one finds nothing to do; the last Result."""
        for _ in range(MOST_PASSES):
            result = self.site.once(**options)
            if result.actions == []:
                break
        return result
