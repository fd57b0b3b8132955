#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is deleted when projects vanish, on a real Kubernetes API server: the
namespace of a project that the API server says is gone, ten minutes after
that was seen first, and nothing else, whatever goes wrong; nor many at once
without somebody's leave."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, 422-refused-projects.py runs the same code
# openssl: no, ambient-cp-token is not in it
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ambient
import bed
import kube
import reconciler
import tap

PATIENCE = 90  # until a namespace has ended
MINUTE, GRACE = 60, 11 * 60
HOUR = 60 * MINUTE


def mark_of(site, project):
    """When the project was first missed, or None."""
    namespace = site.read("Namespace", None, project)
    return (namespace["metadata"].get("annotations") or {}).get(
        reconciler.ABSENT)


def is_deleted(site, project):
    namespace = site.read("Namespace", None, project)
    return (namespace is None
            or "deletionTimestamp" in namespace["metadata"])


def deleted(site, projects):
    return [name for name in projects if is_deleted(site, name)]


def once_later(site, proxy, seconds=GRACE, **options):
    """A pass when the clocks of both servers are ahead by that much."""
    site.advance(proxy, seconds)
    try:
        return site.once(**options)
    finally:
        site.turn_back(proxy)


def load(site, *projects):
    site.api.load("projects", [{"name": name} for name in projects])
    result = site.once()
    if result.status:
        raise RuntimeError(result)


# --- one project --------------------------------------------------------------

def check_one(t, site, proxy):
    load(site, "keep", "gone", "late")
    site.api.delete_project("gone")
    result = site.once()
    t.equal((result.status, result.planned()), (0, ["mark Namespace gone"]),
            "a project that is gone is noted on its namespace")
    noted = mark_of(site, "gone")
    t.ok(noted and not is_deleted(site, "gone"), "which stays for now")
    t.equal((site.once().planned(), mark_of(site, "gone")), ([], noted),
            "it is noted once")
    t.equal(once_later(site, proxy, 9 * MINUTE).planned(), [],
            "nothing happens in the ten minutes")
    check_one_clock(t, site, proxy)
    uid = site.read("Namespace", None, "gone")["metadata"]
    proxy.forget()
    result = once_later(site, proxy)
    t.equal((result.status, result.planned()), (0, ["delete Namespace gone"]),
            "after them the namespace is deleted")
    t.equal([r.json()["preconditions"] for r in proxy.seen("DELETE")],
            [{"uid": uid["uid"], "resourceVersion": uid["resourceVersion"]}],
            "the one that was seen, as it was seen")
    t.equal(site.once().status, 0, "while it ends, nobody minds")
    site.cluster.wait_until_gone("Namespace", None, "gone", PATIENCE)
    result = site.once()
    t.equal([a["kind"] for a in result.actions], ["RoleBinding"],
            "then its leave to pull images is taken away")
    t.equal((site.once().planned(), deleted(site, ["keep", "late"])), ([], []),
            "H-23 that is all, and others are as they were")


def check_one_clock(t, site, proxy):
    """An hour on one of the two clocks is no hour."""
    noted = mark_of(site, "gone")
    reconciler.advance(proxy, HOUR)
    t.equal((site.once().planned(), mark_of(site, "gone")), ([], noted),
            "the cluster's clock alone lets nothing be deleted")
    proxy.clear()
    site.api.set(clock_offset=HOUR)
    t.equal((site.once().planned(), mark_of(site, "gone")), ([], noted),
            "nor does the API server's")
    site.turn_back(proxy)


def check_recheck(t, site, proxy):
    """Between plan and deletion the project is asked for once more."""
    site.api.fault("hide", path="^/projects$", ids=["late"])
    gone = site.api.fault("status", path="^/projects/late$", status=404,
                          code=7)
    site.once()
    t.ok(mark_of(site, "late"), "a project is gone")
    site.api.clear_faults(gone)
    site.api.fault("status", path="^/projects/late$", status=404, code=7,
                   count=1)
    result = once_later(site, proxy)
    t.ok("delete Namespace late" in result.planned()
         and not is_deleted(site, "late"),
         "one that comes back after the plan was made keeps its namespace",
         result)
    site.api.clear_faults()
    result = site.once()
    t.equal((result.status, mark_of(site, "late")), (0, None),
            "and when it is seen again, the note is taken off")


