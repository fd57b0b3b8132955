# SPDX-License-Identifier: Apache-2.0
"""A guard that cannot fail guards nothing: each one runs against a small
good tree and must pass, then against the same tree with one thing broken and
must name it. The trees are made in a scratch folder and removed again."""
import os
import subprocess
import sys
import tempfile

import guard

HERE = os.path.dirname(os.path.abspath(__file__))
LICENSE = "SPDX-License-Identifier: Apache-2.0"
HEAD = f"/* {LICENSE} */\n/*\n * One noun.\n * Called by tests.\n */\n"
HEADER = (HEAD + "#ifndef ACP_LIB_NOUN_H\n#define ACP_LIB_NOUN_H\n\n"
          "#include <stddef.h>\n\nsize_t acp_noun_count(size_t given);\n\n"
          "#endif\n")
INCLUDES = '#include <config.h>\n\n#include "lib/noun.h"\n'
BODY = "\nsize_t\nacp_noun_count(size_t given)\n{\n%s\treturn given;\n}\n"
SOURCE = HEAD + INCLUDES + BODY % ""
STYLE = guard.read(".clang-format")
KEYS = (HEAD + "#ifndef ACP_LIB_CONFIG_KEYS_H\n#define ACP_LIB_CONFIG_KEYS_H\n"
        "\n/* clang-format off */\n#define ACP_CONFIG_KEYS(X) \\\n"
        'X(WAIT, "wait", "WAIT", NUMBER, "5", "1..9", TOKEN, \\\n  "One.") \\\n'
        'X(WORD, "word", NULL, SECRET, NULL, NULL, TOKEN, "Two.")\n'
        "/* clang-format on */\n\n#endif\n")
PAGE = (f'.\\" {LICENSE}\n.It Ic wait No = Ar number\nRange:\n.Ql 1..9 .\n'
        "Environment:\n.Ev WAIT .\nDefault:\n.Ql 5 .\n"
        ".It Ic word No = Ar secret\n.It Ic word_file No = Ar path\n"
        "Text.\nNo default.\n")
CONF = (f"# {LICENSE}\n\n# [Both; range 1..9;\n# environment WAIT]\n"
        "#wait = 5\n\n# [Both]\n#word =\n#word_file =\n")
CONFIG = {"lib/config_keys.h": KEYS, "man/ambient-cp.conf.5": PAGE,
          "conf/ambient-cp.conf": CONF}
NO_SOURCES = {"lib/noun.c": None, "lib/noun.h": None,
              "lib/config_keys.h": None}
GOOD = {**CONFIG, "lib/noun.h": HEADER, "lib/noun.c": SOURCE, ".clang-format": STYLE,
        "tests/run": f"#!/bin/sh\n# {LICENSE}\nexit 0\n"}


def program(body):
    return {"lib/noun.c": HEAD + INCLUDES + BODY % body}


def long_function(lines):
    return program("\tgiven++;\n" * (lines - 4))


