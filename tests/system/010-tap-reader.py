#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The counting of results itself: nothing that went wrong counts as passed."""
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
import tap_reader

# what a program printed, its status, and (passed, failed, skipped)
CASES = [
    ("all pass, plan first", "1..2\nok 1 - a\nok 2 - b\n", 0, (2, 0, 0)),
    ("all pass, plan last", "ok 1\nok 2\n1..2\n", 0, (2, 0, 0)),
    ("one fails", "1..2\nok 1\nnot ok 2 - b\n", 1, (1, 1, 0)),
    ("one fails, status 0", "1..2\nok 1\nnot ok 2 - b\n", 0, (1, 1, 0)),
    ("one is skipped", "1..2\nok 1\nok 2 - b # SKIP no root\n", 0, (1, 0, 1)),
    ("all is skipped", "1..0 # SKIP no root\n", 0, (0, 0, 1)),
    ("an escaped mark is no mark", "1..1\nok 1 - a \\# skip\n", 0, (1, 0, 0)),
    ("a skipped failure is a failure", "1..1\nnot ok 1 # SKIP x\n", 0,
     (0, 1, 0)),
    ("a pending test is a failure", "1..1\nok 1 # TO" "DO x\n", 0, (0, 1, 0)),
    ("no plan", "ok 1\n", 0, (1, 1, 0)),
    ("no output", "", 0, (0, 1, 0)),
    ("dies at once", "", -11, (0, 1, 0)),
    ("dies after the plan", "1..1\nok 1\n", -11, (1, 1, 0)),
    ("too few tests", "1..3\nok 1\nok 2\n", 0, (2, 1, 0)),
    ("too many tests", "1..1\nok 1\nok 2\n", 0, (2, 1, 0)),
    ("a number twice", "1..2\nok 1\nok 1\n", 0, (2, 1, 0)),
    ("two plans", "1..1\nok 1\n1..1\n", 0, (1, 1, 0)),
    ("an empty plan without a reason", "1..0\n", 0, (0, 1, 0)),
    ("bails out", "1..1\nok 1\nBail out! no disk\n", 0, (1, 1, 0)),
    ("other lines do not count", "1..1\n# ok 2\nokay\nok 1\n", 0, (1, 0, 0)),
]

# result files of `make check`, its status, and the counts
RESULTS = [
    ("passed and skipped", {"a": "PASS x\nSKIP y"}, 0, (1, 0, 1)),
    ("failed", {"a": "PASS x\nFAIL y"}, 2, (1, 1, 0)),
    ("a program that broke", {"a": "ERROR - exited with status 1"}, 2,
     (0, 1, 0)),
    ("an unexpected pass", {"a": "XPASS x"}, 2, (0, 1, 0)),
    ("make fails without a failed test", {"a": "PASS x"}, 2, (1, 1, 0)),
    ("no result files", {}, 0, (0, 1, 0)),
    ("an empty result file", {"a": ""}, 0, (0, 1, 0)),
]

# what a `make check` elsewhere printed, its status, and the counts
SUMMARIES = [
    ("all passed", "# TOTAL: 3\n# PASS:  2\n# SKIP:  1\n# FAIL:  0\n", 0,
     (2, 0, 1)),
    ("some broke", "# PASS:  2\n# FAIL:  1\n# ERROR: 1\n", 2, (2, 2, 0)),
    ("no summary", "make: nothing to do\n", 0, (0, 1, 0)),
    ("fails afterwards", "# PASS:  2\n", 1, (2, 1, 0)),
]


def as_tuple(counts):
    return (counts.passed, counts.failed, counts.skipped)


def results_of(files, status):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            lines = [f":test-result: {line}\n" for line in text.splitlines()]
            pathlib.Path(folder, name + ".trs").write_text("".join(lines))
        return tap_reader.read_results(folder, status)


with tap.Tap() as t:
    for what, printed, status, want in CASES:
        t.equal(as_tuple(tap_reader.read_tap(printed, status)), want, what)
    for what, files, status, want in RESULTS:
        t.equal(as_tuple(results_of(files, status)), want,
                f"make check: {what}")
    for what, printed, status, want in SUMMARIES:
        t.equal(as_tuple(tap_reader.read_summary(printed, status)), want,
                f"a summary: {what}")
