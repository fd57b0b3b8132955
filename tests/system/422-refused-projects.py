#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Projects that cannot be served, on a real Kubernetes API server: names of
the platform's own namespaces, names that are too long, namespaces of somebody
else. Each is refused, told once and left alone, and holds up no other."""
# quick: no, the Kubernetes API server may have to be built first
# openssl: no, ambient-cp-token is not in it
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ambient
import bed
import kube
import reconciler
import tap

LONG = "a" + 61 * "b" + "c"  # 63 characters
# projects, the namespaces that they would take, and whose those are
RESERVED = ["default", "kube-system", "kube-public", "kube-anything",
            "openshift-x", "openshift", reconciler.RUNTIME, reconciler.IMAGES,
            "vertex"]
OTHERS = {
    "plain": {},
    "labelled-half": {reconciler.MANAGED: "true"},
    "of-another-project": reconciler.labels("elsewhere"),
    "of-another-instance": reconciler.labels("of-another-instance", "other"),
    "of-an-earlier-one": {
        name: value
        for name, value in reconciler.labels("of-an-earlier-one").items()
        if name != reconciler.INSTANCE},
}
OPTIONS = {"vertex_namespace": "vertex"}


def make_namespaces(site):
    for name in ("openshift-x", "openshift", "vertex"):
        site.cluster.create_namespace(name)
    for name, given in OTHERS.items():
        site.cluster.create_namespace(name, given)


def there(site, names):
    return {name: site.snapshot(name) for name in names
            if site.read("Namespace", None, name)}


def refused(result):
    return sorted(r["project"] for r in result.refusals)


def check_refused(t, site):
    names = RESERVED + list(OTHERS)
    own = [reconciler.RUNTIME, reconciler.IMAGES]
    before = there(site, [n for n in names if n not in own])
    kept = {n: site.read("Namespace", None, n)["metadata"].get("labels")
            for n in own}
    rows = [{"name": name} for name in names]
    # what the API server does not let through may still be in its database
    rows += [{"name": LONG}, {"name": "good"}]
    site.api.load("projects", rows)
    result = site.once()
    t.equal(result.status, 0, "projects that are refused are no failure")
    t.equal(refused(result), sorted(names),
            "H-24 names of the platform and of others are refused")
    t.equal(there(site, before), before, "their namespaces are untouched")
    t.equal({n: site.read("Namespace", None, n)["metadata"].get("labels")
             for n in own}, kept, "so are the control plane's own")
    t.ok(site.read("Namespace", None, "kube-anything") is None,
         "a reserved name is not made either")
    for name in ("good", LONG):
        t.ok(site.read("RoleBinding", name, reconciler.CONTROL),
             f"a project of {len(name)} characters beside them is served")
    check_told(t, site, result, names)


def check_told(t, site, result, names):
    told = site.events()
    t.equal(sorted(name for name, _, _ in told), sorted(names),
            "each refusal has one Event")
    reasons = {r["project"]: r["reason"] for r in result.refusals}
    t.ok(all(message == reasons[name] for name, _, message in told),
         "that says why, as the plan does", told)
    t.ok(f"refused_projects {len(names)}" in site.metrics_file.read_text(),
         "a metric counts them")
    mark = site.cluster.mark()
    again = site.once()
    t.equal((again.status, refused(again)), (0, sorted(names)),
            "the next pass refuses them again")
    t.equal(site.events(), told, "and tells nobody twice")
    t.ok(all(w["resource"] in ("leases", "events")
             for w in site.cluster.writes("reconciler", mark)),
         "nothing else is written")


def check_gone(t, site):
    """They are deleted: their namespaces are nobody's to delete."""
    names = RESERVED + list(OTHERS)
    before = there(site, names)
    for name in names:
        site.api.delete_project(name)
    with kube.Proxy(site.cluster) as proxy:
        old = site.options["kubeconfig"]
        site.through(proxy)
        for _ in range(2):
            site.advance(proxy, 3600)
            result = site.once()
            t.equal((result.status, result.planned(), proxy.count("DELETE")),
                    (0, [], 0), "H-23 deleting such a project deletes nothing")
        site.turn_back(proxy)
        site.options["kubeconfig"] = old
    left = there(site, names)
    for name in (reconciler.RUNTIME, reconciler.IMAGES):
        del before[name], left[name]
    t.equal(left, before, "all is as it was")


