#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped Kubernetes manifests: a real API server takes all of them, the
reconciler works with exactly the rights they give, and --check names each
right that is taken away, so there is none too many."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, it is asked a hundred times; the same code runs in other tests
# openssl: no, ambient-cp-token is not in it
import os
import re
import subprocess
import sys

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ambient
import bed
import kube
import tap

MANIFESTS = bed.SRCDIR / "conf" / "kubernetes"
PROGRAM = bed.BUILDDIR / "ambient-cp-reconciler"
RUNTIME = "ambient-code"
CONFIG = "ambient-code--config"
IMAGES = "images"
ACCOUNT = "ambient-control-plane"
USER = f"system:serviceaccount:{RUNTIME}:{ACCOUNT}"
ALL_THERE = "permissions: all there\n"
CONVERGED, BAD, PARTIAL = 0, 1, 3
SUCCESS = re.compile(
    r"^ambient_cp_reconciler_last_success_timestamp_seconds (\d+)$", re.M)


def read(name):
    """The documents of a manifest, for the API server that is tested with."""
    # 1.20 serves CronJobs as a beta only, newer ones no longer do
    text = (MANIFESTS / name).read_text().replace(
        "apiVersion: batch/v1\n", "apiVersion: batch/v1beta1\n")
    return [d for d in yaml.safe_load_all(text) if d]


class Scene:
    def __init__(self, b):
        self.bed = b
        self.cluster = kube.start(b)
        self.cluster.create_project_settings_crd()
        self.cluster.create_tenant_namespaces_crd()
        for name in (CONFIG, IMAGES):
            self.cluster.create_namespace(name)
        self.api = ambient.start(b)
        self.api.create_project("alpha")
        self.api.create_settings("alpha", [("developers", "edit"),
                                           ("bosses", "admin")])

    def apply(self, t, name):
        for item in read(name):
            meta = item["metadata"]
            place = kube.path_of(item["kind"], meta.get("namespace"),
                                 meta["name"])
            status, answer = self.cluster.admin.apply(place, item, "kubectl")
            t.ok(status in (200, 201), f"{name}: {item['kind']} "
                 f"{meta['name']} is accepted", f"{status} {answer}")

    def log_in(self):
        """From here on the reconciler is the manifests' account."""
        token = self.bed.path("account-token")
        token.touch(0o600)
        token.write_text(self.cluster.request_token(RUNTIME, ACCOUNT))
        self.kubeconfig = self.cluster.write_kubeconfig(
            self.bed.path("account.yaml"), ACCOUNT,
            user_extras={"token": None, "tokenFile": str(token)},
            context_extras={"namespace": RUNTIME})

    def write_config(self, *lines):
        """The shipped configuration with the places of this test."""
        home = self.bed.path("home")
        (home / "ambient-cp").mkdir(parents=True)
        text = read("config.yaml")[0]["data"]["ambient-cp.conf"]
        text = self.bed.substitute(text, {
            "https://ambient-api.example": self.api.url,
            "/run/reconciler/": f"{home}/"}, "config.yaml")
        return self.bed.write_config("\n".join([
            text, f"key_file = {home}/token-key.pem",
            f"lock_file = {home}/lock", f"kubeconfig = {self.kubeconfig}",
            "key_bits = 2048", *lines]) + "\n")

    def run(self, config, *flags, **environment):
        return subprocess.run(
            [PROGRAM, "--config", config, *flags], text=True,
            capture_output=True, check=False, stdin=subprocess.DEVNULL,
            timeout=4 * bed.PATIENCE, env={
                "PATH": bed.SYSTEM_PATH,
                **{k: v for k, v in os.environ.items()
                   if k.endswith("SAN_OPTIONS")},
                **(environment or {"AMBIENT_API_TOKEN": ambient.TOKEN})})


# --- the pods -----------------------------------------------------------------

def pod_specs():
    yield read("deployment.yaml")[0]["spec"]["template"]["spec"]
    yield read("cronjob.yaml")[0]["spec"]["jobTemplate"]["spec"]["template"][
        "spec"]


def check_pods(t):
    for spec in pod_specs():
        for container in spec["containers"]:
            security = container["securityContext"]
            t.ok(spec["securityContext"]["runAsNonRoot"]
                 and spec["securityContext"]["seccompProfile"]
                 == {"type": "RuntimeDefault"}
                 and not security["allowPrivilegeEscalation"]
                 and security["readOnlyRootFilesystem"]
                 and security["capabilities"] == {"drop": ["ALL"]},
                 f"container {container['name']} is confined")
            mounted = {m["name"] for m in container["volumeMounts"]}
            volumes = {v["name"] for v in spec["volumes"]}
            t.ok(mounted <= volumes, "and mounts volumes that are there",
                 mounted - volumes)
    by_name = {c["name"]: {m["name"] for m in c["volumeMounts"]}
               for c in next(pod_specs())["containers"]}
    t.equal([n for n, m in by_name.items() if "account" in m], ["reconciler"],
            "the account's token is in the reconciler alone")
    t.ok("key-file" not in by_name["nginx"], "nginx does not see the key file")


