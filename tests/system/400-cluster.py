#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The cluster that the reconciler is tested with is what those tests take it
for: a real API server with its controllers, users and custom resources, an
audit that misses nothing, and a proxy before it that fails as it is told."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, none of our programs runs here
# openssl: no, ambient-cp-token is not in it
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fault_proxy
import kube
import tap
import yaml

LEASES = "/apis/coordination.k8s.io/v1/namespaces/one/leases"
CONFIG_MAPS = "/api/v1/namespaces/one/configmaps"
POD = {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]}
MANY = 25  # config maps, for pages


def reason(answer):
    return answer[0], answer[1].get("reason")


# --- the API server -----------------------------------------------------------

def check_apply(t, cluster):
    path = CONFIG_MAPS + "/applied"
    made = {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "applied"}, "data": {"a": "1"}}
    t.equal(cluster.admin.apply(path, made)[0], 201, "apply makes an object")
    status, value = cluster.admin.apply(path, {**made, "data": {"b": "2"}})
    t.equal((status, value["data"]), (200, {"b": "2"}),
            "apply again takes away what its manager no longer wants")
    t.equal(cluster.admin.apply(
        path, {**made, "data": {"b": "3"}}, "other", force=False)[0], 409,
            "another manager without force is refused")
    t.equal(cluster.admin.patch(path, made, "apply")[0], 422,
            "apply wants to know the manager")


