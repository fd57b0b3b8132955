#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Projects on a real Kubernetes API server: from nothing one pass makes all
that they need, the next does nothing and costs next to nothing, and whatever
is deleted or altered by hand is as it was after one more."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, 422-refused-projects.py runs the same code
# openssl: no, ambient-cp-token is not in it
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap

RBAC = "rbac.authorization.k8s.io"
OWN = [("Secret", reconciler.RUNNER_SECRET), ("Role", reconciler.CONTROL),
       ("RoleBinding", reconciler.CONTROL),
       ("NetworkPolicy", reconciler.API_POLICY),
       ("ProjectSettings", "projectsettings")]
# one request each at the most, when nothing is to be done
QUIET_LISTS = {"namespaces", "roles", "rolebindings", "networkpolicies",
               "projectsettings", "pods", "serviceaccounts", "services"}


def check_nothing_yet(t, site):
    mark = site.cluster.mark()
    planned = site.plan()
    t.equal(planned.status, 0, "a dry run plans from nothing")
    t.ok("create Namespace alpha" in planned.planned(), "it says what",
         planned)
    t.equal(site.cluster.writes("reconciler", mark), [], "and writes nothing")
    t.ok(not site.key_file.exists(), "nor a key file")
    return planned.planned()


def check_from_nothing(t, site, planned):
    first = site.once()
    t.equal(first.status, 0, "from nothing one pass makes all")
    t.equal(first.planned(), planned, "it is what was planned")
    for project in ("alpha", "beta"):
        for kind, name in OWN:
            t.ok(site.read(kind, project, name), f"{project} has {kind} {name}")
        t.equal(site.read("Namespace", None, project)["metadata"]["labels"]
                .get(reconciler.PROJECT_ID), project,
                "the namespace is labelled as the project's")
    check_contents(t, site)
    secret = site.read("Secret", reconciler.RUNTIME, reconciler.KEY_SECRET)
    t.ok(secret and site.key_file.exists(), "there are key Secret and file")
    return secret


def check_contents(t, site):
    policy = site.read("NetworkPolicy", "alpha", reconciler.API_POLICY)["spec"]
    t.equal(policy["podSelector"], {"matchLabels": {
        reconciler.MANAGED: "true", reconciler.INSTANCE: reconciler.RUNTIME}},
            "H-45 the policy selects managed pods and no others")
    t.equal(policy["ingress"][0]["from"], [{"namespaceSelector": {
        "matchLabels": {"kubernetes.io/metadata.name": reconciler.RUNTIME}}}],
            "and lets the control plane in")
    t.ok(site.read("NetworkPolicy", reconciler.RUNTIME,
                   reconciler.TOKEN_POLICY),
         "runners are let through to the token service")
    secret = site.read("Secret", "alpha", reconciler.RUNNER_SECRET)
    t.equal((secret["data"], secret["metadata"]["annotations"]),
            ({"ANTHROPIC_API_KEY": ""},
             {"ambient-code.io/runner-secret": "true"}),
            "the runner secret is empty and can be filled")
    settings = site.read("ProjectSettings", "alpha", "projectsettings")
    t.equal(settings["spec"]["groupAccess"],
            [{"groupName": "team/one", "role": "admin"},
             {"groupName": "guests", "role": "view"}],
            "the settings object holds what the settings say")
    pullers = site.bindings(reconciler.IMAGES)
    t.equal(sorted(subjects for _, subjects in pullers.values()),
            [["system:serviceaccounts:alpha"], ["system:serviceaccounts:beta"]],
            "H-35 the second project may pull images as well as the first")
    t.equal({role for role, _ in pullers.values()}, {"system:image-puller"},
            "and nothing but that")


# --- nothing to do ------------------------------------------------------------

def check_quiet(t, site, title="a second pass"):
    mark, api_mark = site.cluster.mark(), site.api.mark()
    quiet = site.once()
    t.equal((quiet.status, quiet.planned()), (0, []), f"{title} plans nothing")
    t.equal([w for w in site.cluster.writes("reconciler", mark)
             if w["resource"] != "leases"], [],
            "it writes nothing but the Lease")
    counts = site.cluster.count_requests("reconciler", mark)
    lists = {what: n for (verb, what), n in counts.items() if verb == "list"}
    t.ok(set(lists) <= QUIET_LISTS and set(lists.values()) == {1},
         "there is one list a kind", counts)
    gets = sum(n for (verb, what), n in counts.items()
               if verb == "get" and what not in ("leases",))
    t.ok(gets <= 2, "and no request an object but for the key Secret", counts)
    t.equal(sorted((entry["method"], entry["path"].rpartition("/")[2])
                   for entry in site.api.log(since=api_mark)),
            [("GET", "project_settings"), ("GET", "projects"),
             ("GET", "sessions")], "the API server is asked once a collection")
    return counts


# --- repair -------------------------------------------------------------------

