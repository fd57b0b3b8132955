# SPDX-License-Identifier: Apache-2.0
"""The demonstration of ./quickstart --cluster, which has installed and built
what it needs: the whole platform on loopback, a project and a session made
over the Ambient API, and the session's runner getting its token.

    demo.py [--once] [--since SECONDS]

The commands are run as they are printed, by bash. What is secret is only ever
in files that nobody else can read; on the terminal there is its beginning.
Ends with status 0 after the token (--once) or at Ctrl-C, and leaves no process
and no file behind.
"""
import argparse
import json
import re
import shlex
import signal
import subprocess
import sys
import time

import ambient_platform
import bed
import providers

PROJECT = "demo"
PROMPT = "Say hello."
POLICY = "allow-ambient-api-server"
PYTHON = "/usr/bin/python3"
FIELDS = (f"{PYTHON} -m json.tool |\n"
          "        grep -E '\"(id|phase|kube_namespace|start_time)\"'")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOWN = 8
MOST_LINES = 16
MOST_COLUMNS = 110
# of what looks like a token or a proof, whoever it belongs to
SECRET = re.compile(r"eyJ[\w-]{8,}\.[\w.-]+|(?<=[?&]p=)[\w-]{20,}"
                    r"|(?<=Bearer )[\w.+/=-]{20,}")

GUIDE = """
It all stays up until Ctrl-C. In another terminal, in this folder, first:

    . {demo}/env

another session, its row, and its pod:

    curl -sS -H @$DEMO/api-auth -d '{{"name":"second","project_id":"{project}",
        "prompt":"Say hello again."}}' $API/sessions
    curl -sS -H @$DEMO/api-auth -X POST $API/sessions/ID/start
    curl -sS -H @$DEMO/api-auth $API/sessions/ID | {python} -m json.tool
    curl -sS -H @$DEMO/kube-auth $KUBE_URL/api/v1/namespaces/{project}/pods |
        grep '"name": "session'

the end of the first one:

    curl -sS -H @$DEMO/api-auth -X POST $API/sessions/{session}/stop
    curl -sS -H @$DEMO/api-auth -X DELETE $API/sessions/{session}

kubectl and the like find $KUBECONFIG ({demo}/kubeconfig), which may do
everything. There is no kubelet: nothing runs in this cluster.

how the token service is doing, and the keys that verify its tokens:

    curl -s http://127.0.0.1:{port}/readyz
    curl -s http://127.0.0.1:{port}/metrics | grep ^ambient
    curl -s {jwks}

logs, a file a program: {logs}
"""


class Ended(Exception):
    """Nothing more to do, or nothing more that can be done."""


def say(text):
    print(f"quickstart: [{time.monotonic() - Demo.started:3.0f} s] {text}",
          flush=True)


def shorten(found):
    text = found.group(0)
    return f"{text[:SHOWN]}... ({len(text)} characters)"


def show(text):
    """Prints it, a little to the right; no secret, and nothing endless."""
    lines = SECRET.sub(shorten, text).rstrip("\n").split("\n")
    for line in lines[:MOST_LINES]:
        print("    " + (line if len(line) <= MOST_COLUMNS
                        else line[:MOST_COLUMNS] + "..."))
    if len(lines) > MOST_LINES:
        print(f"    ... ({len(lines)} lines)")
    sys.stdout.flush()


def write(path, text):
    """For this user only."""
    path.touch(0o600)
    path.write_text(text)


