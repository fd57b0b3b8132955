#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""README, "Try it on a cluster": the commands that stand there are run as
they stand there, and do what is said beside them; Ctrl-C leaves nothing."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, the same passes run in other tests
# openssl: no, ambient-cp-token is not in it
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import tap

README = bed.SRCDIR / "README.md"
HEADING = "## Try it on a cluster\n"
READY = "Ctrl-C ends it all."


def read_blocks():
    """The commands of the section's shell blocks, a text each."""
    section = README.read_text().split(HEADING, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)


def make_place(b):
    """A folder like that of the sources, which may be read-only."""
    place = b.path("place")
    place.mkdir()
    (place / "tests").symlink_to(bed.SRCDIR / "tests")
    return place


def start_cluster(b, place, command):
    process = b.start("cluster", ["bash", "-c", f"cd {place} && exec {command}"],
                      {"ACP_BUILDDIR": str(bed.BUILDDIR),
                       "XDG_CACHE_HOME": os.environ.get(
                           "XDG_CACHE_HOME",
                           os.path.expanduser("~/.cache"))})
    b.wait_for(process, lambda: READY in process.log(), "the cluster is ready",
               2 * kube.START_PATIENCE)
    return process


def split_commands(block):
    """Whole commands: a line that ends with a backslash goes on."""
    return re.findall(r"(?:.*\\\n)*.+\n", block)


def run_commands(t, place, block):
    """Each in turn in one shell; what they printed, a text for each."""
    commands = split_commands(block)
    marker = "=== status"
    script = "".join(f"{command}echo '{marker}' $?\n" for command in commands)
    done = subprocess.run(
        ["bash"], input=script, cwd=place, text=True, capture_output=True,
        check=False, timeout=8 * bed.PATIENCE,
        env={"PATH": bed.SYSTEM_PATH, "HOME": str(place)})
    parts = re.split(rf"{marker} (\d+)\n", done.stdout)
    statuses = parts[1::2]
    for command, status, said in zip(commands, statuses, parts[::2]):
        t.equal(status, "0", f"this works: {command.split('#')[0].strip()}")
        if status != "0":
            t.diag(said + done.stderr)
    t.equal(len(statuses), len(commands), "the shell came to its end")
    return parts[::2]


def check_output(t, said):
    _, check, plan, first, second, found, _, repaired = said[:8]
    t.ok("permissions: all there\n" in check and "bad:" not in check,
         "--check finds nothing missing", check)
    t.contains(plan, "create Namespace demo (missing)\n",
               "--dry-run says what would be made")
    t.contains(first, "failed 0", "--once makes it")
    t.ok(second.startswith("done 0, waiting 0, failed 0"),
         "a second --once finds nothing to do", second)
    t.contains(found, "demo", "the namespace is seen from outside")
    t.ok("NetworkPolicy demo/allow-ambient-api-server" in repaired
         and "done 1," in repaired, "what was deleted is made again", repaired)


def processes_below(pid):
    """Ids of all descendants."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], text=True,
                            capture_output=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in pairs if parent in new} - found
        found |= new
    return found


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        blocks = read_blocks()
        t.equal(len(blocks), 2, "README has commands for two terminals")
        place = make_place(b)
        cluster = start_cluster(b, place, blocks[0].strip())
        started = processes_below(cluster.pid)
        t.ok(len(started) >= 4, "the cluster's programs run", started)
        check_output(t, run_commands(t, place, blocks[1]))
        cluster.signal(signal.SIGINT)
        t.equal(cluster.wait(), 0, "Ctrl-C ends it")
        left = [pid for pid in started if os.path.exists(f"/proc/{pid}")]
        t.equal(left, [], "none of its programs is left")
        t.ok(not (place / "try").exists(), "nor is its folder")


if __name__ == "__main__":
    main()
