#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions in namespaces whose tenants may do everything there: accounts that
are made up, labels taken off or altered, names taken beforehand. Against a
real Kubernetes API server: nothing else is deleted, the gate neither trips
nor is diluted, and a session works or its row says why it does not. Before
that, one --once from nothing to sessions that run."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, the planner's part is run under it by tests/unit
# openssl: no, ambient-cp-token is not in it
import base64
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap

TENANT, OTHER = "alpha", "beta"
OTHERS = 8
MADE_UP = 30  # more than a fifth of all, and far more than five
ENDED = 60  # rows by which a tenant would make six look few
PREFIX = reconciler.PREFIX
SESSION_ID, ANCHOR = PREFIX + "session-id", PREFIX + "anchor"
LABELS = (reconciler.MANAGED, reconciler.INSTANCE, reconciler.PROJECT_ID,
          SESSION_ID)


def names(session):
    """Of a session whose id is in lower case."""
    return {"ServiceAccount": f"session-{session}-sa",
            "Secret": f"session-{session}-env",
            "Service": f"session-{session}",
            "Pod": f"session-{session}-runner"}


class Scene:
    """.site, and what tenants do with .tenant's own client."""

    def __init__(self, b):
        self.site = reconciler.Site(b, token_url="http://token/token")
        self.api = self.site.api
        self.cluster = self.site.cluster
        self.tenant = self.cluster.client("tenant-a")

    def load(self, project, ids, phase="Pending"):
        self.api.load("sessions", [
            {"id": name, "project_id": project, "name": name, "phase": phase}
            for name in ids])

    def phases(self, ids):
        return sorted({self.api.session(name).get("phase") for name in ids})

    def condition(self, session):
        """(status, reason) of ours in the row."""
        text = self.api.session(session).get("conditions")
        own = [c for c in json.loads(text or "[]") if c["type"] == "Ready"]
        return own and (own[0]["status"], own[0]["reason"])

    def read(self, kind, session, namespace=TENANT):
        return self.site.read(kind, namespace, names(session)[kind])

    def make(self, kind, **fields):
        """As the tenant."""
        return self.cluster.must(self.tenant.post(
            kube.path_of(kind, TENANT), {"kind": kind, **fields}))

    def alter(self, kind, session, **metadata):
        self.cluster.must(self.tenant.patch(
            kube.path_of(kind, TENANT, names(session)[kind]),
            {"metadata": metadata}))

    def remove(self, kind, session):
        self.cluster.must(self.tenant.delete(
            kube.path_of(kind, TENANT, names(session)[kind])))

    def writes(self, mark):
        """By the reconciler, but for the Lease."""
        return [r for r in self.cluster.writes(user="reconciler", since=mark)
                if r["resource"] != "leases"]


def labels(session):
    return {**reconciler.labels(TENANT), SESSION_ID: session}


# --- from nothing -----------------------------------------------------------------

def check_from_nothing(t, s):
    s.api.load("projects", [{"name": TENANT}, {"name": OTHER}])
    others = [f"other-session-{i}" for i in range(OTHERS)]
    s.load(OTHER, others)
    s.load(TENANT, ["first-session", "second-session"])
    result = s.site.once()
    t.equal((result.status, s.phases(others + ["first-session",
                                               "second-session"])),
            (0, ["Running"]),
            "from nothing one --once makes namespaces and sessions run",
            ) or t.diag(result)
    counts = s.cluster.count_requests(user="reconciler")
    t.equal([counts[pair] for pair in (
        ("patch", "serviceaccounts"), ("create", "pods"),
        ("create", "services"), ("create", "events"))],
            [OTHERS + 2, OTHERS + 2, OTHERS + 2, 0],
            "with as many writes as there are objects")
    mark = s.cluster.mark()
    result = s.site.once()
    t.equal((result.status, result.planned(), s.writes(mark)), (0, [], []),
            "the next one plans nothing and writes nothing")
    s.cluster.grant("tenant-a", "owner", reconciler.EVERYTHING, TENANT)
    return others


# --- accounts that are made up ------------------------------------------------------

