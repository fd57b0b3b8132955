# SPDX-License-Identifier: Apache-2.0
"""The measurements of sessions: from nothing beside a real Kubernetes API
server, against plain curl with the same writes; a new one beside all the
others in a loop; a loop with nothing to do; and a full pass over many more
than such a server could hold here, beside a stand-in for it."""
import collections
import contextlib
import statistics
import time

import bed
import kube
import reconcile
import stub_kube
from reconcile import IN_FLIGHT, Run, judge_memory
from rows import MIB, say
from targets import BenchError

FIRST_SECONDS = 35
REPLAY_RATIO = 2
WRITES = 5
CPU_SECONDS = 5
MEMORY_BYTES = 128 * MIB
INTERVAL_SECONDS = 1
# a new session: an interval, and a second
NEW_SECONDS = INTERVAL_SECONDS + 1
PASSES_MAX = 4
SETTLE_PATIENCE = 60
HERD_PATIENCE = 300
POLL_PAUSE = 0.02
TOKEN_URL = "http://token.ambient-code.svc:8080/token"
PROMPT = "Look at what changed since yesterday, and say what it means. " * 8
OBJECTS = ("ServiceAccount", "Secret", "Pod", "Service")
# what the loop asks for beside its passes
ALWAYS = ("leases", "secrets")


def load_sessions(site, projects, sessions):
    site.api.load("sessions", [
        {"name": f"session-{number}", "phase": "Pending", "prompt": PROMPT,
         "project_id": f"project-{number % projects}"}
        for number in range(sessions)])


def rows(site):
    return site.api.list("/sessions")


def count_running(site):
    return sum(row["phase"] == "Running" for row in rows(site))


def count_waiting(site):
    return len(rows(site)) - count_running(site)


# --- from nothing -----------------------------------------------------------------

class First:
    """Passes until all sessions run, taken together."""

    def __init__(self):
        self.passes = 0
        self.run = Run(0.0, 0.0, 0, "")
        self.cluster_cpu = 0.0
        self.writes = []
        self.requests = collections.Counter()

    def add_pass(self, report, site):
        run = site.run_once()
        self.passes += 1
        self.run = Run(self.run.seconds + run.seconds, self.run.cpu + run.cpu,
                       max(self.run.memory, run.memory), "")
        self.requests += site.requests()
        refused = [w for w in site.writes() if w["code"] >= 400]
        report.expect(not refused, f"writes for sessions were refused: "
                      f"{refused[:3]}")


def is_of_session(write):
    """(verb, resource, URI, body): is it one of those of each session?"""
    _, resource, _, body = write
    return (resource in ("serviceaccounts", "pods", "services")
            or resource == "secrets" and body is not None
            and body["metadata"]["name"].startswith("session-"))


def make_all(report, site, sessions, what):
    """First, without writes and the cluster's part, and Others."""
    first = First()
    with report.others() as others:
        while first.passes < PASSES_MAX:
            first.add_pass(report, site)
            running = count_running(site)
            if running == sessions:
                break
    report.expect(running == sessions, f"{what}: {running} of {sessions} "
                  f"sessions run after {first.passes} passes")
    return first, others


def count_writes(first):
    """All that was written for sessions, to both servers."""
    return (sum(map(is_of_session, first.writes))
            + first.requests["API PATCH sessions/*/status"])


def measure_first(report, site, sessions, projects):
    name = f"first sessions, {sessions} in {projects} projects"
    say(name)
    mark = site.cluster.mark()
    used = reconcile.cluster_cpu(site.cluster)
    first, others = make_all(report, site, sessions, name)
    first.cluster_cpu = reconcile.cluster_cpu(site.cluster) - used
    first.writes = site.recorded(mark)
    run = first.run
    report.judge(name, run.seconds, f"{run.seconds:.1f} s",
                 f"under {FIRST_SECONDS} s", run.seconds < FIRST_SECONDS,
                 others)
    report.add(f"{name}, passes", first.passes, str(first.passes))
    writes = count_writes(first) / sessions
    report.judge(f"{name}, writes a session", writes, f"{writes:g}",
                 f"at most {WRITES}", writes <= WRITES, None,
                 dict(first.requests))
    report.add(f"{name}, our CPU", run.cpu, f"{run.cpu:.2f} s", None, others)
    judge_memory(report, f"{name}, memory", run, MEMORY_BYTES)
    return first


