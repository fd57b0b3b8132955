#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real API server takes every object of a session as it stands in
tests/data, keeps it as it was sent, and takes a Service back."""
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

DATA = os.path.join(os.path.dirname(__file__), "..", "data")
CASES = ("authorities", "hostile", "mcp", "plain", "proxies", "pull-secret",
         "restricted", "resume", "row", "vertex")
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


def check_case(t, cluster, case):
    account, *others = load(case)
    namespace = account["metadata"]["namespace"]
    status, _ = cluster.admin.apply(
        kube.path_of("ServiceAccount", namespace, account["metadata"]["name"]),
        account)
    t.ok(status in (200, 201), f"{case}: the account is taken")
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


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        cluster = kube.start(b)
        cluster.create_namespace("p1")
        for case in CASES:
            check_case(t, cluster, case)
        check_service(t, cluster)


if __name__ == "__main__":
    main()