def check_back(t, site, proxy):
    load(site, "back")
    hidden = site.api.fault("hide", path="^/projects$", ids=["back"])
    gone = site.api.fault("status", path="^/projects/back$", status=404,
                          code=7)
    site.once()
    t.ok(mark_of(site, "back"), "another is gone")
    site.api.clear_faults(gone)
    result = once_later(site, proxy)
    t.equal((result.status, is_deleted(site, "back")), (3, False),
            "a list that lacks a row that is there is not believed")
    t.equal(mark_of(site, "back"), None, "the row counts")
    site.api.clear_faults(hidden)
    t.equal(once_later(site, proxy).status, 0, "all is well again")


def check_retain(t, site, proxy):
    retain = {"project_namespaces": "retain"}
    site.api.delete_project("back")
    t.equal([site.once(**retain).planned(),
             once_later(site, proxy, **retain).planned(),
             mark_of(site, "back")], [[], [], None],
            "where namespaces are retained nothing is noted or deleted")
    site.once()
    site.api.load("projects", [{"name": "back"}])
    t.equal((site.once().status, mark_of(site, "back")), (0, None),
            "a project of the same name finds its namespace again")


# --- no proof -----------------------------------------------------------------

FAULTS = [
    ("an empty list with 200", [{"action": "empty", "path": "^/projects$"}]),
    ("a list that lacks a row",
     [{"action": "hide", "path": "^/projects$", "ids": ["keep"]}]),
    ("a row that is not found, without a number",
     [{"action": "hide", "path": "^/projects$", "ids": ["keep"]},
      {"action": "not_found", "path": "^/projects/"}]),
    ("all rows not found, without a number",
     [{"action": "empty"}, {"action": "not_found", "path": "^/projects/"}]),
    ("403", [{"action": "status", "status": 403, "code": 4}]),
    ("rows that fail", [{"action": "empty", "path": "^/projects$"}, {
        "action": "status", "path": "^/projects/", "status": 500}]),
]


def check_no_proof(t, site, proxy):
    """With old notes on all, so that only the proof is missing."""
    names = ["keep", "late", "back"]
    stamp_all(site, names)
    for what, rules in FAULTS:
        for rule in rules:
            site.api.fault(**rule)
        check_nothing_deleted(t, site, proxy, what, names)
        site.api.clear_faults()
    site.api.set(is_down=True)
    check_nothing_deleted(t, site, proxy, "an API server that is down", names)
    site.api.set(is_down=False)
    result = site.once()
    t.equal((result.status, [mark_of(site, n) for n in names]),
            (0, [None] * 3), "when all rows are seen the notes are taken off")


def stamp_all(site, names):
    for name in names:
        site.annotate("Namespace", None, name, absent_since=site.read(
            "Namespace", None, name)["metadata"]["creationTimestamp"])


def check_nothing_deleted(t, site, proxy, what, names):
    proxy.forget()
    key = site.key_file.read_bytes()
    site.key_file.unlink()
    result = once_later(site, proxy)
    t.equal(([r for r in proxy.seen("DELETE")], deleted(site, names)),
            ([], []), f"{what}: nothing is deleted")
    t.equal(result.status, 3, f"{what}: the exit status says so")
    t.equal(site.key_file.read_bytes(), key,
            f"{what}: the key file is still kept in step")


# --- many ---------------------------------------------------------------------

def forget(site, names):
    for name in names:
        site.api.delete_project(name)
    site.once()