ALLOW = "tests/guard/function_size.allow"
# guard, what is broken (None: the file is taken away), what it must say
CASES = [
    ("banned_calls", NO_SOURCES, "none found"),
    ("banned_calls", program("\tstrcpy(a, b);\n"), "strcpy: use"),
    ("banned_calls", program("\tFCGX_OpenSocket(a, 1);\n"),
     "FCGX_OpenSocket: use"),
    ("banned_calls", program("\ta = malloc(1);\n"), "malloc: use"),
    ("banned_calls", program("\tACP_AUTO(fd) int a;\n\n\tgoto fail;\n"),
     "noun.c:11: acp_noun_count"),
    ("banned_calls", program(
        "\tACP_AUTO(a) struct a b;\n\n\tif (c)\n\t\treturn 1;\n"
        "\ta_init(&b);\n"), "may leave before b is set up"),
    ("banned_calls", program("\tassert(!\"never\");\n"),
     "write assert(false"),
    ("banned_calls", program("\ttypedef struct a b;\n"), "noun.c:13"),
    ("config_docs", {"lib/config_keys.h": KEYS.replace("NUMBER, ", "")},
     "2 rows, 1 understood"),
    ("config_docs", {"man/ambient-cp.conf.5": PAGE.replace("Ic wait", "Ic w")},
     "conf.5: wait is missing"),
    ("config_docs", {"man/ambient-cp.conf.5": PAGE.replace("Ql 5", "Ql 6")},
     "conf.5: default of wait is '6'"),
    ("config_docs", {"man/ambient-cp.conf.5": PAGE.replace("Ev WAIT", "Ev W")},
     "conf.5: environment of wait is ('W',)"),
    ("config_docs", {"man/ambient-cp.conf.5": PAGE.replace("No def", "Def")},
     "conf.5: default of word_file is '?'"),
    ("config_docs", {"conf/ambient-cp.conf": CONF.replace("#word =\n", "")},
     "ambient-cp.conf: word is missing"),
    ("config_docs", {"conf/ambient-cp.conf": CONF + "#wait = 5\n"},
     "ambient-cp.conf: wait is there 2 times"),
    ("config_docs", {"conf/ambient-cp.conf": CONF + "#new = 5\n"},
     "ambient-cp.conf: new is not a key"),
    ("config_docs", {"conf/ambient-cp.conf": CONF.replace("1..9", "1..8")},
     "words of wait is '1..8'"),
    ("config_docs", {"conf/ambient-cp.conf": CONF + "wait = 5\n"},
     "everything is to be a comment"),
    ("format", program("    given++;\n"), "noun.c:12"),
    ("function_size", {"lib/noun.c": None}, "none found"),
    ("function_size", long_function(61), "has 61 lines"),
    ("function_size", {**long_function(70),
                       ALLOW: "lib/noun.c:acp_noun_count 69\n"},
     "has 70 lines"),
    ("function_size", {**long_function(70),
                       ALLOW: "lib/noun.c:acp_noun_count 71\n"},
     "lower lib/noun.c:acp_noun_count to 70"),
    ("function_size", {ALLOW: "lib/noun.c:acp_noun_count 70\n"},
     "take out lib/noun.c:acp_noun_count"),
    ("headers_alone", {"lib/noun.h": HEADER.replace("stddef", "limits")},
     "size_t"),
    ("headers_alone", {"lib/noun.h": HEADER.replace(
        "size_t acp", "static int unused;\nsize_t acp").replace(
            "#ifndef ACP_LIB_NOUN_H\n#define ACP_LIB_NOUN_H\n", "").replace(
                "\n#endif\n", "").replace(";\nsize", " = 1;\nsize")},
     "redefinition"),
    ("include_graph", NO_SOURCES, "none found"),
    ("include_graph", program('#include "fcgi/noun.h"\n'),
     "lib/ must not include fcgi/noun.h"),
    ("include_graph", {"reconciler/a.c": '#include "fcgi/noun.h"\n'},
     "reconciler/ must not include fcgi/noun.h"),
    ("include_graph", {"fcgi/a.c": '#include "runner/noun.h"\n'},
     "fcgi/ must not include runner/noun.h"),
    ("include_graph", {"fcgi/a.c": '#include "lib/none.h"\n'},
     "no such file: lib/none.h"),
    ("include_graph", {"fcgi/a.c": '#include "lib/noun.c"\n'}, "lib/noun.c"),
    ("include_graph", {"fcgi/a.c": "#include <fcgiapp.h>\n"},
     "<fcgiapp.h> is not allowed"),
    ("include_graph", {"reconciler/requests.c": "#include <fcgiapp.h>\n"},
     "<fcgiapp.h> is not allowed"),
    ("include_graph", {"lib/log.c": "#include <json-c/json.h>\n"},
     "<json-c/json.h> is not allowed"),
    ("include_graph", {"fcgi/unseal.c": "#include <openssl/evp.h>\n"},
     "<openssl/evp.h> is not allowed"),
    ("include_graph", {"fcgi/a.c": "#include <new_library.h>\n"},
     "<new_library.h> is not allowed"),
    ("shellcheck", {"tests/run": None}, "none found"),
    ("shellcheck", {"tests/run": "#!/bin/sh\nrm $1\n"}, "SC2086"),
    ("shellcheck", {"conf/start.sh": "cd /nowhere\nrm x\n"}, "SC2148"),
    ("source_form", {"lib/noun.c": SOURCE.replace(LICENSE, "")},
     "the first line must say"),
    ("source_form", {"tests/run": "#!/bin/sh\nexit 0\n"},
     "tests/run: the first line must say"),
    ("source_form", {"lib/noun.c": SOURCE.replace("/*\n * One", "/* One")},
     "must start a comment"),
    ("source_form", {"lib/noun.h": HEADER.replace("LIB_NOUN", "NOUN")},
     "must be guarded by ACP_LIB_NOUN_H"),
    ("source_form", {"lib/noun.c": SOURCE.replace("#include <config.h>", "")},
     "must first include config.h"),
    ("source_form", {"lib/noun.c": SOURCE.replace(
        '#include "lib/noun.h"', "#include <stddef.h>")},
     "must include lib/noun.h after config.h"),
    ("source_form", {"lib/utils.c": SOURCE}, "lib/utils.c"),
    ("text_form", {"NEWS": b"\xff\n"}, "NEWS: 'utf-8'"),
    ("text_form", {"NEWS": "words \n"}, "NEWS:1"),
    ("text_form", {"NEWS": "words\r\n"}, "NEWS:1"),
    ("text_form", {"NEWS": " \twords\n"}, "NEWS:1"),
    ("text_form", {"NEWS": "words"}, "must end with one newline"),
    ("text_form", {"NEWS": "words\n\n"}, "must end with one newline"),
    ("text_form", {"NEWS": "later, a TO" "DO\n"}, "NEWS:1"),
    ("text_form", {"NEWS": "see /ho" "me/someone\n"}, "NEWS:1"),
]


