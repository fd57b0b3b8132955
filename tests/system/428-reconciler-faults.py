#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Faults of either server: down, slow, refusing, lying, cut off. Nothing is
deleted for them, the exit status tells of them, the key file is kept in step
all the while, what can be done is done, and a loop recovers by itself."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, it waits for time-outs; 422-refused-projects.py runs the same
# openssl: no, ambient-cp-token is not in it
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap

PROJECTS = ["alpha", "beta"]
HOUR = 3600
# faults of the API server: what, rules of its stub, exit statuses
API_FAULTS = [
    ("401", [{"action": "status", "status": 401, "code": 15}], {3}),
    ("403", [{"action": "status", "status": 403, "code": 4}], {3}),
    ("404", [{"action": "not_found"}], {3}),
    ("409", [{"action": "status", "status": 409, "code": 6}], {3}),
    ("410", [{"action": "status", "status": 410}], {3}),
    ("500", [{"action": "status", "status": 500, "code": 9}], {3}),
    ("500 for settings only", [{"action": "status", "status": 500,
                                "path": "^/project_settings"}], {3}),
    ("429 once, with Retry-After", [{
        "action": "status", "status": 429, "retry_after": 1, "count": 1}],
     {0}),
    ("500 once", [{"action": "status", "status": 500, "count": 1}], {0}),
    ("a cut-off answer", [{"action": "cut"}], {3}),
    ("JSON that ends early", [{"action": "truncate"}], {3}),
    ("an answer of HTML", [{"action": "status", "status": 200,
                            "body": "<html>Hello</html>"}], {3}),
    ("a list that is none", [{"action": "status", "status": 200,
                              "body": '{"items":{},"total":0}'}], {3}),
    ("no answer", [{"action": "drop"}], {3}),
    ("an empty list with 200", [{"action": "empty", "path": "^/projects$"}],
     {3}),
    ("a slow answer", [{"action": "delay", "seconds": 1}], {0}),
]
ROLES = r"/roles\?"
# faults of Kubernetes: what, where, what happens there, exit statuses
KUBE_FAULTS = [
    ("401", None, "", lambda r: r.answer(401, reason="Unauthorized"), {1}),
    ("403", None, "", lambda r: r.answer(403, reason="Forbidden"), {1}),
    ("500", None, "", lambda r: r.answer(500, reason="InternalError"), {1}),
    ("no answer", None, "", lambda r: r.drop(), {1}),
    ("403 for a list", "GET", ROLES,
     lambda r: r.answer(403, reason="Forbidden"), {3}),
    ("500 for a list", "GET", ROLES,
     lambda r: r.answer(500, reason="InternalError"), {3}),
    ("410 for a list", "GET", ROLES,
     lambda r: r.answer(410, reason="Expired"), {3}),
    ("a list of HTML", "GET", ROLES,
     lambda r: r.answer(200, "<html>Hello</html>"), {3}),
    ("a list that is none", "GET", ROLES,
     lambda r: r.answer(200, '{"items":{}}'), {3}),
    ("a list that is cut off", "GET", ROLES, lambda r: r.cut(), {3}),
    ("no answer for a list", "GET", ROLES, lambda r: r.drop(), {3}),
    ("a list of nothing with 200", "GET", ROLES, lambda r: r.empty_list(),
     {0}),
    ("no namespaces with 200", "GET", r"/namespaces\?",
     lambda r: r.empty_list(), {0}),
    ("no bindings with 200", "GET", r"/rolebindings\?",
     lambda r: r.empty_list(), {0}),
    ("lists of nothing with 200", "GET", r"\?", lambda r: r.empty_list(), {0}),
    ("slow lists", "GET", r"\?", lambda r: r.delay(1), {0}),
]
# the same for a write, of which there is one to be done
WRITE_FAULTS = [
    ("403", lambda r: r.answer(403, reason="Forbidden"), {3}),
    ("409", lambda r: r.answer(409, reason="Conflict"), {0, 3}),
    ("422", lambda r: r.answer(422, reason="Invalid"), {3}),
    ("500", lambda r: r.answer(500, reason="InternalError"), {3}),
    ("no answer", lambda r: r.drop(), {3}),
]
# these pass when the write is tried again
PASSING = [
    ("429 once, with Retry-After", lambda r: r.answer(
        429, reason="TooManyRequests", headers={"Retry-After": "1"})),
    ("503 once", lambda r: r.answer(503, reason="ServiceUnavailable")),
    ("an answer that is lost", lambda r: r.drop(is_forwarded=True)),
]


