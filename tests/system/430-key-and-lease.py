#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The key Secret, the key file and the Lease, with the built reconciler on a
real Kubernetes API server: one writer at a time, a key that no deletion and no
damage replaces (H-08), and a rotation that every replica follows before any
pod can be made with the new key."""
# quick: no, the Kubernetes API server may have to be built first
# openssl: no, ambient-cp-token is not in it
import base64
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ambient
import bed
import kube
import tap

RUNTIME = "runtime"
KEY = "ambient-cp-token-keypair"
LEASE = "ambient-cp-reconciler"
NEXT_SINCE = "ambient-code.io/next-key-since"
PREVIOUS_SINCE = "ambient-code.io/previous-keys-since"
YIELD_TO = "ambient-code.io/yield-to"
MARK = "ambient-code.io/token-key-id"
LOCKED = 75
# a Lease lives 15 s, and this machine may be busy with other tests
PATIENCE = 120
REPLICAS = ("one", "two", "three")
# everything, as each has a name of its own only to tell their requests apart
ALL_RIGHTS = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
PEM = re.compile(r"-----BEGIN RSA PRIVATE KEY-----.*?"
                 r"-----END RSA PRIVATE KEY-----\n", re.S)


class Replica:
    """A reconciler with a host of its own: key file, lock file, user."""

    def __init__(self, scene, name):
        self.scene = scene
        self.name = name
        self.home = scene.bed.path(name)
        self.home.mkdir(mode=0o700)
        self.key_file = self.home / "key.pem"
        self.process = None
        config = scene.cluster.write_kubeconfig(
            self.home / "kubeconfig", user=name)
        self.config = self.home / "ambient-cp.conf"
        self.config.write_text(f"""\
kubeconfig = {config}
api_server_url = {scene.api.url}
api_token = {ambient.TOKEN}
runtime_namespace = {RUNTIME}
key_file = {self.key_file}
key_bits = 2048
lock_file = {self.home}/lock
metrics_file = {self.home}/metrics
resync = 1s
log_format = json
""")
        self.config.chmod(0o600)

    def argv(self, *flags):
        return [*bed.WRAPPER, bed.BUILDDIR / "ambient-cp-reconciler",
                "--config", self.config, *flags]

    def run(self, *flags):
        """One command to its end: (status, output and log)."""
        done = subprocess.run(
            self.argv(*flags), capture_output=True, text=True, cwd="/",
            timeout=PATIENCE, check=False)
        return done.returncode, done.stdout + done.stderr

    def start(self):
        self.process = self.scene.bed.start(self.name, self.argv())
        return self

    def keys(self):
        """The key file's keys, each as PEM."""
        if not self.key_file.exists():
            return []
        return PEM.findall(self.key_file.read_text())

    def is_leader(self):
        identity = self.scene.lease().get("holderIdentity", "")
        return f"_{self.process.pid}_" in identity


class Scene:
    """The servers, and what stands in the cluster."""

    def __init__(self, b):
        self.bed = b
        self.cluster = kube.start(
            b, users={name: [] for name in (*REPLICAS, "fourth")})
        self.cluster.create_namespace(RUNTIME)
        for name in (*REPLICAS, "fourth"):
            self.cluster.grant(name, f"all-of-{name}", ALL_RIGHTS)
        self.api = ambient.start(b)

    def secret(self):
        return self.cluster.read("Secret", RUNTIME, KEY)

    def lease(self):
        found = self.cluster.read("Lease", RUNTIME, LEASE)
        return found["spec"] if found else {}

    def keys(self, entry):
        """The keys of an entry of the Secret, each as PEM."""
        text = self.secret()["data"].get(entry, "")
        return PEM.findall(base64.b64decode(text).decode())

    def all_keys(self):
        return [key for entry in ("private.pem", "next.pem", "previous.pem")
                for key in self.keys(entry)]

    def put_data(self, **data):
        """Changes entries of the Secret; None takes one away."""
        names = {name.replace("_", "."): value
                 for name, value in data.items()}
        self.cluster.must(self.cluster.admin.patch(
            kube.path_of("Secret", RUNTIME, KEY), {"data": names}))

    def age(self, annotation, seconds):
        """Sets the times of an annotation back, as if time had passed."""
        path = kube.path_of("Secret", RUNTIME, KEY)
        made = self.secret()["metadata"]["annotations"][annotation]
        aged = ",".join(f"{entry.split('=')[0]}={self.ago(seconds)}"
                        for entry in made.split(","))
        self.cluster.must(self.cluster.admin.patch(
            path, {"metadata": {"annotations": {annotation: aged}}}))

    @staticmethod
    def ago(seconds):
        return subprocess.run(
            ["date", "-u", "-d", f"-{seconds} seconds", "+%FT%TZ"],
            check=True, capture_output=True, text=True).stdout.strip()

    def wait(self, condition, what):
        return bed.wait_until(condition, what, PATIENCE)

    def wait_for_passes(self, replica, count=3):
        """Until that many passes have begun and ended after now."""
        before = replica.process.log().count('"event":"pass"')
        self.wait(lambda: replica.process.log().count('"event":"pass"')
                  >= before + count, f"{replica.name} passes")


