#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The phases of sessions on a real Kubernetes API server, with pods whose
states are those that a kubelet would write: what is made, followed, stopped,
kept and deleted, row by row of the table, and that nothing else is."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, 422-refused-projects.py runs the passes, test_plan_sessions
# openssl: no, ambient-cp-token is not in it
# the planner
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap
from sessions import (REPROVISIONS, TOKEN_URL, Sessions, is_same_time, now)

MINUTE = 60
WHOLE = ["Pod alpha", "Secret alpha", "Service alpha", "ServiceAccount alpha"]
ENDED = ["Pod alpha", "Secret alpha", "ServiceAccount alpha"]
# rows that have nothing to do with anything, more than any queue is long
OTHERS = 400


class Play:
    """The site, its sessions, and a proxy before the cluster."""

    def __init__(self, b, proxy, site):
        self.bed, self.proxy, self.site = b, proxy, site
        self.sessions = Sessions(site)
        self.api = site.api

    def later(self, seconds):
        """A pass when the clock of the cluster is ahead by that much."""
        reconciler.advance(self.proxy, seconds)
        try:
            return self.site.once()
        finally:
            self.proxy.clear()

    def started(self, count, project="alpha", **values):
        """Sessions that run."""
        ids = [self.sessions.add(project, **values) for _ in range(count)]
        result = self.sessions.converge()
        if set(self.sessions.phases(*ids)) != {"Running"}:
            raise RuntimeError(result)
        return ids


# --- empty and Pending --------------------------------------------------------

def check_first(t, play):
    s, api = play.sessions, play.api
    api.load("sessions", [{"name": "old", "project_id": "alpha",
                           "phase": "Completed"} for _ in range(OTHERS)])
    mark = api.mark()
    result = s.converge()
    t.equal((result.status, result.actions), (0, []),
            "H-13 hundreds of rows more hold nothing up")
    t.equal({e["project"] for e in api.log(mark)}, {None},
            "H-11 no list is one project's alone")
    one = s.add("alpha")
    other = s.add("beta")
    play.proxy.forget()
    mark = api.mark()
    result = play.site.once()
    t.equal([(a["verb"], a["unit"]) for a in sorted(
        result.actions, key=lambda a: a["namespace"])],
            [("provision", f"session/{i}") for i in (one, other)],
            "a Pending session is to be provisioned") or t.diag(result)
    t.ok(s.is_whole(one, "alpha") and s.is_whole(other, "beta"),
         "Pending becomes Running, with place and time of its pod",
         s.row(one), s.objects(one))
    t.equal((len([r for r in play.proxy.seen() if r.is_write
                  and "/leases/" not in r.path and r.method == "POST"
                  or "serviceaccounts" in r.path and r.is_write]),
             len(api.log(mark, method="PATCH"))), (8, 2),
            "a session takes five writes")
    check_owned(t, play, one)
    return one, other


def check_owned(t, play, session):
    s = play.sessions
    account, = s.all("ServiceAccount", session)
    owners = [item["metadata"]["ownerReferences"] for kind in (
        "Secret", "Pod", "Service") for item in s.all(kind, session)]
    t.equal([[o["uid"] for o in owner] for owner in owners],
            [[account["metadata"]["uid"]]] * 3,
            "H-29 what is made for a session has its account for an owner")
    t.equal(play.site.once().planned(), [], "then nothing is to be done")


def check_empty(t, play):
    """Who created it may be about to start it."""
    s, api = play.sessions, play.api
    api.set(clock_offset=-3600)
    young = s.add("alpha", None)
    result = play.site.once()
    t.equal((result.planned(), s.phase(young)), ([], None),
            "H-20 an empty phase is left alone for 10 s, by the clock of its "
            "server")
    api.start(young)
    t.equal(s.phase(young), "Pending", "H-20 so that its start is no conflict")
    empty = s.add("alpha", None)
    api.set(clock_offset=-3600 + 11)
    play.site.once()
    t.ok(s.is_whole(young, "alpha") and s.is_whole(empty, "alpha"),
         "then it is provisioned")
    api.set(clock_offset=0)


