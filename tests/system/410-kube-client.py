#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes client against a real API server: every verb, HTTP/2, pages
and continue tokens that expire, credentials of every kind."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, it knows no pidfd_open, by which plugins are waited for
# openssl: no, ambient-cp-token is not in it
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import tap

MANY = 230
SPEC = {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]}


class Drive:
    """tests/support/kube_drive with one kubeconfig."""

    def __init__(self, config):
        self.process = subprocess.Popen(
            [bed.BUILDDIR / "tests/support/kube_drive", str(config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.process.stdin.close()
        self.process.stdout.close()
        status = self.process.wait(timeout=bed.PATIENCE)
        if status and not kind:
            raise RuntimeError(f"kube_drive ended with {status}")

    def __call__(self, do, kind=None, namespace=None, name=None, **more):
        line = {"do": do, "kind": kind, "namespace": namespace, "name": name}
        self.process.stdin.write(json.dumps({**line, **more}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def pick(answer):
    return answer["error"], answer["code"], answer["reason"]


def make_role(name, **labels):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": name, "labels": labels}, "rules": []}


def check_objects(t, drive):
    where = ("Role", "one", "a")
    t.equal(pick(drive("get", *where)), ("gone", 404, "NotFound"),
            "what is not there is gone")
    made = drive("create", *where, body=make_role("a", x="1"))
    t.equal(pick(made), ("ok", 201, "None"), "an object is created")
    t.ok(abs(made["date"] - time.time()) < 60, "the server's clock is read")
    t.equal(pick(drive("create", *where, body=make_role("a"))),
            ("bad_request", 409, "AlreadyExists"), "but only once")
    applied = drive("apply", *where, body=make_role("a", y="2"))
    t.equal(applied["body"]["metadata"]["labels"], {"x": "1", "y": "2"},
            "apply adds its fields")
    t.ok("ambient-cp-reconciler" in {
        field["manager"]
        for field in applied["body"]["metadata"]["managedFields"]},
         "under our name")
    body = applied["body"]
    body["metadata"]["labels"] = {"z": "3"}
    replaced = drive("replace", *where, body=body)
    t.equal(pick(replaced), ("ok", 200, "None"),
            "PUT with the resourceVersion is taken")
    t.equal(pick(drive("replace", *where, body=body)),
            ("retry_later", 409, "Conflict"), "PUT with an older one is not")
    patched = drive("patch", *where,
                    body={"metadata": {"labels": {"z": None, "w": "4"}}})
    t.equal(patched["body"]["metadata"]["labels"], {"w": "4"},
            "a merge patch merges")
    light = drive("metadata", *where)["body"]
    t.equal((light["kind"], "rules" in light),
            ("PartialObjectMetadata", False), "metadata come alone")
    check_deletion(t, drive, where, replaced["body"], patched["body"])


def check_deletion(t, drive, where, old, now):
    uid = now["metadata"]["uid"]
    t.equal(pick(drive("delete", *where, uid="of-another")),
            ("retry_later", 409, "Conflict"),
            "nothing with another uid is deleted")
    t.equal(pick(drive("delete", *where, uid=uid,
                       version=old["metadata"]["resourceVersion"])),
            ("retry_later", 409, "Conflict"), "nor what has changed since")
    t.equal(pick(drive("delete", *where, uid=uid,
                       version=now["metadata"]["resourceVersion"])),
            ("ok", 200, "None"), "the object that is meant is deleted")
    t.equal(pick(drive("delete", *where, uid=uid)),
            ("gone", 404, "NotFound"), "and is gone then")
    t.equal(pick(drive("create", "Pod", "one", "p", body={
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}})),
            ("bad_request", 422, "Invalid"), "a bad object is refused")


def check_lists(t, cluster, drive):
    for number in range(MANY):
        cluster.create("Pod", "one", spec=SPEC, metadata={
            "name": f"p{number:03}", "labels": {"many": "y"}})
    names = [f"p{number:03}" for number in range(MANY)]
    mark = cluster.mark()
    found = drive("list", "Pod", selector="many in (y),many!=x", page=100)
    t.equal([i["metadata"]["name"] for i in found["items"]], names,
            "all pages together are the list")
    t.equal(len(cluster.requests("admin", mark)), 3, "of three requests")
    t.equal(found["body"], None, "no page is left in the reply")
    light = drive("list", "Pod", "one", page=500, metadata=1)
    t.ok(len(light["items"]) == MANY
         and all("spec" not in item for item in light["items"]),
         "metadata are listed without the rest")
    t.equal(drive("list", "Pod", "one", selector="many=no", page=500)["items"],
            [], "an empty list is empty")
    t.equal(pick(drive("list", "ProjectSettings", page=500))[0], "gone",
            "a kind that is not served is told apart")
    cluster.create_project_settings_crd()
    t.equal(pick(drive("list", "ProjectSettings", page=500))[0], "ok",
            "until it is")


def check_faults(t, b, cluster):
    with kube.Proxy(cluster) as proxy:
        config = proxy.write_kubeconfig(
            b.path("proxied.yaml"), user="admin")
        proxy.on("GET", "pods", nth=2, times=1).answer(410, {
            "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": 410, "reason": "Expired", "message": "too old"})
        with Drive(config) as drive:
            found = drive("list", "Pod", "one", page=100)
            proxy.on("POST", "roles", times=1).drop(is_forwarded=True)
            lost = drive("create", "Role", "one", "lost",
                         body=make_role("lost"))
    t.equal(pick(lost), ("bad_request", 409, "AlreadyExists"),
            "a create whose answer was lost finds its object")
    t.equal((found["error"], found["number"], len(found["items"])),
            ("ok", 2, MANY), "a list that expires begins again, and is whole")


def check_flood(t, cluster, drive):
    t.equal(drive("version")["number"], 20, "HTTP/2 is spoken")
    pid = drive.process.pid
    answer = drive("flood", "Namespace", None, "one", threads=64, count=20)
    t.equal(answer["number"], 0, "1,280 requests of 64 threads succeed")
    links = [os.readlink(f"/proc/{pid}/fd/{fd}")
             for fd in os.listdir(f"/proc/{pid}/fd")]
    # one to wake curl up by, and one pair is not more
    t.ok(sum(link.startswith("socket:") for link in links) <= 4,
         "over very few connections")


def check_rights(t, b, cluster):
    config = cluster.write_kubeconfig(b.path("weak.yaml"), user="reconciler")
    with Drive(config) as drive:
        t.equal(pick(drive("get", "Namespace", None, "one")),
                ("denied", 403, "Forbidden"), "who may not is told")
        lines = drive("self_check", namespace="one")
        t.equal(lines["error"], "ok", "everybody may ask what they may")
        t.ok(lines["number"] > 40, "much is missing at first")
        cluster.grant("reconciler", "all", [
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
        cluster.wait_until(
            lambda: drive("self_check", namespace="one")["number"] == 0,
            "nothing is missing of what is granted")
        t.ok(True, "nothing is missing of what is granted")
        t.equal(drive("may", verb="delete", group="", resource="pods",
                      namespace="one")["number"], 1, "one right alone")


def check_credentials(t, b, cluster):
    token = b.path("token")
    token.write_text("of nobody\n")
    config = cluster.write_kubeconfig(b.path("file.yaml"), user_extras={
        "token": None, "tokenFile": str(token)})
    with Drive(config) as drive:
        t.equal(pick(drive("get", "Namespace", None, "one"))[0], "denied",
                "a token that is none is refused")
        token.write_text("of-nobody\n")
        t.equal(pick(drive("get", "Namespace", None, "one")),
                ("denied", 401, "Unauthorized"), "so is another's")
        token.write_text(cluster.tokens["admin"] + "\n")
        t.equal(pick(drive("get", "Namespace", None, "one"))[0], "ok",
                "a token that is rotated is read again")
    certificate, key = cluster.client_certificate("boss", [kube.MASTERS])
    check_get(t, b, cluster, "a client certificate speaks for us", {
        "token": None, "client-certificate": str(certificate),
        "client-key": str(key)})
    plugin = b.path("plugin")
    plugin.write_text("#!/bin/sh\ncat <<E\n" + json.dumps({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential", "status": {
            "clientCertificateData": certificate.read_text(),
            "clientKeyData": key.read_text()}}) + "\nE\n")
    plugin.chmod(0o755)
    check_get(t, b, cluster, "so does the certificate of a plugin", {
        "token": None, "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin), "interactiveMode": "Never"}})


def check_get(t, b, cluster, title, user_extras):
    config = cluster.write_kubeconfig(
        b.path("extras.yaml"), user_extras=user_extras)
    with Drive(config) as drive:
        t.equal(pick(drive("get", "Namespace", None, "one"))[0], "ok", title)
        t.equal(drive("version")["number"], 20, "over HTTP/2")


def check_trust(t, b, cluster):
    config = cluster.write_kubeconfig(b.path("trust.yaml"), cluster_extras={
        "certificate-authority": None})
    with Drive(config) as drive:
        t.equal(pick(drive("get", "Namespace", None, "one")),
                ("retry_later", 0, "Unreachable"),
                "a server of an unknown authority is not spoken to")
    config = cluster.write_kubeconfig(
        b.path("trust.yaml"), user="admin", cluster_extras={
            "certificate-authority": None, "insecure-skip-tls-verify": True})
    with Drive(config) as drive:
        t.equal(pick(drive("get", "Namespace", None, "one"))[0], "ok",
                "but where the kubeconfig says so")
    config = cluster.write_kubeconfig(
        b.path("trust.yaml"), cluster_extras={"tls-server-name": "other.test"})
    with Drive(config) as drive:
        t.equal(pick(drive("get", "Namespace", None, "one")),
                ("retry_later", 0, "Unreachable"),
                "a server that has not the name that is wanted is refused")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        cluster = kube.start(b)
        cluster.create_namespace("one")
        config = cluster.write_kubeconfig(user="admin")
        with Drive(config) as drive:
            check_objects(t, drive)
            check_lists(t, cluster, drive)
            check_flood(t, cluster, drive)
        check_faults(t, b, cluster)
        check_rights(t, b, cluster)
        check_credentials(t, b, cluster)
        check_trust(t, b, cluster)


if __name__ == "__main__":
    main()
