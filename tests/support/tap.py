# SPDX-License-Identifier: Apache-2.0
"""TAP output for the system tests.

    with tap.Tap() as t:
        t.ok(2 > 1, "two is more than one")
        t.equal(got, want, "the answer is the one promised")

The plan comes last, so nobody counts tests by hand; a program that dies
inside the block prints a failing test and its traceback, and still a plan.
Never prints to stdout by other means.
"""
import sys
import traceback


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and not issubclass(kind, SystemExit):
            self.diag("".join(traceback.format_exception(kind, error, trace)))
            self.ok(False, f"runs to its end ({kind.__name__})")
        self._print(f"1..{self.count}")
        sys.exit(1 if self.failed or self.count == 0 else 0)

    def ok(self, condition, name, *notes):
        """One test; notes are printed when it fails. Returns condition."""
        self.count += 1
        if not condition:
            self.failed += 1
        name = str(name).replace("#", "\\#").replace("\n", " ")
        verdict = "ok" if condition else "not ok"
        self._print(f"{verdict} {self.count} - {name}")
        if not condition:
            for note in notes:
                self.diag(note)
        return bool(condition)

    def equal(self, got, want, name):
        return self.ok(got == want, name, f"got:  {got!r}", f"want: {want!r}")

    def contains(self, text, part, name):
        return self.ok(part in text, name, f"no {part!r} in: {text!r}")

    def skip(self, name, why):
        """A test that cannot run here; counts as skipped, not as passed."""
        self.count += 1
        self._print(f"ok {self.count} - {name} # SKIP {why}")

    def diag(self, text):
        for line in str(text).rstrip("\n").split("\n"):
            self._print(f"# {line}")

    @staticmethod
    def _print(line):
        print(line, flush=True)