def check_this_run(t, play):
    """The pod was made and the row could not be written."""
    s, api = play.sessions, play.api
    slow, quick = s.add("alpha"), s.add("alpha")
    fault = api.fault("status", method="PATCH", path="/status$", status=500,
                      code=9)
    result = play.site.once()
    uids = s.uid(slow), s.uid(quick)
    t.ok(result.status == 3 and all(uids) and s.phases(slow, quick)
         == ["Pending"] * 2, "a row that cannot be written stays Pending",
         result)
    s.end_runner(quick)
    api.clear_faults(fault)
    api.patch(f"/sessions/{slow}", name="renamed")
    api.patch(f"/sessions/{quick}", name="renamed")
    play.proxy.forget()
    play.site.once()
    t.equal(s.phases(slow, quick), ["Running", "Completed"],
            "the pod of this run gives the row its phase")
    t.equal((play.proxy.count("POST", r"/(pods|secrets|services)\?"),
             s.uid(slow), s.uid(quick)), (0, *uids),
            "H-21 a change of a Pending row makes nothing anew")
    row = s.row(quick)
    t.ok(is_same_time(row["start_time"], s.pod(quick)["metadata"][
        "creationTimestamp"]) and row["completion_time"],
         "a runner that ended within a second has both its times", row)
    s.converge()
    t.equal((s.phase(quick), s.uid(quick)), ("Completed", uids[1]),
            "and has run once")


def check_earlier_run(t, play, session):
    """It has ended, its pod is still there, and its user starts it again."""
    s, api = play.sessions, play.api
    first, row = s.uid(session), s.row(session)
    t.equal(s.variable(session, "IS_RESUME"), None, "a first run is no resume")
    api.start(session)
    play.proxy.forget()
    play.site.once()
    t.equal((s.phase(session), s.reason(session), s.is_ending(session)),
            ("Pending", "PreviousPodTerminating", True),
            "H-26 the pod of an earlier run is deleted first")
    play.site.once()
    t.equal((s.uid(session), play.proxy.count("POST", r"/pods\?")), (first, 0),
            "H-26 nothing is made, nor Running, before it has ended")
    s.lose_pod(session)
    s.converge()
    t.ok(s.is_whole(session, "alpha") and s.uid(session) != first,
         "then the session runs again", s.row(session))
    t.equal(s.variable(session, "IS_RESUME"), "true",
            "H-26 and its runner is told that it resumes")
    s.end_runner(session, seconds=90)
    play.site.once()
    again = s.row(session)
    t.ok(again["start_time"] > row["start_time"]
         and again["completion_time"] > row["completion_time"]
         and again["completion_time"] > again["start_time"],
         "H-27 both times are of the run that ended last", row, again)


# --- Creating and Running -----------------------------------------------------

def check_running(t, play, session, other):
    s, api = play.sessions, play.api
    s.run(session)
    api.patch_status(other, phase="Creating")
    t.equal((play.site.once().status, s.phases(session, other)),
            (0, ["Running"] * 2), "Creating with a live pod becomes Running")
    row = s.row(session)
    t.equal((play.site.once().planned(), s.row(session)), ([], row),
            "for Running with a live pod nothing is written")
    check_drift(t, play, session, other)


def check_drift(t, play, session, other):
    s, site = play.sessions, play.site
    service, = s.all("Service", session)
    name, spec = service["metadata"]["name"], service["spec"]
    site.patch("Service", "alpha", name, {"spec": {
        "selector": {"app": "theirs"}, "externalIPs": ["10.1.2.3"],
        "ports": spec["ports"] + [{"name": "more", "port": 99}]}})
    site.delete("Service", "beta", s.all("Service", other)[0]["metadata"][
        "name"])
    site.delete("NetworkPolicy", "alpha", reconciler.API_POLICY)
    uids = s.uid(session), s.uid(other)
    result = s.converge()
    t.equal(result.status, 0, "what has drifted is repaired")
    t.equal(s.all("Service", session)[0]["spec"], spec,
            "a Service is again as it was made")
    t.ok(s.is_whole(other, "beta"), "one that was deleted is made again")
    t.ok(site.read("NetworkPolicy", "alpha", reconciler.API_POLICY),
         "so is the network policy of the project")
    t.equal((s.uid(session), s.uid(other)), uids, "pods stay what they are")


