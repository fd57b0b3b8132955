#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The measuring program works from end to end, beside a peer too, and finds
every answer right. What it measures is not judged: figures are no tests."""
# quick: no, it takes a minute, and wants a Kubernetes API server
# valgrind: no, it measures what valgrind distorts, within patience for less
# alone: yes, it wants both processors
import json
import os
import subprocess
import sys

sys.path[0:0] = [os.path.join(os.path.dirname(__file__), "..", folder)
                 for folder in ("support", "bench")]
import bed
import tap
import targets

WANTED = [
    "from start to the first token",
    "memory idle after a token over HTTPS",
    *[f"CPU for 500 with {proof} proof, {way}" for proof in ("no", "a wrong")
      for way in ("nginx", "the socket")],
    *[f"{name} / null, {count} connections" for count in (16, 64)
      for name in ("renewal", "cached")],
    "library's operations / CPU second",
    "new ciphertexts / library, by CPU second",
    "herd of stock clients, served",
    "renewals meanwhile, p99",
    "memory of a held request",
    *[f"{name}, 20 projects{what}" for name in ("first pass", "steady pass")
      for what in ("", ", requests", ", our CPU", ", memory")],
    "first pass, 20 projects, writes",
    "curl's replay of its writes, 16 at a time",
    "first pass / replay",
    *[f"first sessions, 20 in 20 projects{what}"
      for what in ("", ", writes a session", ", memory")],
    "first sessions / replay",
    "new session in a loop, interval 1 s, the slowest of 2",
    "new session beside a herd, the slowest of 2",
    "idle loop, requests an interval",
    "steady pass, 100 sessions, our CPU",
    "steady pass, 100 sessions, memory",
]
BESIDE_PEER = [
    "peer gives renewal handles",
    "ours / peer, new ciphertexts a second",
    *[f"ours / peer, {name}, {count} connections" for count in (16, 64)
      for name in ("renewal", "cached")],
    "peer's herd, served",
    "ours / peer, herd, last_s",
]
# what has a verdict, of those
JUDGED = [name for name in WANTED
          if not name.startswith(("from", "library's", "curl's"))
          and not name.endswith(("projects, our CPU", "writes"))
          and name != "first pass, 20 projects, requests"]
VERDICTS = {"yes", "no", "machine busy"}


def run_bench(*options):
    return subprocess.run(
        [bed.SRCDIR / "tests" / "bench" / "run", "--quick", *options],
        env={**os.environ, "ACP_BUILDDIR": str(bed.BUILDDIR)},
        capture_output=True, text=True, check=False)


with tap.Tap() as t, bed.Bed(t) as b:
    targets.open_limits(b)
    key = b.make_key()
    peer = targets.Ours(b, key)
    public = b.path("peer.pem")
    public.write_text(b.public_key(key))
    file = b.path("figures.json")
    arguments = ["--peer", f"http://{peer.server}/token", "--json", file]

    result = run_bench(*arguments, "--peer-key", public)
    t.diag(result.stdout)
    t.ok(result.returncode == 0, "the run is made and every answer right",
         result.stderr)
    found = json.loads(file.read_text())
    rows = {row["name"]: row for row in found["rows"]}
    for name in WANTED + BESIDE_PEER:
        t.ok(name in rows and name in result.stdout and rows[name]["text"],
             f"there is a row: {name}")
    t.equal([n for n in JUDGED if rows[n]["reached"] not in VERDICTS], [],
            "each wanted figure has a verdict")
    t.equal(rows["herd of stock clients, served"]["data"]["invalid"], 0,
            "every answer of the herd is for its own session")
    t.ok({"create namespaces", "create secrets", "patch networkpolicies",
          "patch projectsettings", "patch rolebindings", "patch roles"}
         <= set(rows["first pass, 20 projects, writes"]["data"]),
         "writes of every kind of a project are measured")
    t.ok(all(figure > 0 for pair in rows[
        "first pass / replay, CPU with the cluster's"]["data"].values()
             for figure in pair.values()),
         "processor time is measured of all who took part")
    t.equal(rows["first sessions, 20 in 20 projects, writes a session"][
        "measured"], 5, "a session costs five writes, and each is counted")
    t.equal(len(found["load_average_before"]), 3, "the load is reported")

    other = b.path("other.pem")
    other.write_text(b.public_key(b.make_key()))
    result = run_bench(*arguments, "--peer-key", other)
    t.ok(result.returncode == 1 and "peer" in result.stderr,
         "a peer that refuses every ciphertext ends the run with status 1",
         result.stderr)
    result = run_bench(*arguments)
    t.equal(result.returncode, 2, "a peer needs its key")
