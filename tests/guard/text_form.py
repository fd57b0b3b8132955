# SPDX-License-Identifier: Apache-2.0
"""All text of the tree: clean white space, nothing left to do, and nothing
about the machine or the people that made it."""
import re

import guard

# parts are glued so that this file does not find itself
WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|WI" r"P)\b")
PLACES = re.compile(
    r"/ho" r"me/\w|/Us" r"ers/\w|/ro" r"ot/\w|/wo" r"rk/\w|/tm" r"p/wt"
    r"|registry\.n" r"pmjs|deb\.de" r"bian\.org|snapshot\.de" r"bian"
    r"|py" r"pi\.org|files\.pyth" r"onhosted|proxy\.go" r"lang"
    r"|cra" r"tes\.io", re.I)


def lines_of(paths):
    for path in paths:
        for number, line in enumerate(guard.read(path).split("\n"), 1):
            yield f"{path}:{number}", line


def found(paths, expression):
    for place, line in lines_of(paths):
        match = expression.search(line)
        if match:
            yield f"{place}: {match.group(0)!r}"


def bad_ends(paths):
    for path in paths:
        text = guard.read(path)
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield f"{path}: must end with one newline"


def not_utf8(paths):
    for path in paths:
        try:
            guard.read(path)
        except UnicodeDecodeError as error:
            yield f"{path}: {error}"


ALL = [path for path in guard.find("*") if guard.is_text(path)
       and path != "LICENSE"]
tap = guard.Tap()
tap.check("there are files to look at", [] if ALL else ["none found"])
broken = list(not_utf8(ALL))
tap.check("all text is UTF-8", broken)
if not broken:
    tap.check("no line ends with white space or a carriage return",
              found(ALL, re.compile(r"[ \t\r]+$")))
    tap.check("no space stands before a tab in an indentation",
              found(ALL, re.compile(r"^\t* +\t")))
    tap.check("every file ends with one newline", bad_ends(ALL))
    tap.check("nothing is left to do", found(ALL, WORDS))
    tap.check("no place of a developer's machine is named",
              found(ALL, PLACES))
tap.end()