def check_missing(t, play):
    s = play.sessions
    session, = play.started(1)
    s.bind(session)
    play.site.delete("Pod", *s.place(session))
    t.equal((play.site.once().planned(), s.is_ending(session)), ([], True),
            "while a pod ends that somebody has deleted, nothing is done")
    s.lose_pod(session)
    gone = play.proxy.on("GET", r"/pods/[^?]*$").answer(500,
                                                        reason="InternalError")
    play.site.once()
    t.ok(gone.hits and s.pod(session) is None
         and s.phase(session) == "Running",
         "a pod that is not proved to be missing is not made again")
    play.proxy.clear()
    result = play.site.once()
    account, = s.all("ServiceAccount", session)
    t.equal((s.is_whole(session, "alpha"),
             account["metadata"]["annotations"].get(REPROVISIONS)),
            (True, "1"), "H-16 a pod that is missing is made again, once"
            ) or t.diag(result)
    t.equal(s.variable(session, "IS_RESUME"), "true", "and resumes")
    s.lose_pod(session)
    result = s.converge()
    row = s.row(session)
    t.equal((row["phase"], s.reason(session), bool(row["completion_time"]),
             s.objects(session)), ("Failed", "PodMissing", True, []),
            "the second time the session has failed") or t.diag(result)


def check_ends(t, play):
    """How a runner ends is told by its own container."""
    s = play.sessions
    done, bad, evicted, sidecar, running = ids = play.started(5)
    s.end_runner(done, seconds=-5)
    s.end_runner(bad, 3)
    s.set_status(evicted, phase="Failed", reason="Evicted",
                 message="The node was low on memory")
    # a node has it, and it does not end with its runner
    s.bind(sidecar)
    s.end_runner(sidecar, others=["ambient-mcp"])
    s.run(running)
    result = play.site.once()
    t.equal(s.phases(*ids), ["Completed", "Failed", "Failed", "Completed",
                             "Running"],
            "H-58 runners that end give their sessions the phase") or t.diag(
                result)
    t.equal([s.reason(i) for i in ids[:4]], [
        "RunnerCompleted", "RunnerFailed", "PodFailed", "RunnerCompleted"],
            "H-58 and the reason")
    t.ok("exit code 3" in str(s.conditions(bad))
         and "Evicted" in str(s.conditions(evicted)),
         "which says what there is to say")
    ended = s.pod(done)["status"]["containerStatuses"][0]["state"][
        "terminated"]["finishedAt"]
    t.ok(is_same_time(s.row(done)["completion_time"], ended)
         and s.row(evicted)["completion_time"],
         "the time of the end is the runner's own", s.row(done), ended)
    return ids


def check_waiting(t, play):
    """What takes long is given its time."""
    s = play.sessions
    pull, node, slow = ids = play.started(3)
    s.set_runner(pull, "Pending", waiting={"reason": "ImagePullBackOff"})
    s.set_status(node, phase="Pending", conditions=[{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "lastTransitionTime": now()}])
    s.set_runner(slow, "Pending", waiting={"reason": "ContainerCreating"})
    found = []
    for minutes in (0, 4.5, 5.5, 9.5, 11):
        play.later(minutes * MINUTE)
        found.append([phase[0] for phase in s.phases(*ids)])
    t.equal(found, [list("RRR"), list("RRR"), list("FRR"), list("FRR"),
                    list("FFF")],
            "H-58 an image has 5 minutes to be pulled, a pod 10 to be placed "
            "and to start")
    t.equal([s.reason(i) for i in ids],
            ["ImagePullFailed", "Unschedulable", "RunnerNotStarted"],
            "and the session says which it was")


# --- Stopping and the end -----------------------------------------------------

