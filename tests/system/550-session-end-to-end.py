#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""All parts together: a project and a session over the API become a pod on a
real Kubernetes API server; a stock runner with the environment of that pod,
and nothing else, gets a token of a real provider through nginx, across a key
rotation; strangers get none; and what is stopped and deleted is gone."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, the parts run under it in tests of their own
import json
import os
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import binding
import kube
import kubelet
import metrics
import providers
import raw_http
import reconciler
import stock_runner
import tap
from cryptography.exceptions import InvalidSignature

PROJECT = "alpha"
CLIENT = "ambient-control-plane"
MADE_UP = "2zyxWVUtsrQPOnmlKJihgFEDcba"
# what a shell, a kubelet or a JSON parser might take amiss
NAME = "say $(SESSION_ID) $$(HOME) $"
SECRET_WORD = "vermilion-otter"
PROMPT = SECRET_WORD + " $$5 $(SESSION_ID)\n\"quoted\" 'too'\t\u00e4\U0001f642"
SESSION_LABEL = reconciler.PREFIX + "session-id"
KEY_ID = reconciler.PREFIX + "token-key-id"
NEXT_SINCE = reconciler.PREFIX + "next-key-since"
KINDS = ("ServiceAccount", "Secret", "ConfigMap", "Service", "Pod", "Role",
         "RoleBinding", "NetworkPolicy")
PATIENCE = 90


def wait(condition, what):
    return bed.wait_until(condition, what, PATIENCE)


class Platform:
    """Everything that runs: the cluster and the API in .site, .idp, .port
    of nginx."""

    def __init__(self, b):
        self.idp = providers.start_real(b, {CLIENT: providers.SECRET})
        socket = b.socket_path()
        self.port = b.start_nginx(socket).port
        self.token_url = f"http://127.0.0.1:{self.port}/token"
        self.site = reconciler.Site(b, token_url=self.token_url)
        self.loop = self.site.start_loop(interval="1s", resync="2s")
        wait(self.site.key_file.exists, "the loop makes the key file")
        b.start_responder(
            self.site.key_file,
            {**providers.credentials(self.idp, CLIENT),
             "CP_TOKEN_BINDING": "required"}, socket_path=socket)
        providers.wait_until_ready(self.port)
        self.verifier = providers.Verifier(self.idp.jwks_url)

    def keys_loaded(self):
        return metrics.read(self.port).total("keys_loaded")

    def phase(self, session):
        return self.site.api.session(session).get("phase")

    def wait_for_phase(self, session, phase):
        wait(lambda: self.phase(session) == phase,
             f"the session's phase is {phase}")


# --- a session's pod ---------------------------------------------------------

