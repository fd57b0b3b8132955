#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real API server takes every object of a session as it stands in
tests/data, keeps it as it was sent, and takes a Service back; and its
admission finds every pod within the baseline Pod Security Standard, and with
runner_restricted within the restricted one.

PodSecurity, which knows the standards by name, came after the server's
version. So they are written down here for the plugin that was before it. That
one mends what it can: a pod only meets a standard when it comes out as it went
in."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, none of our programs runs here
# openssl: no, ambient-cp-token is not in it
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import tap

PLUGIN = "--enable-admission-plugins=PodSecurityPolicy"
ANY = {"rule": "RunAsAny"}
SECCOMP = "seccomp.security.alpha.kubernetes.io/allowedProfileNames"
BASELINE = {
    "privileged": False, "hostNetwork": False, "hostIPC": False,
    "hostPID": False, "seLinux": ANY, "runAsUser": ANY, "fsGroup": ANY,
    "supplementalGroups": ANY, "allowedCapabilities": [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL",
        "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
        "SYS_CHROOT"],
    # all but hostPath
    "volumes": ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral",
                "nfs", "persistentVolumeClaim", "projected", "secret"]}
RESTRICTED = {
    **BASELINE, "allowPrivilegeEscalation": False,
    "requiredDropCapabilities": ["ALL"],
    "allowedCapabilities": ["NET_BIND_SERVICE"],
    "runAsUser": {"rule": "MustRunAsNonRoot"},
    "volumes": ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral",
                "persistentVolumeClaim", "projected", "secret"]}
STANDARDS = {"baseline": (BASELINE, "runtime/default,localhost/*"),
             "restricted": (RESTRICTED, "runtime/default,localhost/*")}
# who may make pods there within the standard of that name, and no others
MAKER = "tenant-a"
DATA = os.path.join(os.path.dirname(__file__), "..", "data")
CASES = ("authorities", "everything", "hostile", "mcp", "plain", "proxies",
         "pull-secret", "restricted", "resume", "row", "vertex")
# what each version of the server fills in by itself
CHOSEN = ("clusterIP", "clusterIPs", "internalTrafficPolicy", "ipFamilies",
          "ipFamilyPolicy")


def load(case):
    with open(os.path.join(DATA, f"session-{case}.json"),
              encoding="utf-8") as file:
        return json.load(file)["items"]


def is_within(ours, theirs):
    """Everything of ours is there; what the server added may be too."""
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(
            is_within(value, theirs.get(key)) for key, value in ours.items()
            if value != [])
    if isinstance(ours, list):
        return (isinstance(theirs, list) and len(ours) <= len(theirs)
                and all(map(is_within, ours, theirs)))
    return ours == theirs


def make_account(cluster, namespace, account):
    """And its token, without which a pod that mounts it is refused."""
    path = kube.path_of("ServiceAccount", namespace,
                        account["metadata"]["name"])
    status, _ = cluster.admin.apply(path, account)
    cluster.wait_until(lambda: cluster.admin.get(path)[1].get("secrets"),
                       "the account has its token")
    return status


def check_case(t, cluster, case):
    account, *others = load(case)
    namespace = account["metadata"]["namespace"]
    t.ok(make_account(cluster, namespace, account) in (200, 201),
         f"{case}: the account is taken")
    for value in others:
        kind = value["kind"]
        status, made = cluster.admin.post(
            kube.path_of(kind, namespace), value, dryRun="All")
        t.equal((status, made.get("message")), (201, None),
                f"{case}: the {kind} is taken")
        sent = {key: part for key, part in value.items()
                if key != "stringData"}
        t.ok(is_within(sent, made), f"{case}: the {kind} is kept as it is",
             json.dumps(made)[:2000])


def check_service(t, cluster):
    """Nothing but the chosen members may be new, else it would be repaired
    in each pass; and a repair keeps them."""
    service = load("plain")[3]
    namespace = service["metadata"]["namespace"]
    # there is no such owner: the garbage collector would take it away
    service["metadata"].pop("ownerReferences")
    made = cluster.must(cluster.admin.post(
        kube.path_of("Service", namespace), service))
    t.equal({key: value for key, value in made["spec"].items()
             if key not in CHOSEN}, service["spec"],
            "a Service is read back as it was made")
    service["metadata"]["resourceVersion"] = made["metadata"][
        "resourceVersion"]
    service["spec"].update({key: made["spec"][key] for key in CHOSEN
                            if key in made["spec"]})
    status, put = cluster.admin.put(kube.path_of(
        "Service", namespace, service["metadata"]["name"]), service)
    t.equal((status, put.get("message")), (200, None),
            "PUT with its address repairs a Service")
    t.equal(put.get("spec", {}).get("clusterIP"), made["spec"]["clusterIP"],
            "and it keeps its address")