def check_impossible(t, site):
    """What the API server lets nobody create may be in its database."""
    bad = ["Twin", "twin", LONG + "d", "no.label", "-x", "x y", "../good"]
    names = sorted([*bad, "good", LONG, "UPPER"])
    site.api.fault("status", path="^/projects$", status=200, body=json.dumps({
        "kind": "ProjectList", "page": 1, "size": len(names),
        "total": len(names), "items": [
            {"id": name, "name": name, "kind": "Project"} for name in names]}))
    result = site.once()
    t.equal((result.status, refused(result)), (0, sorted(bad)),
            "H-33 H-34 names that no namespace can have are refused")
    t.ok(site.read("Namespace", None, "twin") is None,
         "H-31 of two projects that differ in case only none is given it")
    t.ok(site.read("Role", "upper", reconciler.CONTROL),
         "one alone has its namespace in lower case")
    told = site.events()
    site.once()
    t.equal(site.events(), told, "nobody is told twice")
    site.api.clear_faults()
    site.delete("Namespace", None, "upper")
    site.cluster.wait_until_gone("Namespace", None, "upper", 90)
    site.once()


def check_adopt(t, site):
    name = "of-an-earlier-one"
    site.api.load("projects", [{"name": name}, {"name": "plain"},
                               {"name": "of-another-instance"}])
    t.ok(name in refused(site.once()),
         "a namespace of the reference's labels is not taken over unasked")
    result = site.once(adopt="on")
    t.equal((result.status, refused(result)),
            (0, ["of-another-instance", "plain"]),
            "with adopt it is, and no other")
    labels = site.read("Namespace", None, name)["metadata"]["labels"]
    t.equal(labels.get(reconciler.INSTANCE), reconciler.RUNTIME,
            "it gets our label")
    t.ok(site.read("Role", name, reconciler.CONTROL), "and what it needs")
    t.ok(name not in refused(site.once()), "from then on it is ours")


def check_instances(t, site):
    """Two control planes in one cluster, each with its own API server."""
    site.cluster.create_namespace("second")
    api = ambient.start(site.bed)
    api.load("projects", [{"name": "theirs"}, {"name": "good"}])
    other = site.another(runtime_namespace="second", api_server_url=api.url)
    other.api = api
    mine = site.snapshot("good")
    result = other.once()
    t.equal((result.status, refused(result)), (0, ["good"]),
            "another instance does not take what is ours")
    t.equal(site.snapshot("good"), mine, "and does not touch it")
    theirs = site.snapshot("theirs")
    with kube.Proxy(site.cluster) as proxy:
        for one, name in ((site, "theirs"), (other, "good")):
            one.through(proxy)
            one.advance(proxy, 3600)
            result = one.once()
            t.equal((result.status, [a for a in result.actions
                                     if a["verb"] != "report"]), (0, []),
                    f"{name} is nobody's orphan")
    t.equal((site.snapshot("theirs"), site.snapshot("good")), (theirs, mine),
            "neither touches the other's")
    t.equal(len({site.read("Secret", where, reconciler.KEY_SECRET)[
        "data"]["public.pem"] for where in ("second", reconciler.RUNTIME)}),
            2, "and each has a key of its own")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = reconciler.Site(b, **OPTIONS)
        make_namespaces(site)
        check_refused(t, site)
        check_gone(t, site)
        check_impossible(t, site)
        check_adopt(t, site)
        check_instances(t, site)


if __name__ == "__main__":
    main()
