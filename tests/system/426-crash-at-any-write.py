#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Killed at any of its writes, with and without an answer, the reconciler
leaves nothing that the next pass does not put right: the same state as if it
had never been killed, nothing doubled, nothing lost, and the key that was
written first is the key that stays."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, it is killed on purpose, some fifty times
# openssl: no, ambient-cp-token is not in it
import base64
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap

KINDS = ("Secret", "Role", "RoleBinding", "NetworkPolicy", "ProjectSettings",
         "ServiceAccount", "Lease")
# of the server's own making, or of no interest
VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "managedFields",
            "selfLink", "generation")
# the most writes that a pass over one project may take
MOST_WRITES = 40


class Killed:
    """A process that the proxy kills; its pid is known when it has started."""

    def __init__(self):
        self.process = None

    def pid(self):
        return self.process.pid


def clean(item):
    meta = {key: value for key, value in item["metadata"].items()
            if key not in VOLATILE}
    if meta["name"] == reconciler.LEASE:
        meta.pop("annotations", None)
        return {"metadata": meta}
    return {**{key: value for key, value in item.items()
               if key not in ("data", "status", "secrets")}, "metadata": meta}


def state(site, project):
    """All that there is of a project, and in the runtime namespace, in words
    that are the same for every project."""
    found = [("labels", site.read("Namespace", None, project)["metadata"][
        "labels"])]
    for namespace in (project, reconciler.RUNTIME, reconciler.IMAGES):
        for kind in KINDS:
            for item in site.cluster.must(site.cluster.admin.list(
                    kube.path_of(kind, namespace))):
                name = item["metadata"]["name"]
                if ("-token-" not in name and name != "default"
                        and (namespace != reconciler.IMAGES
                             or f"-{project}-" in name)):
                    found.append((f"{kind} {namespace}/{name}", clean(item)))
    text = json.dumps(found, sort_keys=True).replace(project, "PROJECT")
    # the hash of the project's name
    return dict(json.loads(re.sub(r"(puller-PROJECT)-[0-9a-f]+", r"\1", text)))


def key_secret(site):
    secret = site.read("Secret", reconciler.RUNTIME, reconciler.KEY_SECRET)
    return secret and (secret["metadata"]["uid"], secret["data"])


def prepare(site, project):
    """A project more; what projects share is as before the first pass."""
    site.drop_lease()
    for kind, name in (("Secret", reconciler.KEY_SECRET),
                       ("NetworkPolicy", reconciler.TOKEN_POLICY)):
        site.cluster.admin.delete(kube.path_of(kind, reconciler.RUNTIME, name))
    site.key_file.unlink(missing_ok=True)
    site.api.load("projects", [{"name": project}])
    site.api.create_settings(project, [("team", "admin"), ("all", "view")])


def kill_at(site, proxy, number, is_answered):
    """A pass that is killed at that write; False: it had fewer."""
    killed = Killed()
    proxy.clear()
    kill = proxy.kill_at_write(number, killed.pid, is_answered)
    killed.process = site.start_once()
    bed.wait_until(lambda: kill.is_done.is_set()
                   or not killed.process.is_running(), "it was killed")
    if kill.is_done.is_set():
        killed.process.good_statuses = None
    status = killed.process.wait()
    proxy.clear()
    return status == -9


def check_write(t, site, proxy, number, is_answered, wanted):
    how = "answered" if is_answered else "unanswered"
    title = f"killed at write {number}, {how}"
    project = f"kill-{number}-{how}"
    prepare(site, project)
    if not kill_at(site, proxy, number, is_answered):
        return False
    key = key_secret(site)
    site.drop_lease()
    result = site.once()
    t.equal(result.status, 0, f"{title}: the next pass converges")
    now = state(site, project)
    t.ok(now == wanted, f"{title}: to the same state, nothing doubled or lost",
         *differences(now, wanted))
    if key:
        t.equal(key_secret(site), key, f"{title}: the key Secret is the same")
    t.equal(site.once().planned(), [], f"{title}: then nothing is to be done")
    check_key_file(t, site, title)
    return True


def check_key_file(t, site, title):
    public = bed.Bed.public_key(site.key_file)
    secret = site.read("Secret", reconciler.RUNTIME, reconciler.KEY_SECRET)
    t.equal(base64.b64decode(secret["data"]["public.pem"]).decode(), public,
            f"{title}: the key file holds the key of the Secret")


def differences(now, wanted):
    return [f"{key}: {now.get(key)} instead of {wanted.get(key)}"
            for key in sorted(set(now) | set(wanted), key=str)
            if now.get(key) != wanted.get(key)]


def check_all(t, site, proxy, wanted, is_answered):
    count = 0
    for number in range(1, MOST_WRITES):
        if not check_write(t, site, proxy, number, is_answered, wanted):
            break
        count = number
    return count


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        # one write after the other, so that each place is come by
        site = reconciler.Site(b, in_flight=1)
        prepare(site, "calm")
        t.equal(site.once().status, 0, "without being killed it converges")
        wanted = state(site, "calm")
        with kube.Proxy(site.cluster) as proxy:
            site.through(proxy)
            counts = [check_all(t, site, proxy, wanted, is_answered)
                      for is_answered in (False, True)]
            t.ok(min(counts) >= 12, "every write has been one to be killed at",
                 counts)


if __name__ == "__main__":
    main()