def container_environment(b, container):
    """What a container has, its secrets in files of the test."""
    environment = {}
    for variable in container["env"]:
        value = variable["value"]
        if variable["name"].endswith("_FILE"):
            path = b.path("secret")
            path.touch(0o600)
            path.write_text("a secret\n")
            value = str(path)
        environment[variable["name"]] = value
    return environment


def check_configuration(t, scene):
    """Each program accepts its part of it; nothing else is judged here."""
    for spec in pod_specs():
        for container in spec["containers"]:
            name = os.path.basename(container["command"][0])
            if not name.startswith("ambient-cp-"):
                continue
            config = scene.write_config()
            done = subprocess.run(
                [bed.BUILDDIR / name, "--check", "--config", config],
                text=True, capture_output=True, check=False,
                env={"PATH": bed.SYSTEM_PATH,
                     **container_environment(scene.bed, container)})
            t.ok("oidc_client_secret = set" in done.stdout
                 and "error:" not in done.stdout
                 and '"configuration"' not in done.stderr,
                 f"{name} takes configuration and environment of container "
                 f"{container['name']}", done.stdout, done.stderr)


# --- rights -------------------------------------------------------------------

def check_passes(t, scene, config, what):
    start = scene.cluster.mark()
    done = scene.run(config, "--check")
    t.ok(done.returncode == CONVERGED and ALL_THERE in done.stdout,
         f"{what}: --check finds all rights with the manifests' account",
         done.stdout, done.stderr)
    scene.cluster.wait_until(lambda: settle(scene, config), "all is made")
    mark = scene.cluster.mark()
    done = scene.run(config, "--once")
    t.equal((done.returncode, done.stdout.split(",")[0]),
            (CONVERGED, "done 0"), f"{what}: --once converges")
    others = [w for w in scene.cluster.writes(USER, mark)
              if w["resource"] != "leases"]
    t.equal(others, [], "and then writes nothing but its Lease")
    refused = [r for r in scene.cluster.requests(USER, start)
               if r["code"] == 403]
    t.equal(refused, [], "nothing that it asked for was refused")


def settle(scene, config):
    done = scene.run(config, "--once")
    if done.returncode != CONVERGED and "Forbidden" in done.stderr:
        raise RuntimeError(done.stderr)
    return (done.returncode == CONVERGED
            and done.stdout.startswith("done 0, waiting 0, failed 0"))


def check_dry_run(t, scene, config):
    """It writes nothing, and needs no right to."""
    scene.cluster.grant("reconciler", "reader", [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}])
    scene.api.create_project("wanted")
    reader = scene.cluster.write_kubeconfig(
        scene.bed.path("reader.yaml"), "reconciler",
        context_extras={"namespace": RUNTIME})
    scene.cluster.wait_until(
        lambda: scene.cluster.client("reconciler").can("list", "pods"),
        "it may read")
    done = scene.run(config, "--dry-run", "--kubeconfig", reader)
    t.ok(done.returncode == CONVERGED
         and "create Namespace wanted (missing)" in done.stdout
         and "unknown lists 0" in done.stdout,
         "--dry-run needs no right to write", done.stdout, done.stderr)
    t.equal(scene.cluster.writes("reconciler"), [], "and writes nothing")


def check_rotation(t, scene, config):
    done = scene.run(config, "--rotate-key")
    t.equal(done.returncode, CONVERGED, "--rotate-key works with them")


def check_metrics(t, scene):
    """The page has their names; a pass that fails keeps the last success."""
    file = scene.bed.path("metrics")
    config = scene.write_config(f"metrics_file = {file}")
    scene.run(config, "--once")
    names = set(re.findall(r"^# TYPE ambient_cp_reconciler_(\w+)",
                           file.read_text(), re.M))
    page = (bed.SRCDIR / "man" / "ambient-cp-reconciler.8").read_text()
    described = re.findall(r"^\.It Ql (.*)$", page.split(
        ".Ss Metrics")[1].split(".Sh ")[0], re.M)
    t.equal(sorted(names), sorted(", ".join(described).replace(
        " ,", ",").split(", ")), "the manual page names each metric")
    before = re.findall(SUCCESS, file.read_text())
    t.ok(before and int(before[0]) > 0, "a pass that converged is noted")
    done = scene.run(config, "--once", AMBIENT_API_TOKEN="wrong")
    t.equal((done.returncode, re.findall(SUCCESS, file.read_text())),
            (PARTIAL, before), "one that does not leaves the time alone")