def check_gate(t, site, proxy):
    load(site, "m1", "m2", "m3", "m4")
    forget(site, ["m1", "m2"])
    result = once_later(site, proxy)
    t.equal((result.status, deleted(site, ["m1", "m2"])), (0, ["m1", "m2"]),
            "two at once are let go")
    load(site, "m5")
    forget(site, ["m3", "m4", "m5"])
    many = ["m3", "m4", "m5"]
    proxy.forget()
    result = once_later(site, proxy)
    t.equal((result.status, proxy.count("DELETE"), result.summary["held"]),
            (3, 0, 3), "three are held")
    digest = result.summary["held_digest"]
    t.ok(len(digest) == 16 and digest in site.metrics_file.read_text()
         or "held_deletions 3" in site.metrics_file.read_text(),
         "the set has a digest, and a metric tells")
    t.equal([once_later(site, proxy).summary["held_digest"],
             once_later(site, proxy, HOUR).summary["held_digest"]],
            [digest] * 2, "the same set has the same digest")
    site.delete("Role", "keep", reconciler.CONTROL)
    once_later(site, proxy)
    t.ok(site.read("Role", "keep", reconciler.CONTROL),
         "what is not held goes on")
    check_release(t, site, proxy, many, digest)


def allow(site, digest):
    return site.run(f"--allow-mass-delete={digest}").status


def check_release(t, site, proxy, many, digest):
    t.equal([allow(site, "no digest"), allow(site, "0" * 16)], [2, 0],
            "what is no digest is refused")
    t.equal(once_later(site, proxy).status, 3, "another's lets nothing go")
    t.equal(allow(site, digest), 0, "the digest is allowed")
    dry = once_later(site, proxy, HOUR + MINUTE)
    t.equal((dry.status, deleted(site, many)), (3, []),
            "that is of no use after an hour")
    site.api.load("projects", [{"name": "m5"}])
    t.equal(deleted(site, many), [], "the set changes")
    forget(site, [])
    load(site, "m6", "m7")
    forget(site, ["m6", "m7"])
    result = once_later(site, proxy)
    t.equal((result.status, deleted(site, many + ["m6", "m7"])), (3, []),
            "it lets go that set and no other")
    t.ok(result.summary["held_digest"] not in ("", digest),
         "which has another digest")
    other = result.summary["held_digest"]
    said = site.run(f"--allow-mass-delete={other}", "--json")
    t.equal((said.status, said.out),
            (0, f'{{"allowed_digest":"{other}","seconds":3600}}\n'),
            "it is allowed, in the words of programs")
    result = once_later(site, proxy)
    t.equal((result.status, deleted(site, ["m3", "m4", "m6", "m7", "m5",
                                           "keep"])),
            (0, ["m3", "m4", "m6", "m7"]), "released, the set is deleted")


def check_loop(t, site, proxy):
    """The leave comes while the loop runs."""
    load(site, "n1", "n2", "n3")
    forget(site, ["n1", "n2", "n3"])
    site.advance(proxy, GRACE)
    loop = site.start_loop()
    digest = bed.wait_until(lambda: find_digest(loop), "the loop holds a set")
    site.delete("Role", "keep", reconciler.CONTROL)
    bed.wait_until(lambda: site.read("Role", "keep", reconciler.CONTROL),
                   "the loop goes on with the rest")
    t.equal(deleted(site, ["n1", "n2", "n3"]), [], "a loop holds a set too")
    t.equal(allow(site, digest), 0, "the leave is given beside the loop")
    bed.wait_until(lambda: len(deleted(site, ["n1", "n2", "n3"])) == 3,
                   "the loop lets the set go")
    t.ok(loop.is_running(), "the loop lets the set go")
    t.equal(loop.stop(), 0, "and ends well")
    site.turn_back(proxy)


def find_digest(loop):
    held = [line for line in loop.log().splitlines()
            if '"held_digest":"' in line]
    return held and held[-1].split('"held_digest":"')[1][:16]