def check_deleted(t, site):
    """One at a time, so that no repair hides behind another."""
    group = next(iter(site.bindings("alpha", "ambient-group")), None)
    puller = next(name for name, (_, subjects) in site.bindings(
        reconciler.IMAGES).items() if subjects[0].endswith(":alpha"))
    for kind, namespace, name in (
            *((kind, "alpha", name) for kind, name in OWN[1:]),
            ("RoleBinding", "alpha", group),
            ("RoleBinding", reconciler.IMAGES, puller),
            ("NetworkPolicy", reconciler.RUNTIME, reconciler.TOKEN_POLICY)):
        site.delete(kind, namespace, name)
        result = site.once()
        t.ok(result.status == 0 and site.read(kind, namespace, name),
             f"H-43 {kind} {namespace}/{name}, deleted by hand, comes back",
             result)


ALTERED = [
    ("Role", reconciler.CONTROL, {"rules": []}, "rules"),
    ("RoleBinding", reconciler.CONTROL, {"subjects": [
        {"kind": "User", "name": "mallory", "apiGroup": RBAC}]}, "subjects"),
    ("RoleBinding", reconciler.CONTROL, {"subjects": None}, "no subjects"),
    ("NetworkPolicy", reconciler.API_POLICY, {"spec": {
        "podSelector": {"matchLabels": {"foreign": "yes"}}}}, "selector"),
    ("NetworkPolicy", reconciler.API_POLICY, {"spec": {"ingress": []}},
     "ingress"),
    ("ProjectSettings", "projectsettings", {"spec": {"groupAccess": []}},
     "settings"),
] + [(kind, name, {"metadata": {"labels": {
    label: None for label in reconciler.labels("alpha")}}}, "labels stripped")
     for kind, name in OWN[1:]]


def view(item):
    """What of an object has to be as it was."""
    meta = item["metadata"]
    return {"labels": meta.get("labels"), **{
        key: item.get(key) for key in ("rules", "subjects", "roleRef", "spec",
                                       "data")}}


def check_altered(t, site):
    for kind, name, patch, what in ALTERED:
        before = view(site.read(kind, "alpha", name))
        site.patch(kind, "alpha", name, patch)
        t.ok(view(site.read(kind, "alpha", name)) != before,
             f"{kind} {name} is altered: {what}")
        result = site.once()
        t.equal(view(site.read(kind, "alpha", name)), before,
                f"H-43 {kind} {name}, altered by hand ({what}), is repaired")
        t.equal(result.status, 0, "and the pass is a good one")
    check_other_role(t, site)
    check_other_instance(t, site)
    check_namespace_labels(t, site)


def check_other_role(t, site):
    """A roleRef cannot be patched: deleted and made anew."""
    path = kube.path_of("RoleBinding", "alpha", reconciler.CONTROL)
    old = site.read("RoleBinding", "alpha", reconciler.CONTROL)
    site.cluster.admin.delete(path)
    site.cluster.create(
        "RoleBinding", "alpha", subjects=old["subjects"], metadata={
            "name": reconciler.CONTROL, "labels": old["metadata"]["labels"]},
        roleRef={"apiGroup": RBAC, "kind": "ClusterRole",
                 "name": "ambient-project-admin"})
    result = site.once()
    t.equal(view(site.read("RoleBinding", "alpha", reconciler.CONTROL)),
            view(old), "H-43 a binding to another role is made anew")
    t.equal(result.status, 0, "in one pass")


def check_other_instance(t, site):
    """What bears the name of another control plane is its own."""
    where = ("Role", "alpha", reconciler.CONTROL)
    for instance in ("another", reconciler.RUNTIME):
        site.patch(*where, {"metadata": {"labels": {
            reconciler.INSTANCE: instance}}})
        before = site.read(*where)
        result = site.once()
        t.equal((result.status, result.summary["foreign"], site.read(*where)),
                (0, int(instance == "another"), before),
                f"a Role of the instance {instance} is left as it is")


def check_namespace_labels(t, site):
    site.patch("Namespace", None, "alpha", {"metadata": {"labels": {
        reconciler.PREFIX + "managed-by": None, "mine": "stays"}}})
    site.once()
    labels = site.read("Namespace", None, "alpha")["metadata"]["labels"]
    t.equal((labels.get(reconciler.PREFIX + "managed-by"),
             labels.get("mine")), ("ambient-control-plane", "stays"),
            "a label of ours comes back to the namespace, another's stays")


def check_secret(t, site):
    where = ("Secret", "alpha", reconciler.RUNNER_SECRET)
    site.patch(*where, {"stringData": {"ANTHROPIC_API_KEY": "of the user"},
                        "metadata": {"labels": {"app": None}}})
    site.forget_sweep()
    mark = site.cluster.mark()
    result = site.once()
    t.equal((result.status, result.planned(), [
        w for w in site.cluster.writes("reconciler", mark)
        if w["resource"] != "leases"]), (0, [], []),
            "the hourly look at the Secrets is one, and writes nothing")
    t.equal(site.read(*where)["data"]["ANTHROPIC_API_KEY"], "b2YgdGhlIHVzZXI=",
            "the user's key stays in the runner secret")
    t.ok(("list", "secrets") not in site.cluster.count_requests(
        "reconciler", mark), "Secrets are never listed")
    check_quiet(t, site, "a pass after the look")
    site.delete(*where)
    t.equal([site.plan().planned(), site.once().planned()], [[], []],
            "between two looks nobody asks for it")
    site.forget_sweep()
    site.once()
    t.ok(site.read(*where), "deleted by hand it comes back with the next look")


