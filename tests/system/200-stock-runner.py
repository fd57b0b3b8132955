#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The unmodified clients get their token through every web server that we
ship a configuration for, and the answers on the wire are the promised ones."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import raw_http
import stock_runner
import tap

API_TOKEN = "an-api-token-of-the-static-source"
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
TEXT = "text/plain; charset=utf-8"

# what is asked, and status, type and body of the answer
PLAIN_ANSWERS = [
    ("GET", "/token/", (404, TEXT, b"not found\n")),
    ("GET", "/", (404, TEXT, b"not found\n")),
    ("GET", "/nothing", (404, TEXT, b"not found\n")),
    ("GET", "//token", (404, TEXT, b"not found\n")),
    ("GET", "/a/../token", (404, TEXT, b"not found\n")),
    ("GET", "/%74oken", (404, TEXT, b"not found\n")),
    ("POST", "/token/", (404, TEXT, b"not found\n")),
    ("POST", "/token", (405, TEXT, b"method not allowed\n")),
    ("HEAD", "/token", (405, TEXT, b"")),
    ("GET", "/token", (401, TEXT, b"unauthorized\n")),
    ("GET", "/healthz", (200, TEXT, b"ok")),
    ("GET", "/healthz?x", (200, TEXT, b"ok")),
    ("POST", "/healthz", (200, TEXT, b"ok")),
]


def check_clients(t, name, url, public_key):
    t.equal(stock_runner.fetch(url, public_key, SESSION), API_TOKEN,
            f"{name}: the stock runner gets its token")
    t.equal(stock_runner.fetch_strict(url, public_key, SESSION), API_TOKEN,
            f"{name}: the sidecars' client gets its token")
    t.equal(stock_runner.fetch(url + "?q=1", public_key, SESSION), API_TOKEN,
            f"{name}: a query that is not ours is ignored")


def check_success(t, name, port, public_key):
    answer = raw_http.bearer(port, stock_runner.seal(public_key, SESSION))
    t.equal(answer.status, 200, f"{name}: a ciphertext gets 200")
    t.equal(answer.get("Content-Type"), "application/json",
            f"{name}: the reply is JSON")
    t.equal(answer.get("Cache-Control"), "no-store",
            f"{name}: the reply is not kept by anyone")
    t.equal(answer.get("Content-Length"), str(len(answer.body)),
            f"{name}: the reply has a length")
    t.ok(answer.body.startswith(b'{"token":"' + API_TOKEN.encode() + b'"')
         and answer.body.endswith(b"}\n"),
         f"{name}: the reply begins and ends as it should", answer.body)
    t.ok(answer.get("X-Request-Id"), f"{name}: the reply has one request id",
         answer.headers)


def check_plain_answers(t, name, port):
    for method, target, want in PLAIN_ANSWERS:
        answer = raw_http.request(port, target, method=method)
        got = (answer.status, answer.get("Content-Type"), answer.body)
        what = f"{name}: {method} {target}"
        t.equal(got, want, what)
        t.ok(answer.get("X-Request-Id") and not answer.all("Location"),
             f"{what} has a request id and leads nowhere", answer.headers)
    answer = raw_http.request(port, method="POST")
    t.equal(answer.get("Allow"), "GET", f"{name}: 405 says what is allowed")
    answer = raw_http.request(port)
    t.equal(answer.get("WWW-Authenticate"), "Bearer",
            f"{name}: 401 says what is wanted")


def check_request_id(t, name, port):
    answer = raw_http.request(port, "/healthz", [
        ("X-Request-Id", "chosen-by-client"), ("Request-Id", "by-client")])
    t.ok("client" not in answer.get("X-Request-Id"),
         f"{name}: no client sets the request id", answer.headers)


def check_server(t, name, port, public_key):
    check_clients(t, name, f"http://127.0.0.1:{port}/token", public_key)
    check_success(t, name, port, public_key)
    check_plain_answers(t, name, port)
    check_request_id(t, name, port)


with tap.Tap() as t, bed.Bed(t) as b:
    key = b.make_key()
    public_key = b.public_key(key)
    source = {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": API_TOKEN}
    responder = b.start_responder(key, source)
    full = {**source, "CP_TOKEN_KEY_FILE": str(key)}

    check_server(t, "nginx", b.start_nginx(responder.socket).port, public_key)
    check_server(t, "lighttpd FastCGI",
                 b.start_lighttpd_fastcgi(responder.socket).port, public_key)
    check_server(t, "lighttpd FastCGI, started by it",
                 b.start_lighttpd_spawn(full).port, public_key)
    check_server(t, "lighttpd CGI", b.start_lighttpd_cgi(full).port,
                 public_key)
    t.equal(b.find_in_logs([API_TOKEN, SESSION]), [],
            "no log holds the token or the session id")