# --- the same with curl -------------------------------------------------------------

def owners_of(write):
    return (write[3] or {}).get("metadata", {}).get("ownerReferences", [])


def find_accounts(cluster):
    """{name: uid} of the sessions' accounts."""
    return {item["metadata"]["name"]: item["metadata"]["uid"]
            for item in cluster.must(cluster.admin.list(
                kube.path_of("ServiceAccount"),
                labelSelector=reconcile.MANAGED))}


def give_owners(writes, accounts):
    """They name the accounts of another cluster."""
    for write in writes:
        for owner in owners_of(write):
            owner["uid"] = accounts[owner["name"]]
    return writes


def names_of(cluster):
    return {kind: cluster.names(kind, labelSelector=reconcile.MANAGED)
            for kind in OBJECTS}


def replay(bench, cluster, writes):
    """What has no owner, then what has; as reconcile.replay."""
    anchors = [write for write in writes if not owners_of(write)]
    owned = [write for write in writes if owners_of(write)]
    first, bad = reconcile.replay(bench, cluster, anchors)
    give_owners(owned, find_accounts(cluster))
    second, worse = reconcile.replay(bench, cluster, owned)
    return (Run(first.seconds + second.seconds, first.cpu + second.cpu, 0, ""),
            bad + worse)


def measure_replay(report, first, names):
    say(f"curl makes the same {len(first.writes)} writes in a new cluster")
    with bed.Bed() as bench:
        cluster = reconcile.start_cluster(bench)
        with report.others() as others:
            used = reconcile.cluster_cpu(cluster)
            again, bad = replay(bench, cluster, first.writes)
            used = reconcile.cluster_cpu(cluster) - used
        report.expect(names == names_of(cluster),
                      "curl's writes make other objects than the first "
                      "passes")
        reconcile.end_bed(report, bench)
    report.expect(bad == 0, f"{bad} of curl's writes were refused")
    report.add(f"curl's replay for sessions, {IN_FLIGHT} at a time",
               again.seconds, f"{again.seconds:.1f} s", None, others)
    ratio = first.run.seconds / again.seconds
    report.judge("first sessions / replay", ratio, f"{ratio:.2f}",
                 f"at most {REPLAY_RATIO}", ratio <= REPLAY_RATIO, others)
    pair = {"pass": {"ours": first.run.cpu, "cluster": first.cluster_cpu},
            "replay": {"curl": again.cpu, "cluster": used}}
    ratio = ((first.run.cpu + first.cluster_cpu) / (again.cpu + used))
    report.add("first sessions / replay, CPU with the cluster's", ratio,
               f"{ratio:.2f}", pair, others)


# --- in a loop ------------------------------------------------------------------------

@contextlib.contextmanager
def loop(site, resync):
    """One that is through with its first passes."""
    process = site.bench.start("reconciler", site.argv(
        "--interval", f"{INTERVAL_SECONDS}s", "--resync", f"{resync}s"))
    mark = site.api.mark()
    bed.wait_until(lambda: len(polls(site, mark)) > 1, "the loop works",
                   SETTLE_PATIENCE)
    try:
        yield process
    finally:
        process.stop()


def polls(site, mark):
    """What fast passes ask when there is nothing to do."""
    return [entry for entry in site.api.log(mark)
            if entry["path"] == "/sessions"
            and "updated_at" in str(entry["query"])]


def judge_new(report, name, took, others):
    report.judge(f"{name}, the slowest of {len(took)}", max(took),
                 f"{max(took):.2f} s", f"under {NEW_SECONDS} s",
                 max(took) < NEW_SECONDS, others, took)
    report.add(f"{name}, median", statistics.median(took),
               f"{statistics.median(took):.2f} s", None, others)


def measure_new(report, site, count):
    """From Pending to Running beside the others, full passes going on."""
    name = f"new session in a loop, interval {INTERVAL_SECONDS} s"
    say(name)
    with loop(site, INTERVAL_SECONDS), report.others() as others:
        took = [wait_for_new(site, number) for number in range(count)]
    judge_new(report, name, took, others)


