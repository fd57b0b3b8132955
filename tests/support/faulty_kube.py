#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server in name only: it answers what it is told to.

    /usr/bin/python3 tests/support/faulty_kube.py --stdin [--tls]

Prints one line of JSON when ready: token_url (the base URL), ca_file (of a
certificate for the name kube.test and no address, with --tls). Each line of
standard input is {"answers": [...]} or empty, and is answered by the state:
{"requests", "connections", "last_method", "last_path", "last_body",
"last_accept", "last_type", "last_bearer", "last_host", "paths"}. The end of
standard input ends the program.

Answers are given in order, the last one for ever. One has "status" (200),
"body" (an object, or a text as it is), "headers", and "how": "" (whole),
"close" (nothing is sent), "cut" (half of the body is), "hang" (nothing, until
the client leaves), "hold" (until there were `until` requests; -1: until other
answers are set), "padded" (to `size` bytes), or "pods": a page of `total`
pods by the request's limit and continue, which is "expired" (410) at the
item `expire_at`, once.
"""
import argparse
import atexit
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

NAME = "kube.test"


class State:
    """What is to be answered and what was seen; one lock over it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answers = [{"status": 404, "body": "404 page not found"}]
        self.seen = {"requests": 0, "connections": 0, "paths": []}
        self.has_expired = False
        self.settings = 0

    def apply(self, line):
        with self.lock:
            if line.strip():
                self.answers = json.loads(line)["answers"]
                self.has_expired = False
                self.settings += 1
                self.seen["paths"] = []
            return dict(self.seen, paths=" ".join(self.seen["paths"]))

    def is_held(self, until):
        with self.lock:
            return (self.settings < 2 if until < 0
                    else self.seen["requests"] < until)

    def take(self):
        return self.answers.pop(0) if len(self.answers) > 1 \
            else self.answers[0]


STATE = State()


def make_status(code, reason):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": code, "reason": reason, "message": "so says the stub"}


def make_page(answer, query):
    """A page of pods; the continue token is the number of the next one."""
    start = int(query.get("continue", "0").strip("+ /") or 0)
    end = min(start + int(query["limit"]), answer["total"])
    if start and start >= answer.get("expire_at", answer["total"]) \
            and not STATE.has_expired:
        STATE.has_expired = True
        return 410, make_status(410, "Expired")
    items = [{"metadata": {"name": f"pod-{number}"}}
             for number in range(start, end)]
    metadata = {"resourceVersion": "7"}
    if end < answer["total"]:
        # as a real one, with what must be escaped in a query
        metadata["continue"] = f"+ /{end}"
    return 200, {"kind": "PodList", "apiVersion": "v1", "metadata": metadata,
                 "items": items or None}


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def setup(self):
        super().setup()
        with STATE.lock:
            STATE.seen["connections"] += 1

    def do_any(self):
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size).decode()
        with STATE.lock:
            answer = STATE.take()
            self.note(body)
        getattr(self, "how_" + answer.get("how", "whole"))(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def note(self, body):
        seen = STATE.seen
        seen["requests"] += 1
        seen["paths"].append(self.path)
        seen["last_method"] = self.command
        seen["last_path"] = self.path
        seen["last_body"] = body
        seen["last_accept"] = self.headers.get("Accept")
        seen["last_type"] = self.headers.get("Content-Type")
        seen["last_host"] = self.headers.get("Host")
        seen["last_bearer"] = self.headers.get(
            "Authorization", "none").removeprefix("Bearer ")

    def send(self, status, body, headers, sent=None):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:sent])

    def how_whole(self, answer):
        self.send(answer.get("status", 200), answer.get("body", {}),
                  answer.get("headers", {}))

    def how_pods(self, answer):
        query = dict(urllib.parse.parse_qsl(
            urllib.parse.urlsplit(self.path).query))
        with STATE.lock:
            status, body = make_page(answer, query)
        self.send(status, body, {})

    def how_close(self, answer):
        self.close_connection = True

    def how_cut(self, answer):
        self.send(answer.get("status", 200), answer.get("body", {}), {}, 5)
        self.close_connection = True

    def how_hang(self, answer):
        self.close_connection = True
        self.rfile.read(1)

    def how_hold(self, answer):
        while STATE.is_held(answer["until"]):
            time.sleep(0.01)
        self.send(200, {}, {})

    def how_padded(self, answer):
        self.send(200, '{"kind":"Pod"}'.ljust(answer["size"]), {})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """A client that leaves early is what the tests are about."""


def wrap_tls(server):
    folder = tempfile.mkdtemp(prefix="faulty-kube-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=faulty-kube", "-addext",
         "subjectAltName=DNS:" + NAME, "-keyout", key, "-out", cert],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False)
    return cert


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stdin", action="store_true", required=True)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    server = Server(("127.0.0.1", 0), Endpoint)
    ca_file = wrap_tls(server) if arguments.tls else ""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scheme = "https" if arguments.tls else "http"
    print(json.dumps({"token_url": "%s://127.0.0.1:%d" % (
        scheme, server.server_address[1]), "ca_file": ca_file}), flush=True)
    for line in sys.stdin:
        print(json.dumps(STATE.apply(line)), flush=True)


if __name__ == "__main__":
    main()
