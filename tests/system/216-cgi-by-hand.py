#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The CGI program as a web server that loses its patience starts it: told to
end while it asks the provider, it still keeps what it gets; and strangers do
not get it to load a key."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import providers
import tap

# what is refused before a key is looked at: method, credential, answer
CHEAP = [
    ("POST", "Bearer AAAA", "Status: 405"),
    ("GET", None, "Status: 401"),
    ("GET", "Basic AAAA", "Status: 401"),
    ("GET", "Bearer no-base64!", "Status: 401"),
    ("GET", "Bearer " + "A" * 5000, "Status: 401"),
]


def start_cgi(b, uri, method="GET", env=None):
    return b.start("cgi", [*bed.WRAPPER, bed.BUILDDIR / "ambient-cp-token"], {
        "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method,
        "REQUEST_URI": uri, "LOG_LEVEL": "debug", **(env or {})})


def check_end(t, b, key, number):
    """The signal comes while the provider holds its answer back."""
    stub = providers.start_faulty(b)
    stub.set(mode="hold")
    cache = b.path("cache")
    env = {"CP_TOKEN_KEY_FILE": str(key), "CP_TOKEN_CACHE_DIR": str(cache),
           **providers.credentials(stub)}
    cgi = start_cgi(b, "/readyz", env=env)
    bed.wait_until(lambda: stub.state()["requests"] == 1,
                   "the provider is asked")
    cgi.signal(number)
    stub.set(mode="ok")
    name = signal.Signals(number).name
    cgi.good_statuses = None
    t.equal(cgi.wait(), 0, f"{name} does not end a process that asks")
    t.equal(sorted(p.name for p in cache.iterdir()), ["lock", "token"],
            f"{name}: what the provider gave is kept")
    again = start_cgi(b, "/readyz", env=env)
    t.equal(again.wait(), 0, "the next caller is served")
    t.equal(stub.state()["requests"], 1, "without another request")


def fill(pipe):
    """Until who writes into it has to wait."""
    os.set_blocking(pipe, False)
    try:
        while True:
            os.write(pipe, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(pipe, True)


def check_renewal(t, b, key):
    """The signal comes when the answer is out and the log line is not."""
    stub = providers.start_faulty(b)
    cache = b.path("cache")
    env = {"CP_TOKEN_KEY_FILE": str(key), "CP_TOKEN_CACHE_DIR": str(cache),
           **providers.credentials(stub)}
    t.equal(start_cgi(b, "/readyz", env=env).wait(), 0, "a token is kept")
    record = json.loads((cache / "token").read_text())
    record["asked_ms"] -= record["life_ms"] - 30000
    (cache / "token").write_text(json.dumps(record))
    log, log_end = os.pipe()
    fill(log_end)
    with subprocess.Popen(
            [*bed.WRAPPER, bed.BUILDDIR / "ambient-cp-token"],
            env={"PATH": bed.SYSTEM_PATH, "GATEWAY_INTERFACE": "CGI/1.1",
                 "REQUEST_METHOD": "GET", "REQUEST_URI": "/readyz",
                 "LOG_LEVEL": "debug", **env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=log_end) as cgi:
        os.close(log_end)
        answer = b""
        while not answer.endswith(b"\r\n\r\nok"):
            answer += cgi.stdout.read1() or b"\r\n\r\nok"
        cgi.send_signal(signal.SIGTERM)
        while os.read(log, 65536):
            continue
    os.close(log)
    t.equal(cgi.returncode, 0, "a signal after the answer does not end it")
    t.equal(stub.state()["requests"], 2, "the token that is due is renewed")


def check_cheap(t, b):
    for method, credential, answer in CHEAP:
        cgi = start_cgi(b, "/token", method, {
            "CP_TOKEN_KEY_FILE": str(b.scratch / "none.pem"),
            "AMBIENT_API_TOKEN": "a-token",
            **({"HTTP_AUTHORIZATION": credential} if credential else {})})
        cgi.wait()
        t.contains(cgi.log(), answer, f"{method}, {str(credential)[:20]}")
        t.ok("key_refused" not in cgi.log(), "the key is not looked for",
             cgi.log())


with tap.Tap() as t, bed.Bed(t) as b:
    key = b.make_key()
    check_end(t, b, key, signal.SIGTERM)
    check_end(t, b, key, signal.SIGHUP)
    check_renewal(t, b, key)
    check_cheap(t, b)