def measure_herd(report, site, projects, sessions, count):
    """The same while as many as there are already want to run, too, some of
    them in the same project."""
    name = "new session beside a herd"
    say(f"{name} of {sessions}")
    with loop(site, 3600), report.others() as others:
        load_sessions(site, projects, sessions)
        # one that came with the first of the herd would be of it
        bed.wait_until(lambda: count_waiting(site) < sessions,
                       "the first of the herd run", SETTLE_PATIENCE)
        took = [wait_for_new(site, count + number) for number in range(count)]
        left = count_waiting(site)
        bed.wait_until(lambda: not count_waiting(site), "the herd runs",
                       HERD_PATIENCE)
    judge_new(report, name, took, others)
    report.add(f"{name}, of which then still waited", left, str(left))


def wait_for_new(site, number):
    began = time.monotonic()
    session = site.api.create_session("project-0", phase="Pending",
                                      name=f"late-{number}")
    end = began + SETTLE_PATIENCE
    while site.api.session(session)["phase"] != "Running":
        if time.monotonic() > end:
            raise BenchError("a new session does not run")
        time.sleep(POLL_PAUSE)
    return time.monotonic() - began


def measure_idle(report, site, intervals):
    """What a loop asks for while nothing changes, full passes aside; and
    that it still sees what changes then."""
    name = "idle loop, requests an interval"
    say(name)
    with loop(site, 3600):
        # what changed lately is looked at again for some seconds
        bed.wait_until(lambda: is_idle(site), "the loop has nothing to do",
                       SETTLE_PATIENCE)
        mark = site.api.mark(), site.cluster.mark()
        time.sleep(intervals * INTERVAL_SECONDS)
        asked = site.api.log(mark[0])
        other = {f"{verb} {resource}": count for (verb, resource), count
                 in site.cluster.count_requests(
                     reconcile.USER, mark[1]).items()
                 if resource not in ALWAYS}
        with report.others() as others:
            took = [wait_for_new(site, 100)]
    report.expect(not other, f"an idle loop asks for {other}")
    # one more may begin and end within as many intervals
    each = len(asked) / intervals
    report.judge(name, each, f"{each:g}", "1", len(asked) <= intervals + 1,
                 None, [entry["path"] for entry in asked])
    judge_new(report, "new session after an idle time", took, others)


def is_idle(site):
    mark = site.api.mark()
    time.sleep(2 * INTERVAL_SECONDS)
    asked = site.api.log(mark)
    return len(asked) <= 3 and all(
        entry in polls(site, mark) for entry in asked)


# --- many ---------------------------------------------------------------------------

def measure_many(report, sessions, projects):
    """A full pass with nothing to do. The reconciler itself has filled the
    stand-in before."""
    name = f"steady pass, {sessions} sessions"
    say(f"a stand-in for a cluster is filled with {sessions} sessions")
    with bed.Bed() as bench:
        cluster = stub_kube.Cluster(bench)
        site = reconcile.Site(bench, cluster, cluster.write_kubeconfig(),
                              token_url=TOKEN_URL, log_level="warn")
        reconcile.load_projects(site.api, projects)
        load_sessions(site, projects, sessions)
        first, others = make_all(report, site, sessions, name)
        report.add(f"first passes, {sessions} sessions, our CPU",
                   first.run.cpu, f"{first.run.cpu:.2f} s", None, others)
        # the stand-in makes its pages
        site.run_once()
        run, requests, others = reconcile.run_steady(report, site, name)
        report.add(name, run.seconds, f"{run.seconds:.2f} s", dict(requests),
                   others)
        report.judge(f"{name}, our CPU", run.cpu, f"{run.cpu:.2f} s",
                     f"under {CPU_SECONDS} s", run.cpu < CPU_SECONDS, others)
        judge_memory(report, f"{name}, memory", run, MEMORY_BYTES)
        size = cluster.average_size("Pod")
        report.add(f"{name}, a pod in its list", size,
                   f"{size / 1024:.1f} KiB")
        cluster.close()
        reconcile.end_bed(report, bench)


def measure(report, sessions, projects, is_quick):
    """All of it; no two clusters run at the same time."""
    with bed.Bed() as bench:
        site = reconcile.start_site(bench, projects, token_url=TOKEN_URL)
        load_sessions(site, projects, sessions)
        first = measure_first(report, site, sessions, projects)
        names = names_of(site.cluster)
        measure_new(report, site, 2 if is_quick else 10)
        measure_herd(report, site, projects, sessions, 2 if is_quick else 5)
        measure_idle(report, site, 3 if is_quick else 10)
        reconcile.end_bed(report, bench)
    measure_replay(report, first, names)
    measure_many(report, 100 if is_quick else 10 * sessions, projects)
