# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes API server in a test bed: etcd, kube-apiserver and
kube-controller-manager on loopback, about 5 s to start. There is no kubelet
and no scheduler; tests play them.

    cluster = kube.start(b)                      # b: a bed.Bed
    cluster.create_namespace("ns", {"a": "b"})
    status, pods = cluster.admin.get("/api/v1/namespaces/ns/pods")
    config = cluster.write_kubeconfig(user="reconciler")
    mark = cluster.mark()
    ...
    cluster.requests(user="reconciler", since=mark)

Users with tokens: admin (all rights), reconciler, tenant-a and tenant-b
(no rights but what a test binds to them). Faults: kube.Proxy(cluster), which
is fault_proxy.Proxy in front of it with a certificate of the cluster.

install-kube builds the programs into the cache at first use. The version is
1.20: namespaces have no kubernetes.io/metadata.name label of their own
(create_namespace sets it), and each ServiceAccount has a token Secret.
"""
import collections
import contextlib
import csv
import datetime
import http.client
import ipaddress
import json
import secrets
import ssl
import subprocess
import threading
import time
import urllib.parse

import bed
import fault_proxy
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
MASTERS = "system:masters"
# user: groups; the last two work for the bed itself
USERS = {"admin": [MASTERS], "reconciler": [], "tenant-a": [], "tenant-b": [],
         "tenant-operator": [MASTERS], "controller-manager": [MASTERS]}
# Only errors go to the logs that a failed test shows.
KLOG = ("--logtostderr=false", "--stderrthreshold=ERROR")
CONTROLLERS = ("namespace", "garbagecollector", "serviceaccount",
               "serviceaccount-token", "root-ca-cert-publisher")
PAGE = 500
# seconds until a program listens, on a machine that is busy with other tests
START_PATIENCE = 180
JSON = "application/json"
PATCHES = {"merge": "application/merge-patch+json",
           "json": "application/json-patch+json",
           "strategic": "application/strategic-merge-patch+json",
           "apply": "application/apply-patch+yaml"}
METADATA_ONLY = ("application/json;as=PartialObjectMetadataList;"
                 "g=meta.k8s.io;v=v1")
PROJECT_SETTINGS = ("vteam.ambient-code", "v1alpha1", "ProjectSettings",
                    "projectsettings")
TENANT_NAMESPACES = ("tenant.paas.redhat.com", "v1alpha1", "TenantNamespace",
                     "tenantnamespaces")
TENANT_PATH = "/apis/tenant.paas.redhat.com/v1alpha1"
# Lines of the audit log: one for each request, when it is answered.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "None", "users": ["system:apiserver"]},
              {"level": "Metadata"}]}
READS = ("get", "list", "watch")
# kind: (path of its API, plural, whether it lives in a namespace)
KINDS = {
    "Namespace": ("/api/v1", "namespaces", False),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "Secret": ("/api/v1", "secrets", True),
    "ConfigMap": ("/api/v1", "configmaps", True),
    "Service": ("/api/v1", "services", True),
    "Pod": ("/api/v1", "pods", True),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings",
                    True),
    "ClusterRole": ("/apis/rbac.authorization.k8s.io/v1", "clusterroles",
                    False),
    "ClusterRoleBinding": ("/apis/rbac.authorization.k8s.io/v1",
                           "clusterrolebindings", False),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies", True),
    "PodSecurityPolicy": ("/apis/policy/v1beta1", "podsecuritypolicies",
                          False),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
    "Deployment": ("/apis/apps/v1", "deployments", True),
    "CronJob": ("/apis/batch/v1beta1", "cronjobs", True),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1",
                                 "customresourcedefinitions", False),
    "ProjectSettings": ("/apis/vteam.ambient-code/v1alpha1",
                        "projectsettings", True),
    "TenantNamespace": (TENANT_PATH, "tenantnamespaces", True),
}


def path_of(kind, namespace=None, name=None):
    """path_of("Pod", "ns", "p"): /api/v1/namespaces/ns/pods/p; without a
    namespace that of the list over all."""
    api, plural, is_namespaced = KINDS[kind]
    parts = [api]
    if is_namespaced and namespace:
        parts += ["namespaces", namespace]
    parts.append(plural)
    return "/".join(parts + ([name] if name else []))


def install():
    """The folder of the programs; builds them when they are not there."""
    return subprocess.run(
        [bed.SUPPORT / "install-kube"], check=True, text=True,
        stdout=subprocess.PIPE).stdout.strip()


# --- certificates -------------------------------------------------------------

def _pem(key):
    return key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _name(common, groups=()):
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)
         for group in groups]
        + [x509.NameAttribute(NameOID.COMMON_NAME, common)])


class Authority:
    """A certificate authority for one cluster; files in folder."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("cluster CA")
        self.path = folder / "ca.pem"
        certificate = self._builder(self.name, self.key).add_extension(
            x509.BasicConstraints(True, None), True)
        self._write(self.path, certificate)

    def _builder(self, subject, key):
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder()
                .subject_name(subject).issuer_name(self.name)
                .public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=1))
                .not_valid_after(now + datetime.timedelta(days=2)))

    def _write(self, path, builder):
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM))

    def issue(self, file_name, common, groups=(), names=()):
        """(certificate, key) files; names: DNS names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(common, groups), key)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [_general_name(name) for name in names]), False)
        paths = (self.folder / f"{file_name}.crt",
                 self.folder / f"{file_name}.key")
        self._write(paths[0], builder)
        paths[1].touch(0o600)
        paths[1].write_bytes(_pem(key))
        return paths


def _general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


# --- a client -----------------------------------------------------------------

class Client:
    """Requests of one user; every method gives (status, dict). Threads may
    share it: each has a connection of its own."""

    def __init__(self, cluster, user):
        self.cluster = cluster
        self.user = user
        self.token = cluster.tokens[user]
        self.local = threading.local()

    def get(self, path, accept=JSON, **query):
        return self.request("GET", path, None, {"Accept": accept}, query)

    def list(self, path, limit=PAGE, accept=JSON, **query):
        """All pages; (200, items) or the first answer that is no 200."""
        items, more = [], None
        while True:
            asked = {**query, **({"continue": more} if more else {})}
            status, page = self.get(path, accept, limit=limit, **asked)
            if status != 200:
                return status, page
            items += page["items"]
            more = page["metadata"].get("continue")
            if not more:
                return status, items

    def post(self, path, value, **query):
        return self.request("POST", path, value, {}, query)

    def put(self, path, value, **query):
        return self.request("PUT", path, value, {}, query)

    def patch(self, path, value, kind="merge", **query):
        """kind: merge, json or strategic."""
        return self.request("PATCH", path, value,
                            {"Content-Type": PATCHES[kind]}, query)

    def apply(self, path, value, manager="test", force=True):
        """Server-side apply."""
        return self.patch(path, value, "apply", fieldManager=manager,
                          force=str(force).lower())

    def delete(self, path, options=None, **query):
        """options: the body, as {"preconditions": {"uid": ...}}."""
        return self.request("DELETE", path, options, {}, query)

    def can(self, verb, resource, namespace=None, group="", name=None):
        """What a SelfSubjectAccessReview says."""
        attributes = {"verb": verb, "resource": resource, "group": group}
        if namespace:
            attributes["namespace"] = namespace
        if name:
            attributes["name"] = name
        status, review = self.post(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {"apiVersion": "authorization.k8s.io/v1",
             "kind": "SelfSubjectAccessReview",
             "spec": {"resourceAttributes": attributes}})
        if status != 201:
            raise RuntimeError(f"no access review: {status} {review}")
        return review["status"]["allowed"]

    def request(self, method, path, value=None, headers=None, query=None):
        """The plain way; value is sent as JSON."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        body = None if value is None else json.dumps(value).encode()
        headers = {"Authorization": f"Bearer {self.token}",
                   "User-Agent": "test/" + self.user,
                   "Content-Type": JSON, "Accept": JSON, **(headers or {})}
        answer = self._send(method, path, body, headers)
        text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, {"text": text.decode("utf-8", "replace")}

    def _send(self, method, path, body, headers):
        connection = getattr(self.local, "connection", None)
        is_new = connection is None
        if is_new:
            connection = http.client.HTTPSConnection(
                HOST, self.cluster.port, timeout=bed.PATIENCE,
                context=self.cluster.tls)
            self.local.connection = connection
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.local.connection = None
            if is_new or method != "GET":
                raise
            return self._send(method, path, body, headers)


