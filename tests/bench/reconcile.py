# SPDX-License-Identifier: Apache-2.0
"""The measurements of the reconciler, beside a real Kubernetes API server:
the first pass over many projects against plain curl that makes the same
writes in a cluster as empty, a pass with nothing to do, and memory."""
import collections
import json
import os
import pathlib
import subprocess
import tempfile
import time

import ambient
import bed
import figures
import kube
from rows import MIB, say
from targets import BenchError

FIRST_SECONDS = 40
# of what curl takes for the same writes
REPLAY_RATIO = 2
STEADY_SECONDS = 3
STEADY_REQUESTS = 40
MEMORY_BYTES = 48 * MIB
GROUPS = 200
IN_FLIGHT = 16
SAMPLE_PAUSE = 0.02
USER = "reconciler"
IMAGES = "images"
# Bodies of its writes go to the log too, to be made again.
AUDIT_POLICY = {**kube.AUDIT_POLICY, "rules": [
    kube.AUDIT_POLICY["rules"][0],
    {"level": "Request", "users": [USER],
     "verbs": ["create", "update", "patch", "delete"]},
    {"level": "Metadata"}]}
METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH",
           "delete": "DELETE"}
# What a cluster must have in common with another after the same writes.
COMPARED = ("Namespace", "Role", "RoleBinding", "NetworkPolicy",
            "ProjectSettings")
MANAGED = "ambient-code.io/managed=true"
# What another stands on comes first; a kind's writes keep their order.
ORDER = ("namespaces", "secrets", "roles")
GROUP_ROLES = ("view", "edit", "admin")

# how a process ended, and what it used
Run = collections.namedtuple("Run", "seconds cpu memory output")


