# SPDX-License-Identifier: Apache-2.0
"""Who may include what: folders are trust domains, and the types of other
libraries stop at the few files named here. This is the one allow list."""
import fnmatch
import os
import re

import guard

# folder: the folders whose headers it may include
FOLDERS = {
    "lib": ("lib",),
    "fcgi": ("fcgi", "lib"),
    "reconciler": ("reconciler", "lib"),
    "runner": ("runner", "lib"),
    "tests": ("tests", "fcgi", "reconciler", "runner", "lib"),
}

# third-party header: the files that may include it, besides tests
LIBRARIES = {
    "fcgiapp.h": ("fcgi/request*", "fcgi/reply*"),
    "curl/*": ("*/http*", "lib/curl_url*", "lib/url*",
               "reconciler/token_url*"),
    "json-c/*": ("*/jwt*", "*/token_reply*", "*/json*", "reconciler/api*",
                 "reconciler/kube*", "reconciler/row*", "reconciler/desired*",
                 "reconciler/observe*", "reconciler/plan*",
                 "reconciler/key_secret*", "reconciler/lease*",
                 "reconciler/apply*", "reconciler/recheck*",
                 "reconciler/self_check*", "reconciler/rotation*",
                 "reconciler/session_*", "reconciler/conditions*",
                 "reconciler/credentials*", "reconciler/vertex*"),
    "gnutls/*": ("lib/key*", "lib/hash*", "lib/hmac*", "lib/secret*", "lib/random*",
                 "fcgi/aead*", "fcgi/keyset*", "fcgi/unseal*", "fcgi/oaep*",
                 "*/seal*"),
    "nettle/*": ("fcgi/unseal_nettle*", "fcgi/oaep*"),
    "gmp.h": ("fcgi/unseal_nettle*",),
    "ini.h": ("lib/config*",),
    "yaml.h": ("reconciler/kubeconfig*",),
    "check.h": (),
    "openssl/*": ("fcgi/unseal_openssl*",),
}

SYSTEM = re.compile(
    r"((sys|linux|netinet|arpa|net|sanitizer|valgrind)/\w+\.h"
    r"|(assert|ctype|dirent|endian|errno|fcntl|getopt|grp|inttypes|langinfo"
    r"|limits|locale|malloc|math|netdb|poll|pthread|pwd|sched|search|semaphore"
    r"|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib"
    r"|stdnoreturn|string|strings|syslog|termios|threads|time|ucontext"
    r"|unistd|wchar|config)\.h)$")


def includes():
    """(file, line, is_ours, header) of every include in the tree."""
    for path in guard.find("*.c", "*.h"):
        for number, line in enumerate(guard.read(path).split("\n"), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
            if match:
                yield (path, number, match.group(1) == '"', match.group(2))


def allowed_files(header):
    for pattern, files in LIBRARIES.items():
        if fnmatch.fnmatch(header, pattern):
            return files
    return None


def is_library_include_good(path, header):
    files = allowed_files(header)
    if files is None:
        return bool(SYSTEM.match(header))
    return (path.startswith("tests/")
            or any(fnmatch.fnmatch(path, pattern) for pattern in files))


def folder_of(path):
    return path.split("/")[0]


ALL = list(includes())
tap = guard.Tap()
tap.check("there are includes to look at", [] if ALL else ["none found"])
tap.check("no folder includes the headers of another program", (
    f"{path}:{number}: {folder_of(path)}/ must not include {header}"
    for path, number, is_ours, header in ALL
    if is_ours
    and folder_of(header) not in FOLDERS.get(folder_of(path), ())))
tap.check("own headers are named from the root and exist", (
    f"{path}:{number}: no such file: {header}"
    for path, number, is_ours, header in ALL
    if is_ours and not os.path.exists(os.path.join(guard.ROOT, header))))
tap.check("no C file is included", (
    f"{path}:{number}: {header}" for path, number, _, header in ALL
    if not header.endswith(".h")))
tap.check("types of other libraries stop at the files allowed here", (
    f"{path}:{number}: <{header}> is not allowed in this file"
    for path, number, is_ours, header in ALL
    if not is_ours and not is_library_include_good(path, header)))
tap.end()
