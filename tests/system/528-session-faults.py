#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Faults of either server while sessions run: no session is ended, deleted or
made twice for them, the exit status tells of them, what could not be written
is put right and undoes nobody's stop; and a session or a namespace that does
not work delays no other."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, it waits for time-outs; 422-refused-projects.py runs the same
# openssl: no, ambient-cp-token is not in it
import concurrent.futures
import contextlib
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap
from sessions import TOKEN_URL, Sessions

# sites that suffer faults at a time: most faults are only waited for
SITES = 4
# rows more than a page of the API server's holds
ROWS = 700
EMPTY = {"action": "empty", "path": "^/sessions$"}
# faults of the API server: what, rules of its stub, exit statuses
API_FAULTS = [
    ("401", [{"action": "status", "status": 401, "code": 15}], {3}),
    ("403", [{"action": "status", "status": 403, "code": 4}], {3}),
    ("409", [{"action": "status", "status": 409, "code": 6}], {3}),
    ("500 for sessions", [{"action": "status", "status": 500, "code": 9,
                           "path": "^/sessions"}], {3}),
    ("429 for long", [{"action": "status", "status": 429, "retry_after": 60}],
     {3}),
    ("JSON that ends early", [{"action": "truncate", "path": "^/sessions"}],
     {3}),
    ("a list that is none", [{"action": "status", "status": 200,
                              "body": '{"items":{},"total":0}'}], {3}),
    ("an empty list with 200", [EMPTY], {3}),
    ("nothing but empty lists with 200", [{"action": "empty"}], {3}),
    ("an empty list, and rows that fail", [EMPTY, {
        "action": "status", "path": "^/sessions/", "status": 500}], {3}),
    ("an empty list, and rows refused", [EMPTY, {
        "action": "status", "path": "^/sessions/", "status": 403,
        "code": 4}], {3}),
    ("an empty list, and rows not found without a number", [EMPTY, {
        "action": "not_found", "path": "^/sessions/"}], {3}),
    ("a list that shrinks between its pages", [{
        "action": "shrink", "path": "^/sessions$", "by": 3}], {0, 3}),
    ("a slow list", [{"action": "delay", "seconds": 1}], {0}),
    ("429 once", [{"action": "status", "status": 429, "retry_after": 1,
                   "count": 1}], {0}),
]


def lists(kind):
    """Of one kind of objects, all over the cluster."""
    return rf"/api/v1/{kind}\?"


# faults of Kubernetes: what, where, what happens there, exit statuses
KUBE_FAULTS = [
    (f"{what} for {kind}", lists(kind), act, statuses)
    for kind in ("pods", "services", "serviceaccounts")
    for what, act, statuses in [
        # then they are listed namespace by namespace
        ("403", lambda r: r.answer(403, reason="Forbidden"), {0, 3}),
        ("a list that is none", lambda r: r.answer(200, '{"items":{}}'), {3}),
        ("an empty list with 200", lambda r: r.empty_list(), {0, 3})]] + [
    ("410 for pods", lists("pods"),
     lambda r: r.answer(410, reason="Expired"), {3}),
    ("500 for pods", lists("pods"),
     lambda r: r.answer(500, reason="InternalError"), {3}),
    ("a cut-off list of services", lists("services"), lambda r: r.cut(), {3}),
    ("429 for services", lists("services"), lambda r: r.answer(
        429, reason="TooManyRequests", headers={"Retry-After": "60"}), {3}),
    ("nothing but empty lists with 200", r"\?", lambda r: r.empty_list(),
     {0, 3}),
    ("empty lists of pods, and 500 for each", r"/pods(\?|/)", lambda r: r.edit(
        spoil_pods), {0, 3}),
    ("no namespaces with 200", lists("namespaces"),
     lambda r: r.empty_list(), {0, 3}),
    ("slow lists", r"\?", lambda r: r.delay(1), {0}),
    ("401", "", lambda r: r.answer(401, reason="Unauthorized"), {1}),
    ("no answer", "", lambda r: r.drop(), {1}),
]


def spoil_pods(request, answer):
    if "/pods/" in request.path:
        answer.status = 500
    else:
        value = answer.json()
        answer.set_json({**value, "items": []})


