# SPDX-License-Identifier: Apache-2.0
"""What is measured: our responder behind nginx, the null responder behind
the same, and another server; and the loads that they are given."""
import base64
import collections
import json
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse

import bed
import fastcgi
import metrics
from figures import CORES

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN = "bench-token-" + "x" * 800
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
PREFIX = "acp1."
# within an opened handle: flags, first issue, expiry, then the session
HANDLE_SESSION = 17

# what a client sends, and whose answer it must get
Line = collections.namedtuple("Line", "session credential target")


class BenchError(Exception):
    """This run cannot be made."""


def program(name):
    return str(bed.BUILDDIR / "tests" / "bench" / name)


def run_program(name, *argv, lines):
    """Its first line, as JSON, and the others."""
    result = subprocess.run(
        [program(name), *map(str, argv)], capture_output=True, text=True,
        input="".join(line + "\n" for line in lines), check=False)
    if result.returncode:
        raise BenchError(f"{name} ended with {result.returncode}: "
                         f"{result.stderr}")
    first, _, rest = result.stdout.partition("\n")
    return json.loads(first), rest.splitlines()


class Handles:
    """Opens renewal handles, by another implementation than the one that is
    measured: to see whose they are."""

    def __init__(self, key_path):
        key = serialization.load_pem_private_key(
            pathlib.Path(key_path).read_bytes(), None)
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption())
        self.subkey = HKDF(hashes.SHA256(), 32, b"ambient-cp/v1",
                           b"renewal").derive(der)

    def session_of(self, handle):
        """None when it is no handle of ours."""
        if not handle.startswith(PREFIX):
            return None
        text = handle[len(PREFIX):]
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        once = HKDF(hashes.SHA256(), 44, sealed[:16], b"acp1").derive(
            self.subkey)
        try:
            plain = AESGCM(once[:32]).decrypt(once[32:], sealed[16:], b"acp1")
        except InvalidTag:
            return None
        return plain[HANDLE_SESSION:].decode()


class Target:
    """A server that can be asked for tokens."""

    def __init__(self, name, server, public_pem, path="/token", token=None,
                 handles=None):
        self.name = name
        self.server = server
        self.path = path
        self.public = serialization.load_pem_public_key(public_pem.encode())
        self.token = token
        self.handles = handles
        self.sealed = 0

    def seal(self, count):
        """Ciphertexts of as many sessions, none of them seen before."""
        lines = []
        for _ in range(count):
            self.sealed += 1
            session = f"bench-{self.sealed:020d}"
            sealed = self.public.encrypt(session.encode(), OAEP)
            lines.append(Line(session, base64.b64encode(sealed).decode(),
                              self.path))
        return lines

    def public_pem(self):
        return self.public.public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def load_argv(self, *options):
        token = ["-t", self.token] if self.token else []
        return [*map(str, options), *token, self.server]

    def load(self, lines, *options):
        """Figures and, with -r, the handles that the lines ended with."""
        figures, handles = run_program(
            "load", *self.load_argv(*options),
            lines=[f"{line.target} {line.credential}" for line in lines])
        if figures["wrong"] or figures["broken"] or not figures["answers"]:
            raise BenchError(f"{self.name}: not every answer was good: "
                             f"{figures}")
        return figures, handles

    def renewed(self, lines, *options):
        """The same lines with the handles that this brings, and how many of
        those are not their session's."""
        figures, handles = self.load(lines, "-r", *options)
        after = [line._replace(credential=handle)
                 for line, handle in zip(lines, handles)]
        return figures, after, self.count_strange(after)

    def count_strange(self, lines):
        if self.handles is None:
            return 0
        return sum(self.handles.session_of(line.credential) != line.session
                   for line in lines)

    def herd_bodies(self, lines):
        return run_program("herd", self.server, lines=[
            f"{line.target} {line.credential}" for line in lines])

    def herd(self, lines):
        """Figures, and (line, reply) of those who were served."""
        figures, bodies = self.herd_bodies(lines)
        return figures, [(line, read_json(body))
                         for line, body in zip(lines, bodies) if body]

    def is_right(self, line, reply):
        """The token, and the handle of the caller's own session."""
        if not isinstance(reply, dict) or not reply.get("token"):
            return False
        if self.token and reply["token"] != self.token:
            return False
        return (self.handles is None or self.handles.session_of(
            str(reply.get("renewal"))) == line.session)

    def has_renewals(self):
        return bool((read_json(self.ask_once()) or {}).get("renewal"))

    def ask_once(self):
        """The body of an answer, which is one line of JSON."""
        figures, bodies = self.herd_bodies(self.seal(1))
        if not figures["served"]:
            raise BenchError(f"{self.name} at {self.server}{self.path} gives "
                             f"no token: {figures}")
        return bodies[0]


