# SPDX-License-Identifier: Apache-2.0
"""The first lines of every source file: license, what the file is for, the
header guard that its path gives, config.h and the own header first."""
import os
import re

import guard

SPDX = "SPDX-License-Identifier: Apache-2.0"
COMMENT_LINES = range(1, 15)
VAGUE = {"util", "utils", "common", "misc", "helper", "helpers"}


def without_license(paths):
    for path in paths:
        lines = guard.read(path).split("\n")
        first = lines[1] if lines[0].startswith("#!") else lines[0]
        if SPDX not in first:
            yield f"{path}: the first line must say {SPDX}"


def without_comment(paths):
    for path in paths:
        match = re.match(r"[^\n]*\n/\*\n(( \*[^\n]*\n)+?) \*/\n",
                         guard.read(path))
        lines = match.group(1).count("\n") if match else 0
        if lines not in COMMENT_LINES:
            yield (f"{path}: the second line must start a comment of a few "
                   "lines that says what the file is for")


def without_guard(paths):
    for path in paths:
        name = "ACP_" + re.sub(r"\W", "_", path).upper()
        lines = [line for line in guard.strip_c(guard.read(path)).split("\n")
                 if line.strip()]
        if lines[:2] != [f"#ifndef {name}", f"#define {name}"]:
            yield f"{path}: must be guarded by {name}"


def first_includes(paths):
    for path in paths:
        names = re.findall(r'^#\s*include\s*["<]([^">]+)', guard.read(path),
                           re.M)
        stem = path[:-2]
        has_own = os.path.exists(os.path.join(guard.ROOT, stem + ".h"))
        if names[:1] != ["config.h"]:
            yield f"{path}: must first include config.h"
        elif has_own and not re.match(rf"{stem}(_\w+)?\.h$",
                                      names[1] if names[1:] else ""):
            yield f"{path}: must include {stem}.h after config.h"


HEADERS, SOURCES = guard.find("*.h"), guard.find("*.c")
SCRIPTS = [path for path in guard.find("*")
           if guard.is_text(path) and guard.read(path).startswith("#!")]
BUILD = guard.find("*.mk", "*.am", "*.ac", "*.m4")
C = HEADERS + SOURCES
tap = guard.Tap()
tap.check("there are files to look at", [] if C else ["none found"])
tap.check("every source file and script names its license first",
          without_license(sorted({*C, *SCRIPTS, *BUILD,
                                  *guard.find("*.py", "*.sh")})))
tap.check("every source file says what it is for", without_comment(C))
tap.check("header guards are made from the path", without_guard(HEADERS))
tap.check("config.h and the own header come first", first_includes(SOURCES))
tap.check("every file is named after one thing", (
    path for path in C
    if os.path.basename(path).rsplit(".", 1)[0] in VAGUE))
tap.end()