def make_up(s, session, annotations=None):
    """An account, and what hangs on it, as if we had made it."""
    account = s.make("ServiceAccount", metadata={
        "name": names(session)["ServiceAccount"], "labels": labels(session),
        "annotations": annotations or {}})
    s.make("Service", metadata={
        "name": names(session)["Service"], "labels": labels(session),
        "ownerReferences": [{
            "apiVersion": "v1", "kind": "ServiceAccount",
            "name": account["metadata"]["name"],
            "uid": account["metadata"]["uid"]}]},
           spec={"ports": [{"port": 1}]})


def check_made_up(t, s, others):
    real = s.read("ServiceAccount", "first-session")
    copied = {ANCHOR: real["metadata"]["annotations"][ANCHOR]}
    made_up = [f"made-up-{i:02}" for i in range(MADE_UP)]
    for number, session in enumerate(made_up):
        make_up(s, session, copied if number % 2 else None)
    gone, others[:2] = others[:2], []
    for session in gone:
        s.api.delete_session(session)
    mark = s.api.mark()
    result = s.site.once()
    t.equal((result.status, result.summary["held_digest"]), (0, ""),
            "accounts made up do not make two deletions look like many"
            ) or t.diag(result)
    t.equal([s.read("ServiceAccount", name, OTHER) for name in gone],
            [None, None], "those two sessions are gone")
    t.equal([name for name in made_up if not s.read("ServiceAccount", name)
             or not s.read("Service", name)], [],
            "what was made up is left alone")
    t.ok(result.summary["foreign_objects"] >= 2 * MADE_UP, "and counted",
         result.summary)
    asked = [r["path"] for r in s.api.log(since=mark)
             if "made-up" in r["path"]]
    t.equal(asked, [], "and no row is asked for")


def check_dilution(t, s, others):
    """Rows that ended long ago, and an account for each of them."""
    ended = [f"ended-session-{i:02}" for i in range(ENDED)]
    s.load(TENANT, ended, "Stopped")
    for session in ended:
        s.make("ServiceAccount", metadata={
            "name": names(session)["ServiceAccount"],
            "labels": labels(session)})
    gone = list(others)
    for session in gone:
        s.api.delete_session(session)
    result = s.site.once()
    t.equal((result.status, len(gone)), (3, 6),
            "accounts for sessions long ended do not make six look few"
            ) or t.diag(result)
    t.ok(all(s.read("Pod", name, OTHER) for name in gone),
         "which are held")
    digest = result.summary["held_digest"]
    s.site.run(f"--allow-mass-delete={digest}")
    t.equal((s.site.once().status,
             [s.read("Pod", name, OTHER) for name in gone]),
            (0, [None] * 6), "till somebody lets them go")


# --- labels -------------------------------------------------------------------------

def pods(s):
    return [name for name in s.site.names("Pod", TENANT)
            if "first-session" in name]


def check_labels(t, s, what, change):
    pod = s.read("Pod", "first-session")["metadata"]["uid"]
    for kind in names("first-session"):
        s.alter(kind, "first-session", labels=change)
    result = s.site.once()
    t.equal((result.status, s.phases(["first-session"]), pods(s)),
            (0, ["Running"], [names("first-session")["Pod"]]),
            f"{what}: the session goes on") or t.diag(result)
    t.equal(s.read("Pod", "first-session")["metadata"]["uid"], pod,
            f"{what}: in the same pod")
    t.equal([s.read(kind, "first-session")["metadata"]["labels"].get(
        SESSION_ID) for kind in ("ServiceAccount", "Service")],
            ["first-session"] * 2,
            f"{what}: account and Service have theirs again")
    t.equal(s.site.once().planned(), [], f"{what}: that is all")


def check_end(t, s):
    s.cluster.set_pod_status(
        TENANT, names("first-session")["Pod"], phase="Succeeded",
        containerStatuses=[{
            "name": "ambient-code-runner", "image": "i", "imageID": "i",
            "ready": False, "restartCount": 0, "state": {"terminated": {
                "exitCode": 0, "finishedAt": "2026-01-01T00:00:00Z"}}}])
    s.site.once()
    t.equal(s.phases(["first-session"]), ["Completed"],
            "the end of a pod without labels is the session's")