def check_stopping(t, play):
    s, api = play.sessions, play.api
    session, stuck = play.started(2)
    for one in (session, stuck):
        s.bind(one)
        s.run(one)
        api.stop(one)
    play.proxy.forget()
    play.site.once()
    t.equal((s.phases(session, stuck), s.is_ending(session),
             s.objects(session)),
            (["Stopping"] * 2, True, ["Secret alpha", "ServiceAccount alpha"]),
            "H-16 a session that stops loses Service and pod")
    t.equal((play.site.once().planned(), s.phase(session)),
            ([], "Stopping"), "H-25 it is not Stopped while its pod ends")
    s.lose_pod(session)
    play.site.once()
    t.equal((s.phase(session), s.pod(session),
             bool(s.row(session)["completion_time"])),
            ("Stopped", None, True), "H-25 it is when the pod is gone")
    # the time of its deletion has the grace of a minute in it
    play.later(MINUTE + 20)
    t.equal(s.phase(stuck), "Stopping", "one whose pod does not end has time")
    play.later(MINUTE + 40)
    t.equal((s.phase(stuck), s.is_ending(stuck)), ("Stopped", True),
            "30 s after its pod should have ended it is Stopped")
    s.converge()
    t.ok(not [r for r in play.proxy.seen("DELETE", "/pods/")
              if r.json().get("gracePeriodSeconds") is not None],
         "no pod is ever forced to end")
    s.lose_pod(stuck)
    s.converge()
    t.equal([s.phases(session, stuck), s.objects(session), s.objects(stuck)],
            [["Stopped"] * 2, [], []], "of both nothing is left")


def check_ended_live(t, play):
    s = play.sessions
    ids = play.started(3)
    phases = ["Stopped", "Completed", "Failed"]
    for session, phase in zip(ids, phases):
        s.run(session)
        play.api.patch_status(session, phase=phase)
    play.site.once()
    t.equal(([s.pod(i) for i in ids], s.phases(*ids)), ([None] * 3, phases),
            "a session that has ended with a live pod loses it at once")
    s.converge()
    t.equal([s.objects(i) for i in ids], [[]] * 3, "and then the rest")


def check_retention(t, play, ids):
    s = play.sessions
    done, bad, evicted, sidecar = ids[:4]
    s.converge()
    t.equal([s.objects(i) for i in ids[:4]], [ENDED] * 4,
            "of a session whose runner has ended only the Service goes")
    play.later(14 * MINUTE)
    t.equal([s.objects(i) for i in ids[:4]], [ENDED] * 4,
            "its pod is kept, so that its log can be read")
    check_earlier_run(t, play, sidecar)
    play.later(16 * MINUTE)
    t.equal([s.pod(i) for i in (bad, evicted, done)], [None] * 3,
            "for a quarter of an hour")
    s.converge()
    bed.wait_until(lambda: not any(
        s.objects(i) for i in (bad, evicted, done)), "all of it is gone")
    t.equal(s.phases(bad, evicted, done),
            ["Failed", "Failed", "Completed"],
            "H-58 then all of it goes, and the row stays as it was")
    t.ok(s.is_whole(ids[4], "alpha"), "one that runs is left as it is")


# --- rows that are gone, or elsewhere -----------------------------------------

def check_row_gone(t, play, other):
    s, api = play.sessions, play.api
    session, = play.started(1)
    s.run(session)
    before = {name: play.site.snapshot(name) for name in ("default", "beta")}
    api.delete_session(session)
    api.delete_session("2zNobodyKnowsThisSessionAtAll")
    result = play.site.once()
    t.equal((result.status, [o for o in s.objects(session)
                             if "Secret" not in o]), (0, []),
            "H-12 of a row that is gone all goes, in its own namespace")
    bed.wait_until(lambda: not s.objects(session), "its Secret is collected")
    t.equal({name: play.site.snapshot(name) for name in before}, before,
            "H-12 and in no other")
    t.ok(s.is_whole(other, "beta") and play.site.once().planned() == [],
         "H-23 its siblings are what they were")