def start_cluster(bench):
    """A new one, with all that the reconciler finds there."""
    policy = bench.path("audit-policy.json")
    policy.write_text(json.dumps(AUDIT_POLICY))
    cluster = kube.start(bench, flags=[f"--audit-policy-file={policy}"])
    cluster.create_project_settings_crd()
    cluster.apply_manifest(bed.SRCDIR / "conf" / "kubernetes" / "rbac.yaml")
    cluster.grant(USER, "all", [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
    cluster.create_namespace(IMAGES)
    return cluster


def cluster_cpu(cluster):
    """Seconds that its three programs took so far."""
    return sum(figures.cpu_seconds(process.pid) for process in (
        cluster.etcd, cluster.apiserver, cluster.controller_manager))


def watch_memory(process):
    """The most it had, in bytes; returns when it has ended."""
    most = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        most = max([most] + [int(line.split()[1]) * 1024
                             for line in status.splitlines()
                             if line.startswith("VmHWM:")])
        time.sleep(SAMPLE_PAUSE)
    return most


def children_cpu():
    """Seconds of all that were started here and have ended."""
    used = os.times()
    return used.children_user + used.children_system


def run_process(name, argv):
    """Runs it to its end."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        began, cpu = time.monotonic(), children_cpu()
        with subprocess.Popen(
                [str(a) for a in argv], stdout=output, stderr=output,
                preexec_fn=bed.die_with_parent,
                env={"PATH": bed.SYSTEM_PATH, "LC_ALL": "C.UTF-8"}) as process:
            memory = watch_memory(process)
        took, cpu = time.monotonic() - began, children_cpu() - cpu
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise BenchError(f"{name} ended with {process.returncode}: "
                         + text[-2000:])
    return Run(took, cpu, memory, text)


def load_projects(api, projects):
    """Each with groups."""
    api.load("projects", [{"name": f"project-{number}"}
                          for number in range(projects)])
    api.load("project_settings", [
        {"project_id": f"project-{number}",
         "group_access": json.dumps(groups_of(number))}
        for number in range(projects)])


def pattern_of(path):
    """/sessions/ID/status is sessions/*/status."""
    return "/".join("*" if at % 2 else word
                    for at, word in enumerate(path.strip("/").split("/")))


class Site:
    """A cluster, or what stands in its place, the API server's stub, and the
    reconciler between them; options: more of its configuration."""

    def __init__(self, bench, cluster, kubeconfig, **options):
        self.bench = bench
        self.cluster = cluster
        self.api = ambient.start(bench)
        self.config = bench.path("reconciler.conf")
        self.config.touch(0o600)
        self.config.write_text("".join(
            f"{name} = {value}\n" for name, value in {
                "kubeconfig": kubeconfig, "api_server_url": self.api.url,
                "api_token": self.api.token,
                "key_file": bench.path("key.pem"), "key_bits": 2048,
                "lock_file": bench.path("lock"), "image_namespace": IMAGES,
                **options}.items()))
        self.mark = None

    def argv(self, *flags):
        return [bed.BUILDDIR / "ambient-cp-reconciler", "--config",
                self.config, *flags]

    def run_once(self):
        """One pass; the requests that it makes are those since self.mark."""
        self.mark = self.cluster.mark(), self.api.mark()
        return run_process("ambient-cp-reconciler", self.argv("--once"))

    def requests(self):
        """Counter of "verb kind" of the last pass, to both servers."""
        asked = self.cluster.count_requests(USER, self.mark[0])
        found = collections.Counter({
            f"{verb} {resource}": count
            for (verb, resource), count in asked.items()})
        for entry in self.api.log(self.mark[1]):
            found[f"API {entry['method']} {pattern_of(entry['path'])}"] += 1
        return found

    def writes(self):
        """Those of the last pass but for the Lease's."""
        return [write for write in self.cluster.writes(USER, self.mark[0])
                if write["resource"] != "leases"]

    def recorded(self, since=None):
        """(verb, resource, URI, body) of the writes since a mark of the
        cluster's, else of those of the last pass."""
        with open(self.cluster.audit_log, encoding="utf-8") as file:
            file.seek(self.mark[0] if since is None else since)
            events = [json.loads(line) for line in file]
        return [(event["verb"], event["objectRef"]["resource"],
                 event["requestURI"], event.get("requestObject"))
                for event in events
                if event["user"]["username"] == USER
                and event["verb"] in METHODS
                and event["objectRef"]["resource"] != "leases"
                and not event["objectRef"]["resource"].endswith("reviews")]


def groups_of(number):
    """Two groups: one that many projects share and one of its own."""
    return [{"groupName": f"team-{number % GROUPS}",
             "role": GROUP_ROLES[number % len(GROUP_ROLES)]},
            {"groupName": f"people-of-{number}", "role": "view"}]


def describe_objects(cluster):
    """All that the reconciler lists, but for what a server adds."""
    found = {}
    for kind in COMPARED:
        items = cluster.must(cluster.admin.list(
            kube.path_of(kind), labelSelector=MANAGED))
        for item in items:
            meta = item.pop("metadata")
            item.pop("status", None)
            found[kind, meta.get("namespace"), meta["name"]] = (
                item, meta["labels"], meta.get("annotations"))
    return found


# --- the same writes with curl ---------------------------------------------------

def quote(text):
    """As curl's configuration files want it."""
    return ('"' + text.replace("\\", "\\\\").replace('"', '\\"')
            .replace("\n", "\\n") + '"')


def rank(write):
    return ORDER.index(write[1]) if write[1] in ORDER else len(ORDER)


def curl_options(cluster, write):
    """What its configuration file says of one request."""
    verb, _, uri, body = write
    kind = kube.PATCHES["apply"] if verb == "patch" else kube.JSON
    yield "url", cluster.url + uri
    yield "request", METHODS[verb]
    yield "header", f"Authorization: Bearer {cluster.tokens[USER]}"
    yield "header", f"Content-Type: {kind}"
    yield "cacert", str(cluster.ca)
    yield "output", "/dev/null"
    yield "write-out", "%{http_code}\n"
    if body is not None:
        yield "data-binary", json.dumps(body)


def write_curl_config(path, cluster, writes):
    """One file for all: only one process keeps its connection."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("next\n".join(
            "".join(f"{name} = {quote(value)}\n"
                    for name, value in curl_options(cluster, write))
            for write in sorted(writes, key=rank)))


def replay(bench, cluster, writes):
    """(Run of curl, how many writes were not answered as they were)."""
    config = bench.path("replay.curl")
    write_curl_config(config, cluster, writes)
    run = run_process("curl", [
        bed.find_program("curl"), "--disable", "--silent", "--parallel",
        "--parallel-max", IN_FLIGHT, "--no-progress-meter", "--config", config])
    good = sum(line in ("200", "201") for line in run.output.split())
    return run, len(writes) - good


# --- the rows ------------------------------------------------------------------

def judge_memory(report, name, run, most):
    report.judge(name, run.memory, f"{run.memory / MIB:.1f} MiB",
                 f"under {most // MIB} MiB", 0 < run.memory < most, None)


def measure_first(report, site, projects):
    """Returns the Run, the cluster's seconds and the writes."""
    say(f"the first pass over {projects} projects")
    with report.others() as others:
        cluster = cluster_cpu(site.cluster)
        run = site.run_once()
        cluster = cluster_cpu(site.cluster) - cluster
    requests, writes = site.requests(), site.recorded()
    refused = [write for write in site.writes() if write["code"] >= 400]
    report.expect(not refused, f"writes of the first pass were refused: "
                  f"{refused[:3]}")
    report.expect(len(writes) >= 8 * projects,
                  f"the first pass made {len(writes)} writes")
    name = f"first pass, {projects} projects"
    report.judge(name, run.seconds, f"{run.seconds:.1f} s",
                 f"under {FIRST_SECONDS} s", run.seconds < FIRST_SECONDS,
                 others)
    report.add(f"{name}, writes", len(writes), str(len(writes)),
               dict(collections.Counter(
                   f"{verb} {kind}" for verb, kind, *_ in writes)))
    report.add(f"{name}, requests", requests.total(), str(requests.total()),
               dict(requests))
    report.add(f"{name}, our CPU", run.cpu, f"{run.cpu:.2f} s", None, others)
    judge_memory(report, f"{name}, memory", run, MEMORY_BYTES)
    return run, cluster, writes


def run_steady(report, site, name):
    """A pass with nothing to do: Run, requests and others."""
    say(name)
    with report.others() as others:
        run = site.run_once()
    writes = site.writes()
    report.expect(not writes, f"{name} writes: {writes[:3]}")
    return run, site.requests(), others


def measure_steady(report, site, name):
    run, requests, others = run_steady(report, site, name)
    report.judge(name, run.seconds, f"{run.seconds:.2f} s",
                 f"under {STEADY_SECONDS} s", run.seconds < STEADY_SECONDS,
                 others)
    report.judge(f"{name}, requests", requests.total(), str(requests.total()),
                 f"under {STEADY_REQUESTS}",
                 requests.total() < STEADY_REQUESTS, None, dict(requests))
    report.add(f"{name}, our CPU", run.cpu, f"{run.cpu:.2f} s", None, others)
    judge_memory(report, f"{name}, memory", run, MEMORY_BYTES)


def measure_replay(report, first, objects):
    """curl in a cluster of its own; first is what measure_first found, and
    objects what there was then."""
    run, cluster_used, writes = first
    say(f"curl makes the same {len(writes)} writes in a new cluster")
    with bed.Bed() as bench:
        cluster = start_cluster(bench)
        with report.others() as others:
            used = cluster_cpu(cluster)
            again, bad = replay(bench, cluster, writes)
            used = cluster_cpu(cluster) - used
        report.expect(objects == describe_objects(cluster),
                      "curl's writes make other objects than the first pass")
        end_bed(report, bench)
    report.expect(bad == 0, f"{bad} of curl's writes were refused")
    report.add(f"curl's replay of its writes, {IN_FLIGHT} at a time",
               again.seconds, f"{again.seconds:.1f} s", None, others)
    ratio = run.seconds / again.seconds
    report.judge("first pass / replay", ratio, f"{ratio:.2f}",
                 f"at most {REPLAY_RATIO}", ratio <= REPLAY_RATIO, others)
    pair = {"pass": {"ours": run.cpu, "cluster": cluster_used},
            "replay": {"curl": again.cpu, "cluster": used}}
    ratio = (run.cpu + cluster_used) / (again.cpu + used)
    report.add("first pass / replay, CPU with the cluster's", ratio,
               f"{ratio:.2f}", pair, others)


def end_bed(report, bench):
    for fault in bench.close():
        report.expect(False, fault)


def start_site(bench, projects, **options):
    """Beside a real cluster with nothing in it."""
    say("starting a cluster")
    cluster = start_cluster(bench)
    site = Site(bench, cluster, cluster.write_kubeconfig(user=USER),
                **options)
    load_projects(site.api, projects)
    return site


def measure(report, projects):
    """All of it, in two clusters that do not run at the same time."""
    with bed.Bed() as bench:
        site = start_site(bench, projects)
        first = measure_first(report, site, projects)
        objects = describe_objects(site.cluster)
        measure_steady(report, site, f"steady pass, {projects} projects")
        end_bed(report, bench)
    measure_replay(report, first, objects)