def write_tree(root, files):
    for path, text in files.items():
        if text is None:
            continue
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())


def run(name, files):
    """(status, output) of a guard over a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        write_tree(root, files)
        result = subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, name + ".py")],
            env={**os.environ, "ACP_SRCDIR": root,
                 "ACP_COMPILE": f"{os.environ.get('ACP_COMPILE', 'cc')}"
                                f" -I{root}"},
            capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr


PROGRAM = "ambient-cp-reconciler"
HARDENED = ("-O2 -D_FORTIFY_SOURCE=2 -fPIE -pie -fstack-protector-all"
            " -Wl,-z,relro,-z,now,-z,noexecstack").split()
# what is added to the compiler's line, what linkage.py must say
LINKS = [
    (["-no-pie", "-fno-PIE"], "not position independent"),
    (["-Wl,-z,lazy"], "symbols are bound late"),
    (["-Wl,-z,norelro"], "no read-only relocations"),
    (["-Wl,-z,execstack"], "executable stack"),
    (["-fno-stack-protector"], "no stack protector"),
    (["-U_FORTIFY_SOURCE", "-O0"], "no function is fortified"),
    (["-Wl,-rpath,/nowhere"], "has a run path"),
    (["-Wl,--no-as-needed", "-lfcgi"], "libfcgi is linked"),
]


def run_linkage(flags):
    """(status, output) of linkage.py over a program linked with flags."""
    with tempfile.TemporaryDirectory() as root:
        code = ("#include <stdio.h>\nint main(int n, char **v)\n"
                "{\n\tchar a[9];\n\tsnprintf(a, (size_t)n * 9, \"%s\", *v);\n"
                "\treturn puts(a) + printf(\"%d\", n);\n}\n")
        subprocess.run(
            [*os.environ.get("CC", "cc").split(), *HARDENED, "-x", "c", "-",
             "-o", os.path.join(root, PROGRAM), *flags],
            input=code, text=True, capture_output=True, check=True)
        result = subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "linkage.py")],
            env={**os.environ, "ACP_BUILDDIR": root, "ACP_PROGRAMS": PROGRAM,
                 "ACP_COMPILE": "-D_FORTIFY_SOURCE=2"},
            capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr


def missed_link(flags, words):
    """Problems when linkage.py does not name the one weakness."""
    status, output = run_linkage(flags)
    if status != 1 or words not in output:
        yield f"status {status}, does not say {words!r}: {output!r}"


def missed(name, change, words):
    """Problems when the guard does not fail as it should."""
    status, output = run(name, {**GOOD, **change})
    if status != 1 or "\nnot ok " not in "\n" + output:
        yield f"status {status}, should have failed"
    if words not in output:
        yield f"does not say {words!r}: {output!r}"


tap = guard.Tap()
for guard_name in sorted({case[0] for case in CASES}):
    code, text = run(guard_name, GOOD)
    if "# SKIP" in text:
        tap.skip(f"{guard_name} fails when it should", "its tool is missing")
        continue
    tap.check(f"{guard_name} passes a good tree",
              [text] if code or "not ok" in text else [])
    for number, case in enumerate(CASES):
        if case[0] == guard_name:
            tap.check(f"{guard_name} finds case {number}: {case[2]}",
                      missed(*case))
code, text = run_linkage([])
tap.check("linkage passes a good program", [text] if code else [])
for flags, words in LINKS:
    tap.check(f"linkage finds {' '.join(flags)}", missed_link(flags, words))
tap.end()