def read_json(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


class Pace:
    """Few clients that ask now and then while something else goes on, each
    time over a new connection and from an address of their own."""

    def __init__(self, target, lines, *options):
        self.target = target
        self.process = subprocess.Popen(
            [program("load"), *target.load_argv("-c", 4, "-p", 50, *options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=bed.die_with_parent)
        self.process.stdin.write("".join(
            f"{line.target} {line.credential}\n" for line in lines))
        self.process.stdin.close()
        self.process.stdin = None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return json.loads(self.process.communicate()[0].split("\n", 1)[0])


class Ours(Target):
    """Our responder behind nginx as shipped, but for its limits: here all
    clients share a host."""

    def __init__(self, bench, key, flags=(), env=None, token=TOKEN):
        """A token of None stands for any."""
        self.socket = bench.socket_path()
        nginx = bench.start_nginx(self.socket)
        super().__init__("ours", f"127.0.0.1:{nginx.port}",
                         bench.public_key(key), token=token,
                         handles=Handles(key))
        self.started = time.monotonic()
        self.responder = bench.start_responder(
            key, {**(env or {"AMBIENT_API_TOKEN": TOKEN}),
                  "LOG_LEVEL": "info"},
            ["--workers", str(CORES), *flags], socket_path=self.socket)
        self.pid = self.responder.pid

    def metrics(self):
        """Not by way of nginx, which may be busy."""
        answer = fastcgi.ask(self.socket, fastcgi.request("GET", "/metrics"))
        return metrics.parse(answer.body.decode())

    def operations(self):
        return int(self.metrics().operations())

    def memory(self, name="VmRSS"):
        """In bytes."""
        for line in pathlib.Path(
                f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise BenchError(f"no {name} of the responder")


class Null(Target):
    """A responder that only answers, always the same, behind the same nginx;
    and what it answers is an answer of ours, so that it is as large."""

    def __init__(self, bench, ours):
        path = bench.socket_path()
        file = bench.path("null-body.json")
        file.write_text(ours.ask_once() + "\n")
        with open(file, encoding="utf-8") as stdin:
            process = bench.start("null", [program("null"), str(path), "4"],
                                  stdin=stdin)
        # libfcgi takes SIGTERM, and waits for one more request
        process.stop_signal = signal.SIGKILL
        process.good_statuses = None
        bench.wait_for(process, lambda: bed.accepts(str(path)),
                       "the null responder listens")
        nginx = bench.start_nginx(path)
        super().__init__("null", f"127.0.0.1:{nginx.port}",
                         ours.public_pem(), token=TOKEN)


def open_peer(url, key_file):
    parts = urllib.parse.urlparse(url)
    if parts.scheme != "http" or not parts.hostname:
        raise BenchError(f"--peer {url}: must be http://HOST:PORT/token")
    address = socket.gethostbyname(parts.hostname)
    path = parts.path + ("?" + parts.query if parts.query else "")
    return Target("peer", f"{address}:{parts.port or 80}",
                  pathlib.Path(key_file).read_text(), path=path or "/token")


def open_limits(bench):
    """Raises nginx's limits for each address."""
    original = bench.fill_in

    def fill_in(source, target, changes):
        original(source, target, changes)
        text = target.read_text()
        text = text.replace("rate=20r/s", "rate=1000000r/s")
        text = text.replace("burst=1500", "burst=1000000")
        text = text.replace("limit_conn acp_connections 1600",
                            "limit_conn acp_connections 60000")
        target.write_text(text)
    bench.fill_in = fill_in


def raw_operations(key, lines, seconds):
    """The library's own operations for each second of processor time."""
    raw, _ = run_program("raw", key, seconds, CORES,
                         lines=[line.credential for line in lines[:64]])
    return raw["operations"] / raw["cpu_s"]