class Demo:
    """One run; .folder is what $DEMO is."""

    started = time.monotonic()
    is_up = False

    def __init__(self, b):
        self.bed = b
        self.folder = b.scratch
        self.steps = 0
        self.platform = ambient_platform.Platform(
            b, lambda what: say("starting " + what), key_bits=None)
        self.site = self.platform.site
        self.write_files()

    def write_files(self):
        """What the commands need, here and in another terminal."""
        cluster, api = self.site.cluster, self.site.api
        for name, token in [("api-auth", api.token),
                            ("kube-auth", cluster.tokens["admin"])]:
            write(self.folder / name, f"Authorization: Bearer {token}\n")
        values = {
            "DEMO": self.folder,
            "API": f"{api.url}/api/ambient/v1",
            "KUBE_URL": cluster.url,
            "KUBECONFIG": cluster.write_kubeconfig(
                self.folder / "kubeconfig", "admin"),
            "CURL_CA_BUNDLE": cluster.ca,
            "TOKEN_URL": self.platform.token_url,
            "no_proxy": "127.0.0.1",
            "NO_PROXY": "127.0.0.1",
        }
        write(self.folder / "env", self.exports(values))

    @staticmethod
    def exports(values):
        return "".join(f"export {name}={shlex.quote(str(value))}\n"
                       for name, value in values.items())

    # --- steps ------------------------------------------------------------------

    def step(self, text):
        self.steps += 1
        print(f"\n{self.steps}. {text}\n", flush=True)

    def do(self, command):
        """Shows a command, runs it, and shows and returns what it said."""
        show("$ " + command)
        done = subprocess.run(
            ["bash", "-c", f". {self.folder}/env\n{command}"],
            cwd=bed.SRCDIR, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.stdout:
            show(done.stdout)
        if done.returncode != 0:
            raise Ended(f"the command ended with {done.returncode}")
        return done.stdout

    def make_project(self):
        self.step("A user makes a project, over the Ambient API.")
        self.do("curl -sS -H @$DEMO/api-auth -d '{\"name\":\"" + PROJECT
                + "\"}' \\\n        $API/projects")

    def show_namespace(self):
        self.step("The reconciler sees it, and gives it a namespace of its "
                  "own and what belongs\n   in there: who may do what, and "
                  "who may talk to its pods.")
        self.platform.wait(
            lambda: self.site.read("NetworkPolicy", PROJECT, POLICY),
            "the project has its network policy")
        self.do("curl -sS -H @$DEMO/kube-auth $KUBE_URL/api/v1/namespaces/"
                + PROJECT + " |\n        grep '\"ambient-code.io/.*:'")
        self.do("curl -sS -H @$DEMO/kube-auth \\\n        "
                "$KUBE_URL/apis/networking.k8s.io/v1/namespaces/" + PROJECT
                + "/networkpolicies |\n        grep '\"name\": \"allow'")

    def make_session(self):
        self.step("The user makes a session in it, and starts it.")
        said = self.do(
            "curl -sS -H @$DEMO/api-auth -d '{\"name\":\"first\","
            f"\"project_id\":\"{PROJECT}\",\n        \"prompt\":\"{PROMPT}\"}}'"
            f" $API/sessions | {FIELDS}")
        session = re.search(r'"id": "(\w+)"', said).group(1)
        self.do("curl -sS -H @$DEMO/api-auth -X POST $API/sessions/"
                f"{session}/start |\n        {FIELDS}")
        return session

    def show_pod(self, session):
        self.step("The reconciler makes a pod for it, and says so in the "
                  "session's row.")
        self.platform.wait_for_phase(session, "Running")
        self.do(f"curl -sS -H @$DEMO/api-auth $API/sessions/{session} |\n"
                f"        {FIELDS}")
        self.do("curl -sS -H @$DEMO/kube-auth \\\n        "
                f"$KUBE_URL/api/v1/namespaces/{PROJECT}/pods |\n        "
                "grep -A 6 '\"name\": \"AMBIENT_CP_TOKEN_URL\"'")
        print("\n   The pod's token URL is bound to the session, so that "
              "nobody else can use it:\n   it is in a Secret and not in the "
              "pod, where many may read.")

    def take_environment(self, session):
        self.step("No kubelet is here to run the pod. So this script makes "
                  "of it the environment\n   that its runner would find; "
                  "beginnings only:")
        runner = ambient_platform.Runner(self.platform, session)
        runner.run()
        environment = runner.environment
        write(self.folder / "runner.env", self.exports(environment))
        write(self.folder / "public.pem", runner.public_key)
        for name in ("SESSION_ID", "PROJECT_NAME", "INITIAL_PROMPT",
                     "AMBIENT_CP_TOKEN_URL", "AMBIENT_CP_TOKEN_PUBLIC_KEY"):
            show(f"{name}={environment[name].splitlines()[0]}")

    def fetch_token(self):
        self.step("The runner seals its session's id with that public key, "
                  "and asks for its token.")
        self.do(f"(. $DEMO/runner.env && umask 077 &&\n        {PYTHON} "
                "tests/support/stock_runner.py >$DEMO/token)")
        token = (self.folder / "token").read_text().strip()
        client = self.platform.client_of(token)
        if client != ambient_platform.CLIENT:
            raise Ended(f"no good token came: {SECRET.sub(shorten, client)}")
        claims = providers.read_jwt(token)[1]
        left = claims["exp"] - int(time.time())
        show(f"token      {token}")
        show(f"issuer     {claims['iss']}")
        show(f"given to   {client}, for {left} s more")
        show("signature  verified with the provider's published keys")

    def refuse_stranger(self, session):
        self.step("Whoever has the public key and the session's id, but not "
                  "its URL, gets nothing.")
        said = self.do(
            "curl -sS -o /dev/null -w '%{http_code}\\n' -H "
            f"\"Authorization: Bearer $(\n        printf %s {session} | "
            "openssl pkeyutl -encrypt -pubin \\\n        -inkey "
            "$DEMO/public.pem -pkeyopt rsa_padding_mode:oaep \\\n        "
            "-pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 |\n"
            "        base64 -w0)\" $TOKEN_URL")
        if said.strip() != "401":
            raise Ended("a stranger was not refused")

    def run(self):
        """The whole story; the session's id."""
        print(f"\nWhat is made is in DEMO={self.folder}; the commands use "
              "what $DEMO/env sets.", flush=True)
        self.make_project()
        self.show_namespace()
        session = self.make_session()
        self.show_pod(session)
        self.take_environment(session)
        self.fetch_token()
        self.refuse_stranger(session)
        return session

    # --- afterwards -------------------------------------------------------------

    def stay(self, session):
        Demo.is_up = True
        print(GUIDE.format(
            demo=self.folder, project=PROJECT, session=session, python=PYTHON,
            port=self.platform.port, jwks=self.platform.idp.jwks_url,
            logs=self.bed.logs), flush=True)
        while True:
            time.sleep(1)
            for process in self.bed.processes:
                if not process.is_running():
                    raise Ended(f"{process.name} has ended")


def show_logs(b):
    """Of our own programs, the end."""
    for path in b.log_files():
        if path.name in ("reconciler.log", "responder.log"):
            print(f"--- end of {path.name}", flush=True)
            lines = path.read_text("utf-8", "replace").splitlines()
            show("\n".join(lines[-MOST_LINES:]))


def run(options, b):
    try:
        demo = Demo(b)
        session = demo.run()
        if not options.once:
            demo.stay(session)
        faults = b.close()
        if faults:
            raise Ended("; ".join(faults))
    except (Ended, OSError, RuntimeError, LookupError, ValueError,
            subprocess.SubprocessError) as error:
        show_logs(b)
        print(f"quickstart: {SECRET.sub(shorten, str(error))}",
              file=sys.stderr)
        return 1
    return 0


def end(number, _frame):
    """Once: a second Ctrl-C must not keep the first from tidying up."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(0 if Demo.is_up else 128 + number)


def main():
    parser = argparse.ArgumentParser(prog="demo.py")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--since", type=int, default=0)
    options = parser.parse_args()
    Demo.started -= options.since
    for number in SIGNALS:
        signal.signal(number, end)
    try:
        with bed.Bed() as b:
            status = run(options, b)
    finally:
        print(flush=True)
        say("ended; nothing is left running")
    sys.exit(status)


if __name__ == "__main__":
    main()