def snapshots(site):
    return {name: {key: value[0] for key, value in site.snapshot(name).items()
                   if value}
            for name in PROJECTS}


def age_all(site):
    """Old notes on all, so that nothing is missing for a deletion but the
    proof."""
    for name in PROJECTS:
        site.annotate("Namespace", None, name, absent_since=site.read(
            "Namespace", None, name)["metadata"]["creationTimestamp"])


class Watch:
    """Sees that a pass deletes nothing, and keeps the key file in step where
    the Secret can be read."""

    def __init__(self, t, site, proxy):
        self.t, self.site, self.proxy = t, site, proxy
        self.key = site.key_file.read_bytes()

    def once(self, what, statuses, is_key_there=True):
        t, site = self.t, self.site
        before = snapshots(site)
        if is_key_there:
            site.key_file.unlink()
        self.proxy.forget()
        result = site.once()
        t.ok(result.status in statuses, f"{what}: the exit status says so",
             result)
        t.ok(not self.proxy.seen("DELETE") and snapshots(site) == before,
             f"{what}: nothing is deleted or made anew")
        t.ok(site.key_file.exists() and site.key_file.read_bytes() == self.key,
             f"{what}: the key file is kept in step")
        return result


# --- one pass -----------------------------------------------------------------

def check_api_faults(t, site, watch):
    age_all(site)
    for what, rules, statuses in API_FAULTS:
        for rule in rules:
            site.api.fault(**rule)
        clock = site.advance(watch.proxy, HOUR)
        watch.once(f"API server, {what}", statuses)
        t.ok(clock.hits, "Kubernetes was asked")
        site.turn_back(watch.proxy)
        site.api.clear_faults()
        if 0 in statuses:
            age_all(site)
    site.api.set(is_down=True)
    site.delete("Secret", reconciler.RUNTIME, reconciler.KEY_SECRET)
    watch.site.once()
    t.ok(site.read("Secret", reconciler.RUNTIME, reconciler.KEY_SECRET),
         "API server down: a key Secret that was deleted comes back")
    watch.once("API server down", {3})
    site.api.set(is_down=False)
    t.equal(site.once().status, 0, "then all is well")


def check_kube_faults(t, site, watch):
    age_all(site)
    for what, method, where, act, statuses in KUBE_FAULTS:
        if 0 not in statuses:
            site.api.fault("empty")
        act(watch.proxy.on(method, where))
        watch.once(f"Kubernetes, {what}", statuses, statuses != {1})
        watch.proxy.clear()
        site.api.clear_faults()
        site.drop_lease()
    watch.proxy.close()
    watch.once("Kubernetes down", {1}, False)
    watch.proxy.open()
    t.equal(site.once().status, 0, "then all is well")


