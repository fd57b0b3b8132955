# SPDX-License-Identifier: Apache-2.0
"""C files are as clang-format writes them. Versions differ in details, so
only the one that the tree is written with is asked."""
import re
import shutil
import subprocess

import guard

VERSION = 14


def find_tool():
    """A clang-format of VERSION, or None."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        tool = shutil.which(name)
        if tool:
            text = subprocess.run([tool, "--version"], capture_output=True,
                                  text=True, check=False).stdout
            if re.search(rf"version {VERSION}\.", text):
                return tool
    return None


def complaints(tool, paths):
    result = subprocess.run(
        [tool, "--dry-run", "-Werror", "--style=file", *paths],
        cwd=guard.ROOT, capture_output=True, text=True, check=False)
    return [line for line in result.stderr.split("\n") if ": error:" in line
            ] or ([f"{tool} failed"] if result.returncode else [])


ALL = guard.find("*.c", "*.h")
TOOL = find_tool()
tap = guard.Tap()
tap.check("there are files to look at", [] if ALL else ["none found"])
if TOOL:
    tap.check("C files are formatted", complaints(TOOL, ALL))
else:
    tap.skip("C files are formatted", f"no clang-format {VERSION} here")
tap.end()