def check_moved(t, play):
    """Only the server itself can give a session to another project."""
    s = play.sessions
    session, = play.started(1)
    s.bind(session)
    s.run(session)
    play.api.set_row("sessions", session, project_id="beta")
    play.site.once()
    t.equal((s.is_ending(session), [o for o in s.objects(session)
                                    if "beta" in o]), (True, []),
            "H-30 a session that has moved ends in the old namespace first")
    s.lose_pod(session)
    s.converge()
    bed.wait_until(lambda: s.is_whole(session, "beta"),
                   "nothing is left in the old namespace")
    t.ok(True, "H-30 then it runs in the new one, and nothing of it is left "
         "in the old one")


def check_no_project(t, play):
    s, api = play.sessions, play.api
    running, bound = play.started(2, "gamma")
    s.bind(bound)
    api.stop(bound)
    waiting = s.add("gamma")
    api.delete_project("gamma")
    result = play.site.once()
    t.equal(s.phases(running, waiting), ["Failed"] * 2,
            "H-28 the sessions of a project that is gone have failed"
            ) or t.diag(result)
    t.equal((s.reason(waiting), s.uid(waiting)), ("ProjectGone", None),
            "H-28 and say why")
    s.converge()
    t.equal((s.objects(running), s.phase(bound), s.is_ending(bound)),
            ([], "Stopping", True), "H-28 what they had goes")
    s.lose_pod(bound)
    s.converge()
    t.equal((s.phase(bound), s.objects(bound)), ("Stopped", []),
            "one that was stopped is Stopped all the same")


def check_hidden_project(t, play, other):
    """The list of projects lacks one that is there."""
    s, api = play.sessions, play.api
    waiting = s.add("beta")
    uid = s.uid(other)
    hidden = api.fault("hide", path="^/projects$", ids=["beta"])
    result = play.site.once()
    t.equal((result.status, s.phases(waiting, other), s.uid(other)),
            (3, ["Pending", "Running"], uid),
            "the session of a project that a list lacks is not touched")
    api.clear_faults(hidden)
    s.converge()
    t.ok(s.is_whole(waiting, "beta"), "and runs when the list has it")


def check_bad_ids(t, play):
    s = play.sessions
    bad = ["a" * 41, "session,app=other", "x" * 7]
    play.api.load("sessions", [
        {"id": i, "name": "n", "project_id": "alpha", "phase": "Pending"}
        for i in bad])
    result = s.converge()
    rows = {r["id"]: r for r in play.api.list("/sessions")}
    t.equal([rows[i]["phase"] for i in bad], ["Failed"] * 3,
            "H-32 H-33 an id that no object can be called by fails its "
            "session") or t.diag(result)
    t.ok(all("InvalidSession" in rows[i]["conditions"] for i in bad),
         "which says so")


def check_metrics(t, play):
    counts = {}
    for row in play.api.list("/sessions"):
        counts[row["phase"]] = counts.get(row["phase"], 0) + 1
    t.equal(play.site.once().planned(), [], "at last all is well")
    text = play.site.metrics_file.read_text()
    t.equal([line for line in text.splitlines()
             if "_sessions{" in line and not line.endswith(" 0")],
            [f'ambient_cp_reconciler_sessions{{phase="{phase}"}} {count}'
             for phase, count in sorted(
                 counts.items(), key=lambda item: text.index(
                     f'{{phase="{item[0]}"}}'))],
            "H-64 a new process counts the sessions that there are")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = reconciler.Site(b, token_url=TOKEN_URL)
        site.api.load("projects", [
            {"name": name} for name in ("alpha", "beta", "gamma")])
        with kube.Proxy(site.cluster) as proxy:
            site.through(proxy)
            play = Play(b, proxy, site)
            session, other = check_first(t, play)
            check_empty(t, play)
            check_this_run(t, play)
            check_running(t, play, session, other)
            check_missing(t, play)
            ended = check_ends(t, play)
            check_waiting(t, play)
            check_stopping(t, play)
            check_ended_live(t, play)
            check_retention(t, play, ended)
            check_row_gone(t, play, other)
            check_moved(t, play)
            check_no_project(t, play)
            check_hidden_project(t, play, other)
            check_bad_ids(t, play)
            check_metrics(t, play)


if __name__ == "__main__":
    main()
