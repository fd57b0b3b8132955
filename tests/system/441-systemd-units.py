#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped systemd units: systemd understands every line of them, and
their filter lets through each system call that the reconciler makes, as a loop
against a real API server and on its own."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, the calls would be valgrind's
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ambient
import bed
import kube
import tap

UNITS = bed.SRCDIR / "conf" / "systemd"
PROGRAM = bed.BUILDDIR / "ambient-cp-reconciler"
ANALYZE = shutil.which("systemd-analyze", path=bed.SYSTEM_PATH)
STRACE = shutil.which("strace", path=bed.SYSTEM_PATH)
IS_SANITIZED = any("asan" in line or "tsan" in line for line in (
    subprocess.run(["ldd", PROGRAM], capture_output=True, text=True,
                   check=False).stdout.split("\n")))


# --- what systemd says --------------------------------------------------------

def copy_units(b):
    """As installed here: with the programs and without their pages."""
    folder = b.path("units")
    folder.mkdir()
    for unit in sorted(UNITS.iterdir()):
        text = unit.read_text().replace("/usr/sbin/", f"{bed.BUILDDIR}/")
        (folder / unit.name).write_text(
            re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
    return folder


def check_units(t, b):
    folder = copy_units(b)
    for unit in sorted(folder.iterdir()):
        done = subprocess.run([ANALYZE, "verify", unit], text=True,
                              capture_output=True, check=False,
                              env={"PATH": bed.SYSTEM_PATH,
                                   "SYSTEMD_UNIT_PATH": f"{folder}:"})
        said = [line for line in done.stderr.split("\n")
                if unit.name in line]
        t.ok(done.returncode == 0 and not said,
             f"systemd has nothing against {unit.name}", done.stderr)


# --- the filter ---------------------------------------------------------------

def read_set(name):
    """The calls of a set of systemd, with those of the sets in it."""
    text = subprocess.run([ANALYZE, "syscall-filter", name], text=True,
                          capture_output=True, check=True).stdout
    calls = set()
    for line in text.split("\n")[1:]:
        word = line.strip()
        if word.startswith("@"):
            calls |= read_set(word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def allowed_calls(unit):
    """What the SystemCallFilter lines of a unit leave."""
    calls = read_set("@default")
    for value in re.findall(r"^SystemCallFilter=(.*)$",
                            (UNITS / unit).read_text(), re.M):
        is_taken_away = value.startswith("~")
        for word in value.lstrip("~").split():
            named = read_set(word) if word.startswith("@") else {word}
            calls = calls - named if is_taken_away else calls | named
    return calls


def made_calls(path):
    return set(re.findall(r"^(?:\d+ +)?(\w+)\(", path.read_text(
        "utf-8", "replace"), re.M))


def trace(b, name, *argv, env=None):
    """Starts a program, each of its calls in a file; (process, file)."""
    path = b.path(f"{name}.calls")
    return b.start(name, [STRACE, "-f", "-qq", "-e", "signal=none", "-o", path,
                          PROGRAM, *argv], env), path


def check_calls(t, unit, path):
    made, allowed = made_calls(path), allowed_calls(unit)
    t.ok({"openat", "execve"} <= made, f"{path.name}: calls were seen",
         sorted(made))
    # the start of the program is not under the filter
    t.equal(sorted(made - allowed - {"execve"}), [],
            f"{unit} lets through what {path.name} has")


def check_filter(t, b):
    cluster = kube.start(b)
    cluster.create_namespace("runtime")
    cluster.create_project_settings_crd()
    api = ambient.start(b)
    api.create_project("alpha")
    config = b.write_config(f"""\
kubeconfig = {cluster.write_kubeconfig(user="admin")}
api_server_url = {api.url}
api_token = {api.token}
runtime_namespace = runtime
key_file = {b.path("key.pem")}
key_bits = 2048
lock_file = {b.path("lock")}
metrics_file = {b.path("metrics")}
heartbeat_file = {b.path("heartbeat")}
resync = 1s
""")
    once, calls = trace(b, "once", "--once", "--config", config)
    once.wait()
    check_calls(t, "ambient-cp-reconciler-once.service", calls)
    loop, calls = trace(b, "loop", "--config", config,
                        env={"NOTIFY_SOCKET": "@nobody-listens"})
    passed = '"event":"pass"'
    bed.wait_until(lambda: loop.log().count(passed) > 1, "it passes")
    # strace hands no signal on, but its child ends with it
    child = int(subprocess.run(["pgrep", "-P", str(loop.pid)], text=True,
                               capture_output=True, check=True).stdout)
    os.kill(child, 15)
    t.equal(loop.wait(), 0, "the loop ends well under strace")
    check_calls(t, "ambient-cp-reconciler.service", calls)


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        if ANALYZE:
            check_units(t, b)
        else:
            t.skip("systemd understands the units", "no systemd-analyze here")
        if ANALYZE and STRACE and not IS_SANITIZED:
            check_filter(t, b)
        else:
            t.skip("the units' filters let the reconciler work",
                   "this takes systemd-analyze, strace and no sanitizer")


if __name__ == "__main__":
    main()
