# SPDX-License-Identifier: Apache-2.0
"""A proxy between a client under test and an HTTP server, that counts what
passes and fails on demand. The client is pointed at it as if it were the
server; it speaks HTTP/1.1 on loopback, with TLS when given a certificate.

    with fault_proxy.Proxy("https://127.0.0.1:6443", upstream_ca=ca,
                           certificate=(cert, key)) as proxy:
        proxy.on("GET", r"/namespaces$", nth=2).answer(410, reason="Expired")
        proxy.on("GET", r"/pods").delay(3)
        proxy.on("POST", times=1).drop(is_forwarded=True)
        proxy.on("GET", r"/projects").empty_list()
        proxy.kill_at_write(7, lambda: process.pid, is_answered=False)

A rule matches by method and by a regular expression searched in path and
query. Of its matches it takes the nth (1: from the first on) and the times - 1
after it; times=None: for ever. The first rule that takes a request has it.
Rules stay until proxy.clear(); rule.hits counts what it took. Everything that
came is in proxy.requests, each with method, path, status (None: not answered).
Nothing here knows Kubernetes but for the shape of the errors in answer().
"""
import http.client
import http.server
import json
import os
import re
import select
import signal
import socket
import ssl
import threading
import time
import urllib.parse

HOST = "127.0.0.1"
TIMEOUT = 120
WRITES = ("POST", "PUT", "PATCH", "DELETE")
# Questions that Kubernetes wants asked by POST.
QUESTIONS = re.compile(r"/(selfsubject\w+|subjectaccess|tokenreview)")
# What concerns one connection only and is not passed on.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade",
              "proxy-connection", "proxy-authorization", "expect", "trailer",
              "content-length", "host"}


class Dropped(Exception):
    """The connection is closed without a further word."""


class Answer:
    """What the client is to get: status, headers (pairs) and body."""

    def __init__(self, status, headers=(), body=b""):
        self.status = status
        self.headers = list(headers)
        self.body = body

    def json(self):
        return json.loads(self.body)

    def set_json(self, value):
        self.body = json.dumps(value).encode()


class Request:
    """One that came to the proxy."""

    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.is_write = method in WRITES and not QUESTIONS.search(path)
        # the write that the client is killed at, or one after it
        self.is_last = self.is_late = False
        self.status = None
        self.came = time.monotonic()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.method} {self.path} -> {self.status}"


class Rule:
    """What happens to requests of one kind; made by Proxy.on(). The methods
    may be combined: rule.delay(1).answer(503)."""

    def __init__(self, proxy, method, pattern, nth, times):
        self.proxy = proxy
        self.method = method
        self.pattern = re.compile(pattern)
        self.first = nth
        self.times = times
        self.seen = 0
        self.hits = 0
        # before it is forwarded; instead of that; on its answer; at the end
        self.before = []
        self.instead = None
        self.edits = []
        self.ending = None

    def takes(self, request):
        """Counts the request; asked under the proxy's lock."""
        if self.method and request.method != self.method:
            return False
        if not self.pattern.search(request.path):
            return False
        self.seen += 1
        if self.seen < self.first:
            return False
        if self.times is not None and self.seen >= self.first + self.times:
            return False
        self.hits += 1
        return True

    # --- before -----------------------------------------------------------------

    def delay(self, seconds):
        self.before.append(lambda _request: time.sleep(seconds))
        return self

    def call(self, function):
        """function(request) runs before it is forwarded, and may change the
        world behind the client's back."""
        self.before.append(function)
        return self

    def hold(self):
        """It waits for release() (or for the proxy's end)."""
        event = threading.Event()
        self.proxy.held.append(event)
        self.release = event.set
        self.before.append(lambda _request: event.wait(TIMEOUT))
        return self

    # --- instead ----------------------------------------------------------------

    def answer(self, status, body=None, reason="", message="", headers=()):
        """It is not forwarded. body: a str as it is, anything else as JSON;
        without one a Kubernetes Status with reason and message."""
        if body is None:
            body = {"kind": "Status", "apiVersion": "v1", "metadata": {},
                    "status": "Success" if status < 300 else "Failure",
                    "code": status, "reason": reason,
                    "message": message or f"fault on demand: {reason}"}
        text = body if isinstance(body, str) else json.dumps(body)
        pairs = list(dict(headers).items())
        if not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.append(("Content-Type", "application/json"))
        self.instead = lambda _request: Answer(status, pairs, text.encode())
        return self

    def drop(self, is_forwarded=False):
        """The connection ends without an answer; is_forwarded: the server
        has done what it was asked all the same."""
        def end(*_arguments):
            raise Dropped
        if is_forwarded:
            self.edits.append(end)
        else:
            self.instead = end
        return self

    # --- on the answer ----------------------------------------------------------

    def edit(self, function):
        """function(request, answer) changes the server's answer."""
        self.edits.append(function)
        return self

    def edit_json(self, function):
        """function(value) changes the JSON of a good answer in place."""
        def change(_request, answer):
            if answer.status == 200:
                value = answer.json()
                function(value)
                answer.set_json(value)
        return self.edit(change)

    def empty_list(self):
        """A list without items, with 200, that claims to be all."""
        def change(value):
            value["items"] = []
            _make_last_page(value)
            if "total" in value:
                value.update(total=0, size=0)
        return self.edit_json(change)

    def shrink(self, keeps):
        """Only the items for which keeps(item) is true."""
        def change(value):
            value["items"] = [i for i in value.get("items") or [] if keeps(i)]
        return self.edit_json(change)

    def cut(self):
        """The connection ends half way through the body of the answer."""
        self.ending = "cut"
        return self


