# SPDX-License-Identifier: Apache-2.0
"""ambient-cp-reconciler --local: the key file as it must be, made once, and
whole whatever happens meanwhile."""
import contextlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import tap  # noqa: E402

PROGRAM = os.path.join(os.environ["ACP_BUILDDIR"], "ambient-cp-reconciler")
# a small key, so that the many runs are quick; one run uses the default
BITS = "--key-bits=2048"
NOBODY = 65534
TEMPORARY_PREFIX = ".key.pem."


def command(path, *options, program=PROGRAM):
    return [program, "--config", os.devnull, "--local", "--json",
            "--key-file", path, *options]


def run(path, *options, program=PROGRAM, **keywords):
    return subprocess.run(command(path, *options, program=program),
                          capture_output=True, text=True, check=False,
                          **keywords)


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def openssl_takes(path):
    return subprocess.run(["openssl", "rsa", "-in", path, "-check", "-noout"],
                          capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="acp-local-") as path:
        yield path


def test_creation(t):
    for umask in (0o000, 0o077):
        with folder() as where:
            path = os.path.join(where, "key.pem")
            done = run(path, BITS, umask=umask)
            t.equal(done.returncode, 0, f"makes a key under umask {umask:03o}")
            t.equal(mode_of(path), 0o640, f"its mode is 0640 ({umask:03o})")
            t.ok(openssl_takes(path), f"openssl takes it ({umask:03o})")
            made = json.loads(done.stdout)
            t.equal((made["created"], made["key_file"]), (True, path),
                    f"says so in JSON ({umask:03o})")
            before = content_of(path)
            again = json.loads(run(path, BITS, umask=umask).stdout)
            t.equal(again, {**made, "created": False},
                    f"a second run names the same key ({umask:03o})")
            t.equal(content_of(path), before,
                    f"a second run leaves it byte for byte ({umask:03o})")
            t.equal(sorted(os.listdir(where)), ["key.pem", "key.pem.lock"],
                    f"nothing but the lock beside it ({umask:03o})")


def test_default_size(t):
    with folder() as where:
        path = os.path.join(where, "key.pem")
        run(path)
        text = subprocess.run(
            ["openssl", "rsa", "-in", path, "-noout", "-text"],
            capture_output=True, text=True, check=False).stdout
        t.contains(text, "(4096 bit", "4096 bits unless told otherwise")


def test_refusals(t):
    with folder() as where:
        path = os.path.join(where, "key.pem")
        run(path, BITS)
        good = content_of(path)
        cases = {"damaged": (good[:-300], 0o640, "mend it"),
                 "empty": (b"", 0o640, "mend it"),
                 "world-readable": (good, 0o644, "0644"),
                 "world-writable": (good, 0o642, "0642")}
        for name, (content, mode, word) in cases.items():
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, mode)
            before = os.stat(path)
            done = run(path, BITS)
            after = os.stat(path)
            t.equal(done.returncode, 1, f"a {name} file is refused")
            t.contains(done.stderr, word, f"a {name} file: says what to do")
            t.ok(content_of(path) == content and
                 (before.st_ino, before.st_mtime_ns, before.st_mode) ==
                 (after.st_ino, after.st_mtime_ns, after.st_mode),
                 f"a {name} file is not touched")
            t.ok("PRIVATE" not in done.stderr + done.stdout,
                 f"a {name} file is not printed")


def test_missing_folder(t):
    with folder() as where:
        missing = os.path.join(where, "missing")
        done = run(os.path.join(missing, "key.pem"), BITS)
        t.equal(done.returncode, 1, "a missing folder is an error")
        t.contains(done.stderr, missing, "a missing folder is named")
        t.ok(not os.path.exists(missing), "a missing folder is not made")


def wait_for_writing(where, child):
    """Until a key or a part of one is to be seen, or the child has ended."""
    while child.poll() is None:
        if set(os.listdir(where)) - {"key.pem.lock"}:
            return


def wait_a_while(child, seconds):
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)