class Runner:
    """A session's pod; .environment is its runner's, as a kubelet makes it."""

    def __init__(self, platform, session):
        self.platform = platform
        self.session = session
        self.cluster = platform.site.cluster
        row = platform.site.api.session(session)
        self.namespace = row["kube_namespace"]
        self.pod, = self.cluster.must(self.cluster.admin.list(
            kube.path_of("Pod", self.namespace),
            labelSelector=f"{SESSION_LABEL}={session}"))
        self.name = self.pod["metadata"]["name"]
        self.key_id = self.pod["metadata"]["annotations"][KEY_ID]
        self.service = f"session-{session.lower()}"

    @property
    def environment(self):
        return kubelet.environment(self.cluster, self.pod)

    @property
    def public_key(self):
        return self.environment["AMBIENT_CP_TOKEN_PUBLIC_KEY"]

    @property
    def target(self):
        """Path and query of the bound token URL."""
        url = urllib.parse.urlsplit(self.environment["AMBIENT_CP_TOKEN_URL"])
        return f"{url.path}?{url.query}"

    def fetch(self):
        """The stock runner with that environment and no other."""
        done = subprocess.run(
            ["/usr/bin/python3", "-B", stock_runner.__file__],
            env=self.environment, text=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        return done.stdout.strip() or done.stderr

    def check_token(self, t, what):
        token = self.fetch()
        try:
            client = self.platform.verifier.claims(token)["client_id"]
        except (InvalidSignature, ValueError, KeyError) as error:
            client = f"{error!r} for {token[-500:]}"
        t.equal(client, CLIENT, f"{what} gets a token that the provider "
                "signed")
        return token

    def is_there(self, kind, name):
        return self.cluster.read(kind, self.namespace, name) is not None


def provision(platform, name, **values):
    """A session that a user makes and starts; its runner, on a node."""
    api = platform.site.api
    session = api.create_session(PROJECT, name=name, **values)
    api.start(session)
    platform.wait_for_phase(session, "Running")
    runner = Runner(platform, session)
    runner.cluster.bind_pod(runner.namespace, runner.name)
    runner.cluster.set_pod_status(runner.namespace, runner.name,
                                  phase="Running")
    return runner


# --- the story --------------------------------------------------------------------

def check_first(t, platform):
    platform.site.api.create_project(PROJECT)
    runner = provision(platform, NAME, prompt=PROMPT)
    t.ok(runner.is_there("Service", runner.service),
         "a session over the API has a pod and a service")
    env = runner.environment
    t.equal((env["SESSION_ID"], env["PROJECT_NAME"],
             env["AGENTIC_SESSION_NAME"], env["INITIAL_PROMPT"]),
            (runner.session, PROJECT, NAME, PROMPT),
            "its container finds id, project, name and prompt as they are")
    proof = binding.proof_of(platform.site.key_file, runner.session)
    t.equal(env["AMBIENT_CP_TOKEN_URL"], platform.token_url
            + f"?s={runner.session}&p={proof}", "and its bound token URL")
    spec = json.dumps(runner.pod)
    t.ok(proof not in spec and "PRIVATE KEY" not in spec,
         "whose proof is not in the pod's spec")
    runner.check_token(t, "a stock runner with the pod's environment")
    return runner


def annotations(platform):
    return platform.site.read(
        "Secret", reconciler.RUNTIME, reconciler.KEY_SECRET)[
            "metadata"]["annotations"]


def rotate(t, platform):
    """--rotate-key, and two minutes at once; the new key's id."""
    result = platform.site.another().run("--rotate-key")
    t.equal(result.status, 0, "--rotate-key beside the loop") or t.diag(result)
    new = annotations(platform)[NEXT_SINCE].split("=")[0]
    wait(lambda: platform.keys_loaded() == 2,
         "the token service has both keys from the one file")
    platform.site.annotate(
        "Secret", reconciler.RUNTIME, reconciler.KEY_SECRET,
        next_key_since=f"{new}={reconciler.LONG_AGO}")
    wait(lambda: NEXT_SINCE not in annotations(platform),
         "the new key is the current one")
    return new


def check_rotation(t, platform, old):
    key_id = rotate(t, platform)
    new = provision(platform, "after the rotation")
    t.ok(new.key_id == key_id != old.key_id,
         "a pod made after the rotation is marked with the new key's id",
         new.key_id, key_id, old.key_id)
    t.ok(new.public_key != old.public_key, "and has the new public key")
    new.check_token(t, "its runner")
    old.check_token(t, "a runner that was there before the rotation")
    return new


def check_strangers(t, platform, runner):
    """Who has all that the pod's spec shows, but no proof."""
    made_up = stock_runner.seal(runner.public_key, MADE_UP)
    stolen = stock_runner.seal(runner.public_key, runner.session)
    for what, credential, target in [
            ("a made-up id", made_up, "/token"),
            ("a made-up id and a made-up proof", made_up,
             binding.query(MADE_UP, "A" * 43)),
            ("a made-up id and a runner's URL", made_up, runner.target),
            ("a runner's id", stolen, "/token")]:
        t.equal(raw_http.bearer(platform.port, credential, target).status,
                401, f"a stranger with the public key and {what} is refused")
    t.equal(raw_http.bearer(platform.port, stolen, runner.target).status, 200,
            "with the runner's URL to the runner's id it is the runner")


def check_stop(t, platform, runner):
    platform.site.api.stop(runner.session)
    wait(lambda: "deletionTimestamp" in runner.cluster.read(
        "Pod", runner.namespace, runner.name)["metadata"],
         "the pod of a stopped session is told to end")
    t.equal(platform.phase(runner.session), "Stopping",
            "the session is Stopping while its pod ends")
    runner.cluster.end_pod(runner.namespace, runner.name)
    platform.wait_for_phase(runner.session, "Stopped")
    t.equal((runner.is_there("Pod", runner.name),
             runner.is_there("Service", runner.service)), (False, False),
            "it is Stopped when pod and service are gone")
    t.ok(platform.site.api.session(runner.session).get("completion_time"),
         "and has the time of that")


def left_of(runner):
    """What the cluster still has of a session."""
    return [f"{kind}/{item['metadata']['name']}" for kind in KINDS
            for item in runner.cluster.must(runner.cluster.admin.list(
                kube.path_of(kind)))
            if runner.session.lower() in json.dumps(item).lower()]


def check_deletion(t, platform, runner, other):
    before = left_of(other)
    platform.site.api.delete_session(runner.session)
    wait(lambda: not left_of(runner), "nothing of a deleted session is left")
    t.ok(True, "of a deleted session nothing is left in the cluster")
    t.equal(left_of(other), before, "all of the other session is")
    return other.check_token(t, "the other session's runner")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        platform = Platform(b)
        first = check_first(t, platform)
        second = check_rotation(t, platform, first)
        check_strangers(t, platform, second)
        proofs = [runner.target.rpartition("=")[2]
                  for runner in (first, second)]
        check_stop(t, platform, first)
        token = check_deletion(t, platform, first, second)
        t.equal(b.find_in_logs([token, *proofs, providers.SECRET,
                                SECRET_WORD]),
                [], "no log holds a token, a proof, a prompt or the secret")
        t.equal(platform.loop.stop(), 0, "the loop ends well")


if __name__ == "__main__":
    main()