def check_lease(t, cluster):
    status, lease = cluster.admin.post(LEASES, {
        "metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}})
    t.equal(status, 201, "a Lease can be made")
    lease["spec"]["holderIdentity"] = "b"
    t.equal(cluster.admin.put(LEASES + "/l", lease)[0], 200,
            "PUT with its resourceVersion is taken")
    t.equal(reason(cluster.admin.put(LEASES + "/l", lease)),
            (409, "Conflict"), "PUT with the one before is refused")


def check_users(t, cluster):
    tenant = cluster.client("tenant-a")
    t.equal(reason(tenant.get(CONFIG_MAPS)), (403, "Forbidden"),
            "a tenant may do nothing at first")
    t.ok(not tenant.can("list", "configmaps", "one"),
         "and SelfSubjectAccessReview says so")
    cluster.grant("tenant-a", "reader", [
        {"apiGroups": [""], "resources": ["configmaps"],
         "verbs": ["get", "list"]}], "one")
    cluster.wait_until(lambda: tenant.can("list", "configmaps", "one"),
                       "the grant works")
    t.equal(tenant.get(CONFIG_MAPS)[0], 200, "what was granted is allowed")
    t.equal(tenant.post(CONFIG_MAPS, {"metadata": {"name": "no"}})[0], 403,
            "and nothing else")
    t.equal(cluster.client("tenant-b").get(CONFIG_MAPS)[0], 403,
            "nor to another tenant")
    stranger = kube.Client(cluster, "tenant-a")
    stranger.token = "of nobody"
    t.equal(stranger.get(CONFIG_MAPS)[0], 401, "a foreign token is refused")


def ask_with_certificate(cluster, certificate):
    context = ssl.create_default_context(cafile=cluster.ca)
    context.load_cert_chain(*certificate)
    connection = http.client.HTTPSConnection(
        kube.HOST, cluster.port, context=context, timeout=bed.PATIENCE)
    connection.request("GET", "/api/v1/namespaces")
    return connection.getresponse().status


def check_certificates(t, cluster):
    t.equal(ask_with_certificate(cluster, cluster.client_certificate(
        "boss", [kube.MASTERS])), 200, "a client certificate logs in")
    t.equal(ask_with_certificate(
        cluster, cluster.client_certificate("nobody")), 403,
            "as the user that it names")


def check_custom_resources(t, cluster):
    cluster.create_project_settings_crd()
    made = cluster.create(
        "ProjectSettings", "one",
        apiVersion="vteam.ambient-code/v1alpha1",
        metadata={"name": "projectsettings"},
        spec={"groupAccess": [], "anything": {"else": 1}})
    t.equal(made["spec"], {"groupAccess": [], "anything": {"else": 1}},
            "a custom resource keeps the fields that nobody told of")


def check_lists(t, cluster):
    for number in range(MANY):
        cluster.create("ConfigMap", "one",
                       metadata={"name": f"m{number:02}",
                                 "labels": {"many": "yes"}},
                       data={"text": "x" * 100})
    status, page = cluster.admin.get(CONFIG_MAPS, limit=10,
                                     labelSelector="many=yes")
    t.equal((status, len(page["items"])), (200, 10), "a list can be limited")
    t.ok(page["metadata"].get("continue"), "and says how to go on")
    status, items = cluster.admin.list(CONFIG_MAPS, 10,
                                       labelSelector="many=yes")
    t.equal([i["metadata"]["name"] for i in items],
            [f"m{number:02}" for number in range(MANY)],
            "the pages together are the list")
    status, light = cluster.admin.get(
        CONFIG_MAPS, accept=kube.METADATA_ONLY, labelSelector="many=yes")
    t.equal((status, light["kind"]), (200, "PartialObjectMetadataList"),
            "metadata alone can be had")
    t.ok(all("data" not in item for item in light["items"]),
         "and brings no contents along")


# --- the controllers and the kubelet ------------------------------------------

def check_pods(t, cluster):
    cluster.create_namespace("two", {"project": "p"})
    t.equal(cluster.read("Namespace", None, "two")["metadata"]["labels"],
            {"project": "p", "kubernetes.io/metadata.name": "two"},
            "a namespace has its labels and its name as one")
    t.equal(cluster.create("Pod", "two", metadata={"name": "p"}, spec=POD)
            ["metadata"]["name"], "p",
            "a pod can be made right after its namespace")
    cluster.set_pod_status("two", "p", phase="Running", containerStatuses=[
        {"name": "c", "image": "i", "imageID": "", "ready": True,
         "restartCount": 0, "state": {"running": {}}}])
    t.equal(cluster.read("Pod", "two", "p")["status"]["phase"], "Running",
            "the test can play the kubelet")
    cluster.admin.delete(kube.path_of("Pod", "two", "p"))
    t.ok(cluster.read("Pod", "two", "p")["metadata"].get("deletionTimestamp"),
         "a pod on a node stays while it ends")
    cluster.end_pod("two", "p")
    cluster.wait_until_gone("Pod", "two", "p")
    cluster.create("Pod", "two", metadata={"name": "q"},
                   spec={"containers": POD["containers"]})
    cluster.bind_pod("two", "q")
    t.equal(cluster.read("Pod", "two", "q")["spec"]["nodeName"], "node-1",
            "the test can play the scheduler")
    cluster.end_pod("two", "q")


def check_owners(t, cluster):
    owner = cluster.create("ServiceAccount", "one", metadata={"name": "own"})
    cluster.create("ConfigMap", "one", metadata={
        "name": "owned", "ownerReferences": [{
            "apiVersion": "v1", "kind": "ServiceAccount", "name": "own",
            "uid": owner["metadata"]["uid"]}]})
    cluster.admin.delete(kube.path_of("ServiceAccount", "one", "own"))
    cluster.wait_until_gone("ConfigMap", "one", "owned", 60)
    t.ok(True, "what an object owns goes with it")


def check_namespace_deletion(t, cluster):
    cluster.create("ConfigMap", "two", metadata={"name": "inside"})
    t.equal(cluster.admin.delete(kube.path_of("Namespace", None, "two"))
            [1]["status"]["phase"], "Terminating", "a namespace terminates")
    t.equal(cluster.admin.post(kube.path_of("ConfigMap", "two"),
                               {"metadata": {"name": "late"}})[0], 403,
            "nothing more can be made in it")
    cluster.wait_until_gone("Namespace", None, "two", 60)
    t.ok(True, "and it goes")


def check_tenant_operator(t, cluster):
    config, name = "ambient-code--config", "ambient-code--alpha"
    cluster.create_tenant_namespaces_crd()
    cluster.create_namespace(config)
    with cluster.tenant_operator(config) as operator:
        operator.pause()
        cluster.create("TenantNamespace", config,
                       apiVersion="tenant.paas.redhat.com/v1alpha1",
                       metadata={"name": "alpha"}, spec={"type": "runtime"})
        t.ok(cluster.read("Namespace", None, name) is None,
             "a slow tenant operator has made no namespace yet")
        operator.resume()
        made = cluster.wait_until(
            lambda: cluster.read("Namespace", None, name), "it makes it")
        labels = made["metadata"]["labels"]
        t.equal((labels["kubernetes.io/metadata.name"],
                 labels["tenant.paas.redhat.com/tenant"]),
                (name, "ambient-code"), "the namespace has the labels of one")
        cluster.admin.delete(kube.path_of("TenantNamespace", config, "alpha"))
        cluster.wait_until_gone("Namespace", None, name, 60)
        t.equal(operator.errors, [], "and goes with its TenantNamespace")


# --- the audit ----------------------------------------------------------------

def check_audit(t, cluster):
    mark = cluster.mark()
    admin = cluster.admin
    admin.get(CONFIG_MAPS + "/m00")
    admin.list(CONFIG_MAPS, 10, labelSelector="many=yes")
    admin.get(CONFIG_MAPS + "/absent")
    admin.post(CONFIG_MAPS, {"metadata": {"name": "audited"}})
    admin.can("get", "pods")
    cluster.client("tenant-b").delete(CONFIG_MAPS + "/m00")
    seen = cluster.requests("admin", mark)
    t.equal([(r["verb"], r["resource"], r["code"]) for r in seen],
            [("get", "configmaps", 200)] + [("list", "configmaps", 200)] * 3
            + [("get", "configmaps", 404), ("create", "configmaps", 201),
               ("create", "selfsubjectaccessreviews", 201)],
            "the audit has each request of a user, once, in order")
    t.equal([(r["name"], r["namespace"], r["userAgent"]) for r in seen][0],
            ("m00", "one", "test/admin"), "with what it was about")
    t.equal([r["code"] for r in cluster.requests("tenant-b", mark)], [403],
            "those refused too")
    t.equal([(r["verb"], r["code"]) for r in cluster.writes(since=mark)
             if r["user"] in ("admin", "tenant-b")],
            [("create", 201), ("delete", 403)],
            "and tells the writes from the questions")


# --- files --------------------------------------------------------------------

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: from-a-file, namespace: one}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: from-a-file
rules:
- {apiGroups: [""], resources: [pods], verbs: [get]}
"""


def check_files(t, b, cluster):
    manifest = b.path("manifest.yaml")
    manifest.write_text(MANIFEST)
    cluster.apply_manifest(manifest)
    t.ok(cluster.read("ConfigMap", "one", "from-a-file")
         and cluster.read("ClusterRole", None, "from-a-file"),
         "every object of a manifest is applied")
    written = yaml.safe_load(cluster.write_kubeconfig(
        user="tenant-a", server="https://elsewhere",
        cluster_extras={"tls-server-name": "x", "certificate-authority": None},
        user_extras={"token": None, "tokenFile": "/t"},
        context_extras={"namespace": "one"}).read_text())
    t.equal((written["clusters"], written["users"], written["contexts"]),
            ([{"name": "test", "cluster": {"server": "https://elsewhere",
                                           "tls-server-name": "x"}}],
             [{"name": "tenant-a", "user": {"tokenFile": "/t"}}],
             [{"name": "test", "context": {
                 "cluster": "test", "user": "tenant-a", "namespace": "one"}}]),
            "a kubeconfig holds what it is told to")


# --- the proxy ----------------------------------------------------------------

def ask(config, method, path, body=None):
    """(status, JSON), (status, error) for half an answer, or the name of
    what went wrong; by the kubeconfig that the proxy wrote."""
    text = config.read_text()

    def field(name):
        return json.loads(text.split(f" {name}: ", 1)[1].split("\n", 1)[0])

    where = urllib.parse.urlsplit(field("server"))
    connection = http.client.HTTPSConnection(
        where.hostname, where.port, timeout=bed.PATIENCE,
        context=ssl.create_default_context(
            cafile=field("certificate-authority")))
    try:
        connection.request(
            method, path, json.dumps(body) if body else None,
            {"Authorization": f"Bearer {field('token')}",
             "Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def check_answers(t, proxy, config):
    t.equal(ask(config, "GET", CONFIG_MAPS + "/m00")[0], 200,
            "through the proxy the cluster is as it is")
    proxy.on("GET", "configmaps", nth=2, times=1).answer(410, reason="Expired")
    t.equal([ask(config, "GET", CONFIG_MAPS)[0] for _ in range(3)],
            [200, 410, 200], "it answers the nth in its own way")
    proxy.clear()
    proxy.on(None, "m01").answer(503, "not JSON", headers={"Retry-After": "2"})
    t.equal(ask_raw(proxy, "/m01").getheader("Retry-After"), "2",
            "with headers and a body of any kind")
    proxy.clear()
    rule = proxy.on("GET", r"configmaps\?").empty_list()
    status, value = ask(config, "GET", CONFIG_MAPS + "?limit=3")
    t.equal((status, value["items"], "continue" in value["metadata"]),
            (200, [], False), "it empties a list that says to be all")
    t.equal(rule.hits, 1, "and counts what it did")
    proxy.clear()
    proxy.on("GET", "configmaps").shrink(
        lambda item: item["metadata"]["name"] > "m20")
    names = [i["metadata"]["name"] for i in ask(
        config, "GET", CONFIG_MAPS + "?labelSelector=many%3Dyes")[1]["items"]]
    t.equal(names, ["m21", "m22", "m23", "m24"], "it leaves items out")
    proxy.clear()


def ask_raw(proxy, path):
    connection = http.client.HTTPSConnection(
        kube.HOST, proxy.port, timeout=bed.PATIENCE,
        context=proxy.cluster.tls)
    connection.request("GET", path)
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply


def check_pages(t, cluster, proxy, config):
    """The world changes between two pages."""
    proxy.on("GET", "continue=", times=1).call(
        lambda _request: cluster.admin.delete(CONFIG_MAPS + "/audited"))
    first = ask(config, "GET", CONFIG_MAPS + "?limit=10")[1]
    more = urllib.parse.quote(first["metadata"]["continue"])
    status, _ = ask(config, "GET", f"{CONFIG_MAPS}?limit=10&continue={more}")
    t.equal((status, cluster.read("ConfigMap", "one", "audited")),
            (200, None), "it changes the world between two pages")
    proxy.clear()


def check_breaks(t, cluster, proxy, config):
    def post(name):
        return ask(config, "POST", CONFIG_MAPS, {"metadata": {"name": name}})

    def exists(name):
        return cluster.read("ConfigMap", "one", name) is not None

    proxy.on("GET", "m00").cut()
    t.equal(ask(config, "GET", CONFIG_MAPS + "/m00"), "IncompleteRead",
            "it cuts an answer half way")
    proxy.on("POST", times=1).drop()
    t.equal(post("d0"), "RemoteDisconnected", "it drops a request")
    t.ok(not exists("d0"), "which the server never sees")
    proxy.clear()
    proxy.on("POST").drop(is_forwarded=True)
    t.equal(post("d1"), "RemoteDisconnected", "or only the answer to it")
    t.ok(exists("d1"), "when all has been done")
    proxy.clear()
    rule = proxy.on("POST").hold()
    thread = threading.Thread(target=post, args=("held",))
    thread.start()
    cluster.wait_until(lambda: rule.hits, "the request is held")
    t.ok(not exists("held"), "it holds a request back")
    rule.release()
    thread.join(bed.PATIENCE)
    t.ok(exists("held"), "until it is released")
    proxy.clear()
    proxy.close()
    t.equal(ask(config, "GET", "/api"), "ConnectionRefusedError",
            "closed, it refuses connections")
    proxy.open()
    t.equal(ask(config, "GET", "/api")[0], 200, "and can be opened again")


WRITES = 6
WRITER = """
import os, ssl, sys, http.client
host, port, ca, token, stem = sys.argv[1:]
c = http.client.HTTPSConnection(
    host, int(port), context=ssl.create_default_context(cafile=ca))
for number in range(%d):
    c.request("POST", "/api/v1/namespaces/one/configmaps",
              '{"metadata":{"name":"%%s%%d"}}' %% (stem, number),
              {"Authorization": "Bearer " + token,
               "Content-Type": "application/json"})
    c.getresponse().read()
    print(number, flush=True)
""" % WRITES


def write_and_die(cluster, proxy, stem, number, **how):
    """(writes made, writes that came to the proxy, writes whose answer the
    client has seen, its status)."""
    children = []
    proxy.forget()
    kill = proxy.kill_at_write(
        number, lambda: cluster.wait_until(lambda: children, "it runs")[0].pid,
        **how)
    children.append(subprocess.Popen(
        ["/usr/bin/python3", "-c", WRITER, kube.HOST, str(proxy.port),
         str(cluster.ca), cluster.tokens["admin"], stem],
        stdout=subprocess.PIPE))
    output = children[0].communicate(timeout=bed.PATIENCE)[0]
    is_done = kill.is_done.is_set()
    proxy.clear()
    made = [n for n in cluster.names("ConfigMap", "one")
            if n.startswith(stem)]
    return (len(made), proxy.count("POST", "configmaps"),
            len(output.split()), children[0].returncode, is_done)


def check_kills(t, cluster, proxy):
    dead = -signal.SIGKILL
    for number in (1, 4):
        t.equal(write_and_die(cluster, proxy, f"before{number}-", number),
                (number, number, number - 1, dead, True),
                f"it kills a client whose write {number} is done, unanswered")
    made, _, known, status, _ = write_and_die(
        cluster, proxy, "after-", 3, is_answered=True)
    t.equal((made, status), (3, dead),
            "or one that is given the answer, and no further write is made")
    t.ok(known in (2, 3), "which the client may have seen")
    t.equal(write_and_die(cluster, proxy, "never-", 1, pattern="/pods"),
            (WRITES, WRITES, WRITES, 0, False),
            "writes of other kinds need not count")


def check_plain(t, cluster, proxy):
    """In front of another server than the cluster, without TLS."""
    with fault_proxy.Proxy(proxy.url, cluster.ca) as plain:
        plain.on("GET", "version", nth=2).answer(
            500, {"kind": "Error", "code": "ambient-9"})
        answers = []
        for _ in range(2):
            connection = http.client.HTTPConnection(
                kube.HOST, plain.port, timeout=bed.PATIENCE)
            connection.request("GET", "/version", headers={
                "Authorization": f"Bearer {cluster.tokens['admin']}"})
            reply = connection.getresponse()
            answers.append((reply.status, json.loads(reply.read())))
            connection.close()
        t.equal([status for status, _ in answers], [200, 500],
                "the proxy also speaks plain HTTP")
        t.equal(answers[0][1].get("gitVersion"), "v1.20.2",
                "passes on what the server says, its version here")
        t.equal(answers[1][1].get("code"), "ambient-9",
                "and fails as another server would")
        t.equal([str(r) for r in plain.seen()],
                ["GET /version -> 200", "GET /version -> 500"],
                "with everything noted")


def check_proxy(t, cluster):
    with kube.Proxy(cluster) as proxy:
        config = proxy.write_kubeconfig(user="admin")
        check_answers(t, proxy, config)
        check_pages(t, cluster, proxy, config)
        check_breaks(t, cluster, proxy, config)
        check_kills(t, cluster, proxy)
        check_plain(t, cluster, proxy)


def check_restart(t, cluster):
    cluster.apiserver.kill()
    cluster.start_apiserver()
    t.equal(cluster.admin.get(CONFIG_MAPS + "/m00")[0], 200,
            "the API server can be killed and started again")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        cluster = kube.start(b)
        cluster.create_namespace("one")
        for check in (check_apply, check_lease, check_users,
                      check_certificates, check_custom_resources, check_lists,
                      check_pods, check_owners, check_namespace_deletion,
                      check_tenant_operator, check_audit, check_proxy,
                      check_restart):
            check(t, cluster)
        check_files(t, b, cluster)


if __name__ == "__main__":
    main()