def _make_last_page(value):
    if isinstance(value.get("metadata"), dict):
        for name in ("continue", "remainingItemCount"):
            value["metadata"].pop(name, None)


class Kill:
    """SIGKILL to a client around one of its writes."""

    def __init__(self, number, pid, is_answered, pattern):
        self.number = number
        self.pid = pid
        self.is_answered = is_answered
        self.pattern = re.compile(pattern)
        self.count = 0
        self.is_done = threading.Event()

    def note(self, request):
        """Counts a write; asked under the proxy's lock."""
        if self.count >= self.number:
            request.is_late = True
        elif self.pattern.search(request.path):
            self.count += 1
            request.is_last = self.count == self.number

    def strike(self):
        pid = self.pid() if callable(self.pid) else self.pid
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.is_done.set()


class Proxy:
    """See above. upstream: http[s]://host:port; upstream_ca: a file that its
    certificate is checked with; certificate: (file, key file) shown to the
    clients, who are spoken to without TLS when there is none."""

    def __init__(self, upstream, upstream_ca=None, certificate=None):
        self.upstream = urllib.parse.urlsplit(upstream)
        self.upstream_tls = (ssl.create_default_context(cafile=upstream_ca)
                             if self.upstream.scheme == "https" else None)
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.lock = threading.Lock()
        self.requests = []
        self.rules = []
        self.held = []
        self.writes = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.armed = None
        self.server = None
        self.open(0)
        self.port = self.server.server_address[1]
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://{HOST}:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def open(self, port=None):
        """Listens again after close(), at the same port."""
        self.server = _Server((HOST, self.port if port is None else port),
                              _Handler)
        self.server.proxy = self
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        """From now on connections are refused; those there are end."""
        for event in self.held:
            event.set()
        self.server.shutdown()
        self.server.server_close()
        self.server.drop_all()

    # --- what is to happen ------------------------------------------------------

    def on(self, method=None, pattern="", nth=1, times=None):
        """A new Rule; it does nothing until told what."""
        rule = Rule(self, method, pattern, nth, times)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clear(self):
        """No more rules, nothing armed; releases what was held."""
        with self.lock:
            self.rules, self.armed = [], None
            held, self.held = self.held, []
        for event in held:
            event.set()

    def kill_at_write(self, number, pid, is_answered=False, pattern=""):
        """Forwards the number-th write from now, of those whose path has the
        pattern, and kills pid (or what pid() gives) before or after the
        answer is given back; no write that comes later is forwarded. Returns
        an object whose is_done is an Event: not set, there were fewer."""
        kill = Kill(number, pid, is_answered, pattern)
        with self.lock:
            self.armed = kill
        return kill

    # --- what has happened ------------------------------------------------------

    def forget(self):
        """Counts from zero again."""
        with self.lock:
            self.requests, self.writes, self.most_in_flight = [], 0, 0

    def seen(self, method=None, pattern=""):
        """The requests that came, in their order."""
        with self.lock:
            return [r for r in self.requests
                    if (not method or r.method == method)
                    and re.search(pattern, r.path)]

    def count(self, method=None, pattern=""):
        return len(self.seen(method, pattern))

    # --- for the handlers -------------------------------------------------------

    def enter(self, request):
        """Notes it; returns the rule that it falls under, or None, and the
        Kill that is armed."""
        with self.lock:
            self.requests.append(request)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            if request.is_write:
                self.writes += 1
                if self.armed:
                    self.armed.note(request)
            # each rule counts for itself
            takers = [rule for rule in self.rules if rule.takes(request)]
            return (takers[0] if takers else None), self.armed

    def leave(self):
        with self.lock:
            self.in_flight -= 1


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    proxy = None

    def __init__(self, *arguments):
        self.connections = set()
        self.lock = threading.Lock()
        super().__init__(*arguments)

    def get_request(self):
        connection, address = super().get_request()
        if self.proxy.tls:
            # shakes hands in the thread of the connection, at its first read
            connection = self.proxy.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False)
        with self.lock:
            self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request):
        with self.lock:
            self.connections.discard(request)
        super().shutdown_request(request)

    def drop_all(self):
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            try:
                # not SSLSocket's own: another thread may be reading
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request, client_address):
        """Connections break here by design."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = TIMEOUT

    def setup(self):
        super().setup()
        self.proxy = self.server.proxy
        self.backend = None

    def finish(self):
        if self.backend:
            self.backend.close()
        super().finish()

    def log_message(self, *_arguments):
        pass

    def handle_any(self):
        request = Request(self.command, self.path, self.headers,
                          self.read_body())
        rule, kill = self.proxy.enter(request)
        try:
            self.handle_request(request, rule, kill)
        except (Dropped, OSError, http.client.HTTPException):
            self.close_connection = True
        finally:
            self.proxy.leave()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any
    do_OPTIONS = handle_any

    def handle_request(self, request, rule, kill):
        if request.is_late:
            # its client is as good as dead
            kill.is_done.wait(TIMEOUT)
            raise Dropped
        for action in rule.before if rule else ():
            action(request)
        if rule and rule.instead:
            answer = rule.instead(request)
        elif rule is None and not request.is_last:
            return self.stream(request)
        else:
            answer = self.fetch(request)
        for edit in rule.edits if rule else ():
            edit(request, answer)
        if request.is_last and not kill.is_answered:
            kill.strike()
            raise Dropped
        self.give(request, answer, rule and rule.ending == "cut")
        if request.is_last:
            kill.strike()
        return None

    # --- to the server ----------------------------------------------------------

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                parts.append(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def ask_server(self, request, headers):
        """Sends it on, once: a write must not be doubled here."""
        if self.backend and select.select([self.backend.sock], [], [], 0)[0]:
            # a kept connection that the server has closed in the meantime
            self.backend.close()
            self.backend = None
        self.backend = self.backend or self.connect()
        self.backend.putrequest(request.method, request.path,
                                skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            self.backend.putheader(name, value)
        self.backend.endheaders(request.body or None)
        return self.backend.getresponse()

    def connect(self):
        where = self.proxy.upstream
        if self.proxy.upstream_tls:
            connection = http.client.HTTPSConnection(
                where.hostname, where.port, timeout=TIMEOUT,
                context=self.proxy.upstream_tls)
        else:
            connection = http.client.HTTPConnection(
                where.hostname, where.port, timeout=TIMEOUT)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def headers_for_server(self, request, is_plain):
        headers = [(name, value) for name, value in request.headers.items()
                   if name.lower() not in HOP_BY_HOP
                   and not (is_plain and name.lower() == "accept-encoding")]
        headers.append(("Host", self.proxy.upstream.netloc))
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            headers.append(("Content-Length", str(len(request.body))))
        return headers

    def fetch(self, request):
        """The whole of the server's answer, not compressed."""
        reply = self.ask_server(request,
                                self.headers_for_server(request, True))
        body = reply.read()
        return Answer(reply.status, self.headers_for_client(reply), body)

    @staticmethod
    def headers_for_client(reply):
        return [(name, value) for name, value in reply.getheaders()
                if name.lower() not in HOP_BY_HOP]

    # --- to the client ----------------------------------------------------------

    def start_answer(self, request, status, headers):
        request.status = status
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)

    def give(self, request, answer, is_cut=False):
        self.start_answer(request, answer.status, answer.headers)
        if not any(name.lower() == "date" for name, _ in answer.headers):
            self.send_header("Date", self.date_time_string())
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        body = b"" if request.method == "HEAD" else answer.body
        self.wfile.write(body[:len(body) // 2] if is_cut else body)
        self.wfile.flush()
        if is_cut:
            raise Dropped

    def stream(self, request):
        """Passes the answer on as it comes, watches too."""
        count = 0
        reply = self.ask_server(request,
                                self.headers_for_server(request, False))
        self.start_answer(request, reply.status,
                          self.headers_for_client(reply))
        length = reply.getheader("Content-Length")
        has_body = (request.method != "HEAD"
                    and reply.status not in (204, 304))
        is_chunked = has_body and length is None
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        while True:
            part = reply.read1(65536)
            if not part:
                break
            count += len(part)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part)
                             if is_chunked else part)
            self.wfile.flush()
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        if has_body and length is not None and count != int(length):
            raise Dropped
        # or its connection would take no further request
        reply.close()
