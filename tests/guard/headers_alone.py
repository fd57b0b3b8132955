# SPDX-License-Identifier: Apache-2.0
"""Every header compiles by itself, twice in a row, with the compiler, the
flags and the warnings of the build ($ACP_COMPILE)."""
import os
import shlex
import subprocess

import guard

COMPILE = shlex.split(os.environ.get("ACP_COMPILE", "cc -std=gnu17"))


def compile_alone(path):
    """What the compiler says about it; empty when it is fine."""
    code = f'#include <config.h>\n#include "{path}"\n#include "{path}"\n'
    result = subprocess.run(
        COMPILE + ["-Werror", "-fsyntax-only", "-x", "c", "-"], input=code,
        cwd=guard.BUILD, capture_output=True, text=True, check=False)
    return result.stderr.split("\n") if result.returncode else []


ALL = guard.find("*.h")
tap = guard.Tap()
tap.check("there are headers to compile", [] if ALL else ["none found"])
for header in ALL:
    tap.check(f"{header} compiles alone", compile_alone(header))
tap.end()