class Place:
    """A control plane of its own in the one cluster, with sessions."""

    def __init__(self, b, cluster, number):
        self.runtime = f"control-{number}"
        if number:
            cluster.create_namespace(self.runtime)
        else:
            self.runtime = reconciler.RUNTIME
        self.site = reconciler.Site(
            b, cluster, runtime_namespace=self.runtime, token_url=TOKEN_URL)
        self.proxy = self.site.through(kube.Proxy(cluster))
        self.api = self.site.api
        self.sessions = Sessions(self.site)
        self.alpha, self.beta = f"alpha-{number}", f"beta-{number}"
        self.api.load("projects", [
            {"name": name} for name in (self.alpha, self.beta)])
        self.api.load("sessions", [
            {"name": "old", "project_id": self.beta, "phase": "Completed"}
            for _ in range(ROWS)])
        self.ids = []

    def prepare(self):
        """Three that run, and one that waits for its pod to end."""
        s = self.sessions
        s.converge()
        self.ids = [s.add(p) for p in (
            self.alpha, self.alpha, self.beta, self.beta)]
        s.converge()
        for session in self.ids:
            s.bind(session)
            s.run(session)
        self.api.stop(self.ids[-1])
        s.converge()

    def state(self):
        """All that there is of them, and when it was written."""
        s = self.sessions
        found = [(s.row(i), s.is_ending(i)) for i in self.ids]
        for kind in ("ServiceAccount", "Secret", "Pod", "Service"):
            found.append([
                (o["metadata"]["name"], o["metadata"]["uid"])
                for name in (self.alpha, self.beta)
                for o in self.site.cluster.must(self.site.cluster.admin.list(
                    kube.path_of(kind, name)))])
        return found


# --- one pass, and nothing happens --------------------------------------------

class Tester:
    """Many threads, one line at a time."""

    def __init__(self, t):
        self.t = t
        self.lock = threading.Lock()

    def ok(self, *arguments):
        with self.lock:
            return self.t.ok(*arguments)


def check_pass(t, place, what, statuses, begin, end):
    before = place.state()
    begin()
    place.proxy.forget()
    result = place.site.once()
    deletions = [r for r in place.proxy.seen("DELETE")
                 if "/leases/" not in r.path]
    end()
    after = place.state()
    t.ok(result.status in statuses, f"{what}: the exit status says so",
         result)
    t.ok(before == after and not deletions,
         f"{what}: no session is ended, deleted or made again",
         *(f"{one}\nis now\n{other}" for one, other in zip(before, after)
           if one != other), deletions, result)


def suffer_api(t, place, what, rules, statuses):
    check_pass(t, place, f"API server, {what}", statuses,
               lambda: [place.api.fault(**rule) for rule in rules],
               place.api.clear_faults)


def suffer_kube(t, place, what, where, act, statuses):
    check_pass(t, place, f"Kubernetes, {what}", statuses,
               lambda: act(place.proxy.on("GET" if where else None, where)),
               place.proxy.clear)
    # where it could not be given up
    place.site.drop_lease()


def suffer_down(t, place):
    check_pass(t, place, "API server, down", {3},
               lambda: place.api.set(is_down=True),
               lambda: place.api.set(is_down=False))


def run_all(places, jobs):
    """Each job on whichever place is free."""
    free = list(places)
    lock = threading.Lock()

    def run(job):
        with lock:
            place = free.pop()
        try:
            job(place)
        finally:
            with lock:
                free.append(place)

    with concurrent.futures.ThreadPoolExecutor(len(places)) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result()


def check_faults(t, places):
    many = Tester(t)
    # the longest first
    jobs = [lambda p, f=f: suffer_kube(many, p, *f) for f in KUBE_FAULTS[::-1]]
    jobs += [lambda p: suffer_down(many, p)]
    jobs += [lambda p, f=f: suffer_api(many, p, *f) for f in API_FAULTS]
    run_all(places, jobs)
    for place in places:
        result = place.site.once()
        t.equal((result.status, result.actions), (0, []),
                "without faults there is nothing to be done")


# --- the row cannot be written ------------------------------------------------

STATUS = {"method": "PATCH", "path": "/status$"}
PATCH_FAULTS = [
    ("500", {"action": "status", "status": 500, "code": 9}),
    ("409", {"action": "status", "status": 409, "code": 6}),
    ("401", {"action": "status", "status": 401, "code": 15}),
    ("no answer", {"action": "drop"}),
    ("an answer that is lost", {"action": "drop", "is_done": True}),
]