def check_account(t, s):
    """Everything that shows whose it is, and a token that we do not mount."""
    uid = s.read("ServiceAccount", "second-session")["metadata"]["uid"]
    s.alter("ServiceAccount", "second-session",
            labels={name: None for name in LABELS},
            annotations={ANCHOR: None})
    s.cluster.must(s.tenant.patch(
        kube.path_of("ServiceAccount", TENANT,
                     names("second-session")["ServiceAccount"]),
        {"automountServiceAccountToken": True}))
    s.site.once()
    account = s.read("ServiceAccount", "second-session")
    t.equal((account["metadata"]["uid"],
             account["metadata"]["labels"].get(SESSION_ID),
             ANCHOR in account["metadata"]["annotations"],
             account["automountServiceAccountToken"],
             s.phases(["second-session"])),
            (uid, "second-session", True, False, ["Running"]),
            "an account that was stripped of everything is repaired")


def check_lookalikes(t, s):
    """Pods and Services with our labels, of a session that there is."""
    for name in ("session-mine-runner", "mine"):
        s.make("Pod", metadata={"name": name,
                                "labels": labels("second-session")},
               spec={"containers": [{"name": "c", "image": "i"}]})
    s.api.stop("second-session")
    s.site.once()
    s.site.once()
    t.equal((s.phases(["second-session"]), s.read("Pod", "second-session")),
            (["Stopped"], None), "a session is stopped, and its pod goes")
    t.equal([name for name in ("session-mine-runner", "mine")
             if name not in s.site.names("Pod", TENANT)], [],
            "pods that only look like one stay")


# --- names that are taken -----------------------------------------------------------

def own_service(s, session):
    s.make("Service", metadata={"name": names(session)["Service"]},
           spec={"ports": [{"port": 1}]})


def check_taken_before(t, s):
    own_service(s, "third-session")
    s.load(TENANT, ["third-session"])
    result = s.site.once()
    t.equal((result.status, s.phases(["third-session"]),
             s.condition("third-session")),
            (3, ["Pending"], ("False", "NameTaken")),
            "a Service of its name keeps a session from starting, and the "
            "row says so") or t.diag(result)
    t.equal(s.read("Pod", "third-session"), None, "without a pod")
    told = [event for event in s.site.events()
            if event[0] == names("third-session")["ServiceAccount"]]
    t.equal([reason for _, reason, _ in told], ["NameTaken"],
            "an Event about the account says it too")
    mark = s.cluster.mark()
    s.site.once()
    t.equal([r for r in s.writes(mark) if r["resource"] == "events"], [],
            "and is not sent again")
    s.remove("Service", "third-session")
    result = s.site.once()
    t.equal((result.status, s.phases(["third-session"]),
             s.condition("third-session")),
            (0, ["Running"], ("True", "PodCreated")),
            "when the name is free the session runs") or t.diag(result)


def check_taken_later(t, s):
    s.remove("Service", "third-session")
    own_service(s, "third-session")
    s.site.once()
    t.equal((s.phases(["third-session"]), s.condition("third-session")),
            (["Running"], ("False", "NameTaken")),
            "a session whose Service was replaced is not ready")
    s.remove("Service", "third-session")
    s.site.once()
    t.equal((s.condition("third-session"),
             bool(s.read("Service", "third-session"))),
            (("True", "PodCreated"), True), "until it has its own again")
    # nobody runs what has been bound to no node: it is gone at once
    s.remove("Pod", "third-session")
    s.make("Pod", metadata={"name": names("third-session")["Pod"],
                            "labels": labels("third-session")},
           spec={"containers": [{"name": "c", "image": "i"}]})
    s.site.once()
    t.equal(s.condition("third-session"), ("False", "PodNotOurs"),
            "nor is one whose pod was replaced")
    s.remove("Pod", "third-session")
    result = s.site.once()
    t.equal((result.status, s.condition("third-session"),
             bool(s.read("Pod", "third-session"))),
            (0, ("True", "PodCreated"), True),
            "until it has a pod again") or t.diag(result)


