# SPDX-License-Identifier: Apache-2.0
"""Counts what test programs report. Distrustful on purpose: a program that
dies, prints no plan, another plan than tests, or skips a number has failed,
whatever its lines say.
"""
import dataclasses
import pathlib
import re

PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$", re.I)
TEST = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(.*)$")
SKIP = re.compile(r"(?<!\\)#\s*skip\S*\s*(.*)$", re.I)
PENDING = re.compile(r"(?<!\\)#\s*to" r"do\b", re.I)
SUMMARY = re.compile(
    r"^# (PASS|SKIP|XFAIL|FAIL|XPASS|ERROR):\s*(\d+)\s*$", re.M)
RESULT = re.compile(r"^:test-result:\s*(\w+)\s*(.*)$")


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    complaints: list = dataclasses.field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.complaints += other.complaints

    def fail(self, complaint):
        self.failed += 1
        self.complaints.append(complaint)

    def total(self):
        return self.passed + self.failed + self.skipped

    def __str__(self):
        return (f"{self.passed} passed, {self.failed} failed, "
                f"{self.skipped} skipped")


def count_line(counts, match):
    """One "ok" or "not ok" line."""
    is_bad, _, text = match.groups()
    if is_bad:
        counts.fail(text.lstrip("- "))
    elif PENDING.search(text):
        counts.fail(f"{text}: a test that may fail is none")
    elif SKIP.search(text):
        counts.skipped += 1
    else:
        counts.passed += 1


def check_plan(counts, plans, numbers):
    if len(plans) != 1:
        counts.fail("no plan" if not plans else "more than one plan")
        return
    planned, reason = plans[0]
    if planned == 0 and not numbers and reason is not None:
        counts.skipped += 1
    elif planned == 0:
        counts.fail("planned no tests and gave no reason")
    elif numbers != list(range(1, planned + 1)):
        counts.fail(f"planned {planned} tests, reported {len(numbers)}"
                    " or out of order")


def read_tap(text, status):
    """Counts of a program that printed text and ended with status."""
    counts = Counts()
    plans, numbers = [], []
    for line in text.splitlines():
        plan, test = PLAN.match(line), TEST.match(line)
        if plan:
            plans.append((int(plan.group(1)), plan.group(2)))
        elif test:
            numbers.append(int(test.group(2) or len(numbers) + 1))
            count_line(counts, test)
        elif line.startswith("Bail out!"):
            counts.fail(line)
    check_plan(counts, plans, numbers)
    if status != 0 and counts.failed == 0:
        counts.fail(f"ended with {status} although no test failed")
    return counts


def read_results(folder, status):
    """Counts of a `make check` in folder that ended with status, from the
    result files that automake's driver leaves for each program."""
    counts = Counts()
    for path in sorted(pathlib.Path(folder).rglob("*.trs")):
        results = [RESULT.match(line) for line in
                   path.read_text("utf-8", "replace").splitlines()]
        results = [match.groups() for match in results if match]
        name = path.relative_to(folder).with_suffix("")
        if not results:
            counts.fail(f"{name}: no results")
        for word, text in results:
            if word == "PASS":
                counts.passed += 1
            elif word == "SKIP":
                counts.skipped += 1
            else:
                counts.fail(f"{name}: {word} {text}")
    if counts.total() == 0:
        counts.fail("make check ran no tests")
    if status != 0 and counts.failed == 0:
        counts.fail(f"make check ended with {status}")
    return counts


def read_summary(text, status):
    """Counts of a `make check` elsewhere, from the summary it printed."""
    counts = Counts()
    for word, number in SUMMARY.findall(text):
        if word == "PASS":
            counts.passed += int(number)
        elif word == "SKIP":
            counts.skipped += int(number)
        elif int(number):
            counts.failed += int(number)
            counts.complaints.append(f"{number} {word}")
    if counts.passed == 0:
        counts.fail("no test passed")
    if status != 0 and counts.failed == 0:
        counts.fail(f"ended with {status} although no test failed")
    return counts
