#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The platform mode in which somebody else makes the namespaces, on a real
Kubernetes API server: TenantNamespaces, a second identity that has rights
inside the namespaces only, and no waiting for any of them."""
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

CONFIG = "ambient-code--config"
PREFIX = "ambient-code--"
GRACE = 11 * 60
OPTIONS = {"platform_mode": "mpp"}
INSIDE = [("Role", reconciler.CONTROL), ("RoleBinding", reconciler.CONTROL),
          ("NetworkPolicy", reconciler.API_POLICY),
          ("Secret", reconciler.RUNNER_SECRET)]


def make_site(b):
    cluster = reconciler.start_cluster(b, is_granted=False)
    cluster.create_tenant_namespaces_crd()
    cluster.create_namespace(CONFIG)
    for namespace in (CONFIG, reconciler.RUNTIME, reconciler.IMAGES):
        cluster.grant("reconciler", "reconciler", reconciler.EVERYTHING,
                      namespace)
    cluster.grant("tenant-b", "look-at-namespaces", [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}])
    token = b.path("project-token")
    token.touch(0o600)
    token.write_text(cluster.tokens["tenant-b"])
    return reconciler.Site(b, cluster, project_kube_token_file=token,
                           **OPTIONS)


def grant_inside(site, project):
    """As the platform does when it has made the namespace."""
    namespace = PREFIX + project
    site.cluster.wait_until(lambda: site.read("Namespace", None, namespace),
                            f"{namespace} is made")
    site.cluster.grant("tenant-b", "control-plane", reconciler.EVERYTHING,
                       namespace)
    site.cluster.wait_until(lambda: site.cluster.client("tenant-b").can(
        "create", "roles", namespace), "the rights are there")


def has_all(site, project):
    return all(site.read(kind, PREFIX + project, name)
               for kind, name in INSIDE)


def check_tenants(t, site):
    result = site.once()
    t.equal(result.status, 0, "waiting for namespaces is no failure")
    for project in ("alpha", "beta"):
        tenant = site.read("TenantNamespace", CONFIG, project)
        labels = tenant["metadata"]["labels"]
        t.equal({name: labels.get(name) for name in reconciler.labels(
            project)}, reconciler.labels(project),
                "H-39 the TenantNamespace has the managed labels")
        t.equal((labels.get("tenant.paas.redhat.com/tenant"), labels.get(
            "tenant.paas.redhat.com/namespace-type"), tenant["spec"]),
                ("ambient-code", "runtime", {
                    "type": "runtime",
                    "network": {"security-zone": "internal"}}),
                "and what its operator wants")
    t.ok(site.read("NetworkPolicy", reconciler.RUNTIME,
                   reconciler.TOKEN_POLICY),
         "what waits for no namespace is made")
    t.equal((site.once().planned(), site.read(
        "Namespace", None, PREFIX + "alpha")), ([], None),
            "the next pass looks again, and makes no namespace itself")


def check_inside(t, site):
    """Nothing of one project waits for the rights in another."""
    grant_inside(site, "alpha")
    site.cluster.wait_until(lambda: site.read("Namespace", None,
                                              PREFIX + "beta"), "beta is made")
    mark = site.cluster.mark()
    result = site.once()
    t.equal(result.status, 3, "no rights in one namespace: the status tells")
    t.ok(has_all(site, "alpha"),
         "H-17 the other project is served all the same", result)
    t.ok(all(w["namespace"] in (reconciler.RUNTIME, reconciler.IMAGES, CONFIG)
             for w in site.cluster.writes("reconciler", mark)),
         "H-38 by the project identity and no other")
    grant_inside(site, "beta")
    result = site.once()
    t.equal((result.status, has_all(site, "beta")), (0, True),
            "with the rights it is served too")
    settings = site.read("ProjectSettings", PREFIX + "alpha",
                         "projectsettings")
    t.equal(settings and settings["spec"]["groupAccess"], [
        {"groupName": "team", "role": "view"}],
            "H-38 settings are in the project's own namespace")
    t.ok(site.read("Namespace", None, "alpha") is None,
         "there is none of the bare name")
    t.equal(sorted(subjects[0] for _, subjects in site.bindings(
        reconciler.IMAGES, "ambient-image-puller").values()),
            [f"system:serviceaccounts:{PREFIX}{p}" for p in ("alpha", "beta")],
            "H-35 both may pull images")
    check_quiet(t, site)
    check_repair(t, site)


def check_quiet(t, site):
    mark = site.cluster.mark()
    result = site.once()
    writes = (site.cluster.writes("reconciler", mark)
              + site.cluster.writes("tenant-b", mark))
    t.equal((result.status, result.planned(),
             [w for w in writes if w["resource"] != "leases"]), (0, [], []),
            "a second pass plans nothing and writes nothing")


def check_repair(t, site):
    where = ("Role", PREFIX + "alpha", reconciler.CONTROL)
    site.delete(*where)
    site.patch("TenantNamespace", CONFIG, "beta", {"spec": {
        "network": {"security-zone": "external"}}})
    site.once()
    t.ok(site.read(*where), "what is deleted inside comes back")
    t.equal(site.read("TenantNamespace", CONFIG, "beta")["spec"]["network"],
            {"security-zone": "internal"},
            "what is altered at the TenantNamespace too")


def check_refused(t, site):
    longest, too_long = "l" * 49, "l" * 50
    site.cluster.create_namespace(PREFIX + "squat")
    site.cluster.create("TenantNamespace", CONFIG,
                        apiVersion="tenant.paas.redhat.com/v1alpha1",
                        metadata={"name": "theirs"}, spec={"type": "other"})
    bad = ["config", "runtime-int", "squat", "theirs", too_long]
    before = site.snapshot(CONFIG)
    site.api.load("projects", [{"name": name} for name in (*bad, longest)])
    result = site.once()
    t.equal(sorted(r["project"] for r in result.refusals), sorted(bad),
            "H-24 H-34 names of the platform, of others, and of 64 characters "
            "with the prefix are refused")
    t.equal(sorted(site.names("TenantNamespace", CONFIG)),
            sorted(["alpha", "beta", "theirs", longest]),
            "no TenantNamespace is made for them")
    t.equal(site.read("TenantNamespace", CONFIG, "theirs")["spec"],
            {"type": "other"}, "another's is as it was")
    t.equal(site.snapshot(CONFIG), before, "so is the config namespace")
    told = site.events()
    t.equal(sorted(name for name, reason, _ in told),
            sorted(["config", "runtime-int", too_long, PREFIX + "squat",
                    PREFIX + "theirs"]), "each is told once")
    grant_inside(site, longest)
    result = site.once()
    t.equal((has_all(site, longest), site.events()), (True, told),
            "one of 63 characters is served")
    for name in bad:
        site.api.delete_project(name)


def check_hidden(t, site, proxy):
    """A Namespace that cannot be looked at holds up no TenantNamespace but
    its own, nor that when it is hidden from the project identity only."""
    where = "/api/v1/namespaces/" + PREFIX
    hidden = proxy.on("GET", where + "hidden")
    hidden.answer(403, reason="Forbidden")
    silent = proxy.on("GET", where + "silent")
    silent.answer(500, reason="InternalError")
    site.api.load("projects", [
        {"name": name} for name in ("hidden", "silent", "third")])
    result = site.once()
    t.ok(hidden.hits and silent.hits, "two namespaces cannot be looked at")
    t.equal([bool(site.read("TenantNamespace", CONFIG, name))
             for name in ("hidden", "silent", "third")], [True, False, True],
            "only what gets no answer is not made")
    t.ok(any(PREFIX in line.get("name", "") for line in
             result.events("question_failed")), "which is told", result)
    proxy.clear()
    site.once()
    t.ok(site.read("TenantNamespace", CONFIG, "silent"), "and made good")
    grant_inside(site, "hidden")
    site.once()
    t.ok(has_all(site, "hidden"), "the hidden one is served when it is seen")


def check_deleted(t, site, proxy):
    alpha = site.snapshot(PREFIX + "alpha")
    site.api.delete_project("beta")
    site.through(proxy)
    result = site.once()
    t.equal(result.planned(), [f"mark TenantNamespace {CONFIG}/beta"],
            "H-23 a project that is gone is noted on its TenantNamespace")
    uid = site.read("TenantNamespace", CONFIG, "beta")["metadata"]["uid"]
    site.advance(proxy, GRACE)
    proxy.forget()
    result = site.once()
    t.equal([(r.path.split("?")[0], r.json()["preconditions"]["uid"])
             for r in proxy.seen("DELETE")],
            [(kube.path_of("TenantNamespace", CONFIG, "beta"), uid)],
            "that is deleted, by its uid, and no namespace")
    site.cluster.wait_until_gone("Namespace", None, PREFIX + "beta", 90)
    site.turn_back(proxy)
    result = site.once()
    t.ok(not [s for _, s in site.bindings(reconciler.IMAGES).values()
              if s[0].endswith("--beta")], "then its leave to pull images")
    t.equal(site.snapshot(PREFIX + "alpha"), alpha,
            "nothing of another is touched")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = make_site(b)
        site.api.load("projects", [{"name": "alpha"}, {"name": "beta"}])
        site.api.create_settings("alpha", [("team", "view")])
        with site.cluster.tenant_operator(CONFIG) as operator, \
                kube.Proxy(site.cluster) as proxy:
            operator.pause()
            check_tenants(t, site)
            operator.resume()
            check_inside(t, site)
            check_refused(t, site)
            check_deleted(t, site, proxy)
            check_hidden(t, site, proxy)
            t.equal(operator.errors, [], "the tenant operator had no errors")


if __name__ == "__main__":
    main()