def check_refused(t, s):
    """What the server refuses is told with its own words."""
    path = f"/api/v1/namespaces/{TENANT}/limitranges"
    s.cluster.must(s.tenant.post(path, {
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "low"},
        "spec": {"limits": [{"type": "Container", "max": {
            "memory": "1Mi"}}]}}))
    s.load(TENANT, ["fourth-session"])
    result = s.site.once()
    t.equal((result.status, s.condition("fourth-session")),
            (3, ("False", "ProvisioningFailed")),
            "a pod that is refused is told") or t.diag(result)
    t.equal([reason for name, reason, _ in s.site.events()
             if name == names("fourth-session")["ServiceAccount"]],
            ["ProvisioningFailed"], "by an Event, too")
    s.cluster.must(s.tenant.delete(path + "/low"))
    s.api.delete_session("fourth-session")
    s.site.once()
    t.equal(s.read("ServiceAccount", "fourth-session"), None,
            "and nothing is left when the session is deleted")


# --- keys ---------------------------------------------------------------------------

def check_revocation(t, s):
    """The key under which all accounts were signed is taken away at once."""
    old = s.read("ServiceAccount", "third-session")["metadata"]["annotations"]
    t.equal(s.site.run("--rotate-key").status, 0, "a new key is made")
    key_id = s.read("Pod", "third-session")["metadata"]["annotations"][
        PREFIX + "token-key-id"]
    t.equal(s.site.run(f"--revoke-key={key_id}").status, 0,
            "and the old one revoked at once")
    s.site.once()
    t.equal((s.phases(["third-session"]), s.condition("third-session")),
            (["Failed"], ("False", "KeyRevoked")),
            "its session fails, for its pod can get no token any more")
    s.site.once()
    t.equal(s.read("Pod", "third-session"), None, "and its pod goes")
    s.api.start("third-session")
    result = s.site.once()
    new = s.read("ServiceAccount", "third-session")["metadata"]["annotations"]
    t.equal((result.status, s.phases(["third-session"]),
             new[ANCHOR] != old[ANCHOR]), (0, ["Running"], True),
            "started again it runs, with an account signed anew"
            ) or t.diag(result)
    s.api.delete_session("third-session")
    t.equal((s.site.once().status, s.read("ServiceAccount", "third-session")),
            (0, None), "so they are known to be ours still")


# --- the Vertex secret ----------------------------------------------------------------

VERTEX = "ambient-vertex"
WITH_VERTEX = {"use_vertex": "on", "anthropic_vertex_project_id": "cloud-1"}
COPIED = {**WITH_VERTEX, "copy_vertex_secret": "on"}


def copied_key(s):
    secret = s.site.read("Secret", OTHER, VERTEX)
    return secret and base64.b64decode(secret["data"]["key"]).decode()


def check_vertex(t, s):
    """H-60: only where that is chosen, and as it is now."""
    s.load(OTHER, ["vertex-session"])
    result = s.site.once(**COPIED)
    t.equal((result.status, s.condition("vertex-session")),
            (3, ("False", "VertexSecretNotCopied")),
            "without a Vertex secret no session is started that needs it"
            ) or t.diag(result)
    s.cluster.create("Secret", reconciler.RUNTIME,
                     metadata={"name": VERTEX}, stringData={"key": "first"})
    s.api.delete_session("vertex-session")
    s.load(OTHER, ["plain-session"])
    s.site.once(**WITH_VERTEX)
    t.equal((s.phases(["plain-session"]), copied_key(s)),
            (["Running"], None), "H-60 it is not copied by itself")
    s.load(OTHER, ["copied-session"])
    result = s.site.once(**COPIED)
    t.equal((s.phases(["copied-session"]), copied_key(s)),
            (["Running"], "first"), "H-60 it is where that is chosen"
            ) or t.diag(result)
    s.site.patch("Secret", reconciler.RUNTIME, VERTEX,
                 {"stringData": {"key": "second"}})
    s.site.once(**COPIED)
    t.equal(copied_key(s), "first", "it is not looked at in each pass")
    s.site.forget_sweep()
    result = s.site.once(**COPIED)
    t.equal((result.status, copied_key(s)), (0, "second"),
            "H-60 the copy is made anew when the source has changed"
            ) or t.diag(result)
    mark = s.cluster.mark()
    s.site.forget_sweep()
    s.site.once(**COPIED)
    t.equal(s.writes(mark), [], "and only then")
    kept_labels = s.site.read("Secret", OTHER, VERTEX)["metadata"]["labels"]
    s.site.delete("Secret", reconciler.RUNTIME, VERTEX)
    s.site.forget_sweep()
    t.equal([s.site.once(**COPIED).status for _ in range(2)], [3, 3],
            "a copy that cannot be compared is no agreement, in any pass")
    s.cluster.create("Secret", reconciler.RUNTIME,
                     metadata={"name": VERTEX}, stringData={"key": "third"})
    s.site.delete("Secret", OTHER, VERTEX)
    s.cluster.create("Secret", OTHER, metadata={"name": VERTEX},
                     stringData={"key": "their own"})
    s.site.forget_sweep()
    s.load(OTHER, ["own-session"])
    s.site.once(**COPIED)
    t.equal((s.phases(["own-session"]), copied_key(s)),
            (["Running"], "their own"),
            "a project's own Secret of that name stays, and is used")
    s.site.patch("Secret", OTHER, VERTEX,
                 {"metadata": {"labels": kept_labels}})
    s.site.forget_sweep()
    s.site.once(**COPIED)
    t.equal(copied_key(s), "their own",
            "also when it has our labels: it is no copy")


