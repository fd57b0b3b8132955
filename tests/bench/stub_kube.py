# SPDX-License-Identifier: Apache-2.0
"""As much of a Kubernetes API server as the reconciler needs to be measured
beside many sessions: it keeps in memory what is written, answers lists page
by page, and takes next to no time for either. Nothing is judged, no selector
is looked at, and a pod runs as soon as it is made.

    cluster = stub_kube.Cluster(bench)
    cluster.write_kubeconfig()
"""
import collections
import contextlib
import itertools
import json
import re
import threading
import time
import urllib.parse

import kube
from ambient_http import Reply, Server

# what a pod weighs in a list of a real server
POD_BYTES = 14 * 1024
PATH = re.compile(r"(/api/v1|/apis/[^/]+/[^/]+)"
                  r"(?:/namespaces/([^/]+)(?=/))?/([^/]+)(?:/([^/]+))?")
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch",
         "DELETE": "delete"}
KINDS = {(api, plural): kind for kind, (api, plural, _) in kube.KINDS.items()}
# of the longest list that a page may be asked for
MOST = 1000


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


def merge(value, patch):
    """RFC 7396."""
    for name, inner in patch.items():
        if inner is None:
            value.pop(name, None)
        elif isinstance(inner, dict):
            merge(value.setdefault(name, {}), inner)
        else:
            value[name] = inner


# --- what a cluster adds to a pod ---------------------------------------------

def fields_of(value):
    """As managedFields name them."""
    if not isinstance(value, dict):
        return {}
    return {f"f:{name}": fields_of(inner) for name, inner in value.items()}


def entry_of(manager, stamp, **parts):
    return {"manager": manager, "operation": "Update", "apiVersion": "v1",
            "time": stamp, "fieldsType": "FieldsV1",
            "fieldsV1": fields_of(parts)}


def status_of(pod, stamp):
    return {
        "phase": "Running", "hostIP": "10.0.0.1", "podIP": "10.1.0.1",
        "startTime": stamp, "qosClass": "Burstable",
        "conditions": [{"type": name, "status": "True", "lastProbeTime": None,
                        "lastTransitionTime": stamp}
                       for name in ("Initialized", "Ready", "ContainersReady",
                                    "PodScheduled")],
        "containerStatuses": [
            {"name": one["name"], "ready": True, "restartCount": 0,
             "image": one["image"], "imageID": one["image"],
             "containerID": "cri-o://0", "started": True, "lastState": {},
             "state": {"running": {"startedAt": stamp}}}
            for one in pod["spec"]["containers"]]}