def write_badly(t, place, what, rule):
    """Two sessions whose phases cannot be written; one is stopped then."""
    s, api = place.sessions, place.api
    going, stopped = s.add(place.alpha), s.add(place.alpha)
    api.fault(**STATUS, **rule)
    result = place.site.once()
    uid = s.uid(going)
    t.ok(result.status == 3 and uid, f"{what} for a phase: the exit status "
         "says so", result)
    api.clear_faults()
    api.stop(stopped)
    mark = api.mark()
    place.proxy.forget()
    result = s.converge()
    t.ok(result.status == 0 and s.is_whole(going, place.alpha)
         and s.uid(going) == uid,
         f"{what} for a phase: it is put right, with the same pod", result)
    t.ok(s.phase(stopped) == "Stopped" and s.pod(stopped) is None
         and place.proxy.count("POST", r"/pods\?") == 0
         and len(api.log(mark, method="PATCH",
                         path=f"/sessions/{stopped}/status")) <= 1,
         f"H-18 {what} for a phase: one that is stopped then stays so",
         s.row(stopped), result)


def check_writes(t, places):
    many = Tester(t)
    run_all(places, [
        lambda p, f=f: write_badly(many, p, *f) for f in PATCH_FAULTS])


def check_stop_meanwhile(t, place):
    """Its user stops it while its pod is made, and while the server has no
    time for the phase."""
    s, api = place.sessions, place.api
    session = s.add(place.alpha)
    held = place.proxy.on("POST", r"/pods\?").hold()
    process = place.site.start_once()
    process.good_statuses = (reconciler.CONVERGED, reconciler.PARTIAL)
    bed.wait_until(lambda: held.hits, "its pod is made")
    api.stop(session)
    held.release()
    process.wait()
    place.proxy.clear()
    t.equal(s.phase(session), "Stopping",
            "H-19 a stop while the pod is made is not undone")
    s.converge()
    t.equal((s.phase(session), s.pod(session)), ("Stopped", None),
            "H-18 and is carried out")
    session = s.add(place.alpha)
    busy = api.fault("status", **STATUS, status=429, retry_after=2, count=1)
    process = place.site.start_once()
    process.good_statuses = (reconciler.CONVERGED, reconciler.PARTIAL)
    bed.wait_until(lambda: api.hits(busy), "its phase is written")
    api.stop(session)
    process.wait()
    t.equal(s.phase(session), "Stopping",
            "H-19 nor is one while the phase waits to be written again")
    api.clear_faults()
    s.converge()
    t.equal((s.phase(session), s.pod(session)), ("Stopped", None),
            "which is carried out, too")
    check_stop_of_bad(t, place)


def check_stop_of_bad(t, place):
    """One that cannot run is stopped while that is found out."""
    s, api = place.sessions, place.api
    session = s.add(place.alpha, repos="no list")
    held = api.fault("hold", path=f"^/projects/{place.alpha}$")
    process = place.site.start_once()
    process.good_statuses = (reconciler.CONVERGED, reconciler.PARTIAL)
    bed.wait_until(lambda: api.hits(held), "what it is made of is read")
    api.stop(session)
    api.clear_faults()
    process.wait()
    t.equal(s.phase(session), "Stopping",
            "H-19 a stop is not undone by a failure either")
    s.converge()
    t.equal(s.phase(session), "Stopped", "it is carried out")


# --- one does not work --------------------------------------------------------

REFUSALS = [
    ("403", lambda r: r.answer(
        403, reason="Forbidden", message="pods is forbidden: quota")),
    ("422", lambda r: r.answer(
        422, reason="Invalid", message="Pod is invalid: by admission")),
    ("400", lambda r: r.answer(
        400, reason="BadRequest", message="admission webhook denied it")),
    ("500", lambda r: r.answer(
        500, reason="InternalError", message="failed calling webhook")),
]


def refuse(t, place, what, act):
    s = place.sessions
    bad, good = s.add(place.alpha), s.add(place.beta)
    act(place.proxy.on("POST", rf"/{place.alpha}/pods\?"))
    result = place.site.once()
    t.ok(result.status == 3 and s.phase(bad) == "Pending"
         and s.is_whole(good, place.beta),
         f"H-17 {what} for a pod: others run", result)
    said = [c for c in s.conditions(bad) if c["status"] == "False"]
    t.ok(said and ("fault" in said[0]["message"] or any(
        word in said[0]["message"] for word in (
            "quota", "admission", "webhook"))),
         f"{what} for a pod: its session has a condition that says why",
         s.row(bad), result)
    row = s.row(bad)
    place.site.once()
    t.ok(s.row(bad) == row, f"{what} for a pod: which is written once",
         row, s.row(bad))
    place.proxy.clear()
    s.converge()
    t.ok(s.is_whole(bad, place.alpha) and "True" in str(s.conditions(bad)),
         f"{what} for a pod: when it is taken, the session runs", s.row(bad))