# --- lists that are denied ------------------------------------------------------------

def deny(proxy, pattern):
    proxy.on("GET", pattern).answer(
        403, reason="Forbidden", message="forbidden by the test")


def check_denied(t, s):
    """Lists of the whole cluster, and of one kind in one namespace."""
    s.load(TENANT, ["denied-session"])
    s.load(OTHER, ["granted-session"])
    s.api.stop("copied-session")
    with kube.Proxy(s.cluster) as proxy:
        there = s.site.options["kubeconfig"]
        s.site.through(proxy)
        for kind in ("pods", "services", "serviceaccounts"):
            deny(proxy, rf"^/api/v1/{kind}(\?|$)")
        deny(proxy, rf"^/api/v1/namespaces/{TENANT}/pods(\?|$)")
        result = s.site.once()
        t.equal((result.status, s.phases(["denied-session"])),
                (3, ["Pending"]), "where Pods are denied nothing is started"
                ) or t.diag(result)
        s.site.once()
        t.equal((s.phases(["granted-session"]), s.phases(["copied-session"])),
                (["Running"], ["Stopped"]),
                "in other namespaces sessions start and stop") or t.diag(
                    result)
    s.site.options["kubeconfig"] = there
    t.equal((s.site.once().status, s.phases(["denied-session"])),
            (0, ["Running"]), "with leave the other is started, too")


def check_clock(t, s):
    """The server's Date is an hour ahead of what it notes on objects."""
    there = s.site.options["kubeconfig"]
    s.load(OTHER, ["clock-session"])
    mark = s.cluster.mark()
    with kube.Proxy(s.cluster) as proxy:
        s.site.through(proxy)
        reconciler.advance(proxy, 3600)
        s.site.once()
    s.site.options["kubeconfig"] = there
    name = names("clock-session")["ServiceAccount"]
    t.equal((s.phases(["clock-session"]),
             len([r for r in s.writes(mark) if r["name"] == name])),
            (["Running"], 2),
            "an account that was signed for a wrong time is signed again")
    s.api.delete_session("clock-session")
    s.site.once()
    t.equal(s.read("ServiceAccount", "clock-session", OTHER), None,
            "and known to be ours")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        s = Scene(b)
        others = check_from_nothing(t, s)
        check_made_up(t, s, others)
        check_dilution(t, s, others)
        check_labels(t, s, "labels taken off",
                     {name: None for name in LABELS})
        check_labels(t, s, "labels of another session",
                     {SESSION_ID: "second-session"})
        check_end(t, s)
        check_account(t, s)
        check_lookalikes(t, s)
        check_taken_before(t, s)
        check_taken_later(t, s)
        check_refused(t, s)
        check_revocation(t, s)
        check_vertex(t, s)
        check_denied(t, s)
        check_clock(t, s)


if __name__ == "__main__":
    main()