def let_run(pod, stamp):
    """Scheduler, kubelet and server have all done their part. What is short
    of a real pod's weight then is more of the same: half of it what somebody
    says of it, half which fields somebody manages."""
    pod["status"] = status_of(pod, stamp)
    entries = [entry_of("ambient-cp-reconciler", stamp,
                        metadata=pod["metadata"], spec=pod["spec"]),
               entry_of("kubelet", stamp, status=pod["status"])]
    pod["metadata"]["managedFields"] = entries
    missing = max(0, POD_BYTES - len(dump(pod)))
    entries[1]["fieldsV1"]["f:more"] = {
        f"f:{number:06}": {} for number in range(missing // 2 // 14)}
    pod["status"]["more"] = [
        {"name": f"NUMBER_{number:03}", "value": f"what {number:03} is"}
        for number in range(missing // 2 // 45)]


# --- the server -----------------------------------------------------------------

class Refused(Exception):
    """Answered with a Status."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Asked:
    """A request's place: .table is (API, plural), .key (namespace, name)."""

    def __init__(self, request):
        path, _, query = request.target.partition("?")
        api, namespace, plural, name = PATH.fullmatch(path).groups()
        self.table = api, plural
        self.key = namespace, name
        self.name = name
        self.query = dict(urllib.parse.parse_qsl(query))
        self.is_list = request.method == "GET" and name is None
        self.verb = ("list" if self.is_list
                     else VERBS.get(request.method, "get"))


class Cluster:
    """In place of a kube.Cluster, as far as reconcile.Site asks for one."""

    def __init__(self, bench):
        self.bench = bench
        self.lock = threading.Lock()
        self.tables = collections.defaultdict(dict)
        # made when they are asked for the first time: lists as bytes
        self.pages = {}
        self.numbers = itertools.count(1)
        self.log = []
        home = bench.path("stub-kube")
        home.mkdir()
        authority = kube.Authority(home)
        self.ca = authority.path
        self.server = Server(
            kube.HOST, 0, self.handle, time.time, lambda: 60,
            authority.issue("server", "stub-kube", names=[kube.HOST]))

    def write_kubeconfig(self):
        path = self.bench.path("stub-kubeconfig.json")
        path.touch(0o600)
        path.write_text(json.dumps({
            "clusters": [{"name": "stub", "cluster": {
                "server": f"https://{kube.HOST}:{self.server.port}",
                "certificate-authority": str(self.ca)}}],
            "users": [{"name": "stub", "user": {"token": "any"}}],
            "contexts": [{"name": "stub", "context": {
                "cluster": "stub", "user": "stub"}}],
            "current-context": "stub"}))
        return path

    def close(self):
        self.server.close()

    # --- what was asked ---------------------------------------------------------

    def mark(self):
        return len(self.log)

    def requests(self, since):
        return [{"verb": verb, "resource": plural, "code": code}
                for verb, plural, code in self.log[since:]]

    def count_requests(self, _user, since):
        return collections.Counter(
            (asked["verb"], asked["resource"])
            for asked in self.requests(since))

    def writes(self, _user, since):
        return [asked for asked in self.requests(since)
                if asked["verb"] in VERBS.values()]

    def average_size(self, kind):
        """Bytes of one object in a list."""
        table = self.tables[kube.KINDS[kind][:2]]
        return sum(map(len, table.values())) / max(1, len(table))

    # --- answers ----------------------------------------------------------------

    def handle(self, request):
        asked = Asked(request)
        code, body = 200, b""
        try:
            if asked.is_list:
                body = self.list(asked)
            else:
                with self.lock:
                    body = dump(getattr(self, asked.verb)(asked, request))
        except Refused as error:
            code = error.code
            body = dump({"kind": "Status", "apiVersion": "v1",
                         "status": "Failure", "code": code,
                         "reason": error.reason, "message": error.reason})
        self.log.append((asked.verb, asked.table[1], code))
        return Reply(code, body, [("Content-Type", kube.JSON)])

    def list(self, asked):
        first = int(asked.query.get("continue", 0))
        limit = int(asked.query.get("limit", MOST))
        place = asked.table, asked.key[0], first, limit
        with self.lock:
            if place not in self.pages:
                self.pages[place] = self.make_page(*place)
            return self.pages[place]

    def make_page(self, table, namespace, first, limit):
        items = [text for (where, _), text in sorted(
            self.tables[table].items()) if namespace in (None, where)]
        end = first + limit
        head = {"kind": KINDS[table] + "List", "apiVersion": "v1",
                "metadata": {"resourceVersion": "1",
                             "continue": str(end) if end < len(items)
                             else ""}}
        return (dump(head)[:-1] + b',"items":['
                + b",".join(items[first:end]) + b"]}")

    # --- one object ---------------------------------------------------------------

    def get(self, asked, _request):
        found = self.tables[asked.table].get(self.place(asked))
        if found is None:
            raise Refused(404, "NotFound")
        return {"kind": KINDS[asked.table], "apiVersion": "v1",
                **json.loads(found)}

    @staticmethod
    def place(asked):
        return asked.key[0] or "", asked.key[1]

    def keep(self, asked, value):
        metadata = value["metadata"]
        metadata["resourceVersion"] = str(next(self.numbers))
        self.tables[asked.table][self.place(asked)] = dump({
            name: part for name, part in value.items()
            if name not in ("kind", "apiVersion")})
        self.pages.clear()
        return value

    def make(self, asked, value):
        """A new one, with what the server fills in."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        value["metadata"].update(
            uid=f"00000000-0000-4000-8000-{next(self.numbers):012}",
            creationTimestamp=stamp)
        if asked.table[1] == "namespaces":
            value["status"] = {"phase": "Active"}
        elif asked.table[1] == "pods":
            let_run(value, stamp)
        return self.keep(asked, value)

    def create(self, asked, request):
        value = json.loads(request.body)
        asked.key = asked.key[0], value["metadata"]["name"]
        if self.place(asked) in self.tables[asked.table]:
            raise Refused(409, "AlreadyExists")
        return self.make(asked, value)

    def update(self, asked, request):
        value, present = json.loads(request.body), self.get(asked, request)
        for name in ("uid", "creationTimestamp"):
            value["metadata"][name] = present["metadata"][name]
        if value["metadata"].get("resourceVersion") != present["metadata"][
                "resourceVersion"]:
            raise Refused(409, "Conflict")
        return self.keep(asked, value)

    def patch(self, asked, request):
        """Applying replaces no field of others, for there are none."""
        present = None
        with contextlib.suppress(Refused):
            present = self.get(asked, request)
        if present is None:
            return self.make(asked, json.loads(request.body))
        merge(present, json.loads(request.body))
        return self.keep(asked, present)

    def delete(self, asked, request):
        present = self.get(asked, request)
        del self.tables[asked.table][self.place(asked)]
        self.pages.clear()
        return present