def kill_once(where, is_late, seconds):
    """Kills one run and looks at what is left, then runs again. Returns
    whether the key was there already, and what is wrong."""
    path = os.path.join(where, "key.pem")
    child = subprocess.Popen(command(path, BITS), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    if is_late:
        wait_for_writing(where, child)
    else:
        wait_a_while(child, seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()
    was_made = os.path.exists(path)
    if was_made and (not openssl_takes(path) or mode_of(path) != 0o640):
        return was_made, "half a key file"
    done = run(path, BITS)
    if done.returncode != 0 or not openssl_takes(path):
        return was_made, done.stderr
    left = [name for name in os.listdir(where)
            if name.startswith(TEMPORARY_PREFIX)]
    return was_made, left


def test_kill(t):
    """Kills at moments spread over a run, and while the file is written."""
    with folder() as where:
        start = time.monotonic()
        run(os.path.join(where, "key.pem"), BITS)
        whole = time.monotonic() - start
    picker = random.Random(1)
    made = 0
    wrong = []
    for i in range(60):
        with folder() as where:
            was_made, what = kill_once(where, i % 2, picker.uniform(0, whole))
            made += was_made
            if what:
                wrong.append(what)
    t.equal(wrong, [], "killed at 60 moments: no half file, and the next "
                       "run works and tidies up")
    t.diag(f"{60 - made} were killed before the key was in place")
    t.ok(made < 60, "some were killed before the end")


def test_parallel(t):
    ids = set()
    created = []
    for _ in range(5):
        with folder() as where:
            path = os.path.join(where, "key.pem")
            children = [subprocess.Popen(command(path, BITS), text=True,
                                         stdout=subprocess.PIPE)
                        for _ in range(8)]
            results = [json.loads(child.communicate()[0])
                       for child in children]
            ids.add(len({result["key_id"] for result in results}))
            created.append(sum(result["created"] for result in results))
    t.equal(ids, {1}, "eight at once name one key")
    t.equal(created, [1] * 5, "eight at once: one of them made it")


def test_full_disk(t):
    name = "a full disk is an error that leaves nothing"
    with folder() as where:
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8k,mode=0700", "tmpfs",
             where], capture_output=True, check=False).returncode == 0
        if not mounted:
            t.skip(name, "mounting a small file system needs root")
            return
        try:
            path = os.path.join(where, "key.pem")
            with contextlib.suppress(OSError), \
                    open(os.path.join(where, "ballast"), "wb") as ballast:
                ballast.write(b"x" * 65536)
                ballast.flush()
            done = run(path, BITS)
            t.equal(done.returncode, 1, name)
            t.contains(done.stderr, "No space left", "it names the reason")
            t.equal([entry for entry in os.listdir(where)
                     if entry not in ("ballast", "key.pem.lock")], [],
                    "no part of a key is left on the full disk")
            os.unlink(os.path.join(where, "ballast"))
            t.equal(run(path, BITS).returncode, 0,
                    "with room again the next run works")
        finally:
            subprocess.run(["umount", where], check=True)


def test_read_only_folder(t):
    with folder() as where, folder() as elsewhere:
        path = os.path.join(where, "key.pem")
        options = {}
        if os.geteuid() == 0:
            # the build folder may be closed to others
            options = {"user": NOBODY, "group": NOBODY, "extra_groups": [],
                       "program": shutil.copy(PROGRAM, elsewhere)}
            os.chmod(elsewhere, 0o755)
        os.chmod(where, 0o555)
        done = run(path, BITS, **options)
        t.equal(done.returncode, 1,
                "a folder that must not be written is an error")
        t.contains(done.stderr, "Permission denied", "it names the reason")
        t.equal(os.listdir(where), [], "nothing was made in it")
        os.chmod(where, 0o755)
        run(path, BITS)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        os.chmod(where, 0o555)
        done = run(path, BITS, **options)
        t.equal(done.returncode, 0,
                "a good key in such a folder is good enough")
        os.chmod(where, 0o755)


def test_usage(t):
    done = subprocess.run([PROGRAM], capture_output=True, text=True,
                          check=False)
    t.equal(done.returncode, 2, "without --local or configuration: status 2")
    t.ok(done.stderr.count("\n") == 1 and "api_token" in done.stderr,
         "and one line that says what to set", done.stderr)
    with folder() as where:
        path = os.path.join(where, "key.pem")
        done = run(path, "--check")
        t.equal(done.returncode, 0, "--local --check succeeds")
        said = json.loads(run(path, "--check", "--json").stdout)
        t.equal((said["good"], [f["name"] for f in said["findings"]],
                 bool(said["configuration"])), (True, ["key file"], True),
                "--json says the same to programs")
        t.contains(done.stdout, f"key_file = {path}  (--key-file)",
                   "--check says what would be used")
        t.contains(done.stdout, "not there, --local will make it",
                   "--check says what would be done")
        t.equal(os.listdir(where), [], "--check does not do it")


with tap.Tap() as tests:
    test_creation(tests)
    test_default_size(tests)
    test_refusals(tests)
    test_missing_folder(tests)
    test_kill(tests)
    test_parallel(tests)
    test_full_disk(tests)
    test_read_only_folder(tests)
    test_usage(tests)