# --- the Secret and the file, by --once -----------------------------------------

def b64(data):
    return base64.b64encode(data).decode()


def weak_key():
    return subprocess.run(
        ["openssl", "genrsa", "-traditional", "1024"], check=True,
        capture_output=True).stdout


def check_first(t, scene, replica):
    status, said = replica.run("--once")
    t.equal(status, 0, "--once from nothing") or t.diag(said)
    t.equal(scene.keys("private.pem"), replica.keys(),
            "makes the Secret and the key file with one key")
    t.equal(len(replica.keys()), 1, "which is there")
    t.equal(os.stat(replica.key_file).st_mode & 0o777, 0o640,
            "in a file of mode 0640")
    labels = scene.secret()["metadata"]["labels"]
    t.equal(labels.get("app"), "ambient-control-plane",
            "under the label that the Secret always had")
    t.equal(scene.lease().get("holderIdentity"), None,
            "the Lease is released at the end")


def check_deletion(t, scene, replica):
    before = replica.keys()
    scene.cluster.must(scene.cluster.admin.delete(
        kube.path_of("Secret", RUNTIME, KEY)))
    t.equal(replica.run("--once")[0], 0, "--once after the Secret was deleted")
    t.equal(scene.keys("private.pem"), before,
            "makes it again from the key file")
    t.equal(replica.keys(), before, "which stays as it was")


