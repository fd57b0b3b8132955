# SPDX-License-Identifier: Apache-2.0
"""Every shell script, found by its name or first line, passes shellcheck."""
import re
import shutil
import subprocess

import guard


def is_shell(path):
    if not guard.is_text(path):
        return False
    first = guard.read(path).split("\n")[0]
    return path.endswith(".sh") or bool(
        re.match(r"#!\s*(/usr)?/bin/(env )?(ba|da)?sh\b", first))


def complaints(path):
    result = subprocess.run(
        ["shellcheck", "--external-sources", "--format=gcc", path],
        cwd=guard.ROOT, capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip().split("\n") \
        if result.returncode else []


ALL = [path for path in guard.find("*") if is_shell(path)]
tap = guard.Tap()
tap.check("there are scripts to look at", [] if ALL else ["none found"])
for script in ALL:
    if shutil.which("shellcheck"):
        tap.check(f"{script} is clean", complaints(script))
    else:
        tap.skip(f"{script} is clean", "no shellcheck here")
tap.end()
