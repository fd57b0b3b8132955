#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Killed at any of its writes to Kubernetes or to the API server, with and
without an answer, while two sessions are made, stopped, ended and deleted, the
reconciler leaves nothing that the next passes do not put right: no second pod,
nothing lost, and no session that runs again after its user stopped it."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, it is killed on purpose, some sixty times
# openssl: no, ambient-cp-token is not in it
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fault_proxy
import kube
import reconciler
import tap
from sessions import KINDS, TOKEN_URL, Sessions

# 426-crash-at-any-write.py has those of the Lease
NO_LEASE = r"^(?!.*/leases)"
MOST_WRITES = 30
MOST_PASSES = 8
ONE_EACH = sorted(f"{kind} alpha" for kind in KINDS)


class Killer:
    """Passes between two proxies, killed at a write to either."""

    def __init__(self, b, site):
        self.site = site
        self.kube = site.through(kube.Proxy(site.cluster))
        self.api = fault_proxy.Proxy(site.api.url)
        site.options["api_server_url"] = self.api.url
        self.process = None

    def close(self):
        self.kube.close()
        self.api.close()

    def writes(self):
        return sum(r.is_write and "/leases" not in r.path
                   for proxy in (self.kube, self.api) for r in proxy.requests)

    def arm(self, number, is_answered):
        kill = self.kube.kill_at_write(
            number, lambda: self.process.pid, is_answered, NO_LEASE)
        self.api.armed = kill
        return kill

    def disarm(self):
        self.kube.clear()
        self.api.clear()

    def run_pass(self, kill):
        """True: it was killed."""
        self.process = self.site.start_once()
        bed.wait_until(lambda: kill.is_done.is_set()
                       or not self.process.is_running(), "it was killed")
        if kill.is_done.is_set():
            self.process.good_statuses = None
        self.process.wait()
        return kill.is_done.is_set()

    def kill_at(self, number, is_answered):
        """Passes until one is killed at that write; False: there were
        fewer."""
        kill = self.arm(number, is_answered)
        was_killed = False
        for _ in range(MOST_PASSES):
            before = self.writes()
            was_killed = self.run_pass(kill)
            if was_killed or self.writes() == before:
                break
        self.disarm()
        if was_killed:
            self.site.drop_lease()
        return was_killed


class Life:
    """Of two sessions: one is stopped, the runner of the other ends."""

    def __init__(self, t, killer, sessions, number, is_answered):
        self.t, self.killer, self.s = t, killer, sessions
        self.number, self.is_answered = number, is_answered
        self.title = (f"killed at write {number}, "
                      + ("answered" if is_answered else "unanswered"))
        self.stopped, self.ended = [
            sessions.add("alpha") for _ in range(2)]
        # the most writes that one stage of it had
        self.was_killed = False
        self.uids = {}

    def kill(self):
        """What there is of pods now has to be there later on."""
        was_killed = self.killer.kill_at(self.number, self.is_answered)
        self.was_killed = self.was_killed or was_killed
        for session in (self.stopped, self.ended):
            self.uids.setdefault(session, self.made(session))
        return was_killed

    def made(self, session):
        """The pod and what its environment is of; None: it has no pod."""
        pod = self.s.uid(session)
        return pod and (pod, [i["metadata"]["uid"]
                              for i in self.s.all("Secret", session)])

    def settle(self, what):
        result = self.s.converge()
        self.t.equal((result.status, result.actions), (0, []),
                     f"{self.title}, {what}: the next passes converge")

    def is_kept(self, session):
        return self.uids[session] in (None, self.made(session))

    def provision(self):
        is_killed = self.kill()
        said = [i for i in (self.stopped, self.ended)
                if self.s.phase(i) == "Running" and not self.uids[i]]
        self.settle("made")
        ids = (self.stopped, self.ended)
        self.t.ok(all(self.s.is_whole(i, "alpha") and self.is_kept(i)
                      for i in ids) and not said,
                  f"{self.title}, made: one of each, and a pod that was made "
                  "is the one", *(self.s.row(i) for i in ids), self.uids)
        self.uids = {i: self.made(i) for i in ids}
        return is_killed

    def end(self):
        self.s.api.stop(self.stopped)
        self.s.end_runner(self.ended)
        is_killed = self.kill()
        self.settle("ended")
        left = [kind for kind in self.s.objects(self.stopped)
                if "Secret" not in kind]
        self.t.equal((self.s.phases(self.stopped, self.ended), left,
                      self.is_kept(self.ended),
                      "Service alpha" in self.s.objects(self.ended)),
                     (["Stopped", "Completed"], [], True, False),
                     f"{self.title}, ended: both are as if nothing had "
                     "happened")
        return is_killed

    def delete(self):
        for session in (self.stopped, self.ended):
            self.s.api.delete_session(session)
        is_killed = self.kill()
        self.settle("deleted")
        self.s.cluster.wait_until(
            lambda: not self.s.objects(self.stopped)
            and not self.s.objects(self.ended),
            f"{self.title}, deleted: nothing is left")
        return is_killed


def check_lives(t, killer, sessions, is_answered):
    """How many writes the stages had."""
    counts = [0, 0, 0]
    for number in range(1, MOST_WRITES):
        life = Life(t, killer, sessions, number, is_answered)
        stages = [life.provision(), life.end(), life.delete()]
        counts = [number if stage else count
                  for stage, count in zip(stages, counts)]
        if not any(stages):
            break
    return counts


def check_stop(t, killer, sessions, number):
    """Its user stops it before the next pass; False: there were fewer."""
    title = f"killed at write {number}, then stopped"
    session = sessions.add("alpha")
    was_killed = killer.kill_at(number, number % 2 == 0)
    sessions.api.stop(session)
    killer.kube.forget()
    result = sessions.converge()
    t.equal((result.status, sessions.phase(session), sessions.pod(session),
             sessions.all("Service", session),
             killer.kube.count("POST", r"/pods\?")),
            (0, "Stopped", None, [], 0),
            f"{title}: it stays so, and no pod is made") or t.diag(result)
    sessions.api.delete_session(session)
    return was_killed


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        # one write after the other, so that each place is come by
        site = reconciler.Site(b, in_flight=1, token_url=TOKEN_URL)
        site.api.load("projects", [{"name": "alpha"}])
        sessions = Sessions(site)
        # of many rows one may be missing: the gate is not what is tested
        site.api.load("sessions", [
            {"name": "old", "project_id": "alpha", "phase": "Stopped"}])
        sessions.converge()
        killer = Killer(b, site)
        for is_answered in (False, True):
            counts = check_lives(t, killer, sessions, is_answered)
            t.ok(counts[0] >= 10 and counts[1] >= 6 and counts[2] >= 2,
                 "every write has been one to be killed at", counts)
        number = 1
        while check_stop(t, killer, sessions, number):
            number += 1
        t.ok(number > 5, "every write of one session's making, too", number)
        killer.close()


if __name__ == "__main__":
    main()