def check_write_faults(t, site, watch):
    role = kube.path_of("Role", "alpha", reconciler.CONTROL)
    policy = ("NetworkPolicy", "beta", reconciler.API_POLICY)
    for what, act, statuses in WRITE_FAULTS:
        site.delete("Role", "alpha", reconciler.CONTROL)
        site.delete(*policy)
        act(watch.proxy.on("PATCH", role))
        result = site.once()
        t.ok(result.status in statuses, f"{what} for a write: the exit status "
             "says so", result)
        t.ok(site.read(*policy), f"{what} for a write: the rest is done")
        watch.proxy.clear()
        result = site.once()
        t.ok(result.status == 0 and site.read("Role", "alpha",
                                              reconciler.CONTROL),
             f"{what} for a write: the next pass does it", result)
    for what, act in PASSING:
        site.delete("Role", "alpha", reconciler.CONTROL)
        act(watch.proxy.on("PATCH", role, times=1))
        result = site.once()
        t.ok(result.status == 0 and site.read("Role", "alpha",
                                              reconciler.CONTROL),
             f"{what} for a write: it is done all the same", result)
        watch.proxy.clear()


def check_questions(t, site, watch):
    """What no list has is asked for by its name."""
    site.api.load("projects", [{"name": "gamma"}])
    for what, where in (
            ("a Namespace", "/namespaces/gamma$"),
            ("a Secret", kube.path_of("Secret", "beta",
                                      reconciler.RUNNER_SECRET) + "$")):
        site.forget_sweep()
        rule = watch.proxy.on("GET", where)
        rule.answer(403, reason="Forbidden")
        result = site.once()
        t.equal((result.status, bool(rule.hits)), (3, True),
                f"{what} that must not be looked at: the exit status says so"
                ) or t.diag(result)
        watch.proxy.clear()
        t.equal(site.once().status, 0, "then all is well")


# --- the loop -----------------------------------------------------------------

def wait_for_project(site, name):
    bed.wait_until(lambda: site.read("RoleBinding", name, reconciler.CONTROL),
                   f"{name} is served", 2 * bed.PATIENCE)


def new_project(t, site, name, what):
    site.api.load("projects", [{"name": name}])
    wait_for_project(site, name)
    t.ok(True, f"H-14 {what}: the loop recovers by itself")


def check_loop(t, site, watch):
    loop = site.start_loop()
    new_project(t, site, "one", "nothing wrong")
    uids = snapshots(site)
    check_loop_api(t, site, watch, loop)
    watch.proxy.close()
    loop.wait_for_log('"list_failed"')
    site.api.load("projects", [{"name": "three"}])
    watch.proxy.open()
    new_project(t, site, "four", "Kubernetes unreachable")
    wait_for_project(site, "three")
    site.cluster.apiserver.kill()
    bed.wait_until(lambda: not site.cluster.is_ready(), "it is down")
    site.cluster.start_apiserver()
    new_project(t, site, "five", "kube-apiserver killed and started again")
    watch.proxy.on(None, "").answer(401, reason="Unauthorized")
    loop.wait_for_log("nauthorized")
    watch.proxy.clear()
    new_project(t, site, "six", "401 from Kubernetes")
    t.equal(snapshots(site), uids, "nothing was deleted or made anew")
    t.equal((loop.is_running(), loop.stop()), (True, 0),
            "it is the same loop, and ends well")


def check_loop_api(t, site, watch, loop):
    site.api.set(is_down=True)
    loop.wait_for_log('"list_failed"')
    site.key_file.unlink()
    bed.wait_until(site.key_file.exists, "the key file is back")
    t.equal(site.key_file.read_bytes(), watch.key,
            "API server down: the loop keeps the key file in step")
    site.api.set(is_down=False)
    new_project(t, site, "two", "API server down")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = reconciler.Site(b)
        site.api.load("projects", [{"name": name} for name in PROJECTS])
        site.api.create_settings("alpha", [("team", "admin")])
        with kube.Proxy(site.cluster) as proxy:
            site.through(proxy)
            t.equal(site.once().status, 0, "without faults all is well")
            watch = Watch(t, site, proxy)
            check_api_faults(t, site, watch)
            check_kube_faults(t, site, watch)
            check_write_faults(t, site, watch)
            check_questions(t, site, watch)
            check_loop(t, site, watch)


if __name__ == "__main__":
    main()