def each_right(rules):
    """(rules without it, words of --check) for every verb and name."""
    for at, rule in enumerate(rules):
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames", [None]):
                    yield (list(without(rules, at, resource, verb, name)),
                           f"may not {verb} {resource}"
                           + (f"/{name}" if name else ""))


def without(rules, at, resource, verb, name):
    yield from rules[:at] + rules[at + 1:]
    rule = rules[at]
    other_resources = [r for r in rule["resources"] if r != resource]
    other_verbs = [v for v in rule["verbs"] if v != verb]
    other_names = [n for n in rule.get("resourceNames", []) if n != name]
    if other_resources:
        yield {**rule, "resources": other_resources}
    if other_verbs:
        yield {**rule, "resources": [resource], "verbs": other_verbs}
    if other_names:
        yield {**rule, "resources": [resource], "verbs": [verb],
               "resourceNames": other_names}


def check_each_right(t, scene, config, name):
    for role in read(name):
        if role["kind"] not in ("Role", "ClusterRole"):
            continue
        meta = role["metadata"]
        path = kube.path_of(role["kind"], meta.get("namespace"), meta["name"])
        for rules, words in each_right(role["rules"]):
            scene.cluster.must(scene.cluster.admin.patch(
                path, {"rules": rules}))
            check_missing(t, scene, config, words)
        scene.cluster.must(scene.cluster.admin.patch(
            path, {"rules": role["rules"]}))
    scene.cluster.wait_until(
        lambda: ALL_THERE in scene.run(config, "--check").stdout,
        "all rights are back")


def check_missing(t, scene, config, words):
    """The server's authorizer hears of a change a little later."""
    def is_only_one():
        done = scene.run(config, "--check")
        missing = [line for line in done.stdout.split("\n")
                   if line.startswith("may not ")]
        seen[:] = [done.returncode, missing]
        return (done.returncode == BAD and missing
                and all(line.startswith(words) for line in missing))
    seen = []
    try:
        bed.wait_until(is_only_one, "it is noticed", 10)
        t.ok(True, f"--check says: {words}")
    except TimeoutError:
        t.ok(False, f"--check says: {words}", seen)


def check_two_identities(t, scene):
    """The account with the Roles of the manifests and the right to what is
    in the image namespace; a second one that may do all in projects."""
    scene.cluster.must(scene.cluster.admin.delete(
        kube.path_of("ClusterRoleBinding", None, ACCOUNT)))
    account = {"name": ACCOUNT, "namespace": RUNTIME}
    for namespace, name in ((RUNTIME, "policies"), (IMAGES, "pullers")):
        scene.cluster.create(
            "RoleBinding", namespace, metadata={"name": name}, roleRef={
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole", "name": ACCOUNT},
            subjects=[{"kind": "ServiceAccount", **account}])
    token = scene.bed.path("project-token")
    token.touch(0o600)
    token.write_text(scene.cluster.tokens["admin"])
    config = scene.write_config(
        f"image_namespace = {IMAGES}", f"keypair_owner = {ACCOUNT}",
        f"project_kube_token_file = {token}")
    scene.api.create_project("beta")
    scene.cluster.wait_until(
        lambda: "permissions outside of projects: all there\n"
        "permissions in projects: all there\n"
        in scene.run(config, "--check").stdout,
        "--check finds all rights of two identities")
    done = scene.run(config, "--once")
    t.ok(done.returncode == CONVERGED
         and "create Namespace beta (missing)" in done.stdout,
         "two identities share the work", done.stdout, done.stderr)


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        check_pods(t)
        scene = Scene(b)
        for name in ("rbac.yaml", "rbac-mpp.yaml", "config.yaml",
                     "deployment.yaml", "cronjob.yaml"):
            scene.apply(t, name)
        scene.log_in()
        check_configuration(t, scene)
        standard = scene.write_config(
            f"image_namespace = {IMAGES}", f"keypair_owner = {ACCOUNT}")
        check_passes(t, scene, standard, "standard")
        check_dry_run(t, scene, standard)
        check_metrics(t, scene)
        check_rotation(t, scene, standard)
        check_each_right(t, scene, standard, "rbac.yaml")
        tenants = scene.write_config("platform_mode = mpp",
                                     "instance = tenants")
        # it is another control plane's now, and neither touches the other's
        scene.cluster.must(scene.cluster.admin.delete(kube.path_of(
            "NetworkPolicy", RUNTIME, "allow-runner-token-fetch")))
        with scene.cluster.tenant_operator(CONFIG):
            check_passes(t, scene, tenants, "mpp")
        check_each_right(t, scene, tenants, "rbac-mpp.yaml")
        check_two_identities(t, scene)


if __name__ == "__main__":
    main()
