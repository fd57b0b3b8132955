# SPDX-License-Identifier: Apache-2.0
"""Calls that are never made in this tree, and what is used instead."""
import re

import guard

BANNED = {
    "strcpy": "acp_buffer_append", "stpcpy": "acp_buffer_append",
    "strncpy": "memcpy with a checked size", "strcat": "acp_buffer_append",
    "strncat": "acp_buffer_append", "sprintf": "acp_buffer_printf",
    "vsprintf": "acp_buffer_printf", "gets": "acp_file_read",
    "atoi": "strtoll with all its checks", "atol": "strtoll",
    "strtok": "strchr", "strtok_r": "strchr", "system": "nothing",
    "popen": "nothing", "alloca": "acp_memory_new",
    "tmpnam": "mkostemp", "tempnam": "mkostemp", "mktemp": "mkostemp",
    "bcmp": "acp_secret_is_equal or memcmp", "rand": "getrandom",
    "random": "getrandom", "drand48": "getrandom",
    "gmtime": "gmtime_r", "localtime": "nothing: times are UTC",
    "setjmp": "return values", "longjmp": "return values",
    "FCGX_OpenSocket": "our own socket: it unlinks, exits, has a wrong mode",
}
# Reading and writing without a bound, and heap without our rule, are only
# banned where the program is shipped.
SHIPPED = {"realloc": "acp_memory_resize", "calloc": "acp_memory_new",
           "malloc": "acp_memory_new", "strdup": "acp_memory_dup_text",
           "strndup": "acp_memory_dup_bytes"}
SHIPPED_EXCEPT = ("lib/memory.c",)


def calls(names, paths):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    for path in paths:
        code = guard.strip_c(guard.read(path))
        for number, line in enumerate(code.split("\n"), 1):
            for match in pattern.finditer(line):
                yield (f"{path}:{number}: {match.group(1)}: use "
                       f"{names[match.group(1)]}")


def both_cleanups(paths):
    for path in paths:
        for function in guard.functions(path):
            if "ACP_AUTO(" in function.body \
                    and re.search(r"\bgoto\b", function.body):
                yield f"{path}:{function.line}: {function.name}"


def early_exits(paths):
    """Cleanups of variables that a function may leave before setting up."""
    for path in paths:
        for function in guard.functions(path):
            for match in re.finditer(
                    r"ACP_AUTO\(\w+\)[\w\s*]*?\b(\w+);(.*?)(?=&\1\b|\Z)",
                    function.body, re.S):
                if re.search(r"\b(return|continue|break|goto)\b",
                             match.group(2)):
                    yield (f"{path}:{function.line}: {function.name} may "
                           f"leave before {match.group(1)} is set up")


ALL = guard.find("*.c", "*.h")
SOURCES = [path for path in ALL if path.endswith(".c")]
OURS = [path for path in ALL
        if not path.startswith("tests/") and path not in SHIPPED_EXCEPT]
tap = guard.Tap()
tap.check("there are files to look at", [] if ALL else ["none found"])
tap.check("no banned function is called", calls(BANNED, ALL))
tap.check("heap in shipped code comes from lib/memory.h",
          calls(SHIPPED, OURS))
tap.check("no function mixes scope cleanup with goto",
          both_cleanups(SOURCES))
tap.check("what is cleaned at the end of a scope is set up first",
          early_exits(SOURCES))
tap.check("assert takes no negated text: clang warns where gcc does not", (
    f"{path}:{number}: write assert(false && ...)" for path in ALL
    for number, line in enumerate(
        guard.strip_c(guard.read(path)).split("\n"), 1)
    if re.search(r"\bassert\(!\"", line)))
tap.check("no type is hidden behind a typedef", (
    f"{path}:{number}" for path in ALL
    for number, line in enumerate(
        guard.strip_c(guard.read(path)).split("\n"), 1)
    if re.search(r"\btypedef\s+(struct|union|enum)\b", line)))
tap.end()
