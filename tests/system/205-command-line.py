#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ambient-cp-token from the shell: --check, --log-id, --help and --version,
what is refused and with which status, and that no secret is ever repeated."""
import hashlib
import hmac
import os
import re
import subprocess
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import tap

SECRET = "a-secret-that-nobody-may-print"
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
STATIC = {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": SECRET}

# flags, and what standard error says
REFUSED = [
    (["--nonsense"], "--nonsense is not an option"),
    (["--hel"], "--hel is not an option"),
    (["-h"], "-h is not an option"),
    (["word"], "an argument that is not an option"),
    (["--", "--check"], "an argument that is not an option"),
    (["--socket"], "--socket needs a value"),
    (["--log-id"], "--log-id needs a value"),
    (["--check=yes"], "--check takes no value"),
    (["--api-token", SECRET], "--api-token is not an option"),
    ([f"--api-token={SECRET}"], "--api-token is not an option"),
    ([f"--no-such={SECRET}"], "--no-such is not an option"),
    ([SECRET], "an argument that is not an option"),
    (["--config", "/nonexistent/file"], "/nonexistent/file: No such file"),
    (["--socket", "relative"], "neither an absolute path nor"),
    (["--socket", "0.0.0.0:9000"], "neither an absolute path nor"),
    (["--socket", "/" + "a" * 108], "socket"),
    (["--workers", "many"], "workers"),
    (["--workers", "257"], "workers"),
    (["--queue-wait", "10"], "queue_wait"),
    (["--log-level", "loud"], "log_level"),
    (["--socket-group", "no-such-group", "--socket", "/nonexistent/s"],
     "no-such-group"),
]


class Program:
    def __init__(self, b):
        self.config = b.write_config()

    def run(self, *flags, env=None, config=None):
        full = {"PATH": bed.SYSTEM_PATH, **{
            k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
            **(env or {})}
        argv = [*bed.WRAPPER, bed.BUILDDIR / "ambient-cp-token"]
        if "--config" not in flags:
            argv += ["--config", config or self.config]
        return subprocess.run(
            [*argv, *flags], env=full, stdin=subprocess.DEVNULL, text=True,
            capture_output=True, check=False, timeout=bed.PATIENCE)


def check_texts(t, program):
    done = program.run("--help")
    t.equal((done.returncode, done.stderr), (0, ""), "--help succeeds")
    for word in ("Usage: ambient-cp-token", "--check", "--log-id", "--socket",
                 "--key-file", "--api-token-file"):
        t.contains(done.stdout, word, f"--help tells of {word}")
    t.ok("--api-token " not in done.stdout,
         "no flag takes a secret: it would be in the list of processes")
    done = program.run("--version")
    t.ok(re.fullmatch(r"ambient-cp-token \d+\.\d+\.\d+\S*\n", done.stdout)
         and done.returncode == 0, "--version is one line", done.stdout)


def check_refused(t, program):
    for flags, want in REFUSED:
        done = program.run(*flags, env=STATIC)
        t.equal((done.returncode, done.stdout), (2, ""),
                f"{' '.join(flags)[:40]}: status 2")
        t.ok(want in done.stderr and SECRET not in done.stderr,
             f"{' '.join(flags)[:40]}: says what is wrong", done.stderr)
    done = program.run(env=STATIC)
    t.equal((done.returncode, done.stdout), (2, ""), "no socket: status 2")
    t.ok("no socket: set" in done.stderr and "Usage: " in done.stderr
         and "--socket" in done.stderr and SECRET not in done.stderr,
         "no socket: says how to be started, and the usage", done.stderr)
    done = program.run()
    t.equal((done.returncode, "no token source: set" in done.stderr),
            (2, True), "nothing configured: status 2 and what to set")


def check_check(t, b, program, key):
    reference = bed.SRCDIR / "conf" / "ambient-cp.conf"
    done = program.run("--check", "--config", reference)
    t.equal(done.stderr, "", "--check of the reference file explains itself")
    t.contains(done.stdout, f"configuration file: {reference}\n",
               "--check names the file")
    documented = {m[1] for m in re.finditer(
        r"(?m)^#(\w+) =", reference.read_text())}
    shown = set(re.findall(r"(?m)^(\w+) = ", done.stdout))
    t.ok(shown and shown <= documented, "--check shows keys of that file",
         shown - documented)
    t.ok(done.returncode == 2 and "\nerror: no token source: set"
         in done.stdout, "--check says what it lacks, with status 2",
         done.stdout)
    full = {**STATIC, "CP_TOKEN_KEY_FILE": str(key)}
    done = program.run("--check", "--socket", "/run/x.sock", env=full)
    t.equal((done.returncode, done.stdout.splitlines()[-1]),
            (0, "result: it would serve"), "--check of a good configuration")
    t.ok(re.search(r"(?m)^key [0-9a-f]{16}: RSA, 2048 bits, current$",
                   done.stdout), "--check names the key", done.stdout)
    t.ok(re.search(r"(?m)^api_token = set", done.stdout)
         and SECRET not in done.stdout + done.stderr,
         "--check shows of a secret that it is set", done.stdout)
    t.ok(not os.path.exists("/run/x.sock"), "--check does not listen")
    bad = b.write_config(f"log_level = debug\nno_such_key = {SECRET}\n")
    done = program.run("--check", config=bad)
    t.ok(done.returncode == 2 and f"{bad}:2" in done.stderr
         and "no_such_key" in done.stderr and SECRET not in done.stderr,
         "an unknown key: file, line and name, not its value", done.stderr)
    key.chmod(0o644)
    done = program.run("--check", env=full)
    t.ok(done.returncode == 2 and "0644" in done.stdout,
         "--check of a key that others may read names the mode", done.stdout)
    key.chmod(0o640)


def log_id(key):
    """What the specification says, by another library."""
    der = serialization.load_pem_private_key(
        key.read_bytes(), None).private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption())
    subkey = HKDF(hashes.SHA256(), 32, b"ambient-cp/v1", b"log").derive(der)
    return hmac.new(subkey, SESSION.encode(), hashlib.sha256).hexdigest()[:12]


def check_log_id(t, program, key):
    env = {"CP_TOKEN_KEY_FILE": str(key)}
    done = program.run("--log-id", SESSION, env=env)
    t.equal((done.returncode, done.stdout, done.stderr),
            (0, log_id(key) + "\n", ""),
            "--log-id prints the session's name in the log, and no more")
    done = program.run("--log-id", SESSION,
                       env={"CP_TOKEN_KEY_FILE": "/nonexistent/key"})
    t.ok(done.returncode == 2 and "/nonexistent/key" in done.stderr
         and not done.stdout and SESSION not in done.stderr,
         "--log-id without a key: status 2", done.stderr)


with tap.Tap() as t, bed.Bed(t) as b:
    program = Program(b)
    key = b.make_key()
    check_texts(t, program)
    check_refused(t, program)
    check_check(t, b, program, key)
    check_log_id(t, program, key)
