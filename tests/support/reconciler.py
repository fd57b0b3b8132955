# SPDX-License-Identifier: Apache-2.0
"""The reconciler in a test bed, between a cluster (kube.py) and the stub of
the Ambient API (ambient.py).

    site = reconciler.Site(b)                # starts both
    site.api.load("projects", [{"name": "alpha"}])
    result = site.once()                     # --once --json
    result.status, result.actions, result.summary
    loop = site.start_loop(resync="1s")
    ...
    site.through(proxy)                      # from now on behind a kube.Proxy

The control plane's identity is the user `reconciler`, who may do everything
at first; images is the namespace of the runner images.
"""
import datetime
import email.utils
import json
import os
import re
import subprocess

import ambient
import bed
import kube

RUNTIME = "ambient-code"
IMAGES = "images"
KEY_SECRET = "ambient-cp-token-keypair"
RUNNER_SECRET = "ambient-runner-secrets"
CONTROL = "ambient-control-plane-project-manager"
API_POLICY = "allow-ambient-api-server"
TOKEN_POLICY = "allow-runner-token-fetch"
LEASE = "ambient-cp-reconciler"
PREFIX = "ambient-code.io/"
ABSENT = PREFIX + "absent-since"
SWEPT = PREFIX + "secrets-swept-at"
MANAGED, INSTANCE = PREFIX + "managed", PREFIX + "instance"
PROJECT_ID = PREFIX + "project-id"
TIMEOUT = 300
LONG_AGO = "2020-01-01T00:00:00Z"
CLUSTERS_OWN = re.compile("ServiceAccount/default|Secret/default-token-.*"
                          "|ConfigMap/kube-root-ca.crt")
EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
CONVERGED, NOTHING, USAGE, PARTIAL, LOCKED = 0, 1, 2, 3, 75


def labels(project=None, instance=RUNTIME):
    """As our objects carry them."""
    made = {MANAGED: "true", INSTANCE: instance,
            PREFIX + "managed-by": "ambient-control-plane"}
    return {**made, PROJECT_ID: project} if project else made


def roles_for_people(cluster):
    """The roles that people are bound to come with the platform."""
    for role in ("admin", "edit", "view"):
        cluster.create("ClusterRole", metadata={
            "name": f"ambient-project-{role}"}, rules=EVERYTHING)
    cluster.create("ClusterRole", metadata={"name": "system:image-puller"},
                   rules=[])


class Result:
    """What a run that ended said: .status, .out, .log (lines), and with
    --json .actions, .refusals, .summary."""

    def __init__(self, ended):
        self.status = ended.returncode
        self.out = ended.stdout
        self.err = ended.stderr
        self.log = [json.loads(line) for line in ended.stderr.splitlines()
                    if line.startswith("{")]
        try:
            said = json.loads(ended.stdout)
        except ValueError:
            said = {}
        plan = said.get("plan", {})
        self.actions = plan.get("actions")
        self.refusals = plan.get("refusals")
        self.summary = said.get("summary")

    def planned(self):
        """["verb Kind namespace/name"], sorted; None without a plan."""
        return self.actions and sorted(
            f"{a['verb']} {a['kind']} "
            + (f"{a['namespace']}/" if a["namespace"] else "") + a["name"]
            for a in self.actions)

    def events(self, name):
        return [line for line in self.log if line.get("event") == name]

    def __repr__(self):
        return (f"status {self.status}\n{self.out[-2000:]}\n"
                f"{self.err[-3000:]}")


