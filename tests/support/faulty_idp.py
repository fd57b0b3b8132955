#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A token endpoint that fails on demand, for what a real one does not do.

    /usr/bin/python3 tests/support/faulty_idp.py [--port N] [--admin-port N]
        [--host ADDRESS] [--tls | --old-tls] [--stdin]

Prints one line of JSON when ready: token_url, admin_url, pid, ca_file (a
self-signed certificate with --tls, which offers TLS 1.2 and newer, and with
--old-tls, which offers nothing above TLS 1.1).

The mode is switched by GET admin_url/set?mode=slow&seconds=9 ..., the state
is read by GET admin_url/state; both answer {"mode", "requests" (in all),
"counts" (by mode), "redirected", "connects" (to it as a proxy), "basic",
"form", "last_user", "last_password", "last_form"}. With --stdin each line of stdin is such a query
("mode=slow&seconds=9", or empty to read) and is answered by a line on stdout;
the end of stdin ends the program, so that it never outlives a test.

Modes: ok; slow (answers ok after `seconds`); hang (answers nothing until the
client leaves); hold (waits for another mode and answers as that one); 500;
401; refuse_basic_400 and refuse_basic_401 (invalid_client unless the secret is
in the form); refuse_form (the other way round); garbage; body (200 with `body`
as it is); status (`status` with `body`); exact (200 with a token reply padded
to `size` bytes); endless (a body without end); endless_head; cut (closes
inside the body); drip (a byte a second); redirect (302 to `location`, here a
place that counts); wait (`status` with Retry-After `retry_after`); close (no
answer at all).
Values that stay until set again: life (seconds of expires_in, 300), token
(its prefix; a counter follows), seconds, status, body, size, retry_after,
location.
"""
import argparse
import atexit
import base64
import http.server
import json
import os
import select
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import warnings

HOST = "127.0.0.1"


class State:
    """What is asked for and what was seen; one lock over all of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.mode = "ok"
        self.values = {"life": "300", "token": "faulty", "seconds": "1",
                       "status": "503", "body": "", "size": "1000",
                       "retry_after": "1", "location": "/elsewhere"}
        self.counts = {}
        self.seen = {"requests": 0, "redirected": 0, "connects": 0,
                     "basic": 0, "form": 0, "last_user": None, "last_password": None,
                     "last_form": ""}

    def apply(self, query):
        given = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        with self.lock:
            mode = given.pop("mode", self.mode)
            if not hasattr(Endpoint, "do_mode_" + mode):
                return {"error": "no such mode: " + mode}
            unknown = set(given) - set(self.values)
            if unknown:
                return {"error": "no such value: " + ", ".join(unknown)}
            self.mode = mode
            self.values.update(given)
            return {"mode": self.mode, "counts": self.counts, **self.seen}