# --- people -------------------------------------------------------------------

def groups(site, project="alpha"):
    return sorted((role, *subjects) for role, subjects in site.bindings(
        project, "ambient-group").values())


def set_groups(site, row, pairs):
    site.api.set_row("project_settings", row, group_access=json.dumps([
        {"groupName": name, "role": role} for name, role in pairs]))
    return site.once()


def check_groups(t, site, row):
    t.equal(groups(site), [("ambient-project-admin", "team/one"),
                           ("ambient-project-view", "guests")],
            "H-37 groups of any name are bound")
    result = set_groups(site, row, [("team/one", "edit")])
    t.equal((result.status, groups(site)),
            (0, [("ambient-project-edit", "team/one")]),
            "H-41 who was taken away or has another role loses the old one")
    result = set_groups(site, row, [("a-b", "edit"), ("a", "view"),
                                    ("A.b@x", "view"), ("a-b@x", "view")])
    t.equal(len(groups(site)), 4, "H-37 no two groups share a binding")
    mark = len(site.events())
    result = set_groups(site, row, [
        ("good", "view"), ("a", "owner"), ("b", "Admin"), ("c", "view "),
        ("system:masters", "admin"), ("system:authenticated", "view")])
    t.equal((result.status, groups(site)),
            (0, [("ambient-project-view", "good")]),
            "H-42 unknown roles and groups of the system get nothing")
    t.equal(len(result.refusals), 5, "each is refused with a message")
    t.ok(all(r["project"] == "alpha" for r in result.refusals),
         "that names the project")
    t.equal(len(site.events()) - mark, 5, "and has an Event")
    site.once()
    t.equal(len(site.events()) - mark, 5, "that is not repeated")
    check_bad_settings(t, site, row)


def check_bad_settings(t, site, row):
    """Nothing is taken away on settings that were not read or understood."""
    for text in ("{", "[1]", '"admin"', '[{"groupName":7,"role":"view"}]',
                 '[{"groupName":"c","role":""}]'):
        site.api.set_row("project_settings", row, group_access=text)
        result = site.once()
        t.equal((result.status, groups(site)),
                (0, [("ambient-project-view", "good")]),
                f"settings {text} take no group away")
        t.ok(result.refusals, "they are complained of")
    number = site.api.fault("status", path="^/project_settings", status=500)
    site.delete("Role", "alpha", reconciler.CONTROL)
    result = site.once()
    t.equal((result.status, groups(site)),
            (3, [("ambient-project-view", "good")]),
            "nor does a list of settings that fails")
    t.ok(site.read("Role", "alpha", reconciler.CONTROL),
         "while the rest is repaired")
    site.api.clear_faults(number)
    result = set_groups(site, row, [])
    t.equal((result.status, groups(site)), (0, []),
            "an empty list of groups takes all away")


def creators(site):
    return sorted(subjects[0] for _, subjects in site.bindings(
        "beta", "ambient-admin").values())


def set_creator(site, who, **options):
    site.api.set_row("projects", "beta", annotations=json.dumps(
        {"ambient-code.io/created-by": who}))
    return site.once(**options)


def check_creator(t, site):
    set_creator(site, "a.b@x")
    t.equal(creators(site), [], "H-40 who is named as creator gets no rights")
    wanted = {"creator_binding": "on"}
    for who in ("a.b@x", "a-b@x"):
        set_creator(site, who, **wanted)
        t.equal(creators(site), [who],
                f"H-36 where that is wanted {who} does, and nobody else")
    set_creator(site, "system:serviceaccount:ns:robot", **wanted)
    t.equal(creators(site), ["robot"], "a service account too")
    for who in ("system:serviceaccount:x", "system:masters", "system:admin"):
        result = set_creator(site, who, **wanted)
        t.equal((result.status, creators(site), len(result.refusals)),
                (0, [], 1), f"H-42 {who} is refused")
    set_creator(site, "a.b@x", **wanted)
    t.equal(creators(site), ["a.b@x"], "the right one again")
    site.once()
    t.equal(creators(site), [], "H-40 switched off, it is taken away")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = reconciler.Site(b)
        site.api.load("projects", [{"name": "alpha"}, {"name": "beta"}])
        site.api.create_settings("beta", [])
        row = site.api.create_settings(
            "alpha", [("team/one", "admin"), ("guests", "view")])
        secret = check_from_nothing(t, site, check_nothing_yet(t, site))
        check_quiet(t, site)
        check_deleted(t, site)
        check_altered(t, site)
        check_secret(t, site)
        check_groups(t, site, row)
        check_creator(t, site)
        check_quiet(t, site, "after all that a pass")
        t.equal(site.read("Secret", reconciler.RUNTIME,
                          reconciler.KEY_SECRET)["metadata"], secret[
                              "metadata"], "the key Secret is untouched")


if __name__ == "__main__":
    main()
