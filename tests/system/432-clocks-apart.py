#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two loops whose clocks are an hour apart, on a real Kubernetes API server:
the second has a wall clock that is ahead (libfaketime), reaches the cluster by
a server whose Date is ahead as well, and for a while the clock of the Ambient
API is an hour behind all others. One of them writes, whatever the other
believes the time to be; who is killed is followed within 20 seconds; and
nothing happens early."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, the unit programs go through the same code
# openssl: no, the reconciler is no part of the choice
import datetime
import glob
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap

HOUR = 3600
TAKE_OVER = 20
PATIENCE = 60
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
EMPTY_AGE = 10  # seconds until a session without a phase is started


def ahead(seconds):
    """The environment of a process whose wall clock, and no other, is so."""
    preload = glob.glob(FAKETIME)
    if not preload:
        raise RuntimeError(f"{FAKETIME}: tests/support/packages test")
    # the sanitizer's library wants to be the first, but need not be
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": preload[0], "FAKETIME": f"+{seconds}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":")}


class Loop:
    """One of the two, behind a proxy of its own."""

    def __init__(self, name, site, seconds):
        self.name = name
        self.site = site
        self.proxy = site.through(kube.Proxy(site.cluster))
        self.env = ahead(seconds) if seconds else {}
        if seconds:
            reconciler.advance(self.proxy, seconds)
        self.process = None

    def start(self):
        self.process = self.site.bed.start(self.name, self.site.argv(
            resync="1s", interval="200ms"), env=self.env)
        return self

    def is_leader(self):
        lease = self.site.read("Lease", self.site.runtime, reconciler.LEASE)
        holder = (lease or {"spec": {}})["spec"].get("holderIdentity") or ""
        return f"_{self.process.pid}_" in holder

    def passes(self):
        return self.process.log().count('"event":"pass"')

    def wait_to_lead(self):
        return bed.wait_until(self.is_leader, f"{self.name} leads", PATIENCE)

    def wait_for_passes(self, count=3):
        before = self.passes()
        bed.wait_until(lambda: self.passes() >= before + count,
                       f"{self.name} passes", PATIENCE)

    def writes(self):
        return [r for r in self.proxy.seen() if r.is_write]


def day(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def absent_since(site, project):
    notes = site.read("Namespace", None, project)["metadata"].get(
        "annotations") or {}
    return notes.get(reconciler.ABSENT)


def is_whole(site, project):
    namespace = site.read("Namespace", None, project)
    return bool(namespace) and "deletionTimestamp" not in namespace["metadata"]


def check_wall_clock(t, late):
    shown = [subprocess.run(["/bin/date", "+%s"], env=env, check=True,
                            capture_output=True, text=True).stdout
             for env in (None, late.env)]
    t.ok(HOUR - 5 <= int(shown[1]) - int(shown[0]) <= HOUR + 5,
         "a wall clock is ahead by an hour", shown)


# --- one writes ---------------------------------------------------------------

def check_one_writes(t, site, early, late):
    late.start().wait_to_lead()
    early.start()
    site.api.load("projects", [{"name": "keep"}, {"name": "gone"}])
    for project in ("keep", "gone"):
        bed.wait_until(lambda name=project: site.read(
            "RoleBinding", name, reconciler.CONTROL), "the project is served")
    late.wait_for_passes()
    t.ok(late.is_leader(), "the loop whose clocks are ahead keeps the Lease")
    t.equal((early.writes(), early.passes()), ([], 0),
            "the other neither passes nor writes")
    renewed = day(site.read("Lease", site.runtime, reconciler.LEASE)[
        "spec"]["renewTime"])
    t.ok(renewed - time.time() > HOUR / 2,
         "by the other's clock it was renewed in the future", renewed)


def follow(t, heir, killed):
    """A SIGKILL, and who comes then."""
    heir.proxy.forget()
    killed.process.kill()
    start = time.monotonic()
    heir.wait_to_lead()
    took = time.monotonic() - start
    t.ok(took <= TAKE_OVER, f"{heir.name} takes over within 20 s of a SIGKILL",
         took)
    t.ok(took > 8, "and not before the Lease has run out by its own count",
         took)


# --- nothing is early -----------------------------------------------------------

def check_stamp(t, site, early, late):
    site.api.delete_project("gone")
    bed.wait_until(lambda: absent_since(site, "gone"),
                   "the project is noted as gone")
    stamp = day(absent_since(site, "gone"))
    late.wait_for_passes()
    t.ok(is_whole(site, "gone") and stamp - time.time() > HOUR / 2,
         "the one ahead notes what is gone, in the future, and waits", stamp)
    follow(t, early, late)
    early.wait_for_passes()
    stamp = day(absent_since(site, "gone"))
    t.ok(is_whole(site, "gone") and stamp - time.time() < 5,
         "its heir notes it anew: no clock of its own says so", stamp)


def check_session(t, site, early, late):
    """The API server's clock is behind, and by it the session is as old as
    it is: by any other it is an hour old from the start."""
    late.start()
    late.proxy.forget()
    site.api.set(clock_offset=-HOUR)
    start = time.monotonic()
    session = site.api.create_session("keep")
    bed.wait_until(
        lambda: site.api.session(session).get("phase") == "Running",
        "the session is started", PATIENCE)
    took = time.monotonic() - start
    # the row and the Date are cut to seconds
    t.ok(EMPTY_AGE - 1.5 <= took <= EMPTY_AGE + 6,
         "a session without a phase is started after ten seconds", took)
    early.wait_for_passes()
    t.ok(early.is_leader(), "the one that came back leaves the Lease alone")
    t.equal((late.writes(), late.passes()), ([], 0), "and writes nothing")
    site.api.set(clock_offset=0)


def check_no_deletion(t, site, early, late):
    follow(t, late, early)
    late.wait_for_passes()
    t.ok(is_whole(site, "gone"),
         "what is a minute gone is not deleted by a clock that says an hour")
    t.ok(is_whole(site, "keep") and not late.proxy.seen("DELETE"),
         "nor is anything else")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = reconciler.Site(b, token_url="http://127.0.0.1:9/token")
        early = Loop("early", site, 0)
        late = Loop("late", site.another(), HOUR)
        check_wall_clock(t, late)
        check_one_writes(t, site, early, late)
        check_stamp(t, site, early, late)
        check_session(t, site, early, late)
        check_no_deletion(t, site, early, late)
        t.equal(late.process.stop(PATIENCE), 0, "the last one ends well")


if __name__ == "__main__":
    main()
