#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./quickstart --cluster: the demonstration runs, with --once to its end and
else until Ctrl-C; the token that it shows is the provider's, what it says to
do next works, no secret is on the terminal, and nothing is left of it, also
when it fails or is interrupted."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, the same programs run under it in other tests
# openssl: no, 550 has the token service in the same place
import contextlib
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import providers
import tap

COMMAND = [bed.SRCDIR / "quickstart", "--cluster"]
PATIENCE = 300
SHOWN_MOST = 12
PR_SET_CHILD_SUBREAPER = 36
READY = "logs, a file a program:"
FIRST_STEP = "1. A user makes a project"
STARTING = "starting etcd"
VERIFIED = "signature  verified"
ENDED = "ended; nothing is left running"


class Run:
    """One quickstart, in a session of its own as a terminal would have it;
    .folder is where its files are."""

    def __init__(self, b, *flags):
        self.folder = b.path("tmp")
        self.folder.mkdir()
        self.folder.chmod(0o711)
        self.path = b.path("terminal.log")
        with open(self.path, "wb") as terminal:
            self.popen = subprocess.Popen(
                [*COMMAND, *flags], stdin=subprocess.DEVNULL, stdout=terminal,
                stderr=terminal, start_new_session=True,
                env={**os.environ, "TMPDIR": str(self.folder),
                     "QUICKSTART_BUILD": str(bed.BUILDDIR)})

    def text(self):
        return self.path.read_text("utf-8", "replace")

    def wait_for(self, text):
        def check():
            said = self.text()
            if text not in said and self.popen.poll() is not None:
                raise RuntimeError(f"quickstart ended:\n{said}")
            return text in said
        bed.wait_until(check, f"quickstart says {text!r}", PATIENCE)

    def end(self):
        """Its status; that of a shell that a signal ended, too."""
        return self.popen.wait(PATIENCE)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)


def check_end(t, run, status, what):
    t.equal(run.end(), status, f"{what}: its status is {status}") or t.diag(
        run.text())
    t.contains(run.text(), ENDED, f"{what}: it says that it has ended")
    t.equal(os.listdir(run.folder), [], f"{what}: no file is left")


# --- processes ----------------------------------------------------------------

def adopt_orphans():
    """Whoever loses its parent among our descendants becomes our child."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def children():
    """{pid: command line} of ours; those that have ended are waited for."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid():
                found[path.parent.name] = (
                    path.parent / "cmdline").read_bytes().split(b"\0")[:3]
    return found


def pid_of(run, program):
    """The process whose command line names a program and the run's folder."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode("utf-8", "replace")
            if f"/{program}\0" in words and f"{run.folder}/" in words:
                return int(path.parent.name)
    raise RuntimeError(f"{program} does not run")


# --- what it shows ------------------------------------------------------------

def secrets_in(folder):
    """All that the demonstration has to hide."""
    found = [providers.SECRET, "PRIVATE KEY"]
    for name in ("api-auth", "kube-auth"):
        found.append((folder / name).read_text().split()[-1])
    environment = (folder / "runner.env").read_text()
    found += re.findall(r"&p=([\w-]{43})", environment)
    found.append((folder / "token").read_text().strip())
    return found


def check_token(t, run, folder):
    """With keys asked of the provider by ourselves."""
    token = (folder / "token").read_text().strip()
    keys = re.search(r"curl -s (http://\S+/jwks)", run.text()).group(1)
    t.equal(providers.Verifier(keys).claims(token)["client_id"],
            "ambient-control-plane", "the token is the provider's")
    secrets = secrets_in(folder)
    t.ok(len(secrets) == 6 and all(map(len, secrets)), "secrets are known",
         len(secrets))
    said = run.text()
    t.equal([number for number, secret in enumerate(secrets)
             if secret[:SHOWN_MOST] in said], [],
            "of none is more than the beginning on the terminal")
    t.equal([path.name for path in folder.iterdir() if path.is_file()
             and path.name in ("token", "api-auth", "kube-auth", "kubeconfig",
                               "runner.env", "env")
             and bed.Bed.mode_of(path) != 0o600], [],
            "files with secrets are their owner's alone")


def in_shell(folder, command):
    """As in another terminal."""
    return subprocess.run(
        ["bash", "-c", f". {folder}/env\n{command}"], cwd=bed.SRCDIR,
        text=True, capture_output=True, check=True,
        env={"PATH": bed.SYSTEM_PATH}).stdout


def guide_commands(run):
    """Those of the guide's paragraph on another session, one a text."""
    block = run.text().split("another session, its row, and its pod:\n\n")[1]
    lines = block.split("\n\n")[0].replace("\n        ", " ")
    return [line.strip() for line in lines.splitlines()]


def check_guide(t, run, folder):
    create, start, look, pods = guide_commands(run)
    session = re.search(r'"id":"(\w+)"', in_shell(folder, create)).group(1)
    in_shell(folder, start.replace("ID", session))
    bed.wait_until(lambda: '"phase": "Running"' in in_shell(
        folder, look.replace("/ID", f"/{session}")),
                   "the guide's session is Running", PATIENCE)
    t.ok(True, "what the guide says makes another session, which runs")
    t.contains(in_shell(folder, pods), f"session-{session.lower()}",
               "and shows its pod")


def check_stay(t, run):
    run.wait_for(READY)
    folder = pathlib.Path(re.search(r"DEMO=(\S+);", run.text()).group(1))
    t.equal(folder.parent, run.folder, "its files are in one folder")
    check_token(t, run, folder)
    check_guide(t, run, folder)
    os.killpg(run.popen.pid, signal.SIGINT)
    check_end(t, run, 0, "Ctrl-C")


def check_once(t, run):
    check_end(t, run, 0, "--once")
    t.contains(run.text(), VERIFIED, "--once: a token arrived")
    t.equal(re.findall(r"eyJ[\w-]{12,}|&p=[\w-]{12,}", run.text()), [],
            "--once: no token and no proof is on the terminal")


def check_failure(t, run):
    """The reconciler is gone in the middle of it."""
    run.wait_for(FIRST_STEP)
    os.kill(pid_of(run, "ambient-cp-reconciler"), signal.SIGKILL)
    check_end(t, run, 1, "a program that dies")
    t.contains(run.text(), "quickstart: reconciler has ended",
               "a program that dies: it is named")


def check_interruption(t, run):
    run.wait_for(STARTING)
    os.kill(run.popen.pid, signal.SIGTERM)
    check_end(t, run, 143, "SIGTERM at the start")


def main():
    with tap.Tap() as t, bed.Bed(t) as b, contextlib.ExitStack() as stack:
        adopt_orphans()

        def start(*flags):
            run = Run(b, *flags)
            stack.callback(run.kill)
            return run

        stay, once = start(), start("--once")
        check_stay(t, stay)
        check_once(t, once)
        interrupted = start()
        check_interruption(t, interrupted)
        check_failure(t, start("--once"))
        t.equal(children(), {}, "no process is left of any of them")


if __name__ == "__main__":
    main()