def check_refusals(t, places):
    many = Tester(t)
    run_all(places, [
        lambda p, f=f: refuse(many, p, *f) for f in REFUSALS])


# --- a namespace does not work ------------------------------------------------

def add_slow(place, name):
    """A project whose namespace does not end: somebody has a finalizer
    there."""
    cluster = place.site.cluster
    place.api.load("projects", [{"name": name}])
    cluster.create_namespace(name, reconciler.labels(name, place.runtime))
    cluster.create("ConfigMap", name, metadata={
        "name": "stays", "finalizers": ["test/stays"]})
    cluster.must(cluster.admin.delete(kube.path_of("Namespace", None, name)))
    bed.wait_until(lambda: place.site.read("Namespace", None, name)[
        "status"]["phase"] == "Terminating", "it is terminating")


def end_slow(place, name):
    place.site.patch("ConfigMap", name, "stays",
                     {"metadata": {"finalizers": None}})
    place.site.cluster.wait_until_gone("Namespace", None, name)


def check_slow_once(t, place):
    s, name = place.sessions, f"slow-{place.runtime}"
    add_slow(place, name)
    waiting, good = s.add(name), s.add(place.beta)
    result = place.site.once()
    t.ok(s.phase(waiting) == "Pending" and s.pod(waiting) is None
         and s.is_whole(good, place.beta),
         "H-17 while a namespace does not end, sessions of others run", result)
    end_slow(place, name)
    s.converge()
    t.ok(s.is_whole(waiting, name), "H-15 when it has ended, its own do",
         s.row(waiting))
    hung, good = s.add(place.alpha), s.add(place.beta)
    place.proxy.on(None, f"/namespaces/{place.alpha}/").hold()
    result = place.site.once()
    t.ok(result.status == 3 and s.is_whole(good, place.beta)
         and s.phase(hung) == "Pending",
         "H-17 where a namespace does not answer, sessions of others run",
         result)
    place.proxy.clear()
    s.converge()
    t.ok(s.is_whole(hung, place.alpha), "when it answers, its own do")


def check_slow_loop(t, place):
    """Others run within the interval, be it ever so long until the next full
    pass."""
    s, site, proxy = place.sessions, place.site, place.proxy
    loop = site.start_loop(interval="1s", resync="1h")
    first = s.add(place.beta)
    bed.wait_until(lambda: s.is_whole(first, place.beta), "the loop works")
    hung = [s.add(place.alpha) for _ in range(20)]
    for what, method in (("writes", "POST"), ("requests", None)):
        rule = proxy.on(method, f"/namespaces/{place.alpha}/").hold()
        bed.wait_until(lambda r=rule: r.hits, "a request is held")
        since = len(loop.log())
        good = [s.add(place.beta) for _ in range(3)]
        bed.wait_until(
            lambda: all(s.is_whole(i, place.beta) for i in good),
            "others run")
        t.ok("Unreachable" not in loop.log()[since:],
             f"H-17 where {what} in a namespace do not come back, others run "
             "before the first of them is given up", loop.log()[since:])
        proxy.clear()
        hung.append(s.add(place.alpha))
    bed.wait_until(lambda: all(s.is_whole(i, place.alpha) for i in hung),
                   "its own run when it answers", 2 * bed.PATIENCE)
    t.equal((loop.is_running(), loop.stop()), (True, 0),
            "H-22 it is the same loop, and ends well")


def main():
    with tap.Tap() as t, bed.Bed(t) as b, contextlib.ExitStack() as stack:
        cluster = reconciler.start_cluster(b)
        places = []
        for number in range(SITES):
            # each with files of its own
            other = stack.enter_context(bed.Bed(t))
            places.append(Place(other, cluster, number))
        for place in places:
            place.prepare()
        check_faults(t, places)
        check_writes(t, places)
        check_refusals(t, places)
        check_stop_meanwhile(t, places[0])
        check_slow_once(t, places[1])
        check_slow_loop(t, places[2])


if __name__ == "__main__":
    main()