STATE = State()


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def do_CONNECT(self):
        with STATE.lock:
            STATE.seen["connects"] += 1
        self.send_error(502)

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        form = self.rfile.read(size).decode()
        self.close_connection = True
        if self.path == "/elsewhere":
            with STATE.lock:
                STATE.seen["redirected"] += 1
            self.answer(200, self.make_token())
            return
        with STATE.lock:
            mode = STATE.mode
            self.values = dict(STATE.values)
            self.note(mode, form)
        getattr(self, "do_mode_" + mode)()

    def note(self, mode, form):
        seen = STATE.seen
        words = self.headers.get("Authorization", "").split(" ")
        self.is_basic = words[0] == "Basic"
        seen["requests"] += 1
        seen["basic" if self.is_basic else "form"] += 1
        seen["last_form"] = form
        seen["last_user"] = seen["last_password"] = None
        if self.is_basic:
            pair = base64.b64decode(words[1]).decode().split(":", 1)
            seen["last_user"], seen["last_password"] = pair
        STATE.counts[mode] = STATE.counts.get(mode, 0) + 1
        self.number = seen["requests"]

    def make_token(self):
        values = getattr(self, "values", STATE.values)
        number = getattr(self, "number", 0)
        return json.dumps({
            "access_token": "%s-%d" % (values["token"], number),
            "token_type": "Bearer",
            "expires_in": float(values["life"])
            if "." in values["life"] else int(values["life"]),
        })

    def answer(self, status, body, headers=()):
        data = body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def wait_for_leave(self, seconds):
        """True when the client left before the time was over."""
        self.connection.settimeout(seconds)
        try:
            return self.rfile.read(1) == b""
        except OSError:
            return False

    def write_until_left(self, piece):
        try:
            while True:
                self.wfile.write(piece)
        except OSError:
            pass

    def do_mode_ok(self):
        self.answer(200, self.make_token())

    def do_mode_slow(self):
        if not self.wait_for_leave(float(self.values["seconds"])):
            self.connection.settimeout(None)
            self.do_mode_ok()

    def do_mode_hang(self):
        self.wait_for_leave(3600)

    def do_mode_hold(self):
        while STATE.mode == "hold":
            # readable: the client has left, for it has nothing more to say
            if select.select([self.connection], [], [], 0.02)[0]:
                return
        with STATE.lock:
            mode = STATE.mode
            self.values = dict(STATE.values)
        getattr(self, "do_mode_" + mode)()

    def do_mode_500(self):
        self.answer(500, '{"error":"server_error",'
                    '"error_description":"PROVIDER-TEXT"}')

    def do_mode_401(self):
        self.answer(401, '{"error":"invalid_client",'
                    '"error_description":"PROVIDER-TEXT"}')

    def refuse_one(self, is_refused, status):
        if is_refused:
            self.answer(status, '{"error":"invalid_client"}')
        else:
            self.do_mode_ok()

    def do_mode_refuse_basic_400(self):
        self.refuse_one(self.is_basic, 400)

    def do_mode_refuse_basic_401(self):
        self.refuse_one(self.is_basic, 401)

    def do_mode_refuse_form(self):
        self.refuse_one(not self.is_basic, 400)

    def do_mode_garbage(self):
        self.answer(200, "<html>PROVIDER-TEXT \x00\x01</html>")

    def do_mode_body(self):
        self.answer(200, self.values["body"])

    def do_mode_status(self):
        self.answer(int(self.values["status"]), self.values["body"])

    def do_mode_exact(self):
        self.answer(200, self.make_token().ljust(int(self.values["size"])))

    def do_mode_endless(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.write_until_left(b"{" * 4096)

    def do_mode_endless_head(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.write_until_left(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    def do_mode_cut(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                         + self.make_token().encode())

    def do_mode_drip(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                self.wfile.write(b" ")
                if self.wait_for_leave(1):
                    return
        except OSError:
            pass

    def do_mode_redirect(self):
        self.answer(302, "", [("Location", self.values["location"])])

    def do_mode_wait(self):
        self.answer(int(self.values["status"]), "PROVIDER-TEXT",
                    [("Retry-After", self.values["retry_after"])])

    def do_mode_close(self):
        pass


class Admin(http.server.BaseHTTPRequestHandler):
    def log_message(self, format, *args):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path not in ("/set", "/state"):
            self.send_error(404)
            return
        state = STATE.apply(query if path == "/set" else "")
        data = (json.dumps(state) + "\n").encode()
        self.send_response(400 if "error" in state else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that leaves early is what the tests are about."""


def make_certificate():
    folder = tempfile.mkdtemp(prefix="faulty-idp-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=faulty-idp", "-addext",
         "subjectAltName=IP:" + HOST, "-keyout", key, "-out", cert],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


def wrap_tls(server, is_old):
    cert, key = make_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if is_old:
        warnings.simplefilter("ignore", DeprecationWarning)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False)
    return cert


def start(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--admin-port", type=int, default=0)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--old-tls", action="store_true")
    parser.add_argument("--stdin", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    endpoint = Server((options.host, options.port), Endpoint)
    is_tls = options.tls or options.old_tls
    ca_file = wrap_tls(endpoint, options.old_tls) if is_tls else None
    print(json.dumps({
        "token_url": "%s://%s:%d/token" % (
            "https" if is_tls else "http", options.host, start(endpoint)),
        "admin_url": "http://%s:%d" % (
            HOST, start(Server((HOST, options.admin_port), Admin))),
        "pid": os.getpid(),
        "ca_file": ca_file,
    }), flush=True)
    if not options.stdin:
        threading.Event().wait()
    for line in sys.stdin:
        print(json.dumps(STATE.apply(line.strip())), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