# --- Pod Security Standards ---------------------------------------------------

def make_standards(cluster):
    """A namespace for each, in which only pods that meet it can be made."""
    for name, (rules, profiles) in STANDARDS.items():
        cluster.create("PodSecurityPolicy", spec=rules, metadata={
            "name": name, "annotations": {SECCOMP: profiles}})
        cluster.create_namespace(name)
        cluster.grant(MAKER, "maker", [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]},
            {"apiGroups": ["policy"], "resources": ["podsecuritypolicies"],
             "resourceNames": [name], "verbs": ["use"]}], name)


def security_of(pod):
    """All that a standard is about and the plugin would mend."""
    spec = pod["spec"]
    return [spec.get("securityContext"), *(
        c.get("securityContext") for c in spec["containers"])]


def judge(cluster, standard, pod):
    """(whether a pod meets a standard, what the server said)"""
    make_account(cluster, standard, {
        "kind": "ServiceAccount", "apiVersion": "v1",
        "metadata": {"name": pod["spec"]["serviceAccountName"]}})
    pod = {**pod, "metadata": {**pod["metadata"], "namespace": standard}}
    status, made = cluster.client(MAKER).post(
        kube.path_of("Pod", standard), pod, dryRun="All")
    if status != 201:
        return False, made.get("message")
    return (security_of(made) == security_of(pod),
            json.dumps(security_of(made)))


def load_pod(case):
    return next(item for item in load(case) if item["kind"] == "Pod")


def check_standards(t, cluster):
    for case in CASES:
        is_met, said = judge(cluster, "baseline", load_pod(case))
        t.ok(is_met, f"H-51 {case}: the pod meets the baseline standard",
             said)
    for case in ("restricted", "everything"):
        is_met, said = judge(cluster, "restricted", load_pod(case))
        t.ok(is_met, f"H-51 {case}: the pod meets the restricted standard",
             said)
    is_met, _ = judge(cluster, "restricted", load_pod("mcp"))
    t.ok(not is_met, "the same without runner_restricted does not")


def of_pod(**values):
    return lambda spec: spec.update(values)


def of_pod_security(**values):
    return lambda spec: spec["securityContext"].update(values)


def of_container(**values):
    """Of the last one: the sidecar."""
    return lambda spec: spec["containers"][-1]["securityContext"].update(
        values)


def drop(name):
    return lambda spec: spec["containers"][-1]["securityContext"].pop(name)


# what each standard forbids, and whoever meets the one above it may not do
FORBIDDEN = {
    "baseline": [
        ("the host's network", of_pod(hostNetwork=True)),
        ("the host's processes", of_pod(hostPID=True)),
        ("the host's IPC", of_pod(hostIPC=True)),
        ("a folder of the host", of_pod(volumes=[
            {"name": "workspace", "hostPath": {"path": "/"}},
            {"name": "home", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}}])),
        ("a privileged container", of_container(
            privileged=True, allowPrivilegeEscalation=True)),
        ("another capability", of_container(
            capabilities={"add": ["SYS_ADMIN"], "drop": ["ALL"]})),
        ("a pod that seccomp does not confine", of_pod_security(
            seccompProfile={"type": "Unconfined"}))],
    "restricted": [
        ("root", of_container(runAsUser=0)),
        ("a container that may be root", of_pod_security(runAsNonRoot=False)),
        ("escalation", of_container(allowPrivilegeEscalation=True)),
        ("escalation unsaid", drop("allowPrivilegeEscalation")),
        ("capabilities that are not dropped", drop("capabilities"))]}


def check_forbidden(t, cluster):
    """Else the checks above would prove nothing."""
    for standard, changes in FORBIDDEN.items():
        for what, change in changes:
            pod = load_pod("restricted")
            change(pod["spec"])
            is_met, said = judge(cluster, standard, pod)
            t.ok(not is_met and said, f"{standard} refuses {what}", said)


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        cluster = kube.start(b, flags=(PLUGIN,))
        make_standards(cluster)
        check_standards(t, cluster)
        check_forbidden(t, cluster)
        cluster.create_namespace("p1")
        for case in CASES:
            check_case(t, cluster, case)
        check_service(t, cluster)


if __name__ == "__main__":
    main()