def check_all(t, site, proxy):
    """The API server has lost its database, and says so by the number."""
    wait_for_ends(site)
    site.api.clear_rows()
    result = site.once()
    t.equal(result.status, 0, "no project is there any more")
    proxy.forget()
    result = once_later(site, proxy)
    t.equal((result.status, proxy.count("DELETE")), (3, 0),
            "while no row can be read all are held")


# --- a tenant -----------------------------------------------------------------

def plant(tenant, kind, name, project, **fields):
    """An object with our labels in the tenant's namespace."""
    status, value = tenant.post(kube.path_of(kind, "mine"), {
        "metadata": {"name": name, "labels": reconciler.labels(project)},
        **fields})
    if status != 201:
        raise RuntimeError(value)


ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
            "name": "ambient-project-admin"}
EVERYBODY = [{"kind": "Group", "name": "all", "apiGroup": ROLE_REF["apiGroup"]}]
PODS = {"containers": [{"name": "c", "image": "i"}]}


def plant_all(tenant):
    for number in range(8):
        project = f"vanished-{number}"
        plant(tenant, "RoleBinding", f"ambient-image-puller-{number}",
              project, roleRef=ROLE_REF, subjects=EVERYBODY)
        plant(tenant, "Role", f"r{number}", project, rules=[])
        plant(tenant, "ServiceAccount", f"session-s{number}-sa", project)
        plant(tenant, "Pod", f"session-s{number}-runner", "mine", spec=PODS)
    plant(tenant, "Role", "theirs", "keep", rules=[])
    plant(tenant, "NetworkPolicy", reconciler.TOKEN_POLICY, None, spec={
        "podSelector": {}})
    plant(tenant, "RoleBinding", "ambient-group-x", "keep", roleRef=ROLE_REF,
          subjects=EVERYBODY)


def wait_for_ends(site):
    """Nothing of what was deleted before plays a part any more."""
    bed.wait_until(lambda: not any(
        "deletionTimestamp" in item["metadata"] for item in site.cluster.must(
            site.cluster.admin.list("/api/v1/namespaces"))),
                   "deleted namespaces have ended", PATIENCE)


def check_tenant(t, site, proxy):
    wait_for_ends(site)
    load(site, "keep", "late", "back", "m5", "mine", "gone", "other")
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    site.cluster.grant("tenant-a", "tenant", rules, "mine")
    tenant = site.cluster.client("tenant-a")
    bed.wait_until(lambda: tenant.can("create", "roles", "mine"),
                   "the tenant has its rights")
    plant_all(tenant)
    before = {name: site.snapshot(name) for name in ("keep", "other", "mine")}
    proxy.forget()
    result = once_later(site, proxy)
    t.equal((result.status, result.planned()), (0, []),
            "what a tenant makes with our labels is left alone")
    t.ok(result.summary["foreign_objects"] >= 18, "and counted",
         result.summary)
    check_tenant_strips(t, site, proxy, tenant)
    check_tenant_and_gate(t, site, proxy)
    t.equal({name: site.snapshot(name) for name in ("keep", "other")},
            {name: before[name] for name in ("keep", "other")},
            "nothing of another project was touched in all that")
    t.ok(set(before["mine"]) - set(site.snapshot("mine")) == set(),
         "nor is anything of the tenant's gone")


def check_tenant_strips(t, site, proxy, tenant):
    for kind, name in (("Role", reconciler.CONTROL),
                       ("RoleBinding", reconciler.CONTROL),
                       ("NetworkPolicy", reconciler.API_POLICY)):
        tenant.patch(kube.path_of(kind, "mine", name), {"metadata": {
            "labels": {label: None for label in reconciler.labels("x")}}})
    result = site.once()
    t.equal((result.status, {a["namespace"] for a in result.actions}),
            (0, {"mine"}), "labels that it strips from ours come back")
    check_names_taken(t, site, tenant)
    path = kube.path_of("Namespace", None, "mine")
    for changed in ({reconciler.PROJECT_ID: "gone-too"},
                    {reconciler.MANAGED: None}):
        tenant.patch(path, {"metadata": {"labels": changed}})
        tenant.patch(path, {"metadata": {"annotations": {
            reconciler.ABSENT: site.read("Namespace", None, "mine")[
                "metadata"]["creationTimestamp"]}}})
        proxy.forget()
        result = once_later(site, proxy)
        t.equal((result.status, [r["project"] for r in result.refusals],
                 proxy.count("DELETE")), (0, ["mine"], 0),
                f"a namespace that it labels {changed} is refused and stays")
        tenant.patch(path, {"metadata": {"labels": reconciler.labels(
            "mine"), "annotations": {reconciler.ABSENT: None}}})