# --- the cluster --------------------------------------------------------------

def start(b, users=None, flags=()):
    """A new, empty cluster; users: more of them, {"name": [groups]}; flags:
    more of the API server's."""
    return Cluster(b, {**USERS, **(users or {})}, flags)


class Cluster:
    """.url and .ca are what a client needs; .etcd, .apiserver and
    .controller_manager are bed Processes."""

    def __init__(self, b, users, flags):
        self.bed = b
        self.bin = install()
        self.home = b.path("kube")
        self.home.mkdir(mode=0o700)
        self.users = users
        self.tokens = {user: secrets.token_hex(24) for user in users}
        self.authority = Authority(self.home)
        self.ca = self.authority.path
        # for the API server and for what stands in its place
        self.certificate = self.authority.issue(
            "server", "kube-apiserver", names=(HOST, "localhost",
                                               "kubernetes.default.svc"))
        self.tls = ssl.create_default_context(cafile=self.ca)
        self.port = b.free_port()
        self.url = f"https://{HOST}:{self.port}"
        self.audit_log = self.home / "audit.log"
        self.clients = {}
        self.admin = self.client("admin")
        self._write_files()
        self.etcd = self._start_etcd()
        self.apiserver_argv = self._apiserver_argv(flags)
        self.start_apiserver()
        self.start_controller_manager()
        self.wait_until(lambda: self._has_token("default", "default"),
                        "the controllers work", START_PATIENCE)

    # --- programs ---------------------------------------------------------------

    def _write_files(self):
        with open(self.home / "tokens.csv", "w", encoding="ascii") as file:
            rows = csv.writer(file)
            for user, groups in self.users.items():
                rows.writerow([self.tokens[user], user, user,
                               ",".join(groups)])
        key = rsa.generate_private_key(65537, 2048)
        (self.home / "accounts.key").write_bytes(_pem(key))
        (self.home / "audit.yaml").write_text(json.dumps(AUDIT_POLICY))
        self.audit_log.touch()

    def _start(self, name, *flags):
        process = self.bed.start(name, [f"{self.bin}/{name}", *flags])
        # nothing of it is kept, and its own end would take its time
        process.stop_signal = 9
        process.good_statuses = (-9,)
        return process

    def _start_etcd(self):
        port = self.bed.free_port()
        mine = f"http://{HOST}:{port}"
        peer = f"http://{HOST}:{self.bed.free_port()}"
        self.etcd_url = mine
        etcd = self._start(
            "etcd", "--data-dir", self.home / "etcd",
            "--listen-client-urls", mine, "--advertise-client-urls", mine,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}", "--logger", "zap",
            "--log-level", "error")
        self.bed.wait_for(etcd, lambda: bed.accepts(port), "etcd listens",
                          START_PATIENCE)
        return etcd

    def _apiserver_argv(self, flags):
        cert, key = self.certificate
        accounts = self.home / "accounts.key"
        return ["kube-apiserver",
                f"--etcd-servers={self.etcd_url}", f"--bind-address={HOST}",
                f"--secure-port={self.port}", f"--advertise-address={HOST}",
                f"--tls-cert-file={cert}", f"--tls-private-key-file={key}",
                f"--cert-dir={self.home}", f"--client-ca-file={self.ca}",
                "--endpoint-reconciler-type=none", "--authorization-mode=RBAC",
                f"--token-auth-file={self.home}/tokens.csv",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={accounts}",
                f"--service-account-signing-key-file={accounts}",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--allow-privileged=true", "--profiling=false",
                f"--audit-policy-file={self.home}/audit.yaml",
                f"--audit-log-path={self.audit_log}",
                *KLOG, f"--log-dir={self.home}", *flags]

    def start_apiserver(self):
        """Also again, at the same place, after apiserver.kill()."""
        self.apiserver = self._start(*self.apiserver_argv)
        self.bed.wait_for(self.apiserver, self.is_ready, "the API server is "
                          "ready", START_PATIENCE)

    def is_ready(self):
        try:
            return self.admin.get("/readyz")[0] == 200
        except OSError:
            return False

    def start_controller_manager(self):
        config = self.write_kubeconfig(user="controller-manager")
        self.controller_manager = self._start(
            "kube-controller-manager", f"--kubeconfig={config}",
            f"--controllers={','.join(CONTROLLERS)}", "--leader-elect=false",
            "--port=0", "--secure-port=0", f"--root-ca-file={self.ca}",
            f"--service-account-private-key-file={self.home}/accounts.key",
            "--kube-api-qps=1000", "--kube-api-burst=2000",
            "--concurrent-namespace-syncs=50", *KLOG,
            f"--log-dir={self.home}")

    def stop(self):
        """Now, and not when the bed ends."""
        for process in (self.controller_manager, self.apiserver, self.etcd):
            process.stop()

    @staticmethod
    def wait_until(condition, what, seconds=None):
        return bed.wait_until(condition, what, seconds)

    # --- clients ----------------------------------------------------------------

    def client(self, user):
        """The Client of a user that has a token."""
        if user not in self.clients:
            self.clients[user] = Client(self, user)
        return self.clients[user]

    def client_certificate(self, user, groups=()):
        """(certificate, key) files that log a user in."""
        return self.authority.issue(f"user-{user}", user, groups)

    def write_kubeconfig(self, path=None, user="reconciler", server=None,
                         cluster_extras=None, user_extras=None,
                         context_extras=None):
        """A kubeconfig of one context; server: a proxy's URL in place of the
        cluster's. Extras are put over what stands in the three entries; a
        value None takes the key away. Returns its path."""
        path = path or self.bed.path("kubeconfig.yaml")
        where = {"server": server or self.url,
                 "certificate-authority": str(self.ca)}
        who = {"token": self.tokens.get(user)}
        context = {"cluster": "test", "user": user}
        text = [*_entry("clusters", "test", "cluster", where, cluster_extras),
                *_entry("users", user, "user", who, user_extras),
                *_entry("contexts", "test", "context", context,
                        context_extras)]
        path.touch(0o600)
        path.write_text("apiVersion: v1\nkind: Config\n"
                        "current-context: test\n" + "\n".join(text) + "\n")
        return path

    # --- objects ----------------------------------------------------------------

    def must(self, answer, *statuses):
        """The object of an answer of the admin's that has to be a success."""
        status, value = answer
        if status not in (statuses or (200, 201, 202)):
            raise RuntimeError(f"the API server says {status}: {value}")
        return value

    def create_namespace(self, name, labels=None, annotations=None):
        """As a newer cluster would: labelled with its name, and with the
        service account that pods want."""
        made = self.must(self.admin.post("/api/v1/namespaces", {
            "metadata": {"name": name, "annotations": annotations or {},
                         "labels": {"kubernetes.io/metadata.name": name,
                                    **(labels or {})}}}))
        self.wait_until(lambda: self._has_token(name, "default"),
                        f"{name} has its service account")
        return made

    def _has_token(self, namespace, account):
        status, value = self.admin.get(
            path_of("ServiceAccount", namespace, account))
        return status == 200 and value.get("secrets")

    def create(self, kind, namespace=None, **fields):
        """Any object of KINDS, as the admin."""
        return self.must(self.admin.post(
            path_of(kind, namespace), {"kind": kind, **fields}))

    def read(self, kind, namespace=None, name=None):
        """The object, or None when there is none."""
        status, value = self.admin.get(path_of(kind, namespace, name))
        return None if status == 404 else self.must((status, value))

    def names(self, kind, namespace=None, **query):
        """Of all objects of a kind, sorted."""
        items = self.must(self.admin.list(path_of(kind, namespace), **query))
        return sorted(item["metadata"]["name"] for item in items)

    def wait_until_gone(self, kind, namespace=None, name=None, seconds=None):
        return self.wait_until(
            lambda: self.read(kind, namespace, name) is None,
            f"{kind} {namespace or ''}/{name} is gone", seconds)

    def grant(self, user, name, rules, namespace=None):
        """Lets a user do what the rules say, in one namespace or in all."""
        role, binding = (("Role", "RoleBinding") if namespace else
                         ("ClusterRole", "ClusterRoleBinding"))
        self.create(role, namespace, metadata={"name": name}, rules=rules)
        self.create(binding, namespace, metadata={"name": name}, roleRef={
            "apiGroup": "rbac.authorization.k8s.io", "kind": role,
            "name": name}, subjects=[{
                "kind": "User", "name": user,
                "apiGroup": "rbac.authorization.k8s.io"}])

    def apply_manifest(self, path):
        """Every object of a YAML file, as kubectl apply would; those of no
        namespace of their own go to default. Returns them."""
        import yaml  # only those who need it
        with open(path, encoding="utf-8") as file:
            objects = [o for o in yaml.safe_load_all(file) if o]
        made = []
        for item in objects:
            meta = item["metadata"]
            made.append(self.must(self.admin.apply(path_of(
                item["kind"], meta.get("namespace", "default"), meta["name"]),
                item, "kubectl")))
        return made

    def request_token(self, namespace, account, seconds=3600):
        """A token of a service account, as a pod of it would have."""
        return self.must(self.admin.post(
            path_of("ServiceAccount", namespace, account) + "/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
             "spec": {"expirationSeconds": seconds}}))["status"]["token"]

    # --- custom resources -------------------------------------------------------

    def create_crd(self, group, version, kind, plural):
        """Namespaced, any fields, with a status; waits until it is served."""
        self.create("CustomResourceDefinition",
                    apiVersion="apiextensions.k8s.io/v1",
                    metadata={"name": f"{plural}.{group}"}, spec={
                        "group": group, "scope": "Namespaced", "names": {
                            "kind": kind, "listKind": kind + "List",
                            "plural": plural, "singular": kind.lower()},
                        "versions": [{
                            "name": version, "served": True, "storage": True,
                            "subresources": {"status": {}},
                            "schema": {"openAPIV3Schema": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields":
                                    True}}}]})
        path = f"/apis/{group}/{version}"
        self.wait_until(lambda: plural in [
            r["name"] for r in self.admin.get(path)[1].get("resources", [])],
                        f"{plural} are served")
        self.wait_until(lambda: self.admin.get(f"{path}/{plural}")[0] == 200,
                        f"{plural} can be listed")

    def create_project_settings_crd(self):
        self.create_crd(*PROJECT_SETTINGS)

    def create_tenant_namespaces_crd(self):
        self.create_crd(*TENANT_NAMESPACES)

    # --- the kubelet's part -----------------------------------------------------

    def bind_pod(self, namespace, name, node="node-1"):
        """As a scheduler: from now on the pod is deleted gracefully, and
        stays until end_pod()."""
        self.must(self.admin.post(
            path_of("Pod", namespace, name) + "/binding",
            {"apiVersion": "v1", "kind": "Binding",
             "metadata": {"name": name},
             "target": {"apiVersion": "v1", "kind": "Node", "name": node}}))

    def set_pod_status(self, namespace, name, **status):
        """set_pod_status("ns", "p", phase="Running", containerStatuses=[...])
        merges into the pod's status."""
        return self.must(self.admin.patch(
            path_of("Pod", namespace, name) + "/status", {"status": status}))

    def end_pod(self, namespace, name):
        """The kubelet's last word on a pod that is being deleted."""
        return self.must(self.admin.delete(
            path_of("Pod", namespace, name),
            {"gracePeriodSeconds": 0}), 200, 404)

    @contextlib.contextmanager
    def tenant_operator(self, namespace):
        """Plays the operator of TenantNamespaces in a config namespace while
        the block runs; yields a TenantOperator."""
        operator = TenantOperator(self, namespace)
        try:
            yield operator
        finally:
            operator.stop()

    # --- the audit --------------------------------------------------------------

    def mark(self):
        """A place in the audit, for since."""
        return self.audit_log.stat().st_size

    def requests(self, user=None, since=0, verbs=None):
        """What was asked, in the order of the answers: dicts of verb,
        resource, namespace, name, subresource, code, user, userAgent and
        requestURI. A request is here before its answer has come in whole."""
        with open(self.audit_log, "rb") as file:
            file.seek(since)
            lines = file.read().split(b"\n")[:-1]
        found = [_summary(json.loads(line)) for line in lines]
        return [r for r in found if r and (user is None or r["user"] == user)
                and (verbs is None or r["verb"] in verbs)]

    def writes(self, user=None, since=0):
        """The requests that change something, or would."""
        return [r for r in self.requests(user, since)
                if r["verb"] not in READS
                and not (r["resource"] or "").endswith("reviews")]

    def count_requests(self, user=None, since=0):
        """Counter of (verb, resource)."""
        return collections.Counter(
            (r["verb"], r["resource"]) for r in self.requests(user, since))


