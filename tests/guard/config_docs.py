# SPDX-License-Identifier: Apache-2.0
"""The table of configuration keys, ambient-cp.conf(5) and the annotated file
say the same; so do the tables of options and the programs' manual pages."""
import os
import re

import guard

TABLE = "lib/config_keys.h"
PAGE = "man/ambient-cp.conf.5"
FILE = "conf/ambient-cp.conf"
# options every program has, and where each program has its own
SHARED = "lib/options.c"
PROGRAMS = {"man/ambient-cp-token.8": "fcgi/main.c",
            "man/ambient-cp-reconciler.8": "reconciler/options.c"}


class Key:
    """What is said of one key; words: allowed words, or the range."""

    def __init__(self, name, environment, default, words):
        self.name, self.environment = name, environment
        self.default, self.words = default, words

    def differences(self, other, where):
        for what in ("environment", "default", "words"):
            ours, theirs = getattr(self, what), getattr(other, what)
            if ours != theirs:
                yield (f"{where}: {what} of {self.name} is {theirs!r}, "
                       f"the table has {ours!r}")


def with_file(environment, is_secret):
    if not environment:
        return ()
    return (environment, environment + "_FILE") if is_secret else (
        environment,)


def read_table():
    """Keys in order; a secret is two, for its path has a key of its own."""
    text = guard.read(TABLE).split("#define ACP_CONFIG_KEYS", 1)[-1]
    word = r'(?:"([^"]*)"|NULL)'
    row = (r'X\(\w+,\s*"(\w+)",\s*' + word + r',\s*(\w+),\s*' + word
           + r',\s*' + word + r',\s*\w+,\s*"')
    for name, environment, kind, default, words in re.findall(
            row, text.replace("\\\n", "\n")):
        is_secret = kind == "SECRET"
        variables = with_file(environment, is_secret)
        yield Key(name, variables, default, words)
        if is_secret:
            yield Key(name + "_file", variables, default, words)


def count_rows():
    """Rows by another measure, so that none is lost by the expression."""
    return len(re.findall(r"^X\(", guard.read(TABLE), re.M))


def read_page():
    """The items of the page; those that share a text share its facts."""
    text = guard.read(PAGE)
    items = re.split(r"^\.It Ic (\w+) No = .*\n", text, flags=re.M)[1:]
    waiting = []
    for name, body in zip(items[::2], items[1::2]):
        waiting.append(name)
        body = re.split(r"^\.(?:El|Ss|Sh)\b", body, flags=re.M)[0]
        if not body.strip():
            continue
        variables = tuple(re.findall(r"^\.Ev (\w+)", body, re.M))
        default = re.search(r"^Default:\n\.Ql (.+) \.$", body, re.M)
        words = re.search(r"^(?:Range|One of):\n\.Ql (.+) \.$", body, re.M)
        if not default and "\nNo default." not in "\n" + body:
            yield Key(name, variables, "?", "?")
        for each in waiting:
            yield Key(each, variables, default.group(1) if default else "",
                      words.group(1) if words else "")
        waiting = []


def read_file():
    """Keys of the annotated file; the facts are in brackets before them."""
    for block in guard.read(FILE).split("\n\n"):
        facts = re.search(r"^# (\[.*?\])$", block, re.M | re.S)
        facts = re.sub(r"\n# ", " ", facts.group(1) if facts else "")
        variables = re.search(r"environment ([\w ]+)", facts)
        words = re.search(r"(?:range|one of) ([^;\]]+)", facts)
        for name, default in re.findall(r"^#(\w+) =(?: (.*))?$", block, re.M):
            yield Key(name,
                      tuple(variables.group(1).split(" or ")) if variables
                      else (), default, words.group(1) if words else "")


def compare(table, found, where):
    names = [key.name for key in found]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            yield f"{where}: {name} is there {names.count(name)} times"
        if name not in table:
            yield f"{where}: {name} is not a key of {TABLE}"
    for name, key in table.items():
        if name not in names:
            yield f"{where}: {name} is missing"
    for key in found:
        if key.name in table:
            yield from table[key.name].differences(key, where)


def live_lines():
    for number, line in enumerate(guard.read(FILE).split("\n"), 1):
        if line and not line.startswith("#"):
            yield f"{FILE}:{number}: everything is to be a comment"


def options_of(path):
    """Names of the rows of the tables of struct acp_option in path."""
    tables = re.findall(r"struct acp_option \w+\[\w*\] = \{(.*?)\n\};",
                        guard.read(path), re.S)
    return re.findall(r'\{"([a-z-]+)",', "".join(tables))


def undescribed(page, source):
    options = options_of(source)
    if not options:
        yield f"{source}: no options found"
    described = re.findall(r"(?:\bFl|\|) -([a-z-]+)", guard.read(page))
    for name in [*options_of(SHARED), *options]:
        if name not in described:
            yield f"{page}: --{name} is missing"


rows = list(read_table())
keys = {key.name: key for key in rows}
plain = [name for name in keys
         if not (name.endswith("_file") and name[:-5] in keys)]

tap = guard.Tap()
tap.check("every row of the table is understood",
          [] if rows and len(plain) == count_rows() else
          [f"{TABLE}: {count_rows()} rows, {len(plain)} understood"])
tap.check("the manual page says what the table says",
          compare(keys, list(read_page()), PAGE))
tap.check("the annotated file says what the table says",
          compare(keys, list(read_file()), FILE))
tap.check("the annotated file sets nothing", live_lines())
for page_path, source_path in PROGRAMS.items():
    if os.path.exists(os.path.join(guard.ROOT, source_path)):
        tap.check(f"{page_path} has every option",
                  undescribed(page_path, source_path))
tap.end()
