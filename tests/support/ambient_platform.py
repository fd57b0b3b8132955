# SPDX-License-Identifier: Apache-2.0
"""The whole platform in a test bed: a Kubernetes API server, the stub of the
Ambient API, an OpenID provider, nginx, token service and reconciler.

    platform = ambient_platform.Platform(b)
    platform.site.api.create_project("alpha")
    runner = platform.provision("alpha", "a session", prompt="do it")
    platform.client_of(runner.fetch())     # whom the provider named in it

Nobody runs pods here: a Runner takes the environment out of the pod that the
reconciler made and is a stock runner with it.
"""
import subprocess
import urllib.parse

import bed
import kube
import kubelet
import metrics
import providers
import reconciler
import stock_runner
from cryptography.exceptions import InvalidSignature

CLIENT = "ambient-control-plane"
SESSION_LABEL = reconciler.PREFIX + "session-id"
KEY_ID = reconciler.PREFIX + "token-key-id"
PATIENCE = 90


def wait(condition, what):
    return bed.wait_until(condition, what, PATIENCE)


def ignore(_text):
    pass


class Platform:
    """Everything that runs: the cluster and the API in .site, .idp, .port
    of nginx. say: is told what is done next; options: lines of the
    reconciler's configuration."""

    def __init__(self, b, say=ignore, **options):
        self.bed = b
        say("an OpenID provider")
        self.idp = providers.start_real(b, {CLIENT: providers.SECRET})
        say("nginx")
        socket = b.socket_path()
        self.port = b.start_nginx(socket).port
        self.token_url = f"http://127.0.0.1:{self.port}/token"
        say("etcd, kube-apiserver, kube-controller-manager, and a stand-in "
            "for the Ambient API server")
        self.site = reconciler.Site(b, token_url=self.token_url, **options)
        say("ambient-cp-reconciler, which makes the key")
        self.loop = self.site.start_loop(interval="1s", resync="2s")
        wait(self.site.key_file.exists, "the loop makes the key file")
        say("ambient-cp-token, which reads it")
        self.responder = b.start_responder(
            self.site.key_file,
            {**providers.credentials(self.idp, CLIENT),
             "CP_TOKEN_BINDING": "required"}, socket_path=socket)
        providers.wait_until_ready(self.port)
        self.verifier = providers.Verifier(self.idp.jwks_url)

    def keys_loaded(self):
        return metrics.read(self.port).total("keys_loaded")

    def wait(self, condition, what):
        """As wait(), but not when a program has ended."""
        def check():
            for process in self.bed.processes:
                if not process.is_running():
                    raise RuntimeError(f"{process.name} has ended")
            return condition()
        return wait(check, what)

    def phase(self, session):
        return self.site.api.session(session).get("phase")

    def wait_for_phase(self, session, phase):
        self.wait(lambda: self.phase(session) == phase,
                  f"the session's phase is {phase}")

    def client_of(self, token):
        """To whom the provider gave a token; or what is wrong with it."""
        try:
            return self.verifier.claims(token)["client_id"]
        except (InvalidSignature, ValueError, KeyError) as error:
            return f"{error!r} for {token[-500:]}"

    def provision(self, project, name, **values):
        """A session that a user makes and starts; its Runner, on a node."""
        session = self.site.api.create_session(project, name=name, **values)
        self.site.api.start(session)
        self.wait_for_phase(session, "Running")
        runner = Runner(self, session)
        runner.run()
        return runner


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

    def run(self):
        """As scheduler and kubelet would."""
        self.cluster.bind_pod(self.namespace, self.name)
        self.cluster.set_pod_status(self.namespace, self.name,
                                    phase="Running")

    def end(self):
        """As a kubelet, once the pod is told to end; whether it is gone."""
        pod = self.cluster.read("Pod", self.namespace, self.name)
        if pod and "deletionTimestamp" in pod["metadata"]:
            self.cluster.end_pod(self.namespace, self.name)
        return pod is None

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
        """The stock runner with that environment and no other: its token, or
        what it complained of."""
        done = subprocess.run(
            ["/usr/bin/python3", "-B", stock_runner.__file__],
            env=self.environment, text=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        return done.stdout.strip() or done.stderr

    def is_there(self, kind, name):
        return self.cluster.read(kind, self.namespace, name) is not None