def take_name(tenant, kind, name, **fields):
    """An object of the tenant's own where one of ours was."""
    tenant.delete(kube.path_of(kind, "mine", name))
    status, value = tenant.post(kube.path_of(kind, "mine"), {
        "metadata": {"name": name}, **fields})
    if status != 201:
        raise RuntimeError(value)


def check_names_taken(t, site, tenant):
    taken = {"Role": reconciler.CONTROL, "RoleBinding": reconciler.CONTROL,
             "NetworkPolicy": reconciler.API_POLICY}
    take_name(tenant, "Role", reconciler.CONTROL, rules=[])
    take_name(tenant, "RoleBinding", reconciler.CONTROL, roleRef=ROLE_REF,
              subjects=EVERYBODY)
    take_name(tenant, "NetworkPolicy", reconciler.API_POLICY, spec={
        "podSelector": {"matchLabels": {"its": "own"}}})
    before = site.snapshot("mine")
    for number in range(2):
        result = site.once()
        told = [line for line in result.events("action")
                if line["result"] == "foreign" and line["level"] == "warn"]
        t.equal((result.status, result.summary["foreign"],
                 {line["object"].split()[0] for line in told}),
                (0, 3, set(taken)),
                f"names of ours that it takes raise no alarm ({number})")
        t.ok(all("delete it" in line["message"] for line in told)
             and result.summary["foreign_objects"] >= 3,
             "but are counted, and told with what to do", told)
    t.equal(site.snapshot("mine"), before, "and left alone")
    loop = site.start_loop()
    bed.wait_until(lambda: loop.log().count('"event":"pass"') >= 3,
                   "the loop passes")
    loop.stop()
    t.equal(loop.log().count('"result":"foreign"'), 3,
            "a loop tells of each once")
    for kind, name in taken.items():
        tenant.delete(kube.path_of(kind, "mine", name))
    result = site.once()
    t.equal((result.status, result.summary["foreign"]), (0, 0),
            "when they are deleted")
    t.ok(all((site.read(kind, "mine", name)["metadata"].get("labels") or {})
             .get(reconciler.MANAGED) for kind, name in taken.items()),
         "ours take their place")


def check_tenant_and_gate(t, site, proxy):
    """Its many objects neither trip the gate nor make it look small."""
    forget(site, ["gone"])
    result = once_later(site, proxy)
    t.equal((result.status, result.summary["held_digest"],
             is_deleted(site, "gone")), (0, "", True),
            "one project that is gone passes the gate beside them")
    load(site, "d1", "d2", "d3")
    forget(site, ["d1", "d2", "d3"])
    result = once_later(site, proxy)
    t.equal((result.status, result.summary["held"],
             deleted(site, ["d1", "d2", "d3"])), (3, 3, []),
            "three are held beside them")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = reconciler.Site(b, api=ambient.start(b, is_name_free=True))
        with kube.Proxy(site.cluster) as proxy:
            site.through(proxy)
            check_one(t, site, proxy)
            check_recheck(t, site, proxy)
            check_back(t, site, proxy)
            check_retain(t, site, proxy)
            check_no_proof(t, site, proxy)
            check_gate(t, site, proxy)
            check_loop(t, site, proxy)
            check_all(t, site, proxy)
            check_tenant(t, site, proxy)


if __name__ == "__main__":
    main()
