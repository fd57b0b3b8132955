#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""lighttpd with the shipped configurations: its error log passes the filter,
which masks what may be secret, line by line, and outlives signals; a missing
responder is an error to the client and nothing more, and is found again."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import raw_http
import stock_runner
import tap

API_TOKEN = "an-api-token-of-the-static-source"
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
PROOF = "wVqnR2Q5proofproofproofproofproof0123456789"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl0123456789"
SECRET_QUERY = f"s={SESSION}&p={PROOF}"

# what goes into the filter, and what comes out
LINES = [
    ("2026-01-02 03:04:05: (server.c.1704) server started (lighttpd/1.4.69)",
     "2026-01-02 03:04:05: (server.c.1704) server started (lighttpd/1.4.69)"),
    (f"handlers for /token?{SECRET_QUERY} on / are down.",
     "handlers for /token?[masked] on / are down."),
    (f"handlers for /token%3f{SECRET_QUERY} on /",
     "handlers for /token%3f[masked] on /"),
    (f'"GET /token?{SECRET_QUERY}" 503', '"GET /token?[masked]" 503'),
    (f"handlers for /readyz{SECRET_QUERY}? on / are down.",
     "handlers for [masked] on / are down."),
    (f"socket: unix:/run/a.sock for /a {SESSION}?x=y, closing connection",
     "socket: unix:/run/a.sock for [masked] closing connection"),
    (f"a request from 192.0.2.1 for /{SESSION} timed out after 10",
     "a request from 192.0.2.1 for [masked] timed out after 10"),
    ("a request from 192.0.2.1 for /token timed out after 10",
     "a request from 192.0.2.1 for /token timed out after 10"),
    ("Authorization: Bearer abc def", "Authorization: [masked]"),
    ("authorization: Basic abc", "authorization: [masked]"),
    ("a bearer token-of-yours", "a bearer [masked]"),
    (f"a word {PROOF} of 43", "a word [masked] of 43"),
    (f"a word {JWT}.", "a word [masked]"),
    ("a word " + "A" * 39 + " of 39", "a word " + "A" * 39 + " of 39"),
    ("a word " + "+/" * 20 + " of 40", "a word [masked] of 40"),
    ("socket: unix:/run/ambient-cp/token.sock: Connection refused",
     "socket: unix:/run/ambient-cp/token.sock: Connection refused"),
]


def check_filter(t, b):
    path = b.path("filtered.log")
    process = subprocess.Popen(
        [bed.SRCDIR / "conf" / "lighttpd-log-filter", path],
        stdin=subprocess.PIPE)
    for number, (line, want) in enumerate(LINES, 1):
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        # the pipe stays open: a line must not wait for the next one
        bed.wait_until(lambda: path.exists() and len(
            path.read_text().splitlines()) >= number, "the line is written")
        t.equal(path.read_text().splitlines()[-1], want,
                f"the filter: {line[:30]}...")
        for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process.send_signal(sign)
    process.stdin.close()
    t.equal(process.wait(bed.PATIENCE), 0, "the filter ends with its input")
    t.ok(not b.mode_of(path) & 0o007, "others cannot read what it wrote")
    wrong = subprocess.run([bed.SRCDIR / "conf" / "lighttpd-log-filter"],
                           stdin=subprocess.DEVNULL, capture_output=True,
                           check=False)
    t.equal(wrong.returncode, 2, "without a file it refuses to run")


def check_missing_responder(t, b, key, credential):
    source = {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": API_TOKEN}
    responder = b.start_responder(key, source)
    lighttpd = b.start_lighttpd_fastcgi(responder.socket)

    def ask():
        return raw_http.bearer(lighttpd.port, credential,
                               f"/token?{SECRET_QUERY}")

    responder.kill()
    for what in ("a dead responder", "a missing socket"):
        answer = ask()
        t.equal(answer.status, 503, f"{what}: 503")
        t.ok(not answer.all("Location") and PROOF.encode() not in answer.raw,
             f"{what}: leads nowhere, repeats nothing", answer)
        if os.path.exists(responder.socket):
            os.unlink(responder.socket)
    # the filter may still be starting
    bed.wait_until(lambda: any(b"[masked]" in p.read_bytes()
                               for p in b.log_files()
                               if p.name == "error.log"),
                   "the error log quotes the request, masked")
    t.ok(True, "the error log quotes the request, masked")
    b.start_responder(key, source, socket_path=responder.socket)
    bed.wait_until(
        lambda: raw_http.request(lighttpd.port, "/healthz").status == 200,
        "lighttpd finds the responder again")
    t.ok(True, "lighttpd finds the responder again")
    answer = raw_http.request(lighttpd.port, "/token",
                              [("Range", "bytes=0-1"), ("Authorization",
                                                        "Bearer " + credential)])
    t.equal((answer.status, answer.body[:9]), (200, b'{"token":'),
            "a token is answered whole, whatever range is asked for")
    answer = raw_http.request(lighttpd.port, "/metrics")
    t.contains(answer.body, b"ambient_cp_token_requests_total",
               "/metrics is there for loopback")


with tap.Tap() as t, bed.Bed(t) as b:
    key = b.make_key()
    credential = stock_runner.seal(b.public_key(key), SESSION)
    check_filter(t, b)
    check_missing_responder(t, b, key, credential)
    t.equal(b.find_in_logs([API_TOKEN, SESSION, PROOF, credential]), [],
            "no log of any program holds a secret")
    lines = [line for path in b.log_files() if path.name == "access.log"
             for line in path.read_text().splitlines()]
    t.ok(any(" /token 503 " in line for line in lines),
         "the access log names path and status", *lines)