def damages(scene):
    """(what is damaged, entries, what the message says)"""
    key = base64.b64decode(scene.secret()["data"]["private.pem"])
    other = subprocess.run(
        ["openssl", "genrsa", "2048"], check=True, capture_output=True).stdout
    return [
        ("a missing private key", {"private_pem": None},
         "private.pem is missing"),
        ("a missing public key", {"public_pem": None},
         "public.pem is missing"),
        ("a key cut short", {"private_pem": b64(key[:len(key) // 2])},
         "private.pem: PEM block 1 is cut short"),
        ("halves that do not match", {"private_pem": b64(other)},
         "public.pem is not the public half of private.pem"),
        ("a weak key", {"private_pem": b64(weak_key())},
         "private.pem: PEM block 1 is an RSA key of less than 2048 bits"),
        ("a damaged next key", {"next_pem": b64(b"no key\n")},
         "next.pem")]


def check_damage(t, scene, replica, what, data, words):
    good = scene.secret()["data"]
    scene.put_data(**data)
    before = scene.secret()["metadata"]["resourceVersion"], replica.keys()
    status, said = replica.run("--once")
    t.ok(status not in (0, LOCKED), f"H-08: {what} stops the key's step")
    t.ok(words in said, f"H-08: {what} is named") or t.diag(said)
    t.equal((scene.secret()["metadata"]["resourceVersion"], replica.keys()),
            before, f"H-08: after {what} neither Secret nor file is touched")
    scene.put_data(**{name: good.get(name.replace("_", "."))
                      for name in data})


def check_pkcs8(t, scene, replica):
    before = replica.keys()
    good = scene.secret()["data"]["private.pem"]
    pkcs8 = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-nocrypt"], check=True,
        input=before[0].encode(), capture_output=True).stdout
    scene.put_data(private_pem=b64(pkcs8))
    t.equal(replica.run("--once")[0], 0, "H-08: a PKCS#8 key is taken")
    t.equal(replica.keys(), before, "and is PKCS#1 in the key file")
    scene.put_data(private_pem=good)


# --- the Lease --------------------------------------------------------------------

def wait_for_leader(scene, replicas):
    return scene.wait(
        lambda: next((r for r in replicas if r.is_leader()), None),
        "one loop holds the Lease")


def writes_of(scene, replica, since):
    """What a replica wrote beside the Lease."""
    return [request for request in
            scene.cluster.writes(user=replica.name, since=since)
            if request["resource"] != "leases"]


def check_one_writes(t, scene, loops, fourth):
    leader = wait_for_leader(scene, loops)
    mark = scene.cluster.mark()
    scene.api.create_project("alpha")
    scene.wait(lambda: scene.cluster.read("Namespace", None, "alpha"),
               "the project has its namespace")
    scene.wait_for_passes(leader)
    t.equal([r.name for r in loops if writes_of(scene, r, mark)],
            [leader.name], "H-63 of three loops one writes")
    mark = scene.cluster.mark()
    status, said = fourth.run("--once")
    t.equal(status, LOCKED, "--once beside them is told to come again") or t.diag(said)
    t.equal(scene.cluster.writes(user="fourth", since=mark), [],
            "and writes nothing, not even the Lease")
    t.ok(leader.is_leader(), "the leader stays")
    return leader


def check_lock_file(t, scene, leader):
    status, said = leader.run("--once")
    t.equal(status, LOCKED, "--once on the same host meets the lock file") or t.diag(said)


def check_takeover(t, scene, loops, leader):
    before = scene.lease()
    leader.process.kill()
    rest = [r for r in loops if r is not leader]
    heir = wait_for_leader(scene, rest)
    t.equal(scene.lease()["leaseTransitions"],
            before["leaseTransitions"] + 1,
            "after a SIGKILL of the leader one other takes the Lease, once")
    mark = scene.cluster.mark()
    scene.api.create_project("beta")
    scene.wait(lambda: scene.cluster.read("Namespace", None, "beta"),
               "the next project has its namespace")
    t.ok(writes_of(scene, heir, mark), "and goes on with the work")
    leader.start()
    scene.wait_for_passes(heir)
    t.ok(heir.is_leader(), "the old leader, back again, leaves it alone")
    return heir


def check_release(t, scene, loops, leader):
    t.equal(leader.process.stop(PATIENCE), 0,
            "H-22 SIGTERM ends a leader well")
    t.ok(f"_{leader.process.pid}_" not in
         scene.lease().get("holderIdentity", ""), "it releases the Lease")
    heir = wait_for_leader(scene, [r for r in loops if r is not leader])
    leader.start()
    return heir


# --- rotation ---------------------------------------------------------------------

def wait_for_files(scene, replicas, keys):
    scene.wait(lambda: all(r.keys() == keys for r in replicas),
               "every key file follows the Secret")


def check_rotation(t, scene, loops, fourth):
    """The new key: next, then current."""
    old = scene.keys("private.pem")
    t.equal(len(old), 1, "before the rotation there is one key")
    status, said = fourth.run("--rotate-key")
    t.equal(status, 0, "--rotate-key beside a leader") or t.diag(said)
    new = scene.keys("next.pem")
    t.equal((len(new), scene.keys("private.pem")), (1, old),
            "adds a next key and leaves the current one")
    leader = wait_for_leader(scene, loops)
    lease = scene.cluster.read("Lease", RUNTIME, LEASE)
    t.ok(YIELD_TO not in lease["metadata"].get("annotations", {}),
         "the Lease is a loop's again, and nobody asks for it")
    wait_for_files(scene, loops, old + new)
    t.ok(True, "every key file honours the new key")
    status, said = fourth.run("--rotate-key")
    t.ok(status not in (0, LOCKED) and "under way already" in said,
         "a second rotation is refused meanwhile") or t.diag(said)
    leader = wait_for_leader(scene, loops)
    scene.age(NEXT_SINCE, 60)
    scene.wait_for_passes(leader)
    t.equal(scene.keys("private.pem"), old,
            "an early promotion is refused")
    scene.age(NEXT_SINCE, 121)
    scene.wait(lambda: scene.keys("private.pem") == new, "it is promoted")
    t.equal((scene.keys("previous.pem"), scene.keys("next.pem")), (old, []),
            "after two minutes it is current, and the old one previous")
    wait_for_files(scene, loops, new + old)
    t.ok(True, "every key file follows")
    return leader, old, new


def pod(scene, name, key_id):
    scene.cluster.create("Pod", "alpha", metadata={
        "name": name,
        "labels": {"ambient-code.io/managed": "true",
                   "ambient-code.io/instance": RUNTIME},
        "annotations": {MARK: key_id} if key_id else {}},
        spec={"nodeName": "node-1",
              "containers": [{"name": "c", "image": "i"}]})


def check_drop(t, scene, loops, leader, old, new):
    noted = scene.secret()["metadata"]["annotations"][PREVIOUS_SINCE]
    old_id = noted.split("=")[0]
    scene.age(PREVIOUS_SINCE, 23 * 3600)
    scene.wait_for_passes(leader)
    t.equal(scene.keys("previous.pem"), old, "an early drop is refused")
    for name, mark, words in (
            ("marked", old_id, "a pod was made under the key"),
            ("unmarked", None, "a pod says nothing of its key")):
        pod(scene, name, mark)
        scene.wait_for_passes(leader)
        scene.age(PREVIOUS_SINCE, 25 * 3600)
        scene.wait_for_passes(leader)
        t.equal(scene.keys("previous.pem"), old,
                f"a late drop is refused while {words}")
        scene.age(PREVIOUS_SINCE, 60)
        scene.wait_for_passes(leader)
        scene.cluster.end_pod("alpha", name)
        scene.cluster.wait_until_gone("Pod", "alpha", name)
    scene.age(PREVIOUS_SINCE, 25 * 3600)
    scene.wait(lambda: scene.keys("previous.pem") == [],
               "the previous key is dropped")
    t.ok(True, "then the key is dropped")
    wait_for_files(scene, loops, new)
    t.ok(True, "every key file follows the drop")


def check_revocation(t, scene, loops, fourth):
    status, said = fourth.run("--revoke-key", "0123456789abcdef")
    t.ok(status not in (0, LOCKED) and "no key of the Secret" in said,
         "an unknown key cannot be revoked") or t.diag(said)
    old = scene.keys("private.pem")
    t.equal(fourth.run("--rotate-key")[0], 0, "another rotation begins")
    next_id = scene.secret()["metadata"]["annotations"][NEXT_SINCE]
    next_id = next_id.split("=")[0]
    status, said = fourth.run("--revoke-key", next_id, "--json")
    t.ok(f'{{"key_id":"{next_id}","state":"revoked"}}\n' in said,
         "--json says so to programs") or t.diag(said)
    t.equal((status, scene.all_keys()), (0, old),
            "--revoke-key takes a key away at once") or t.diag(said)
    wait_for_files(scene, loops, old)
    t.ok(True, "and out of every key file")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        scene = Scene(b)
        loops = [Replica(scene, name) for name in REPLICAS]
        fourth = Replica(scene, "fourth")
        check_first(t, scene, loops[0])
        check_deletion(t, scene, loops[0])
        for what, data, words in damages(scene):
            check_damage(t, scene, loops[0], what, data, words)
        check_pkcs8(t, scene, loops[0])
        for replica in loops:
            replica.start()
        leader = check_one_writes(t, scene, loops, fourth)
        check_lock_file(t, scene, leader)
        leader = check_takeover(t, scene, loops, leader)
        leader = check_release(t, scene, loops, leader)
        leader, old, new = check_rotation(t, scene, loops, fourth)
        check_drop(t, scene, loops, leader, old, new)
        check_revocation(t, scene, loops, fourth)
        for replica in loops:
            t.equal(replica.process.stop(PATIENCE), 0,
                    f"{replica.name} ends well")


if __name__ == "__main__":
    main()
