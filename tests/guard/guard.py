# SPDX-License-Identifier: Apache-2.0
"""The frame of the guards: which files there are, and TAP on stdout.

A guard reads the tree at $ACP_SRCDIR and what was built in $ACP_BUILDDIR,
and writes to neither. It never asks git: a released tarball is checked too.
"""
import fnmatch
import os
import re
import sys

ROOT = os.path.abspath(os.environ.get("ACP_SRCDIR", "."))
BUILD = os.path.abspath(os.environ.get("ACP_BUILDDIR", "."))

SKIPPED_FOLDERS = {"autom4te.cache", "build-aux", "node_modules",
                   "__pycache__", "_build", "_inst"}
# made in the root by autogen.sh and configure
GENERATED = {".git", "configure", "configure~", "config.status", "config.log",
             "config.h", "config.h.in", "config.h.in~", "aclocal.m4",
             "Makefile", "Makefile.in", "stamp-h1"}
OBJECTS = (".o", ".a", ".log", ".trs", ".gcda", ".gcno", ".gz", ".pyc")


def is_foreign_folder(path):
    """True for folders of tools and for other build trees."""
    name = os.path.basename(path)
    return (name in SKIPPED_FOLDERS or name.startswith(".") and name != ".ci"
            or os.path.exists(os.path.join(path, "config.status")))


def find(*patterns):
    """Paths of the project's own files, relative to the root, sorted."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders
                      if not is_foreign_folder(os.path.join(folder, name))]
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), ROOT)
            if path in GENERATED or name.endswith(OBJECTS):
                continue
            if any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
                found.append(path)
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8",
              newline="") as file:
        return file.read()


def is_text(path):
    """True for what people wrote: no inputs of tests, no built programs."""
    if path.startswith(("tests/fuzz/corpus/", "tests/data/")):
        return False
    with open(os.path.join(ROOT, path), "rb") as file:
        return b"\0" not in file.read(4096)


def strip_c(text):
    """C without comments and the insides of literals; lines stay lines."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] * 2
        return " " + "\n" * token.count("\n")
    token = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(token, blank, text, flags=re.S)


class Function:
    """One function definition of a formatted C file."""

    def __init__(self, path, name, line, lines):
        self.path, self.name, self.line = path, name, line
        self.length, self.body = len(lines), "\n".join(lines)


def functions(path):
    """Definitions in path; their braces stand in the first column."""
    lines = strip_c(read(path)).split("\n")
    start = 0
    for number, line in enumerate(lines):
        if re.match(r"[A-Za-z_].*\(", line):
            start = number
        if line == "{":
            end = lines.index("}", number)
            match = (re.match(r"START_TEST\((\w+)", lines[start])
                     or re.search(r"(\w+)\(", lines[start]))
            yield Function(path, match.group(1) if match else "?", start + 1,
                           lines[start:end + 1])


class Tap:
    """Numbers the tests; a test is a sentence and its list of problems."""

    def __init__(self):
        self.count = self.failures = 0

    def check(self, sentence, problems):
        self.count += 1
        problems = list(problems)
        self.failures += bool(problems)
        print(f"{'not ' if problems else ''}ok {self.count} - {sentence}")
        for problem in problems:
            print(f"# {problem}")

    def skip(self, sentence, reason):
        self.count += 1
        print(f"ok {self.count} - {sentence} # SKIP {reason}")

    def note(self, text):
        print(f"# {text}")

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failures else 0)