class Site:
    """.cluster, .api, .key_file; options: lines of the configuration."""

    def __init__(self, b, cluster=None, api=None, user="reconciler",
                 **options):
        self.bed = b
        self.cluster = cluster or start_cluster(b)
        self.api = api or ambient.start(b)
        self.key_file = b.path("key.pem")
        self.metrics_file = b.path("metrics.prom")
        self.kubeconfig = self.cluster.write_kubeconfig(user=user)
        self.options = {
            "kubeconfig": self.kubeconfig, "api_server_url": self.api.url,
            "api_token": self.api.token, "key_file": self.key_file,
            "key_bits": 2048, "lock_file": b.path("lock"),
            "runtime_namespace": RUNTIME, "image_namespace": IMAGES,
            "metrics_file": self.metrics_file, "log_format": "json",
            **options}
        self.runtime = self.options["runtime_namespace"]

    def another(self, **options):
        """The same once more: with files of its own, and other options."""
        other = Site(self.bed, self.cluster, self.api)
        other.options = {**self.options, **{
            name: other.options[name]
            for name in ("key_file", "lock_file", "metrics_file")}, **options}
        other.runtime = other.options["runtime_namespace"]
        other.key_file = other.options["key_file"]
        other.metrics_file = other.options["metrics_file"]
        return other

    def through(self, proxy):
        """From now on it talks to the cluster through a kube.Proxy."""
        self.options["kubeconfig"] = proxy.write_kubeconfig(
            self.bed.path("proxied.yaml"))
        return proxy

    # --- running it -----------------------------------------------------------

    def argv(self, *flags, **options):
        lines = {**self.options, **options}
        config = self.bed.write_config("".join(
            f"{name} = {value}\n" for name, value in lines.items()
            if value is not None))
        return [str(word) for word in (
            *bed.WRAPPER, bed.BUILDDIR / "ambient-cp-reconciler", "--config",
            config, *flags)]

    def environment(self):
        return {"PATH": bed.SYSTEM_PATH, "LC_ALL": "C.UTF-8",
                "HOME": str(self.bed.scratch),
                **{name: value for name, value in os.environ.items()
                   if name.endswith("SAN_OPTIONS")}}

    def run(self, *flags, **options):
        """To its end; a crash is an exception."""
        ended = subprocess.run(
            self.argv(*flags, **options), env=self.environment(), text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
            check=False)
        if (ended.returncode not in (CONVERGED, NOTHING, USAGE, PARTIAL,
                                     LOCKED)
                or bed.SANITIZER.search(ended.stderr)):
            raise RuntimeError(f"ended with {ended.returncode}:\n"
                               f"{ended.stderr}")
        return Result(ended)

    def once(self, *flags, **options):
        return self.run("--once", "--json", *flags, **options)

    def plan(self, **options):
        return self.run("--dry-run", "--json", **options)

    def start_loop(self, **options):
        """A Process; passes follow each other quickly."""
        return self.bed.start("reconciler", self.argv(
            **{"resync": "1s", "interval": "200ms", **options}))

    def start_once(self, *flags, **options):
        """--once that is not waited for."""
        return self.bed.start("reconciler", self.argv(
            "--once", *flags, **options))

    # --- what there is ----------------------------------------------------------

    def read(self, kind, namespace=None, name=None):
        return self.cluster.read(kind, namespace, name)

    def names(self, kind, namespace):
        return self.cluster.names(kind, namespace)

    def annotate(self, kind, namespace, name, **annotations):
        """Changes annotations of ours: annotate(..., absent_since=...)."""
        return self.cluster.must(self.cluster.admin.patch(
            kube.path_of(kind, namespace, name), {"metadata": {
                "annotations": {PREFIX + key.replace("_", "-"): value
                                for key, value in annotations.items()}}}))

    def advance(self, proxy, seconds):
        """The clocks of both servers are ahead by that much; the rule that
        does it for the cluster behind a kube.Proxy."""
        self.api.set(clock_offset=seconds)
        return advance(proxy, seconds)

    def turn_back(self, proxy):
        """Both clocks are right again, and the proxy does nothing."""
        self.api.set(clock_offset=0)
        proxy.clear()

    def forget_sweep(self):
        """The hourly look at the Secrets is due."""
        self.annotate("Lease", self.runtime, LEASE, secrets_swept_at=LONG_AGO)

    def drop_lease(self):
        """Whoever held it was killed, and nobody is to wait for that."""
        self.cluster.admin.delete(
            kube.path_of("Lease", self.runtime, LEASE))

    def delete(self, kind, namespace, name):
        self.cluster.must(self.cluster.admin.delete(
            kube.path_of(kind, namespace, name)))

    def patch(self, kind, namespace, name, value, how="merge"):
        return self.cluster.must(self.cluster.admin.patch(
            kube.path_of(kind, namespace, name), value, how))

    def bindings(self, namespace, prefix=""):
        """{name: (role, [subjects])} of the bindings in a namespace."""
        items = self.cluster.must(self.cluster.admin.list(
            kube.path_of("RoleBinding", namespace)))
        return {item["metadata"]["name"]: (
            item["roleRef"]["name"],
            [s["name"] for s in item.get("subjects", [])])
            for item in items if item["metadata"]["name"].startswith(prefix)}

    def events(self):
        """Those that we wrote: (object, reason, message)."""
        items = self.cluster.must(self.cluster.admin.list("/api/v1/events"))
        return [(e["involvedObject"]["name"], e["reason"], e["message"])
                for e in items
                if e["source"].get("component") == "ambient-cp-reconciler"]

    def snapshot(self, namespace):
        """{path: (uid, resourceVersion)} of what is in a namespace, and the
        namespace itself; but for what the cluster puts into each, some time
        after it was made."""
        seen = {}
        for kind in ("ServiceAccount", "Secret", "ConfigMap", "Service",
                     "Pod", "Role", "RoleBinding", "NetworkPolicy"):
            for item in self.cluster.must(self.cluster.admin.list(
                    kube.path_of(kind, namespace))):
                meta = item["metadata"]
                if not CLUSTERS_OWN.fullmatch(f"{kind}/{meta['name']}"):
                    seen[f"{kind}/{meta['name']}"] = (
                        meta["uid"], meta["resourceVersion"])
        meta = self.read("Namespace", None, namespace)["metadata"]
        seen["Namespace"] = (meta["uid"], meta.get("labels"),
                             meta.get("annotations"),
                             meta.get("deletionTimestamp"))
        return seen


def advance(proxy, seconds):
    """The clock of a cluster behind a proxy is ahead by that much; for the
    API server's too, Site.advance()."""
    def change(_request, answer):
        now = datetime.datetime.now(datetime.timezone.utc)
        then = now + datetime.timedelta(seconds=seconds)
        answer.headers = [
            (name, value) for name, value in answer.headers
            if name.lower() != "date"
        ] + [("Date", email.utils.format_datetime(then, usegmt=True))]
    return proxy.on().edit(change)


def start_cluster(b, is_granted=True):
    """With what the control plane finds when it is installed; is_granted:
    the user reconciler may do everything."""
    cluster = kube.start(b)
    cluster.create_project_settings_crd()
    roles_for_people(cluster)
    if is_granted:
        cluster.grant("reconciler", "reconciler", EVERYTHING)
    cluster.create_namespace(RUNTIME)
    cluster.create_namespace(IMAGES)
    return cluster
