# SPDX-License-Identifier: Apache-2.0
"""No function is longer than it can be read at once. Exceptions stand in
function_size.allow with their length; the list may only shrink."""
import os

import guard

MAX = 60
ALLOW = "tests/guard/function_size.allow"


def read_allowed():
    """{"file:function": lines} from the allow list, if there is one."""
    if not os.path.exists(os.path.join(guard.ROOT, ALLOW)):
        return {}
    rows = (line.split() for line in guard.read(ALLOW).split("\n")
            if line and not line.startswith("#"))
    return {name: int(lines) for name, lines in rows}


def too_long(all_functions, allowed):
    for function in all_functions:
        name = f"{function.path}:{function.name}"
        if function.length > max(MAX, allowed.get(name, 0)):
            yield (f"{function.path}:{function.line}: {function.name} has "
                   f"{function.length} lines, at most {MAX} are allowed")


def out_of_date(all_functions, allowed):
    lengths = {f"{f.path}:{f.name}": f.length for f in all_functions}
    for name, lines in allowed.items():
        now = lengths.get(name, 0)
        if now <= MAX:
            yield f"{ALLOW}: take out {name}, it has {now} lines"
        elif now < lines:
            yield f"{ALLOW}: lower {name} to {now}"


def summarise(tap, title, lengths):
    lengths = sorted(lengths)
    if lengths:
        tap.note(f"{title}: {len(lengths)} functions, median "
                 f"{lengths[len(lengths) // 2]} lines, 90 % under "
                 f"{lengths[len(lengths) * 9 // 10] + 1}, "
                 f"longest {lengths[-1]}")


ALL = [function for path in guard.find("*.c")
       for function in guard.functions(path)]
ALLOWED = read_allowed()
tap = guard.Tap()
tap.check("there are functions to measure", [] if ALL else ["none found"])
tap.check(f"no function is longer than {MAX} lines", too_long(ALL, ALLOWED))
tap.check("the list of exceptions has only shrunk", out_of_date(ALL, ALLOWED))
summarise(tap, "shipped", (f.length for f in ALL
                           if not f.path.startswith("tests/")))
summarise(tap, "tests", (f.length for f in ALL
                         if f.path.startswith("tests/")))
tap.end()
