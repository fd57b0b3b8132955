#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""More projects than a page of a list holds, on a real Kubernetes API server:
a pass with nothing to do costs a request a page, and pages that fail, expire
or lack rows delete nothing."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, 422-refused-projects.py runs the same code
# openssl: no, ambient-cp-token is not in it
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap

COUNT = 520  # two pages
NAMES = [f"many-{number:03}" for number in range(COUNT)]
HOUR = 3600
SECOND_PAGE = r"continue="
SECOND_ROWS = r"id >|page=2"
KUBE_FAULTS = [
    ("the second pages expire once",
     lambda p: p.on("GET", SECOND_PAGE, times=1).answer(410, reason="Expired"),
     {0}),
    ("the second pages expire always",
     lambda p: p.on("GET", SECOND_PAGE).answer(410, reason="Expired"), {3}),
    ("the second pages are cut off", lambda p: p.on("GET", SECOND_PAGE).cut(),
     {3}),
    ("the second pages lack objects", lambda p: p.on(
        "GET", SECOND_PAGE).shrink(lambda item: False), {0}),
    ("the first pages lack objects", lambda p: p.on("GET", r"limit=").shrink(
        lambda item: not item["metadata"]["name"].endswith("7")), {0}),
]
API_FAULTS = [
    ("rows vanish between pages", {"action": "shrink", "by": 20}, {0, 3}),
    ("rows of the second page are missing",
     {"action": "hide", "ids": NAMES[505:510]}, {3}),
    ("rows are counted and not shown",
     {"action": "hide", "ids": NAMES[505:510], "is_counted": True}, {3}),
    ("searches by id fail, and pages by number do not",
     {"action": "status", "status": 500, "query": "id >"}, {0}),
    ("the second page fails",
     {"action": "status", "status": 500, "query": SECOND_ROWS}, {3}),
    ("the second page is empty", {"action": "empty", "query": SECOND_ROWS},
     {3}),
]


def check_first(t, site):
    made = site.once()
    t.equal((made.status, made.summary and made.summary["failed"]), (0, 0),
            f"{COUNT} projects are made in one pass")
    t.ok(len(made.actions or ()) > 5 * COUNT,
         "the plan of all is printed whole", made.out[-200:])


def check_quiet(t, site):
    mark, api_mark = site.cluster.mark(), site.api.mark()
    quiet = site.once()
    t.equal((quiet.status, quiet.planned()), (0, []),
            "then nothing is left to do")
    counts = site.cluster.count_requests("reconciler", mark)
    t.ok(all(n <= 3 for (verb, _), n in counts.items() if verb == "list"),
         "a list is of as many requests as pages", counts)
    t.ok(sum(counts.values()) < 40, "a quiet pass is under 40 requests",
         counts)
    t.ok(len(site.api.log(since=api_mark)) < 10, "so it is at the API server")


def uids(site):
    return {n["metadata"]["name"]: (
        n["metadata"]["uid"], n["metadata"].get("deletionTimestamp"))
        for n in site.cluster.must(site.cluster.admin.list(
            "/api/v1/namespaces"))}


def check_pass(t, site, proxy, what, statuses, before):
    site.advance(proxy, HOUR)
    proxy.forget()
    result = site.once()
    t.ok(result.status in statuses, f"{what}: the exit status says so", result)
    t.ok(not proxy.seen("DELETE") and uids(site) == before,
         f"{what}: nothing is deleted", proxy.seen("DELETE")[:5])
    site.turn_back(proxy)


def check_faults(t, site, proxy):
    before = uids(site)
    for what, act, statuses in KUBE_FAULTS:
        rule = act(proxy)
        check_pass(t, site, proxy, what, statuses, before)
        t.ok(rule.hits, "the fault was met with")
    # twice each: what the first pass noted is old in the second
    for what, rule, statuses in API_FAULTS:
        site.api.fault(path="^/projects$", **rule)
        for _ in range(2):
            check_pass(t, site, proxy, what, statuses, before)
        site.api.clear_faults()
    t.equal(site.once().status, 0, "without faults all is well")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = reconciler.Site(b)
        site.api.load("projects", [{"name": name} for name in NAMES])
        check_first(t, site)
        check_quiet(t, site)
        with kube.Proxy(site.cluster) as proxy:
            site.through(proxy)
            check_faults(t, site, proxy)
            check_quiet(t, site)


if __name__ == "__main__":
    main()