def _entry(section, name, key, values, extras):
    """Lines of block style YAML; JSON strings are YAML strings."""
    values = {**values, **(extras or {})}
    yield f"{section}:"
    yield f"- name: {json.dumps(name)}"
    yield f"  {key}:"
    for field, value in values.items():
        if value is not None:
            yield f"    {field}: {json.dumps(value)}"


def _summary(event):
    # a watch counts when it begins, all else when it is answered
    if (event["stage"] == "ResponseStarted") != (event["verb"] == "watch"):
        return None
    about = event.get("objectRef", {})
    return {"verb": event["verb"], "resource": about.get("resource"),
            "namespace": about.get("namespace"), "name": about.get("name"),
            "subresource": about.get("subresource"),
            "code": event.get("responseStatus", {}).get("code"),
            "user": event["user"].get("username"),
            "userAgent": event.get("userAgent"),
            "requestURI": event["requestURI"]}


class TenantOperator:
    """Makes the namespace ambient-code--<name> for each TenantNamespace, and
    deletes it when that is gone. pause() and resume() make it a slow one."""

    LABEL = "test/made-by-tenant-operator"

    def __init__(self, cluster, config_namespace):
        self.cluster = cluster
        self.path = path_of("TenantNamespace", config_namespace)
        self.client = cluster.client("tenant-operator")
        self.is_ended = threading.Event()
        self.may_work = threading.Event()
        self.may_work.set()
        # what went wrong, for the test to look at
        self.errors = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def pause(self):
        self.may_work.clear()

    def resume(self):
        self.may_work.set()

    def stop(self):
        self.is_ended.set()
        self.may_work.set()
        self.thread.join(bed.PATIENCE)

    def _run(self):
        while not self.is_ended.is_set():
            self.may_work.wait()
            try:
                self._work()
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(error)
            time.sleep(0.05)

    def _work(self):
        status, tenants = self.client.list(self.path)
        status_of_made, made = self.client.list(
            "/api/v1/namespaces", labelSelector=self.LABEL)
        if status != 200 or status_of_made != 200:
            self.errors.append((status, status_of_made))
            return
        wanted = {"ambient-code--" + t["metadata"]["name"] for t in tenants}
        there = {n["metadata"]["name"] for n in made}
        for name in sorted(wanted - there):
            self._make(name)
        for name in sorted(there - wanted):
            self.client.delete(f"/api/v1/namespaces/{name}")

    def _make(self, name):
        self.client.post("/api/v1/namespaces", {"metadata": {
            "name": name, "labels": {
                self.LABEL: "", "kubernetes.io/metadata.name": name,
                "tenant.paas.redhat.com/tenant": "ambient-code"}}})


class Proxy(fault_proxy.Proxy):
    """fault_proxy.Proxy in front of a cluster, with a certificate of its."""

    def __init__(self, cluster):
        super().__init__(cluster.url, cluster.ca, cluster.certificate)
        self.cluster = cluster

    def write_kubeconfig(self, path=None, user="reconciler", **extras):
        return self.cluster.write_kubeconfig(path, user, self.url, **extras)
