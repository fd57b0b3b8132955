# SPDX-License-Identifier: Apache-2.0
"""The whole test suite, stage by stage. tests/run calls it once the packages
are there; see tests/run --help.

A stage builds in a folder of its own in the cache, so that the next run only
builds what changed, and returns counts. What a stage prints goes to the log
folder; on the terminal there is a line a program, and the output of those that
failed. Nothing here decides what is tested: that is the Makefile and the
programs in tests/system/.

A test in tests/system/ may carry these lines near its top, with the reason (and
one in tests/unit/ that of valgrind, in its first comment):
    # quick: no ...      left out by --quick
    # valgrind: no ...   left out under valgrind
    # openssl: no ...    not run again with the OpenSSL back end
    # alone: yes ...     needs the machine for itself
"""
import argparse
import concurrent.futures
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import tap_reader

SRCDIR = pathlib.Path(__file__).resolve().parent.parent.parent
SUPPORT = SRCDIR / "tests" / "support"
CACHE = pathlib.Path(os.environ.get(
    "XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ambient-cp-tests"
# Checkouts do not share build folders.
TREE = hashlib.sha256(str(SRCDIR).encode()).hexdigest()[:8]
JOBS = str(os.cpu_count() or 2)
TEST_TIMEOUT = 600
SLOW_TIMEOUT = 1800
GROUP_GRACE = 15
MARK = re.compile(
    r"^(?:#| \*) (quick|valgrind|openssl|alone): (no|yes)\b[,:; ]*(.*)$")
SANITIZER_ENV = {
    "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:strict_string_checks=1"
                    ":detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}
VALGRIND = ("valgrind -q --error-exitcode=99 --leak-check=full "
            "--errors-for-leak-kinds=definite --num-callers=25 "
            "--child-silent-after-fork=no")
print_lock = threading.Lock()
# groups of the test programs that run now, for Ctrl-C
running = set()


def say(text):
    with print_lock:
        print(text, flush=True)


class StageFailed(Exception):
    """A step that the rest of the stage stands on did not work."""


class Stage:
    """What every stage needs: a name, a log folder, an environment."""

    def __init__(self, name, log_folder, env=None):
        self.name = name
        self.logs = log_folder / name
        self.logs.mkdir(parents=True)
        self.env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1",
                    "LC_ALL": "C.UTF-8", **(env or {})}

    def run(self, label, argv, cwd=SRCDIR):
        """Runs a step; its output goes to logs/<label>.log."""
        log_path = self.logs / f"{label}.log"
        say(f"  {label} ...")
        with open(log_path, "wb") as log:
            status = subprocess.run(
                [str(a) for a in argv], cwd=cwd, env=self.env, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                check=False).returncode
        return status, log_path

    def must_run(self, label, argv, cwd=SRCDIR):
        status, log_path = self.run(label, argv, cwd)
        if status != 0:
            show_end(log_path)
            raise StageFailed(f"{label} ended with {status}")


def show_end(path, lines=60):
    text = path.read_text("utf-8", "replace").splitlines()
    say("\n".join(f"  | {line}" for line in text[-lines:]))
    say(f"  (all of it: {path})")


# --- building -----------------------------------------------------------------

def is_configure_stale():
    made = SRCDIR / "configure"
    if not made.exists() or not (SRCDIR / "Makefile.in").exists():
        return True
    sources = [SRCDIR / "configure.ac", SRCDIR / "Makefile.am",
               *SRCDIR.glob("m4/*.m4"), *SRCDIR.rglob("local.mk")]
    oldest = min(made.stat().st_mtime,
                 (SRCDIR / "Makefile.in").stat().st_mtime)
    return any(p.stat().st_mtime > oldest for p in sources)


def build(stage, *flags):
    """Configures (when flags or sources ask for it) and makes; the folder."""
    folder = CACHE / f"build-{stage.name}-{TREE}"
    stamp = folder / ".configured-with"
    # whatever the machine has in /etc is no part of the tests
    flags = (*flags, "--with-config-file=/nonexistent/ambient-cp.conf")
    wanted = " ".join(flags)
    if is_configure_stale():
        stage.must_run("autogen", ["./autogen.sh"])
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stage.must_run("configure", [SRCDIR / "configure", *flags], folder)
        stamp.write_text(wanted)
    stage.must_run("make", ["make", f"-j{JOBS}"], folder)
    return folder


def make_check(stage, folder):
    """Unit tests, fuzz replay and guards."""
    for old in folder.rglob("*.trs"):
        old.unlink()
    status, log_path = stage.run(
        "check", ["make", f"-j{JOBS}", "-k", "check"], folder)
    counts = tap_reader.read_results(folder, status)
    if counts.failed:
        for trs in sorted(folder.rglob("*.trs")):
            if not re.search(r":global-test-result: (FAIL|ERROR)",
                             trs.read_text("utf-8", "replace")):
                continue
            if trs.with_suffix(".log").exists():
                show_end(trs.with_suffix(".log"))
        show_end(log_path, 20)
    say(f"  check: {counts}")
    return counts


# --- test programs ------------------------------------------------------------

def marks_of(path):
    """{"quick": ("no", reason), ...} from the top of a test."""
    lines = path.read_text("utf-8", "replace").splitlines()[:40]
    found = [MARK.match(line) for line in lines]
    return {m.group(1): (m.group(2), m.group(3)) for m in found if m}


def system_tests():
    return sorted(p for p in (SRCDIR / "tests" / "system").iterdir()
                  if re.match(r"^\d{3}-.*\.(sh|py)$", p.name))


def interpreter(path):
    return {".py": ["/usr/bin/python3", "-B"], ".sh": ["bash"]}.get(
        path.suffix, [])


def end_group(pid):
    """Whatever a test left running goes with it, after a while for what is
    just ending; returns whether there was any."""
    try:
        for _ in range(GROUP_GRACE * 20):
            os.killpg(pid, 0)
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


def run_program(stage, path, argv, timeout, env=None):
    """Runs one program that prints TAP; returns its counts."""
    start = time.monotonic()
    log_path = stage.logs / f"{path.name}.log"
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            [str(a) for a in argv], env={**stage.env, **(env or {})},
            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True, cwd=SRCDIR)
        running.add(process.pid)
        try:
            status = process.wait(timeout)
            late = None
        except subprocess.TimeoutExpired:
            late = f"not done after {timeout} s"
            os.killpg(process.pid, signal.SIGKILL)
        finally:
            has_left_some = end_group(process.pid)
            process.wait()
            running.discard(process.pid)
    if late:
        status = process.returncode
    counts = tap_reader.read_tap(
        log_path.read_text("utf-8", "replace"), status)
    if late:
        counts.fail(late)
    elif has_left_some:
        counts.fail("left processes behind")
    counts.complaints = [f"{stage.name}: {path.name}: {c}"
                         for c in counts.complaints]
    seconds = time.monotonic() - start
    say(f"  {path.name:<34} {counts}  ({seconds:.1f} s)")
    if counts.failed:
        show_end(log_path, 100)
    return counts


def run_all(stage, programs, argv_of, workers, timeout, env=None):
    """Several at a time, in their order; those marked so, alone at the end."""
    together = [p for p in programs
                if marks_of_program(p).get("alone", ("no",))[0] == "no"]
    alone = [p for p in programs if p not in together]
    counts = tap_reader.Counts()

    def run_one(path):
        return run_program(stage, path, argv_of(path), timeout, env)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            for result in pool.map(run_one, together):
                counts.add(result)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    for path in alone:
        counts.add(run_one(path))
    if not programs:
        counts.fail("no test programs found")
    return counts


def marks_of_program(path):
    return marks_of(path) if path.suffix in (".py", ".sh") else {}


def run_system(stage, folder, options, mark=None, wrapper=""):
    """tests/system/ with the programs of folder; those with "<mark>: no" are
    left out: unsaid by --quick's wish, counted as skipped under valgrind."""
    counts = tap_reader.Counts()
    chosen = []
    for path in system_tests():
        verdict, reason = marks_of(path).get(mark, ("yes", ""))
        if verdict == "yes":
            chosen.append(path)
            continue
        say(f"  {path.name}: left out ({mark}: {reason})")
        if mark != "quick":
            counts.skipped += 1
    env = {"ACP_SRCDIR": str(SRCDIR), "ACP_BUILDDIR": str(folder),
           "ACP_WRAPPER": wrapper, "ACP_CACHE": str(CACHE)}
    counts.add(run_all(
        stage, chosen, lambda path: [*interpreter(path), path], options.jobs,
        SLOW_TIMEOUT if wrapper else TEST_TIMEOUT, env))
    return counts


# --- stages -------------------------------------------------------------------

def stage_gcc(stage, options):
    folder = build(stage, "--enable-werror", "CC=gcc")
    counts = make_check(stage, folder)
    counts.add(run_system(stage, folder, options,
                          "quick" if options.quick else None))
    return counts


def stage_sanitizers(stage, options):
    stage.env.update(SANITIZER_ENV)
    folder = build(stage, "--enable-werror", "CC=gcc", "CFLAGS=-g -O1",
                   "--enable-sanitize=address,undefined")
    counts = make_check(stage, folder)
    counts.add(run_system(stage, folder, options))
    return counts


def stage_openssl(stage, options):
    """The back end that is built in by choice only."""
    folder = build(stage, "--enable-werror", "CC=gcc",
                   "--with-unseal=openssl")
    counts = make_check(stage, folder)
    counts.add(run_system(stage, folder, options, "openssl"))
    return counts


def stage_clang(stage, _options):
    return make_check(stage, build(stage, "--enable-werror", "CC=clang"))


def stage_distcheck(stage, _options):
    folder = build(stage, "CC=gcc")
    counts = tap_reader.Counts()
    status, log_path = stage.run(
        "distcheck", ["make", f"-j{JOBS}", "distcheck"], folder)
    if status == 0:
        counts.passed += 1
    else:
        show_end(log_path)
        counts.fail(f"make distcheck ended with {status}")
    return counts


def stage_trixie(stage, _options):
    program = SUPPORT / "trixie"
    if os.geteuid() != 0:
        say("  skipped: needs root, for debootstrap and chroot")
        return tap_reader.Counts(skipped=1)
    status, log_path = stage.run("trixie", [program])
    counts = tap_reader.read_summary(
        log_path.read_text("utf-8", "replace"), status)
    if counts.failed:
        show_end(log_path)
    return counts


def stage_valgrind(stage, options):
    """Unit tests and system tests of an ordinary build under memcheck."""
    folder = build(stage, "--enable-werror", "CC=gcc", "CFLAGS=-g -O1")
    stage.must_run("check programs", [
        "make", f"-j{JOBS}", "check", "TESTS="], folder)
    units = sorted(p for p in (folder / "tests" / "unit").glob("test_*")
                   if p.suffix == "" and os.access(p, os.X_OK))
    # the rounds of random tests are cut short: memcheck is 30 times slower
    env = {"CK_TIMEOUT_MULTIPLIER": "20", "ACP_TEST_SHORT": "1",
           "ACP_SRCDIR": str(SRCDIR),
           "ACP_BUILDDIR": str(folder)}
    counts = tap_reader.Counts()
    chosen = []
    for path in units:
        source = SRCDIR / "tests" / "unit" / f"{path.name}.c"
        verdict, reason = marks_of(source).get("valgrind", ("yes", ""))
        if verdict == "yes":
            chosen.append(path)
            continue
        say(f"  {path.name}: left out (valgrind: {reason})")
        counts.skipped += 1
    counts.add(run_all(stage, chosen, lambda path: [*VALGRIND.split(), path],
                       int(JOBS), SLOW_TIMEOUT, env))
    counts.add(run_system(stage, folder, options, "valgrind", VALGRIND))
    return counts


STAGES = {
    "gcc": stage_gcc,
    "sanitizers": stage_sanitizers,
    "clang": stage_clang,
    "openssl": stage_openssl,
    "distcheck": stage_distcheck,
    "trixie": stage_trixie,
    "valgrind": stage_valgrind,
}
# those that run the tests with a Kubernetes API server
CLUSTER_STAGES = {"gcc", "sanitizers", "valgrind"}


def run_stage(name, log_folder, options):
    start = time.monotonic()
    say(f"=== {name}")
    stage = Stage(name, log_folder)
    try:
        counts = STAGES[name](stage, options)
        if counts.total() == 0:
            counts.fail(f"{name}: no tests at all")
    except (StageFailed, OSError) as error:
        counts = tap_reader.Counts()
        counts.fail(f"{name}: {error}")
    say(f"=== {name}: {counts} ({time.monotonic() - start:.0f} s)")
    return counts


def install_provider(log_folder):
    """The OpenID provider of the system tests, once, into the cache."""
    say("=== provider")
    stage = Stage("provider", log_folder)
    stage.env["ACP_CACHE"] = str(CACHE)
    stage.must_run("install-idp", [SUPPORT / "install-idp"])


def install_cluster():
    """The Kubernetes API server of the system tests, once, into the cache.
    It takes minutes, so it tells on the terminal what it does."""
    say("=== cluster")
    process = subprocess.Popen([SUPPORT / "install-kube"],
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if status != 0:
        raise StageFailed(f"install-kube ended with {status}")


def install_all(log_folder, stages, options):
    """What the tests talk to; returns the counts of what failed."""
    counts = tap_reader.Counts()
    try:
        install_provider(log_folder)
        if options.quick:
            say("=== cluster: left out, with the tests that need it (--quick)")
        elif not CLUSTER_STAGES.isdisjoint(stages):
            install_cluster()
    except (StageFailed, OSError) as error:
        counts.fail(f"installing: {error}")
    return counts


def lock_cache():
    """One run at a time in a cache: two would build in the same folders."""
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = open(CACHE / f"lock-{TREE}", "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("tests/run: waiting for another run of this tree to end")
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def interrupt(_number, _frame):
    """Ctrl-C: the test programs are in sessions of their own; pass it on, so
    that they tidy up."""
    for pid in list(running):
        try:
            os.killpg(pid, signal.SIGINT)
        except ProcessLookupError:
            pass
    raise KeyboardInterrupt


def parse_options():
    parser = argparse.ArgumentParser(
        prog="tests/run", description="Builds and tests everything; ends with "
        "'N passed, N failed, N skipped' and status 1 when any failed.")
    parser.add_argument("--quick", action="store_true",
                        help="one build with gcc, make check, and the quick "
                        "system tests")
    parser.add_argument("--stage", action="append", choices=list(STAGES),
                        help="only this stage (may be repeated)")
    parser.add_argument("--jobs", type=int, default=2,
                        help="system tests at a time (default 2)")
    return parser.parse_args()


def main():
    options = parse_options()
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    lock = lock_cache()
    log_folder = CACHE / f"log-{TREE}"
    shutil.rmtree(log_folder, ignore_errors=True)
    log_folder.mkdir()
    total = tap_reader.Counts()
    stages = options.stage or (["gcc"] if options.quick else STAGES)
    total.add(install_all(log_folder, stages, options))
    for name in stages:
        total.add(run_stage(name, log_folder, options))
    lock.close()
    for complaint in total.complaints:
        say(f"failed: {complaint}")
    say(f"logs: {log_folder}")
    say(str(total))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("tests/run: interrupted")
