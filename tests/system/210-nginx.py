#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What nginx answers by itself, with the shipped configuration: limits,
malformed requests, a missing responder, TLS; in our style, and no secret in
any log."""
import os
import re
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
SECRET_QUERY = f"s={SESSION}&p={PROOF}"
# allowed in one go, see nginx.conf
BURST = 1500
ID = re.compile(r"^[0-9a-f]{32}$")
HOST = b"Host: token.test\r\nConnection: close\r\n"

# name, what is sent, and status and body of the answer
MALFORMED = [
    ("no HTTP", b"hello\r\n\r\n", 400, b"bad request\n"),
    ("no Host", b"GET /token HTTP/1.1\r\n\r\n", 400, b"bad request\n"),
    ("two Authorization headers",
     b"GET /token HTTP/1.1\r\n" + HOST + b"Authorization: Bearer a\r\n"
     b"Authorization: Bearer b\r\n\r\n", 400, b"bad request\n"),
    ("a path above the root", b"GET /../token HTTP/1.1\r\n" + HOST + b"\r\n",
     400, b"bad request\n"),
    ("a broken escape", b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n",
     400, b"bad request\n"),
    ("TRACE", b"TRACE /token HTTP/1.1\r\n" + HOST + b"\r\n",
     405, b"method not allowed\n"),
    ("HTTP/3.0", b"GET /token HTTP/3.0\r\n" + HOST + b"\r\n",
     505, b"bad request\n"),
    ("an unknown transfer encoding", b"POST /token HTTP/1.1\r\n" + HOST +
     b"Transfer-Encoding: x\r\n\r\n", 501, b"bad request\n"),
    ("a long request line",
     b"GET /token?" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
     414, b"uri too long\n"),
    ("a long header",
     b"GET /token HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 5000 + b"\r\n\r\n",
     431, b"header too large\n"),
    ("many headers",
     b"GET /token HTTP/1.1\r\n" + HOST + b"".join(
         b"X%d: " % i + b"a" * 2000 + b"\r\n" for i in range(20)) + b"\r\n",
     431, b"header too large\n"),
    ("a body",
     b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: 2000\r\n\r\n" +
     b"a" * 2000, 413, b"body too large\n"),
    ("an internal path", b"GET /_error/400 HTTP/1.1\r\n" + HOST + b"\r\n",
     404, b"not found\n"),
]


def check_own_answer(t, what, answer, status, body):
    t.equal((answer.status, answer.get("Content-Type"), answer.body),
            (status, "text/plain; charset=utf-8", body), what)
    t.ok(ID.match(answer.get("X-Request-Id"))
         and answer.get("Cache-Control") == "no-store"
         and not answer.all("Location"),
         f"{what}: request id, not cached, leads nowhere", answer.headers)


def check_malformed(t, port):
    for name, data, status, body in MALFORMED:
        check_own_answer(t, name, raw_http.exchange(port, data), status, body)


def check_rate_limit(t, b, port):
    pod = b.pod(1)
    answers = []
    # as fast as one client can: the limit lets 20 a second trickle through
    for _ in range(BURST * 3):
        answers.append(raw_http.request(port, source=pod))
        if answers[-1].status == 429:
            break
    t.ok(len(answers) > BURST, f"{BURST} requests at once are let through",
         f"stopped after {len(answers)}")
    check_own_answer(t, "too many requests get 429", answers[-1], 429,
                     b"too many requests\n")
    t.ok(answers[-1].get("Retry-After"), "429 says when to come again")
    t.equal(raw_http.request(port, source=b.pod(2)).status, 401,
            "another pod is served meanwhile")
    t.equal(raw_http.request(port, "/healthz", source=pod).status, 200,
            "and probes from the same address too")


def check_tls(t, b, responder, public_key):
    folder = b.path("tls")
    folder.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", folder / "tls.key",
         "-out", folder / "tls.crt"], check=True, capture_output=True)
    nginx = b.start_nginx(responder.socket, folder)
    os.environ["SSL_CERT_FILE"] = str(folder / "tls.crt")
    url = f"https://127.0.0.1:{nginx.tls_port}/token"
    t.equal(stock_runner.fetch(url, public_key, SESSION), API_TOKEN,
            "the stock runner gets its token over TLS")
    old = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{nginx.tls_port}",
         "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], stdin=subprocess.DEVNULL,
        capture_output=True, check=False)
    t.ok(old.returncode != 0, "TLS 1.1 is refused", old.stdout)
    answer = raw_http.request(nginx.tls_port)
    check_own_answer(t, "plain HTTP on the TLS port", answer, 400,
                     b"bad request\n")


def check_missing_responder(t, responder, port, credential):
    def ask():
        return raw_http.bearer(port, credential, f"/token?{SECRET_QUERY}")

    responder.kill()
    for what in ("a dead responder", "a missing socket"):
        answer = ask()
        check_own_answer(t, what, answer, 502, b"unavailable\n")
        t.ok(answer.get("Retry-After"), f"{what}: says when to come again")
        if os.path.exists(responder.socket):
            os.unlink(responder.socket)


with tap.Tap() as t, bed.Bed(t) as b:
    key = b.make_key()
    public_key = b.public_key(key)
    responder = b.start_responder(
        key, {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": API_TOKEN})
    nginx = b.start_nginx(responder.socket)
    credential = stock_runner.seal(public_key, SESSION)

    check_malformed(t, nginx.port)
    answer = raw_http.request(nginx.port, "/metrics")
    t.contains(answer.body, b"ambient_cp_token_requests_total",
               "/metrics is there for loopback")
    check_tls(t, b, responder, public_key)
    check_rate_limit(t, b, nginx.port)
    # slips in the path are as secret as the right one
    for target in (f"/token/?{SECRET_QUERY}", f"//token?{SECRET_QUERY}",
                   f"/token%3F{SECRET_QUERY}", f"/{SECRET_QUERY}"):
        raw_http.bearer(nginx.port, credential, target)
    check_missing_responder(t, responder, nginx.port, credential)
    t.equal(b.find_in_logs([API_TOKEN, SESSION, PROOF, credential]), [],
            "no log of any program holds a secret")
    t.ok(any(b"/token" in path.read_bytes() for path in b.log_files()
             if path.name == "access.log"), "the access log was written")
