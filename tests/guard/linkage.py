# SPDX-License-Identifier: Apache-2.0
"""What the built programs link is their privilege statement, and how they
are linked makes an attack harder. Read from the files by readelf."""
import os
import re
import subprocess

import guard

CRYPTO = ("libgnutls", "libhogweed", "libnettle", "libgmp")
SYSTEM = ("libc", "libm", "libpthread", "ld-linux-x86-64", "ld-linux-aarch64")
# program: libraries that it may name itself
PROGRAMS = {
    "ambient-cp-token": ("libfcgi", "libcurl-gnutls", "libcurl", "libjson-c",
                         "libinih", *CRYPTO),
    "ambient-cp-reconciler": ("libcurl-gnutls", "libcurl", "libjson-c",
                              "libinih", "libyaml-0", *CRYPTO),
}
# libraries that a program may name only when configure was asked for them
CHOSEN = {"ambient-cp-token": {"openssl": ("libcrypto",)}}
# what a build with sanitizers brings along
SANITIZER = ("libasan", "libubsan", "libtsan", "liblsan", "libgcc_s",
             "libresolv", "libdl", "librt", "libstdc++")


def chosen_libraries(program):
    """What the back end in config.h adds to the list of a program."""
    path = os.path.join(guard.BUILD, "config.h")
    text = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
    choice = re.search(r'^#define ACP_UNSEAL_BACKEND "(\w+)"', text, re.M)
    return CHOSEN.get(program, {}).get(choice and choice.group(1), ())


def readelf(program, *options):
    return subprocess.run(
        ["readelf", "--wide", *options, os.path.join(guard.BUILD, program)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "LC_ALL": "C"}).stdout


def is_sanitized(program):
    return bool(re.search(r"__(a|ub|t|l)san_", readelf(program, "--symbols")))


def unwanted(program, libraries):
    needed = re.findall(r"\(NEEDED\).*\[(.+?)\.so",
                        readelf(program, "--dynamic"))
    if not needed:
        yield "nothing is linked: not a program"
    allowed = {*libraries, *SYSTEM}
    if is_sanitized(program):
        allowed.update(SANITIZER)
    for library in needed:
        if library not in allowed:
            yield f"{library} is linked, but not in the allow list"


def weaknesses(program):
    dynamic = readelf(program, "--dynamic")
    segments = readelf(program, "--segments")
    symbols = readelf(program, "--symbols")
    stack = re.search(r"GNU_STACK.* (R?W?E?) +0x", segments)
    if not re.search(r"Type:\s+DYN", readelf(program, "--file-header")):
        yield "not position independent"
    if "GNU_RELRO" not in segments:
        yield "no read-only relocations"
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", dynamic):
        yield "symbols are bound late"
    if not stack or "E" in stack.group(1):
        yield "executable stack"
    if re.search(r"LOAD.* RWE ", segments):
        yield "a segment is both writable and executable"
    if re.search(r"\((RPATH|RUNPATH|TEXTREL)\)", dynamic):
        yield "has a run path or relocations in its text"
    if "__stack_chk_fail" not in symbols:
        yield "no stack protector"
    if "_FORTIFY_SOURCE=" in os.environ.get("ACP_COMPILE", "") \
            and not re.search(r"\b__(?!stack)\w+_chk\b", symbols):
        yield "no function is fortified"


BUILT = os.environ.get("ACP_PROGRAMS", "").split()
tap = guard.Tap()
tap.check("there are programs to look at", [] if BUILT else ["none given"])
for name in BUILT:
    tap.check(f"{name} links only what it may",
              unwanted(name, (*PROGRAMS.get(name, ()),
                             *chosen_libraries(name))))
    tap.check(f"{name} is hardened", weaknesses(name))
tap.end()
